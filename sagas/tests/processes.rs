//! The programs as processes: started as a user starts them, killed as nobody should.

mod processes {
    mod chaos;
    mod demo;
    mod host;
    mod kills;
    mod operators;
    mod renderer;
    mod srv;
    mod srv_kills;
    mod up;
    mod waited;

    use sagas::programs::stage::{Stage, Telling};

    const BINARY: &str = env!("CARGO_BIN_EXE_sagas");

    /// A directory of its own, without processes.
    fn empty() -> Stage {
        Stage::empty(BINARY, Telling::Silent).expect("a directory of our own")
    }

    /// The processes that this one started, and those that they did.
    fn descendants(process: Option<u32>) -> Vec<u32> {
        let mut family = vec![process.expect("it runs")];
        let parents: Vec<_> = parents();
        // Each round finds one more generation.
        for _ in 0..4 {
            let next = parents.iter().filter(|(child, parent)| family.contains(parent) && !family.contains(child));
            let next: Vec<_> = next.map(|(child, _)| *child).collect();
            family.extend(next);
        }
        family.split_off(1)
    }

    /// Every process with its parent.
    fn parents() -> Vec<(u32, u32)> {
        let processes = std::fs::read_dir("/proc").expect("it is there");
        let parent_of = |process: u32| {
            let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
            let (_, fields) = stat.rsplit_once(')')?;
            Some((process, fields.split_whitespace().nth(1)?.parse().ok()?))
        };
        processes.filter_map(|entry| parent_of(entry.ok()?.file_name().to_str()?.parse().ok()?)).collect()
    }

    /// Sends a signal to a process.
    fn signal(process: Option<u32>, signal: rustix::process::Signal) {
        let process = process.and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()));
        rustix::process::kill_process(process.expect("it runs"), signal).expect("it is ours");
    }
}
