//! How long it can take, and how often it is tried.

use std::time::Duration;

use super::sagas::{SHIPPING, TRIP};
use super::{of, says};
use crate::definition::{Arm, ArmOutcome, AtOnce, Deadline, Definition, Each, Exchange, Place, Retry, Span, Step};

#[test]
fn a_bound_that_depends_on_the_run_says_on_what() {
    let page = of(&TRIP);
    says(
        &page,
        "## How long it can take",
        &[
            "| Forward | 10 min, by the deadline; without it there is no bound: the longest of 1 min and 18 s for every 8 \
             items of `travellers` + `patience`, and `payment` waits as long as it takes |",
            "| Undoing all of it | 7 min 35 s + 6 min 52 s for each item of `travellers`, then it is stuck |",
            "undoing `hotel` 43 s;",
        ],
    );
}

#[test]
fn time_that_passes_by_itself_is_part_of_the_bound() {
    let page = of(&SHIPPING);
    says(&page, "### `pause`", &["Lets 20 s pass.", "| the time has passed | ends (by default) |"]);
    says(
        &page,
        "## How long it can take",
        &[
            "| Forward | no bound: 1 min 19 s + `rest(2)`, and `bell` waits as long as it takes and `child` takes as long \
             as the saga [`Trip`](trip.md) needs |",
            "| Undoing all of it | no bound: 13 min 43 s, and undoing `child` takes as long as that saga needs |",
        ],
    );
}

#[test]
fn arms_that_try_again_say_how_often() {
    const AGAIN: &[Arm] = &[ArmOutcome::Refused("Asleep").retry()];
    const COUNTED: Step = Step {
        exchange: SUMMARY.arms(AGAIN).retry(Retry { times: "limit", every: Span::Computed("pause"), at_most: WAIT }),
        ..TRIP.steps[3]
    };
    const ENDLESS: Step = Step { exchange: SUMMARY.arms(AGAIN), ..TRIP.steps[3] };
    const SUMMARY: Exchange = TRIP.steps[3].exchange;
    const WAIT: Span = Span::Fixed(Duration::from_secs(1));
    let one = |steps: &'static [Step]| Definition { requires: &[], ..TRIP }.steps(steps, &[Place { steps: &[0] }]);

    let counted = of(&one(&[COUNTED]));
    says(
        &counted,
        "### `summary`",
        &["| refused `Asleep` | sends the command again; when the attempts are spent, the saga"],
    );
    says(&counted, "## What happens if", &["refused `Asleep` at the last attempt, timed out at the last attempt,"]);
    says(
        &counted,
        "## How long it can take",
        &[
            "10 min, by the deadline; without it `patience` for each of 1 + `limit` attempts + the waits between the attempts, \
           every `pause` to 1 s |",
        ],
    );
    let endless = of(&one(&[ENDLESS]));
    says(&endless, "### `summary`", &["| refused `Asleep` | sends the command again, until the deadline |"]);
    says(&endless, "## How long it can take", &["`summary` tries again as long as it takes |"]);
    let for_ever = Definition { deadline: Deadline::None { because: "it waits" }, ..one(&[ENDLESS]) };
    says(&of(&for_ever), "### `summary`", &["| refused `Asleep` | sends the command again, as often as it takes |"]);
}

#[test]
fn a_bound_below_the_deadline_stands_alone() {
    const SHORT: Step = Step { each: None, when: None, ..TRIP.steps[2] };
    const ALL: Step = SHORT.each(Each { pattern: "_", items: "all", at_once: AtOnce::All });
    const ONE: Step = SHORT.each(Each { pattern: "_", items: "all", at_once: AtOnce::AtMost(1) });
    let of = |steps: &'static [Step]| of(&Definition { requires: &[], ..TRIP }.steps(steps, &[Place { steps: &[0] }]));
    says(&of(&[SHORT]), "## How long it can take", &["| Forward | 18 s |"]);
    says(&of(&[ALL]), "## How long it can take", &["| Forward | 18 s |", "| 6 min 52 s for each item of `all`, then"]);
    says(
        &of(&[ONE]),
        "## How long it can take",
        &["| 10 min, by the deadline; without it 18 s for each item of `all` |"],
    );
    says(&of(&[ONE]), "### `seats`", &["*For each `_` in `all`, one after another.*"]);
}
