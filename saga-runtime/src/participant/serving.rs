//! What a line needs of a participant, whatever that remembers and however it runs its handlers.

use crate::bus::{Delivery, Horizon, Report};
use crate::message::{Bus, Memory, ParticipantCommand};

use super::driver::Driver;
use super::{Participant, ParticipantOptions};

/// What can be served over a line: every [`Participant`], and a [`Transactional`](super::Transactional) one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no participant",
    note = "implement `Participant` for it; or `TransactionalParticipant`, and wrap it in `Transactional::new(…)`"
)]
pub trait Serves: Send + 'static {
    /// What it can be asked.
    type Command: ParticipantCommand;
    /// What it keeps when its process dies.
    const MEMORY: Memory;

    #[doc(hidden)]
    type Driver: Drive<ServedBus<Self>>;
    #[doc(hidden)]
    fn driver(self, options: ParticipantOptions) -> Self::Driver;
}

/// The bus of whoever is served.
pub type ServedBus<P> = <<P as Serves>::Command as ParticipantCommand>::Bus;

impl<P: Participant> Serves for P {
    type Command = P::Command;
    const MEMORY: Memory = P::MEMORY;
    type Driver = Driver<P>;

    fn driver(self, options: ParticipantOptions) -> Driver<P> {
        Driver::new(self, options)
    }
}

/// A participant at work, as its line sees it.
pub trait Drive<B: Bus>: Send + 'static {
    /// Whether a delivery may be taken over.
    fn has_room(&self) -> bool;
    /// The next thing to tell the coordinator.
    fn next_report(&mut self) -> Option<Report<B>>;
    /// Waits until something was done, and does what follows. May be dropped at any time.
    fn hear(&mut self) -> impl Future<Output = ()> + Send;
    /// Takes a delivery over, and does what follows.
    fn take(&mut self, delivery: Delivery<B>, horizon: &Horizon);
    /// From now on nothing more is started, and what runs has [`ParticipantOptions::grace`] to end.
    fn stop(&mut self);
    /// After a stop: as [`Drive::hear`]. False when nothing is left to wait for, or its time is over.
    fn hear_last(&mut self) -> impl Future<Output = bool> + Send;
    /// Why it cannot go on, if it cannot.
    fn failure(&self) -> Option<&str>;
}
