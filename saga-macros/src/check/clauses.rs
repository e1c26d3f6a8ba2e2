//! The clauses of a step: each where it belongs, none missing, none twice (L03, L07, L10, L11, L13).

use proc_macro2::{Ident, Span};
use syn::Type;

use super::exchange::{self, Act, Answers};
use super::items::once;
use super::scope::Scope;
use super::step::is_unit;
use super::{arms, unbuilt};
use crate::errors::Errors;
use crate::model::{ActionKind, Compensation, Disposition, Exchange, Outcome};
use crate::syntax::{self, Clause, Compensate};

/// What the rules about missing clauses look at.
pub(super) struct Given<'a> {
    pub(super) name: &'a Ident,
    pub(super) output: Option<&'a Type>,
    /// Whether something in it did not parse, so that what is missing may be just that.
    pub(super) broken: bool,
    pub(super) attempted: &'a [&'static str],
}

/// The clauses by kind.
#[derive(Default)]
pub(super) struct Clauses {
    action: Option<(Ident, Act)>,
    /// Whether more than one was given, which is reported.
    acts_twice: bool,
    arms: Option<(Ident, Vec<syntax::Arm>)>,
    within: Option<(Ident, syntax::Duration)>,
    retry: Option<syntax::Retry>,
    compensate: Option<(Ident, Compensate)>,
}

impl Clauses {
    pub(super) fn sorted(errors: &mut Errors, clauses: Vec<Clause>) -> Self {
        let mut sorted = Self::default();
        for clause in clauses {
            match clause {
                Clause::Send { keyword, command } => {
                    sorted.act(errors, keyword, Act::Command(ActionKind::Send, command));
                }
                Clause::Query { keyword, command } => {
                    sorted.act(errors, keyword, Act::Command(ActionKind::Query, command));
                }
                Clause::Run { keyword, saga } => {
                    sorted.act(errors, keyword, Act::Run(saga));
                }
                Clause::Sleep { keyword, duration } => {
                    sorted.act(errors, keyword, Act::Sleep(duration));
                }
                Clause::Await { keyword, arms } => once(errors, &mut sorted.arms, (keyword, arms), first),
                Clause::Within { keyword, duration } => once(errors, &mut sorted.within, (keyword, duration), first),
                Clause::Retry(retry) => once(errors, &mut sorted.retry, *retry, |retry| &retry.keyword),
                Clause::Compensate { keyword, how } => once(errors, &mut sorted.compensate, (keyword, how), first),
            }
        }
        sorted
    }

    fn act(&mut self, errors: &mut Errors, keyword: Ident, act: Act) {
        match &self.action {
            Some((earlier, _)) if *earlier == keyword => {
                errors
                    .at(&keyword, format!("`{keyword}` is given twice: a step is one exchange, so make it two steps"));
            }
            Some((earlier, _)) => {
                errors
                    .at(&keyword, format!("a step is one exchange, and this one has a `{earlier}`: make it two steps"));
            }
            None => return self.action = Some((keyword, act)),
        }
        self.acts_twice = true;
    }

    /// What the step lacks; silent where the author began it and it did not parse.
    pub(super) fn missing(&self, errors: &mut Errors, step: &Given<'_>) {
        let name = step.name;
        let began = |word: &str| step.attempted.contains(&word);
        let acts = ["send", "query", "run", "sleep"].into_iter().any(began);
        match &self.action {
            Some((keyword, act)) if act.has_effect() && !began("compensate") => {
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
        match arms.iter().find_map(|arm| arm.correlation.as_ref()) {
            Some(correlation) => unbuilt::report(errors, correlation.keyword, "where"),
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
        let effect = self.action.as_ref().is_some_and(|(_, act)| act.has_effect());
        if !effect || !matches!(&self.compensate, Some((_, Compensate::Command(_) | Compensate::Unwind { .. }))) {
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

    pub(super) fn exchange(self, errors: &mut Errors, scope: &Scope<'_>, step: &Given<'_>) -> Option<Exchange> {
        let (keyword, act) = self.action?;
        let answers = act.answers();
        if let (Some((within, _)), Act::Sleep(_)) = (&self.within, &act) {
            errors.at(within, "a `sleep` takes as long as it says, so it needs no bound: remove this");
        }
        let action = exchange::action(errors, scope, keyword, act);
        let arms = self.arms.map(|(_, arms)| arms::arms(errors, scope, answers, arms));
        if let Some(arms) = &arms {
            if answers != Answers::Saga {
                gives_a_value(errors, step, arms);
            }
        } else if let Some(output) = step.output
            && !is_unit(output)
            && !step.broken
            && answers != Answers::Saga
        {
            errors.at(
                output,
                format!("step `{}` has an output and no arm that gives it: add `await Event {{ … }} => …;`", step.name),
            );
        }
        let within = self.within.and_then(|(_, within)| exchange::duration(errors, scope, within));
        let retry = self.retry.and_then(|retry| exchange::retry(errors, scope, retry));
        Some(Exchange { action: action?, arms: arms.unwrap_or_default(), within, retry })
    }

    pub(super) fn compensation(&self, errors: &mut Errors, scope: &Scope<'_>) -> Compensation {
        let Some((keyword, how)) = self.compensate.as_ref().filter(|_| !self.acts_twice) else {
            return Compensation::NotNeeded;
        };
        if let Some((action, Act::Command(ActionKind::Query, _))) = &self.action {
            errors.at(keyword, format!("a `{action}` changes nothing, so there is nothing to compensate: remove this"));
            return Compensation::NotNeeded;
        }
        if let Some((_, Act::Sleep(_))) = &self.action {
            errors.at(keyword, "a `sleep` changes nothing, so there is nothing to compensate: remove this");
            return Compensation::NotNeeded;
        }
        match how {
            Compensate::Command(command) => {
                let act = Act::Command(ActionKind::Send, command.clone());
                let action = exchange::action(errors, scope, keyword.clone(), act);
                action.map_or(Compensation::NotNeeded, |action| {
                    Compensation::Exchange(Box::new(Exchange { action, arms: Vec::new(), within: None, retry: None }))
                })
            }
            Compensate::Block(block) => not_built(errors, block.brace, "compensate { … }"),
            Compensate::With { keyword, .. } => not_built(errors, keyword.span(), "compensate with"),
            Compensate::Unwind { keyword } => match &self.action {
                Some((_, Act::Run(_))) | None => Compensation::Unwind,
                Some((action, _)) => {
                    let message = format!(
                        "`unwind` is the undoing of a saga that a step ran, and this one has a `{action}`: name the command that undoes it"
                    );
                    errors.at(keyword, message);
                    Compensation::NotNeeded
                }
            },
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
