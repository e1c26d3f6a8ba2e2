#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

/// Neither `Debug` nor `PartialEq`.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub struct Fine;

saga! {
    saga Trip(cents: Vec<Option<Fine>>) -> Fine on Travel {
        concurrency allow;
        deadline 5s;
        step book -> Fine {
            send Book;
            await handled => Fine;
            compensate Unbook;
        }
        return book;
    }
}

fn main() {}
