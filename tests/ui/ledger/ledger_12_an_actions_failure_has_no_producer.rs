#[path = "../../tests/ledger/mux.rs"]
mod mux;

use mux::{Event, HostCommand, Mux, Refusal};
use saga_runtime::prelude::*;

struct Host;

impl Participant for Host {
    type Command = HostCommand;
    const MEMORY: Memory = Memory::Volatile;

    async fn handle(&self, command: HostCommand, cx: &Context<Mux>) {
        if let HostCommand::OpenWindow { label } = command {
            cx.emit(Event::WindowOpened { label });
        }
    }
}

struct Other;

impl Participant for Other {
    type Command = HostCommand;
    const MEMORY: Memory = Memory::Volatile;

    async fn handle(&self, command: HostCommand, cx: &Context<Mux>) -> Result<(), Refusal> {
        let label = match command {
            HostCommand::OpenWindow { label } => label,
            _ => String::new(),
        };
        label
    }
}

fn main() {}
