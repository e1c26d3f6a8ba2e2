use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
#[bus(Travel)]
pub enum Command {
    Nobody,
    #[to(Bank, Hotel)]
    Two,
    #[to(Bank)]
    #[replies]
    Empty,
    #[to(Bank)]
    #[to(Bank)]
    Again,
    #[to(Bank)]
    #[query(yes)]
    Asks,
    #[to(Bank)]
    #[harmless]
    Later,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[bus(Travel)]
pub enum Event {
    #[from(Bank)]
    Fine,
    NeverSaid,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub enum WithoutBus {
    #[to(Desk)]
    Fine,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Refusal;

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no")
    }
}

pub struct Travel;
impl Bus for Travel {
    const NAME: &'static str = "travel";
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
}

fn main() {}
