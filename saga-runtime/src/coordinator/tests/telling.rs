//! Whoever reads a record off the log is told the same as whoever was there when it was written.

use std::collections::BTreeSet;

use super::shop::{Command, Event, Refusal, Sell, Shop};
use crate::cause::EndedBy;
use crate::coordinator::rows;
use crate::log::{Details, Standing, Status, Summary};
use crate::machine::{Change, Happened, Operator, Record, StartedBy};
use crate::message::{Answer, At, SagaId};
use crate::notice::{Notice, recorded};
use crate::prelude::*;
use crate::time::Timestamp;

const TIME: Timestamp = Timestamp::from_micros(1_000_000);
const INPUT: &str = r#"{"item":"lamp"}"#;

/// How many kinds of changes there are.
const CHANGES: usize = 20;

fn number_of(change: &Change<Shop>) -> usize {
    match change {
        Change::Queued { .. } => 0,
        Change::Sent { .. } => 1,
        Change::Waiting { .. } => 2,
        Change::Ran { .. } => 3,
        Change::Unwinding { .. } => 4,
        Change::Complete { .. } => 5,
        Change::Sleeping { .. } => 6,
        Change::Asked { .. } => 7,
        Change::Done { .. } => 8,
        Change::Kept { .. } => 9,
        Change::Abandoned { .. } => 10,
        Change::Assumed { .. } => 11,
        Change::DoneLate { .. } => 12,
        Change::Undone { .. } => 13,
        Change::Withdrawn { .. } => 14,
        Change::Skipped { .. } => 15,
        Change::Failed(_) => 16,
        Change::Stuck { .. } => 17,
        Change::Unstuck => 18,
        Change::Ended(_) => 19,
    }
}

/// Each kind of change about this exchange.
fn changes(at: At) -> Vec<Change<Shop>> {
    let (until, child, participant) = (TIME, SagaId::FIRST.next(), "depot");
    let reason = "nobody knows".to_owned();
    let cause = || Cause::new("ship", CauseKind::Deadline, "the deadline passed");
    let command = Some(Command::Release { item: "lamp".into() });
    let by = EndedBy { who: "ada".into(), why: "enough".into() };
    vec![
        Change::Queued { behind: None },
        Change::Queued { behind: Some(child) },
        Change::Sent { at, attempt: 2, participant, recorded_in: 1, command: None },
        Change::Sent { at, attempt: 1, participant, recorded_in: 1, command },
        Change::Waiting { at, until },
        Change::Ran { at, attempt: 1, child, name: "sell" },
        Change::Unwinding { at, child },
        Change::Complete { output: "7".into() },
        Change::Sleeping { at, until },
        Change::Asked { at, participant },
        Change::Done { at },
        Change::Kept { at },
        Change::Abandoned { at },
        Change::Assumed { at },
        Change::DoneLate { at },
        Change::Undone { at },
        Change::Withdrawn { at, participant },
        Change::Skipped { at },
        Change::Failed(cause()),
        Change::Stuck { reason },
        Change::Unstuck,
        Change::Ended(Outcome::Completed("7".into())),
        Change::Ended(Outcome::Compensated(cause())),
        Change::Ended(Outcome::Ended(by)),
    ]
}

fn happenings() -> Vec<Happened<Shop>> {
    let (at, attempt) = (At::step(0), 1);
    let by = [StartedBy::Call, StartedBy::Trigger("Ordered".into())];
    let started = by.map(|by| Happened::Started { input: INPUT.into(), key: None, by });
    let answers = [Answer::Handled(vec![Event::Reserved { shelf: 7 }]), Answer::Refused(Refusal::SoldOut)];
    let answered = answers.map(|answer| Happened::Answered { at, attempt, answer });
    let (action, who, why) = (Operator::Skip, "ada".to_owned(), "it is safe".to_owned());
    let others = [
        Happened::Admitted,
        Happened::TimedOut { at, attempt },
        Happened::Deadline,
        Happened::Operator { action, who, why },
        Happened::Restarted,
        Happened::Migrated { from: 1, to: 2 },
    ];
    started.into_iter().chain(answered).chain(others).collect()
}

fn details() -> Details {
    let standing = Standing {
        status: Status::Running,
        step: None,
        waiting_for: None,
        participant: None,
        since: TIME,
        until: None,
        reason: None,
    };
    let summary = Summary {
        id: SagaId::FIRST,
        name: Sell::DEFINITION.name.into(),
        version: 1,
        standing,
        started: TIME,
        ended: None,
        parent: None,
        key: None,
    };
    Details { summary, input: INPUT.into(), outcome: None }
}

#[track_caller]
fn assert_told_alike(happened: Happened<Shop>, then: Vec<Change<Shop>>) {
    let definition = Some(Sell::DEFINITION);
    let record = Record { saga: SagaId::FIRST, definition, number: 1, time: TIME, happened, then };
    let row = rows::record(&record, &[]);
    let read = recorded(&row, &details()).unwrap_or_else(|error| panic!("{error}: {}", row.data));
    assert_eq!(read, Notice::of(&record), "{}", row.data);
}

#[test]
fn every_change_is_told_alike() {
    let covered: BTreeSet<_> = changes(At::step(0)).iter().map(number_of).collect();
    assert_eq!(covered.len(), CHANGES, "there is a sample of each");
    let third = At { item: 2, ..At::step(0) };
    for at in [At::step(0), third, third.undo(), At { mode: Mode::Finally, ..At::step(1) }] {
        for change in changes(at) {
            assert_told_alike(Happened::Admitted, vec![change]);
        }
    }
}

#[test]
fn whatever_happened_is_told_alike() {
    for happened in happenings() {
        assert_told_alike(happened, vec![Change::Done { at: At::step(0) }]);
    }
}
