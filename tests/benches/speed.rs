//! How fast it is: one command, one table, every figure beside its wall from the same run.
//!
//! `cargo bench -p saga-tests`, or with the names of parts: `cargo bench -p saga-tests -- durable socket`. Sizes are
//! multiplied by `SAGA_BENCH_SIZE` (1 when not set). What the figures say stands in `docs/performance.md`.
//!
//! | module | what is measured |
//! |---|---|
//! | `transition` | the transitions of a linear saga, beside a `match` by hand |
//! | `deciding` | one event, beside an ideal index with an enum behind it |
//! | `whole` | whole sagas in one process, the log in memory |
//! | `durable` | whole sagas on SQLite, beside raw commits and rows; the way back |
//! | `deleting` | `DeleteBlock` of the catalogue over two databases, beside the transactions that they need |
//! | `socket` | whole sagas over a local socket, beside raw round trips |
//! | `memory` | what a waiting saga takes, and what an ended one leaves |
//! | `recovery` | taking up sagas in flight, beside reading their rows |

#[path = "speed/deciding.rs"]
mod deciding;
#[path = "speed/deleting.rs"]
mod deleting;
#[path = "speed/durable.rs"]
mod durable;
#[path = "speed/job.rs"]
mod job;
#[path = "speed/measure.rs"]
mod measure;
#[path = "speed/memory.rs"]
mod memory;
#[path = "speed/needed.rs"]
mod needed;
#[path = "speed/raw.rs"]
mod raw;
#[path = "speed/recovery.rs"]
mod recovery;
#[path = "speed/socket.rs"]
mod socket;
#[path = "speed/table.rs"]
mod table;
#[path = "speed/transition.rs"]
mod transition;
#[path = "speed/whole.rs"]
mod whole;

use table::Table;

/// A part of the table, by its name.
type Part = (&'static str, fn(&mut Table));

const PARTS: [Part; 8] = [
    ("transition", transition::measure),
    ("deciding", deciding::measure),
    ("whole", whole::measure),
    ("durable", durable::measure),
    ("deleting", deleting::measure),
    ("socket", socket::measure),
    ("memory", memory::measure),
    ("recovery", recovery::measure),
];

fn main() {
    if memory::is_child() {
        return memory::measure_here();
    }
    let wanted: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let mut table = Table::begin();
    for (name, measure) in PARTS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            measure(&mut table);
        }
    }
    table.end();
}
