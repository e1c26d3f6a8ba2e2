//! *What happens if*: for each step and each failure, what is undone in which order, and how the saga goes on.

use std::fmt::{self, Write};

use super::markdown::{code, codes, head, prose, row};
use super::paths::{self, Way};
use super::time::{PERSEVERING_RETRY, PERSEVERING_WITHIN};
use super::words;
use crate::definition::{
    Action, Arm, ArmOutcome, AtOnce, Compensation, Deadline, Definition, Disposition, Exchange, Policy, Span, Step,
};

pub(super) fn render(page: &mut String, definition: &Definition) -> fmt::Result {
    writeln!(page, "<a id=\"what-happens-if\"></a>\n\n## What happens if\n")?;
    writeln!(page, "{}\n", course(definition))?;
    table(page, definition);
    writeln!(page)?;
    for paragraph in paragraphs(definition) {
        writeln!(page, "{paragraph}\n")?;
    }
    Ok(())
}

/// What follows a failure, in few words.
fn course(definition: &Definition) -> String {
    let runs = definition.steps.iter().any(|step| matches!(step.exchange.action, Action::Run(_)));
    let stops = if runs { " A saga that it runs is cancelled, and awaited." } else { "" };
    let undone = if definition.steps.iter().any(paths::undoes_itself) {
        "Then it undoes what was done, in the order of this table, each before the next"
    } else {
        "Nothing is undone"
    };
    let finally = if definition.finally.is_empty() { "" } else { "then the *finally* steps run; " };
    format!(
        "When the saga fails, {}.{stops} {undone}; {finally}it ends *compensated*, with the cause of the failure.{}",
        asked(definition),
        beside(definition)
    )
}

/// Of which commands it matters what became of them.
fn asked(definition: &Definition) -> String {
    let asked: Vec<_> = paths::asked(definition).map(|step| code(step.name)).collect();
    if asked.is_empty() {
        return "what had no answer is given up".to_owned();
    }
    format!("it first asks what became of each command that has had no answer, of {}", words::listed(asked))
}

/// What becomes of what runs beside a step that fails.
fn beside(definition: &Definition) -> &'static str {
    let forward =
        || definition.places.iter().flat_map(|place| place.steps).map(|step| paths::step_of(definition, *step));
    let has_items = forward().any(|step| step.each.is_some());
    let at_once = |step: &Step| step.each.is_some_and(|each| each.at_once != AtOnce::AtMost(1));
    if definition.places.iter().any(|place| place.steps.len() > 1) || forward().any(at_once) {
        " What runs beside the step or item that fails is given up: no further item is begun, and waits and queries are \
         dropped."
    } else if has_items {
        " When an item fails, no further one is begun."
    } else {
        ""
    }
}

fn table(page: &mut String, definition: &Definition) {
    page.push_str(&head(&["At", "If", "Undone, in this order"]));
    for place in 0..=definition.places.len() {
        for require in paths::required(definition, place) {
            let at = match place.checked_sub(1) {
                Some(last) => format!("after {}", steps_of(definition, last)),
                None => "the start".to_owned(),
            };
            let condition = format!("not {}: fails with {}", code(require.condition), code(require.reason));
            page.push_str(&row([at, condition, order(definition, &Failure { place, step: None })]));
        }
        let steps = definition.places.get(place).map_or(&[][..], |place| place.steps);
        for index in steps {
            step(page, definition, place, *index);
        }
    }
}

fn steps_of(definition: &Definition, place: usize) -> String {
    words::listed(definition.places[place].steps.iter().map(|step| code(paths::step_of(definition, *step).name)))
}

fn step(page: &mut String, definition: &Definition, place: usize, index: u16) {
    let name = code(paths::step_of(definition, index).name);
    if paths::way(definition, index) == Way::Beyond {
        page.push_str(&row([&name, "anything goes wrong", "nothing: it is tried until it succeeds"]));
        return;
    }
    let mut rows: Vec<(Vec<String>, String)> = Vec::new();
    for (reason, effect) in failures(definition, paths::step_of(definition, index)) {
        let order = followed(definition, &Failure { place, step: Some((index, effect)) });
        match rows.iter_mut().find(|(_, known)| *known == order) {
            Some((reasons, _)) => reasons.push(reason),
            None => rows.push((vec![reason], order)),
        }
    }
    for (reasons, order) in rows {
        page.push_str(&row([&name, &*reasons.join(", "), &*order]));
    }
}

/// What follows a failure at a step: there is still a way forward from a pivot that was done.
fn followed(definition: &Definition, failure: &Failure) -> String {
    let order = order(definition, failure);
    match failure.step {
        Some((step, Effect::Unknown)) if paths::way(definition, step) == Way::Pivot => {
            format!("if it was done: nothing, the saga goes on; if not: {order}")
        }
        _ => order,
    }
}

/// Where the saga fails.
struct Failure {
    /// At this place, or before it when no step is named.
    place: usize,
    step: Option<(u16, Effect)>,
}

impl Failure {
    /// Whether a step may have taken effect by then.
    fn may_follow(&self, definition: &Definition, step: u16) -> bool {
        let Some(place) = paths::place_of(definition, step) else { return false };
        let here = self.step.is_some_and(|(failed, effect)| {
            let each = paths::step_of(definition, failed).each.is_some();
            failed != step || effect == Effect::Unknown || each
        });
        place < self.place || (place == self.place && here)
    }
}

/// What is known of the exchange that failed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// Nothing was done.
    None,
    /// It may have been done.
    Unknown,
}

/// What can make the saga fail at a step.
fn failures(definition: &Definition, step: &Step) -> Vec<(String, Effect)> {
    let mut failures = Vec::new();
    let mut add = |reason: String, effect| {
        if !failures.iter().any(|(known, _)| *known == reason) {
            failures.push((reason, effect));
        }
    };
    for arm in step.exchange.arms {
        let spent = arm.disposition == Disposition::Retry && step.exchange.retry.is_some();
        let last = if spent { " at the last attempt" } else { "" };
        if spent || matches!(arm.disposition, Disposition::Fail(_)) {
            add(reason(arm) + last, effect_of(&arm.outcome));
        }
    }
    for (reason, effect) in by_default(definition, &step.exchange) {
        add(reason.to_owned(), effect);
    }
    failures
}

fn reason(arm: &Arm) -> String {
    match arm.outcome {
        ArmOutcome::Timeout => "timed out".to_owned(),
        ArmOutcome::Disconnected => "its participant is away".to_owned(),
        _ => words::heard(arm),
    }
}

fn effect_of(outcome: &ArmOutcome) -> Effect {
    match outcome {
        ArmOutcome::Timeout | ArmOutcome::Disconnected => Effect::Unknown,
        _ => Effect::None,
    }
}

fn by_default(definition: &Definition, exchange: &Exchange) -> impl Iterator<Item = (&'static str, Effect)> {
    let timed_out = if exchange.retry.is_some() { "timed out at the last attempt" } else { "timed out" };
    let has_deadline = matches!(definition.deadline, Deadline::After(_));
    let lasts = exchange.action != Action::Nothing;
    [
        ("refused", Effect::None, paths::can_be_refused(exchange)),
        ("that saga fails", Effect::None, paths::child_can_fail(exchange)),
        (timed_out, Effect::Unknown, paths::can_time_out(exchange, Way::Forward)),
        ("its participant is away", Effect::Unknown, paths::gives_up_when_away(exchange)),
        ("the deadline passes", Effect::Unknown, lasts && has_deadline),
        ("the saga is cancelled", Effect::Unknown, lasts),
        ("another one takes its place", Effect::Unknown, lasts && definition.concurrency.policy == Policy::Replace),
    ]
    .into_iter()
    .filter(|(_, _, possible)| *possible)
    .map(|(reason, effect, _)| (reason, effect))
}

/// All that is undone, in order.
fn order(definition: &Definition, failure: &Failure) -> String {
    let before = paths::undone_before(definition, failure.place);
    let before = before.map(|(_, steps)| last_first(definition, failure, &steps));
    let all: Vec<_> = own(definition, failure).into_iter().chain(before).collect();
    match &*all {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        all => all.iter().zip(1..).map(|(what, number)| format!("{number}. {what}")).collect::<Vec<_>>().join("; "),
    }
}

/// Steps of one place, with what the order is if there is more than one thing to undo.
fn last_first(definition: &Definition, failure: &Failure, steps: &[u16]) -> String {
    let several = steps.len() > 1 || steps.iter().any(|step| paths::step_of(definition, *step).each.is_some());
    let order = if several { ", the last to complete first" } else { "" };
    words::listed(steps.iter().map(|step| undo(definition, failure, *step))) + order
}

/// What is undone in the place at which a step fails.
fn own(definition: &Definition, failure: &Failure) -> Option<String> {
    let (index, _) = failure.step?;
    let done = |step: &u16| {
        failure.may_follow(definition, *step)
            || paths::shared_by(definition, *step).any(|shared| failure.may_follow(definition, shared))
    };
    let steps: Vec<_> = paths::undone_at(definition, failure.place).into_iter().filter(done).collect();
    let (step, names) = (paths::step_of(definition, index), last_first(definition, failure, &steps));
    match &*steps {
        [] => None,
        [one] if *one == index && step.each.is_none() => Some(match step.exchange.action {
            Action::Run(_) => format!("{names}, if it completed before it could be cancelled"),
            _ => format!("{names}, if it turns out to have been done"),
        }),
        _ => Some(format!("what was done of {names}")),
    }
}

/// What is undone of one step, and on what that depends.
fn undo(definition: &Definition, failure: &Failure, index: u16) -> String {
    let step = paths::step_of(definition, index);
    let is_over = paths::place_of(definition, index).is_some_and(|place| place < failure.place);
    let mut notes = Vec::new();
    if step.each.is_some() {
        notes.push("each item".to_owned());
    }
    let shared = paths::shared_by(definition, index).filter(|shared| failure.may_follow(definition, *shared));
    let shared: Vec<_> = shared.map(|shared| code(paths::step_of(definition, shared).name)).collect();
    if !shared.is_empty() {
        notes.push(format!("and {} with it", words::listed(shared)));
    }
    if matches!(step.compensation, Compensation::Unwind) {
        notes.push("by its own compensations".to_owned());
    }
    if is_over && step.when.is_some() {
        notes.push("if it ran".to_owned());
    } else if is_over && paths::abandons(&step.exchange).next().is_some() {
        notes.push("if it took effect, and is not undone yet".to_owned());
    }
    match &*notes {
        [] => code(step.name),
        notes => format!("{} ({})", code(step.name), notes.join("; ")),
    }
}

/// What the table does not hold.
fn paragraphs(definition: &Definition) -> Vec<String> {
    let abandoned = definition.steps.iter().filter_map(abandoned);
    let paragraphs = [pivot(definition), finally(definition), stuck(definition), doubt(definition), stays(definition)];
    abandoned.chain(paragraphs.into_iter().flatten()).chain([always()]).collect()
}

/// A step that can end before its command is answered.
fn abandoned(step: &Step) -> Option<String> {
    let arms: Vec<_> = paths::abandons(&step.exchange).map(words::heard).collect();
    if arms.is_empty() {
        return None;
    }
    let name = code(step.name);
    if let Action::Run(child) = step.exchange.action {
        let begins = format!("**{name} may end before saga {} does** ({})", code(child.name), arms.join(", "));
        let undone = if step.compensation.undoes() { "; if it completed all the same, it is undone" } else { "" };
        return Some(format!(
            "{begins}; the saga goes on. Meanwhile that one is cancelled and awaited{undone}. The saga does not end \
             before that."
        ));
    }
    let begins = format!("**{name} may end without an answer** ({}); the saga goes on.", arms.join(", "));
    if !step.compensation.undoes() {
        return Some(format!("{begins} An answer that comes later is recorded, and changes nothing."));
    }
    Some(format!(
        "{begins} Meanwhile its participant is asked what became of the command, and if it was done, it is undone. The \
         saga does not end before that."
    ))
}

fn pivot(definition: &Definition) -> Option<String> {
    let place = paths::pivot(definition)?;
    let pivot = steps_of(definition, place);
    let mut words = format!(
        "**Once {pivot} has taken effect there is no way back.** Nothing of what was done is undone any more, the \
         deadline no longer counts, and a cancel is refused; one that comes while {pivot} is under way waits for what \
         becomes of it."
    );
    let after = definition.places[place + 1..].iter().flat_map(|place| place.steps);
    let names: Vec<_> = after.map(|step| paths::step_of(definition, *step).name).collect();
    if !names.is_empty() {
        words += &format!(
            " From there on ({}) whatever is refused or times out is tried again, until it is handled. Where a step does \
             not say otherwise, an attempt lasts 30 s at most, and the next comes after 100 ms at first and 30 s at most. \
             After 10 attempts the saga is shown as stuck, and goes on.",
            codes(names)
        );
    }
    Some(words)
}

fn finally(definition: &Definition) -> Option<String> {
    if definition.finally.is_empty() {
        return None;
    }
    let names = definition.finally.iter().map(|step| code(paths::step_of(definition, *step).name));
    let run = if definition.finally.len() == 1 { "runs" } else { "run, in this order" };
    Some(format!(
        "**On every way out** {} {run}: when the saga went all the way, when it was undone (after the last compensation), \
         and when an operator ended it. What fails there is tried again, and when the attempts are spent, the saga is \
         stuck until an operator has it tried again, passes over it or ends the saga.{}",
        words::listed(names),
        definition.steps.iter().filter_map(seen).collect::<String>()
    ))
}

/// What a *finally* step can tell from the output of a step.
fn seen(step: &Step) -> Option<String> {
    let name = Some(code(step.name)).filter(|_| step.seen_at_last)?;
    let has_effect = step.exchange.action.has_effect();
    let by_effect = |arm: &Arm| {
        let answered = matches!(arm.outcome, ArmOutcome::Event { .. } | ArmOutcome::Handled);
        !matches!(arm.disposition, Disposition::Value(_)) || (answered && arm.correlations.is_empty())
    };
    Some(match step.each {
        Some(_) => format!(" There {name} is `Some` only if all its items have ended."),
        None if has_effect && step.exchange.arms.iter().all(by_effect) => {
            format!(" There {name} is `Some` if and only if it took effect, also when that turned out late.")
        }
        None => format!(" There {name} is `Some` if it ended with a value."),
    })
}

fn stuck(definition: &Definition) -> Option<String> {
    if !definition.steps.iter().any(paths::undoes_itself) {
        return None;
    }
    let finally = if definition.finally.is_empty() { "" } else { ", and goes on with the *finally* steps" };
    Some(format!(
        "**If undoing fails**, it is tried again. Where a step does not say otherwise, an attempt lasts {} at most, and after \
         the first there are {}. When they are spent, the saga is *stuck*: it is shown and kept until an operator has it tried again, \
         passes over it, or ends the saga, which undoes no more{finally}.",
        words::span(&Span::Fixed(PERSEVERING_WITHIN)),
        words::retry(&PERSEVERING_RETRY)
    ))
}

/// What happens when it does not become known what became of a command.
fn doubt(definition: &Definition) -> Option<String> {
    paths::asked(definition).next()?;
    let is_harmless = |step: &Step| {
        let undo = step.compensation.exchange().and_then(|exchange| exchange.action.command());
        undo.is_some_and(|command| command.harmless)
    };
    let harmless = if definition.steps.iter().any(is_harmless) {
        " Where what undoes it is harmless, that is done without knowing."
    } else {
        ""
    };
    Some(format!(
        "**If it does not become known what was done**: a participant that does not say within a minute what became of a \
         command, or is still at it, makes the saga stuck, which goes on by itself with the answer. One that no longer \
         knows makes it stuck until an operator has it asked again, takes the command for not done, or ends the \
         saga.{harmless}"
    ))
}

fn stays(definition: &Definition) -> Option<String> {
    let stays = definition.steps.iter().filter_map(|step| match step.compensation {
        Compensation::None { because } => Some(format!("{}, because {}", code(step.name), prose(because))),
        _ => None,
    });
    let stays: Vec<_> = stays.collect();
    (!stays.is_empty()).then(|| format!("**Never undone**: {}.", stays.join("; ")))
}

fn always() -> String {
    "**At any step** the saga is stuck if a participant breaks its contract (it says *handled* without a declared reply, or \
     its handler panics), or if an expression of the saga panics. An answer that nobody waits for any more is recorded and \
     shown, and changes nothing."
        .to_owned()
}
