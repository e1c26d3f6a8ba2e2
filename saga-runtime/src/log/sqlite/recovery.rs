//! What a coordinator finds: the sagas without an end, each with its last state or the reason why it has none.

use rusqlite::{Connection, Row};

use super::problem::{Problem, damaged};
use super::rows::{self, Columns, RECORD, STARTED, STARTED_COLUMNS};
use super::writer::fence;
use crate::log::continuity::{Continuity, weight};
use crate::log::{LogError, OpenSaga, Recovery};
use crate::message::SagaId;

/// Reads it all in one snapshot, and lets the writer remember how far each saga has come.
pub(super) fn recover(
    connection: &mut Connection,
    continuity: &mut Continuity,
    epoch: u64,
) -> Result<Recovery, Problem> {
    let snapshot = connection.transaction()?;
    let meta = fence(&snapshot, epoch)?;
    let open = open_sagas(&snapshot)?;
    let digest = open.iter().fold(0u64, |sum, saga| sum.wrapping_add(weight(saga.id, saga.number)));
    if digest != meta.digest {
        let reason = "sagas that have not ended, or their last records, are missing";
        return Err(Problem::damaged("the saga log", reason));
    }
    *continuity = Continuity::new(digest);
    open.iter().for_each(|saga| continuity.remember(saga.id, saga.number));
    Ok(Recovery {
        next: SagaId::new(meta.highest).map(SagaId::next),
        open,
        received: collect(&snapshot, "SELECT participant, session, number, checksum FROM session", rows::received)?,
        position: last_position(&snapshot)?,
        definitions: collect(
            &snapshot,
            "SELECT name, version, fingerprint, description, checksum FROM definition ORDER BY name, version",
            |columns| rows::definition(columns).map(|row| (row.name, row.version, row.fingerprint)),
        )?,
    })
}

/// The position of the last record that there ever was.
pub(super) fn last_position(connection: &Connection) -> Result<u64, Problem> {
    let last = connection.query_row("SELECT coalesce(max(position), 0) FROM record", [], |row| row.get(0));
    Ok(last.map(i64::cast_unsigned)?)
}

fn open_sagas(connection: &Connection) -> Result<Vec<OpenSaga>, Problem> {
    let mut statement = connection.prepare(&format!(
        "SELECT {STARTED}, {RECORD} FROM saga AS s LEFT JOIN record AS r
             ON r.saga = s.id AND r.number = (SELECT max(number) FROM record WHERE saga = s.id)
         WHERE s.ended IS NULL ORDER BY s.id"
    ))?;
    let mut rows = statement.query([])?;
    let mut open = Vec::new();
    while let Some(row) = rows.next()? {
        open.push(open_saga(row)?);
    }
    Ok(open)
}

fn open_saga(row: &Row<'_>) -> Result<OpenSaga, Problem> {
    let columns = Columns(row);
    let id = columns.id(0).ok_or_else(|| Problem::damaged("a saga", "it has no id"))?;
    let (started, believed) = rows::started(&columns, id, 0);
    let state = believed.and_then(|()| state(&columns, id));
    Ok(OpenSaga {
        id,
        name: started.name,
        version: started.version,
        started: started.started,
        key: started.key,
        number: columns.small(STARTED_COLUMNS + 1).unwrap_or_default(),
        state,
    })
}

fn state(columns: &Columns<'_, '_>, id: SagaId) -> Result<String, LogError> {
    let record = rows::record(columns, id, STARTED_COLUMNS)?;
    record.state.ok_or_else(|| damaged(format!("record {} of saga {id}", record.number), "it has no state"))
}

fn collect<T>(
    connection: &Connection,
    sql: &str,
    read: impl Fn(&Columns<'_, '_>) -> Result<T, LogError>,
) -> Result<Vec<T>, Problem> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(&Columns(row))?);
    }
    Ok(found)
}
