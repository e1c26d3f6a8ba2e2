//! `SagaTest` itself: what it lists, and what it makes of answers that make no sense.

use std::time::Duration;

use saga_runtime::prelude::*;

use super::bus::*;

fn started() -> SagaTest<Trip> {
    SagaTest::start(trip())
}

/// Rule: testing.answering-nothing
#[test]
#[should_panic(expected = "sent")]
fn a_reply_to_what_was_never_sent_is_said() {
    started().reply_to(&BOOK, booked());
}

/// Rule: testing.answering-nothing
#[test]
#[should_panic(expected = "sent")]
fn a_refusal_of_what_was_never_sent_is_said() {
    started().refuse_to(&REFUND, Refusal::Closed);
}

/// Rule: testing.answering-nothing
#[test]
#[should_panic(expected = "unanswered")]
fn an_answer_when_nothing_is_out_is_said() {
    let mut saga = started();
    saga.refuse(Refusal::Closed);
    assert!(saga.outcome().is_some());
    saga.handled();
}

/// Rule: testing.answering-nothing
#[test]
#[should_panic(expected = "asked")]
fn settling_when_nothing_is_asked_is_said() {
    started().settle(Fate::Never);
}

/// Rule: testing.duplicates
#[test]
fn a_second_answer_is_a_duplicate() {
    let mut saga = started();
    saga.reply(charged());
    saga.reply_to(&CHARGE, charged());
    saga.handled_to(&CHARGE);
    saga.refuse_attempt(&CHARGE, 1, Refusal::Closed);
    assert_eq!(saga.sent(), [BOOK]);
    let late = |notice: &Notice| matches!(notice, Notice::AnswerLate { .. });
    assert_eq!(saga.notices().iter().filter(|notice| late(notice)).count(), 3);
}

/// Rule: testing.sent
#[test]
fn what_is_out_is_listed_once_through_all_its_attempts() {
    let mut saga = started();
    saga.reply(charged());
    for _ in 0..3 {
        assert_eq!((saga.sent(), saga.modes()), (vec![BOOK], vec![Mode::Forward]));
        saga.advance(Duration::from_secs(5));
    }
    saga.cancel();
    assert_eq!((saga.sent(), saga.modes(), saga.asked()), (vec![], vec![], vec![BOOK]));
}
