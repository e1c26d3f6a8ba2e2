//! What is wrong with sagas put together, though each of them is right.
//!
//! It knows definitions only, so that whoever has a catalogue can be told without a coordinator.

use std::fmt;

use crate::definition::{Action, Definition};
use crate::message::CommandInfo;

/// Sagas of which each starts the next, and the last one the first: without a condition they would go on for ever.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", told(.links), remedy(.links))]
pub struct Circle {
    /// Each saga, and by what it starts the next; the last one starts the first.
    pub links: Vec<(&'static str, Starts)>,
}

/// How one saga starts another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Starts {
    /// A reply to this command, which is this event, triggers it.
    Reply {
        /// The command.
        command: &'static str,
        /// The event.
        event: &'static str,
    },
    /// A step runs it.
    Run,
}

fn told(links: &[(&'static str, Starts)]) -> String {
    let names = links.iter().map(|(name, _)| *name);
    let next = names.clone().cycle().skip(1);
    let link = |((name, starts), next): (&(&str, Starts), &str)| format!("`{name}` starts `{next}` {starts}");
    let links: Vec<_> = links.iter().zip(next).map(link).collect();
    format!("sagas start each other for ever: {}", links.join(", "))
}

fn remedy(links: &[(&'static str, Starts)]) -> &'static str {
    let only_runs = links.iter().all(|(_, starts)| *starts == Starts::Run);
    if only_runs { "leave out one `run`" } else { "give one of these triggers an `if`" }
}

impl fmt::Display for Starts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reply { command, event } => write!(f, "(`{command}` is answered with `{event}`)"),
            Self::Run => f.write_str("(by `run`)"),
        }
    }
}

/// One thing that is wrong with a catalogue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Finding {
    /// Two of one name and version.
    #[error(
        "two sagas are named `{name}` in version {version}: name one of them otherwise, with #[name(\"…\")], or give it \
         another version"
    )]
    Duplicate {
        /// The name.
        name: &'static str,
        /// The version.
        version: u32,
    },
    /// A saga sends to a participant that nobody serves.
    #[error("`{saga}` sends to `{participant}`, which nobody serves: serve it, or let it connect")]
    Unserved {
        /// The saga.
        saga: &'static str,
        /// The participant.
        participant: &'static str,
    },
    /// Sagas that start each other for ever.
    #[error(transparent)]
    Circle(#[from] Circle),
}

/// All that is wrong. `served` are the participants that there are, if that is known.
pub fn findings(definitions: &[&'static Definition], served: Option<&[&str]>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (position, one) in definitions.iter().enumerate() {
        let (name, version) = (one.name, one.version);
        if definitions[..position].iter().any(|other| other.name == name && other.version == version) {
            found.push(Finding::Duplicate { name, version });
        }
        let unserved = one.participants().filter(|participant| served.is_some_and(|all| !all.contains(participant)));
        for participant in unserved {
            let finding = Finding::Unserved { saga: name, participant };
            if !found.contains(&finding) {
                found.push(finding);
            }
        }
    }
    found.extend(circle(definitions).map(Finding::Circle));
    found
}

/// The first circle of triggers without `if`, what undoes a step included. What is done only on a condition closes none;
/// nor does what a participant publishes by itself.
pub fn circle(definitions: &[&'static Definition]) -> Option<Circle> {
    let started: Vec<_> = definitions.iter().copied().filter(|one| is_highest(one, definitions)).collect();
    let mut done = Vec::new();
    started.iter().find_map(|first| search(first, &started, &mut Vec::new(), &mut done))
}

fn is_highest(one: &Definition, definitions: &[&'static Definition]) -> bool {
    !definitions.iter().any(|other| other.name == one.name && other.version > one.version)
}

/// A circle that `at` leads to, `path` being the way to it.
fn search(
    at: &'static Definition,
    all: &[&'static Definition],
    path: &mut Vec<(&'static str, Starts)>,
    done: &mut Vec<&'static str>,
) -> Option<Circle> {
    if let Some(begin) = path.iter().position(|(name, _)| *name == at.name) {
        return Some(Circle { links: path.split_off(begin) });
    }
    if done.contains(&at.name) {
        return None;
    }
    for (next, starts) in started_by(at, all) {
        path.push((at.name, starts));
        if let Some(circle) = search(next, all, path, done) {
            return Some(circle);
        }
        path.pop();
    }
    done.push(at.name);
    None
}

/// The sagas that this one starts whenever it goes all the way, or all the way back.
fn started_by(of: &'static Definition, all: &[&'static Definition]) -> Vec<(&'static Definition, Starts)> {
    let mut started = Vec::new();
    for step in of.steps.iter().filter(|step| step.when.is_none()) {
        for exchange in std::iter::once(&step.exchange).chain(step.compensation.exchange()) {
            match exchange.action {
                Action::Send(command) | Action::Query(command) => started.extend(triggered_by(command, all)),
                Action::Run(child) => started.push((child, Starts::Run)),
                Action::Sleep(_) | Action::Wait | Action::Nothing => {}
            }
        }
    }
    started
}

fn triggered_by(
    command: &'static CommandInfo,
    all: &[&'static Definition],
) -> impl Iterator<Item = (&'static Definition, Starts)> {
    command.replies.iter().flat_map(move |event| {
        let triggers = move |other: &&&'static Definition| {
            other.triggers.iter().any(|trigger| trigger.event == *event && trigger.guard.is_none())
        };
        all.iter().filter(triggers).map(move |other| (*other, Starts::Reply { command: command.name, event }))
    })
}
