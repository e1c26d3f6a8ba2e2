//! Notices as lines for people, and as JSON with times to read.

use anstyle::Style;
use serde::Serialize;
use serde_json::Value;

use super::records;
use super::style::{ACTIVE, BACKWARD, BAD, FAINT, GOOD, PLAIN, STRONG, clean, paint};
use super::time;
use crate::cause::Cause;
use crate::machine::{Operator, StartedBy};
use crate::message::Mode;
use crate::notice::Notice;
use crate::time::Timestamp;

/// A notice on one line: when, which saga, its bracket, and what.
pub(super) fn line(notice: &Notice) -> String {
    let when = notice.time().map_or_else(|| " ".repeat("00:00:00.000".len()), time::of_day);
    let saga = notice.saga().map(|saga| saga.to_string()).unwrap_or_default();
    let (bracket, style, text) = told(notice);
    let prefix = format!("{} {} {bracket} ", paint(FAINT, &when), paint(STRONG, &format!("{saga:>5}")));
    format!("{prefix}{}\n", paint(style, &clean(&text)))
}

/// A notice in words, as `tail` shows it but for time and colours: which saga, its bracket, and what.
pub fn describe(notice: &Notice) -> String {
    let saga = notice.saga().map(|saga| saga.to_string()).unwrap_or_default();
    let (bracket, _, text) = told(notice);
    format!("{saga:>5} {bracket} {}", clean(&text))
}

/// A notice whose times are RFC 3339.
pub(super) fn view(notice: &Notice) -> impl Serialize + use<> {
    let mut value = serde_json::to_value(notice).unwrap_or_default();
    for field in ["time", "until"] {
        if let Some(time) = value.get_mut(field)
            && let Some(micros) = time.as_u64()
        {
            *time = Value::String(Timestamp::from_micros(micros).to_string());
        }
    }
    value
}

/// How a saga ended, as a notice says it, in the form of an outcome; none for other notices.
pub(super) fn outcome(notice: &Notice) -> Option<Value> {
    match notice {
        Notice::SagaCompleted { output, .. } => Some(serde_json::json!({ "completed": output })),
        Notice::SagaCompensated { cause, .. } => Some(serde_json::json!({ "compensated": cause })),
        Notice::SagaEnded { by, .. } => Some(serde_json::json!({ "ended": by })),
        _ => None,
    }
}

const OPENS: char = '┌';
const GOES_ON: char = '│';
const CLOSES: char = '└';
const BESIDE: char = '·';

fn told(notice: &Notice) -> (char, Style, String) {
    match notice {
        Notice::SagaStarted { name, input, by, .. } => (OPENS, STRONG, format!("{name} {input}{}", started(by))),
        Notice::SagaQueued { behind, .. } => {
            let behind = behind.map(|saga| format!(" behind saga {saga}")).unwrap_or_default();
            (GOES_ON, FAINT, format!("waits for its turn{behind}"))
        }
        Notice::StepStarted { step, item, mode, attempt, participant, .. } => {
            let attempt = if *attempt > 1 { format!(" (attempt {attempt})") } else { String::new() };
            (GOES_ON, direction(*mode), format!("{}: asks {participant}{attempt}", exchange(step, *item, *mode)))
        }
        Notice::StepWaiting { time, step, item, mode, until, .. } => {
            let wait = time::length(until.since(*time));
            (GOES_ON, FAINT, format!("{}: tries again in {wait}", exchange(step, *item, *mode)))
        }
        Notice::StepRuns { step, item, mode, child, .. } => {
            (GOES_ON, direction(*mode), format!("{}: runs saga {child}", exchange(step, *item, *mode)))
        }
        Notice::SagaKept { .. } => (GOES_ON, GOOD, "complete; kept until the saga that ran it has ended".to_owned()),
        Notice::StepSleeping { time, step, item, until, .. } => {
            let wait = time::length(until.since(*time));
            (GOES_ON, FAINT, format!("{}: sleeps for {wait}", exchange(step, *item, Mode::Forward)))
        }
        Notice::StepEnded { step, item, mode, .. } => {
            (GOES_ON, PLAIN, format!("{}: done", exchange(step, *item, *mode)))
        }
        Notice::StepAbandoned { step, item, .. } => {
            (GOES_ON, FAINT, format!("{}: goes on without its answer", exchange(step, *item, Mode::Forward)))
        }
        Notice::StepUnknown { step, item, .. } => {
            let step = exchange(step, *item, Mode::Forward);
            (GOES_ON, BACKWARD, format!("{step}: nobody knows whether it was done, and it is undone in any case"))
        }
        Notice::SagaCompensating { cause, .. } => (GOES_ON, BACKWARD, format!("compensates: {}", failure(cause))),
        Notice::SagaStuck { reason, .. } => (GOES_ON, BAD, format!("stuck: {reason}")),
        Notice::SagaMoved { .. } => (GOES_ON, FAINT, "moves".to_owned()),
        Notice::SagaUnstuck { .. } => (GOES_ON, ACTIVE, "goes on".to_owned()),
        Notice::OperatorActed { action, who, why, .. } => {
            (GOES_ON, STRONG, format!("{who} says {}: {why}", operator(*action)))
        }
        Notice::SagaCompleted { name, output, .. } => (CLOSES, GOOD, format!("{name} completed{}", with(output))),
        Notice::SagaCompensated { name, cause, .. } => {
            (CLOSES, BACKWARD, format!("{name} compensated: {}", failure(cause)))
        }
        Notice::SagaEnded { name, by, .. } => (CLOSES, BAD, format!("{name} ended by {}: {}", by.who, by.why)),
        beside => (BESIDE, FAINT, told_beside(beside)),
    }
}

/// What is in no bracket.
fn told_beside(notice: &Notice) -> String {
    match notice {
        Notice::AnswerLate { participant, what, .. } => {
            format!("{participant} answers too late: {}", records::late(what))
        }
        Notice::AnswerStray { participant, key, .. } => {
            format!("{participant} answers to nothing that is known: {key}")
        }
        Notice::StartRefused { name, event: Some(event), reason, .. } => {
            format!("{event} could not start {name}: {reason}")
        }
        Notice::StartRefused { name, event: None, reason, .. } => format!("the start of {name} was refused: {reason}"),
        Notice::ParticipantConnected { participant, resumed: true, .. } => format!("{participant} is connected again"),
        Notice::ParticipantConnected { participant, .. } => format!("{participant} is connected"),
        Notice::ParticipantDisconnected { participant, reason, .. } => format!("{participant} is away: {reason}"),
        Notice::ConnectionRefused { peer, reason, .. } if peer.is_empty() => {
            format!("a connection was refused: {reason}")
        }
        Notice::ConnectionRefused { peer, reason, .. } => format!("the connection of {peer} was refused: {reason}"),
        Notice::Lagged { missed } => format!("{missed} notices were missed: this terminal was too slow"),
        other => format!("{other:?}"),
    }
}

fn started(by: &StartedBy) -> String {
    match by {
        StartedBy::Call => String::new(),
        StartedBy::Trigger(event) => format!(" on {event}"),
        StartedBy::Parent { saga, step, .. } => format!(" as {step} of saga {saga}"),
    }
}

/// As in the records: `refill`, `undo refill`, `refill[3]`.
fn exchange(step: &str, item: Option<u32>, mode: Mode) -> String {
    let undo = if mode == Mode::Compensation { "undo " } else { "" };
    let item = item.map(|item| format!("[{item}]")).unwrap_or_default();
    format!("{undo}{step}{item}")
}

fn direction(mode: Mode) -> Style {
    if mode == Mode::Compensation { BACKWARD } else { ACTIVE }
}

fn operator(action: Operator) -> &'static str {
    match action {
        Operator::Retry => "retry",
        Operator::Skip => "skip",
        Operator::End => "end",
    }
}

fn failure(cause: &Cause) -> String {
    match cause.step() {
        "" => cause.message().to_owned(),
        step => format!("{step}: {}", cause.message()),
    }
}

fn with(output: &Value) -> String {
    if output.is_null() { String::new() } else { format!(": {output}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::{CauseKind, EndedBy};
    use crate::cli::sample::{NOW, saga};

    fn plain(notice: &Notice) -> String {
        anstream::adapter::strip_str(&line(notice)).to_string()
    }

    #[test]
    fn a_bracket_opens_goes_on_and_closes() {
        let (time, saga) = (NOW, saga(17));
        let input = serde_json::json!({"label": "w1"});
        let by = StartedBy::Trigger("Promoted".to_owned());
        let started = Notice::SagaStarted { time, saga, name: "refill".into(), input, by };
        assert_eq!(plain(&started), "12:34:56.789    17 ┌ refill {\"label\":\"w1\"} on Promoted\n");

        let (mode, participant) = (Mode::Compensation, "host".into());
        let step = Notice::StepStarted {
            time,
            saga,
            name: "refill".into(),
            step: "ask".into(),
            item: None,
            mode,
            attempt: 2,
            participant,
        };
        assert_eq!(plain(&step), "12:34:56.789    17 │ undo ask: asks host (attempt 2)\n");

        let (name, step, mode) = ("refill".into(), "ask".into(), Mode::Finally);
        let ended = Notice::StepEnded { time, saga, name, step, item: Some(0), mode };
        assert_eq!(plain(&ended), "12:34:56.789    17 │ ask[0]: done\n");

        let cause = Cause::new("ask", CauseKind::Refused, "the pool is full");
        let compensated = Notice::SagaCompensated { time, saga, name: "refill".into(), cause };
        assert_eq!(plain(&compensated), "12:34:56.789    17 └ refill compensated: ask: the pool is full\n");
    }

    #[test]
    fn what_is_in_no_bracket_stands_beside() {
        assert_eq!(
            plain(&Notice::Lagged { missed: 3 }),
            "                   · 3 notices were missed: this terminal was too slow\n"
        );
        let away = Notice::ParticipantDisconnected { time: NOW, participant: "host".into(), reason: "\x1b[2J".into() };
        assert_eq!(plain(&away), "12:34:56.789       · host is away: \u{fffd}[2J\n");
    }

    #[test]
    fn json_has_times_to_read() {
        let waiting = Notice::StepWaiting {
            time: NOW,
            saga: saga(17),
            name: "refill".into(),
            step: "ask".into(),
            item: None,
            mode: Mode::Forward,
            until: Timestamp::EPOCH,
        };
        let json = serde_json::to_value(view(&waiting)).expect("JSON");
        assert_eq!(json["time"], "2024-02-29T12:34:56.789Z");
        assert_eq!(json["until"], "1970-01-01T00:00:00.000Z");
        assert_eq!(json["notice"], "step_waiting");
    }

    #[test]
    fn the_end_is_an_outcome() {
        let by = EndedBy { who: "ann".to_owned(), why: "enough".to_owned() };
        let ended = Notice::SagaEnded { time: NOW, saga: saga(17), name: "refill".into(), by };
        assert_eq!(outcome(&ended), Some(serde_json::json!({"ended": {"who": "ann", "why": "enough"}})));
        assert_eq!(outcome(&Notice::Lagged { missed: 1 }), None);
    }
}
