//! A reader at a terminal: commands are run, in a directory of their own, and what they print is written down.
//!
//! A command that ends in `&` goes on by itself; what it prints first is awaited. `kill` and `wait` take such a command
//! by its number, which is given as a shell gives it: one more than the highest that goes on.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, pipe};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::transcript;

/// How long a command may take to print its next line, or one that only looks to see what the chapter says.
const PATIENCE: Duration = Duration::from_secs(20);

/// A terminal.
pub struct Scene {
    home: TempDir,
    jobs: BTreeMap<u32, Job>,
}

/// A command in the background.
struct Job {
    child: Child,
    lines: Receiver<String>,
}

impl Job {
    /// What it prints next: as many lines, or fewer if it ends before or has no more to say.
    fn next(&self, lines: usize) -> String {
        (0..lines).map_while(|_| self.lines.recv_timeout(PATIENCE).ok()).map(|line| line + "\n").collect()
    }
}

impl Scene {
    pub fn open() -> Self {
        Self { home: TempDir::with_prefix("guide").expect("a directory of our own"), jobs: BTreeMap::new() }
    }

    /// The transcript again, with what its commands print now.
    pub fn play(&mut self, transcript: &str) -> String {
        let mut played = String::new();
        let mut lines = transcript.lines().peekable();
        while let Some(line) = lines.next() {
            let mut expected = String::new();
            while let Some(line) = lines.next_if(|line| !line.starts_with("$ ")) {
                expected += &format!("{line}\n");
            }
            let command = line.strip_prefix("$ ").unwrap_or_else(|| panic!("`{line}` is printed by no command"));
            played += &format!("{line}\n{}", self.run(command, &expected));
        }
        played
    }

    fn run(&mut self, command: &str, expected: &str) -> String {
        if let Some(command) = command.strip_suffix(" &") {
            return self.begin(command, expected.lines().count().max(1));
        }
        match command.split_once(" %") {
            Some(("kill -9", job)) => self.kill(job),
            Some(("kill -INT", job)) => self.interrupt(job),
            Some(("wait", job)) => Self::rest(self.taken(job)),
            _ if only_looks(command) => self.look(command, expected),
            _ => self.printed(command),
        }
    }

    /// Starts it, and awaits as many lines as the chapter has of it.
    fn begin(&mut self, command: &str, lines: usize) -> String {
        let (reader, writer) = pipe().expect("a pipe");
        let mut shell = self.shell(&format!("exec {command}"));
        shell.stdout(writer.try_clone().expect("a pipe")).stderr(writer);
        let child = shell.spawn().expect("there is a shell");
        // The shell has our end of the pipe too, until it is dropped.
        drop(shell);
        let (said, heard) = channel();
        thread::spawn(move || {
            BufReader::new(reader).lines().map_while(Result::ok).try_for_each(|line| said.send(line))
        });
        let job = Job { child, lines: heard };
        let first = job.next(lines);
        let number = self.jobs.last_key_value().map_or(1, |(number, _)| number + 1);
        self.jobs.insert(number, job);
        first
    }

    fn kill(&mut self, job: &str) -> String {
        let mut job = self.taken(job);
        job.child.kill().expect("it is ours");
        job.child.wait().expect("it is ours");
        String::new()
    }

    fn interrupt(&mut self, job: &str) -> String {
        let job = self.taken(job);
        self.printed(&format!("kill -INT {}", job.child.id()));
        Self::rest(job)
    }

    /// What it prints until it ends.
    fn rest(mut job: Job) -> String {
        let text = job.next(usize::MAX);
        job.child.wait().expect("it is ours");
        text
    }

    /// The job of this number, which a later one may have again.
    fn taken(&mut self, number: &str) -> Job {
        let job = number.parse().ok().and_then(|number| self.jobs.remove(&number));
        job.unwrap_or_else(|| panic!("there is no job %{number}"))
    }

    /// Looks until it sees what the chapter says: what was begun before takes its time.
    fn look(&self, command: &str, expected: &str) -> String {
        let begin = Instant::now();
        loop {
            let printed = self.printed(command);
            let waits = if crate::is_renewed() { Duration::from_secs(2) } else { PATIENCE };
            if transcript::same(&printed, expected) || begin.elapsed() > waits {
                return printed;
            }
        }
    }

    fn printed(&self, command: &str) -> String {
        let output = self.shell(&format!("{{ {command}; }} 2>&1")).output().expect("there is a shell");
        String::from_utf8(output.stdout).expect("it prints text")
    }

    fn shell(&self, command: &str) -> Command {
        let programs = Path::new(env!("CARGO_BIN_EXE_library")).parent().expect("it is in a directory");
        let path = std::env::var("PATH").unwrap_or_default();
        let mut shell = Command::new("sh");
        shell
            .args(["-c", command])
            .current_dir(&self.home)
            .env("PATH", format!("{}:{path}", programs.display()))
            .env("XDG_RUNTIME_DIR", self.home.path())
            .env("NO_COLOR", "1")
            .stdin(Stdio::null());
        shell
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        for job in self.jobs.values_mut() {
            // It may have ended.
            let _ = job.child.kill();
            let _ = job.child.wait();
        }
    }
}

fn only_looks(command: &str) -> bool {
    let mut words = command.split_whitespace().skip(1);
    matches!(words.next(), Some("list" | "show"))
}
