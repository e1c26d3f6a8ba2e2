//! Each clause of the language, and each sentence that a page says of it.

use super::sagas::{RESTAURANT, SHIPPING, TRIP};
use super::{of, rows, says, section};
use crate::definition::{Compensation, Definition, OnRestart, Place, Step};

#[test]
fn what_is_redacted_is_marked_wherever_it_is_told() {
    let page = of(&TRIP);
    assert!(page.contains("| Returns | `payment` (never shown) |"), "{page}");
    says(
        &page,
        "## Parameters",
        &["| `card` | `String` | **Never shown.** |", "| `travellers` | `Vec<String>` | Who goes. |"],
    );
    says(&page, "### `payment`", &["Never shown of it: `card`.", "Its output is never shown."]);
    says(&page, "## What a watcher sees", &["The values of `card`, `payment` are never shown."]);
    assert!(!of(&RESTAURANT).contains("are never shown"));
}

#[test]
fn what_is_required_stands_where_it_is_asked() {
    let page = of(&TRIP);
    assert_eq!(
        rows(section(&page, "## What it requires")),
        [
            "| `payment` | `!travellers.is_empty()` | `\"nobody goes\"` |",
            "| `summary` | `hotel.stars > 2 \\|\\| flies` | `\"too cheap\"` |",
            "| its end | `payment > 0` | `\"no receipt\"` |",
        ]
    );
    says(
        &page,
        "## What happens if",
        &[
            "| the start | not `!travellers.is_empty()`: fails with `\"nobody goes\"` | nothing |",
            "| after `hotel` and `seats` | not `hotel.stars > 2 \\|\\| flies`: fails with `\"too cheap\"` | 1. `hotel` and \
             `seats` (each item; if it ran), the last to complete first; 2. `payment` |",
        ],
    );
    says(
        &page,
        "## States",
        &["[*] --> compensated : unless #33;travellers.is_empty#40;#41;", "place2 --> undo1 : unless payment #62; 0"],
    );
}

#[test]
fn a_parallel_block_fails_with_what_was_done_beside_it() {
    let page = of(&TRIP);
    let cancelled = "timed out, the deadline passes, the saga is cancelled, another one takes its place";
    assert_eq!(
        rows(section(&page, "## What happens if"))[1..6],
        [
            "| `payment` | refused | nothing |".to_owned(),
            "| `payment` | the deadline passes, the saga is cancelled, another one takes its place | `payment`, if it \
             turns out to have been done |"
                .to_owned(),
            "| `hotel` | `Waitlisted { place }`, refused | 1. what was done of `seats` (each item), the last to complete \
             first; 2. `payment` |"
                .to_owned(),
            format!(
                "| `hotel` | {cancelled} | 1. what was done of `hotel` and `seats` (each item), the last to complete \
                 first; 2. `payment` |"
            ),
            "| `seats` | refused, timed out at the last attempt, the deadline passes, the saga is cancelled, another one \
             takes its place | 1. what was done of `hotel` and `seats` (each item), the last to complete first; 2. \
             `payment` |"
                .to_owned(),
        ]
    );
    says(&page, "## What happens if", &["What runs beside the step or item that fails is given up"]);
}

#[test]
fn a_parallel_block_is_drawn_as_one() {
    let page = of(&TRIP);
    says(
        &page,
        "## States",
        &[
            "    state \"in parallel\" as place1 {\n        state \"hotel\" as place1_0\n        [*] --> place1_0\n        \
             place1_0 --> [*]\n        --\n        state \"seats for each name in travellers when flies\" as place1_1\n",
            "state \"undo hotel and each item of seats, the last to complete first\" as undo1",
            "place1 --> place2 : all have ended",
            "place1 --> undo1 : fails, and some was done",
            "place1 --> undo0 : Waitlisted, refused, timed out, deadline, cancelled, superseded",
        ],
    );
}

#[test]
fn items_and_conditions_are_marked() {
    let page = of(&TRIP);
    says(&page, "## Steps", &["for each `name` in `travellers`, 8 at once, when `flies`, in parallel with `hotel`"]);
    says(
        &page,
        "### `seats`",
        &[
            "*For each `name` in `travellers`, 8 at once; when `flies`; in parallel with `hotel`.*",
            "`CancelSeat` to air, once for each item that took effect:",
        ],
    );
    says(
        &page,
        "## Commands and records",
        &["at least 3 commands", "at least 4 records", "`seats` once for each item"],
    );
    const NUMBERED: Step = Step { output: Some("u32"), ..TRIP.steps[2] };
    let numbered = of(&Definition { requires: &[], ..TRIP }.steps(&[NUMBERED], &[Place { steps: &[0] }]));
    says(&numbered, "### `seats`", &["Its output is `Option<Vec<u32>>`."]);
}

#[test]
fn from_the_pivot_there_is_no_way_back() {
    let page = of(&RESTAURANT);
    assert!(page.contains("| Deadline | 1 min; when it passes before the pivot took effect, the saga compensates |"));
    says(
        &page,
        "## What happens if",
        &[
            "| `authorise` | refused | `ticket` (and `table` with it;",
            "| `authorise` | timed out, the deadline passes, the saga is cancelled | if it was done: nothing, the saga goes \
             on; if not: `ticket`",
            "| `confirm` | anything goes wrong | nothing: it is tried until it succeeds |",
            "**Once `authorise` has taken effect there is no way back.**",
            "From there on (`confirm`) whatever is refused or times out is tried again",
        ],
    );
    says(&page, "### `authorise`", &["*Pivot.*", "| timeout | fails the saga, unless it turns out to have been done"]);
    says(
        &page,
        "### `confirm`",
        &[
            "| refused | sends the command again, until it is handled (by default) |",
            "| timeout | sends the command again, until it is handled (by default) |",
        ],
    );
    says(
        &page,
        "## States",
        &["state \"pivot authorise\" as place3", "place4 --> place4 : refused or timed out, tried again"],
    );
    says(
        &page,
        "## How long it can take",
        &["| Forward, up to the pivot | 1 min, by", "| Forward, after the pivot | no bound: each step is tried until"],
    );
    let table = section(&page, "## Steps");
    assert!(table.contains("not possible: there is no way back from it |"), "{table}");
    assert!(table.contains("not possible: it comes after the pivot |"), "{table}");
}

#[test]
fn finally_steps_run_on_every_way_out() {
    let page = of(&RESTAURANT);
    says(
        &page,
        "## What happens if",
        &["then the *finally* steps run; it ends", "**On every way out** `release` and `close` run, in this order:"],
    );
    says(
        &page,
        "## States",
        &[
            "    state \"finally\" as finally {\n        state \"release when cause.is_some#40;#41;\" as finally_0\n        \
             [*] --> finally_0\n        state \"close\" as finally_1\n        finally_0 --> finally_1\n        finally_1 \
             --> [*]\n    }\n",
            "place4 --> finally : handled",
            "undo1 --> finally : undone",
            "finally --> completed : it went all the way",
            "finally --> compensated : it failed",
        ],
    );
    says(
        &page,
        "### `close`",
        &["| refused | sends the command again; when the attempts are spent, it is stuck (by default) |"],
    );
    says(&page, "## How long it can take", &["| On the way out | 13 min 43 s, then it is stuck |"]);
}

#[test]
fn what_a_finally_step_mentions_is_asked_for_too() {
    const MENTIONED: &[Step] = &[Step { seen_at_last: true, ..TRIP.steps[3] }];
    let mentioned = Definition { requires: &[], ..TRIP }.steps(MENTIONED, &[Place { steps: &[0] }]);
    says(
        &of(&mentioned),
        "## What happens if",
        &["asks what became of each command that has had no answer, of `summary`. Nothing is undone; it ends"],
    );
    says(
        &of(&RESTAURANT),
        "## What happens if",
        &["of `ticket`, `table` and `authorise`. Then it undoes what was done", "**If it does not become known"],
    );
}

#[test]
fn one_compensation_for_two_steps_runs_in_the_place_of_the_first() {
    let page = of(&RESTAURANT);
    says(&page, "### `table`", &["**Undone with** `ticket`, in its place, if either of them took effect."]);
    let order = "if it took effect, and is not undone yet";
    assert_eq!(
        rows(section(&page, "## What happens if"))[1..5],
        [
            "| `ticket` | refused | nothing |".to_owned(),
            "| `ticket` | the deadline passes, the saga is cancelled | `ticket`, if it turns out to have been done |"
                .to_owned(),
            format!("| `table` | refused | `ticket` ({order}) |"),
            format!(
                "| `table` | the deadline passes, the saga is cancelled | `ticket` (and `table` with it; {order}) |"
            ),
        ]
    );
}

#[test]
fn a_block_that_undoes_says_what_ends_it() {
    let page = of(&RESTAURANT);
    says(
        &page,
        "### `ticket`",
        &["| When this happens | the compensation |\n|---|---|\n| handled | has undone the step |\n\
             | refused `reason` | is stuck: `reason` |\n\
             | timeout | sends the command again; when the attempts are spent, it is stuck (by default) |"],
    );
}

#[test]
fn what_anyone_says_is_told_with_what_it_must_carry() {
    let page = of(&SHIPPING);
    says(
        &page,
        "### `picked_up`",
        &[
            "Sends nothing, and waits.",
            "| `PickedUp { order: id }` from anyone, where `id` is `order` if `id > 3` | ends, with `id` |",
            "then the first that matches is kept for it.",
        ],
    );
    assert!(!section(&page, "### `picked_up`").contains("disconnected"));
    says(&of(&RESTAURANT), "## Commands and records", &["at least 5 commands and writes at least 7 records"]);
}

#[test]
fn a_step_that_may_end_without_an_answer_says_what_follows() {
    says(
        &of(&SHIPPING),
        "## What happens if",
        &[
            "**`courier` may end without an answer** (timeout); the saga goes on. Meanwhile its participant is asked",
            "1. `courier` (if it took effect, and is not undone yet); 2. `child` (by its own compensations); 3. `before` |",
        ],
    );
    const QUIET: Step = Step { compensation: Compensation::None { because: "it is small" }, ..SHIPPING.steps[6] };
    let quiet = Definition::new("quiet", "Quiet", 1, SHIPPING.deadline).steps(&[QUIET], &[Place { steps: &[0] }]);
    says(&of(&quiet), "## What happens if", &["An answer that comes later is recorded, and changes nothing."]);
}

#[test]
fn other_sagas_are_run_cancelled_and_unwound() {
    let page = of(&SHIPPING);
    says(
        &page,
        "### `child`",
        &[
            "Runs the saga [`Trip`](trip.md), and waits until it has ended.",
            "| failed `cause` | fails the saga: `cause.message()` |",
            "| completed | ends, with the output of that saga (by default) |",
            "**Undone by** the compensations of [`Trip`](trip.md) itself",
        ],
    );
    says(&page, "### `other`", &["| failed | fails the saga with its cause (by default) |"]);
    says(
        &page,
        "## What happens if",
        &[
            "| `child` | failed `cause` | `before` |",
            "| `child` | the saga is cancelled | 1. `child` (by its own compensations), if it completed before it could be \
             cancelled; 2. `before` |",
            "**Never undone**: `other`, because it is small; `bell`, because it rings once.",
        ],
    );
    says(&page, "## Commands and records", &["what the saga does that `child` runs"]);
}

#[test]
fn a_step_that_only_undoes_cannot_fail() {
    let page = of(&SHIPPING);
    says(
        &page,
        "### `before`",
        &["Does nothing; it only says how to undo what was there before.", "It is harmless when"],
    );
    assert!(!section(&page, "## What happens if").contains("| `before` |  |"));
    assert!(!section(&page, "## States").contains("place0 --> compensated"));
    assert!(!section(&page, "### `before`").contains("When this happens"));
}

#[test]
fn what_is_worth_nothing_later_fails_when_nobody_is_there() {
    let page = of(&SHIPPING);
    says(&page, "### `bell`", &["It is worth nothing later", "| disconnected | fails the saga (by default) |"]);
    says(&page, "## What happens if", &["| `bell` | its participant is away, the saga is cancelled |"]);
}

#[test]
fn what_becomes_of_it_at_a_restart_is_told() {
    assert!(of(&SHIPPING).contains("| At a restart | lost: it is kept in memory only |"));
    says(&of(&SHIPPING), "## Commands and records", &["It writes nothing to the log."]);
    assert!(of(&RESTAURANT).contains("| At a restart | it is undone, as if it had been cancelled |"));
    assert!(
        of(&Definition { on_restart: OnRestart::Park, ..TRIP }).contains("| At a restart | it waits for an operator |")
    );
    assert!(!of(&TRIP).contains("At a restart"));
}
