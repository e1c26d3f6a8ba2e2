//! The parts of a definition in words.

use std::time::Duration;

use super::markdown::{code, prose};
use super::{files, paths};
use crate::definition::{
    Action, Arm, ArmOutcome, AtOnce, Compensation, Concurrency, Deadline, Definition, Each, Exchange, OnRestart,
    Policy, Retry, Span, Step, StepKind, Trigger,
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
    let mut starts: Vec<_> = Vec::new();
    for trigger in triggers.iter().map(trigger) {
        // A pattern of several events is a trigger for each of them.
        if !starts.contains(&trigger) {
            starts.push(trigger);
        }
    }
    starts.push("a call".to_owned());
    starts.join(", or ")
}

fn trigger(trigger: &Trigger) -> String {
    format!("the event {}{}", code(trigger.pattern), guard(trigger.guard))
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
        keys => {
            let keys = listed(keys.iter().map(|key| code(key)));
            format!("{policy}; per {keys}, which sagas of other kinds may hold too")
        }
    }
}

pub(super) fn deadline(definition: &Definition) -> String {
    let until = if paths::pivot(definition).is_some() { " before the pivot took effect" } else { "" };
    match &definition.deadline {
        Deadline::After(after) => format!("{}; when it passes{until}, the saga compensates", span(after)),
        Deadline::None { because } => format!("none, because {}", prose(because)),
    }
}

/// What becomes of it at a restart, if that is not as usual.
pub(super) fn restart(definition: &Definition) -> Option<&'static str> {
    match definition.on_restart {
        _ if definition.ephemeral => Some("lost: it is kept in memory only"),
        OnRestart::Resume => None,
        OnRestart::Compensate => Some("it is undone, as if it had been cancelled"),
        OnRestart::Park => Some("it waits for an operator"),
    }
}

pub(super) fn span(span: &Span) -> String {
    match span {
        Span::Fixed(duration) => exactly(*duration),
        Span::Computed(expression) => code(expression),
    }
}

pub(super) fn retry(retry: &Retry) -> String {
    format!("{} more, {}", times(retry), every(retry))
}

/// `every 1 s`, `every 100 ms to 5 s`.
pub(super) fn every(retry: &Retry) -> String {
    if retry.every == retry.at_most {
        return format!("every {}", span(&retry.every));
    }
    format!("every {} to {}", span(&retry.every), span(&retry.at_most))
}

fn times(retry: &Retry) -> String {
    match number(retry) {
        Some(times) => times.to_string(),
        None => code(retry.times),
    }
}

/// How many more attempts, if that is written as a number.
pub(super) fn number(retry: &Retry) -> Option<u32> {
    retry.times.replace('_', "").parse().ok()
}

/// What an arm waits for, all conditions included.
pub(super) fn heard(arm: &Arm) -> String {
    let equal = |correlation: &crate::definition::Correlation| {
        format!("{} is {}", code(correlation.name), code(correlation.value))
    };
    let correlated: Vec<_> = arm.correlations.iter().map(equal).collect();
    let correlated = match correlated.is_empty() {
        true => String::new(),
        false => format!(" from anyone, where {}", correlated.join(" and ")),
    };
    outcome(&arm.outcome) + &correlated + &guard(arm.guard)
}

fn guard(guard: Option<&str>) -> String {
    guard.map(|guard| format!(" if {}", code(guard))).unwrap_or_default()
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

/// What an exchange does, as a sentence.
pub(super) fn sends(exchange: &Exchange) -> String {
    let does = match exchange.action {
        Action::Send(command) => format!("Sends {} to {}.", code(command.name), prose(command.to)),
        Action::Query(command) => format!("Asks {} {}.", prose(command.to), code(command.name)),
        Action::Run(saga) => format!("Runs the saga {}, and waits until it has ended.", link(saga)),
        Action::Sleep(time) => format!("Lets {} pass.", span(&time)),
        Action::Wait => "Sends nothing, and waits.".to_owned(),
        Action::Nothing => "Does nothing; it only says how to undo what was there before.".to_owned(),
    };
    if exchange.action.command().is_some_and(|command| command.live_only) {
        does + " It is worth nothing later, and never waits for the participant."
    } else {
        does
    }
}

/// What an exchange does, in a cell.
pub(super) fn asks(exchange: &Exchange) -> String {
    match exchange.action {
        Action::Send(command) => format!("send {}", code(command.name)),
        Action::Query(command) => format!("query {}", code(command.name)),
        Action::Run(saga) => format!("run {}", link(saga)),
        Action::Sleep(time) => format!("sleep {}", span(&time)),
        Action::Wait => "await".to_owned(),
        Action::Nothing => "–".to_owned(),
    }
}

/// The name of a saga, which leads to its page.
pub(super) fn link(saga: &Definition) -> String {
    format!("[{}]({})", code(saga.type_name), files::name(saga))
}

/// What undoes a step, in a cell.
pub(super) fn undone_by(definition: &Definition, step: &Step) -> String {
    match &step.compensation {
        Compensation::NotNeeded => not_needed(step).to_owned(),
        Compensation::None { because } => format!("none, because {}", prose(because)),
        Compensation::Exchange(exchange) => asks(exchange),
        Compensation::With(with) => format!("with {}", code(paths::step_of(definition, *with).name)),
        Compensation::Unwind => "unwind: its own compensations".to_owned(),
    }
}

fn not_needed(step: &Step) -> &'static str {
    match (step.kind, step.exchange.action.has_effect()) {
        (StepKind::Pivot, _) => "not possible: there is no way back from it",
        (StepKind::Finally, _) => "not possible: it runs on every way out",
        (StepKind::Plain, true) => "not possible: it comes after the pivot",
        (StepKind::Plain, false) => "not needed: it changes nothing",
    }
}

/// `for each`, `when`, and what else makes a step another one than an ordinary step.
pub(super) fn marks(definition: &Definition, index: u16) -> Vec<String> {
    let step = paths::step_of(definition, index);
    let kind = match step.kind {
        StepKind::Plain => None,
        StepKind::Pivot => Some("pivot".to_owned()),
        StepKind::Finally => Some("finally".to_owned()),
    };
    let parts = [kind, step.each.as_ref().map(each), step.when.map(|when| format!("when {}", code(when)))];
    parts.into_iter().flatten().chain(siblings(definition, index)).collect()
}

pub(super) fn each(each: &Each) -> String {
    let at_once = match each.at_once {
        AtOnce::AtMost(1) => "one after another".to_owned(),
        AtOnce::AtMost(most) => format!("{most} at once"),
        AtOnce::All => "all at once".to_owned(),
    };
    format!("for each {} in {}, {at_once}", code(each.pattern), code(each.items))
}

fn siblings(definition: &Definition, index: u16) -> Option<String> {
    let place = definition.places.iter().find(|place| place.steps.contains(&index) && place.steps.len() > 1)?;
    let others = place.steps.iter().filter(|step| **step != index);
    Some(format!("in parallel with {}", listed(others.map(|step| code(paths::step_of(definition, *step).name)))))
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(words: impl IntoIterator<Item = String>) -> String {
    joined(words, "and")
}

/// `a`, `a or b`, `a, b or c`.
pub(super) fn either(words: impl IntoIterator<Item = String>) -> String {
    joined(words, "or")
}

fn joined(words: impl IntoIterator<Item = String>, last_with: &str) -> String {
    let mut words: Vec<_> = words.into_iter().collect();
    match words.pop() {
        None => String::new(),
        Some(last) if words.is_empty() => last,
        Some(last) => format!("{} {last_with} {last}", words.join(", ")),
    }
}

/// The greatest unit that says it exactly.
pub(super) fn exactly(duration: Duration) -> String {
    const UNITS: [(u128, &str); 5] =
        [(3_600_000_000_000, "h"), (60_000_000_000, "min"), (1_000_000_000, "s"), (1_000_000, "ms"), (1000, "µs")];
    let nanos = duration.as_nanos();
    let unit = UNITS.iter().find(|(unit, _)| nanos >= *unit && nanos.is_multiple_of(*unit));
    match unit {
        Some((unit, name)) => format!("{} {name}", nanos / unit),
        None => format!("{nanos} ns"),
    }
}

/// A bound for people: from ten seconds on in whole seconds, and never less than it is.
pub(super) fn at_most(duration: Duration) -> String {
    if duration < Duration::from_secs(10) {
        return exactly(duration);
    }
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let parts = parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count} {unit}"));
    parts.collect::<Vec<_>>().join(" ")
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
    fn a_bound_is_never_less_than_it_is() {
        for (duration, text) in [
            (Duration::from_millis(7800), "7800 ms"),
            (Duration::from_millis(411_100), "6 min 52 s"),
            (Duration::from_secs(7205), "2 h 5 s"),
            (Duration::from_secs(60), "1 min"),
        ] {
            assert_eq!(at_most(duration), text);
        }
    }

    #[test]
    fn lists_read_aloud() {
        let listed = |words: &[&str]| super::listed(words.iter().map(|word| (*word).to_owned()));
        assert_eq!(
            [listed(&[]), listed(&["a"]), listed(&["a", "b"]), listed(&["a", "b", "c"])],
            ["", "a", "a and b", "a, b and c"]
        );
    }
}
