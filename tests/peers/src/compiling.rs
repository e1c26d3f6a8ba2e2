//! What `cargo check` takes of 100 sagas of five steps, beside 100 machines of five states written with statig.
//!
//! Each is a crate of its own, made anew for the measurement. Only that crate counts: what it depends on is built
//! before.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};
use std::{env, fs};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

use crate::table::{Table, Target};

/// Names the crate to check to a child, whose own children are then only those that checked it.
const CHILD: &str = "SAGA_PEERS_CHECK";

/// How many sagas, and how many machines.
const COUNT: usize = 100;

/// The bound of a ratio to statig, and of the time below which no ratio matters.
const AT_MOST: f64 = 1.3;
const FREE: Duration = Duration::from_secs(4);

/// What checking a crate took.
struct Taken {
    cpu: Duration,
    memory: u64,
}

impl Taken {
    fn text(&self) -> String {
        format!("{:.2} s, {} MB", self.cpu.as_secs_f64(), self.memory >> 20)
    }
}

pub(crate) fn measure(table: &mut Table) {
    let runtime = concat!(env!("CARGO_MANIFEST_DIR"), "/../../saga-runtime");
    let sagas = made("sagas", &format!("saga-runtime = {{ path = {runtime:?} }}\nserde = \"1\""), &sagas());
    let machines = made("machines", "statig = \"0.4\"", &machines());
    let median = |place: &Path| {
        // What it depends on is checked here, and neither its time nor its memory counts.
        check(place);
        let mut taken: Vec<_> = (0..3).map(|_| checked(place)).collect();
        taken.sort_by_key(|taken| taken.cpu);
        taken.swap_remove(1)
    };
    let (here, theirs) = (median(&sagas), median(&machines));
    let ratio = here.cpu.as_secs_f64() / theirs.cpu.as_secs_f64();
    let bound = AT_MOST.max(FREE.as_secs_f64() / theirs.cpu.as_secs_f64());
    let what = format!("`cargo check` of {COUNT} sagas of 5 steps (CPU, memory)");
    let beside = format!("{} {COUNT} statig machines of 5 states", theirs.text());
    table.row(&what, &here.text(), &beside, ratio, Target::AtMost((bound * 10.0).round() / 10.0));
}

/// Whether this process is to check a crate and to say what that took.
pub(crate) fn is_child() -> bool {
    env::var_os(CHILD).is_some()
}

/// Checks the crate that the environment names.
pub(crate) fn check_here() {
    let place = PathBuf::from(env::var_os(CHILD).expect("a crate to check"));
    check(&place);
    let taken = used();
    println!("{} {}", taken.cpu.as_micros(), taken.memory);
}

/// What checking this crate takes, told by a process of its own.
fn checked(place: &Path) -> Taken {
    let source = fs::File::options().append(true).open(place.join("src/lib.rs")).expect("its source");
    source.set_modified(SystemTime::now()).expect("a time of change");
    let this = env::current_exe().expect("the path of this program");
    let output = Command::new(this).env(CHILD, place).output().expect("this program runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let numbers: Vec<u64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [micros, memory] = numbers[..] else {
        panic!("checking {} failed:\n{text}{}", place.display(), String::from_utf8_lossy(&output.stderr));
    };
    Taken { cpu: Duration::from_micros(micros), memory }
}

/// Checks all of it, whatever was known of it before.
fn check(place: &Path) {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let checked = Command::new(cargo)
        .args(["check", "--quiet"])
        .env("CARGO_INCREMENTAL", "0")
        .current_dir(place)
        .status()
        .expect("cargo runs");
    assert!(checked.success(), "{} does not compile", place.display());
}

/// What all that was run so far has used: its time, and the memory of the largest process.
fn used() -> Taken {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("a process has used something");
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    let kilobytes = u64::try_from(usage.max_rss()).unwrap_or_default();
    Taken { cpu: Duration::from_micros(u64::try_from(micros).unwrap_or_default()), memory: kilobytes << 10 }
}

/// Writes a crate.
fn made(name: &str, dependencies: &str, source: &str) -> PathBuf {
    let place = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/target/compiling")).join(name);
    fs::create_dir_all(place.join("src")).expect("a place for a crate");
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\n{dependencies}\n\n[workspace]\n"
    );
    fs::write(place.join("Cargo.toml"), manifest).expect("a manifest");
    fs::write(place.join("src/lib.rs"), source).expect("a source");
    place
}

/// A bus, and sagas over it.
fn sagas() -> String {
    let mut source = String::from(
        "use saga_runtime::prelude::*;
         use serde::{Deserialize, Serialize};

         #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
         #[bus(Travel)]
         pub enum Command {
             #[to(Bank)] #[replies(Charged)] #[refuses(NoFunds)] Charge { traveller: String, cents: u64 },
             #[to(Bank)] #[replies(Refunded)] Refund { receipt: u64 },
         }

         #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
         #[bus(Travel)]
         pub enum Event { Charged { receipt: u64 }, Refunded }

         #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
         pub enum Refusal { NoFunds }

         impl std::fmt::Display for Refusal {
             fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(\"no funds\") }
         }

         #[derive(Debug)]
         pub struct Travel;

         impl Bus for Travel {
             const NAME: &'static str = \"travel\";
             type Command = Command;
             type Event = Event;
             type Refusal = Refusal;
         }\n",
    );
    for saga in 0..COUNT {
        let _ = writeln!(
            source,
            "saga! {{ pub saga Trip{saga}(traveller: String, cents: u64) -> u64 on Travel {{ concurrency allow; deadline 1m;"
        );
        for step in 0..5 {
            let _ = writeln!(
                source,
                "step step_{step} -> u64 {{
                    send Charge {{ traveller, cents }};
                    await {{
                        Charged {{ receipt }} => receipt,
                        refused NoFunds => fail format!(\"{{traveller}} has no {{cents}}\"),
                    }}
                    within 10s;
                    compensate Refund {{ receipt: step_{step} }};
                }}"
            );
        }
        source.push_str("return step_4; } }\n");
    }
    source
}

/// Machines that do as little: each state awaits its answer and keeps what came before.
fn machines() -> String {
    let mut source = String::new();
    for machine in 0..COUNT {
        let _ = writeln!(
            source,
            "pub mod trip_{machine} {{
                use statig::prelude::*;
                #[derive(Debug, Clone)]
                pub enum Event {{ Charged {{ receipt: u64 }}, Refused(String), Timeout }}
                #[derive(Debug, Default)]
                pub struct Trip {{ pub traveller: String, pub cents: u64, pub failed: Option<String> }}
                #[state_machine(initial = \"State::step_0(0)\", state(derive(Debug, Clone)))]
                impl Trip {{"
        );
        for step in 0..5 {
            let next = if step == 4 {
                "Handled".to_owned()
            } else {
                format!("Transition(State::step_{}(*receipt))", step + 1)
            };
            let _ = writeln!(
                source,
                "#[state]
                fn step_{step}(&mut self, before: &mut u64, event: &Event) -> Outcome<State> {{
                    match event {{
                        Event::Charged {{ receipt }} => {{ *before += *receipt; {next} }}
                        Event::Refused(reason) => {{
                            self.failed = Some(format!(\"{{}} has no {{}}: {{reason}}\", self.traveller, self.cents));
                            Handled
                        }}
                        Event::Timeout => Super,
                    }}
                }}"
            );
        }
        source.push_str("} }\n");
    }
    source
}
