#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        concurrency allow;
        deadline 1m;
        step room {
            send Book;
            compensate {
                query BalanceOf { account: 1 };
            }
        }
        step other {
            send Book;
            compensate {
                send Unbook;
                compensate Unbook;
            }
        }
        step third {
            send Book;
            compensate {
                within 5s;
            }
        }
        finally step note {
            send Book;
            compensate Unbook;
        }
        parallel {
            step left {
                send Book;
                compensate Unbook;
            }
            finally step last {
                send Book;
            }
        }
    }

    saga Names(cents: u64) -> u64 on Travel {
        concurrency allow;
        deadline 1m;
        step charge -> u64 {
            send Charge { cents };
            await {
                Charged { receipt } => receipt,
                Declined => fail "declined",
            }
            compensate {
                send Refund { receipt: charge };
                await handled => cause.map_or(0, |_| later);
            }
        }
        step later -> u64 {
            query BalanceOf { account: 1 };
            await Balance { cents } => cents;
        }
        finally step note -> u64 {
            query BalanceOf { account: 1 };
            await Balance { cents } => cents;
        }
        return note;
    }

    saga Idle(cents: u64) on Travel {
        concurrency allow;
        deadline 1m;
        step undone {
            within 3s;
            compensate Unbook;
        }
        step swapped {
            send Book;
            within 3s;
            retry 2 times every 5s..1s;
            compensate Unbook;
        }
        pivot step passes {
            sleep 1s;
        }
    }
}

fn main() {}
