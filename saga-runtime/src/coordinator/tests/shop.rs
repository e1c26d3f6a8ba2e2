//! A bus of a shop, its sagas, and a participant whose answers a test decides.

use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::prelude::*;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
#[bus(Shop)]
pub(super) enum Command {
    #[to(Depot)]
    #[replies(Reserved)]
    #[refuses(SoldOut)]
    Reserve { item: String },
    #[to(Depot)]
    Release { item: String },
    #[to(Depot)]
    #[replies(Shipped)]
    #[refuses(SoldOut)]
    Ship { item: String },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[bus(Shop)]
pub(super) enum Event {
    Reserved {
        shelf: u32,
    },
    Shipped,
    #[from(Depot)]
    Ordered {
        item: String,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub(super) enum Refusal {
    #[error("sold out")]
    SoldOut,
}

pub(super) struct Shop;
impl Bus for Shop {
    const NAME: &'static str = "shop";
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
}

saga! {
    /// Sells one thing.
    pub(super) saga Sell(item: String) -> u32 on Shop {
        trigger Ordered { item };
        concurrency allow;
        deadline 1h;

        step reserve -> u32 {
            send Reserve { item };
            await Reserved { shelf } => shelf;
            compensate Release { item };
        }

        step ship {
            send Ship { item };
            await Shipped => ();
            compensate none because "what is shipped is gone";
        }

        return reserve;
    }
}

/// A depot: counts what it does, refuses to ship what is `bad`, and waits with everything while it is closed.
#[derive(Clone)]
pub(super) struct Depot {
    pub(super) done: Arc<Mutex<Vec<Command>>>,
    open: watch::Sender<bool>,
}

impl Depot {
    pub(super) fn open() -> Self {
        Self { done: Arc::default(), open: watch::channel(true).0 }
    }

    pub(super) fn closed() -> Self {
        Self { done: Arc::default(), open: watch::channel(false).0 }
    }

    /// Lets every handler go on.
    pub(super) fn unlock(&self) {
        self.open.send_replace(true);
    }

    pub(super) fn done(&self) -> Vec<Command> {
        self.done.lock().expect("no handler panics").clone()
    }
}

impl Participant for Depot {
    type Command = DepotCommand;
    const MEMORY: Memory = Memory::Volatile;

    async fn handle(&self, command: DepotCommand, cx: &Context<Shop>) -> Result<(), Refusal> {
        let mut open = self.open.subscribe();
        let _ = open.wait_for(|open| *open).await;
        match &command {
            DepotCommand::Reserve { .. } => cx.emit(Event::Reserved { shelf: 4 }),
            DepotCommand::Release { item } if item == "cursed" => panic!("nothing releases it"),
            DepotCommand::Release { .. } => {}
            DepotCommand::Ship { item } if item == "bad" || item == "cursed" => return Err(Refusal::SoldOut),
            DepotCommand::Ship { .. } => cx.emit(Event::Shipped),
        }
        self.done.lock().expect("no handler panics").push(command.into());
        Ok(())
    }
}

pub(super) fn sell(item: &str) -> Sell {
    Sell { item: item.to_owned() }
}
