//! The clauses of a step: each where it belongs, none missing, none twice (L03, L07, L10, L11, L13).

use proc_macro2::Ident;
use syn::Type;

use super::exchange::{self, Act, Answers};
use super::items::once;
use super::pivot::{self, Role};
use super::scope::Scope;
use super::step::is_unit;
use super::{arms, correlation};
use crate::errors::Errors;
use crate::model::{Action, ActionKind, Compensation, Disposition, Exchange, Outcome};
use crate::syntax::{self, Clause, Compensate};

/// What the rules about missing clauses look at.
pub(super) struct Given<'a> {
    pub(super) name: &'a Ident,
    pub(super) output: Option<&'a Type>,
    /// Whether something in it did not parse, so that what is missing may be just that.
    pub(super) broken: bool,
    pub(super) attempted: &'a [&'static str],
    pub(super) role: Role,
    /// The saga's deadline, if it is literal.
    pub(super) deadline: Option<std::time::Duration>,
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
            Some((keyword, act)) if act.has_effect() && step.role == Role::Forward && !began("compensate") => {
                let reads = if matches!(act, Act::Command(..)) {
                    "; if it only reads, declare it `#[query]` and `query` it"
                } else {
                    ""
                };
                let message = format!(
                    "step `{name}` has an effect and no `compensate`: say what undoes it, or `compensate none because \"…\";`{reads}"
                );
                errors.at(keyword, message);
            }
            None if !acts && began("await") => self.waits(errors, name),
            None if !acts && began("compensate") && !self.only_excuses() => {}
            None if !acts && !step.broken => {
                errors.at(name, format!("step `{name}` has nothing to do: `send` or `query` something in it"));
            }
            _ => {}
        }
        if let (Role::Pivot, Some((keyword, Act::Sleep(_)))) = (step.role, &self.action) {
            errors.at(
                keyword,
                "a `sleep` changes nothing, so it is no `pivot`: make it a plain step, and the one behind which there is no way back the `pivot`",
            );
        }
        self.idle_retry(errors, step);
        self.fails(errors, step);
        self.outlasts(errors, step);
    }

    /// Whether it only says that nothing is undone.
    fn only_excuses(&self) -> bool {
        matches!(&self.compensate, Some((_, Compensate::None { .. })))
    }

    /// Behind the pivot nothing fails (L09).
    fn fails(&self, errors: &mut Errors, step: &Given<'_>) {
        if step.role != Role::AfterPivot {
            return;
        }
        for arm in self.arms.iter().flat_map(|(_, arms)| arms) {
            if let syntax::Disposition::Fail(reason) = &arm.disposition {
                let message = "behind the `pivot` a saga cannot fail: it is retried until it is handled; give a value, or `retry`";
                errors.at(reason, message);
            }
        }
    }

    /// A step whose attempts last as long as the saga may could never pass (L14).
    fn outlasts(&self, errors: &mut Errors, step: &Given<'_>) {
        let (Some((keyword, within)), Some(deadline)) = (&self.within, step.deadline) else { return };
        if !matches!(step.role, Role::Forward | Role::Pivot) {
            return;
        }
        if let Some(longest) = pivot::longest(within, self.retry.as_ref()).filter(|longest| *longest >= deadline) {
            let name = step.name;
            let message = format!(
                "step `{name}` may take {longest:?} in all, with its attempts and the waits between them, and the saga's `deadline` is {deadline:?}: shorten this, or give the saga more time"
            );
            errors.at(keyword, message);
        }
    }

    /// A step that only awaits needs an event that someone else gives.
    fn waits(&self, errors: &mut Errors, name: &Ident) {
        let Some((keyword, arms)) = &self.arms else { return };
        arms.iter().for_each(|arm| correlation::asks_no_one(errors, name, &arm.outcome));
        let is_answer = |arm: &syntax::Arm| {
            let answers = matches!(arm.outcome, syntax::Outcome::Event(_) | syntax::Outcome::Handled(_));
            answers && arm.correlation.is_none()
        };
        if !self.only_awaits() || arms.iter().any(is_answer) {
            errors.at(
                keyword,
                format!(
                    "step `{name}` awaits an answer and asks no one: `send` or `query` something in it, or say with `where` which event of anyone ends it"
                ),
            );
        }
        if let Some((keyword, _)) = &self.compensate {
            errors.at(keyword, format!("step `{name}` only awaits, so there is nothing to compensate: remove this"));
        }
    }

    /// Whether it awaits events of anyone, and does nothing.
    fn only_awaits(&self) -> bool {
        let mut arms = self.arms.iter().flat_map(|(_, arms)| arms);
        self.action.is_none() && arms.any(|arm| arm.correlation.is_some())
    }

    /// Retries that nothing ever asks for, and timeouts that never come.
    fn idle_retry(&self, errors: &mut Errors, step: &Given<'_>) {
        let empty = self.action.is_none() && self.arms.is_none() && self.compensate.is_none();
        if empty || step.broken || step.role.perseveres() || step.attempted.contains(&"within") {
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

    pub(super) fn exchange(self, errors: &mut Errors, scope: &Scope<'_>, step: &Given<'_>) -> Option<Exchange> {
        let only_awaits = self.only_awaits();
        let answers = self.action.as_ref().map_or(Answers::Others, |(_, act)| act.answers());
        if let (Some((within, _)), Answers::Time) = (&self.within, answers) {
            errors.at(within, "a `sleep` takes as long as it says, so it needs no bound: remove this");
        }
        if let (Some((within, _)), None, false) = (&self.within, &self.action, only_awaits)
            && step.attempted.contains(&"compensate")
        {
            errors.at(within, format!("step `{}` asks no one, so there is nothing to bound: remove this", step.name));
        }
        let action = match self.action {
            Some((keyword, act)) => exchange::action(errors, scope, keyword, act),
            None if only_awaits => Some(Action::Wait),
            None => step.attempted.contains(&"compensate").then_some(Action::Nothing),
        };
        if let Some((keyword, _)) = self.arms.as_ref().filter(|(_, arms)| arms.is_empty() && !step.broken) {
            errors
                .at(keyword, "this `await` has no arms: say what ends the step, such as `handled => …`, or remove it");
        }
        let arms = self.arms.map(|(_, arms)| arms::arms(errors, scope, answers, arms));
        if let Some(arms) = &arms {
            if answers != Answers::Saga {
                gives_a_value(errors, step, answers, arms);
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

    pub(super) fn compensation(&mut self, errors: &mut Errors, scope: &Scope<'_>, step: &Given<'_>) -> Compensation {
        let Some((keyword, how)) = self.compensate.take().filter(|_| !self.acts_twice) else {
            return Compensation::NotNeeded;
        };
        if let Some(message) = step.role.refuses_compensation() {
            errors.at(&keyword, message);
            return Compensation::NotNeeded;
        }
        if let Some((action, Act::Command(ActionKind::Query, _))) = &self.action {
            errors
                .at(&keyword, format!("a `{action}` changes nothing, so there is nothing to compensate: remove this"));
            return Compensation::NotNeeded;
        }
        if let Some((_, Act::Sleep(_))) = &self.action {
            errors.at(&keyword, "a `sleep` changes nothing, so there is nothing to compensate: remove this");
            return Compensation::NotNeeded;
        }
        match how {
            Compensate::Command(command) => {
                let act = Act::Command(ActionKind::Send, command);
                let action = exchange::action(errors, scope, keyword, act);
                action.map_or(Compensation::NotNeeded, |action| {
                    Compensation::Exchange(Box::new(Exchange { action, arms: Vec::new(), within: None, retry: None }))
                })
            }
            Compensate::Block(block) => {
                let undo = self::block(errors, scope, step.name, block);
                undo.map_or(Compensation::NotNeeded, |undo| Compensation::Exchange(Box::new(undo)))
            }
            Compensate::With { step: other } => match scope.shares(&other) {
                Ok(other) => Compensation::With(other),
                Err(message) => {
                    errors.at(&other, message);
                    Compensation::NotNeeded
                }
            },
            Compensate::Unwind { keyword } => match &self.action {
                Some((_, Act::Run(_))) => Compensation::Unwind,
                None => {
                    errors.at(&keyword, "`unwind` is the undoing of a saga that a step ran, and this one runs none: `run` one, or name the command that undoes it");
                    Compensation::NotNeeded
                }
                Some((action, _)) => {
                    let message = format!(
                        "`unwind` is the undoing of a saga that a step ran, and this one has a `{action}`: name the command that undoes it"
                    );
                    errors.at(&keyword, message);
                    Compensation::NotNeeded
                }
            },
            Compensate::None { because: Some(because), .. } => Compensation::None { because: because.value() },
            Compensate::None { keyword, because: None } => {
                errors.at(&keyword, "`compensate none` needs a reason: `compensate none because \"…\";`");
                Compensation::None { because: String::new() }
            }
        }
    }
}

/// What stands in the braces of a `compensate`: a command, and what ends it (L25).
fn block(errors: &mut Errors, scope: &Scope<'_>, name: &Ident, block: syntax::Block) -> Option<Exchange> {
    let mut clauses = Clauses::sorted(errors, block.clauses);
    let given = Given {
        name,
        output: None,
        broken: block.broken,
        attempted: &block.attempted,
        role: Role::Undoing,
        deadline: None,
    };
    clauses.compensation(errors, scope, &given);
    match &clauses.action {
        Some((_, Act::Command(ActionKind::Send, _))) => clauses.exchange(errors, scope, &given),
        Some((keyword, _)) => {
            errors.at(keyword, format!("a step is undone by one command that is sent, and `{keyword}` sends none"));
            None
        }
        None if block.broken || block.attempted.contains(&"send") => None,
        None => {
            errors.at_span(block.brace, format!("this undoes nothing: `send` what undoes step `{name}`"));
            None
        }
    }
}

fn first<T>(clause: &(Ident, T)) -> &Ident {
    &clause.0
}

fn gives_a_value(errors: &mut Errors, step: &Given<'_>, answers: Answers, arms: &[crate::model::Arm]) {
    let Some(output) = step.output.filter(|output| !is_unit(output) && !step.broken) else { return };
    // What would do it again, and an answer of nobody, are reported already.
    let told = match answers {
        Answers::Effect => arms.iter().any(arms::does_again),
        Answers::Others => arms.iter().all(|arm| arm.correlations.is_empty()),
        Answers::Data | Answers::Saga | Answers::Time => false,
    };
    if told || arms.is_empty() {
        return;
    }
    if !arms.iter().any(|arm| matches!(arm.disposition, Disposition::Value(_))) {
        errors.at(output, format!("step `{}` has an output, and no arm of its `await` gives a value", step.name));
    } else if !arms.iter().any(|arm| match arm.outcome {
        Outcome::Handled => true,
        Outcome::Event(..) => answers != Answers::Time,
        Outcome::Refused(..) | Outcome::Failed(_) | Outcome::Timeout | Outcome::Disconnected => false,
    }) {
        let message = format!(
            "step `{}` has an output, and when it is done no arm gives one: add an arm for the event, or `handled => …`",
            step.name
        );
        errors.at(output, message);
    }
}
