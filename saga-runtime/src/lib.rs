//! Sagas as lists of steps that can be undone.
//!
//! A *saga* is a flow across processes: send a command, await the answer, and if a later step fails, compensate what
//! took effect, in reverse. It is written with [`saga!`] and executed by a [`Coordinator`](coordinator::Coordinator)
//! over a bus, with a durable log.
//!
//! # Layout
//!
//! | module | what it is for |
//! |---|---|
//! | [`definition`] | the inert description of a saga: documentation, diagrams, checks and the machine read it |
//! | [`message`] | what can be said on a bus, by whom, to whom; keys and ids |
//! | [`mod@saga`] | the trait that [`saga!`] implements: a transition function, pure |
//! | [`machine`] | the whole meaning of the language as a pure state machine over all sagas in flight |
//! | [`codec`] | JSON from which every value reads back exactly as it was |
//! | [`log`] | the saga log: a trait with its promises, two implementations, a conformance suite |
//! | [`bus`] | what passes between the coordinator and one participant |
//! | [`inbox`] | the other end of the bus, pure: what a participant remembers and runs |
//! | [`participant`] | executes commands for one participant, in this process or in another |
//! | [`pipe`] | frames, sessions and sockets between processes |
//! | [`coordinator`] | the loop: decide, record, act |
//! | [`notice`] | what is told to whoever watches, and what they make of it |
//! | [`mod@test`] | tests of a saga without coordinator, clock or thread |
//! | [`operator`] | what an operator's program says to a running coordinator, over a socket of its own |
//! | [`docs`] | the page of a saga, made of its definition |
//! | [`cli`] | the command line that any catalogue can mount |
//!
//! `definition, message ← machine ← coordinator → log, pipe`; nothing points back.

// So that what `saga!` and the derives expand to (`::saga_runtime::…`) also resolves in here.
#[allow(unused_extern_crates, reason = "only the tests in here expand sagas")]
extern crate self as saga_runtime;

pub mod bus;
pub mod catalogue;
pub mod cause;
pub mod cli;
pub mod codec;
pub mod coordinator;
pub mod definition;
pub mod docs;
#[doc(hidden)]
pub mod expansion;
pub mod inbox;
pub mod lock;
pub mod log;
pub mod machine;
pub mod message;
pub mod notice;
pub mod operator;
pub mod participant;
mod patience;
pub mod pipe;
#[doc(hidden)]
pub mod planted;
mod redaction;
pub mod saga;
pub mod test;
pub mod time;

/// The SQLite in whose transactions a [`TransactionalParticipant`](participant::TransactionalParticipant) works.
pub use rusqlite;
pub use saga_macros::{Command, Event, saga};

/// Everything that authors of sagas and of their tests need: `use saga_runtime::prelude::*;`.
pub mod prelude {
    pub use crate::cause::{Cause, CauseKind, EndedBy, Outcome};
    pub use crate::coordinator::{CallError, Coordinator, Handle, Notices, Settled};
    pub use crate::log::{MemoryLog, SagaLog, SqliteLog};
    pub use crate::machine::{CancelReply, Operator};
    // By their methods only: an author's own `Command` and `Event` keep their names, also when they are glob-imported.
    pub use crate::message::{Bus, Command as _, Event as _, Fate, Memory, Mode, SagaId};
    pub use crate::notice::Notice;
    pub use crate::participant::{
        Context, Participant, ParticipantClient, ParticipantOptions, Reporter, Transactional, TransactionalParticipant,
    };
    pub use crate::pipe::Endpoint;
    pub use crate::saga::Saga;
    pub use crate::test::SagaTest;
    pub use crate::test::explore::{Explored, Fault, explore, explore_among};
    pub use saga_macros::{Command, Event, saga};
}

#[doc(hidden)]
pub use expansion as __private;
