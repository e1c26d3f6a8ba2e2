//! The page of a saga on the terminal.

use std::fmt::{self, Write};

use serde_json::Value;

use super::steps::StepState;
use super::view::{Connection, ShowView, WaitsView};
use crate::cli::records;
use crate::cli::style::{self, ACTIVE, BACKWARD, BAD, FAINT, GOOD, PLAIN, STRONG, clean, clean_lines, paint, shorten};
use crate::cli::table::{Cell, Table};
use crate::cli::time;
use crate::time::Timestamp;

/// The page, in lines of at most `width` characters if there is one. What people wrote is not shortened.
pub(super) fn render(view: &ShowView, app: &str, width: Option<usize>, now: Timestamp) -> String {
    let mut page = String::new();
    write_page(&mut page, view, app, width, now).expect("a String takes everything");
    page
}

fn write_page(page: &mut String, view: &ShowView, app: &str, width: Option<usize>, now: Timestamp) -> fmt::Result {
    head(page, view, now)?;
    if let Some(waits) = &view.waits {
        waiting(page, waits, now)?;
    }
    if view.is_stuck() {
        remedies(page, view, app)?;
    }
    outcome(page, view)?;
    section(page, "input")?;
    pretty(page, &view.input)?;
    steps(page, view, width, now)?;
    record_lines(page, view, width)?;
    late(page, view, width)
}

fn head(page: &mut String, view: &ShowView, now: Timestamp) -> fmt::Result {
    let saga = &view.saga;
    let status = paint(style::of(saga.status), saga.status.as_str());
    let step = saga.step.as_ref().map(|step| format!(" at {}", clean(step))).unwrap_or_default();
    let name = paint(STRONG, &clean(&saga.name));
    writeln!(page, "{} {name} {} {status}{step}", paint(STRONG, &format!("saga {}", saga.id)), version(saga.version))?;
    line(page, "started", &time::full(saga.started.0, now))?;
    if let Some(ended) = saga.ended {
        let took = time::length(ended.0.since(saga.started.0));
        line(page, "ended", &format!("{}, after {took}", time::full(ended.0, now)))?;
    }
    if let Some(parent) = saga.parent {
        line(page, "run by", &format!("saga {parent}"))?;
    }
    match &saga.key {
        Some(key) => line(page, "key", key),
        None => Ok(()),
    }
}

fn version(version: u32) -> String {
    paint(FAINT, &format!("(version {version})"))
}

fn line(page: &mut String, title: &str, text: &str) -> fmt::Result {
    writeln!(page, "  {} {}", paint(FAINT, &format!("{title:<10}")), clean(text))
}

fn section(page: &mut String, title: &str) -> fmt::Result {
    writeln!(page, "\n{}", paint(STRONG, title))
}

fn waiting(page: &mut String, waits: &WaitsView, now: Timestamp) -> fmt::Result {
    line(page, "waits for", waits.what.as_deref().unwrap_or("nothing that is known"))?;
    if let Some(participant) = &waits.participant {
        line(page, "from", participant)?;
    }
    line(page, "since", &time::full(waits.since.0, now))?;
    if let Some(until) = waits.until {
        line(page, "until", &time::full(until.0, now))?;
    }
    if let Some(reason) = &waits.reason {
        line(page, "because", reason)?;
    }
    connection(page, waits)
}

fn connection(page: &mut String, waits: &WaitsView) -> fmt::Result {
    let participant = clean(waits.participant.as_deref().unwrap_or_default());
    let queue = |waiting: usize| match waiting {
        0 => String::new(),
        1 => "; one delivery waits for it".to_owned(),
        _ => format!("; {waiting} deliveries wait for it"),
    };
    let (style, text) = match &waits.connection {
        Connection::NotNeeded => return Ok(()),
        Connection::Connected { waiting } => (GOOD, format!("{participant} is connected{}", queue(*waiting))),
        Connection::Disconnected { waiting } => (BAD, format!("{participant} is not connected{}", queue(*waiting))),
        Connection::Unknown => (BAD, format!("{participant} has never been connected to this coordinator")),
        Connection::NoCoordinator => {
            (BAD, "no coordinator is running: the saga goes on when one is started".to_owned())
        }
        Connection::NotTold { reason } => (BAD, format!("the coordinator cannot be asked: {}", clean(reason))),
    };
    writeln!(page, "  {} {}", paint(FAINT, &format!("{:<10}", "now")), paint(style, &text))
}

fn remedies(page: &mut String, view: &ShowView, app: &str) -> fmt::Result {
    let command = |verb: &str| format!("{app} {verb} {} --why …", view.saga.id);
    let mut remedies = Vec::new();
    if view.goes_on_by_itself() {
        let who = view.saga.participant.as_ref().map(|who| format!(" when {} answers", clean(who))).unwrap_or_default();
        remedies.push(("wait".to_owned(), format!("it goes on by itself{who}")));
    }
    remedies.push((command("retry"), "does what is stuck again, with new attempts".to_owned()));
    if view.is_way_back() {
        remedies.push((command("skip"), "passes over it; takes an unknown fate as never".to_owned()));
    } else if !view.past_pivot {
        remedies.push((command("cancel"), "has what was done undone".to_owned()));
    }
    remedies.push((command("end"), "ends the saga as it is, and undoes no more".to_owned()));
    section(page, "what you can do")?;
    let width = command("cancel").chars().count();
    remedies.iter().try_for_each(|(what, does)| writeln!(page, "  {what:width$}  {does}"))
}

fn outcome(page: &mut String, view: &ShowView) -> fmt::Result {
    let Some(outcome) = &view.outcome else {
        return Ok(());
    };
    let text = records::outcome(outcome).unwrap_or_else(|| outcome.to_string());
    writeln!(page, "  {} {}", paint(FAINT, &format!("{:<10}", "outcome")), clean(&text))
}

fn pretty(page: &mut String, value: &Value) -> fmt::Result {
    let text = serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string());
    for line in clean_lines(&text).lines() {
        writeln!(page, "  {line}")?;
    }
    Ok(())
}

fn steps(page: &mut String, view: &ShowView, width: Option<usize>, now: Timestamp) -> fmt::Result {
    if view.steps.is_empty() {
        return Ok(());
    }
    section(page, "steps")?;
    let mut table = Table::default().text("STEP", 8).text("STATE", 12).text("ATTEMPT", 7).text("SINCE", 9);
    for step in &view.steps {
        table.row([
            Cell::from(&step.name),
            Cell::styled(style_of(step.state), step.told()),
            Cell::from(step.attempt.map(|attempt| attempt.to_string()).unwrap_or_default()),
            Cell::styled(FAINT, step.since.map(|since| time::relative(since.0, now)).unwrap_or_default()),
        ]);
    }
    indented(page, &table.render(width.map(|width| width.saturating_sub(2))))
}

fn style_of(state: StepState) -> anstyle::Style {
    match state {
        StepState::Ahead | StepState::NotReached => FAINT,
        StepState::Open => ACTIVE,
        StepState::Done => GOOD,
        StepState::InDoubt | StepState::Undoing | StepState::Skipped | StepState::GivenUp => BACKWARD,
        StepState::NotDone | StepState::Undone => PLAIN,
    }
}

fn indented(page: &mut String, text: &str) -> fmt::Result {
    text.lines().try_for_each(|line| writeln!(page, "  {line}"))
}

/// A record on a line, and what followed on lines of its own.
fn record_lines(page: &mut String, view: &ShowView, width: Option<usize>) -> fmt::Result {
    section(page, "records")?;
    let digits = view.records.last().map_or(1, |last| last.number.to_string().len());
    for record in &view.records {
        let prefix = format!("  {:>digits$}  {}  ", record.number, time::of_day(record.time.0));
        let room = width.map(|width| width.saturating_sub(prefix.chars().count()));
        for (index, text) in records::lines(&record.data).iter().enumerate() {
            let text = if index == 0 { clean(text) } else { format!("→ {}", clean(text)) };
            let text = room.map_or_else(|| text.clone(), |room| shorten(&text, room));
            let prefix = if index == 0 { paint(FAINT, &prefix) } else { " ".repeat(prefix.chars().count()) };
            writeln!(page, "{prefix}{text}")?;
        }
    }
    Ok(())
}

fn late(page: &mut String, view: &ShowView, width: Option<usize>) -> fmt::Result {
    if view.late.is_empty() {
        return Ok(());
    }
    section(page, "said too late")?;
    for late in &view.late {
        let text = clean(&format!("{}  {}", time::of_day(late.time.0), records::late(&late.data)));
        let text = width.map_or_else(|| text.clone(), |width| shorten(&text, width.saturating_sub(2)));
        writeln!(page, "  {text}")?;
    }
    Ok(())
}
