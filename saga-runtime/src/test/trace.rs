//! What the machine recorded of one saga under test, as far as what must hold of every saga is told by it.

use crate::machine::{Change, Happened, Record};
use crate::message::{At, Bus, SagaId};
use crate::time::Timestamp;

/// One thing that happened, or followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// A command went out, in the record of this number; its bytes are in the record `recorded_in`.
    Sent { at: At, attempt: u32, number: u32, recorded_in: u32, has_bytes: bool, time: Timestamp },
    /// An attempt took too long.
    TimedOut { at: At, attempt: u32, time: Timestamp },
    /// The deadline passed.
    Deadline,
    /// The fate of an exchange was not told in time.
    FateOverdue,
    /// An exchange is over as it was meant to be.
    Done { at: At },
    /// An exchange that the saga went on without took effect, or may have and is undone in any case.
    DoneLate { at: At },
    /// An event was kept for an exchange that has not begun.
    Kept { at: At },
    /// Another saga runs as this exchange.
    Ran { at: At, child: SagaId },
    /// The saga that a step ran is undone, as this exchange.
    Unwinding { at: At },
    /// An operator passed over it.
    Skipped { at: At },
    /// It goes back.
    Failed,
    /// It ended.
    Ended,
}

/// What this record tells, in order.
pub(super) fn told<B: Bus>(record: &Record<B>) -> Vec<Told> {
    let happened = match &record.happened {
        Happened::TimedOut { at, attempt } => Some(Told::TimedOut { at: *at, attempt: *attempt, time: record.time }),
        Happened::Deadline => Some(Told::Deadline),
        Happened::FateOverdue { .. } => Some(Told::FateOverdue),
        _ => None,
    };
    happened.into_iter().chain(record.then.iter().filter_map(|change| followed(record, change))).collect()
}

fn followed<B: Bus>(record: &Record<B>, change: &Change<B>) -> Option<Told> {
    match change {
        Change::Sent { at, attempt, recorded_in, command, .. } => Some(Told::Sent {
            at: *at,
            attempt: *attempt,
            number: record.number,
            recorded_in: *recorded_in,
            has_bytes: command.is_some(),
            time: record.time,
        }),
        Change::Done { at } => Some(Told::Done { at: *at }),
        Change::DoneLate { at } | Change::Assumed { at } => Some(Told::DoneLate { at: *at }),
        Change::Kept { at } => Some(Told::Kept { at: *at }),
        Change::Ran { at, child, .. } => Some(Told::Ran { at: *at, child: *child }),
        Change::Unwinding { at, .. } => Some(Told::Unwinding { at: *at }),
        Change::Skipped { at } => Some(Told::Skipped { at: *at }),
        Change::Failed(_) => Some(Told::Failed),
        Change::Ended(_) => Some(Told::Ended),
        _ => None,
    }
}
