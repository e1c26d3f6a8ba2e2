//! The bus that the programs here talk over.

use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
#[bus(Travel)]
pub enum Command {
    #[to(Bank)]
    #[replies(Charged, Declined)]
    #[refuses(NoFunds, Closed)]
    Charge { cents: u64 },
    #[to(Bank)]
    Refund { receipt: u64 },
    #[to(Bank)]
    #[replies(Balance)]
    #[query]
    BalanceOf { account: u64 },
    #[to(Hotel)]
    Book,
    #[to(Hotel)]
    Unbook,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[bus(Travel)]
pub enum Event {
    Charged {
        receipt: u64,
    },
    Declined,
    Balance {
        cents: u64,
    },
    #[from(Desk)]
    Asked {
        cents: u64,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    #[error("no funds")]
    NoFunds,
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
