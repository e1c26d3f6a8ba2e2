//! Parents and children when things go wrong at either: what the one hears of the other, and when.

use std::time::Duration;

use saga_runtime::log::Status;
use saga_runtime::message::{Answer, SagaId};
use saga_runtime::prelude::*;

use super::children::Night;
use super::stage::Stage;
use super::tour::Command;
use super::tour::Event;
use super::tour::*;

saga! {
    /// Two children that need one key.
    saga Crowd(night: u32) on Tour {
        concurrency allow;
        deadline 1h;
        parallel {
            step ann -> u32 {
                run Night { night, guest: "ann".to_owned() };
                compensate unwind;
            }
            step ben -> u32 {
                run Night { night, guest: "ben".to_owned() };
                compensate unwind;
            }
        }
    }

    /// Waits for an operator after a restart.
    #[on_restart(park)]
    saga Careful(night: u32) -> u32 on Tour {
        concurrency allow;
        deadline none because "it is watched";
        step stay -> u32 {
            run Night { night, guest: "ann".to_owned() };
            compensate unwind;
        }
        return stay;
    }

    /// Breaks on what its child gives.
    saga Fragile(night: u32) -> u32 on Tour {
        concurrency allow;
        deadline 1h;
        step stay -> u32 {
            run Night { night, guest: "ann".to_owned() };
            await failed why => why.message().parse().expect("a number");
            compensate unwind;
        }
        return stay;
    }

    /// Tries once more, with another child, when one is refused; and waits on when it only takes long.
    saga Stubborn(night: u32) -> u32 on Tour {
        concurrency allow;
        deadline 1h;
        step stay -> u32 {
            run Night { night, guest: "ann".to_owned() };
            await failed _ => retry;
            within 10s;
            retry 1 times every 1s;
            compensate unwind;
        }
        return stay;
    }

    /// Keeps nothing of a child that takes too long.
    saga Hasty(night: u32) -> u32 on Tour {
        concurrency allow;
        deadline 1h;
        step stay -> u32 {
            run Night { night, guest: "ann".to_owned() };
            await timeout => 0;
            within 10s;
            compensate none because "a bed for a night";
        }
        return stay;
    }

    saga Deep(night: u32) -> u32 on Tour {
        concurrency allow;
        deadline 1h;
        step inner -> u32 {
            run Careful { night };
            compensate unwind;
        }
        step note {
            send Note { text: inner.to_string() };
            compensate none because "nobody minds";
        }
        return inner;
    }
}

fn stage() -> Stage<Tour> {
    let stage = Stage::new::<Night>().with::<Crowd>().with::<Careful>().with::<Fragile>();
    let mut stage = stage.with::<Stubborn>().with::<Hasty>().with::<Deep>();
    stage.connect();
    stage
}

fn nights(stage: &Stage<Tour>) -> Vec<SagaId> {
    let all = stage.machine.in_flight().into_iter().map(|saga| saga.saga);
    all.filter(|saga| stage.machine.name_of(*saga) == Some("night")).collect()
}

#[track_caller]
fn sleep(stage: &mut Stage<Tour>, saga: SagaId, room: u32) {
    stage.answer(saga, 0, 1, Answer::Handled(vec![booked(room)]));
    stage.answer(saga, 1, 1, Answer::Handled(vec![]));
}

#[track_caller]
fn end(stage: &Stage<Tour>, saga: SagaId) -> Outcome<String> {
    let end = stage.ends().into_iter().find(|(ended, _)| *ended == saga);
    end.map(|(_, outcome)| outcome).expect("it has ended")
}

fn refused() -> Answer<Event, Refusal> {
    Answer::Refused(Refusal::Full)
}

/// Rule: start.keys.pass-to-parent
#[test]
fn siblings_on_one_key_run_one_after_another() {
    for restarts in [false, true] {
        let mut stage = stage();
        let crowd = stage.start(Crowd { night: 3 });
        let [ann, ben] = nights(&stage)[..] else { panic!("two children") };
        assert_eq!((stage.status(ann), stage.status(ben)), (Some(Status::Running), Some(Status::Queued)));
        sleep(&mut stage, ann, 12);
        assert_eq!(stage.status(ben), Some(Status::Running), "the family holds the key now");
        if restarts {
            stage.restart();
            stage.connect();
        }
        sleep(&mut stage, ben, 13);
        assert_eq!(end(&stage, crowd), Outcome::Completed("null".to_owned()));
        assert!(stage.machine.is_empty());
    }
}

/// Rule: undoing.compensate.unwind
#[test]
fn a_sibling_that_fails_has_the_other_unwound_though_it_completed() {
    let mut stage = stage();
    let crowd = stage.start(Crowd { night: 3 });
    let [ann, ben] = nights(&stage)[..] else { panic!("two children") };
    sleep(&mut stage, ann, 12);
    stage.answer(ben, 0, 1, refused());
    stage.restart();
    stage.connect();
    stage.undone(ann, 1);
    stage.undone(ann, 0);
    assert!(matches!(end(&stage, crowd), Outcome::Compensated(_)));
    assert!(matches!(end(&stage, ann), Outcome::Compensated(_)));
    assert!(stage.machine.is_empty());
}

/// Rule: restart.park
#[test]
fn a_parked_parent_hears_of_its_child_when_it_goes_on() {
    let mut stage = stage();
    let parent = stage.start(Careful { night: 3 });
    let child = nights(&stage)[0];
    stage.restart();
    stage.connect();
    assert!(stage.is_stuck(parent));
    sleep(&mut stage, child, 12);
    assert!(stage.is_stuck(parent));
    stage.restart();
    stage.connect();
    stage.operate(parent, Operator::Retry);
    assert_eq!(end(&stage, parent), Outcome::Completed("12".to_owned()));
    assert!(stage.machine.is_empty());
}

/// Rule: names.panic
#[test]
fn a_parent_that_panics_on_the_end_of_its_child_is_stuck_and_can_be_cancelled() {
    let mut stage = stage();
    let parent = stage.start(Fragile { night: 3 });
    let child = nights(&stage)[0];
    stage.answer(child, 0, 1, refused());
    assert!(stage.is_stuck(parent));
    stage.restart();
    stage.connect();
    stage.operate(parent, Operator::Retry);
    assert!(stage.is_stuck(parent), "it panics again");
    stage.cancel(parent);
    assert!(matches!(end(&stage, parent), Outcome::Compensated(_)));
    assert!(stage.machine.is_empty());
}

/// Rule: steps.run.failed-arm
#[test]
fn a_retry_runs_another_child() {
    let mut stage = stage();
    let parent = stage.start(Stubborn { night: 3 });
    let first = nights(&stage)[0];
    stage.answer(first, 0, 1, refused());
    assert_eq!(nights(&stage), []);
    stage.advance(Duration::from_secs(1));
    let second = nights(&stage)[0];
    assert!(second > first);
    sleep(&mut stage, second, 12);
    assert_eq!(end(&stage, parent), Outcome::Completed("12".to_owned()));
}

/// Rule: steps.run.failed-arm
#[test]
fn a_child_that_takes_long_is_not_run_twice() {
    let mut stage = stage();
    let parent = stage.start(Stubborn { night: 3 });
    let child = nights(&stage)[0];
    stage.advance(Duration::from_secs(12));
    assert_eq!(nights(&stage), [child]);
    sleep(&mut stage, child, 12);
    assert_eq!(end(&stage, parent), Outcome::Completed("12".to_owned()));
}

/// Rule: undoing.doubt.child
/// Rule: undoing.abandoned.ends-after
#[test]
fn a_child_that_is_abandoned_is_undone_and_awaited() {
    let mut stage = stage();
    let parent = stage.start(Hasty { night: 3 });
    let child = nights(&stage)[0];
    stage.advance(Duration::from_secs(10));
    assert_eq!(stage.ends(), []);
    stage.settle(child, 0, Fate::Never);
    assert_eq!(end(&stage, parent), Outcome::Completed("0".to_owned()));
    assert!(stage.machine.is_empty());
}

/// Rule: undoing.compensate.unwind
#[test]
fn unwinding_goes_down_to_grandchildren() {
    let mut stage = stage();
    let root = stage.start(Deep { night: 3 });
    let child = nights(&stage)[0];
    sleep(&mut stage, child, 12);
    stage.answer(root, 1, 1, refused());
    stage.undone(child, 1);
    stage.undone(child, 0);
    assert!(matches!(end(&stage, root), Outcome::Compensated(_)));
    assert_eq!(stage.ends().len(), 3);
    assert!(stage.machine.is_empty());
}

/// Rule: versions.unknown-parks
#[test]
fn a_child_is_parked_with_its_parent() {
    let mut stage = stage();
    let parent = stage.start(Stubborn { night: 3 });
    let child = nights(&stage)[0];
    stage.restart_knowing::<Night>();
    stage.connect();
    assert!(stage.is_stuck(parent) && stage.is_stuck(child));
    stage.operate(child, Operator::End);
    stage.operate(parent, Operator::End);
    assert!(stage.machine.is_empty());
}

fn answers(command: &Command) -> Vec<Event> {
    match command {
        Command::Book { .. } => vec![booked(12)],
        _ => vec![],
    }
}

/// Rule: testing.explore
#[test]
fn what_children_do_is_explored() {
    let explored = explore::<Deep>(Deep { night: 3 }, answers);
    for fault in [Fault::Child, Fault::Cancelled, Fault::Restarted] {
        assert!(explored.count(fault) > 0, "{fault:?}: {explored:?}");
    }
    let shown = format!("{explored:?}");
    for state in ["Inner", "CompensateInner", "Note"] {
        assert!(shown.contains(state), "{state}: {shown}");
    }
}
