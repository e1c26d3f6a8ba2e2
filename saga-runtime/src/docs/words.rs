//! The parts of a definition in words.

use std::time::Duration;

use super::markdown::{code, codes, prose};
use crate::definition::{
    Action, ArmOutcome, Concurrency, Deadline, Definition, Exchange, Policy, Retry, Span, Trigger,
};

/// `Name(parameter: Type) -> Output`.
pub(super) fn signature(definition: &Definition) -> String {
    let parameters: Vec<_> =
        definition.parameters.iter().map(|parameter| format!("{}: {}", parameter.name, parameter.ty)).collect();
    let output = definition.output.map(|output| format!(" -> {output}")).unwrap_or_default();
    format!("{}({}){output}", definition.type_name, parameters.join(", "))
}

/// What starts it.
pub(super) fn starts(triggers: &[Trigger]) -> String {
    let mut starts: Vec<_> = triggers.iter().map(trigger).collect();
    starts.push("a call".to_owned());
    starts.join(", or ")
}

fn trigger(trigger: &Trigger) -> String {
    let guard = trigger.guard.map(|guard| format!(" if {}", code(guard))).unwrap_or_default();
    format!("the event {}{guard}", code(trigger.pattern))
}

pub(super) fn concurrency(concurrency: &Concurrency) -> String {
    let policy = match concurrency.policy {
        Policy::Allow => "allow: any number run at once",
        Policy::Queue => "queue: one at a time, first come, first served",
        Policy::Replace => "replace: one at a time, a new one takes the place of the other",
        Policy::Skip => "skip: one at a time, others do not start",
    };
    match concurrency.keys {
        [] => policy.to_owned(),
        keys => format!("{policy}; per {}", codes(keys.iter().copied())),
    }
}

pub(super) fn deadline(deadline: &Deadline) -> String {
    match deadline {
        Deadline::After(after) => format!("{}; when it passes, the saga compensates", span(after)),
        Deadline::None { because } => format!("none, because {}", prose(because)),
    }
}

pub(super) fn span(span: &Span) -> String {
    match span {
        Span::Fixed(duration) => exactly(*duration),
        Span::Computed(expression) => code(expression),
    }
}

pub(super) fn retry(retry: &Retry) -> String {
    format!("{} more, every {} to {}", times(retry), span(&retry.every), span(&retry.at_most))
}

fn times(retry: &Retry) -> String {
    match retry.times.parse::<u32>() {
        Ok(times) => times.to_string(),
        Err(_) => code(retry.times),
    }
}

/// What an arm takes.
pub(super) fn outcome(outcome: &ArmOutcome) -> String {
    match outcome {
        ArmOutcome::Event { pattern, .. } => code(pattern),
        ArmOutcome::Handled => "handled".to_owned(),
        ArmOutcome::Refused(pattern) => format!("refused {}", code(pattern)),
        ArmOutcome::Failed(pattern) => format!("failed {}", code(pattern)),
        ArmOutcome::Timeout => "timeout".to_owned(),
        ArmOutcome::Disconnected => "disconnected".to_owned(),
    }
}

/// Whether an arm for a refusal takes them all.
pub(super) fn takes_all(pattern: &str) -> bool {
    let pattern = pattern.trim();
    pattern == "_"
        || (pattern.starts_with(|first: char| first.is_lowercase())
            && pattern.chars().all(|character| character.is_alphanumeric() || character == '_'))
}

/// What an exchange does, as a sentence.
pub(super) fn sends(exchange: &Exchange) -> String {
    let does = match exchange.action {
        Action::Send(command) => format!("Sends {} to {}.", code(command.name), prose(command.to)),
        Action::Query(command) => format!("Asks {} {}.", prose(command.to), code(command.name)),
        Action::Run(saga) => format!("Runs {}.", code(saga.name)),
        Action::Sleep(time) => format!("Sleeps {}.", span(&time)),
        Action::Wait => "Waits.".to_owned(),
        Action::Nothing => "Does nothing; it only says how to undo what was there before.".to_owned(),
    };
    if exchange.action.command().is_some_and(|command| command.live_only) {
        does + " It is worth nothing later, and never waits for the participant."
    } else {
        does
    }
}

/// The greatest units that say it exactly.
fn exactly(duration: Duration) -> String {
    const UNITS: [(u128, &str); 5] =
        [(3_600_000_000_000, "h"), (60_000_000_000, "min"), (1_000_000_000, "s"), (1_000_000, "ms"), (1000, "µs")];
    let nanos = duration.as_nanos();
    let unit = UNITS.iter().find(|(unit, _)| nanos >= *unit && nanos.is_multiple_of(*unit));
    match unit {
        Some((unit, name)) => format!("{} {name}", nanos / unit),
        None => format!("{nanos} ns"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_exact() {
        for (duration, text) in [
            (Duration::from_millis(250), "250 ms"),
            (Duration::from_secs(10), "10 s"),
            (Duration::from_secs(90), "90 s"),
            (Duration::from_secs(300), "5 min"),
            (Duration::from_secs(7200), "2 h"),
            (Duration::from_nanos(7), "7 ns"),
            (Duration::ZERO, "0 ns"),
        ] {
            assert_eq!(exactly(duration), text);
        }
    }

    #[test]
    fn a_name_takes_every_refusal() {
        assert!(takes_all("reason") && takes_all("_"));
        assert!(!takes_all("PoolFull") && !takes_all("reason @ PoolFull"));
    }
}
