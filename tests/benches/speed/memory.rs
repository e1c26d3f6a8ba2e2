//! What a waiting saga takes of memory, and what an ended one leaves: the resident set of a process that does nothing
//! else, so that nothing freed before hides it.

use std::process::Command;

use saga_runtime::bus::Report;
use saga_runtime::machine::{Decision, Input, Machine, NewSaga};
use saga_runtime::message::{Answer, At, ExchangeKey, LogId, SagaId};
use saga_runtime::prelude::*;
use saga_runtime::time::Timestamp;

use super::job::{PoolRespawnOnPromote, Works, coordinator, one_thread, run};
use super::measure::sized;
use super::table::{Table, Target};

/// Says to this program what to measure, and that it is the child.
const CHILD: &str = "SAGA_BENCH_MEMORY";
const LOG: LogId = LogId::from_bits(1);

pub(crate) fn measure(table: &mut Table) {
    let number = sized(1_000_000);
    let waiting = in_a_child("waiting");
    let what = format!("memory of a waiting `PoolRespawnOnPromote`, {number} in flight");
    table.row(&what, &format!("{waiting:.0} B"), "bytes in the machine", waiting, Target::AtMost(400.0));
    let ended = in_a_child("ended");
    table.row(
        "memory kept of an ended one",
        &format!("{ended:.2} B"),
        "bytes in the machine",
        ended,
        Target::AtMost(0.5),
    );
    let whole = in_a_child("whole");
    let what = "memory kept of an ended job, whole coordinator";
    table.row(what, &format!("{whole:.0} B"), "bytes, log in SQLite", whole, Target::AtMost(0.5));
}

pub(crate) fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// What the child does.
pub(crate) fn measure_here() {
    let bytes = match std::env::var(CHILD).unwrap_or_default().as_str() {
        "waiting" => waiting(),
        "ended" => ended(),
        _ => whole(),
    };
    println!("{bytes}");
}

fn in_a_child(what: &str) -> f64 {
    let program = std::env::current_exe().expect("a program knows where it is");
    let output = Command::new(program).env(CHILD, what).output().expect("it starts again");
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("the child prints a number")
}

/// Bytes that this process has in memory.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/smaps_rollup").expect("Linux tells it");
    let line = status.lines().find_map(|line| line.strip_prefix("Rss:")).expect("it has a resident set");
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").trim().parse().expect("a number of kilobytes");
    kilobytes * 1024.0
}

fn machine() -> Machine<Works> {
    let mut machine = Machine::new(LOG, SagaId::FIRST, 1);
    machine.register::<PoolRespawnOnPromote>().expect("the only one");
    machine.step(Input::Connected { participant: "host", resumed: true }, Timestamp::EPOCH, &mut Vec::new());
    machine
}

fn start(machine: &mut Machine<Works>, decisions: &mut Vec<Decision<Works>>) {
    let input = Box::new(PoolRespawnOnPromote { promoted_label: "w1".to_owned() });
    let saga = NewSaga::Typed { name: PoolRespawnOnPromote::DEFINITION.name, input };
    machine.step(Input::Start { saga, key: None, token: 0 }, Timestamp::EPOCH, decisions);
    decisions.clear();
}

fn waiting() -> f64 {
    let (number, mut machine, mut decisions) = (sized(1_000_000), machine(), Vec::new());
    start(&mut machine, &mut decisions);
    let before = resident();
    (1..number).for_each(|_| start(&mut machine, &mut decisions));
    (resident() - before) / number as f64
}

fn ended() -> f64 {
    let (number, mut machine, mut decisions) = (sized(1_000_000), machine(), Vec::new());
    let mut saga = SagaId::FIRST;
    let mut turn = |machine: &mut Machine<Works>| {
        start(machine, &mut decisions);
        let key = ExchangeKey { log: LOG, saga, at: At::step(0) };
        let answer = Answer::Handled(vec![super::job::Event::PoolWindowAdded { label: "w2".to_owned() }]);
        let report = Report::Answered { key, attempt: 1, answer };
        machine.step(Input::Report { participant: "host", report }, Timestamp::EPOCH, &mut decisions);
        decisions.clear();
        saga = saga.next();
        assert!(machine.is_empty(), "a saga that was answered has ended");
    };
    (0..1000).for_each(|_| turn(&mut machine));
    let before = resident();
    (0..number).for_each(|_| turn(&mut machine));
    (resident() - before) / number as f64
}

/// After as many again, so that what only has to be warm is.
fn whole() -> f64 {
    let directory = tempfile::tempdir().expect("a directory for a while");
    let log = SqliteLog::open(directory.path().join("sagas.db")).expect("the directory can be written");
    let jobs = sized(40_000);
    one_thread().block_on(async {
        let coordinator = coordinator(log).await;
        run(&coordinator, jobs, 1000, true).await;
        let before = resident();
        run(&coordinator, jobs, 1000, true).await;
        (resident() - before) / jobs as f64
    })
}
