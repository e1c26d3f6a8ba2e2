//! What a participant may say, as far as its bus declares it.
//!
//! Knows names and declarations only. Whether an answer was asked for is the coordinator's to judge.

use crate::bus::Report;
use crate::message::{Answer, Bus, Command, CommandOf, Event, EventOf, Fate};

/// What one participant may emit and publish.
#[derive(Debug)]
pub(super) struct Rights {
    /// By the event's index: it may be part of an answer.
    emit: Vec<bool>,
    /// By the event's index: it may be published.
    publish: Vec<bool>,
    takes_commands: bool,
    takes_live_only: bool,
}

impl Rights {
    /// The rights of the participant of this name.
    pub(super) fn of<B: Bus>(name: &str) -> Self {
        let own = || CommandOf::<B>::COMMANDS.iter().filter(|command| command.to == name);
        let events = EventOf::<B>::EVENTS;
        let publish: Vec<_> = events.iter().map(|event| event.from == Some(name)).collect();
        let is_reply = |event: &str| own().any(|command| command.replies.contains(&event));
        let emit = events.iter().zip(&publish).map(|(event, own)| *own || is_reply(event.name)).collect();
        let takes_live_only = own().any(|command| command.live_only);
        Self { emit, publish, takes_commands: own().next().is_some(), takes_live_only }
    }

    /// Whether there are commands for it.
    pub(super) fn takes_commands(&self) -> bool {
        self.takes_commands
    }

    /// Whether some of them are worthless later.
    pub(super) fn takes_live_only(&self) -> bool {
        self.takes_live_only
    }

    /// Whether it may say this; otherwise the name of the event that is not its own.
    pub(super) fn check<B: Bus>(&self, report: &Report<B>) -> Result<(), &'static str> {
        match report {
            Report::Published(event) => check(&self.publish, [event]),
            Report::Answered { answer: Answer::Handled(events), .. }
            | Report::Fate { fate: Fate::Done(events), .. } => check(&self.emit, events),
            Report::Answered { .. } | Report::Fate { .. } => Ok(()),
        }
    }
}

fn check<'a, E: Event>(allowed: &[bool], events: impl IntoIterator<Item = &'a E>) -> Result<(), &'static str> {
    let stranger = events.into_iter().find(|event| !allowed.get(event.index()).copied().unwrap_or(false));
    stranger.map_or(Ok(()), |event| Err(event.info().name))
}
