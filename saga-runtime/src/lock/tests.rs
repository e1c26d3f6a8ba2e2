//! What a lock file finds.

use serde::{Deserialize, Serialize};

use super::*;
use crate::prelude::*;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
#[bus(Line)]
enum Command {
    #[to(Bell)]
    Ring { times: u32 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[bus(Line)]
enum Event {
    #[from(Bell)]
    Rang,
}

#[derive(Debug)]
struct Line;

impl Bus for Line {
    const NAME: &'static str = "line";
    type Command = Command;
    type Event = Event;
    type Refusal = String;
}

mod before {
    use super::*;
    crate::saga! {
        pub(super) saga Call(times: u32) on Line {
            concurrency allow;
            deadline 1s;
            step ring { send Ring { times }; compensate none because "a ring cannot be unheard"; }
        }
    }
}

mod after {
    use super::*;
    crate::saga! {
        /// Documented, and slower.
        pub(super) saga Call(times: u32) on Line {
            concurrency allow;
            deadline 2s;
            step ring { send Ring { times }; compensate none because "a ring cannot be unheard"; }
        }
    }
}

fn before() -> Locked {
    Locked::new::<before::Call>([before::Call { times: 3 }.begin()])
}

fn locked() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("lock.json");
    renew(&path, &[before()]).expect("it can be written");
    (directory, path)
}

fn stale(path: &Path, sagas: &[Locked]) -> String {
    compare(path, sagas).expect_err("something has changed").to_string()
}

#[test]
fn what_was_locked_is_accepted() {
    let (_directory, path) = locked();
    compare(&path, &[before()]).expect("nothing has changed");
}

#[test]
fn a_change_under_the_same_version_names_both_fingerprints() {
    let (_directory, path) = locked();
    let found = stale(&path, &[Locked::new::<after::Call>([])]);
    for part in ["call version 1", &before().definition.fingerprint(), "#[version]", "SAGA_RENEW=1"] {
        assert!(found.contains(part), "{part}: {found}");
    }
}

#[test]
fn a_state_that_does_not_load_any_more_is_found() {
    let (_directory, path) = locked();
    let text = std::fs::read_to_string(&path).expect("it is there");
    std::fs::write(&path, text.replace("times", "often")).expect("it can be written");
    let found = stale(&path, &[before()]);
    assert!(found.contains("no longer loads") && found.contains("times"), "{found}");
}

#[test]
fn one_that_is_new_and_one_that_is_gone_are_found() {
    let (_directory, path) = locked();
    assert!(stale(&path, &[]).contains("call version 1 is gone"));
    std::fs::write(&path, "{}").expect("it can be written");
    assert!(stale(&path, &[before()]).contains("call version 1 is new"));
}

#[test]
fn a_missing_file_says_how_it_is_made() {
    let found = stale(Path::new("no-such-directory/lock.json"), &[before()]);
    assert!(found.contains("SAGA_RENEW=1"), "{found}");
}

#[test]
fn of_what_was_explored_it_keeps_the_shortest_and_the_longest_state_of_each_place() {
    let explored = crate::test::explore::explore(before::Call { times: 1 }, |_| Vec::new());
    let locked = Locked::explored::<before::Call>(&explored);
    assert_eq!(locked.samples, Ok(vec![r#"{"Ring":{"times":1,"ring":[]}}"#.to_owned()]));
    assert_eq!(explored.samples().keys().collect::<Vec<_>>(), ["Ring"]);
}
