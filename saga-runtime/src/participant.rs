//! The other end of the bus: executes commands for one participant, in this process or in another.
//!
//! A participant is written as a type with one function, [`Participant::handle`]. Around it stand the
//! [inbox](crate::inbox), which decides what runs and what is remembered, a driver that moves data between inbox,
//! handlers and the line, and two lines: one for a participant in the coordinator's process ([`spawn`]), one over a
//! pipe. Nothing here knows a saga: a command says whose it is, and that is all.
//!
//! A participant whose effects are rows of a SQLite database is better written as a [`TransactionalParticipant`]: what it
//! does and what it remembers of it commit together, so that each effect is taken exactly once, whatever is killed when.
//!
//! # The contract of a handler
//! Its answer to a command is one of *handled*, with the events that it emitted; *refused*; and *broken*, when it does
//! neither: it panics, drops a [`Reporter`] that has not answered, says *handled* without one of the replies that the
//! command declares, or emits an event that is neither one of them nor declared `#[from]` this participant. Events of
//! a command that is not handled are discarded. The first answer to a command counts, and nothing after it.

mod afterwards;
mod answering;
mod client;
mod context;
mod contract;
mod driver;
mod local;
mod serving;
mod transactional;

#[cfg(test)]
mod test_bus;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::message::{EventOf, Memory, ParticipantCommand, RefusalOf};

pub use client::{ParticipantClient, PublishError, Publisher};
pub use context::{Context, Reporter};
pub use local::spawn;
pub use serving::{ServedBus, Serves};
pub use transactional::{DatabaseError, Failure, Transactional, TransactionalParticipant};

/// Executes the commands that sagas send to it.
///
/// ```
/// # use saga_runtime::participant::{BusOf, Participant, Context};
/// # use saga_runtime::message::{Bus, Memory, ParticipantCommand, RefusalOf};
/// # struct Printer<C>(std::marker::PhantomData<C>);
/// impl<C: ParticipantCommand> Participant for Printer<C> {
///     type Command = C;
///     const MEMORY: Memory = Memory::Volatile;
///
///     async fn handle(&self, command: C, cx: &Context<BusOf<Self>>) -> Result<(), RefusalOf<BusOf<Self>>> {
///         println!("{command:?}, attempt {} for saga {}", cx.attempt(), cx.saga());
///         Ok(())
///     }
/// }
/// ```
pub trait Participant: Send + Sync + 'static {
    /// What it can be asked: the enum that `#[derive(Command)]` generates for it.
    type Command: ParticipantCommand;
    /// What it keeps when its process dies.
    const MEMORY: Memory;

    /// Executes one command. It runs for many commands at once, for one saga's in the order of their arrival, and again
    /// for a further attempt of a command that it refused or broke off.
    ///
    /// # Errors
    /// A refusal says that nothing was done. The events emitted meanwhile are discarded.
    fn handle(
        &self,
        command: Self::Command,
        cx: &Context<BusOf<Self>>,
    ) -> impl Future<Output = Result<(), RefusalOf<BusOf<Self>>>> + Send;
}

/// The bus of a participant.
pub type BusOf<P> = <<P as Participant>::Command as ParticipantCommand>::Bus;

type EventsOf<P> = EventOf<BusOf<P>>;
type RefusalsOf<P> = RefusalOf<BusOf<P>>;

/// How much one participant does at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParticipantOptions {
    /// Handlers that run at the same time.
    pub at_once: usize,
    /// Commands that wait for their turn; further ones are not taken over, and stay with the coordinator.
    pub waiting: usize,
    /// How long running commands have to end when the participant is stopped; then they are cut off.
    pub grace: Duration,
}

impl Default for ParticipantOptions {
    fn default() -> Self {
        Self { at_once: 64, waiting: 1024, grace: Duration::from_secs(10) }
    }
}
