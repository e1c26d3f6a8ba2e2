#[path = "../../tests/ledger/mux.rs"]
mod mux;

use mux::{HostCommand, Mux, Refusal, SrvCommand};
use saga_runtime::prelude::*;

struct Misrouted;

impl Participant for Misrouted {
    type Command = HostCommand;
    const MEMORY: Memory = Memory::Volatile;

    async fn handle(&self, command: HostCommand, _: &Context<Mux>) -> Result<(), Refusal> {
        match command {
            SrvCommand::CreateWorkspace => Ok(()),
            _ => Err(Refusal::Quitting),
        }
    }
}

fn main() {}
