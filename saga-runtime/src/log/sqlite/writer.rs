//! Batches: all of one or nothing of it.

use rusqlite::{Connection, Transaction, TransactionBehavior, ffi, params};

use super::problem::Problem;
use super::rows::{
    definition_checksum, ended_checksum, id, received_checksum, record_checksum, started_checksum, time,
};
use super::schema::Meta;
use crate::log::continuity::Continuity;
use crate::log::{Batch, DefinitionRow, EndedRow, LateRow, LogError, ReceivedRow, RecordRow, StartedRow};
use crate::message::SagaId;

/// Commits the batch, and gives what the log then says about itself.
pub(super) fn append(
    connection: &mut Connection,
    continuity: &mut Continuity,
    ours: &Meta,
    batch: &Batch,
) -> Result<Meta, Problem> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    fence(&transaction, ours.epoch)?;
    continuity.follow(batch, |saga| {
        last_if_open(&transaction, saga)
            .map_err(|problem| problem.at("read", transaction.path().unwrap_or_default().as_ref()))
    })?;
    let ids = batch.started.iter().map(|saga| saga.id).chain(batch.reserved);
    let highest = ids.map(SagaId::get).fold(ours.highest, u64::max);
    let meta = Meta { highest, digest: continuity.digest(), ..*ours };
    meta.write(&transaction)?;
    write(&transaction, batch)?;
    transaction.commit()?;
    Ok(meta)
}

/// Refuses a writer whose epoch is over.
pub(super) fn fence(connection: &Connection, ours: u64) -> Result<Meta, Problem> {
    let meta = Meta::read(connection)?;
    if meta.epoch != ours {
        return Err(LogError::Fenced { ours, theirs: meta.epoch }.into());
    }
    Ok(meta)
}

/// The number of the last record of a saga that has not ended.
fn last_if_open(connection: &Connection, saga: SagaId) -> Result<Option<u32>, Problem> {
    let mut statement = connection.prepare_cached(
        "SELECT (SELECT max(number) FROM record WHERE saga = ?1) FROM saga WHERE id = ?1 AND ended IS NULL",
    )?;
    let mut rows = statement.query([id(saga)])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(row.get(0)?))
}

fn write(transaction: &Transaction<'_>, batch: &Batch) -> Result<(), Problem> {
    define(transaction, &batch.definitions)?;
    start(transaction, &batch.started)?;
    record(transaction, &batch.records)?;
    end(transaction, &batch.ended)?;
    note_late(transaction, &batch.late)?;
    receive(transaction, &batch.received)
}

fn define(transaction: &Transaction<'_>, rows: &[DefinitionRow]) -> Result<(), Problem> {
    for row in rows {
        transaction
            .prepare_cached(
                "INSERT INTO definition (name, version, fingerprint, description, checksum) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET fingerprint = excluded.fingerprint, description = excluded.description,
                 checksum = excluded.checksum",
            )?
            .execute(params![row.name, row.version, row.fingerprint, row.description, definition_checksum(row)])?;
    }
    Ok(())
}

fn start(transaction: &Transaction<'_>, rows: &[StartedRow]) -> Result<(), Problem> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO saga (id, name, version, input, started, parent, key, checksum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for row in rows {
        statement
            .execute(params![
                id(row.id),
                row.name,
                row.version,
                row.input,
                time(row.started),
                row.parent.map(id),
                row.key,
                started_checksum(row)
            ])
            .map_err(|error| second_start(row, error))?;
    }
    Ok(())
}

fn second_start(row: &StartedRow, error: rusqlite::Error) -> Problem {
    let code = error.sqlite_error().map(|error| error.extended_code);
    match (code, &row.key) {
        (Some(ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID), _) => {
            LogError::StartedBefore { saga: row.id }.into()
        }
        (Some(ffi::SQLITE_CONSTRAINT_UNIQUE), Some(key)) => LogError::KeyTaken { key: key.clone() }.into(),
        _ => error.into(),
    }
}

fn record(transaction: &Transaction<'_>, rows: &[RecordRow]) -> Result<(), Problem> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO record (saga, number, time, what, step, attempt, data,
             status, standing_step, waiting_for, participant, since, until, reason, state, checksum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    )?;
    for row in rows {
        let standing = row.standing.as_ref();
        statement.execute(params![
            id(row.saga),
            row.number,
            time(row.time),
            row.what,
            row.step,
            row.attempt,
            row.data,
            standing.map(|standing| standing.status.as_str()),
            standing.and_then(|standing| standing.step.as_deref()),
            standing.and_then(|standing| standing.waiting_for.as_deref()),
            standing.and_then(|standing| standing.participant.as_deref()),
            standing.map(|standing| time(standing.since)),
            standing.and_then(|standing| standing.until.map(time)),
            standing.and_then(|standing| standing.reason.as_deref()),
            row.state,
            record_checksum(row)
        ])?;
    }
    Ok(())
}

fn end(transaction: &Transaction<'_>, rows: &[EndedRow]) -> Result<(), Problem> {
    let mut statement = transaction.prepare_cached(
        "UPDATE saga SET status = ?2, ended = ?3, step = ?4, message = ?5, outcome = ?6, end_checksum = ?7
         WHERE id = ?1 AND ended IS NULL",
    )?;
    for row in rows {
        let changed = statement.execute(params![
            id(row.id),
            row.status.as_str(),
            time(row.ended),
            row.step,
            row.message,
            row.outcome,
            ended_checksum(row)
        ])?;
        if changed == 0 {
            return Err(Problem::damaged(format!("saga {}", row.id), "it was open, and now is not there"));
        }
    }
    Ok(())
}

fn note_late(transaction: &Transaction<'_>, rows: &[LateRow]) -> Result<(), Problem> {
    for row in rows {
        transaction
            .prepare_cached(
                "INSERT INTO late (saga, number, time, step, data)
                 VALUES (?1, (SELECT coalesce(max(number), 0) + 1 FROM late WHERE saga = ?1), ?2, ?3, ?4)",
            )?
            .execute(params![id(row.saga), time(row.time), row.step, row.data])?;
    }
    Ok(())
}

fn receive(transaction: &Transaction<'_>, rows: &[ReceivedRow]) -> Result<(), Problem> {
    for row in rows {
        transaction
            .prepare_cached(
                "INSERT INTO session (participant, session, number, checksum) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET session = ?2, number = ?3, checksum = ?4",
            )?
            .execute(params![row.participant, row.session, row.number.cast_signed(), received_checksum(row)])?;
    }
    Ok(())
}
