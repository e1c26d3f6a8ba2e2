//! The notices that a record of the log tells, for whoever missed them: the same that were told when it was written.
//!
//! It reads what `coordinator::rows` writes, by names, and needs no definition of the saga.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{Name, Notice};
use crate::cause::{Cause, Outcome};
use crate::log::{Details, RecordRow};
use crate::machine::{Operator, StartedBy};
use crate::message::{Mode, SagaId};
use crate::time::Timestamp;

/// The notices of a record, in order. `details` are those of its saga.
///
/// # Errors
/// If the record is not written as this program writes it.
pub(crate) fn recorded(row: &RecordRow, details: &Details) -> Result<Vec<Notice>, serde_json::Error> {
    let data: Data = serde_json::from_str(&row.data)?;
    let teller = Teller { time: row.time, saga: row.saga, name: details.summary.name.clone().into() };
    let mut notices = Vec::with_capacity(data.then.len() + 1);
    notices.extend(teller.happened(data.happened, &details.input)?);
    notices.extend(data.then.into_iter().filter_map(|change| teller.change(change)));
    Ok(notices)
}

#[derive(Deserialize)]
struct Data {
    happened: Value,
    then: Vec<Change>,
}

/// What happened, if it tells something by itself.
#[derive(Deserialize)]
struct Happened {
    started: Option<StartedBy>,
    operator: Option<Acted>,
}

#[derive(Deserialize)]
struct Acted {
    action: Operator,
    who: String,
    why: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Change {
    Queued(Option<SagaId>),
    Sent {
        step: Name,
        item: Option<u32>,
        #[serde(default)]
        mode: Mode,
        attempt: u32,
        participant: Name,
    },
    Waiting {
        step: Name,
        item: Option<u32>,
        #[serde(default)]
        mode: Mode,
        until: Timestamp,
    },
    Ran {
        step: Name,
        item: Option<u32>,
        #[serde(default)]
        mode: Mode,
        child: SagaId,
    },
    Unwinding {
        step: Name,
        item: Option<u32>,
        #[serde(default)]
        mode: Mode,
        child: SagaId,
    },
    Complete,
    Sleeping {
        step: Name,
        item: Option<u32>,
        until: Timestamp,
    },
    Done {
        step: Name,
        item: Option<u32>,
        #[serde(default)]
        mode: Mode,
    },
    Abandoned {
        step: Name,
        item: Option<u32>,
    },
    Assumed {
        step: Name,
        item: Option<u32>,
    },
    Failed(Cause),
    Stuck {
        reason: String,
    },
    Unstuck,
    Ended(Outcome<Value>),
    Asked(IgnoredAny),
    Kept(IgnoredAny),
    DoneLate(IgnoredAny),
    Undone(IgnoredAny),
    Withdrawn(IgnoredAny),
    Skipped(IgnoredAny),
}

struct Teller {
    time: Timestamp,
    saga: SagaId,
    name: Name,
}

impl Teller {
    fn happened(&self, happened: Value, input: &str) -> Result<Option<Notice>, serde_json::Error> {
        let Value::Object(_) = happened else { return Ok(None) };
        let (time, saga, name) = (self.time, self.saga, self.name.clone());
        Ok(match serde_json::from_value(happened)? {
            Happened { started: Some(by), .. } => {
                Some(Notice::SagaStarted { time, saga, name, input: serde_json::from_str(input)?, by })
            }
            Happened { operator: Some(Acted { action, who, why }), .. } => {
                Some(Notice::OperatorActed { time, saga, name, action, who, why })
            }
            Happened { started: None, operator: None } => None,
        })
    }

    fn change(&self, change: Change) -> Option<Notice> {
        let (time, saga, name) = (self.time, self.saga, self.name.clone());
        Some(match change {
            Change::Queued(behind) => Notice::SagaQueued { time, saga, name, behind },
            Change::Sent { step, item, mode, attempt, participant } => {
                Notice::StepStarted { time, saga, name, step, item, mode, attempt, participant }
            }
            Change::Waiting { step, item, mode, until } => {
                Notice::StepWaiting { time, saga, name, step, item, mode, until }
            }
            Change::Ran { step, item, mode, child } | Change::Unwinding { step, item, mode, child } => {
                Notice::StepRuns { time, saga, name, step, item, mode, child }
            }
            Change::Complete => Notice::SagaKept { time, saga, name },
            Change::Sleeping { step, item, until } => Notice::StepSleeping { time, saga, name, step, item, until },
            Change::Done { step, item, mode } => Notice::StepEnded { time, saga, name, step, item, mode },
            Change::Abandoned { step, item } => Notice::StepAbandoned { time, saga, name, step, item },
            Change::Assumed { step, item } => Notice::StepUnknown { time, saga, name, step, item },
            Change::Failed(cause) => Notice::SagaCompensating { time, saga, name, cause },
            Change::Stuck { reason } => Notice::SagaStuck { time, saga, name, reason },
            Change::Unstuck => Notice::SagaUnstuck { time, saga, name },
            Change::Ended(Outcome::Completed(output)) => Notice::SagaCompleted { time, saga, name, output },
            Change::Ended(Outcome::Compensated(cause)) => Notice::SagaCompensated { time, saga, name, cause },
            Change::Ended(Outcome::Ended(by)) => Notice::SagaEnded { time, saga, name, by },
            Change::Asked(_)
            | Change::Kept(_)
            | Change::DoneLate(_)
            | Change::Undone(_)
            | Change::Withdrawn(_)
            | Change::Skipped(_) => return None,
        })
    }
}
