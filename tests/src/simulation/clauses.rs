//! Sagas of the simulation that, together, have every clause of the language. They know nothing of being simulated.

use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};

use super::sagas::*;

/// Where only one family of sagas is at a time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Dock(u64);

impl Dock {
    pub(super) fn of(order: u64) -> Self {
        Self(order % 2)
    }
}

saga! {
    /// Several at once: items, and steps beside each other.
    pub(super) saga Assemble(order: u64) -> u64 on Shop {
        concurrency allow;
        deadline 15s;

        step bags -> u64 for item in 0..order % 4, 2 at once {
            send Pack { order, item };
            await Packed { bag } => bag;
            within 1500ms;
            retry 1 times every 100ms..100ms;
            compensate Unpack { bag: bags };
        }

        parallel {
            step reserve -> u64 {
                send Reserve { order };
                await Reserved { lot } => lot;
                within 2s;
                compensate Release { order, lot: reserve };
            }
            step ship -> u64 {
                send Ship { order };
                await Shipped { parcel } => parcel;
                compensate Recall { parcel: ship };
            }
            step level -> u64 when order % 2 == 0 {
                query LevelOf { order };
                await Level { left } => left;
                within 1s;
                retry 3 times every 50ms..500ms;
            }
        }

        step charge -> u64 {
            send Charge { order, lot: reserve };
            await Charged { receipt } => receipt;
            within 2s;
            compensate Refund { receipt: charge };
        }

        finally step tidy {
            send Tidy { order };
        }

        return ship + charge + bags.iter().sum::<u64>() + level.unwrap_or_default();
    }

    /// Behind the signature there is no way back; what it did not wait for is settled all the same.
    pub(super) saga Seal(order: u64) -> u64 on Shop {
        concurrency allow;
        deadline 6s;

        step reserve -> Option<u64> {
            send Reserve { order };
            await {
                Reserved { lot } => Some(lot),
                timeout => None,
            }
            within 1s;
            compensate Release { order, lot: reserve.unwrap_or_default() };
        }

        step rest {
            sleep 300ms;
        }

        pivot step sign -> u64 {
            send Sign { order };
            await Signed { seal } => seal;
            within 1s;
            retry 1 times every 100ms..100ms;
        }

        step ship -> u64 {
            send Ship { order };
            await Shipped { parcel } => parcel;
            within 2s;
        }

        finally step tidy for part in 0..2u64 {
            send Tidy { order: order * 10 + part };
        }

        return reserve.unwrap_or_default() + sign + ship;
    }

    /// Goes on without an answer, and waits for what somebody says at the desk.
    pub(super) saga Approve(order: u64) -> bool on Shop {
        concurrency allow;
        deadline 14s;

        step reserve -> Option<u64> {
            send Reserve { order };
            await {
                Reserved { lot } => Some(lot),
                timeout => None,
            }
            within 400ms;
            compensate Release { order, lot: reserve.unwrap_or_default() };
        }

        step ship -> u64 {
            send Ship { order };
            await {
                Approved { order: which } where which == order => 0,
                Shipped { parcel } => parcel,
            }
            compensate Recall { parcel: ship };
        }

        step approval -> bool {
            await {
                Approved { order: which } where which == order => true,
                timeout => false,
            }
            within 3s;
        }

        step charge -> u64 {
            send Charge { order, lot: reserve.unwrap_or_default() };
            await Charged { receipt } => receipt;
            within 1s;
            compensate Refund { receipt: charge };
        }

        finally step tidy {
            send Tidy { order };
        }

        return approval && charge > 0;
    }

    /// Runs two others, on the dock that it holds and on the other one.
    pub(super) saga Family(order: u64) -> u64 on Shop {
        concurrency queue per Dock::of(order);
        deadline 16s;

        step first -> u64 {
            run Errand { order };
            compensate unwind;
        }

        step second -> u64 when order % 3 != 0 {
            run Errand { order: order + 1 };
            compensate unwind;
        }

        step ship -> u64 {
            send Ship { order };
            await Shipped { parcel } => parcel;
            within 2s;
            compensate Recall { parcel: ship };
        }

        return first + second.unwrap_or_default() + ship;
    }

    /// One errand at a dock.
    pub(super) saga Errand(order: u64) -> u64 on Shop {
        concurrency queue per Dock::of(order);
        deadline 9s;

        step reserve -> u64 {
            send Reserve { order };
            await Reserved { lot } => lot;
            within 3s;
            compensate Release { order, lot: reserve };
        }

        finally step tidy {
            send Tidy { order };
        }

        return reserve;
    }
}

/// How many exchanges a step of one of these sagas has.
pub(super) fn exchanges(saga: &str, step: &str, order: u64) -> u32 {
    match (saga, step) {
        ("assemble", "bags") => (order % 4) as u32,
        ("assemble", "level") => u32::from(order.is_multiple_of(2)),
        ("family", "second") => u32::from(!order.is_multiple_of(3)),
        ("seal", "tidy") => 2,
        _ => 1,
    }
}

/// At which dock a saga is, if it is at one.
pub(super) fn dock(saga: &str, order: u64) -> Option<Dock> {
    matches!(saga, "family" | "errand").then(|| Dock::of(order))
}

/// Whether a saga awaits that this order is approved.
pub(super) fn awaits_approval(saga: &str) -> bool {
    saga == "approve"
}
