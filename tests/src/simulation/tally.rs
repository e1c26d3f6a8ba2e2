//! Which of the machine's transitions were met.

use saga_runtime::cause::Outcome;
use saga_runtime::machine::{Change, Happened, Record, StartedBy};

use super::reached::Met;
use super::sagas::Shop;
use super::stage::Stage;

impl Stage {
    /// Counts what is in a record.
    pub(super) fn meet_record(&mut self, record: &Record<Shop>) {
        match &record.happened {
            Happened::Started { by: StartedBy::Trigger(_), .. } => self.meet(Met::Triggered),
            Happened::TimedOut { .. } => self.meet(Met::TimedOut),
            Happened::Disconnected { .. } => self.meet(Met::Disconnected),
            Happened::Deadline => self.meet(Met::DeadlinePassed),
            Happened::FateOverdue { .. } => self.meet(Met::FateOverdue),
            _ => {}
        }
        for change in &record.then {
            match change {
                Change::Stuck { .. } => self.meet(Met::Stuck),
                Change::Unstuck => self.meet(Met::Unstuck),
                Change::Ended(Outcome::Completed(_)) => self.meet(Met::Completed),
                Change::Ended(Outcome::Compensated(_)) => self.meet(Met::Compensated),
                _ => {}
            }
        }
    }
}
