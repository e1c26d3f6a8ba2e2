//! What is remembered, to and from rows. It decides nothing.

use std::path::Path;

use rusqlite::{CachedStatement, Connection, Row, params};

use super::error::DatabaseError;
use crate::bus::Horizon;
use crate::codec;
use crate::inbox::Kept;
use crate::message::{ExchangeKey, LogId, Message, SagaId};

/// What an earlier life remembered.
#[derive(Debug)]
pub(super) struct Recalled<E> {
    /// The log that was heard last is at the end.
    pub(super) horizons: Vec<(LogId, Horizon)>,
    pub(super) forgot_one: bool,
    pub(super) exchanges: Vec<Exchange<E>>,
}

/// What an earlier life remembered of a key.
#[derive(Debug)]
pub(super) struct Exchange<E> {
    pub(super) key: ExchangeKey,
    pub(super) attempt: u32,
    pub(super) unclear: bool,
    pub(super) kept: Kept<E>,
    /// Of one whose answer is still to come: what was asked, and what was emitted so far.
    pub(super) deferred: Option<(String, Vec<E>)>,
}

/// Everything that is remembered.
pub(super) fn recall<E: Message>(connection: &Connection, path: &Path) -> Result<Recalled<E>, DatabaseError> {
    let failed = |error: rusqlite::Error| DatabaseError::of(&error, "read", path);
    let forgot_one =
        connection.query_row("SELECT forgot_one FROM saga_inbox_meta", [], |row| row.get(0)).map_err(failed)?;
    let logs = "SELECT log, lowest, older FROM saga_inbox_log ORDER BY heard";
    let horizons = collect(connection, logs, path, horizon)?;
    let exchanges = "SELECT key, attempt, unclear, state, command, data FROM saga_inbox_exchange ORDER BY key";
    let exchanges = collect(connection, exchanges, path, exchange)?;
    Ok(Recalled { horizons, forgot_one, exchanges })
}

fn collect<T>(
    connection: &Connection,
    query: &str,
    path: &Path,
    read: fn(&Row<'_>) -> Result<T, Unreadable>,
) -> Result<Vec<T>, DatabaseError> {
    let failed = |error: rusqlite::Error| DatabaseError::of(&error, "read", path);
    let mut statement = connection.prepare(query).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        all.push(read(row).map_err(|Unreadable(reason)| DatabaseError::Damaged {
            path: path.to_owned(),
            what: row.get(0).unwrap_or_else(|_| "a row of the inbox".to_owned()),
            reason,
        })?);
    }
    Ok(all)
}

/// Why a row is none of ours. Shows no values, which may be secret.
struct Unreadable(String);

impl From<rusqlite::Error> for Unreadable {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<codec::CodecError> for Unreadable {
    fn from(error: codec::CodecError) -> Self {
        Self(error.to_string())
    }
}

fn horizon(row: &Row<'_>) -> Result<(LogId, Horizon), Unreadable> {
    let log = row.get_ref(0)?.as_str().ok().and_then(|log| log.parse().ok());
    let log = log.ok_or_else(|| Unreadable("its name is that of no log".to_owned()))?;
    let lowest = SagaId::new(row.get::<_, i64>(1)?.cast_unsigned());
    let lowest = lowest.ok_or_else(|| Unreadable("no saga has the number 0".to_owned()))?;
    Ok((log, Horizon { lowest, older: codec::decode(&row.get::<_, String>(2)?)? }))
}

fn exchange<E: Message>(row: &Row<'_>) -> Result<Exchange<E>, Unreadable> {
    let text = |column| row.get::<_, Option<String>>(column).map(Option::unwrap_or_default);
    let key = row.get::<_, String>(0)?.parse().map_err(|error| Unreadable(format!("{error}")))?;
    let mut deferred = None;
    let kept = match row.get::<_, String>(3)?.as_str() {
        "handled" => Kept::Handled(codec::decode(&text(5)?)?),
        "deferred" => {
            deferred = Some((text(4)?, codec::decode(&text(5)?)?));
            Kept::Deferred
        }
        "broken" => Kept::Broken(text(5)?),
        "barred" => Kept::Barred,
        other => return Err(Unreadable(format!("its state is `{other}`"))),
    };
    Ok(Exchange { key, attempt: row.get(1)?, unclear: row.get(2)?, kept, deferred })
}

/// Writes what is remembered, within a transaction.
pub(super) struct Writer<'a>(pub(super) &'a Connection);

impl Writer<'_> {
    /// It was done, with these events as JSON.
    pub(super) fn handled(&self, key: ExchangeKey, attempt: u32, events: &str) -> rusqlite::Result<()> {
        self.keep(key, attempt, "handled", None, events)
    }

    /// Its answer is still to come.
    pub(super) fn deferred(
        &self,
        key: ExchangeKey,
        attempt: u32,
        command: &str,
        emitted: &str,
    ) -> rusqlite::Result<()> {
        self.keep(key, attempt, "deferred", Some(command), emitted)
    }

    /// It was done after it had left its answer for later.
    pub(super) fn handled_late(&self, key: ExchangeKey, events: &str) -> rusqlite::Result<()> {
        self.on("UPDATE saga_inbox_exchange SET state = 'handled', command = NULL, data = ?2 WHERE key = ?1")?
            .execute(params![key.to_string(), events])?;
        Ok(())
    }

    /// It broke off after it had left its answer for later: what was done is not known.
    pub(super) fn broken(&self, key: ExchangeKey, complaint: &str) -> rusqlite::Result<()> {
        self.on(
            "UPDATE saga_inbox_exchange SET state = 'broken', unclear = 1, command = NULL, data = ?2 WHERE key = ?1",
        )?
        .execute(params![key.to_string(), complaint])?;
        Ok(())
    }

    /// It was refused after it had left its answer for later: as if it had never been asked, but for what an earlier
    /// attempt left unclear.
    pub(super) fn refused(&self, key: ExchangeKey) -> rusqlite::Result<()> {
        let key = key.to_string();
        self.on("DELETE FROM saga_inbox_exchange WHERE key = ?1 AND unclear = 0")?.execute([&key])?;
        self.on(
            "UPDATE saga_inbox_exchange SET state = 'broken', command = NULL, data = 'an earlier attempt broke off'
             WHERE key = ?1",
        )?
        .execute([&key])?;
        Ok(())
    }

    pub(super) fn barred(&self, key: ExchangeKey, unclear: bool) -> rusqlite::Result<()> {
        self.on("INSERT INTO saga_inbox_exchange (key, attempt, state, unclear) VALUES (?1, 0, 'barred', ?2)
             ON CONFLICT DO UPDATE SET state = 'barred', unclear = ?2, command = NULL, data = NULL")?
            .execute(params![key.to_string(), unclear])?;
        Ok(())
    }

    pub(super) fn forgotten(&self, key: ExchangeKey) -> rusqlite::Result<()> {
        self.on("DELETE FROM saga_inbox_exchange WHERE key = ?1")?.execute([key.to_string()])?;
        Ok(())
    }

    /// All that is known of logs.
    pub(super) fn horizons(&self, horizons: &[(LogId, Horizon)], forgot_one: bool) -> rusqlite::Result<()> {
        self.on("UPDATE saga_inbox_meta SET forgot_one = ?1 WHERE forgot_one <> ?1")?.execute([forgot_one])?;
        self.on("DELETE FROM saga_inbox_log")?.execute([])?;
        let mut insert = self.on("INSERT INTO saga_inbox_log (log, heard, lowest, older) VALUES (?1, ?2, ?3, ?4)")?;
        for (heard, (log, horizon)) in (0_i64..).zip(horizons) {
            let older: Vec<u64> = horizon.older.iter().map(|saga| saga.get()).collect();
            let older = serde_json::Value::from(older).to_string();
            insert.execute(params![log.to_string(), heard, horizon.lowest.get().cast_signed(), older])?;
        }
        Ok(())
    }

    fn keep(
        &self,
        key: ExchangeKey,
        attempt: u32,
        state: &str,
        command: Option<&str>,
        data: &str,
    ) -> rusqlite::Result<()> {
        self.on("INSERT INTO saga_inbox_exchange (key, attempt, state, unclear, command, data)
             VALUES (?1, ?2, ?3, 0, ?4, ?5)
             ON CONFLICT DO UPDATE SET attempt = ?2, state = ?3, command = ?4, data = ?5")?
            .execute(params![key.to_string(), attempt, state, command, data])?;
        Ok(())
    }

    fn on(&self, statement: &str) -> rusqlite::Result<CachedStatement<'_>> {
        self.0.prepare_cached(statement)
    }
}
