#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub struct Fine;

pub struct Nothing;

saga! {
    saga Trip(room: Fine, part: f64, name: String) on Travel {
        concurrency queue per name, room, (name, part), Nothing, nobody;
        deadline 5s;
        step book {
            send Book;
            compensate Unbook;
        }
    }
}

fn main() {}
