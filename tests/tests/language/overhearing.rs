//! `where` beside a command, over items and in a `parallel`; what is heard once, and what is dropped.

use std::time::Duration;

use saga_runtime::machine::{Change, Decision, Happened, Input};
use saga_runtime::message::{Answer, SagaId};
use saga_runtime::prelude::*;

use super::stage::Stage;
use super::tour::*;
use super::tour::{Command, Event};
use crate::twin::Twin;

saga! {
    /// The guide is hired, and has come when somebody has seen it.
    saga Fetch(guest: String) -> u32 on Tour {
        concurrency allow;
        deadline 1h;
        step room -> u32 {
            send Book { night: 3 };
            await Booked { room } => room;
            compensate Unbook { room };
        }
        step guide -> u32 {
            send Hire { guest };
            await Arrived { guest: who, gate } where who == guest => gate;
            within 10m;
            compensate Dismiss { guest };
        }
        step seat -> u32 {
            send Fly { leg: guide };
            await Seated { seat } => seat;
            compensate Leave { seat };
        }
        return guide;
    }

    saga Party(guests: Vec<String>) -> Vec<u32> on Tour {
        concurrency allow;
        deadline 1h;
        step gates -> u32 for guest in guests {
            await Arrived { guest: who, gate } where who == guest => gate;
        }
        return gates;
    }

    saga Pair(left: String, right: String) -> (u32, u32) on Tour {
        concurrency allow;
        deadline 1h;
        parallel {
            step first -> u32 { await Arrived { guest, gate } where guest == left => gate; }
            step second -> u32 { await Arrived { guest, gate } where guest == right => gate; }
        }
        step third { await Left { gate, .. } where gate == first + second => (); }
        return (first, second);
    }

    saga Odd(guests: Vec<String>) -> u32 on Tour {
        concurrency allow;
        deadline 1h;
        step room -> u32 {
            send Book { night: 3 };
            await Booked { room } => room;
            compensate Unbook { room };
        }
        step gate -> u32 {
            await Arrived { guest, gate } where guest == guests[0].clone() => gate;
        }
        return gate;
    }

    saga Patient(guest: String) -> u32 on Tour {
        concurrency queue;
        deadline 1h;
        step guide {
            send Hire { guest };
            compensate none because "it is paid by the hour";
        }
        step gate -> u32 {
            await Arrived { guest: who, gate } where who == guest => gate;
        }
        return gate;
    }

    saga Lodge(night: u32) -> u32 on Tour {
        concurrency allow;
        deadline 1h;
        step room -> u32 {
            send Book { night };
            await Booked { room } => room;
            compensate Unbook { room };
        }
        step note {
            send Note { text: room.to_string() };
            compensate none because "nobody minds";
        }
        return room;
    }

    saga Spy(room: u32) -> u32 on Tour {
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

fn fetch() -> Twin<Fetch> {
    let mut saga = Twin::start(Fetch { guest: "ann".to_owned() });
    saga.reply(booked(12));
    assert_eq!(saga.sent(), [hire("ann")]);
    saga
}

#[test]
fn a_command_that_was_handled_waits_for_the_event_of_somebody() {
    let mut saga = fetch();
    saga.handled();
    assert_eq!((saga.sent(), saga.asked(), saga.outcome()), (vec![], vec![], None));
    saga.event(arrived("ann", 7));
    assert_eq!(saga.sent(), [fly(7)]);
    saga.refuse(Refusal::Full);
    assert_undone(&mut saga, &[dismiss("ann"), unbook(12)]);
}

#[test]
fn what_was_handled_is_undone_without_being_asked() {
    let mut saga = fetch();
    saga.handled();
    saga.cancel();
    assert_eq!(saga.asked(), []);
    assert_undone(&mut saga, &[dismiss("ann"), unbook(12)]);

    let mut saga = fetch();
    saga.handled();
    saga.advance(Duration::from_secs(600));
    assert_undone(&mut saga, &[dismiss("ann"), unbook(12)]);
    assert_eq!(saga.cause().kind(), CauseKind::TimedOut);
}

#[test]
fn an_early_event_ends_its_step_and_the_command_is_not_sent() {
    let mut saga = Twin::start(Fetch { guest: "ann".to_owned() });
    saga.event(arrived("ann", 7));
    saga.reply(booked(12));
    assert_eq!((saga.sent(), saga.asked()), (vec![fly(7)], vec![]));
    saga.refuse(Refusal::Full);
    assert_undone(&mut saga, &[unbook(12)]);
}

#[test]
fn an_early_event_of_a_saga_that_fails_before_is_dropped() {
    let mut saga = Twin::start(Fetch { guest: "ann".to_owned() });
    saga.event(arrived("ann", 7));
    saga.refuse(Refusal::Full);
    assert_undone(&mut saga, &[]);
}

#[test]
fn each_item_awaits_its_own_also_before_its_turn() {
    let guests = ["ann", "ben", "cid"].map(str::to_owned).to_vec();
    let mut saga = Twin::start(Party { guests });
    for (guest, gate) in [("cid", 3), ("cid", 4), ("ann", 1), ("ben", 2)] {
        assert_eq!(saga.outcome(), None);
        saga.event(arrived(guest, gate));
    }
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(vec![1, 2, 3])));
}

#[test]
fn one_event_ends_all_exchanges_that_await_it() {
    let mut saga = Twin::start(Party { guests: vec!["ann".to_owned(); 3] });
    saga.event(arrived("ann", 1));
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(vec![1, 1, 1])));
}

#[test]
fn siblings_await_side_by_side_and_what_they_give_is_awaited_next() {
    let mut saga = Twin::start(Pair { left: "ann".to_owned(), right: "ben".to_owned() });
    saga.event(arrived("ben", 4));
    saga.event(left("x", 7));
    saga.event(arrived("ann", 3));
    assert_eq!(saga.outcome(), None);
    saga.event(left("x", 7));
    assert_eq!(saga.outcome(), Some(&Outcome::Completed((3, 4))));
}

#[test]
fn a_value_that_cannot_be_told_makes_the_saga_stuck_when_its_step_begins() {
    let mut saga = Twin::start(Odd { guests: vec![] });
    saga.event(arrived("ann", 3));
    assert!(!saga.is_stuck());
    saga.reply(booked(12));
    assert!(saga.is_stuck());
    saga.operator(Operator::Retry);
    assert!(saga.is_stuck());
    saga.cancel();
    assert_undone(&mut saga, &[unbook(12)]);
}

#[test]
fn a_saga_that_waits_for_its_turn_hears_already() {
    let mut stage = Stage::new::<Patient>();
    stage.connect();
    let (first, second) =
        (stage.start(Patient { guest: "ann".to_owned() }), stage.start(Patient { guest: "ben".to_owned() }));
    stage.tell(Input::Publish { event: arrived("ben", 2), token: 0 });
    stage.restart();
    stage.connect();
    stage.answer(first, 0, 1, Answer::Handled(vec![]));
    stage.tell(Input::Publish { event: arrived("ann", 1), token: 0 });
    stage.answer(second, 0, 1, Answer::Handled(vec![]));
    let ends = [(first, Outcome::Completed("1".to_owned())), (second, Outcome::Completed("2".to_owned()))];
    assert_eq!(stage.ends(), ends);
}

fn heard<B: Bus>(stage: &Stage<B>, by: SagaId) -> usize {
    let records = stage.decisions.iter().filter_map(|decision| match decision {
        Decision::Record(record) if record.saga == by => Some(record),
        _ => None,
    });
    records.filter(|record| matches!(record.happened, Happened::Seen { .. })).count()
}

#[test]
fn an_answer_that_comes_again_is_heard_once() {
    let mut stage = Stage::new::<Lodge>().with::<Spy>();
    stage.connect();
    let spy = stage.start(Spy { room: 12 });
    let lodge = stage.start(Lodge { night: 3 });
    for _ in 0..3 {
        stage.answer(lodge, 0, 1, Answer::Handled(vec![booked(12)]));
    }
    assert_eq!(heard(&stage, spy), 1);
    stage.restart();
    stage.connect();
    stage.answer(lodge, 0, 1, Answer::Handled(vec![booked(12)]));
    stage.tell(Input::Publish { event: booked(12), token: 0 });
    assert_eq!(heard(&stage, spy), 1, "the first is kept, and no other");
    stage.answer(spy, 0, 1, Answer::Handled(vec![]));
    assert_eq!(stage.ends().last(), Some(&(spy, Outcome::Completed("12".to_owned()))));
}

#[test]
fn nothing_is_recorded_of_an_event_that_concerns_nobody() {
    let mut stage = Stage::new::<Spy>();
    stage.connect();
    stage.start(Spy { room: 12 });
    let before = stage.decisions.len();
    stage.tell(Input::Publish { event: booked(13), token: 7 });
    assert!(matches!(stage.decisions[before..], [Decision::Published { token: 7 }]));
}

#[test]
fn what_is_kept_is_told_in_the_record() {
    let mut stage = Stage::new::<Spy>();
    stage.connect();
    let spy = stage.start(Spy { room: 12 });
    stage.tell(Input::Publish { event: booked(12), token: 7 });
    let kept = stage.decisions.iter().any(|decision| match decision {
        Decision::Record(record) => {
            let event = Event::Booked { room: 12 };
            let seen = matches!(&record.happened, Happened::Seen { event: heard, .. } if *heard == event);
            record.saga == spy && seen && matches!(record.then[..], [Change::Kept { .. }])
        }
        _ => false,
    });
    assert!(kept);
}

fn answers(command: &Command) -> Vec<Event> {
    match command {
        Command::Book { .. } => vec![booked(12)],
        Command::Fly { .. } => vec![seated(4)],
        _ => vec![],
    }
}

saga! {
    /// Explored: it may go on without its room.
    saga Hasty(night: u32) -> Option<u32> on Tour {
        concurrency allow;
        deadline 1m;
        step guide {
            send Hire { guest: "ann".to_owned() };
            compensate Forget { guest: "ann".to_owned() };
        }
        step room -> Option<u32> {
            send Book { night };
            await {
                Booked { room } => Some(room),
                timeout => None,
            }
            within 5s;
            compensate Unbook { room: room.unwrap_or(99) };
        }
        step seat -> u32 {
            send Fly { leg: night };
            await Seated { seat } => seat;
            compensate Leave { seat };
        }
        return room;
    }
}

#[test]
fn on_all_paths_what_is_left_behind_is_settled_and_undone() {
    let explored = explore::<Hasty>(Hasty { night: 3 }, answers);
    assert!(explored.count(Fault::Unknown) > 0, "{:?}", explored.faults());
    assert!(explored.stuck().keys().any(|reason| reason.contains("Book")), "{:?}", explored.stuck());
}
