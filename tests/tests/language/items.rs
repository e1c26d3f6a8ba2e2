//! `for`: an exchange an item, one after another or several at once.

use std::cell::Cell;
use std::time::Duration;

use saga_runtime::prelude::*;

use super::tour::*;
use super::tour::{Command, Event};
use crate::twin::Twin;

saga! {
    saga OneByOne(nights: Vec<u32>) -> Vec<u32> on Tour {
        concurrency allow;
        deadline 1m;
        step rooms -> u32 for night in nights {
            send Book { night };
            await Booked { room } => room;
            within 10s;
            retry 1 times every 100ms;
            compensate Free { room: rooms + night };
        }
        step guide {
            send Hire { guest: format!("{rooms:?}") };
            compensate none because "it is paid by the hour";
        }
        return rooms;
    }

    saga TwoAtOnce(nights: Vec<u32>) -> Vec<u32> on Tour {
        concurrency allow;
        deadline 1m;
        step rooms -> u32 for night in nights, 2 at once {
            send Book { night };
            await Booked { room } => room;
            within 10s;
            retry 1 times every 100ms;
            compensate Unbook { room: rooms };
        }
        step guide {
            send Hire { guest: "ann".to_owned() };
            compensate none because "it is paid by the hour";
        }
        return rooms;
    }

    saga AllAtOnce(nights: Vec<u32>) -> Vec<u32> on Tour {
        concurrency allow;
        deadline 1m;
        step rooms -> u32 for night in nights, all at once {
            send Book { night };
            await {
                Booked { room } if room == 0 => fail format!("night {night} has no room"),
                Booked { room } => room,
            }
            compensate Unbook { room: rooms };
        }
        step guide {
            send Hire { guest: "ann".to_owned() };
            compensate none because "it is paid by the hour";
        }
        return rooms;
    }

    /// Its items are taken apart by a pattern; its outputs are units.
    saga Pairs(pairs: Vec<(u32, String)>, sign: String) -> usize on Tour {
        concurrency allow;
        deadline 1m;
        step guides for (night, guest) in pairs.into_iter().rev() {
            send Hire { guest: format!("{guest}{sign}{night}") };
            compensate Dismiss { guest };
        }
        step note {
            send Note { text: sign };
            compensate none because "nobody minds";
        }
        return guides.len();
    }

    saga Nested(nights: Vec<u32>) -> Vec<Option<Option<u32>>> on Tour {
        concurrency allow;
        deadline 1m;
        step rooms -> Option<Option<u32>> for night in nights {
            send Book { night };
            await {
                Booked { room: 0 } => Some(None),
                Booked { room } => Some(Some(room)),
                refused _ => None,
            }
            compensate none because "nobody minds";
        }
        return rooms;
    }

    saga Perhaps(nights: Vec<u32>, wanted: bool) -> Option<Vec<u32>> on Tour {
        concurrency allow;
        deadline 1m;
        step rooms -> u32 for night in counted(nights), all at once when wanted {
            send Book { night };
            await Booked { room } => room;
            compensate Unbook { room: rooms };
        }
        step guide {
            send Hire { guest: "ann".to_owned() };
            compensate none because "it is paid by the hour";
        }
        return rooms;
    }

    saga Looks(nights: Vec<u32>) -> usize on Tour {
        concurrency allow;
        deadline 1m;
        step free -> Vec<u32> for night in nights, all at once {
            query RoomsOf { night };
            await Rooms { free } => free;
        }
        return free.concat().len();
    }

    /// Its collections lend what they give from values of the saga.
    saga Lent(nights: Vec<u32>, guests: String) -> Vec<u32> on Tour {
        concurrency allow;
        deadline 1m;
        require !guests.is_empty() else guests.as_str();
        step rooms -> u32 for night in nights.iter().copied().filter(|night| *night > 0), all at once {
            send Book { night };
            await Booked { room } => room;
            compensate Free { room: rooms + night };
        }
        step guides for guest in guests.lines().map(str::to_uppercase) {
            send Hire { guest };
            await { handled => (), refused _ => fail guests.trim() }
            compensate Dismiss { guest };
        }
        finally step notes for letter in rooms.iter().flatten().map(u32::to_string) {
            send Note { text: letter };
        }
        return rooms;
    }
}

thread_local! {
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

/// Counts how often it is asked for the collection.
fn counted(nights: Vec<u32>) -> Vec<u32> {
    ASKED.set(ASKED.get() + 1);
    nights
}

fn free(room: u32) -> Command {
    Command::Free { room }
}

/// Rule: steps.for.one-after-another
/// Rule: steps.for.output
#[test]
fn items_are_done_one_after_another_and_the_output_is_in_their_order() {
    let mut saga = Twin::start(OneByOne { nights: vec![5, 3, 5] });
    for (night, room) in [(5, 50), (3, 30), (5, 51)] {
        assert_eq!(saga.sent(), [book(night)]);
        saga.reply(booked(room));
    }
    assert_eq!(saga.sent(), [hire("[50, 30, 51]")]);
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(vec![50, 30, 51])));
}

/// Rule: steps.for.at-once
/// Rule: steps.for.output
#[test]
fn no_more_than_it_says_are_out_at_once() {
    let mut saga = Twin::start(TwoAtOnce { nights: vec![1, 2, 3, 4] });
    assert_eq!(saga.sent(), [book(1), book(2)]);
    saga.reply_to(&book(2), booked(20));
    assert_eq!(saga.sent(), [book(1), book(3)]);
    saga.reply_to(&book(3), booked(30));
    assert_eq!(saga.sent(), [book(1), book(4)]);
    saga.reply_to(&book(4), booked(40));
    assert_eq!(saga.sent(), [book(1)]);
    saga.reply(booked(10));
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(vec![10, 20, 30, 40])));
}

/// Rule: steps.for.at-once
#[test]
fn fewer_items_than_may_be_out_are_all_out() {
    let mut saga = Twin::start(TwoAtOnce { nights: vec![1] });
    assert_eq!(saga.sent(), [book(1)]);
    saga.reply(booked(10));
    assert_eq!(saga.sent(), [hire("ann")]);
}

/// Rule: steps.for.all-at-once
#[test]
fn all_at_once_are_all_out() {
    let mut saga = Twin::start(AllAtOnce { nights: (1..=9).collect() });
    assert_eq!(saga.sent(), (1..=9).map(book).collect::<Vec<_>>());
    (1..=9).rev().for_each(|night| saga.reply_to(&book(night), booked(night * 10)));
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed((1..=9).map(|night| night * 10).collect())));
}

/// Rule: steps.for.empty
#[test]
fn no_items_are_no_exchange() {
    let mut saga = Twin::start(OneByOne { nights: vec![] });
    assert_eq!(saga.sent(), [hire("[]")]);
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(vec![])));

    let saga = Twin::start(Looks { nights: vec![] });
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(0)));
}

/// Rule: undoing.compensate.own-value
/// Rule: undoing.compensate.reverse-order
#[test]
fn each_item_is_undone_with_its_own_value_and_binding() {
    let mut saga = Twin::start(OneByOne { nights: vec![1, 2] });
    saga.reply(booked(10));
    saga.reply(booked(20));
    saga.refuse(Refusal::Full);
    assert_eq!((saga.sent(), saga.modes()), (vec![free(22)], vec![Mode::Compensation]));
    saga.reply(Event::Freed { room: 22 });
    assert_eq!(saga.sent(), [free(11)]);
    saga.reply(Event::Kept { room: 11 });
    assert_eq!(saga.why(), (CauseKind::Refused, "guide".to_owned(), "full".to_owned()));
}

/// Rule: undoing.compensate.reverse-order
#[test]
fn items_are_undone_in_the_reverse_of_the_order_in_which_they_completed() {
    let mut saga = Twin::start(AllAtOnce { nights: vec![1, 2, 3] });
    for night in [2, 3, 1] {
        saga.reply_to(&book(night), booked(night * 10));
    }
    saga.refuse(Refusal::Full);
    assert_undone(&mut saga, &[unbook(10), unbook(30), unbook(20)]);
}

/// Rule: steps.for.fails
#[test]
fn when_an_item_fails_no_further_one_starts() {
    let mut saga = Twin::start(OneByOne { nights: vec![1, 2, 3] });
    saga.reply(booked(10));
    saga.refuse(Refusal::Full);
    assert_eq!(saga.sent(), [free(11)]);
    saga.reply(Event::Freed { room: 11 });
    assert_eq!(saga.why(), (CauseKind::Refused, "rooms".to_owned(), "full".to_owned()));
}

/// Rule: steps.for.fails
/// Rule: steps.parallel.fails-at-once
#[test]
fn an_item_that_fails_leaves_those_in_flight_in_doubt() {
    let mut saga = Twin::start(TwoAtOnce { nights: vec![1, 2, 3, 4] });
    saga.reply(booked(10));
    assert_eq!(saga.sent(), [book(2), book(3)]);
    saga.refuse(Refusal::Full);
    assert_eq!((saga.sent(), saga.asked()), (vec![], vec![book(3)]), "the fourth never starts");
    saga.settle(Fate::Done(vec![booked(30)]));
    assert_undone(&mut saga, &[unbook(30), unbook(10)]);
    assert_eq!(saga.cause().step(), "rooms");
}

/// Rule: steps.for.fails
#[test]
fn an_item_that_fails_by_its_event_is_not_undone() {
    let mut saga = Twin::start(AllAtOnce { nights: vec![1, 2] });
    saga.reply_to(&book(2), booked(0));
    assert_eq!(saga.asked(), [book(1)]);
    saga.settle(Fate::Done(vec![booked(0)]));
    assert_eq!(saga.why(), (CauseKind::Failed, "rooms".to_owned(), "night 2 has no room".to_owned()));
}

/// Rule: undoing.doubt.cancelled
/// Rule: undoing.doubt.asked-at-once
#[test]
fn items_that_are_out_when_it_is_cancelled_are_settled_each() {
    let mut saga = Twin::start(AllAtOnce { nights: vec![1, 2, 3] });
    saga.reply_to(&book(2), booked(20));
    saga.cancel();
    assert_eq!(saga.asked(), [book(1), book(3)]);
    saga.settle(Fate::Never);
    saga.settle(Fate::Done(vec![booked(30)]));
    assert_undone(&mut saga, &[unbook(30), unbook(20)]);
}

/// Rule: steps.for.one-after-another
#[test]
fn a_cancel_between_two_items_undoes_those_that_are_done() {
    let mut saga = Twin::start(OneByOne { nights: vec![1, 2, 3] });
    saga.reply(booked(10));
    saga.cancel();
    assert_eq!(saga.asked(), [book(2)]);
    saga.settle(Fate::Never);
    assert_eq!(saga.sent(), [free(11)]);
}

/// Rule: attempts.retry
#[test]
fn each_item_has_its_own_attempts() {
    let mut saga = Twin::start(TwoAtOnce { nights: vec![1, 2, 3] });
    saga.advance(Duration::from_millis(10_100));
    assert_eq!(saga.sent(), [book(1), book(2)], "both timed out once");
    saga.reply(booked(10));
    assert_eq!(saga.sent(), [book(2), book(3)]);
    saga.reply(booked(20));
    saga.advance(Duration::from_millis(10_100));
    assert_eq!(saga.sent(), [book(3)], "the third has as many");
    saga.reply(booked(30));
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(vec![10, 20, 30])));
    assert_eq!(saga.attempts("rooms", Mode::Forward), [1, 1, 2, 2, 1, 2]);
}

/// Rule: steps.for.pattern
/// Rule: values.unit
#[test]
fn a_pattern_takes_items_apart_and_units_are_counted() {
    let pairs = vec![(1, "ann".to_owned()), (2, "ben".to_owned())];
    let mut saga = Twin::start(Pairs { pairs, sign: "/".to_owned() });
    assert_eq!(saga.sent(), [hire("ben/2")]);
    saga.handled();
    assert_eq!(saga.sent(), [hire("ann/1")]);
    saga.handled();
    assert_eq!(saga.sent(), [note("/")]);
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(2)));
}

/// Rule: names.compensate
#[test]
fn a_compensation_sees_what_the_pattern_bound() {
    let pairs = vec![(1, "ann".to_owned()), (2, "ben".to_owned())];
    let mut saga = Twin::start(Pairs { pairs, sign: "/".to_owned() });
    saga.handled();
    saga.handled();
    saga.refuse(Refusal::Full);
    assert_undone(&mut saga, &[dismiss("ann"), dismiss("ben")]);
}

/// Rule: values.exactly
#[test]
fn outputs_that_look_alike_in_json_survive_a_restart() {
    let mut saga = Twin::start(Nested { nights: vec![1, 2, 3] });
    saga.reply(booked(0));
    saga.refuse(Refusal::Full);
    saga.reply(booked(30));
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(vec![Some(None), None, Some(Some(30))])));
}

/// Rule: steps.for.evaluated-once
#[test]
fn the_collection_is_evaluated_once() {
    ASKED.set(0);
    let mut saga = SagaTest::start(Perhaps { nights: vec![1, 2], wanted: true });
    saga.restart();
    saga.reply(booked(10));
    saga.restart();
    saga.reply(booked(20));
    saga.restart();
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(Some(vec![10, 20]))));
    assert_eq!(ASKED.get(), 1);
}

/// Rule: steps.for.when
#[test]
fn a_condition_is_asked_before_the_collection() {
    ASKED.set(0);
    let mut saga = SagaTest::start(Perhaps { nights: vec![1, 2], wanted: false });
    assert_eq!((saga.sent(), ASKED.get()), (vec![hire("ann")], 0));
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(None)));
}

/// Rule: steps.for.when
#[test]
fn no_items_differ_from_a_step_that_did_not_run() {
    for (wanted, output) in [(true, Some(vec![])), (false, None)] {
        let mut saga = Twin::start(Perhaps { nights: vec![], wanted });
        saga.handled();
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(output)));
    }
}

/// Rule: steps.for.when
/// Rule: undoing.compensate.own-value
#[test]
fn items_of_a_conditional_step_are_undone_each_with_its_own_value() {
    let mut saga = Twin::start(Perhaps { nights: vec![1, 2], wanted: true });
    saga.reply(booked(10));
    saga.reply(booked(20));
    saga.refuse(Refusal::Full);
    assert_undone(&mut saga, &[unbook(20), unbook(10)]);
}

/// Rule: undoing.doubt.query
#[test]
fn items_that_only_ask_are_dropped() {
    let mut saga = Twin::start(Looks { nights: vec![1, 2, 3] });
    saga.reply(Event::Rooms { free: vec![1, 2] });
    saga.refuse(Refusal::Closed);
    assert_eq!(saga.asked(), []);
    assert_eq!(saga.cause().step(), "free");

    let mut saga = Twin::start(Looks { nights: vec![1, 2] });
    saga.reply(Event::Rooms { free: vec![1, 2] });
    saga.reply(Event::Rooms { free: vec![5] });
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(3)));
}

fn lent() -> Twin<Lent> {
    let mut saga = Twin::start(Lent { nights: vec![1, 0, 2], guests: "ann\nbob".to_owned() });
    assert_eq!(saga.sent(), [book(1), book(2)]);
    saga.reply(booked(10));
    saga.reply(booked(20));
    assert_eq!(saga.sent(), [hire("ANN")]);
    saga
}

fn assert_noted(saga: &mut Twin<Lent>) {
    for room in ["10", "20"] {
        assert_eq!(saga.sent(), [Command::Note { text: room.to_owned() }]);
        saga.handled();
    }
}

/// Rule: steps.for.evaluated-once
/// Rule: names.owned
#[test]
fn a_collection_may_lend_what_it_gives_from_a_name() {
    let mut saga = lent();
    saga.handled();
    assert_eq!(saga.sent(), [hire("BOB")]);
    saga.handled();
    assert_noted(&mut saga);
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(vec![10, 20])));
}

/// Rule: names.owned
#[test]
fn a_reason_may_be_lent_from_a_name() {
    let mut saga = lent();
    saga.refuse(Refusal::Full);
    for room in [free(22), free(11)] {
        assert_eq!(saga.sent(), [room]);
        saga.reply(Event::Freed { room: 0 });
    }
    assert_noted(&mut saga);
    assert_eq!(saga.cause().message(), "ann\nbob");
}
