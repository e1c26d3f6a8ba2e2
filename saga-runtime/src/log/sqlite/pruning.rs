//! Removes ended sagas, each with all that it ran, and finds those that may go.
//!
//! The position of the last record must not be given again. When that record goes, a row that is no record stands in its
//! place until others follow.

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::problem::Problem;
use super::query::Sql;
use super::recovery::last_position;
use super::rows::{self, Columns, ENDED, STARTED, STARTED_COLUMNS, id, time};
use super::schema::Meta;
use super::writer::fence;
use crate::log::{Family, LogError, Prune, Pruned};
use crate::message::SagaId;

/// The row that is no record: no saga and no record has the number 0.
const PLACE: &str = "record WHERE saga = 0 AND number = 0";

/// A saga with all that it ran.
const FAMILY: &str = "WITH RECURSIVE family (id) AS
    (SELECT ?1 UNION SELECT child.id FROM family CROSS JOIN saga AS child ON child.parent = family.id)";

/// No other one of the log ran it.
const RAN_BY_NONE: &str = "(s.parent IS NULL OR NOT EXISTS (SELECT 1 FROM saga AS p WHERE p.id = s.parent))";

/// The sagas that have not ended, with those that ran them.
const BUSY: &str = "WITH RECURSIVE busy (id, parent) AS
    (SELECT id, parent FROM saga WHERE ended IS NULL
     UNION SELECT p.id, p.parent FROM busy CROSS JOIN saga AS p ON p.id = busy.parent)";

/// How many a saga is, with all that it ran.
const SIZE: &str = "(WITH RECURSIVE family (id) AS
    (SELECT found.id UNION SELECT child.id FROM family CROSS JOIN saga AS child ON child.parent = family.id)
    SELECT count(*) FROM family)";

/// The families that may go, in the order in which they ended.
pub(super) fn prunable(prune: &Prune) -> Sql {
    let mut sql = Sql::matching("s.id, s.name, s.status, s.ended", &prune.query());
    sql.text = format!(
        "{BUSY} SELECT found.*, {SIZE} FROM
             ({} AND s.ended IS NOT NULL AND {RAN_BY_NONE} AND s.id NOT IN (SELECT id FROM busy)
              ORDER BY s.ended DESC, s.id DESC LIMIT -1 OFFSET ?) AS found
         WHERE found.ended < ? ORDER BY found.ended, found.id",
        sql.text
    );
    sql.parameters.push(i64::try_from(prune.keep).unwrap_or(i64::MAX).into());
    sql.parameters.push(prune.ended_before.map_or(i64::MAX, time).into());
    sql
}

/// A row of [`prunable`].
pub(super) fn family(columns: &Columns<'_, '_>) -> Result<Option<Family>, LogError> {
    let (Some(saga), Some(status)) = (columns.id(0), columns.status(2)) else { return Ok(None) };
    Ok(Some(Family {
        saga,
        name: columns.some_text(1),
        status,
        ended: columns.time(3).unwrap_or_default(),
        sagas: columns.some_number(4).max(0).cast_unsigned(),
    }))
}

/// Removes those of these families that may go, in one commit.
pub(super) fn prune(connection: &mut Connection, ours: &Meta, sagas: &[SagaId]) -> Result<Pruned, Problem> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    fence(&transaction, ours.epoch)?;
    let last = last_position(&transaction)?;
    let mut pruned = Pruned::default();
    for &saga in sagas {
        if let Some(members) = members_if_all_ended(&transaction, saga)? {
            pruned.families.push(saga);
            pruned.sagas += members.len() as u64;
            pruned.records += members.into_iter().map(|member| remove(&transaction, member)).sum::<Result<u64, _>>()?;
        }
    }
    forget_late(&transaction, &pruned)?;
    hold_place(&transaction, last)?;
    transaction.commit()?;
    Ok(pruned)
}

/// The ids of a family. None when it has been removed, is a part of another one, or when one of it has not ended or is not
/// what was written: a damaged row may look like an end.
fn members_if_all_ended(transaction: &Transaction<'_>, saga: SagaId) -> Result<Option<Vec<i64>>, Problem> {
    let is_whole = format!("SELECT 1 FROM saga AS s WHERE s.id = ?1 AND {RAN_BY_NONE}");
    if !transaction.prepare_cached(&is_whole)?.exists([id(saga)])? {
        return Ok(None);
    }
    let sql = format!("{FAMILY} SELECT {STARTED}, {ENDED} FROM saga AS s WHERE s.id IN (SELECT id FROM family)");
    let mut statement = transaction.prepare_cached(&sql)?;
    let mut rows = statement.query([id(saga)])?;
    let mut members = Vec::new();
    while let Some(row) = rows.next()? {
        let columns = Columns(row);
        let Some(member) = columns.id(0).filter(|member| has_ended(&columns, *member)) else { return Ok(None) };
        members.push(id(member));
    }
    Ok(Some(members))
}

fn has_ended(columns: &Columns<'_, '_>, saga: SagaId) -> bool {
    let (_, believed) = rows::started(columns, saga, 0);
    believed.is_ok() && matches!(rows::ended(columns, saga, STARTED_COLUMNS), Ok(Some(_)))
}

/// Removes what came too late even for this log: when the saga that it was meant for had been removed.
fn forget_late(transaction: &Transaction<'_>, pruned: &Pruned) -> Result<(), Problem> {
    let Some(&last) = pruned.families.iter().max() else { return Ok(()) };
    let sql = "DELETE FROM late WHERE saga <= ?1 AND saga NOT IN (SELECT id FROM saga)";
    transaction.prepare_cached(sql)?.execute([id(last)])?;
    Ok(())
}

/// Removes a saga; gives how many records it had.
fn remove(transaction: &Transaction<'_>, saga: i64) -> Result<u64, Problem> {
    let records = transaction.prepare_cached("DELETE FROM record WHERE saga = ?1")?.execute([saga])?;
    transaction.prepare_cached("DELETE FROM late WHERE saga = ?1")?.execute([saga])?;
    transaction.prepare_cached("DELETE FROM saga WHERE id = ?1")?.execute([saga])?;
    Ok(records as u64)
}

/// Sees to it that the next record comes after this position.
fn hold_place(transaction: &Transaction<'_>, last: u64) -> Result<(), Problem> {
    transaction.execute(&format!("DELETE FROM {PLACE}"), [])?;
    if last_position(transaction)? < last {
        transaction.execute(
            "INSERT INTO record (position, saga, number, time, what, data, checksum) VALUES (?1, 0, 0, 0, 'pruned', '', 0)",
            params![last.cast_signed()],
        )?;
    }
    Ok(())
}

/// Whether a row holds the place of a record that was removed.
pub(super) fn is_place(columns: &Columns<'_, '_>) -> bool {
    columns.number(0) == Some(0) && columns.number(1) == Some(0)
}
