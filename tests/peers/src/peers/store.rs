//! The store that one writes for steno in an hour: SQLite, as durable as our log, a commit for each thing that it is told.

use std::fmt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use rusqlite::{Connection, params};
use steno::{SagaCachedState, SagaCreateParams, SagaId, SagaNodeEvent, SecStore};

/// Sagas and what happened to them, in a file.
pub(super) struct SqliteStore(Mutex<Connection>);

impl SqliteStore {
    pub(super) fn open(path: &Path) -> Self {
        let connection = Connection::open(path).expect("the directory can be written");
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                 CREATE TABLE saga (id TEXT PRIMARY KEY, name TEXT NOT NULL, dag TEXT NOT NULL, state TEXT NOT NULL);
                 CREATE TABLE event (number INTEGER PRIMARY KEY, saga TEXT NOT NULL, event TEXT NOT NULL);",
            )
            .expect("an empty database takes tables");
        Self(Mutex::new(connection))
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqliteStore")
    }
}

#[async_trait]
impl SecStore for SqliteStore {
    async fn saga_create(&self, saga: SagaCreateParams) -> Result<(), anyhow::Error> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached("INSERT INTO saga VALUES (?1, ?2, ?3, ?4)")?;
        let (id, name, dag) = (saga.id.to_string(), saga.name.to_string(), saga.dag.to_string());
        statement.execute(params![id, name, dag, saga.state.to_string()])?;
        Ok(())
    }

    async fn record_event(&self, event: SagaNodeEvent) {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("INSERT INTO event (saga, event) VALUES (?1, ?2)").expect("the table is there");
        let text = serde_json::to_string(&event).expect("an event is JSON");
        statement.execute(params![event.saga_id.to_string(), text]).expect("the disk takes it");
    }

    async fn saga_update(&self, id: SagaId, state: SagaCachedState) {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("UPDATE saga SET state = ?2 WHERE id = ?1").expect("the table is there");
        statement.execute(params![id.to_string(), state.to_string()]).expect("the disk takes it");
    }
}
