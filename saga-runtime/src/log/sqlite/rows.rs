//! Rows to and from columns, with the checksums that say whether they are what was written.
//!
//! Reading never fails for what a column holds: what cannot be read becomes something else, and then the checksum does
//! not agree.

use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::problem::damaged;
use crate::log::{DefinitionRow, EndedRow, LateRow, LogError, ReceivedRow, RecordRow, Standing, StartedRow, Status};
use crate::message::SagaId;
use crate::time::Timestamp;

/// The columns of a saga that starts, as [`started`] reads them.
pub(super) const STARTED: &str = "s.id, s.name, s.version, s.input, s.started, s.parent, s.key, s.checksum";
/// How many there are.
pub(super) const STARTED_COLUMNS: usize = 8;
/// The columns of a saga that has ended, as [`ended`] reads them, after `s.id`.
pub(super) const ENDED: &str = "s.status, s.ended, s.step, s.message, s.outcome, s.end_checksum";
/// How many there are.
pub(super) const ENDED_COLUMNS: usize = 6;
/// The columns of a record, as [`record`] reads them.
pub(super) const RECORD: &str = "r.saga, r.number, r.time, r.what, r.step, r.attempt, r.data, \
    r.status, r.standing_step, r.waiting_for, r.participant, r.since, r.until, r.reason, r.state, r.checksum";
/// How many there are.
pub(super) const RECORD_COLUMNS: usize = 16;

/// A CRC-32 over fields of known shape: what it says of one row it does not say of another.
pub(super) struct Checksum(crc32fast::Hasher);

impl Checksum {
    /// Of a row of this table. It is kept in logs: it must not change.
    pub(super) fn new(table: &str) -> Self {
        Self(crc32fast::Hasher::new()).text(Some(table))
    }

    pub(super) fn number(mut self, number: i64) -> Self {
        self.0.update(&number.to_le_bytes());
        self
    }

    fn optional(self, number: Option<i64>) -> Self {
        self.number(i64::from(number.is_some())).number(number.unwrap_or_default())
    }

    fn text(self, text: Option<&str>) -> Self {
        let length = text.map_or(-1, |text| text.len().cast_signed() as i64);
        let mut sum = self.number(length);
        sum.0.update(text.unwrap_or_default().as_bytes());
        sum
    }

    pub(super) fn finish(self) -> i64 {
        self.0.finalize().into()
    }
}

/// An id as a column. No log has so many sagas that the sign would matter.
pub(super) fn id(saga: SagaId) -> i64 {
    saga.get().cast_signed()
}

/// A time as a column: in order, and with *never* at the end.
pub(super) fn time(time: Timestamp) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

fn time_of(column: i64) -> Timestamp {
    if column == i64::MAX { Timestamp::NEVER } else { Timestamp::from_micros(column.max(0).cast_unsigned()) }
}

/// A column of a row, whatever it holds.
pub(super) struct Columns<'r, 's>(pub(super) &'r Row<'s>);

impl Columns<'_, '_> {
    pub(super) fn text(&self, column: usize) -> Option<String> {
        match self.0.get_ref_unwrap(column) {
            ValueRef::Null => None,
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            ValueRef::Integer(_) | ValueRef::Real(_) => Some(String::new()),
        }
    }

    pub(super) fn some_text(&self, column: usize) -> String {
        self.text(column).unwrap_or_default()
    }

    pub(super) fn number(&self, column: usize) -> Option<i64> {
        match self.0.get_ref_unwrap(column) {
            ValueRef::Integer(number) => Some(number),
            _ => None,
        }
    }

    pub(super) fn some_number(&self, column: usize) -> i64 {
        self.number(column).unwrap_or_default()
    }

    pub(super) fn small(&self, column: usize) -> Option<u32> {
        self.number(column).and_then(|number| number.try_into().ok())
    }

    pub(super) fn time(&self, column: usize) -> Option<Timestamp> {
        self.number(column).map(time_of)
    }

    /// The id in this column; none for what is no id.
    pub(super) fn id(&self, column: usize) -> Option<SagaId> {
        self.number(column).and_then(|number| SagaId::new(number.cast_unsigned()))
    }

    pub(super) fn status(&self, column: usize) -> Option<Status> {
        let text = self.text(column)?;
        Status::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Where a saga stands, in the seven columns from this one on.
    pub(super) fn standing(&self, from: usize) -> Option<Standing> {
        Some(Standing {
            status: self.status(from)?,
            step: self.text(from + 1),
            waiting_for: self.text(from + 2),
            participant: self.text(from + 3),
            since: self.time(from + 4).unwrap_or_default(),
            until: self.time(from + 5),
            reason: self.text(from + 6),
        })
    }
}

/// The saga in [`STARTED`], believed or not.
pub(super) fn started(columns: &Columns<'_, '_>, id: SagaId, from: usize) -> (StartedRow, Result<(), LogError>) {
    let row = StartedRow {
        id,
        name: columns.some_text(from + 1),
        version: columns.small(from + 2).unwrap_or_default(),
        input: columns.some_text(from + 3),
        started: columns.time(from + 4).unwrap_or_default(),
        parent: columns.id(from + 5),
        key: columns.text(from + 6),
    };
    let agrees = columns.number(from + 7) == Some(started_checksum(&row));
    (row, believe(agrees, || format!("saga {id}")))
}

pub(super) fn started_checksum(row: &StartedRow) -> i64 {
    Checksum::new("saga")
        .number(id(row.id))
        .text(Some(&row.name))
        .number(row.version.into())
        .text(Some(&row.input))
        .number(time(row.started))
        .optional(row.parent.map(id))
        .text(row.key.as_deref())
        .finish()
}

/// The end of a saga in [`ENDED`]; none when it has not ended.
pub(super) fn ended(columns: &Columns<'_, '_>, id: SagaId, from: usize) -> Result<Option<EndedRow>, LogError> {
    if (from..from + ENDED_COLUMNS).all(|column| columns.0.get_ref_unwrap(column) == ValueRef::Null) {
        return Ok(None);
    }
    let row = EndedRow {
        id,
        status: columns.status(from).unwrap_or(Status::Running),
        ended: columns.time(from + 1).unwrap_or_default(),
        step: columns.text(from + 2),
        message: columns.text(from + 3),
        outcome: columns.some_text(from + 4),
    };
    believe(columns.number(from + 5) == Some(ended_checksum(&row)), || format!("the end of saga {id}"))?;
    Ok(Some(row))
}

pub(super) fn ended_checksum(row: &EndedRow) -> i64 {
    Checksum::new("end")
        .number(id(row.id))
        .text(Some(row.status.as_str()))
        .number(time(row.ended))
        .text(row.step.as_deref())
        .text(row.message.as_deref())
        .text(Some(&row.outcome))
        .finish()
}

/// The record in [`RECORD`] of this saga with this number.
pub(super) fn record(columns: &Columns<'_, '_>, saga: SagaId, from: usize) -> Result<RecordRow, LogError> {
    let row = RecordRow {
        saga,
        number: columns.small(from + 1).unwrap_or_default(),
        time: columns.time(from + 2).unwrap_or_default(),
        what: columns.some_text(from + 3),
        step: columns.text(from + 4),
        attempt: columns.small(from + 5),
        data: columns.some_text(from + 6),
        standing: columns.standing(from + 7),
        state: columns.text(from + 14),
    };
    let agrees = columns.number(from + 15) == Some(record_checksum(&row));
    believe(agrees, || format!("record {} of saga {saga}", row.number))?;
    Ok(row)
}

pub(super) fn record_checksum(row: &RecordRow) -> i64 {
    let sum = Checksum::new("record")
        .number(id(row.saga))
        .number(row.number.into())
        .number(time(row.time))
        .text(Some(&row.what))
        .text(row.step.as_deref())
        .optional(row.attempt.map(i64::from))
        .text(Some(&row.data))
        .text(row.state.as_deref());
    match &row.standing {
        None => sum.text(None).finish(),
        Some(standing) => sum
            .text(Some(standing.status.as_str()))
            .text(standing.step.as_deref())
            .text(standing.waiting_for.as_deref())
            .text(standing.participant.as_deref())
            .number(time(standing.since))
            .optional(standing.until.map(time))
            .text(standing.reason.as_deref())
            .finish(),
    }
}

/// What came late: `time, step, data`.
pub(super) fn late(columns: &Columns<'_, '_>, saga: SagaId) -> LateRow {
    LateRow { saga, time: columns.time(0).unwrap_or_default(), step: columns.text(1), data: columns.some_text(2) }
}

/// A definition: `name, version, fingerprint, description, checksum`.
pub(super) fn definition(columns: &Columns<'_, '_>) -> Result<DefinitionRow, LogError> {
    let row = DefinitionRow {
        name: columns.some_text(0),
        version: columns.small(1).unwrap_or_default(),
        fingerprint: columns.some_text(2),
        description: columns.some_text(3),
    };
    let agrees = columns.number(4) == Some(definition_checksum(&row));
    believe(agrees, || format!("the definition of {} in version {}", row.name, row.version))?;
    Ok(row)
}

pub(super) fn definition_checksum(row: &DefinitionRow) -> i64 {
    Checksum::new("definition")
        .text(Some(&row.name))
        .number(row.version.into())
        .text(Some(&row.fingerprint))
        .text(Some(&row.description))
        .finish()
}

/// A session: `participant, session, number, checksum`.
pub(super) fn received(columns: &Columns<'_, '_>) -> Result<ReceivedRow, LogError> {
    let row = ReceivedRow {
        participant: columns.some_text(0),
        session: columns.some_text(1),
        number: columns.some_number(2).cast_unsigned(),
    };
    let agrees = columns.number(3) == Some(received_checksum(&row));
    believe(agrees, || format!("the session of participant {}", row.participant))?;
    Ok(row)
}

pub(super) fn received_checksum(row: &ReceivedRow) -> i64 {
    Checksum::new("session")
        .text(Some(&row.participant))
        .text(Some(&row.session))
        .number(row.number.cast_signed())
        .finish()
}

fn believe(agrees: bool, what: impl FnOnce() -> String) -> Result<(), LogError> {
    if agrees { Ok(()) } else { Err(damaged(what(), "its checksum does not agree")) }
}
