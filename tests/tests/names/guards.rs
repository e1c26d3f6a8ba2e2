//! What an arm's `if let` binds, and what it mentions.

use saga_runtime::prelude::*;

use super::{Command, Event, Words};
use crate::twin::Twin;

saga! {
    /// The second name that the guard binds is that of the parameter.
    saga Shorter(title: String, limit: usize) -> (String, usize) on Words {
        concurrency allow;
        deadline 5s;
        step write -> (String, usize) {
            send Write { title, lines: vec![], count: limit };
            await {
                Written { line, .. } if let Some(Some(limit)) = line => (title, limit.into()),
                Written { title: other, .. }
                    if limit > 0 && let Some(title) = other.strip_prefix(&title).map(str::to_owned) && title.len() <= limit =>
                {
                    (title, limit)
                }
                Written { title: other, line } if other.len() > limit && let None = line && other != title =>
                    fail [title, other].concat(),
                Written { title, .. } => (title, limit),
            }
            compensate {
                send Unwrite { title };
                await {
                    Written { line: None, title: other } if let Some("!") = other.strip_prefix(&title) => (),
                    Written { line, .. } if let Some(write) = line => fail format!("{write:?}"),
                    Written { .. } => (),
                }
            }
        }
        step over {
            send Unwrite { title };
            await Written { .. } => ();
            compensate none because "it is over";
        }
        return write;
    }

    saga Started(title: String, limit: usize) on Words {
        trigger Written { title, line } if let Some(Some(limit)) = line && limit > 2 => { title, limit: limit.into() };
        concurrency allow;
        deadline 5s;
        step erase {
            send Erase(vec![title], limit.to_string());
            compensate none because "what is erased is gone";
        }
    }
}

fn shorter() -> Shorter {
    Shorter { title: "Ode".to_owned(), limit: 3 }
}

fn written(title: &str, line: Option<Option<u8>>) -> Event {
    Event::Written { title: title.to_owned(), line }
}

fn after(title: &str, line: Option<Option<u8>>) -> Twin<Shorter> {
    let mut saga = Twin::start(shorter());
    saga.reply(written(title, line));
    saga
}

fn gives(title: &str, line: Option<Option<u8>>) -> (String, usize) {
    let mut saga = after(title, line);
    saga.reply(written("", None));
    match saga.outcome() {
        Some(Outcome::Completed(output)) => output.clone(),
        other => panic!("it completes: {other:?}"),
    }
}

/// Rule: names.shadow
#[test]
fn what_if_let_binds_shadows_names() {
    assert_eq!(gives("Ode", Some(Some(9))), ("Ode".to_owned(), 9));
    assert_eq!(gives("Ode on", Some(None)), (" on".to_owned(), 3));
    assert_eq!(gives("Elegy", Some(None)), ("Elegy".to_owned(), 3));
    let saga = after("Elegy", None);
    let Some(Outcome::Compensated(cause)) = saga.outcome() else { panic!("it fails") };
    assert_eq!(cause.message(), "OdeElegy");
}

/// Rule: names.shadow
/// Rule: start.trigger.binds
#[test]
fn what_the_if_let_of_a_trigger_binds_shadows_what_its_pattern_binds() {
    let triggered = |line| Started::triggered_by(&written("Ode", line)).map(|saga| saga.limit);
    assert_eq!((triggered(Some(Some(5))), triggered(Some(Some(1))), triggered(None)), (Some(5), None, None));
}

/// Rule: names.shadow
#[test]
fn what_if_let_binds_in_a_compensation_shadows_names() {
    let undoing = |title: &str, line| {
        let mut saga = after("Ode", Some(Some(9)));
        saga.refuse(super::Refusal);
        assert_eq!(saga.sent(), [Command::Unwrite { title: "Ode".to_owned() }]);
        saga.reply(written(title, line));
        (saga.is_stuck(), saga.outcome().is_some())
    };
    assert_eq!(undoing("Ode!", None), (false, true));
    assert_eq!(undoing("Ode", None), (false, true));
    assert_eq!(undoing("Ode", Some(Some(1))), (true, false));
}
