//! The state diagram of a saga in Mermaid.
//!
//! States have ids of our own making, and every author's word is a label in which only harmless characters stand for
//! themselves: so the diagram is valid whatever the names are.

use std::fmt::Write as _;

use super::paths::{self, Way};
use super::words;
use crate::definition::{
    Action, ArmOutcome, Compensation, Deadline, Definition, Disposition, Exchange, Place, Policy, Step, StepKind,
};

/// The diagram, fenced for Markdown.
pub(super) fn render(definition: &Definition) -> String {
    let text = String::from("```mermaid\nstateDiagram-v2\n");
    let mut diagram = Diagram { definition, text, edges: Vec::new() };
    diagram.states();
    diagram.forward();
    diagram.back();
    diagram.ends();
    diagram.text.push_str("```\n");
    diagram.text
}

/// No label is longer.
const LABEL: usize = 48;

struct Diagram<'a> {
    definition: &'a Definition,
    text: String,
    /// The arrows so far: each is drawn once.
    edges: Vec<String>,
}

impl Diagram<'_> {
    fn states(&mut self) {
        for (number, place) in paths::places(self.definition) {
            self.place(number, place);
        }
        for place in self.undone() {
            let names = paths::undone_at(self.definition, place).into_iter().map(|step| self.undo(step));
            let names: Vec<_> = names.collect();
            let order = if names.len() > 1 { ", the last to complete first" } else { "" };
            self.state(&format!("undo{place}"), &format!("undo {}{order}", names.join(" and ")));
        }
        if !self.definition.finally.is_empty() {
            self.finally();
        }
        self.state("completed", "completed");
        if self.can_fail() {
            self.state("compensated", "compensated");
        }
        if self.can_stick() {
            self.state("stuck", "stuck");
        }
    }

    /// A step, or the steps of a parallel block beside each other.
    fn place(&mut self, number: usize, place: &Place) {
        let id = format!("place{number}");
        match place.steps {
            [step] => self.state(&id, &label(self.step(*step))),
            steps => {
                writeln!(self.text, "    state \"in parallel\" as {id} {{").expect("a String takes everything");
                for (index, step) in steps.iter().enumerate() {
                    if index > 0 {
                        self.text.push_str("        --\n");
                    }
                    self.inside(&format!("{id}_{index}"), &label(self.step(*step)), true);
                }
                self.text.push_str("    }\n");
            }
        }
    }

    /// The steps on the way out, one after the other.
    fn finally(&mut self) {
        self.text.push_str("    state \"finally\" as finally {\n");
        let mut last = "[*]".to_owned();
        for (index, step) in self.definition.finally.iter().enumerate() {
            let id = format!("finally_{index}");
            self.inside(&id, &label(self.step(*step)), false);
            writeln!(self.text, "        {last} --> {id}").expect("a String takes everything");
            last = id;
        }
        writeln!(self.text, "        {last} --> [*]\n    }}").expect("a String takes everything");
    }

    fn inside(&mut self, id: &str, label: &str, whole: bool) {
        writeln!(self.text, "        state \"{}\" as {id}", escape(label)).expect("a String takes everything");
        if whole {
            writeln!(self.text, "        [*] --> {id}\n        {id} --> [*]").expect("a String takes everything");
        }
    }

    fn forward(&mut self) {
        let mut starts: Vec<_> = Vec::new();
        for trigger in self.definition.triggers {
            push(&mut starts, trigger.event);
        }
        push(&mut starts, "a call");
        let first = self.next(0);
        self.edge("[*]", &first, &words::either(starts.into_iter().map(str::to_owned)));
        for (number, place) in paths::places(self.definition) {
            let label = match place.steps {
                [step] => words::either(successes(self.step(*step)).into_iter().map(str::to_owned)),
                _ => "all have ended".to_owned(),
            };
            let next = self.next(number + 1);
            self.edge(&format!("place{number}"), &next, &label);
        }
    }

    fn back(&mut self) {
        for number in 0..=self.definition.places.len() {
            let before = if number == 0 { "[*]".to_owned() } else { format!("place{}", number - 1) };
            let back = self.undo_before(number);
            for require in paths::required(self.definition, number) {
                self.edge(&before, &back, &short(&format!("unless {}", require.condition)));
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
            return self.edge(&from, &from, &tried_again(&reasons));
        }
        if reasons.is_empty() {
            return;
        }
        let at_pivot = paths::way(self.definition, place.steps[0]) == Way::Pivot;
        let known = if at_pivot { ", and it was not done" } else { "" };
        self.edge(&from, &back, &(reasons.join(", ") + known));
        if !paths::undone_at(self.definition, number).is_empty() {
            let several = place.steps.len() > 1 || self.step(place.steps[0]).each.is_some();
            let label = if several { "fails, and some was done" } else { "in doubt, and it was done" };
            self.edge(&from, &format!("undo{number}"), label);
        }
    }

    /// What undoes a place, when the saga fails at it or after it.
    fn undoing(&mut self, place: usize) {
        let (id, back) = (format!("undo{place}"), self.undo_before(place));
        self.edge(&id, &back, "undone");
        self.edge(&id, "stuck", "attempts spent");
        self.edge("stuck", &id, "retry");
        self.edge("stuck", &back, "skip");
    }

    fn ends(&mut self) {
        if self.definition.finally.is_empty() {
            if self.can_stick() {
                self.edge("stuck", "[*]", "ended by an operator");
            }
        } else {
            self.edge("finally", "completed", "it went all the way");
            if self.can_fail() {
                self.edge("finally", "compensated", "it failed");
            }
            self.edge("finally", "stuck", "attempts spent");
            self.edge("stuck", "finally", "retry, skip");
            self.edge("stuck", "[*]", "ended by an operator");
            if !self.undone().is_empty() {
                self.edge("stuck", "finally", "ended by an operator while undoing");
                self.edge("finally", "[*]", "ended by an operator while undoing");
            }
        }
        self.edge("completed", "[*]", "");
        if self.can_fail() {
            self.edge("compensated", "[*]", "");
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

    fn state(&mut self, id: &str, label: &str) {
        writeln!(self.text, "    state \"{}\" as {id}", escape(label)).expect("a String takes everything");
    }

    fn edge(&mut self, from: &str, to: &str, label: &str) {
        let label = if label.is_empty() { String::new() } else { format!(" : {}", escape(label)) };
        let edge = format!("    {from} --> {to}{label}\n");
        if !self.edges.contains(&edge) {
            self.text.push_str(&edge);
            self.edges.push(edge);
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

/// Everything else than letters, digits and a few marks stands as its number. So does the blank after `direction`,
/// which would turn the diagram, wherever it stands.
fn escape(label: &str) -> String {
    let mut escaped = String::with_capacity(label.len());
    for character in label.chars() {
        let is_blank = character.is_whitespace();
        match character {
            _ if is_blank && !ends_with_direction(&escaped) => escaped.push(' '),
            '_' | '-' | '.' | ',' => escaped.push(character),
            _ if character.is_alphanumeric() => escaped.push(character),
            _ => write!(escaped, "#{};", u32::from(character)).expect("a String takes everything"),
        }
    }
    if escaped.trim().is_empty() { "unnamed".to_owned() } else { escaped }
}

fn ends_with_direction(text: &str) -> bool {
    const WORD: &str = "direction";
    let last = text.len().checked_sub(WORD.len()).and_then(|start| text.get(start..));
    last.is_some_and(|last| last.eq_ignore_ascii_case(WORD))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_are_harmless() {
        assert_eq!(escape("end note: \"x\"; y\n#z"), "end note#58; #34;x#34;#59; y #35;z");
        assert_eq!(escape("Fenster_öffnen --> 2"), "Fenster_öffnen --#62; 2");
        assert_eq!(escape("Direction LR"), "Direction#32;LR");
        assert_eq!(escape(""), "unnamed");
    }

    #[test]
    fn long_expressions_are_cut() {
        assert_eq!(short("ä"), "ä");
        assert_eq!(short(&"ä".repeat(50)).chars().count(), LABEL + 1);
    }
}
