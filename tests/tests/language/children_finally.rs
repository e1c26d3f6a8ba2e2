//! Children of sagas with `finally` steps.

use saga_runtime::prelude::*;

use super::children::{Night, full};
use super::tour::*;
use crate::twin::Twin;

saga! {
    /// Its child is undone by a command.
    saga Pension(night: u32) -> u32 on Tour {
        concurrency allow;
        deadline 1m;
        step stay -> u32 {
            run Night { night, guest: "ann".to_owned() };
            compensate Unbook { room: stay };
        }
        step note {
            send Note { text: stay.to_string() };
            compensate none because "nobody minds";
        }
        finally step bye {
            send Forget { guest: format!("{stay:?}") };
        }
        return stay;
    }
}

/// Rule: undoing.compensate.took-effect
#[test]
fn a_child_may_be_undone_by_a_command() {
    let mut saga = Twin::start(Pension { night: 3 });
    saga.child::<Night>(Outcome::Completed(12));
    saga.refuse(Refusal::Full);
    assert!(!saga.unwinding());
    assert_eq!((saga.sent(), saga.modes()), (vec![unbook(12)], vec![Mode::Compensation]));
    saga.handled();
    assert_eq!(saga.sent(), [forget("Some(12)")]);
    saga.handled();
    assert_eq!(saga.cause().step(), "note");
}

/// Rule: finally.sees
#[test]
fn finally_sees_that_a_child_failed() {
    let mut saga = Twin::start(Pension { night: 3 });
    saga.child::<Night>(full());
    assert_eq!(saga.sent(), [forget("None")]);
    saga.handled();
    assert_eq!(saga.cause().kind(), CauseKind::Child);
}
