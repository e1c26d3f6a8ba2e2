//! Who may connect: judges a hello before anything else is read.
//!
//! Knows names, roles and fingerprints; knows nothing of what is said afterwards.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::timeout;

use super::connection::{Connection, Fault};
use super::frame::{ErrorCode, Frame, Hello, PROTOCOL, Role};
use super::line::Identity;
use super::rights::Rights;
use crate::message::Bus;

/// Bytes. Longer names and sessions are nobody's.
const MAX_NAME: usize = 128;
/// Bytes. Whoever takes less cannot even be told why it is refused.
const MIN_FRAME: usize = 1024;

/// What a hello is judged by.
pub(super) struct Gate {
    identity: Arc<Identity>,
    /// Who may connect, and whether there are commands for it.
    participants: BTreeMap<&'static str, bool>,
}

/// Somebody who was turned away.
pub(super) struct Turned {
    /// The name that it gave, or what the operating system says of it.
    pub(super) who: String,
    pub(super) fault: Fault,
}

impl Gate {
    pub(super) fn new<B: Bus>(identity: Arc<Identity>, participants: &[&'static str]) -> Self {
        let takes_commands = |name: &&'static str| (*name, Rights::of::<B>(name).takes_commands());
        Self { identity, participants: participants.iter().map(takes_commands).collect() }
    }

    /// Reads the hello and judges it.
    pub(super) async fn admit(&self, connection: &mut Connection) -> Result<Hello, Turned> {
        let peer = connection.peer();
        let turned = |fault| Turned { who: peer.to_string(), fault };
        if !peer.is_same_user {
            return Err(turned(Fault::new(ErrorCode::WrongUser, "this bus belongs to another user")));
        }
        let limit = self.identity.options.handshake;
        let hello = timeout(limit, first_frame(connection))
            .await
            .unwrap_or_else(|_| Err(Fault::new(ErrorCode::NoHello, format!("no hello came within {limit:?}"))))
            .map_err(turned)?;
        match self.judge(&hello) {
            Ok(()) => Ok(hello),
            Err(fault) => {
                let name = hello.participant.chars().take(MAX_NAME).collect::<String>();
                Err(Turned { who: format!("`{name}` ({peer})"), fault })
            }
        }
    }

    fn judge(&self, hello: &Hello) -> Result<(), Fault> {
        if hello.protocol != PROTOCOL {
            let message = format!("the coordinator speaks protocol {PROTOCOL}, and this process {}", hello.protocol);
            return Err(Fault::new(ErrorCode::OtherProtocol, message));
        }
        judge_shape(hello)?;
        self.judge_bus(hello)?;
        self.judge_role(hello)
    }

    fn judge_bus(&self, hello: &Hello) -> Result<(), Fault> {
        let Identity { bus, fingerprint, .. } = &*self.identity;
        let says_nothing = hello.bus.is_empty() && hello.fingerprint.is_empty();
        let says_the_same = hello.bus == *bus && hello.fingerprint == *fingerprint;
        if says_the_same || (says_nothing && hello.role == Role::Subscriber) {
            return Ok(());
        }
        Err(Fault::new(
            ErrorCode::OtherBus,
            format!(
                "the coordinator speaks bus `{bus}` ({fingerprint}), and `{}` speaks `{}` ({}); build both from the \
                 same declarations",
                hello.participant, hello.bus, hello.fingerprint
            ),
        ))
    }

    fn judge_role(&self, hello: &Hello) -> Result<(), Fault> {
        let name = &hello.participant;
        let message = match (hello.role, self.participants.get(name.as_str())) {
            (Role::Subscriber, _) | (Role::Participant, Some(_)) | (Role::Publisher, Some(false)) => return Ok(()),
            (Role::Publisher, Some(true)) => format!("there are commands for `{name}`; connect as a participant"),
            (Role::Participant | Role::Publisher, None) => {
                format!("`{name}` is not expected here; those who may connect: {}", self.names())
            }
        };
        Err(Fault::new(ErrorCode::NotAllowed, message))
    }

    fn names(&self) -> String {
        self.participants.keys().copied().collect::<Vec<_>>().join(", ")
    }
}

/// The last number that a session can reach in JSON of any language.
const LAST_NUMBER: u64 = (1 << 53) - 1;

fn judge_shape(hello: &Hello) -> Result<(), Fault> {
    let lengths = 1..=MAX_NAME;
    let message = if !lengths.contains(&hello.participant.len()) || !lengths.contains(&hello.session.len()) {
        format!("`participant` and `session` must have 1 to {MAX_NAME} bytes")
    } else if hello.position.as_ref().is_some_and(|position| position.len() > MAX_NAME) {
        format!("`position` must have at most {MAX_NAME} bytes")
    } else if hello.max_frame < MIN_FRAME {
        format!("`max_frame` must be at least {MIN_FRAME} bytes")
    } else if hello.role == Role::Participant && hello.memory.is_none() {
        "a participant must say its `memory`".to_owned()
    } else if hello.acknowledged.max(hello.sent) > LAST_NUMBER {
        format!("`acknowledged` and `sent` must be at most {LAST_NUMBER}")
    } else {
        return Ok(());
    };
    Err(Fault::new(ErrorCode::Malformed, message))
}

async fn first_frame(connection: &mut Connection) -> Result<Hello, Fault> {
    loop {
        if let Some(frame) = connection.next_frame()? {
            return match frame {
                Frame::Hello(hello) => Ok(*hello),
                other => Err(Fault::unexpected(&other)),
            };
        }
        // A connection that ends before its hello was somebody who only looked whether anybody is there.
        let lost = |lost: super::connection::Lost| Fault::new(ErrorCode::NoHello, lost.to_string());
        connection.turn(true).await.map_err(lost)?;
    }
}
