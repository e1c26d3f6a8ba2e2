//! `concurrency queue | replace | skip`, with and without `per`: several sagas in one machine, each script played as it
//! stands and with the coordinator killed before each of its lines.

use std::time::Duration;

use saga_runtime::definition::Policy;
use saga_runtime::log::Status;
use saga_runtime::machine::{Decision, Input};
use saga_runtime::message::{Answer, SagaId};
use saga_runtime::prelude::*;

use super::bus::Event;
use super::bus::*;
use super::stage::Stage;

saga! {
    saga Stay(night: u32) -> String on Travel {
        concurrency queue per night;
        deadline 1m;
        step book -> String {
            send Book { night };
            await Booked { room } => room;
            compensate Unbook { room: book };
        }
        step charge {
            send Charge { cents: 1 };
            await Charged { .. } => ();
            compensate none because "one cent";
        }
        return book;
    }

    pub(super) saga Clean(night: u32) on Travel {
        concurrency queue per night;
        deadline none because "it takes as long as it takes";
        step ring {
            send RingBell;
            compensate none because "it has rung";
        }
    }

    /// Of another type, so on no key of the others.
    saga Count(night: u64) on Travel {
        concurrency queue per night;
        deadline 1m;
        step ring {
            send RingBell;
            compensate none because "it has rung";
        }
    }

    saga Move(from: u32, to: u32) on Travel {
        concurrency queue per from, to;
        deadline 1m;
        step ring {
            send RingBell;
            compensate none because "it has rung";
        }
    }

    saga Visit(night: u32) on Travel {
        concurrency allow per night;
        deadline 1m;
        step ring {
            send RingBell;
            compensate none because "it has rung";
        }
    }

    saga Renovate(night: u32) on Travel {
        concurrency replace per night;
        deadline 1m;
        step ring {
            send RingBell;
            compensate none because "it has rung";
        }
    }

    pub(super) saga Look(night: u32) on Travel {
        trigger Asked { night, .. };
        concurrency skip per night;
        deadline 1m;
        step ring {
            send RingBell;
            compensate none because "it has rung";
        }
    }

    saga Audit(cents: u64) on Travel {
        concurrency queue;
        deadline 1m;
        step ring {
            send RingBell;
            compensate none because "it has rung";
        }
    }

    saga Share(parts: u32) on Travel {
        trigger Asked { night: parts, .. };
        concurrency queue per 12 / parts;
        deadline 1m;
        step ring {
            send RingBell;
            compensate none because "it has rung";
        }
    }
}

/// A stage that restarts before each line, or never.
struct Hotel {
    stage: Stage<Travel>,
    is_restless: bool,
}

fn stage() -> Stage<Travel> {
    let stage = Stage::new::<Stay>().with::<Clean>().with::<Count>().with::<Move>().with::<Visit>();
    let mut stage = stage.with::<Renovate>().with::<Look>().with::<Audit>().with::<Share>();
    stage.connect();
    stage
}

#[track_caller]
fn played(script: impl Fn(&mut Hotel)) {
    for is_restless in [false, true] {
        script(&mut Hotel { stage: stage(), is_restless });
    }
}

impl Hotel {
    fn line(&mut self) -> &mut Stage<Travel> {
        if self.is_restless {
            self.stage.restart();
            self.stage.connect();
        }
        &mut self.stage
    }

    #[track_caller]
    fn start<S: Saga<Bus = Travel>>(&mut self, saga: S) -> SagaId {
        self.line().start(saga)
    }

    #[track_caller]
    fn handled(&mut self, saga: SagaId) {
        self.line().answer(saga, 0, 1, Answer::Handled(Vec::new()));
    }

    #[track_caller]
    fn booked(&mut self, saga: SagaId) {
        self.line().answer(saga, 0, 1, Answer::Handled(vec![booked()]));
    }

    /// A stay comes to its good end.
    #[track_caller]
    fn stayed(&mut self, saga: SagaId) {
        self.booked(saga);
        self.line().answer(saga, 1, 1, Answer::Handled(vec![charged()]));
        assert_eq!(self.stage.status(saga), None);
    }

    /// Which of these run, and which wait for their keys.
    #[track_caller]
    fn expect(&self, running: &[SagaId], queued: &[SagaId]) {
        let in_flight = self.stage.machine.in_flight();
        let all = |status| -> Vec<SagaId> {
            in_flight.iter().filter(|saga| saga.standing.status == status).map(|saga| saga.saga).collect()
        };
        assert_eq!((all(Status::Running), all(Status::Queued)), (running.to_vec(), queued.to_vec()));
    }

    /// Why it was compensated.
    #[track_caller]
    fn cause(&self, saga: SagaId) -> Cause {
        match self.stage.ends().into_iter().find(|(ended, _)| *ended == saga) {
            Some((_, Outcome::Compensated(cause))) => cause,
            other => panic!("it was not compensated: {other:?}"),
        }
    }

    #[track_caller]
    fn superseded(&self, saga: SagaId, by: SagaId) {
        let cause = self.cause(saga);
        assert_eq!((cause.kind(), cause.superseded_by()), (CauseKind::Superseded, Some(by)));
    }
}

#[test]
fn the_definition_has_the_policy_and_the_keys_as_written() {
    let of = |definition: &'static saga_runtime::definition::Definition| definition.concurrency;
    assert_eq!((of(Stay::DEFINITION).policy, of(Stay::DEFINITION).keys), (Policy::Queue, &["night"][..]));
    assert_eq!(of(Move::DEFINITION).keys, ["from", "to"]);
    assert_eq!((of(Visit::DEFINITION).policy, of(Visit::DEFINITION).keys), (Policy::Allow, &["night"][..]));
    assert_eq!((of(Audit::DEFINITION).policy, of(Audit::DEFINITION).keys), (Policy::Queue, &[][..]));
    assert_eq!(of(Renovate::DEFINITION).policy, Policy::Replace);
    assert_eq!((of(Look::DEFINITION).policy, of(Share::DEFINITION).keys), (Policy::Skip, &["12 / parts"][..]));
}

/// Rule: start.concurrency.queue
/// Rule: start.keys.shared
#[test]
fn sagas_of_different_kinds_on_one_key_run_first_come_first_served() {
    played(|hotel| {
        let first = hotel.start(Stay { night: 3 });
        let second = hotel.start(Clean { night: 3 });
        let third = hotel.start(Stay { night: 3 });
        let elsewhere = hotel.start(Stay { night: 4 });
        hotel.expect(&[first, elsewhere], &[second, third]);
        let standing = hotel.stage.machine.standing(third).expect("it waits");
        assert_eq!(standing.waiting_for.as_deref(), Some("the end of saga 1"));

        hotel.stayed(first);
        hotel.expect(&[second, elsewhere], &[third]);
        hotel.handled(second);
        hotel.expect(&[third, elsewhere], &[]);
        hotel.stayed(third);
        hotel.stayed(elsewhere);
        assert!(hotel.stage.machine.is_empty());
    });
}

/// Rule: start.keys.shared
#[test]
fn a_key_is_its_type_and_its_value() {
    played(|hotel| {
        let stay = hotel.start(Stay { night: 3 });
        let count = hotel.start(Count { night: 3 });
        hotel.expect(&[stay, count], &[]);
    });
}

/// Rule: start.keys.kind
#[test]
fn without_per_the_kind_is_the_key() {
    played(|hotel| {
        let (first, second) = (hotel.start(Audit { cents: 1 }), hotel.start(Audit { cents: 2 }));
        let other = hotel.start(Clean { night: 3 });
        hotel.expect(&[first, other], &[second]);
        hotel.handled(first);
        hotel.expect(&[second, other], &[]);
    });
}

/// Rule: start.concurrency.allow
/// Rule: start.concurrency.policy-of-starter
#[test]
fn one_that_is_allowed_holds_its_key_too() {
    played(|hotel| {
        let (first, second) = (hotel.start(Visit { night: 3 }), hotel.start(Visit { night: 3 }));
        let stay = hotel.start(Stay { night: 3 });
        hotel.expect(&[first, second], &[stay]);
        hotel.handled(first);
        hotel.expect(&[second], &[stay]);
        hotel.handled(second);
        hotel.expect(&[stay], &[]);
    });
}

/// Rule: start.keys.all-at-once
#[test]
fn several_keys_are_taken_all_at_once_or_not_yet() {
    played(|hotel| {
        let (third, fourth) = (hotel.start(Stay { night: 3 }), hotel.start(Stay { night: 4 }));
        let moving = hotel.start(Move { from: 3, to: 4 });
        let behind = hotel.start(Stay { night: 4 });
        hotel.stayed(fourth);
        hotel.expect(&[third], &[moving, behind]);
        hotel.stayed(third);
        hotel.expect(&[moving], &[behind]);
        hotel.handled(moving);
        hotel.expect(&[behind], &[]);
        let twice = hotel.start(Move { from: 5, to: 5 });
        hotel.expect(&[behind, twice], &[]);
    });
}

/// Rule: start.concurrency.replace
#[test]
fn a_replacement_starts_when_the_holder_is_undone() {
    played(|hotel| {
        let holder = hotel.start(Stay { night: 3 });
        hotel.booked(holder);
        let replacement = hotel.start(Renovate { night: 3 });
        hotel.expect(&[], &[replacement]);
        assert_eq!(hotel.stage.status(holder), Some(Status::Compensating));
        hotel.line().undone(holder, 0);
        hotel.superseded(holder, replacement);
        assert_eq!(hotel.cause(holder).step(), "charge");
        hotel.expect(&[replacement], &[]);
    });
}

/// Rule: start.concurrency.replace
/// Rule: undoing.doubt.cancelled
#[test]
fn what_is_in_doubt_is_settled_before_the_replacement_starts() {
    played(|hotel| {
        let holder = hotel.start(Stay { night: 3 });
        let replacement = hotel.start(Renovate { night: 3 });
        hotel.expect(&[], &[replacement]);
        hotel.line().settle(holder, 0, Fate::Never);
        hotel.superseded(holder, replacement);
        hotel.expect(&[replacement], &[]);
    });
}

/// Rule: start.concurrency.replace-waiting
#[test]
fn a_replacement_supersedes_those_who_wait_too() {
    played(|hotel| {
        let holder = hotel.start(Stay { night: 3 });
        let (stay, clean) = (hotel.start(Stay { night: 3 }), hotel.start(Clean { night: 3 }));
        let first = hotel.start(Renovate { night: 3 });
        hotel.superseded(stay, first);
        hotel.superseded(clean, first);
        let second = hotel.start(Renovate { night: 3 });
        hotel.superseded(first, second);
        hotel.expect(&[], &[second]);
        hotel.line().settle(holder, 0, Fate::Never);
        hotel.superseded(holder, first);
        hotel.expect(&[second], &[]);
        let queued = hotel.start(Clean { night: 3 });
        hotel.expect(&[second], &[queued]);
    });
}

#[test]
fn a_holder_that_has_nothing_to_undo_makes_way_at_once() {
    played(|hotel| {
        let (first, second) = (hotel.start(Visit { night: 3 }), hotel.start(Visit { night: 3 }));
        let replacement = hotel.start(Renovate { night: 3 });
        hotel.superseded(first, replacement);
        hotel.superseded(second, replacement);
        hotel.expect(&[replacement], &[]);
    });
}

#[test]
fn a_holder_on_its_way_back_is_only_awaited() {
    played(|hotel| {
        let holder = hotel.start(Stay { night: 3 });
        hotel.booked(holder);
        hotel.line().answer(holder, 1, 1, Answer::Refused(Refusal::Closed));
        let replacement = hotel.start(Renovate { night: 3 });
        hotel.line().undone(holder, 0);
        assert_eq!(hotel.cause(holder).kind(), CauseKind::Refused, "the first cause stays");
        hotel.expect(&[replacement], &[]);
    });
}

/// Rule: start.concurrency.skip
#[test]
fn a_start_is_skipped_while_its_key_is_held() {
    played(|hotel| {
        let holder = hotel.start(Stay { night: 3 });
        let reason = hotel.line().try_start(Look { night: 3 }).expect_err("the key is held");
        assert_eq!(reason, "`look` is skipped while saga 1 holds its key");
        hotel.expect(&[holder], &[]);
        hotel.stayed(holder);
        let look = hotel.start(Look { night: 3 });
        assert_eq!(look, holder.next(), "what was skipped has no id");
        hotel.expect(&[look], &[]);
    });
}

/// Rule: start.concurrency.skip
/// Rule: start.keys.all-at-once
#[test]
fn a_key_that_is_only_awaited_is_held_by_nobody() {
    played(|hotel| {
        let holder = hotel.start(Stay { night: 3 });
        let moving = hotel.start(Move { from: 3, to: 4 });
        let look = hotel.start(Look { night: 4 });
        hotel.expect(&[holder, look], &[moving]);
        hotel.stayed(holder);
        hotel.expect(&[look], &[moving]);
        hotel.handled(look);
        hotel.expect(&[moving], &[]);
    });
}

/// Rule: start.concurrency.queue
#[test]
fn a_start_does_not_slip_in_before_one_that_awaits_its_key() {
    played(|hotel| {
        let holder = hotel.start(Stay { night: 3 });
        let moving = hotel.start(Move { from: 3, to: 4 });
        let behind = hotel.start(Clean { night: 4 });
        hotel.expect(&[holder], &[moving, behind]);
        hotel.stayed(holder);
        hotel.expect(&[moving], &[behind]);
    });
}

/// Rule: start.not-silent
#[test]
fn a_trigger_that_is_skipped_is_told() {
    played(|hotel| {
        let holder = hotel.start(Stay { night: 3 });
        let event = Event::Asked { cents: 1, night: 3, urgent: false };
        hotel.line().tell(Input::Publish { event, token: 0 });
        let share = holder.next();
        hotel.expect(&[holder, share], &[]);
        let told = hotel.stage.decisions.iter().find_map(|decision| match decision {
            Decision::TriggerFailed { name, event, reason } => Some((*name, *event, reason.as_str())),
            _ => None,
        });
        assert_eq!(told, Some(("look", "Asked", "`look` is skipped while saga 1 holds its key")));
    });
}

/// Rule: start.not-silent
#[test]
fn a_key_that_panics_starts_nothing() {
    played(|hotel| {
        let reason = hotel.line().try_start(Share { parts: 0 }).expect_err("it has no key");
        assert!(reason.contains("attempt to divide by zero"), "{reason}");
        assert!(hotel.stage.machine.is_empty());
    });
}

/// Rule: start.keys.held
#[test]
fn a_saga_that_is_stuck_holds_its_keys() {
    played(|hotel| {
        let holder = hotel.start(Stay { night: 3 });
        let next = hotel.start(Clean { night: 3 });
        hotel.line().answer(holder, 0, 1, Answer::Broken("the handler panicked".to_owned()));
        assert!(hotel.stage.is_stuck(holder));
        hotel.expect(&[], &[next]);
        hotel.line().operate(holder, Operator::End);
        hotel.expect(&[next], &[]);
    });
}

/// Rule: start.keys.held
#[test]
fn a_saga_that_cannot_be_loaded_holds_its_keys() {
    let mut stage = stage();
    let (holder, next) = (stage.start(Stay { night: 3 }), stage.start(Clean { night: 3 }));
    stage.restart_knowing::<Clean>();
    stage.connect();
    assert_eq!((stage.is_stuck(holder), stage.status(next)), (true, Some(Status::Queued)));
    stage.operate(holder, Operator::End);
    assert_eq!(stage.status(next), Some(Status::Running));
}

/// Rule: start.deadline-from-queue
#[test]
fn the_deadline_counts_from_leaving_the_queue() {
    played(|hotel| {
        let holder = hotel.start(Clean { night: 3 });
        let stay = hotel.start(Stay { night: 3 });
        hotel.line().advance(Duration::from_secs(600));
        hotel.expect(&[holder], &[stay]);
        hotel.handled(holder);
        hotel.line().advance(Duration::from_secs(59));
        hotel.expect(&[stay], &[]);
        hotel.line().advance(Duration::from_secs(1));
        hotel.line().settle(stay, 0, Fate::Never);
        assert_eq!(hotel.cause(stay).kind(), CauseKind::Deadline);
    });
}

#[test]
fn one_that_waits_can_be_cancelled_and_the_next_moves_up() {
    played(|hotel| {
        let (third, fourth) = (hotel.start(Stay { night: 3 }), hotel.start(Stay { night: 4 }));
        let moving = hotel.start(Move { from: 3, to: 4 });
        let behind = hotel.start(Clean { night: 4 });
        hotel.stayed(fourth);
        hotel.expect(&[third], &[moving, behind]);
        hotel.line().cancel(moving);
        assert_eq!(hotel.cause(moving).kind(), CauseKind::Cancelled);
        hotel.expect(&[third, behind], &[]);
    });
}
