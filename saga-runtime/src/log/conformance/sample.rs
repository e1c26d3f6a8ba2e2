//! Sagas to write to a log: no program made them, so their texts may be anything.

use crate::log::{Batch, DefinitionRow, EndedRow, LateRow, ReceivedRow, RecordRow, Standing, StartedRow, Status};
use crate::message::SagaId;
use crate::time::Timestamp;

/// Texts that have broken programs.
pub(in crate::log) const HOSTILE: &[&str] = &[
    "it's \"quoted\"",
    "100 % of _",
    "'; DROP TABLE saga; --",
    "🦀 déjà vu",
    "a\0b",
    "back\\slash\nand\tlines\r",
    "ﷺ\u{202e}\u{feff}",
    " ",
    "",
];

/// The saga with this number.
pub(in crate::log) fn saga(number: u64) -> SagaId {
    SagaId::new(number).expect("samples begin with 1")
}

/// This many seconds after the epoch.
pub(in crate::log) fn at(seconds: u64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

/// A saga that starts a hundred seconds times its number after the epoch.
pub(in crate::log) fn started(number: u64) -> StartedRow {
    StartedRow {
        id: saga(number),
        name: "trip".to_owned(),
        version: 1,
        input: format!("{{\"number\":{number}}}"),
        started: at(number * 100),
        parent: None,
        key: None,
    }
}

/// A record after which the saga goes on.
pub(in crate::log) fn record(number: u64, record: u32) -> RecordRow {
    RecordRow {
        saga: saga(number),
        number: record,
        time: at(number * 100 + u64::from(record)),
        what: "handled".to_owned(),
        step: Some("charge".to_owned()),
        attempt: Some(1),
        data: format!("{{\"record\":{record}}}"),
        standing: Some(standing(Status::Running)),
        state: Some(format!("state {record} of {number}")),
    }
}

/// A record that says neither where the saga stands nor its state.
pub(in crate::log) fn bare_record(number: u64, at: u32) -> RecordRow {
    RecordRow { standing: None, state: None, ..record(number, at) }
}

/// A saga that waits at the step `charge`.
pub(in crate::log) fn standing(status: Status) -> Standing {
    Standing {
        status,
        step: Some("charge".to_owned()),
        waiting_for: Some("charged".to_owned()),
        participant: Some("bank".to_owned()),
        since: at(7),
        until: Some(Timestamp::NEVER),
        reason: None,
    }
}

/// The end of a saga that failed at the step `charge`.
pub(in crate::log) fn ended(number: u64) -> EndedRow {
    EndedRow {
        id: saga(number),
        status: Status::Compensated,
        ended: at(number * 100 + 50),
        step: Some("charge".to_owned()),
        message: Some("the card is lost".to_owned()),
        outcome: format!("{{\"compensated\":{number}}}"),
    }
}

/// The start of a saga with its first record.
pub(in crate::log) fn start(number: u64) -> Batch {
    Batch { started: vec![started(number)], records: vec![record(number, 1)], ..Batch::default() }
}

/// One more record of a saga.
pub(in crate::log) fn go_on(number: u64, at: u32) -> Batch {
    Batch { records: vec![record(number, at)], ..Batch::default() }
}

/// The end of a saga with its last record.
pub(in crate::log) fn end(number: u64, at: u32) -> Batch {
    Batch { records: vec![bare_record(number, at)], ended: vec![ended(number)], ..Batch::default() }
}

/// What was said to a saga too late.
pub(in crate::log) fn late(number: u64, data: &str) -> LateRow {
    LateRow { saga: saga(number), time: at(9), step: Some("charge".to_owned()), data: data.to_owned() }
}

/// How far the reports of a participant were taken over.
pub(in crate::log) fn received(participant: &str, session: &str, number: u64) -> ReceivedRow {
    ReceivedRow { participant: participant.to_owned(), session: session.to_owned(), number }
}

/// A definition.
pub(in crate::log) fn definition(name: &str, version: u32, fingerprint: &str) -> DefinitionRow {
    DefinitionRow {
        name: name.to_owned(),
        version,
        fingerprint: fingerprint.to_owned(),
        description: format!("{{\"saga\":\"{name}\"}}"),
    }
}
