//! The simulation, over many seeds.

use std::str::FromStr;
use std::thread;

use saga_tests::simulation::{Failure, Reached, Run, crash_points, replay as replay_run, simulate};

/// A number out of the environment.
fn asked<T: FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok().and_then(|number| number.parse().ok())
}

/// Makes these runs until one fails, on all processors; adds up what they met.
fn all(runs: &[Run]) -> Result<Reached, Box<Failure>> {
    let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let share = |first: usize| -> Result<Reached, Box<Failure>> {
        let mut reached = Reached::default();
        for run in runs.iter().skip(first).step_by(threads) {
            reached.add(&simulate(*run)?);
        }
        Ok(reached)
    };
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|first| scope.spawn(move || share(first))).collect();
        let mut reached = Reached::default();
        for thread in running {
            reached.add(&thread.join().expect("a run contains its panics")?);
        }
        Ok(reached)
    })
}

/// 2,000 seeds, or as many as `SAGA_SEEDS` says.
#[test]
fn every_promise_is_kept_whatever_goes_wrong() {
    let seeds = asked("SAGA_SEEDS").unwrap_or(2_000);
    let runs: Vec<_> = (0..seeds).map(Run::from).collect();
    let reached = all(&runs).unwrap_or_else(|failure| panic!("{failure}"));
    println!("{seeds} seeds\n{reached}");
    assert_eq!(reached.missing(), [], "never met in {seeds} seeds");
}

#[test]
fn a_crash_at_any_point_breaks_no_promise() {
    for seed in 0..3 {
        let points = crash_points(seed);
        let runs: Vec<_> = (1..=points).map(|point| Run { seed, crash_at: Some(point) }).collect();
        let reached = all(&runs).unwrap_or_else(|failure| panic!("{failure}"));
        println!("seed {seed}: {points} points");
        assert_eq!(reached.crashes(), u64::from(points), "crashes of seed {seed}");
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in [1, 7, 99] {
        assert_eq!(replay_run(seed), replay_run(seed), "seed {seed}");
    }
}

/// Prints all that happens in one run: `SAGA_SEED=7 cargo test -p saga-tests simulation::replay -- --nocapture`.
#[test]
fn replay() {
    let run = Run { seed: asked("SAGA_SEED").unwrap_or(1), crash_at: asked("SAGA_CRASH_AT") };
    let (trace, violation) = replay_run(run);
    println!("{trace}");
    assert_eq!(violation, None, "{run:?}");
}

/// Tests of the test: the bugs that can be planted in the runtime.
///
/// `cargo test -p saga-tests --features planted-bugs simulation::planted -- --nocapture` says how many seeds each took.
#[cfg(feature = "planted-bugs")]
mod planted {
    use saga_runtime::planted::{Bug, plant};
    use saga_tests::simulation::simulate;

    /// So many seeds find each of them.
    const SEEDS: u64 = 1_000;

    #[test]
    fn the_simulation_finds_each() {
        let mut missed = Vec::new();
        for bug in Bug::ALL {
            plant(Some(bug));
            let found = (0..SEEDS).find_map(|seed| Some((seed, simulate(seed).err()?)));
            plant(None);
            match found {
                Some((seed, failure)) => println!("{bug:?} took {} seeds: {}", seed + 1, failure.what()),
                None => missed.push(bug),
            }
        }
        assert_eq!(missed, [], "not found within {SEEDS} seeds");
    }
}
