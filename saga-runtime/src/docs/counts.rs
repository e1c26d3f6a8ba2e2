//! How much one run says and writes at least, as far as its definition tells it.

use super::markdown::code;
use super::paths;
use crate::definition::{Action, Arm, Definition, Disposition, Step};

/// The sentences of the section.
pub(super) fn render(definition: &Definition) -> String {
    let steps = || definition.steps.iter();
    let commands = steps().filter(|step| is_certain(step) && says(step)).count();
    let records = 1 + steps().filter(|step| is_certain(step) && step.exchange.action != Action::Nothing).count();
    let mut sentences = vec![if definition.ephemeral {
        format!(
            "A run that goes all the way sends at least {}. It writes nothing to the log.",
            counted(commands, "command")
        )
    } else {
        format!(
            "A run that goes all the way sends at least {} and writes at least {} to the log: one when it starts, and one \
             for each step that ends.",
            counted(commands, "command"),
            counted(records, "record")
        )
    }];
    sentences.extend(more(definition));
    sentences.join(" ")
}

/// Whether a run that goes all the way makes the exchange of a step, and once.
fn is_certain(step: &Step) -> bool {
    step.each.is_none() && step.when.is_none()
}

/// Whether a command is sent for certain: not where an event of anyone may have ended the step before that.
fn says(step: &Step) -> bool {
    let early = |arm: &Arm| !arm.correlations.is_empty() && matches!(arm.disposition, Disposition::Value(_));
    step.exchange.action.command().is_some() && !step.exchange.arms.iter().any(early)
}

/// What comes on top.
fn more(definition: &Definition) -> Vec<String> {
    let mut more = Vec::new();
    let uncounted = uncounted(definition);
    if !uncounted.is_empty() {
        more.push(format!("On top of that comes what depends on the run: {}.", uncounted.join("; ")));
    }
    let log = |records: &str| if definition.ephemeral { String::new() } else { format!(" and {records}") };
    if (0..).zip(definition.steps).any(|(index, step)| tries_again(definition, index, step)) {
        more.push(format!("Each further attempt adds the command again{}.", log("two records")));
    }
    if definition.steps.iter().any(paths::undoes_itself) {
        more.push(format!("Each compensation adds a command{}.", log("a record")));
    }
    more
}

fn uncounted(definition: &Definition) -> Vec<String> {
    let of = |step: &Step| {
        let name = code(step.name);
        let runs = matches!(step.exchange.action, Action::Run(_));
        match (is_certain(step), step.each.is_some()) {
            (false, true) => Some(format!("{name} once for each item")),
            (false, false) => Some(format!("{name}, if its condition holds")),
            (true, _) if runs => Some(format!("what the saga does that {name} runs")),
            (true, _) => None,
        }
    };
    definition.steps.iter().filter_map(of).collect()
}

fn tries_again(definition: &Definition, index: u16, step: &Step) -> bool {
    let exchange = &step.exchange;
    let persists = paths::way(definition, index).perseveres() || paths::undoes_itself(step);
    exchange.retry.is_some() || paths::retries(exchange) || persists
}

fn counted(number: usize, noun: &str) -> String {
    match number {
        0 => format!("no {noun}s"),
        1 => format!("one {noun}"),
        number => format!("{number} {noun}s"),
    }
}
