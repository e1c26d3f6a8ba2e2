//! Medians, sizes and a calibrator. It knows nothing of sagas.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// The median of what this many runs give.
pub(crate) fn median(runs: usize, mut run: impl FnMut() -> f64) -> f64 {
    let mut values: Vec<_> = (0..runs).map(|_| run()).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The medians of two things that are measured in turn, so that a slow moment meets both.
pub(crate) fn medians(runs: usize, mut one: impl FnMut() -> f64, mut other: impl FnMut() -> f64) -> (f64, f64) {
    let mut others = Vec::with_capacity(runs);
    let ones = median(runs, || {
        others.push(other());
        one()
    });
    others.sort_by(f64::total_cmp);
    (ones, others[others.len() / 2])
}

/// This many, cut or raised by `SAGA_BENCH_SIZE`.
pub(crate) fn sized(number: usize) -> usize {
    let factor = std::env::var("SAGA_BENCH_SIZE").ok().and_then(|factor| factor.parse::<f64>().ok()).unwrap_or(1.0);
    ((number as f64 * factor) as usize).max(100)
}

/// So many in a second.
pub(crate) fn rate(number: usize, took: Duration) -> f64 {
    number as f64 / took.as_secs_f64()
}

/// So many nanoseconds for each.
pub(crate) fn nanos_each(number: usize, took: Duration) -> f64 {
    took.as_secs_f64() * 1e9 / number as f64
}

/// A hand-written enum's transition, in nanoseconds: how fast the machine is right now.
pub(crate) fn calibrate() -> f64 {
    #[derive(Clone, Copy)]
    enum State {
        Reserved(u64),
        Charged(u64, u64),
        Booked(u64, u64, u64),
    }
    let advance = |state, answer| match state {
        State::Reserved(one) => State::Charged(one, answer),
        State::Charged(one, two) => State::Booked(one, two, answer),
        State::Booked(one, two, three) => State::Reserved(one ^ two ^ three ^ answer),
    };
    const TURNS: usize = 5_000_000;
    median(5, || {
        let mut states = [State::Reserved(1); 64];
        let begin = Instant::now();
        for turn in 0..TURNS {
            let state = &mut states[turn % 64];
            *state = advance(black_box(*state), black_box(turn as u64));
        }
        black_box(states);
        nanos_each(TURNS, begin.elapsed())
    })
}
