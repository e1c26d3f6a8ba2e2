#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Queued(account: u64) on Travel {
        concurrency queue;
        deadline 5s;
        step book {
            send Book;
            compensate Unbook;
        }
    }

    saga Replaced(name: String, tags: Vec<Option<u8>>) on Travel {
        concurrency replace per name, (name, tags), format!("{name}"), tags.iter().map(|tag| (tag.is_some(), name)).count(),;
        deadline 5s;
        step book {
            send Book;
            compensate Unbook;
        }
    }

    saga Skipped(name: String) on Travel {
        concurrency skip per 1;
        deadline 5s;
        step book {
            send Book;
            compensate Unbook;
        }
    }

    saga Borrowed(name: String) on Travel {
        concurrency skip per &name, name.as_str(), (1, &name);
        deadline 5s;
        step book {
            send Book;
            compensate Unbook;
        }
    }
}

fn main() {}
