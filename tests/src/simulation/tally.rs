//! Which of the machine's transitions were met.

use saga_runtime::cause::Outcome;
use saga_runtime::definition::{Definition, StepKind};
use saga_runtime::log::Status;
use saga_runtime::machine::{Change, Happened, Record, StartedBy};
use saga_runtime::message::{At, Mode};

use super::reached::Met;
use super::sagas::Shop;
use super::stage::Stage;

impl Stage {
    /// Counts what is in a record.
    pub(super) fn meet_record(&mut self, record: &Record<Shop>) {
        if let Some(met) = happened(record) {
            self.meet(met);
        }
        for (index, change) in record.then.iter().enumerate() {
            let met = match change {
                Change::Done { at } if is_pivot(record, *at) => {
                    let settled = self.judge.has_asked(record.saga, *at);
                    Some(if settled { Met::PivotSettledDone } else { Met::PivotPassed })
                }
                change => changed(record, index, change),
            };
            if let Some(met) = met {
                self.meet(met);
            }
        }
    }
}

fn happened(record: &Record<Shop>) -> Option<Met> {
    Some(match &record.happened {
        Happened::Started { by: StartedBy::Trigger(_), .. } => Met::Triggered,
        Happened::Started { by: StartedBy::Parent { .. }, .. } => Met::ChildStarted,
        Happened::TimedOut { .. } => Met::TimedOut,
        Happened::Disconnected { .. } => Met::Disconnected,
        Happened::Deadline => Met::DeadlinePassed,
        Happened::FateOverdue { .. } => Met::FateOverdue,
        Happened::Admitted => Met::Admitted,
        Happened::Seen { .. } => Met::Seen,
        Happened::ChildEnded { how: Status::Compensated, at, .. } if at.mode == Mode::Forward => Met::ChildFailed,
        _ => return None,
    })
}

fn changed(record: &Record<Shop>, index: usize, change: &Change<Shop>) -> Option<Met> {
    let definition = record.definition?;
    let came_before = |of: fn(&Change<Shop>) -> bool| record.then[..index].iter().any(of);
    Some(match change {
        Change::Stuck { .. } => Met::Stuck,
        Change::Unstuck => Met::Unstuck,
        Change::Ended(Outcome::Completed(_)) => Met::Completed,
        Change::Ended(Outcome::Compensated(_)) => Met::Compensated,
        Change::Kept { .. } => Met::Kept,
        Change::Queued { .. } => Met::Queued,
        Change::Sleeping { .. } => Met::Slept,
        Change::Complete { .. } => Met::ChildKept,
        Change::Unwinding { .. } => Met::ChildUnwound,
        Change::Abandoned { .. } => Met::WentOnWithout,
        Change::DoneLate { .. } => Met::UndoneBeside,
        Change::Undone { at } if is_pivot(record, *at) => Met::PivotSettledNever,
        Change::Done { at } if at.mode == Mode::Compensation && at.item > 0 => Met::SeveralItemsUndone,
        Change::Sent { at: At { mode: Mode::Finally, item: 0, .. }, command: Some(_), .. } => {
            let undone = |change: &Change<Shop>| matches!(change, Change::Done { at } if at.mode == Mode::Compensation);
            let back = came_before(undone) || came_before(|change| matches!(change, Change::Failed(_)));
            if back { Met::FinallyAfterCompensation } else { Met::FinallyAfterCompletion }
        }
        Change::Sent { at, command: None, .. } if is_behind_pivot(definition, *at) => Met::EnduredBehindPivot,
        _ => return None,
    })
}

fn is_behind_pivot(definition: &Definition, at: At) -> bool {
    let before = &definition.steps[..usize::from(at.step)];
    at.mode == Mode::Forward && before.iter().any(|step| step.kind == StepKind::Pivot)
}

fn is_pivot(record: &Record<Shop>, at: At) -> bool {
    let kind = record.definition.map(|definition| definition.steps[usize::from(at.step)].kind);
    at.mode == Mode::Forward && kind == Some(StepKind::Pivot)
}
