//! Broken contracts and panics in an author's expressions: that saga is stuck, with a reason, and open to an operator.

use std::collections::BTreeMap;
use std::time::Duration;

use saga_runtime::prelude::*;

use super::bus::*;
use super::stage::Stage;
use crate::twin::Twin;

/// Panics if the test wants that here.
fn at<T>(here: &str, wanted: &str, value: T) -> T {
    assert!(here != wanted, "panicked at {here}");
    value
}

saga! {
    /// Panics in the expression that it is told.
    saga Fragile(place: String) -> u64 on Travel {
        concurrency allow;
        deadline { at("deadline", &place, Duration::from_secs(60)) };
        step charge -> u64 {
            send Charge { cents: at("command", &place, 500) };
            await {
                Charged { receipt } if at("guard", &place, receipt == 0) => 0,
                Charged { receipt } => at("value", &place, receipt),
                refused reason => fail at("reason", &place, reason),
            }
            within { at("within", &place, Duration::from_secs(10)) };
            retry 1 times every { at("retry", &place, Duration::from_secs(1)) };
            compensate Refund { receipt: at("compensation", &place, charge) };
        }
        step fly {
            send Fly;
            compensate none because "nobody minds";
        }
        return at("return", &place, charge);
    }
}

saga! {
    /// Its output has no form in JSON.
    saga Boundless(start: u32) -> f64 on Travel {
        concurrency allow;
        deadline 1m;
        step charge {
            send Charge { cents: 1 };
            compensate none because "it is one cent";
        }
        return f64::from(start) / 0.0;
    }

    /// Its input has none.
    saga Paired(pairs: Pairs) on Travel {
        concurrency allow;
        deadline 1m;
        step fly {
            send Fly;
            compensate none because "nobody minds";
        }
        require pairs.is_empty() else "there are pairs";
    }
}

const REMEDY: &str = "JSON has finite numbers, and maps whose keys are texts or numbers: say an option, a text or a list of pairs instead";

#[test]
fn an_output_that_json_cannot_hold_is_told_with_the_remedy() {
    let mut saga = SagaTest::start(Boundless { start: 1 });
    saga.reply(charged());
    let stuck = saga.notices().into_iter().find_map(|notice| match notice {
        Notice::SagaStuck { reason, .. } => Some(reason),
        _ => None,
    });
    let reason = stuck.expect("nothing can be returned");
    assert!(reason.starts_with("its output cannot be kept: a `f64` cannot be written as JSON: "), "{reason}");
    assert!(reason.ends_with(REMEDY), "{reason}");
}

#[test]
fn a_start_that_json_cannot_hold_is_refused_with_the_remedy() {
    let mut stage = Stage::new::<Paired>();
    let error = stage.try_start(Paired { pairs: Pairs::from([((1, 2), 3)]) }).expect_err("it cannot be recorded");
    assert!(error.starts_with("the input of `paired` cannot be written as JSON: "), "{error}");
    assert!(error.ends_with(REMEDY), "{error}");
    assert!(stage.try_start(Paired { pairs: Pairs::new() }).is_ok());
}

type Pairs = BTreeMap<(u64, u64), u64>;

saga! {
    /// Gives what no log can keep: from a step, from the items of another, from one that may not run, on the way out.
    saga Unkept(place: String) on Travel {
        concurrency allow;
        deadline 1m;
        step charge -> f64 {
            send Charge { cents: 500 };
            await {
                Charged { receipt } => if place == "step" { receipt as f64 / 0.0 } else { receipt as f64 },
                refused _ => f64::NAN,
            }
            compensate Refund { receipt: charge as u64 };
        }
        step rooms -> Pairs for night in [1_u64, 2] {
            send Book { night: night as u32 };
            await Booked { .. } => Pairs::from_iter((place == "item" && night == 2).then_some(((night, night), 0)));
            compensate none because "nobody minds";
        }
        step fly -> Pairs when place != "skipped" {
            send Fly;
            await handled => Pairs::from_iter((place == "conditional").then_some(((1, 2), 3)));
            compensate none because "nobody minds";
        }
        step last { send Fly; compensate none because "nobody minds"; }
    }
}

fn fragile(place: &str) -> Twin<Fragile> {
    Twin::start(Fragile { place: place.to_owned() })
}

/// A saga that has panicked there.
fn panicked(place: &str) -> Twin<Fragile> {
    let mut saga = fragile(place);
    match place {
        "guard" | "value" => saga.reply(charged()),
        "reason" => saga.refuse(Refusal::NoFunds { missing: 3 }),
        "compensation" => {
            saga.reply(charged());
            saga.refuse(Refusal::Full);
        }
        "return" => {
            saga.reply(charged());
            saga.handled();
        }
        _ => {}
    }
    saga
}

const PLACES: [&str; 9] =
    ["deadline", "command", "within", "retry", "guard", "value", "reason", "compensation", "return"];

#[test]
fn without_a_panic_it_completes() {
    let mut saga = fragile("");
    saga.reply(charged());
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(7)));
}

/// Rule: names.panic
#[test]
fn a_panic_anywhere_makes_the_saga_stuck_with_its_message_as_reason() {
    for place in PLACES {
        let saga = panicked(place);
        assert!(saga.is_stuck(), "{place}");
        assert_eq!(saga.outcome(), None, "{place}");
        let reason = saga.reason();
        assert!(reason.contains(&format!("panicked at {place}")), "{reason}");
    }
}

/// Rule: names.panic
#[test]
fn a_saga_that_panicked_stays_stuck_when_it_panics_again() {
    for place in PLACES {
        let mut saga = panicked(place);
        assert!(saga.operator(Operator::Retry), "{place}");
        match place {
            "guard" | "value" => saga.reply(charged()),
            "reason" => saga.refuse(Refusal::NoFunds { missing: 3 }),
            _ => {}
        }
        assert!(saga.is_stuck(), "{place}");
    }
}

/// Rule: undoing.operator.end
#[test]
fn an_operator_can_end_a_saga_that_panicked() {
    for place in PLACES {
        let mut saga = panicked(place);
        assert!(saga.operator(Operator::End), "{place}");
        assert!(saga.was_ended(), "{place}");
    }
}

/// Rule: undoing.operator.skip
/// Rule: undoing.operator.skip-refused
#[test]
fn only_a_compensation_that_panicked_can_be_skipped() {
    for place in PLACES {
        let mut saga = panicked(place);
        assert_eq!(saga.operator(Operator::Skip), place == "compensation", "{place}");
        assert_eq!(saga.is_stuck(), place != "compensation", "{place}");
    }
}

#[test]
fn a_saga_that_panicked_does_not_go_on_by_itself() {
    let mut saga = panicked("value");
    saga.advance(Duration::from_secs(3600));
    assert!(saga.is_stuck() && !saga.is_compensating(), "not even past its deadline");
}

/// Rule: attempts.owes-a-reply
#[test]
fn a_command_that_is_handled_without_its_reply_breaks_its_contract() {
    let mut saga = Twin::start(trip());
    saga.handled();
    assert!(saga.is_stuck());
    let reason = saga.reason();
    assert!(reason.contains("Charged"), "it names what is missing: {reason}");
}

/// Rule: attempts.owes-a-reply
#[test]
fn so_does_one_that_is_handled_with_another_reply() {
    let mut saga = Twin::start(trip());
    saga.reply(booked());
    assert!(saga.is_stuck());
    assert!(matches!(saga.state(), TripState::Charge { charge, .. } if !charge.is_full()));
}

saga! {
    saga Careless(night: u32) -> String on Travel {
        concurrency allow;
        deadline 1m;
        step book -> String {
            send Book { night };
            await Booked { room } => room;
            compensate none because "nobody minds";
        }
        step fly {
            send Fly;
            await handled => ();
            compensate none because "nobody minds";
        }
        step charge {
            send Charge { cents: 500 };
            await handled => ();
            compensate none because "nobody minds";
        }
        return book;
    }
}

/// Rule: attempts.owes-a-reply
#[test]
fn a_command_that_declares_replies_owes_one_whatever_the_step_awaits() {
    let mut saga = Twin::start(Careless { night: 3 });
    saga.reply(booked());
    saga.handled();
    saga.handled();
    assert!(saga.is_stuck());
    saga.operator(Operator::Retry);
    saga.reply(charged());
    assert_eq!(saga.outcome(), Some(&Outcome::Completed("12".to_owned())));
}

#[test]
fn the_answer_of_a_stuck_saga_still_counts() {
    let mut saga = Twin::start(trip());
    saga.handled();
    saga.reply_to(&CHARGE, charged());
    assert!(!saga.is_stuck(), "the participant found its reply");
    assert_eq!(saga.sent(), [BOOK]);
}

/// A saga whose step has just given a value that cannot be kept.
fn unkept(place: &str) -> Twin<Unkept> {
    let mut saga = Twin::start(Unkept { place: place.to_owned() });
    if place == "refusal" {
        saga.refuse(Refusal::Closed);
        return saga;
    }
    saga.reply(charged());
    if place == "step" {
        return saga;
    }
    saga.reply(booked());
    saga.reply(booked());
    if place == "conditional" {
        saga.handled();
    }
    saga
}

/// Rule: values.exactly
/// Rule: names.panic
#[test]
fn a_value_that_cannot_be_kept_makes_the_saga_stuck_at_once() {
    for (place, why) in [
        ("step", "`f64` cannot be written as JSON: there is no number inf; JSON has finite numbers"),
        ("refusal", "`f64` cannot be written as JSON: there is no number NaN; JSON has finite numbers"),
        ("item", "key must be a string; JSON has finite numbers, and maps whose keys are texts or numbers"),
        ("conditional", "key must be a string; JSON has finite numbers, and maps whose keys are texts or numbers"),
    ] {
        let saga = unkept(place);
        assert!(saga.is_stuck(), "{place}");
        assert!(saga.sent().is_empty(), "{place}");
        assert!(saga.reason().contains(why), "{place}: {}", saga.reason());
    }
    let mut saga = unkept("skipped");
    saga.handled();
    assert!(matches!(saga.outcome(), Some(Outcome::Completed(()))));
}
