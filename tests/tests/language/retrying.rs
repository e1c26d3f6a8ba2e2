//! `within` and `retry`: how often, how long between, and what is left when they are spent.

use std::time::Duration;

use saga_runtime::prelude::*;

use super::bus::*;
use crate::twin::Twin;

const BACKOFF: Duration = Duration::from_millis(400);

saga! {
    saga Patient(cents: u64) -> u64 on Travel {
        concurrency allow;
        deadline 1h;
        step charge -> u64 {
            send Charge { cents };
            await {
                Charged { receipt } => receipt,
                refused Closed => retry,
                refused NoFunds { missing } => fail missing,
                timeout => retry,
            }
            within 10s;
            retry 4 times every 100ms..400ms;
            compensate none because "one gets over it";
        }
        return charge;
    }

    /// `retry` with its own times, and without any.
    saga Default(cents: u64) on Travel {
        concurrency allow;
        deadline 1h;
        step charge {
            send Charge { cents };
            await refused _ => retry;
            retry 9 times;
            compensate none because "one gets over it";
        }
    }

    /// Its longest wait may be shorter than its first.
    saga Bounded(first: Duration, longest: Duration) on Travel {
        concurrency allow;
        deadline 1h;
        step charge {
            send Charge { cents: 500 };
            await refused _ => retry;
            retry 3 times every { first }..{ longest };
            compensate none because "one gets over it";
        }
    }

    saga Endless(cents: u64) on Travel {
        concurrency allow;
        deadline 1h;
        step charge {
            send Charge { cents };
            await refused _ => retry;
            compensate none because "one gets over it";
        }
    }

    saga Hasty(cents: u64) on Travel {
        concurrency allow;
        deadline 1h;
        step charge {
            send Charge { cents };
            await {
                refused _ => retry,
                timeout => fail "too slow",
            }
            within 10s;
            retry 2 times every 100ms;
            compensate none because "one gets over it";
        }
    }

    saga Once(cents: u64) on Travel {
        concurrency allow;
        deadline 1h;
        step charge {
            send Charge { cents };
            within 10s;
            compensate none because "one gets over it";
        }
    }

    /// Its durations are expressions.
    saga Computed(seconds: u64) on Travel {
        concurrency allow;
        deadline { Duration::from_secs(seconds * 100) };
        step charge {
            send Charge { cents: 1 };
            within { Duration::from_secs(seconds) };
            retry 1 times every { Duration::from_millis(seconds) }..{ Duration::from_millis(seconds) };
            compensate none because "one gets over it";
        }
    }
}

/// The waits between the attempts, as they were told.
fn waits<S: Saga>(saga: &Twin<S>) -> Vec<Duration> {
    let wait = |notice| match notice {
        Notice::StepWaiting { time, until, .. } => Some(until.since(time)),
        _ => None,
    };
    saga.notices().into_iter().filter_map(wait).collect()
}

/// Each wait is at most its bound, and at least half of it.
#[track_caller]
fn assert_waits<S: Saga>(saga: &Twin<S>, bounds: &[u64]) {
    let waits = waits(saga);
    assert_eq!(waits.len(), bounds.len(), "{waits:?}");
    for (wait, bound) in waits.iter().zip(bounds.iter().copied().map(Duration::from_millis)) {
        assert!(*wait <= bound && *wait >= bound / 2, "{wait:?} is no wait of {bound:?} with jitter");
    }
}

/// Rule: attempts.within
/// Rule: attempts.retry
/// Rule: attempts.from-one
#[test]
fn a_timeout_is_retried_as_often_as_it_says_with_doubling_waits_up_to_a_cap() {
    let mut saga = Twin::start(Patient { cents: 500 });
    for attempt in 1..=4 {
        saga.advance(Duration::from_secs(9));
        assert_eq!(saga.attempts("charge", Mode::Forward).len(), attempt, "not before its time");
        saga.advance(Duration::from_secs(1) + BACKOFF);
        assert_eq!(saga.sent(), [CHARGE]);
        assert_eq!(saga.attempts("charge", Mode::Forward).len(), attempt + 1);
    }
    saga.advance(Duration::from_secs(10));
    assert_eq!((saga.cause().kind(), saga.cause().step().to_owned()), (CauseKind::TimedOut, "charge".to_owned()));
    assert_eq!(saga.attempts("charge", Mode::Forward), [1, 2, 3, 4, 5]);
    assert_waits(&saga, &[100, 200, 400, 400]);
}

/// Rule: attempts.retry
#[test]
fn no_wait_is_longer_than_the_longest_not_even_the_first() {
    let millis = Duration::from_millis;
    let mut saga = Twin::start(Bounded { first: millis(2000), longest: millis(1000) });
    for _ in 0..3 {
        saga.refuse(Refusal::Closed);
        saga.advance(millis(1000));
        assert_eq!(saga.sent(), [CHARGE]);
    }
    assert_waits(&saga, &[1000, 1000, 1000]);
}

/// Rule: attempts.handled-any
/// Rule: testing.sent
#[test]
fn what_waits_to_be_sent_again_after_a_timeout_is_still_unanswered() {
    let mut saga = Twin::start(Patient { cents: 500 });
    saga.advance(Duration::from_secs(10));
    assert_eq!(saga.sent(), [CHARGE]);
    saga.reply(charged());
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(7)), "handled, from any attempt, counts");
}

/// Rule: testing.sent
#[test]
fn what_waits_to_be_sent_again_after_a_refusal_is_not_out() {
    let mut saga = Twin::start(Patient { cents: 500 });
    saga.refuse(Refusal::Closed);
    assert!(saga.sent().is_empty());
    saga.advance(BACKOFF);
    assert_eq!(saga.sent(), [CHARGE]);
}

/// Rule: attempts.spent
#[test]
fn a_spent_retry_fails_with_the_refusal_at_hand() {
    let mut saga = Twin::start(Patient { cents: 500 });
    for _ in 0..4 {
        saga.refuse(Refusal::Closed);
        saga.advance(BACKOFF);
    }
    saga.refuse(Refusal::Closed);
    assert_eq!(saga.why(), (CauseKind::Refused, "charge".to_owned(), "closed".to_owned()));
    assert_eq!(saga.cause().refusal(), Some(Refusal::Closed));
    assert_waits(&saga, &[100, 200, 400, 400]);
}

#[test]
fn timeouts_and_refusals_spend_the_same_retry() {
    let mut saga = Twin::start(Patient { cents: 500 });
    for _ in 0..2 {
        saga.refuse(Refusal::Closed);
        saga.advance(BACKOFF);
        saga.advance(Duration::from_secs(10) + BACKOFF);
    }
    assert_eq!(saga.attempts("charge", Mode::Forward), [1, 2, 3, 4, 5]);
    saga.refuse(Refusal::Closed);
    assert_eq!(saga.cause().kind(), CauseKind::Refused);
}

#[test]
fn an_arm_that_fails_ends_the_retries() {
    let mut saga = Twin::start(Patient { cents: 500 });
    saga.refuse(Refusal::Closed);
    saga.advance(BACKOFF);
    saga.refuse(Refusal::NoFunds { missing: 3 });
    assert_eq!(saga.why(), (CauseKind::Refused, "charge".to_owned(), "3".to_owned()));
}

/// Rule: attempts.retry-default
#[test]
fn the_default_wait_is_100ms_doubling_to_5s() {
    let mut saga = Twin::start(Default { cents: 500 });
    for _ in 0..9 {
        saga.refuse(Refusal::Closed);
        saga.advance(Duration::from_secs(5));
        assert_eq!(saga.sent(), [CHARGE]);
    }
    saga.refuse(Refusal::Closed);
    assert_eq!(saga.cause().kind(), CauseKind::Refused);
    assert_waits(&saga, &[100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
}

/// Rule: steps.await.retry
#[test]
fn a_retry_arm_without_a_retry_clause_goes_on_until_the_deadline() {
    let mut saga = Twin::start(Endless { cents: 500 });
    for _ in 0..60 {
        saga.refuse(Refusal::Closed);
        saga.advance(Duration::from_secs(5));
        assert_eq!(saga.sent(), [CHARGE]);
    }
    saga.refuse(Refusal::Closed);
    saga.advance(Duration::from_secs(5));
    saga.advance(Duration::from_secs(3600));
    assert_eq!(saga.cause().kind(), CauseKind::Deadline);
}

/// Rule: steps.timeout.first
#[test]
fn a_timeout_arm_is_taken_at_the_first_timeout() {
    let mut saga = Twin::start(Hasty { cents: 500 });
    saga.refuse(Refusal::Closed);
    saga.advance(Duration::from_millis(100));
    saga.advance(Duration::from_secs(10));
    assert_eq!(saga.why(), (CauseKind::TimedOut, "charge".to_owned(), "too slow".to_owned()));
}

/// Rule: steps.timeout.default
#[test]
fn without_retry_a_timeout_fails() {
    let mut saga = Twin::start(Once { cents: 500 });
    saga.advance(Duration::from_millis(9999));
    assert_eq!(saga.outcome(), None);
    saga.advance(Duration::from_millis(1));
    assert_eq!(saga.cause().kind(), CauseKind::TimedOut);
}

/// Rule: values.durations
#[test]
fn durations_can_be_computed() {
    let mut saga = Twin::start(Computed { seconds: 3 });
    saga.advance(Duration::from_millis(2999));
    assert!(waits(&saga).is_empty());
    saga.advance(Duration::from_millis(1));
    assert_waits(&saga, &[3]);
    saga.advance(Duration::from_millis(3));
    saga.advance(Duration::from_secs(3));
    assert_eq!(saga.cause().kind(), CauseKind::TimedOut);
}
