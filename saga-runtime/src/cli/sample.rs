//! A log with a saga that runs, one that was compensated and one that is stuck.

use serde_json::{Value, json};

use crate::log::{
    Batch, DefinitionRow, EndedRow, LateRow, LogReader, MemoryLog, RecordRow, SagaLog, Standing, StartedRow, Status,
};
use crate::message::SagaId;
use crate::time::Timestamp;

/// When the samples are looked at.
pub(super) const NOW: Timestamp = Timestamp::from_micros(1_709_210_096_789_000);

pub(super) fn saga(number: u64) -> SagaId {
    SagaId::new(number).expect("not zero")
}

/// So many seconds before the samples are looked at.
fn before(seconds: u64) -> Timestamp {
    Timestamp::from_micros(NOW.as_micros() - seconds * 1_000_000)
}

/// What the samples are kept in.
pub(super) fn log() -> Box<dyn LogReader> {
    let mut log = MemoryLog::new();
    fill(&mut log);
    log.reader().expect("a reader")
}

/// Writes the samples.
pub(super) fn fill(log: &mut impl SagaLog) {
    for batch in [running(), compensated(), stuck()] {
        log.append(batch).expect("a batch that follows");
    }
}

fn running() -> Batch {
    let data = json!({
        "happened": {"started": {"trigger": "PoolWindowPromoted"}},
        "then": [sent("ask", "forward", &json!("SpawnPoolWindow"))],
    });
    let standing = Standing {
        waiting_for: Some("PoolWindowAdded".to_owned()),
        until: Some(before(0).after(std::time::Duration::from_secs(5))),
        ..standing(Status::Running, "ask", 180)
    };
    Batch {
        started: vec![started(1, "refill_pool", 180, r#"{"label":"w1"}"#)],
        records: vec![record(1, 1, 180, &data, Some(standing))],
        late: vec![LateRow {
            saga: saga(1),
            time: before(170),
            step: Some("ask".to_owned()),
            data: json!({"late": {"step": "ask", "mode": "forward", "attempt": 1, "answer": {"handled": [{"PoolWindowAdded": {"label": "w9"}}]}}}).to_string(),
        }],
        ..Batch::default()
    }
}

fn compensated() -> Batch {
    let cause = json!({"step": "close", "kind": "refused", "message": "a program runs in it"});
    let first = json!({"happened": {"started": "call"}, "then": []});
    let last = json!({
        "happened": {"answered": {"step": "close", "mode": "forward", "attempt": 1, "answer": {"refused": "Busy"}}},
        "then": [{"failed": cause}, {"ended": {"compensated": cause}}],
    });
    let started = started(2, "replace_window", 120, "{}");
    Batch {
        started: vec![StartedRow { key: Some("order-17".to_owned()), ..started }],
        records: vec![record(2, 1, 120, &first, None), record(2, 2, 115, &last, None)],
        ended: vec![EndedRow {
            id: saga(2),
            status: Status::Compensated,
            ended: before(115),
            step: Some("close".to_owned()),
            message: Some("a program runs in it".to_owned()),
            outcome: json!({"compensated": cause}).to_string(),
        }],
        ..Batch::default()
    }
}

fn stuck() -> Batch {
    let first = json!({
        "happened": {"started": "call"},
        "then": [sent("open", "forward", &json!("SpawnWindow"))],
    });
    let second = json!({
        "happened": {"answered": {"step": "open", "mode": "forward", "attempt": 1, "answer": {"handled": [{"WindowOpened": {"label": "w2"}}]}}},
        "then": [done("open", "forward"), sent("close", "forward", &json!({"CloseWindow": {"label": "w1"}}))],
    });
    let third = json!({"happened": {"fate_overdue": {"step": "close", "mode": "forward"}}, "then": [{"stuck": {"reason": "host has not told the fate of open"}}]});
    let standing = Standing {
        waiting_for: Some("the fate of CloseWindow".to_owned()),
        reason: Some("host has not told the fate of open".to_owned()),
        ..standing(Status::Stuck, "close", 10)
    };
    Batch {
        definitions: vec![DefinitionRow {
            name: "replace_window".to_owned(),
            version: 1,
            fingerprint: "f".to_owned(),
            description: json!({"steps": [{"name": "open"}, {"name": "close"}, {"name": "tidy"}]}).to_string(),
        }],
        started: vec![started(3, "replace_window", 60, r#"{"old":"w1"}"#)],
        records: vec![
            record(3, 1, 60, &first, None),
            record(3, 2, 59, &second, None),
            record(3, 3, 10, &third, Some(standing)),
        ],
        ..Batch::default()
    }
}

fn started(number: u64, name: &str, ago: u64, input: &str) -> StartedRow {
    StartedRow {
        id: saga(number),
        name: name.to_owned(),
        version: 1,
        input: input.to_owned(),
        started: before(ago),
        parent: None,
        key: None,
    }
}

fn record(number: u64, at: u32, ago: u64, data: &Value, standing: Option<Standing>) -> RecordRow {
    RecordRow {
        saga: saga(number),
        number: at,
        time: before(ago),
        what: "answered".to_owned(),
        step: None,
        attempt: None,
        data: data.to_string(),
        state: standing.as_ref().map(|_| "{}".to_owned()),
        standing,
    }
}

fn standing(status: Status, step: &str, ago: u64) -> Standing {
    Standing {
        status,
        step: Some(step.to_owned()),
        waiting_for: None,
        participant: Some("host".to_owned()),
        since: before(ago),
        until: None,
        reason: None,
    }
}

fn sent(step: &str, mode: &str, command: &Value) -> Value {
    json!({"sent": {"step": step, "mode": mode, "attempt": 1, "participant": "host", "recorded_in": 1, "command": command}})
}

fn done(step: &str, mode: &str) -> Value {
    json!({"done": {"step": step, "mode": mode}})
}
