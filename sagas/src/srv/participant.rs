//! The srv as a participant: each command one step of the reducer, in the transaction of its effect. What is to be done
//! with sessions is handed over once that is committed, with the answer to give then.

use saga_runtime::participant::Failure;
use saga_runtime::prelude::*;
use saga_runtime::rusqlite::Transaction;
use tokio::sync::mpsc::UnboundedSender;

use super::reducer::{self, Then};
use super::store::{self, Extent};
use crate::bus::{AgentMux, Refusal, SrvCommand};

/// What is to be done with sessions, and who awaits it.
#[derive(Debug)]
pub struct Order {
    /// What.
    pub then: Then,
    /// Says that it is done, or why not.
    pub reporter: Reporter<AgentMux>,
}

/// The participant that owns workspaces. Its sessions are the business of whoever takes its orders.
#[derive(Debug)]
pub struct Srv {
    orders: UnboundedSender<Order>,
}

impl Srv {
    /// One that gives orders about sessions to the other end of this channel.
    pub fn new(orders: UnboundedSender<Order>) -> Self {
        Self { orders }
    }

    fn order(&self, then: Then, cx: &Context<AgentMux>) {
        let (orders, reporter) = (self.orders.clone(), cx.reporter());
        cx.when_committed(move || {
            // Without anybody who takes it, the command has broken off.
            let _ = orders.send(Order { then, reporter });
        });
    }
}

impl TransactionalParticipant for Srv {
    type Command = SrvCommand;

    fn handle(
        &self,
        command: SrvCommand,
        transaction: &Transaction<'_>,
        cx: &Context<AgentMux>,
    ) -> Result<(), Failure<Refusal>> {
        let extent = Extent::of(&command);
        let decided = store::act(transaction, &extent, |model| reducer::decide(model, &command, cx.mode()))?;
        if let Some(event) = decided.event {
            cx.emit(event);
        }
        if let Some(then) = decided.then {
            self.order(then, cx);
        }
        Ok(())
    }

    /// With the earlier life its sessions have ended, and what a rollback deleted is gone: only what is asked of sessions
    /// that there are now is asked again.
    fn resume(
        &self,
        command: SrvCommand,
        transaction: &Transaction<'_>,
        cx: &Context<AgentMux>,
    ) -> Result<(), Failure<Refusal>> {
        match command {
            SrvCommand::StartSession { .. } | SrvCommand::EndSession { .. } => self.handle(command, transaction, cx),
            SrvCommand::DeleteTab { .. } | SrvCommand::DeleteWorkspace { .. } => Ok(()),
            _ => Err(Failure::NotResumed),
        }
    }
}

#[cfg(test)]
mod tests;
