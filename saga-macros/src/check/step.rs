//! One step: its clauses, each where it belongs, none missing, none twice (L03, L07, L10, L11, L13).

use proc_macro2::{Ident, Span};
use syn::{Expr, Type};

use super::items::once;
use super::scope::{Scope, Scopes};
use super::{arms, attributes, unbuilt};
use crate::aliases;
use crate::errors::Errors;
use crate::model::{Action, ActionKind, Compensation, Duration, Exchange, Outcome, Retry, Value};
use crate::model::{Disposition, Step};
use crate::syntax::{self, Clause, Compensate};

/// Checks one step.
pub(super) fn step(
    errors: &mut Errors,
    scopes: &Scopes<'_>,
    index: usize,
    step: syntax::Step,
    values: &[Value],
) -> Step {
    let before = errors.count();
    let value = values.iter().position(|value| value.step == Some(index)).unwrap_or_default();
    let doc = attributes::of_value(errors, &step.attributes);
    let built = is_built(errors, &step);
    let syntax::Step { name, output, clauses, broken, attempted, .. } = step;
    let clauses = Clauses::sorted(errors, clauses);
    let step = Given { name: &name, output: output.as_ref(), broken, attempted: &attempted };
    if built {
        clauses.missing(errors, &step);
    }
    let compensation = clauses.compensation(errors, &scopes.compensation(index));
    let exchange = if built { clauses.exchange(errors, &scopes.step(index), &step) } else { None };
    let whole = !broken && errors.count() == before;
    Step { value, doc, exchange, compensation, whole, name, output }
}

/// What the rules about missing clauses look at.
struct Given<'a> {
    name: &'a Ident,
    output: Option<&'a Type>,
    /// Whether something in it did not parse, so that what is missing may be just that.
    broken: bool,
    attempted: &'a [&'static str],
}

/// Reports what a step's head says and this release cannot do.
fn is_built(errors: &mut Errors, step: &syntax::Step) -> bool {
    let before = errors.count();
    if let Some(kind) = &step.kind {
        unbuilt::report(errors, kind.span(), &format!("{kind} step"));
    }
    if let Some(each) = &step.each {
        unbuilt::report(errors, each.keyword, "for");
    }
    if let Some(when) = &step.when {
        unbuilt::report(errors, when.keyword.span(), "when");
    }
    errors.count() == before
}

/// Whether a type is `()`.
pub(crate) fn is_unit(ty: &Type) -> bool {
    matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty())
}

/// A duration; none when it is broken, which is reported already.
pub(super) fn duration(errors: &mut Errors, scope: &Scope<'_>, duration: syntax::Duration) -> Option<Duration> {
    match duration {
        syntax::Duration::Literal { span, duration } => Some(Duration::Literal { span, duration }),
        syntax::Duration::Computed(expression) => {
            Some(Duration::Computed(Box::new(scope.phrase(errors, expression, &[]))))
        }
        syntax::Duration::Broken => None,
    }
}

/// The clauses by kind.
#[derive(Default)]
struct Clauses {
    action: Option<(Ident, Option<(ActionKind, Expr)>)>,
    arms: Option<(Ident, Vec<syntax::Arm>)>,
    within: Option<(Ident, syntax::Duration)>,
    retry: Option<syntax::Retry>,
    compensate: Option<(Ident, Compensate)>,
}

impl Clauses {
    fn sorted(errors: &mut Errors, clauses: Vec<Clause>) -> Self {
        let mut sorted = Self::default();
        for clause in clauses {
            match clause {
                Clause::Send { keyword, command } => sorted.act(errors, keyword, Some((ActionKind::Send, command))),
                Clause::Query { keyword, command } => sorted.act(errors, keyword, Some((ActionKind::Query, command))),
                Clause::Run { keyword } | Clause::Sleep { keyword } => {
                    unbuilt::report(errors, keyword.span(), &keyword.to_string());
                    sorted.act(errors, keyword, None);
                }
                Clause::Await { keyword, arms } => once(errors, &mut sorted.arms, (keyword, arms), first),
                Clause::Within { keyword, duration } => once(errors, &mut sorted.within, (keyword, duration), first),
                Clause::Retry(retry) => once(errors, &mut sorted.retry, *retry, |retry| &retry.keyword),
                Clause::Compensate { keyword, how } => once(errors, &mut sorted.compensate, (keyword, how), first),
            }
        }
        sorted
    }

    fn act(&mut self, errors: &mut Errors, keyword: Ident, action: Option<(ActionKind, Expr)>) {
        match &self.action {
            Some((earlier, _)) if *earlier == keyword => {
                errors
                    .at(&keyword, format!("`{keyword}` is given twice: a step is one exchange, so make it two steps"));
            }
            Some((earlier, _)) => {
                errors
                    .at(&keyword, format!("a step is one exchange, and this one has a `{earlier}`: make it two steps"));
            }
            None => self.action = Some((keyword, action)),
        }
    }

    /// What the step lacks; silent where the author began it and it did not parse.
    fn missing(&self, errors: &mut Errors, step: &Given<'_>) {
        let name = step.name;
        let began = |word: &str| step.attempted.contains(&word);
        let acts = ["send", "query", "run", "sleep"].into_iter().any(began);
        match &self.action {
            Some((keyword, Some((ActionKind::Send, _)))) if !began("compensate") => {
                let message = format!(
                    "step `{name}` has an effect and no `compensate`: say what undoes it, or `compensate none because \"…\";`"
                );
                errors.at(keyword, message);
            }
            None if !acts && began("await") => self.waits(errors, name),
            None if !acts && began("compensate") => {
                unbuilt::report(errors, name.span(), "a step with only a compensate");
            }
            None if !acts => {
                errors.at(name, format!("step `{name}` has nothing to do: `send` or `query` something in it"));
            }
            _ => {}
        }
        self.idle_retry(errors, step);
        self.abandons(errors);
    }

    /// A step that only awaits needs an event that someone else gives.
    fn waits(&self, errors: &mut Errors, name: &Ident) {
        let Some((keyword, arms)) = &self.arms else { return };
        match arms.iter().find_map(|arm| arm.correlation) {
            Some(span) => unbuilt::report(errors, span, "where"),
            None => errors.at(
                keyword,
                format!("step `{name}` awaits an answer and asks no one: `send` or `query` something in it"),
            ),
        }
    }

    /// Retries that nothing ever asks for, and timeouts that never come.
    fn idle_retry(&self, errors: &mut Errors, step: &Given<'_>) {
        if step.broken || step.attempted.contains(&"within") {
            return;
        }
        let arms = self.arms.iter().flat_map(|(_, arms)| arms);
        let retries = arms.clone().any(|arm| matches!(arm.disposition, syntax::Disposition::Retry(_)));
        if let Some(retry) = &self.retry
            && !retries
        {
            errors.at(
                &retry.keyword,
                format!("step `{}` never retries: add `within 10s;`, or an arm that says `retry`", step.name),
            );
        }
        for arm in arms {
            if let syntax::Outcome::Timeout(keyword) = &arm.outcome {
                errors.at(keyword, format!("step `{}` never times out: add `within 10s;`", step.name));
            }
        }
    }

    /// A value while the command is in doubt: it would have to be settled, and undone, beside the saga that goes on.
    fn abandons(&self, errors: &mut Errors) {
        let effect = matches!(&self.action, Some((_, Some((ActionKind::Send, _)))));
        if !effect || !matches!(&self.compensate, Some((_, Compensate::Command(_)))) {
            return;
        }
        for arm in self.arms.iter().flat_map(|(_, arms)| arms) {
            if let (
                syntax::Outcome::Timeout(keyword) | syntax::Outcome::Disconnected(keyword),
                syntax::Disposition::Value(_),
            ) = (&arm.outcome, &arm.disposition)
            {
                let message = format!(
                    "a value for `{keyword}` leaves a command behind that may have to be undone, which is not built yet: use `fail` or `retry`, or `compensate none because \"…\";`"
                );
                errors.at(keyword, message);
            }
        }
    }

    fn exchange(self, errors: &mut Errors, scope: &Scope<'_>, step: &Given<'_>) -> Option<Exchange> {
        let (keyword, action) = self.action?;
        let (kind, command) = action?;
        let action = action_of(errors, scope, kind, keyword, command);
        let arms = self.arms.map(|(_, arms)| arms::arms(errors, scope, kind, arms));
        if let Some(arms) = &arms {
            gives_a_value(errors, step, arms);
        } else if let Some(output) = step.output
            && !is_unit(output)
            && !step.broken
        {
            errors.at(
                output,
                format!("step `{}` has an output and no arm that gives it: add `await Event {{ … }} => …;`", step.name),
            );
        }
        let within = self.within.and_then(|(_, within)| duration(errors, scope, within));
        let retry = self.retry.and_then(|retry| retry_of(errors, scope, retry));
        Some(Exchange { action: action?, arms: arms.unwrap_or_default(), within, retry })
    }

    fn compensation(&self, errors: &mut Errors, scope: &Scope<'_>) -> Compensation {
        let Some((keyword, how)) = &self.compensate else { return Compensation::NotNeeded };
        if let Some((action, Some((ActionKind::Query, _)))) = &self.action {
            errors.at(keyword, format!("a `{action}` changes nothing, so there is nothing to compensate: remove this"));
            return Compensation::NotNeeded;
        }
        match how {
            Compensate::Command(command) => {
                let action = action_of(errors, scope, ActionKind::Send, keyword.clone(), command.clone());
                action.map_or(Compensation::NotNeeded, |action| {
                    Compensation::Exchange(Box::new(Exchange { action, arms: Vec::new(), within: None, retry: None }))
                })
            }
            Compensate::Block { brace } => not_built(errors, *brace, "compensate { … }"),
            Compensate::With { keyword } => not_built(errors, keyword.span(), "compensate with"),
            Compensate::Unwind { keyword } => not_built(errors, keyword.span(), "compensate unwind"),
            Compensate::None { because: Some(because), .. } => Compensation::None { because: because.value() },
            Compensate::None { keyword, because: None } => {
                errors.at(keyword, "`compensate none` needs a reason: `compensate none because \"…\";`");
                Compensation::None { because: String::new() }
            }
        }
    }
}

fn first<T>(clause: &(Ident, T)) -> &Ident {
    &clause.0
}

fn not_built(errors: &mut Errors, at: Span, what: &str) -> Compensation {
    unbuilt::report(errors, at, what);
    Compensation::NotNeeded
}

fn gives_a_value(errors: &mut Errors, step: &Given<'_>, arms: &[crate::model::Arm]) {
    let Some(output) = step.output.filter(|output| !is_unit(output) && !step.broken) else { return };
    if !arms.iter().any(|arm| matches!(arm.disposition, Disposition::Value(_))) {
        errors.at(output, format!("step `{}` has an output, and no arm of its `await` gives a value", step.name));
    } else if !arms.iter().any(|arm| matches!(arm.outcome, Outcome::Event(..) | Outcome::Handled)) {
        let message = format!(
            "step `{}` has an output, and when it is done no arm gives one: add an arm for the event, or `handled => …`",
            step.name
        );
        errors.at(output, message);
    }
}

fn action_of(
    errors: &mut Errors,
    scope: &Scope<'_>,
    kind: ActionKind,
    keyword: Ident,
    mut command: Expr,
) -> Option<Action> {
    let Some(variant) = aliases::command(&mut command) else {
        let message = no_variant(&mut command);
        errors.at(&command, message);
        return None;
    };
    Some(Action { kind, keyword, variant, command: scope.phrase(errors, command, &[]) })
}

fn no_variant(command: &mut Expr) -> String {
    match aliases::path(command).filter(|path| path.segments.len() > 1).and_then(|path| path.segments.last()) {
        Some(last) => format!("commands are written by their bare names: `{}`, without a path", last.ident),
        None => {
            "expected a variant of the bus's commands by its bare name, written out: `Charge { amount }`".to_owned()
        }
    }
}

/// `every a..b`, or the waits that the language gives.
fn retry_of(errors: &mut Errors, scope: &Scope<'_>, retry: syntax::Retry) -> Option<Retry> {
    let span = retry.keyword.span();
    let millis = |millis| Some(Duration::Literal { span, duration: std::time::Duration::from_millis(millis) });
    let (every, at_most) = match retry.every {
        None => (millis(100), millis(5000)),
        Some((first, longest)) => {
            let longest = longest.unwrap_or_else(|| again(&first));
            (duration(errors, scope, first), duration(errors, scope, longest))
        }
    };
    let times = scope.phrase(errors, retry.times, &[]);
    Some(Retry { times, every: every?, at_most: at_most? })
}

/// `every a` alone waits equally long each time.
fn again(duration: &syntax::Duration) -> syntax::Duration {
    match duration {
        syntax::Duration::Literal { span, duration } => syntax::Duration::Literal { span: *span, duration: *duration },
        syntax::Duration::Computed(expression) => syntax::Duration::Computed(expression.clone()),
        syntax::Duration::Broken => syntax::Duration::Broken,
    }
}
