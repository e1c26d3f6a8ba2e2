#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    pub saag Misspelt(cents: u64) on Travel {
        concurrency allow;
        deadline 1m;
        step pause { sleep 1s; }
    }

    pub saga NoBus(cents: u64) {
        concurrency allow;
        deadline 1m;
        step charge {
            send Charge { cents };
            compensate none because "it is cheap";
        }
    }

    pub saga NoPath(cents: u64) on {
    }

    pub saga Untyped(cents: u64, who) -> String on Travel {
        concurrency allow;
        deadline 1m;
        step charge {
            send Charge { cents };
            compensate none because "it is cheap";
        }
        return who;
    }

    pub saga NoOutput(cents: u64) -> on Travel {
        concurrency allow;
        deadline 1m;
        step pause { sleep 1s; }
        return cents;
    }

    pub saga Keywords(type: u32, fn: u8, crate: u8) on Travel {
        concurrency allow;
        deadline 1m;
        step pause { sleep 1s; }
    }

    pub saga
    saga Whole(cents: u64) on Travel {
        concurrency allow;
        deadline 1m;
        step pause { sleep 1s; }
    }

    saga Unfinished
}

fn all_of_them() {
    SagaTest::<Misspelt>::start(Misspelt { cents: 1 });
    SagaTest::<NoBus>::start(NoBus { cents: 1 });
    SagaTest::<NoPath>::start(NoPath { cents: 1 });
    SagaTest::<Untyped>::start(Untyped { cents: 1, who: String::new() });
    SagaTest::<NoOutput>::start(NoOutput { cents: 1 });
    SagaTest::<Keywords>::start(Keywords { r#type: 1, r#fn: 2, crate_name: 3 });
    SagaTest::<Whole>::start(Whole { cents: 1 });
    SagaTest::<Unfinished>::start(Unfinished {});
    let _ = Coordinator::<Travel>::builder().saga::<NoBus>().saga::<Untyped>().saga::<Whole>();
    let _: Option<(NoBusState, UntypedState, UnfinishedState)> = None;
}

fn main() {}
