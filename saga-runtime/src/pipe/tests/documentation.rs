//! The frames that `docs/protocol.md` shows are frames, and what is in them is what it says.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::message::{Bus, Command, CommandInfo, Event, EventInfo};
use crate::notice::{Position, Snapshot, Told};
use crate::pipe::body::{decode_delivery, decode_report};
use crate::pipe::frame::{Frame, FrameDecoder, Limits};

const PAGE: &str = include_str!("../../../../docs/protocol.md");

/// A bus on which anything may be said.
pub struct Anything;

impl Bus for Anything {
    const NAME: &'static str = "anything";
    type Command = Value;
    type Event = Value;
    type Refusal = Value;
}

impl Command for Value {
    type Bus = Anything;
    const COMMANDS: &'static [CommandInfo] = &[];

    fn index(&self) -> usize {
        0
    }
}

impl Event for Value {
    type Bus = Anything;
    const EVENTS: &'static [EventInfo] = &[];

    fn index(&self) -> usize {
        0
    }
}

/// The lines of all blocks of JSON.
fn shown() -> impl Iterator<Item = &'static str> {
    PAGE.split("```json\n").skip(1).filter_map(|block| block.split("```").next()).flat_map(str::lines)
}

/// All that is shown is understood, and nothing else is needed.
fn assert_is<T: DeserializeOwned + Serialize>(line: &str, body: &str) {
    let read: T = serde_json::from_str(body).unwrap_or_else(|error| panic!("{line}: {error}"));
    let [written, shown] = [serde_json::to_value(&read), serde_json::from_str(body)].map(|json| json.expect("JSON"));
    assert_eq!(written, shown);
}

#[test]
fn every_frame_that_is_shown_is_one() {
    let mut names = Vec::new();
    for line in shown() {
        let mut decoder = FrameDecoder::new(Limits::default());
        decoder.push(format!("{line}\n").as_bytes());
        let frame = decoder.next_frame().unwrap_or_else(|error| panic!("{line}: {error}")).expect("a whole frame");
        names.push(frame.name());
        match frame {
            Frame::Message(message) => {
                let is_delivery = decode_delivery::<Anything>(message.body).is_ok();
                let is_report = decode_report::<Anything>(message.body).is_ok();
                assert!(is_delivery != is_report, "{line}");
            }
            Frame::Snapshot(body) => assert_is::<Snapshot>(line, body.get()),
            Frame::Notice(body) => assert_is::<Told>(line, body.get()),
            Frame::Hello(hello) => {
                let position = hello.position.map(|position| position.parse::<Position>()).transpose();
                assert!(position.is_ok(), "{line}");
            }
            _ => {}
        }
    }
    for name in ["hello", "welcome", "message", "ack", "ping", "pong", "error", "snapshot", "notice"] {
        assert!(names.contains(&name), "`{name}` is not shown");
    }
}
