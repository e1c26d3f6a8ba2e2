//! Horizons, and logs made anew.

use super::*;

fn open_from(lowest: u64, older: &[u64]) -> Horizon {
    Horizon { lowest: saga(lowest), older: older.iter().copied().map(saga).collect() }
}

#[test]
fn the_horizon_forgets_closed_sagas_and_ignores_what_comes_late() {
    let mut script = Script::new(Memory::Volatile);
    for number in 1..=3 {
        script.send(key(number, 0), 1);
        script.end(number, handled());
    }
    assert_eq!(script.0.remembered(), 3);
    script.0.settle(key(3, 0), &open_from(3, &[1]));
    assert_eq!(script.effects(), [fate(key(3, 0), Fate::Done(vec![7, 8]))]);
    assert_eq!(script.0.remembered(), 2, "the second saga has ended");
    assert_eq!(script.send(key(2, 0), 2), [], "expired");
    assert_eq!(script.settle(key(2, 0)), [], "nobody waits for it");
    assert_eq!(script.send(key(1, 0), 2), [answers(key(1, 0), 2, handled())], "an older one is open");
}

#[test]
fn a_horizon_that_comes_late_opens_nothing() {
    let mut script = Script::new(Memory::Volatile);
    script.0.settle(key(9, 0), &open_from(5, &[2]));
    script.0.settle(key(9, 0), &open_from(3, &[1, 2]));
    script.effects();
    assert_eq!(script.send(key(1, 0), 1), []);
    assert_eq!(script.send(key(4, 0), 1), []);
    assert_eq!(script.send(key(2, 0), 1), [runs(1, key(2, 0), 1)]);
    script.0.settle(key(9, 0), &open_from(6, &[2, 5]));
    script.effects();
    assert_eq!(script.send(key(5, 0), 1), [runs(2, key(5, 0), 1)]);
}

#[test]
fn what_waits_for_a_closed_saga_is_not_begun() {
    let mut script = Script::with_room(Memory::Volatile, 1);
    script.send(key(9, 0), 1);
    script.send(key(1, 0), 1);
    script.query(key(1, 1), 1);
    script.0.settle(key(9, 0), &open_from(9, &[]));
    assert_eq!(script.effects(), [fate(key(9, 0), Fate::Running)]);
    assert_eq!((script.0.waiting(), script.0.remembered()), (0, 1));
    assert_eq!(script.end(1, handled()), [answers(key(9, 0), 1, handled())]);
    assert!(script.0.is_idle());
}

#[test]
fn what_runs_for_a_closed_saga_is_answered_and_forgotten() {
    let mut script = Script::new(Memory::Volatile);
    script.send(key(1, 0), 1);
    script.0.settle(key(2, 0), &open_from(2, &[]));
    script.effects();
    assert_eq!(script.end(1, handled()), [answers(key(1, 0), 1, handled())], "a late answer is recorded, not dropped");
    assert_eq!(script.0.remembered(), 1, "only what was settled");
}

#[test]
fn one_log_says_nothing_of_another() {
    let mut script = Script::new(Memory::Volatile);
    script.send(key(1, 0), 1);
    script.end(1, handled());
    let other = ExchangeKey { log: LogId::from_bits(2), ..key(1, 0) };
    script.0.settle(other, &open_from(1, &[]));
    assert_eq!(script.effects(), [fate(other, Fate::Never)]);
    let later = ExchangeKey { saga: saga(8), ..other };
    script.0.settle(later, &open_from(8, &[]));
    assert_eq!(script.effects(), [fate(later, Fate::Never)]);
    assert_eq!(script.settle(key(1, 0)), [fate(key(1, 0), Fate::Done(vec![7, 8]))]);
}

#[test]
fn the_log_heard_longest_ago_is_forgotten_and_that_is_not_kept_secret() {
    let mut script = Script::new(Memory::Volatile);
    let of = |log: u64| ExchangeKey { log: LogId::from_bits(log), ..key(1, 0) };
    script.send(of(1), 1);
    script.end(1, handled());
    for log in 2..=LOGS as u64 {
        assert_eq!(script.settle(of(log)), [fate(of(log), Fate::Never)]);
    }
    assert_eq!(script.send(of(9), 1), [runs(2, of(9), 1)]);
    assert_eq!(script.settle(of(1)), [fate(of(1), Fate::Unknown)]);
    assert_eq!(script.0.remembered(), LOGS);
}
