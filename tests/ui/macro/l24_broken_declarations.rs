use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};

/// A reply that is misspelt, and attributes without a name.
mod names {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
    #[bus(Travel)]
    pub enum Command {
        #[to()]
        Ask,
        #[to(Host)]
        #[replies(Doen)]
        Tell,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
    #[bus(Travel)]
    pub enum Event {
        Done,
        #[from()]
        Lost,
    }

    pub struct Travel;
    impl Bus for Travel {
        const NAME: &'static str = "travel";
        type Command = Command;
        type Event = Event;
        type Refusal = super::Refusal;
    }

    saga! {
        pub saga Trip() on Travel {
            concurrency allow;
            deadline 1m;
            step tell {
                send Tell;
                await Done => ();
                compensate none because "it is told";
            }
        }
    }
}

/// Commands without a bus.
mod of_no_bus {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
    pub enum Command {
        #[to(Host)]
        #[replies(Done)]
        Ask,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
    #[bus(Travel)]
    pub enum Event {
        Done,
    }

    pub struct Travel;
    impl Bus for Travel {
        const NAME: &'static str = "travel";
        type Command = Command;
        type Event = Event;
        type Refusal = super::Refusal;
    }
}

/// Commands that are no variants.
mod of_no_enum {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
    #[bus(Travel)]
    pub struct Command {
        name: String,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
    #[bus(Travel)]
    pub enum Event {
        Done,
    }

    pub struct Travel;
    impl Bus for Travel {
        const NAME: &'static str = "travel";
        type Command = Command;
        type Event = Event;
        type Refusal = super::Refusal;
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("no")]
pub struct Refusal;

fn main() {}
