use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
#[bus(Travel)]
pub enum Command {
    #[to(Bank)]
    #[replies(Chargd, Charged)]
    #[refuses(Closd)]
    Charge,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[bus(Travel)]
pub enum Event {
    Charged { receipt: u64 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    #[error("closed")]
    Closed,
}

pub struct Travel;
impl Bus for Travel {
    const NAME: &'static str = "travel";
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
}

fn main() {}
