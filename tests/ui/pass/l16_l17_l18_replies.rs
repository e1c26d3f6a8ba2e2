#[path = "../bus.rs"]
mod bus;

use bus::{Event, Travel};
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        concurrency allow;
        deadline 5s;
        step charge -> u64 {
            send Charge { cents };
            await {
                Charged { receipt: 0 } => fail "no receipt",
                Charged { receipt } if receipt > 5 => receipt,
                Charged { receipt } => receipt,
                Declined => 0,
            }
            compensate Refund { receipt: charge };
        }
        step handled_only -> u64 {
            send Charge { cents };
            await handled => 1;
            compensate Refund { receipt: 1 };
        }
        step by_either -> u64 {
            send Charge { cents };
            await {
                whole @ Charged { .. } => match whole {
                    Event::Charged { receipt } => receipt,
                    _ => 0,
                },
                Declined => 0,
                timeout if cents > 5 => 1,
                timeout => 2,
                refused NoFunds if cents > 5 => 3,
                refused NoFunds => 4,
                refused _ => 5,
            }
            within 1s;
            compensate Refund { receipt: 1 };
        }
    }
}

/// A tuple of what takes everything takes everything.
mod tuples {
    use saga_runtime::prelude::*;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
    #[bus(Map)]
    pub enum Command {
        #[to(Walker)]
        #[replies(Found, Lost)]
        #[refuses(Far)]
        #[query]
        Find,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
    #[bus(Map)]
    pub enum Event {
        Found((u32, (u32, bool)), String),
        Lost { at: (u32, u32) },
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
    pub enum Refusal {
        #[error("too far")]
        Far((u32, u32)),
    }

    pub struct Map;
    impl Bus for Map {
        const NAME: &'static str = "map";
        type Command = Command;
        type Event = Event;
        type Refusal = Refusal;
    }

    saga! {
        saga Seek() -> u32 on Map {
            concurrency allow;
            deadline 5s;
            step find -> u32 {
                query Find;
                await {
                    Found((x, (y, _)), ..) => x + y,
                    Lost { at: whole @ (x, ..) } => x + whole.1,
                    refused Far((x, _)) => x,
                }
            }
            return find;
        }
    }
}

fn main() {}
