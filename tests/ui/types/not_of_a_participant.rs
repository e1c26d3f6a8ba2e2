#[path = "../bus.rs"]
mod bus;

use bus::{Command, Refusal, Travel};
use saga_runtime::prelude::*;

struct Everyone;

impl Participant for Everyone {
    type Command = Command;
    const MEMORY: Memory = Memory::None;
    async fn handle(&self, _: Command, _: &Context<Travel>) -> Result<(), Refusal> {
        Ok(())
    }
}

fn main() {
    let _ = Coordinator::<Travel>::builder().saga::<Travel>();
}
