//! The host as a participant: its commands, and what it does for each.

use saga_runtime::prelude::*;

use super::Host;
use super::windows::Place;
use crate::bus::{AgentMux, Event, HostCommand, Refusal};

impl Participant for Host {
    type Command = HostCommand;
    const MEMORY: Memory = Memory::Volatile;

    async fn handle(&self, command: HostCommand, cx: &Context<AgentMux>) -> Result<(), Refusal> {
        let asked_by = cx.key().to_string();
        let reply = match command {
            HostCommand::SpawnPoolWindow => {
                let label = self.spawn(Place::Pool, &asked_by).await?;
                Event::PoolWindowAdded { label }
            }
            HostCommand::SpawnWindow => {
                let label = self.spawn(Place::Desk, &asked_by).await?;
                Event::WindowOpened { label }
            }
            HostCommand::CloseWindow { label } => return self.close(&label, cx.mode()),
            HostCommand::ReapPanes { label } => {
                self.reap(&label).await?;
                Event::PanesReaped
            }
            HostCommand::DrainPoolIfLast { label: _ } if self.drain_if_last() => Event::PoolDrained,
            HostCommand::DrainPoolIfLast { label: _ } => Event::PoolNotLast,
        };
        cx.emit(reply);
        Ok(())
    }
}
