#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;


saga! {
    saga Trip(name: String, part: f64) on Travel {
        concurrency allow;
        deadline 5s;
        step one {
            await Asked { cents } where cents == name => ();
        }
        step two {
            await Asked { cents } where cents == part => ();
        }
    }
}

saga! {
    saga Lacks(part: f64) on scale::Scales {
        concurrency allow;
        deadline 5s;
        step weighed {
            await Weighed { part: of } where of == part => ();
        }
    }
}

mod scale {
    use saga_runtime::prelude::*;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
    #[bus(Scales)]
    pub enum Command {
        #[to(Scale)]
        Weigh,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
    #[bus(Scales)]
    pub enum Event {
        #[from(Scale)]
        Weighed { part: f64 },
    }

    pub struct Scales;
    impl Bus for Scales {
        const NAME: &'static str = "scales";
        type Command = Command;
        type Event = Event;
        type Refusal = String;
    }
}

fn main() {}
