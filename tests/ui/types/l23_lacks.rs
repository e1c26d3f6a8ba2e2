#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

pub struct Nothing;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub struct Fine;

saga! {
    saga Trip(handle: std::rc::Rc<u8>, cents: u64, gone: Missing) -> Fine on Travel {
        concurrency allow;
        deadline 5s;
        step book -> Nothing {
            send Book;
            await handled => Nothing;
            compensate Unbook;
        }
        return Fine;
    }
}

fn main() {}
