//! The simulation, over many seeds.

use saga_tests::simulation::{Failure, Reached, replay as replay_seed, simulate};

/// How many seeds are run: 2,000, or as `SAGA_SEEDS` says.
fn seeds() -> u64 {
    std::env::var("SAGA_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(2_000)
}

/// Runs these seeds until one fails.
fn run(seeds: impl Iterator<Item = u64>) -> Result<Reached, Box<Failure>> {
    let mut reached = Reached::default();
    for seed in seeds {
        reached.add(&simulate(seed)?);
    }
    Ok(reached)
}

#[test]
fn every_promise_is_kept_whatever_goes_wrong() {
    let seeds = seeds();
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut reached = Reached::default();
    std::thread::scope(|scope| {
        let share = |first| (first..seeds).step_by(threads);
        let running: Vec<_> = (0..threads as u64).map(|first| scope.spawn(move || run(share(first)))).collect();
        for thread in running {
            match thread.join().expect("a run contains its panics") {
                Ok(met) => reached.add(&met),
                Err(failure) => panic!("{failure}"),
            }
        }
    });
    println!("{seeds} seeds\n{reached}");
    assert_eq!(reached.missing(), [], "never met in {seeds} seeds");
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in [1, 7, 99] {
        assert_eq!(replay_seed(seed), replay_seed(seed), "seed {seed}");
    }
}

/// Prints all that happens in one run: `SAGA_SEED=7 cargo test -p saga-tests simulation::replay -- --nocapture`.
#[test]
fn replay() {
    let seed = std::env::var("SAGA_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let (trace, violation) = replay_seed(seed);
    println!("{trace}");
    assert_eq!(violation, None, "seed {seed}");
}

/// Tests of the test: the bugs that can be planted in the runtime.
///
/// `cargo test -p saga-tests --features planted-bugs simulation::planted -- --nocapture` says how many seeds each took.
#[cfg(feature = "planted-bugs")]
mod planted {
    use saga_runtime::planted::{Bug, plant};
    use saga_tests::simulation::replay as replay_seed;

    /// So many seeds find each of them.
    const SEEDS: u64 = 1_000;

    #[test]
    fn the_simulation_finds_each() {
        let mut missed = Vec::new();
        for bug in Bug::ALL {
            plant(Some(bug));
            let found = (0..SEEDS).find_map(|seed| Some((seed, replay_seed(seed).1?)));
            plant(None);
            match found {
                Some((seed, what)) => println!("{bug:?} took {} seeds: {what}", seed + 1),
                None => missed.push(bug),
            }
        }
        assert_eq!(missed, [], "not found within {SEEDS} seeds");
    }
}
