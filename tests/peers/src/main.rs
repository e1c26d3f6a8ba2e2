//! The table of `cargo bench -p saga-tests`, and beside it what another does with the same job.
//!
//! `cargo run --release` in this directory prints all of it; with the names of parts, those:
//! `cargo run --release -- peers durable`. Sizes are multiplied by `SAGA_BENCH_SIZE` (1 when not set). What the figures
//! say stands in `docs/performance.md`.
//!
//! The walls (the ideal index, raw SQLite, raw sockets) and this runtime's own figures are measured by the very code of
//! the benches; only `deleting` is left out, which needs the catalogue. `peers` adds steno, with its store in memory and
//! with one on SQLite; `compiling` what the compiler takes of sagas, beside machines written with statig.

mod compiling;
#[path = "../../benches/speed/deciding.rs"]
mod deciding;
#[path = "../../benches/speed/durable.rs"]
mod durable;
#[path = "../../benches/speed/job.rs"]
mod job;
#[path = "../../benches/speed/measure.rs"]
mod measure;
#[path = "../../benches/speed/memory.rs"]
mod memory;
mod peers;
#[path = "../../benches/speed/raw.rs"]
mod raw;
#[path = "../../benches/speed/recovery.rs"]
mod recovery;
#[path = "../../benches/speed/socket.rs"]
mod socket;
#[path = "../../benches/speed/table.rs"]
mod table;
#[path = "../../benches/speed/transition.rs"]
mod transition;
#[path = "../../benches/speed/whole.rs"]
mod whole;

use table::Table;

/// A part of the table, by its name.
type Part = (&'static str, fn(&mut Table));

const PARTS: [Part; 9] = [
    ("transition", transition::measure),
    ("deciding", deciding::measure),
    ("whole", whole::measure),
    ("durable", durable::measure),
    ("socket", socket::measure),
    ("memory", memory::measure),
    ("recovery", recovery::measure),
    ("peers", peers::measure),
    ("compiling", compiling::measure),
];

fn main() {
    if memory::is_child() {
        return memory::measure_here();
    }
    if compiling::is_child() {
        return compiling::check_here();
    }
    let wanted: Vec<_> = std::env::args().skip(1).collect();
    let mut table = Table::begin();
    for (name, measure) in PARTS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            measure(&mut table);
        }
    }
    table.end();
}
