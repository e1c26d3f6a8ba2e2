//! The bus of the simulation, and sagas of a few shapes over it. They know nothing of being simulated.

use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
#[bus(Shop)]
pub(super) enum Command {
    #[to(Stock)]
    #[replies(Reserved)]
    #[refuses(SoldOut)]
    Reserve { order: u64 },
    #[to(Stock)]
    #[refuses(Closed)]
    Release { order: u64, lot: u64 },
    #[to(Stock)]
    #[replies(Level)]
    #[query]
    LevelOf { order: u64 },
    #[to(Bank)]
    #[replies(Charged)]
    #[refuses(SoldOut, Closed)]
    Charge { order: u64, lot: u64 },
    #[to(Bank)]
    #[refuses(Closed)]
    Refund { receipt: u64 },
    #[to(Carrier)]
    #[replies(Shipped)]
    #[refuses(Closed)]
    Ship { order: u64 },
    #[to(Carrier)]
    #[refuses(Closed)]
    Recall { parcel: u64 },
    #[to(Stock)]
    #[replies(Packed)]
    #[refuses(SoldOut, Closed)]
    Pack { order: u64, item: u64 },
    #[to(Stock)]
    #[refuses(Closed)]
    Unpack { bag: u64 },
    #[to(Carrier)]
    #[replies(Signed)]
    #[refuses(Closed)]
    Sign { order: u64 },
    #[to(Carrier)]
    #[refuses(Closed)]
    Tidy { order: u64 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[bus(Shop)]
pub(super) enum Event {
    Reserved {
        lot: u64,
    },
    Level {
        left: u64,
    },
    Charged {
        receipt: u64,
    },
    Shipped {
        parcel: u64,
    },
    Packed {
        bag: u64,
    },
    Signed {
        seal: u64,
    },
    #[from(Desk)]
    Ordered {
        order: u64,
    },
    #[from(Desk)]
    Approved {
        order: u64,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub(super) enum Refusal {
    #[error("sold out")]
    SoldOut,
    #[error("closed")]
    Closed,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shop;
impl Bus for Shop {
    const NAME: &'static str = "simulated shop";
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
}

saga! {
    /// Three effects, each with what undoes it.
    pub(super) saga Buy(order: u64) -> u64 on Shop {
        concurrency allow;
        deadline 12s;

        step reserve -> u64 {
            send Reserve { order };
            await Reserved { lot } => lot;
            compensate Release { order, lot: reserve };
        }

        step charge -> u64 {
            send Charge { order, lot: reserve };
            await Charged { receipt } => receipt;
            within 1s;
            retry 2 times every 100ms..1s;
            compensate Refund { receipt: charge };
        }

        step ship -> u64 {
            send Ship { order };
            await Shipped { parcel } => parcel;
            within 2s;
            compensate Recall { parcel: ship };
        }

        return ship;
    }

    /// Only looks.
    pub(super) saga Look(order: u64) -> u64 on Shop {
        concurrency allow;
        deadline 8s;

        step level -> u64 {
            query LevelOf { order };
            await Level { left } => left;
            within 500ms;
            retry 3 times every 50ms..500ms;
        }

        return level;
    }

    /// Does not take no for an answer, for a while.
    pub(super) saga Insist(order: u64) -> u64 on Shop {
        concurrency allow;
        deadline 10s;

        step reserve -> u64 {
            send Reserve { order };
            await {
                Reserved { lot } => lot,
                refused SoldOut => retry,
                refused Closed => fail "closed",
            }
            within 700ms;
            retry 5 times every 50ms..400ms;
            compensate Release { order, lot: reserve };
        }

        step ship -> u64 {
            send Ship { order };
            await {
                Shipped { parcel } => parcel,
                disconnected => fail "the carrier is away",
            }
            compensate Recall { parcel: ship };
        }

        return ship;
    }

    /// Begins with what somebody ordered at the desk.
    pub(super) saga Fulfil(order: u64) on Shop {
        trigger Ordered { order };
        concurrency allow;
        deadline 9s;

        step charge -> u64 {
            send Charge { order, lot: 0 };
            await Charged { receipt } => receipt;
            within 1500ms;
            retry 1 times every 200ms..200ms;
            compensate Refund { receipt: charge };
        }

        step ship {
            send Ship { order };
            await Shipped { .. } => ();
            compensate none because "what is shipped is at most late";
        }
    }
}
