#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        trigger ;
        concurrency allow;
        deadline 1m;
        step awaited -> u64 {
            send Charge { cents };
            await
            compensate Refund { receipt: awaited };
        }
        step armed -> u64 {
            send Charge { cents };
            await Charged { receipt } =>
            compensate Refund { receipt: armed };
        }
        step shared {
            send Book;
            compensate with;
        }
        step commanded {
            send Book;
            compensate with Refund { receipt: 1 };
        }
        step unsaid {
            send Book;
            compensate ;
        }
        step excused {
            send Book;
            compensate none becuase "it is cheap";
        }
        step typed -> {
            sleep 1s;
        }
        step each for {
            sleep 1s;
        }
        step many for account in vec![1, 2], "all" at once {
            query BalanceOf { account };
        }
        step asked when {
            sleep 1s;
        }
        step refusing {
            send Book;
            await { refused }
            compensate Unbook;
        }
        step failing {
            send Book;
            await { handled => (), timeout => fail, disconnected => retry() }
            within 1s;
            compensate Unbook;
        }
        step sends {
            send
            compensate Unbook;
        }
        step match {
            sleep 1s;
        }
        step last
    }
}

saga! {
    saga Only() on Travel {
        concurrency allow;
        deadline 1m;
        step first
    }
}

fn main() {
    let _: Option<TripState> = None;
    assert!(SagaTest::<Trip>::start(Trip { cents: 1 }).sent().is_empty());
    assert!(SagaTest::<Only>::start(Only {}).sent().is_empty());
}
