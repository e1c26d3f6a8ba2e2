//! A log on a disk that goes away: from one batch on nothing is written any more, and whoever uses it hears nothing but
//! errors.

use std::path::Path;

use saga_runtime::log::{Batch, LogError, LogReader, Pruned, Recovery, SagaLog};
use saga_runtime::message::LogId;
use saga_runtime::prelude::*;
use tokio::sync::watch;

/// When the disk goes away.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cut {
    Never,
    /// Before the batch with this number, from 0, is written.
    Before(usize),
    /// When the batch with this number is written, and nobody knows so yet.
    After(usize),
}

/// A log that is cut off.
pub(super) struct CutOff {
    log: SqliteLog,
    cut: Cut,
    written: usize,
    off: watch::Sender<bool>,
}

/// Knows whether the disk has gone away.
pub(super) struct Off(watch::Receiver<bool>);

impl Off {
    /// Waits until it has; for ever, if it does not.
    pub(super) async fn happens(&mut self) {
        if self.0.wait_for(|off| *off).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl CutOff {
    pub(super) fn open(home: &Path, cut: Cut) -> (Self, Off) {
        let (off, is_off) = watch::channel(false);
        (Self { log: Self::whole(home), cut, written: 0, off }, Off(is_off))
    }

    /// The same log, on a disk that stays.
    pub(super) fn whole(home: &Path) -> SqliteLog {
        SqliteLog::open(home.join("sagas.db")).expect("a log")
    }

    fn gone(&self) -> LogError {
        self.off.send_replace(true);
        let (path, reason) = ("sagas.db".into(), "the disk is gone".to_owned());
        LogError::Failed { action: "write", path, reason }
    }
}

impl SagaLog for CutOff {
    fn identity(&self) -> LogId {
        self.log.identity()
    }

    fn recover(&mut self) -> Result<Recovery, LogError> {
        self.log.recover()
    }

    fn append(&mut self, batch: Batch) -> Result<(), LogError> {
        let number = self.written;
        self.written += 1;
        match self.cut {
            _ if *self.off.borrow() => Err(self.gone()),
            Cut::Before(last) if last == number => Err(self.gone()),
            Cut::After(last) if last == number => {
                self.log.append(batch)?;
                Err(self.gone())
            }
            Cut::Never | Cut::Before(_) | Cut::After(_) => self.log.append(batch),
        }
    }

    fn prune(&mut self, sagas: &[SagaId]) -> Result<Pruned, LogError> {
        self.log.prune(sagas)
    }

    fn reader(&self) -> Result<Box<dyn LogReader>, LogError> {
        self.log.reader()
    }
}
