//! `check`: what it finds in sagas together, and how it exits.

use super::*;
use crate::definition::{Action, Compensation, Exchange, Step};

/// A saga with these steps.
const fn of(name: &'static str, steps: &'static [Step]) -> Definition {
    Definition::new(name, "Of", 1, Deadline::None { because: "of the test" }).steps(steps, &[])
}

const UNDONE: Compensation = Compensation::None { because: "of the test" };
static THERE: Definition = of("there", &[Step::new("on", Exchange::new(Action::Run(&BACK)), UNDONE)]);
static BACK: Definition = of("back", &[Step::new("on", Exchange::new(Action::Run(&THERE)), UNDONE)]);

#[tokio::test]
async fn sagas_that_run_each_other_are_found() {
    let home = Home::new();
    assert_eq!(home.exit(&["check"]).await, Ok(Exit::Done));
    let home = Home { cli: Cli::new("agentmux").definitions([&THERE, &BACK]), ..home };
    assert_eq!(home.exit(&["check"]).await, Ok(Exit::Failed));
    let found = crate::catalogue::findings(&[&THERE, &BACK], None);
    let found: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "sagas start each other for ever: `there` starts `back` (by `run`), `back` starts `there` (by `run`): leave out \
          one `run`"
        ]
    );
}

#[tokio::test]
async fn one_that_is_there_twice_is_found() {
    let home = Home::new();
    let home = Home { cli: Cli::new("agentmux").definitions([&REPLACE, &REPLACE]), ..home };
    assert_eq!(home.exit(&["check"]).await, Ok(Exit::Failed));
}
