//! What an author may do with the names of a saga: each mention is a value of its own.

mod guards;
mod macros;

use saga_runtime::codec;
use saga_runtime::message::At;
use saga_runtime::prelude::*;
use saga_runtime::saga::{Heard, Verdict};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
#[bus(Words)]
enum Command {
    #[to(Scribe)]
    #[replies(Written)]
    Write { title: String, lines: Vec<String>, count: usize },
    #[to(Scribe)]
    Erase(Vec<String>, String),
    #[to(Scribe)]
    #[replies(Written)]
    Unwrite { title: String },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[bus(Words)]
enum Event {
    Written { title: String, line: Option<Option<u8>> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("no")]
struct Refusal;

struct Words;
impl Bus for Words {
    const NAME: &'static str = "words";
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
}

/// A function with the name of a step: a call is no mention.
fn write(lines: &[String]) -> usize {
    lines.len()
}

/// Not `Debug`, not `PartialEq`: a saga keeps it all the same.
#[derive(Clone, Serialize, Deserialize)]
struct Note {
    text: String,
}

saga! {
    saga Poem(title: String, r#type: String, lines: Vec<String>, note: Note) -> (String, String, Option<Option<u8>>) on Words {
        concurrency allow;
        deadline 5s;

        step write -> Option<Option<u8>> {
            send Write {
                title,
                lines: {
                    let mut written = Vec::new();
                    for line in lines.iter().map(|line| Line { title, line: line.clone() }) {
                        written.push(Line { title, ..line }.line + &note.text);
                        written.extend([title, r#type].map(|word| word.to_uppercase()));
                    }
                    written.push(vec![title, title].concat());
                    written.push(format!("{title}{type}{kind}", kind = title.len()));
                    written
                },
                count: write(&lines) + title.len(),
            };
            await {
                Written { title, line } if title == r#type => { let lines = title; if lines.is_empty() { None } else { line } }
                Written { title: other, .. } if other == title => fail [other, title].concat(),
                Written { mut title, .. } => fail { title.push('!'); title }
            }
            compensate Erase(lines.iter().map(|line| [line.as_str(), &title].concat()).collect(), format!("{write:?}"));
        }

        return (title.clone() + &title, lines.iter().map(|title| title.as_str().trim()).collect(), write);
    }
}

saga! {
    saga Numbered(word: String, word_1: String, count_1: u64) on Words {
        concurrency allow;
        deadline 5s;
        step write {
            send Write { title: word + &word + &word_1 + &word_1, lines: vec![word], count: 0 };
            await Written { .. } => ();
            within { std::time::Duration::from_secs(count_1 + count_1 + word_1.len() as u64) };
            compensate none because "words are cheap";
        }
    }
}

/// Rule: names.owned
#[test]
fn names_that_end_in_numbers_are_names_like_others() {
    let numbered = Numbered { word: "a".to_owned(), word_1: "b".to_owned(), count_1: 2 };
    let plan = Numbered::exchange(&numbered.begin(), At::step(0), None);
    let write = Command::Write { title: "aabb".to_owned(), lines: vec!["a".to_owned()], count: 0 };
    assert_eq!(plan.within, Some(std::time::Duration::from_secs(5)));
    assert_eq!(plan.into_command(), Some(write));
}

struct Line {
    #[expect(dead_code, reason = "that it is filled is what counts")]
    title: String,
    line: String,
}

fn poem() -> Poem {
    let note = Note { text: "!".to_owned() };
    Poem { title: "Ode".to_owned(), r#type: "ode".to_owned(), lines: vec!["a".to_owned()], note }
}

fn hear(state: &mut PoemState, title: &str, line: Option<Option<u8>>) -> Verdict {
    let event = Event::Written { title: title.to_owned(), line };
    Poem::answer(state, At::step(0), None, Heard::Event(&event))
}

/// Rule: names.owned
#[test]
fn a_name_is_there_wherever_and_as_often_as_it_is_mentioned() {
    let command = Poem::exchange(&poem().begin(), At::step(0), None).into_command().expect("a command");
    let lines = ["a!", "ODE", "ODE", "OdeOde", "Odeode3"].map(str::to_owned).to_vec();
    assert_eq!(command, Command::Write { title: "Ode".to_owned(), lines, count: 4 });
}

saga! {
    saga Raw(r#type: String) on Words {
        concurrency allow;
        deadline 5s;
        step r#match -> String {
            send Write { title: r#type, lines: Vec::new(), count: 0 };
            await Written { title, .. } => title;
            compensate Unwrite { title: r#match };
        }
    }
}

#[test]
fn a_raw_name_is_said_without_what_makes_it_raw() {
    let raw = Raw { r#type: "ode".to_owned() };
    assert_eq!(serde_json::to_string(&raw).expect("JSON"), r#"{"type":"ode"}"#);
    assert_eq!(format!("{raw:?}"), r#"Raw { type: "ode" }"#);
    assert_eq!((Raw::DEFINITION.parameters[0].name, Raw::DEFINITION.steps[0].name), ("type", "match"));
    let state = serde_json::to_string(&raw.begin()).expect("JSON");
    assert_eq!(state, r#"{"Match":{"type":"ode","match":[]}}"#);
    assert!(matches!(serde_json::from_str(&state), Ok(RawState::Match { r#type, .. }) if r#type == "ode"));
}

/// Rule: names.shadow
/// Rule: steps.await.in-order
#[test]
fn bindings_of_a_pattern_shadow_names() {
    let mut state = poem().begin();
    assert_eq!(hear(&mut state, "Ode", None), Verdict::Fail("OdeOde".to_owned()));
    assert_eq!(hear(&mut state, "other", None), Verdict::Fail("other!".to_owned()));
    assert_eq!(hear(&mut state, "ode", Some(None)), Verdict::Done);
    assert_eq!(Poem::output(&state), ("OdeOde".to_owned(), "a".to_owned(), Some(None)));
}

/// Rule: values.exactly
#[test]
fn a_value_that_json_cannot_tell_from_another_survives_a_restart() {
    for line in [None, Some(None), Some(Some(5))] {
        let mut state = poem().begin();
        assert_eq!(hear(&mut state, "ode", line), Verdict::Done);
        let json = serde_json::to_string(&state).expect("a state can be written");
        let logged = codec::encode(&state).expect("a state can be written");
        assert_eq!(logged, json, "in the log it looks as everywhere");
        let state: PoemState = codec::decode(&logged).expect("a state can be read");
        assert_eq!(Poem::output(&state).2, line, "{logged}");
        let state: PoemState = serde_json::from_str(&json).expect("a state can be read");
        assert_eq!(Poem::output(&state).2, line, "{json}");
        let erase = Poem::exchange(&Poem::back(state, 0), At::step(0).undo(), None).into_command().expect("a command");
        assert_eq!(erase, Command::Erase(vec!["aOde".to_owned()], format!("{line:?}")));
    }
}
