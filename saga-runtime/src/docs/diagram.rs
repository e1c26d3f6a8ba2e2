//! The states of a saga, and what leads from one to the other: what its diagrams show.
//!
//! How they are drawn is for others.

use super::paths::{self, Way};
use super::words;
use crate::definition::{
    Action, ArmOutcome, Compensation, Deadline, Definition, Disposition, Exchange, Place, Policy, Step, StepKind,
};

/// Where a diagram begins, and where it ends.
pub(super) const OUTSIDE: &str = "[*]";

/// What a diagram shows.
#[derive(Debug, Default)]
pub(super) struct Diagram {
    /// In the order of their places, then of what undoes them, then the ways out.
    pub(super) states: Vec<State>,
    /// Each is there once.
    pub(super) arrows: Vec<Arrow>,
}

/// Where a saga can be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) kind: Kind,
    /// What it is made of, if it is of more than one step.
    pub(super) parts: Vec<String>,
}

/// What a state is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A step, or the steps of a parallel block; with its place.
    Forward(usize),
    /// What undoes it.
    Undo(usize),
    /// The steps on the way out.
    Finally,
    Completed,
    Compensated,
    Stuck,
}

/// What leads from one state to another.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Arrow {
    /// A state, or [`OUTSIDE`].
    pub(super) from: String,
    /// A state, or [`OUTSIDE`].
    pub(super) to: String,
    pub(super) label: String,
    pub(super) course: Course,
}

/// On which way an arrow is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    /// On, when all is well.
    Forward,
    /// To what is to be undone, or out.
    Failure,
    /// To what undoes the very state.
    OwnFailure,
    /// To itself.
    Again,
    /// From what is undone to the next.
    Undone,
    /// To where it is stuck.
    Spent,
    /// From there.
    Resumed,
    /// To how it ends.
    End,
}

/// The diagram of a saga.
pub(super) fn of(definition: &Definition) -> Diagram {
    let mut sketch = Sketch { definition, diagram: Diagram::default() };
    sketch.states();
    sketch.forward();
    sketch.back();
    sketch.ends();
    sketch.diagram
}

/// No label is longer.
const LABEL: usize = 48;

struct Sketch<'a> {
    definition: &'a Definition,
    diagram: Diagram,
}

impl Sketch<'_> {
    fn states(&mut self) {
        for (number, place) in paths::places(self.definition) {
            let labels = place.steps.iter().map(|step| label(self.step(*step)));
            let mut labels: Vec<_> = labels.collect();
            let (label, parts) =
                if labels.len() == 1 { (labels.remove(0), Vec::new()) } else { ("in parallel".to_owned(), labels) };
            self.state(format!("place{number}"), label, Kind::Forward(number), parts);
        }
        for place in self.undone() {
            let names = paths::undone_at(self.definition, place).into_iter().map(|step| self.undo(step));
            let names: Vec<_> = names.collect();
            let order = if names.len() > 1 { ", the last to complete first" } else { "" };
            let label = format!("undo {}{order}", names.join(" and "));
            self.state(format!("undo{place}"), label, Kind::Undo(place), Vec::new());
        }
        if !self.definition.finally.is_empty() {
            let parts = self.definition.finally.iter().map(|step| label(self.step(*step)));
            self.state("finally".to_owned(), "finally".to_owned(), Kind::Finally, parts.collect());
        }
        self.end("completed", Kind::Completed, true);
        self.end("compensated", Kind::Compensated, self.can_fail());
        self.end("stuck", Kind::Stuck, self.can_stick());
    }

    fn end(&mut self, name: &str, kind: Kind, is_possible: bool) {
        if is_possible {
            self.state(name.to_owned(), name.to_owned(), kind, Vec::new());
        }
    }

    fn state(&mut self, id: String, label: String, kind: Kind, parts: Vec<String>) {
        self.diagram.states.push(State { id, label, kind, parts });
    }

    fn forward(&mut self) {
        let mut starts: Vec<_> = Vec::new();
        for trigger in self.definition.triggers {
            push(&mut starts, trigger.event);
        }
        push(&mut starts, "a call");
        let first = self.next(0);
        let starts = words::either(starts.into_iter().map(str::to_owned));
        self.arrow(Course::Forward, OUTSIDE, &first, &starts);
        for (number, place) in paths::places(self.definition) {
            let label = match place.steps {
                [step] => words::either(successes(self.step(*step)).into_iter().map(str::to_owned)),
                _ => "all have ended".to_owned(),
            };
            let next = self.next(number + 1);
            self.arrow(Course::Forward, &format!("place{number}"), &next, &label);
        }
    }

    fn back(&mut self) {
        for number in 0..=self.definition.places.len() {
            let before = if number == 0 { OUTSIDE.to_owned() } else { format!("place{}", number - 1) };
            let back = self.undo_before(number);
            for require in paths::required(self.definition, number) {
                self.arrow(Course::Failure, &before, &back, &short(&format!("unless {}", require.condition)));
            }
        }
        for (number, place) in paths::places(self.definition) {
            self.failures(number, place);
        }
        for place in self.undone() {
            self.undoing(place);
        }
    }

    fn failures(&mut self, number: usize, place: &Place) {
        let (from, back) = (format!("place{number}"), self.undo_before(number));
        let beyond = paths::way(self.definition, place.steps[0]) == Way::Beyond;
        let mut reasons = Vec::new();
        for step in place.steps {
            for reason in failures(self.definition, &self.step(*step).exchange, beyond) {
                push(&mut reasons, reason);
            }
        }
        if beyond {
            return self.arrow(Course::Again, &from, &from, &tried_again(&reasons));
        }
        if reasons.is_empty() {
            return;
        }
        let at_pivot = paths::way(self.definition, place.steps[0]) == Way::Pivot;
        let known = if at_pivot { ", and it was not done" } else { "" };
        self.arrow(Course::Failure, &from, &back, &(reasons.join(", ") + known));
        if !paths::undone_at(self.definition, number).is_empty() {
            let several = place.steps.len() > 1 || self.step(place.steps[0]).each.is_some();
            let label = if several { "fails, and some was done" } else { "in doubt, and it was done" };
            self.arrow(Course::OwnFailure, &from, &format!("undo{number}"), label);
        }
    }

    /// What undoes a place, when the saga fails at it or after it.
    fn undoing(&mut self, place: usize) {
        let (id, back) = (format!("undo{place}"), self.undo_before(place));
        self.arrow(Course::Undone, &id, &back, "undone");
        self.arrow(Course::Spent, &id, "stuck", "attempts spent");
        self.arrow(Course::Resumed, "stuck", &id, "retry");
        self.arrow(Course::Resumed, "stuck", &back, "skip");
    }

    fn ends(&mut self) {
        if self.definition.finally.is_empty() {
            if self.can_stick() {
                self.arrow(Course::End, "stuck", OUTSIDE, "ended by an operator");
            }
        } else {
            self.arrow(Course::End, "finally", "completed", "it went all the way");
            if self.can_fail() {
                self.arrow(Course::End, "finally", "compensated", "it failed");
            }
            self.arrow(Course::Spent, "finally", "stuck", "attempts spent");
            self.arrow(Course::Resumed, "stuck", "finally", "retry, skip");
            self.arrow(Course::End, "stuck", OUTSIDE, "ended by an operator");
            if !self.undone().is_empty() {
                self.arrow(Course::Resumed, "stuck", "finally", "ended by an operator while undoing");
                self.arrow(Course::End, "finally", OUTSIDE, "ended by an operator while undoing");
            }
        }
        self.arrow(Course::End, "completed", OUTSIDE, "");
        if self.can_fail() {
            self.arrow(Course::End, "compensated", OUTSIDE, "");
        }
    }

    fn step(&self, step: u16) -> &'static Step {
        &self.definition.steps[usize::from(step)]
    }

    fn undo(&self, index: u16) -> String {
        let step = self.step(index);
        let each = if step.each.is_some() { "each item of " } else { "" };
        let with: String = paths::shared_by(self.definition, index)
            .map(|shared| format!(" with {}", self.step(shared).name))
            .collect();
        let unwind = if matches!(step.compensation, Compensation::Unwind) { " by its own compensations" } else { "" };
        format!("{each}{}{with}{unwind}", step.name)
    }

    /// The places at which something is undone: none from the pivot on.
    fn undone(&self) -> Vec<usize> {
        let until = paths::pivot(self.definition).unwrap_or(self.definition.places.len());
        let mut places: Vec<_> = paths::undone_before(self.definition, until).map(|(place, _)| place).collect();
        places.reverse();
        places
    }

    fn undo_before(&self, place: usize) -> String {
        match paths::undone_before(self.definition, place).next() {
            Some((place, _)) => format!("undo{place}"),
            None => self.out("compensated"),
        }
    }

    fn next(&self, place: usize) -> String {
        if place < self.definition.places.len() { format!("place{place}") } else { self.out("completed") }
    }

    /// The way out: over the finally steps, if there are any.
    fn out(&self, end: &str) -> String {
        if self.definition.finally.is_empty() { end.to_owned() } else { "finally".to_owned() }
    }

    /// Whether there is a way on which nothing went all the way: always, since a saga can be cancelled.
    fn can_fail(&self) -> bool {
        !self.definition.places.is_empty()
    }

    fn can_stick(&self) -> bool {
        !self.undone().is_empty() || !self.definition.finally.is_empty()
    }

    fn arrow(&mut self, course: Course, from: &str, to: &str, label: &str) {
        let arrow = Arrow { from: from.to_owned(), to: to.to_owned(), label: label.to_owned(), course };
        if !self.diagram.arrows.contains(&arrow) {
            self.diagram.arrows.push(arrow);
        }
    }
}

/// A step with what makes it another one than an ordinary step.
fn label(step: &Step) -> String {
    let kind = match step.kind {
        StepKind::Pivot => "pivot ",
        StepKind::Plain | StepKind::Finally => "",
    };
    let each = step.each.map(|each| format!(" for each {} in {}", each.pattern, each.items)).unwrap_or_default();
    let when = step.when.map(|when| format!(" when {when}")).unwrap_or_default();
    format!("{kind}{}{}", step.name, short(&(each + &when)))
}

/// What ends a step well, in few words.
fn successes(step: &Step) -> Vec<&str> {
    let mut successes = Vec::new();
    let exchange = &step.exchange;
    if step.each.is_some() {
        successes.push("all items have ended");
    } else {
        if paths::ends_by_itself(exchange) {
            successes.push(finished(exchange));
        }
        for arm in exchange.arms.iter().filter(|arm| matches!(arm.disposition, Disposition::Value(_))) {
            outcomes(&arm.outcome).into_iter().for_each(|word| push(&mut successes, word));
        }
    }
    if step.when.is_some() {
        successes.push("condition not met");
    }
    successes
}

fn finished(exchange: &Exchange) -> &'static str {
    match exchange.action {
        Action::Run(_) => "completed",
        Action::Sleep(_) => "the time has passed",
        _ => "handled",
    }
}

/// What makes the saga fail at a step, or tries the step again, in few words.
fn failures(definition: &Definition, exchange: &Exchange, beyond: bool) -> Vec<&'static str> {
    let mut failures = Vec::new();
    for arm in exchange.arms.iter().filter(|arm| matches!(arm.disposition, Disposition::Fail(_))) {
        outcomes(&arm.outcome).into_iter().for_each(|word| push(&mut failures, word));
    }
    let way = if beyond { Way::Beyond } else { Way::Forward };
    let lasts = exchange.action != Action::Nothing && !beyond;
    let defaults = [
        ("refused", paths::can_be_refused(exchange)),
        ("failed", paths::child_can_fail(exchange)),
        ("timed out", paths::can_time_out(exchange, way)),
        ("participant away", paths::gives_up_when_away(exchange)),
        ("deadline", lasts && matches!(definition.deadline, Deadline::After(_))),
        ("cancelled", lasts),
        ("superseded", lasts && definition.concurrency.policy == Policy::Replace),
    ];
    defaults.iter().filter(|(_, possible)| *possible).for_each(|(failure, _)| push(&mut failures, failure));
    failures
}

fn tried_again(reasons: &[&str]) -> String {
    if reasons.is_empty() { "tried again".to_owned() } else { format!("{}, tried again", reasons.join(" or ")) }
}

fn outcomes(outcome: &ArmOutcome) -> Vec<&'static str> {
    match outcome {
        ArmOutcome::Event { events, .. } => events.to_vec(),
        ArmOutcome::Handled => vec!["handled"],
        ArmOutcome::Refused(_) => vec!["refused"],
        ArmOutcome::Failed(_) => vec!["failed"],
        ArmOutcome::Timeout => vec!["timed out"],
        ArmOutcome::Disconnected => vec!["participant away"],
    }
}

fn push<'a>(words: &mut Vec<&'a str>, word: &'a str) {
    if !words.contains(&word) {
        words.push(word);
    }
}

/// As much of an expression as a diagram can bear.
fn short(text: &str) -> String {
    let mut short: String = text.chars().take(LABEL).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_expressions_are_cut() {
        assert_eq!(short("ä"), "ä");
        assert_eq!(short(&"ä".repeat(50)).chars().count(), LABEL + 1);
    }
}
