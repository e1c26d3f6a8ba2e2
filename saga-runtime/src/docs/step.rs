//! One step: what it does, what ends it, and what undoes it.

use std::fmt::{self, Write};

use super::markdown::{code, codes, head, prose, row, summary};
use super::paths::{self, Way};
use super::time::{PERSEVERING_RETRY, PERSEVERING_WITHIN};
use super::{page, words};
use crate::definition::{
    Action, Arm, ArmOutcome, Compensation, Deadline, Definition, Disposition, Exchange, Span, Step,
};

pub(super) fn render(page: &mut String, definition: &Definition, index: u16) -> fmt::Result {
    let step = paths::step_of(definition, index);
    let output = step.output.map(|output| format!(" → {}", code(output))).unwrap_or_default();
    writeln!(page, "<a id=\"{}\"></a>\n\n### {}{output}\n", anchor(index), code(step.name))?;
    page::block(page, step.doc)?;
    let marks = words::marks(definition, index);
    if !marks.is_empty() {
        writeln!(page, "*{}.*\n", capital(&marks.join("; ")))?;
    }
    said(page, &step.exchange)?;
    if let Some(shape) = shape(step) {
        writeln!(page, "{shape}\n")?;
    }
    if step.exchange.action != Action::Nothing {
        ending(page, definition, &step.exchange, paths::way(definition, index))?;
    }
    undoing(page, definition, step)
}

/// What links to a step.
pub(super) fn anchor(index: u16) -> String {
    format!("step-{}", index + 1)
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What is said, with what the command's author has to say of it.
fn said(page: &mut String, exchange: &Exchange) -> fmt::Result {
    let command = exchange.action.command();
    let doc = match summary(command.map_or("", |command| command.doc)) {
        doc if doc.is_empty() => doc,
        doc => format!(" {doc}"),
    };
    let hidden = match command.map_or(&[][..], |command| command.redacted) {
        [] => String::new(),
        fields => format!(" Never shown of it: {}.", codes(fields.iter().copied())),
    };
    writeln!(page, "{}{doc}{hidden}\n", words::sends(exchange))
}

/// What its output is, where that is more or less than the type after the arrow.
fn shape(step: &Step) -> Option<String> {
    let ty = step.output.unwrap_or("()");
    let outer = match (step.each.is_some(), step.when.is_some()) {
        (false, false) => None,
        _ if step.output.is_none() => None,
        (true, false) => Some(format!("Its output is {}, in the order of the items.", code(&format!("Vec<{ty}>")))),
        (false, true) => Some(format!("Its output is {}.", code(&format!("Option<{ty}>")))),
        (true, true) => Some(format!("Its output is {}.", code(&format!("Option<Vec<{ty}>>")))),
    };
    let redacted = step.redacted.then(|| "Its output is never shown.".to_owned());
    let parts: Vec<_> = outer.into_iter().chain(redacted).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// What it does about everything that it can hear.
fn ending(page: &mut String, definition: &Definition, exchange: &Exchange, way: Way) -> fmt::Result {
    let what = if way == Way::Back { "the compensation" } else { "the step" };
    page.push_str(&head(&["When this happens", what]));
    for arm in exchange.arms {
        page.push_str(&row([words::heard(arm), does(definition, exchange, arm, way)]));
    }
    for (outcome, does) in defaults(definition, exchange, way) {
        page.push_str(&row([outcome, &format!("{does} (by default)")]));
    }
    writeln!(page)?;
    if exchange.arms.iter().any(|arm| !arm.correlations.is_empty()) {
        page.push_str(
            "What is awaited *from anyone* counts from the moment at which the values that it is compared with are \
             known, also when the step has not begun: then the first that matches is kept for it.\n\n",
        );
    }
    Ok(())
}

fn does(definition: &Definition, exchange: &Exchange, arm: &Arm, way: Way) -> String {
    match arm.disposition {
        Disposition::Value(_) if way == Way::Back => "has undone the step".to_owned(),
        Disposition::Value("()") => "ends".to_owned(),
        Disposition::Value(value) => format!("ends, with {}", code(value)),
        Disposition::Fail(reason) if way.perseveres() => format!("is stuck: {}", code(reason)),
        Disposition::Fail(reason) => format!("fails the saga: {}", code(reason)),
        Disposition::Retry => again(definition, exchange, way),
    }
}

/// What is done once more, and until when.
fn again(definition: &Definition, exchange: &Exchange, way: Way) -> String {
    let again =
        if matches!(exchange.action, Action::Run(_)) { "runs the saga again" } else { "sends the command again" };
    let until = match way {
        Way::Beyond => ", until it is handled",
        Way::Back | Way::Finally => "; when the attempts are spent, it is stuck",
        Way::Forward | Way::Pivot if exchange.retry.is_some() => "; when the attempts are spent, the saga fails",
        Way::Forward | Way::Pivot if matches!(definition.deadline, Deadline::After(_)) => ", until the deadline",
        Way::Forward | Way::Pivot => ", as often as it takes",
    };
    format!("{again}{until}")
}

/// What the language says where the author says nothing.
fn defaults(definition: &Definition, exchange: &Exchange, way: Way) -> Vec<(&'static str, String)> {
    let again = || again(definition, exchange, way);
    let fails = |why: &str| if way.perseveres() { again() } else { format!("fails the saga{why}") };
    let doubtful = if way == Way::Pivot { ", unless it turns out to have been done" } else { "" };
    let retried = || if exchange.retry.is_some() { again() + doubtful } else { fails(doubtful) };
    let is_command = exchange.action.command().is_some();
    let has_away = paths::takes(exchange, &ArmOutcome::Disconnected);
    let away = if paths::gives_up_when_away(exchange) {
        fails(doubtful)
    } else {
        "waits, and delivers the command when the participant is back".to_owned()
    };
    let rows = [
        (finished(exchange), paths::ends_by_itself(exchange), ends(exchange, way)),
        ("refused", paths::can_be_refused(exchange), fails(" with the refusal")),
        ("failed", paths::child_can_fail(exchange), fails(" with its cause")),
        ("timeout", paths::can_time_out(exchange, way), retried()),
        ("disconnected", is_command && !has_away, away),
    ];
    rows.into_iter().filter(|(_, holds, _)| *holds).map(|(outcome, _, does)| (outcome, does)).collect()
}

fn finished(exchange: &Exchange) -> &'static str {
    match exchange.action {
        Action::Run(_) => "completed",
        Action::Sleep(_) => "the time has passed",
        _ => "handled",
    }
}

fn ends(exchange: &Exchange, way: Way) -> String {
    match exchange.action {
        _ if way == Way::Back => "has undone the step",
        Action::Run(_) => "ends, with the output of that saga",
        _ => "ends",
    }
    .to_owned()
}

fn undoing(page: &mut String, definition: &Definition, step: &Step) -> fmt::Result {
    match &step.compensation {
        Compensation::NotNeeded | Compensation::None { .. } => Ok(()),
        Compensation::Unwind => writeln!(
            page,
            "**Undone by** the compensations of {} itself, in the reverse of the order in which its steps completed.\n",
            page_name(&step.exchange)
        ),
        Compensation::With(with) => {
            let other = code(paths::step_of(definition, *with).name);
            writeln!(page, "**Undone with** {other}, in its place, if either of them took effect.\n")
        }
        Compensation::Exchange(exchange) => {
            undone_by(page, step, exchange)?;
            let needs_table = !exchange.arms.is_empty();
            if needs_table { ending(page, definition, exchange, Way::Back) } else { Ok(()) }
        }
    }
}

fn page_name(exchange: &Exchange) -> String {
    match exchange.action {
        Action::Run(saga) => words::link(saga),
        _ => "the saga".to_owned(),
    }
}

fn undone_by(page: &mut String, step: &Step, exchange: &Exchange) -> fmt::Result {
    let by = match exchange.action.command() {
        Some(command) => format!("{} to {}", code(command.name), prose(command.to)),
        None => words::asks(exchange),
    };
    let each = if step.each.is_some() { ", once for each item that took effect" } else { "" };
    let within = words::span(&exchange.within.unwrap_or(Span::Fixed(PERSEVERING_WITHIN)));
    let retry = words::retry(&exchange.retry.unwrap_or(PERSEVERING_RETRY));
    let harmless = match exchange.action.command() {
        Some(command) if command.harmless => {
            " It is harmless when nothing was done, so it is also sent when the participant no longer knows."
        }
        _ => "",
    };
    writeln!(
        page,
        "**Undone by** {by}{each}: an attempt lasts {within} at most, and after the first there are {retry}. When they are \
         spent, the saga is stuck.{harmless}\n"
    )
}
