//! `where`: events of anybody, found by their values; early ones are kept.

use std::time::Duration;

use saga_runtime::machine::Input;
use saga_runtime::message::{Answer, SagaId};
use saga_runtime::prelude::*;

use super::stage::Stage;
use super::tour::*;
use super::tour::{Command, Event};
use crate::twin::Twin;

saga! {
    saga Meet(guest: String) -> u32 on Tour {
        concurrency allow;
        deadline 1h;
        step guide {
            send Hire { guest };
            compensate Dismiss { guest };
        }
        step gate -> u32 {
            await Arrived { guest: who, gate } where who == guest => gate;
        }
        step note {
            send Note { text: gate.to_string() };
            compensate none because "nobody minds";
        }
        return gate;
    }

    /// What it awaits is known after its first step.
    saga Land(leg: u32) -> String on Tour {
        concurrency allow;
        deadline 1h;
        step seat -> u32 {
            send Fly { leg };
            await Seated { seat } => seat;
            compensate Leave { seat };
        }
        step guide {
            send Hire { guest: seat.to_string() };
            compensate none because "it is paid by the hour";
        }
        step guest -> String {
            await Arrived { guest, gate } where gate == seat => guest;
        }
        return guest;
    }

    saga Strict(guest: String, gate: u32, limit: usize) -> String on Tour {
        concurrency allow;
        deadline 1h;
        step guide {
            send Hire { guest };
            compensate none because "it is paid by the hour";
        }
        step who -> String {
            await Arrived { guest: who, gate: at } where at == gate + 1 && who == guest.to_lowercase() => format!("{who}@{at}");
        }
        step other -> String {
            await Arrived { guest: who, gate: at } where at == gate if who.len() > limit => who;
        }
        return format!("{who} {other}");
    }

    /// Compares with what says nothing of its own type.
    saga Written() -> u32 on Tour {
        concurrency allow;
        deadline 1h;
        step gate -> u32 {
            await Arrived { guest, gate } where gate == 3 && guest == "ann".into() => gate;
        }
        return gate;
    }

    saga Either(guest: String) -> i64 on Tour {
        concurrency allow;
        deadline 1h;
        step guide {
            send Hire { guest };
            compensate Dismiss { guest };
        }
        step gate -> i64 {
            await {
                Arrived { gate: 0, guest: who } where who == guest => fail "no gate has that number",
                Arrived { gate, guest: who } where who == guest => i64::from(gate),
                Left { gate, guest: who } where who == guest => -i64::from(gate),
                timeout => 0,
            }
            within 10s;
        }
        return gate;
    }

    /// It overhears what a participant replies to others.
    saga Overhear(room: u32) -> u32 on Tour {
        concurrency allow;
        deadline 1h;
        step heard -> u32 {
            await Booked { room: taken } where taken == room => taken;
        }
        return heard;
    }

    saga Slow(guest: String) on Tour {
        concurrency allow;
        deadline 1h;
        step gate {
            await Arrived { guest: who, .. } where who == guest => ();
            within 10s;
        }
    }

    /// It waits for its guest, but not for ever.
    saga Linger(guest: String) on Tour {
        concurrency allow;
        deadline 1h;
        step wait {
            sleep 10s;
            await Arrived { guest: who, .. } where who == guest => ();
        }
        step note {
            send Note { text: format!("{wait:?}") };
            compensate none because "nobody minds";
        }
    }

    saga Maybe(guest: String, waits: bool) -> Option<u32> on Tour {
        concurrency allow;
        deadline 1h;
        step guide {
            send Hire { guest };
            compensate none because "it is paid by the hour";
        }
        step gate -> u32 when waits {
            await Arrived { guest: who, gate } where who == guest => gate;
        }
        return gate;
    }
}

fn meet() -> Twin<Meet> {
    Twin::start(Meet { guest: "ann".to_owned() })
}

/// One that waits for its guest.
fn waiting() -> Twin<Meet> {
    let mut saga = meet();
    saga.handled();
    assert!(saga.sent().is_empty());
    saga
}

/// Rule: steps.await.where
#[test]
fn what_is_compared_has_the_type_of_what_it_is_compared_with() {
    let mut saga = Twin::start(Written {});
    for (guest, gate) in [("ann", 2), ("bob", 3)] {
        saga.event(Event::Arrived { guest: guest.to_owned(), gate });
        assert_eq!(saga.outcome(), None);
    }
    saga.event(Event::Arrived { guest: "ann".to_owned(), gate: 3 });
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(3)));
}

/// Rule: steps.await.where
/// Rule: steps.only-awaits
#[test]
fn an_event_with_the_value_ends_the_step_and_no_other_does() {
    let mut saga = waiting();
    saga.event(arrived("ben", 1));
    saga.event(left("ann", 2));
    assert!(saga.sent().is_empty());
    saga.event(arrived("ann", 3));
    assert_eq!(saga.sent(), [note("3")]);
    saga.event(arrived("ann", 4));
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(3)));
}

/// Rule: steps.await.early
/// Rule: steps.await.first-kept
/// Rule: steps.await.before-send
#[test]
fn an_early_event_is_kept_until_the_step_begins_and_the_first_wins() {
    let mut saga = meet();
    saga.event(arrived("ben", 1));
    saga.event(arrived("ann", 2));
    saga.event(arrived("ann", 3));
    assert_eq!(saga.sent(), [hire("ann")], "the step has not begun");
    saga.handled();
    assert_eq!(saga.sent(), [note("2")]);
}

/// Rule: steps.await.armed-when-known
#[test]
fn an_arm_is_armed_when_its_value_is_known() {
    let mut saga = Twin::start(Land { leg: 1 });
    saga.event(arrived("ann", 4));
    saga.reply(seated(4));
    saga.event(arrived("ben", 5));
    saga.event(arrived("cid", 4));
    saga.event(arrived("dee", 4));
    saga.handled();
    assert_eq!(
        saga.outcome(),
        Some(&Outcome::Completed("cid".to_owned())),
        "the first came before its value was known"
    );
}

/// Rule: steps.await.armed-when-known
#[test]
fn an_event_before_its_value_is_known_is_not_kept() {
    let mut saga = Twin::start(Land { leg: 1 });
    saga.event(arrived("ann", 4));
    saga.reply(seated(4));
    saga.handled();
    assert_eq!(saga.outcome(), None);
    saga.event(arrived("ben", 4));
    assert_eq!(saga.outcome(), Some(&Outcome::Completed("ben".to_owned())));
}

/// Rule: steps.await.where
#[test]
fn several_values_must_all_be_right() {
    let mut saga = Twin::start(Strict { guest: "ANN".to_owned(), gate: 6, limit: 3 });
    saga.handled();
    for (guest, gate) in [("ann", 6), ("ANN", 7), ("ben", 7)] {
        saga.event(arrived(guest, gate));
        assert_eq!(saga.outcome(), None);
    }
    saga.event(arrived("ann", 7));
    saga.event(arrived("benny", 6));
    assert_eq!(saga.outcome(), Some(&Outcome::Completed("ann@7 benny".to_owned())));
}

/// Rule: steps.await.if-part-of-match
#[test]
fn an_early_event_that_fails_the_condition_is_not_kept() {
    let mut saga = Twin::start(Strict { guest: "ann".to_owned(), gate: 6, limit: 3 });
    for guest in ["ben", "benny", "bennet"] {
        saga.event(arrived(guest, 6));
    }
    saga.event(arrived("ann", 7));
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed("ann@7 benny".to_owned())), "the first that fulfils it");
}

/// Rule: steps.await.in-order
#[test]
fn arms_are_tried_in_order_whichever_event_comes() {
    for (event, output) in [(arrived("ann", 3), 3), (left("ann", 4), -4)] {
        let mut saga = Twin::start(Either { guest: "ann".to_owned() });
        saga.handled();
        saga.event(event);
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(output)));
    }
    let mut saga = Twin::start(Either { guest: "ann".to_owned() });
    saga.handled();
    saga.event(arrived("ann", 0));
    assert_undone(&mut saga, &[dismiss("ann")]);
    assert_eq!(saga.why(), (CauseKind::Failed, "gate".to_owned(), "no gate has that number".to_owned()));
}

/// Rule: steps.await.early
#[test]
fn an_early_event_may_fail_its_step_when_that_begins() {
    let mut saga = Twin::start(Either { guest: "ann".to_owned() });
    saga.event(arrived("ann", 0));
    assert!(!saga.is_compensating());
    saga.handled();
    assert_undone(&mut saga, &[dismiss("ann")]);
}

/// Rule: attempts.within
#[test]
fn a_wait_may_be_bounded() {
    let mut saga = Twin::start(Either { guest: "ann".to_owned() });
    saga.advance(Duration::from_secs(60));
    saga.handled();
    saga.advance(Duration::from_millis(9_999));
    assert_eq!(saga.outcome(), None, "it counts from the beginning of its step");
    saga.advance(Duration::from_millis(1));
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(0)));

    let mut saga = Twin::start(Slow { guest: "ann".to_owned() });
    saga.advance(Duration::from_secs(10));
    assert_eq!((saga.cause().kind(), saga.cause().step().to_owned()), (CauseKind::TimedOut, "gate".to_owned()));
}

/// Rule: steps.sleep
/// Rule: steps.await.where
#[test]
fn a_sleep_ends_by_itself_or_by_an_event() {
    for arrives in [true, false] {
        let mut saga = Twin::start(Linger { guest: "ann".to_owned() });
        if arrives {
            saga.event(arrived("ann", 1));
        } else {
            saga.advance(Duration::from_secs(10));
        }
        assert_eq!(saga.sent(), [note("()")]);
        saga.handled();
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
    }
}

/// Rule: steps.await.where
#[test]
fn the_reply_to_another_saga_counts_too() {
    let mut saga = Twin::start(Overhear { room: 12 });
    saga.foreign(booked(11));
    assert_eq!(saga.outcome(), None);
    saga.foreign(booked(12));
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(12)));
}

/// Rule: undoing.doubt.cancelled
#[test]
fn a_cancel_drops_a_wait() {
    let mut saga = waiting();
    saga.cancel();
    assert_undone(&mut saga, &[dismiss("ann")]);
    assert_eq!((saga.cause().kind(), saga.cause().step().to_owned()), (CauseKind::Cancelled, "gate".to_owned()));
}

/// Rule: start.deadline
#[test]
fn the_deadline_ends_a_wait() {
    let mut saga = waiting();
    saga.advance(Duration::from_secs(3600));
    assert_undone(&mut saga, &[dismiss("ann")]);
    assert_eq!(saga.cause().kind(), CauseKind::Deadline);
}

/// Rule: steps.when.may-not-run
#[test]
fn a_wait_may_not_be_wanted() {
    for (waits, output) in [(true, Some(5)), (false, None)] {
        let mut saga = Twin::start(Maybe { guest: "ann".to_owned(), waits });
        saga.event(arrived("ann", 5));
        saga.handled();
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(output)));
    }
}

/// Rule: steps.await.where
#[test]
fn an_event_moves_all_that_await_its_value_and_no_other() {
    let mut stage = Stage::new::<Meet>();
    stage.connect();
    let sagas: Vec<SagaId> = ["ann", "ben", "ann"]
        .into_iter()
        .map(|guest| {
            let saga = stage.start(Meet { guest: guest.to_owned() });
            stage.answer(saga, 0, 1, Answer::Handled(vec![]));
            saga
        })
        .collect();
    stage.tell(Input::Publish { event: arrived("ann", 3), token: 0 });
    let steps: Vec<_> = sagas.iter().map(|saga| stage.step(*saga)).collect();
    assert_eq!(steps, ["note", "gate", "note"]);
    stage.restart();
    stage.connect();
    stage.tell(Input::Publish { event: arrived("ben", 4), token: 0 });
    assert_eq!(stage.step(sagas[1]), "note");
}

/// Rule: steps.await.early
/// Rule: steps.await.where
#[test]
fn the_reply_of_one_saga_is_heard_early_by_another() {
    saga! {
        saga Booker(night: u32) on Tour {
            concurrency allow;
            deadline 1h;
            step room -> u32 {
                send Book { night };
                await Booked { room } => room;
                compensate Unbook { room };
            }
        }

        saga Listener(room: u32) -> u32 on Tour {
            concurrency allow;
            deadline 1h;
            step guide {
                send Hire { guest: room.to_string() };
                compensate none because "it is paid by the hour";
            }
            step heard -> u32 {
                await Booked { room: taken } where taken == room => taken;
            }
            return heard;
        }
    }
    let mut stage = Stage::new::<Booker>().with::<Listener>();
    stage.connect();
    let listener = stage.start(Listener { room: 12 });
    let booker = stage.start(Booker { night: 3 });
    stage.answer(booker, 0, 1, Answer::Handled(vec![booked(12)]));
    stage.answer(listener, 0, 1, Answer::Handled(vec![]));
    assert_eq!(stage.ends().last(), Some(&(listener, Outcome::Completed("12".to_owned()))));
}

/// Rule: steps.await.own-reply
#[test]
fn without_where_an_event_of_nobody_or_of_another_saga_does_not_count() {
    let mut saga = Twin::start(Land { leg: 1 });
    saga.event(Event::Seated { seat: 4 });
    saga.foreign(Event::Seated { seat: 4 });
    assert_eq!(saga.sent(), [Command::Fly { leg: 1 }]);
}
