//! Marks in the environment of what runs in terminals, by which it is found again wherever it went: in the background, in
//! a session of its own, or left behind by a program that was killed.
//!
//! A mark names the program, the directory in which it works, its life, and what the process belongs to; a program that is
//! itself started in a marked terminal adds its own. Only a process that both leaves its session and takes on an
//! environment without the mark escapes. It knows no terminals.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::Pid;

use crate::processes::{self, Processes};

/// What one life of a program in one directory marks its processes with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    variable: String,
    life: String,
}

impl Mark {
    /// That of a new life.
    ///
    /// # Errors
    /// If there is no such directory.
    pub fn new(program: &str, directory: &Path) -> io::Result<Self> {
        Ok(Self { variable: variable(program, directory)?, life: format!("{:016x}", fastrand::u64(..)) })
    }

    /// One that another process holds too, by its [`Mark::variable`] and [`Mark::life`].
    pub fn known(variable: String, life: String) -> Self {
        Self { variable, life }
    }

    /// The environment variable, the same for each life of the program in this directory.
    pub fn variable(&self) -> &str {
        &self.variable
    }

    /// Which life.
    pub fn life(&self) -> &str {
        &self.life
    }

    /// The environment of what belongs to `what`.
    pub fn environment(&self, what: &str) -> (String, String) {
        (self.variable.clone(), format!("{}:{what}", self.life))
    }

    /// The processes of this life.
    pub fn of_this_life(&self) -> impl Processes + Send + use<> {
        let life = format!("{}:", self.life);
        Marked { variable: self.variable.clone(), holds: move |value: &str| value.starts_with(&life) }
    }

    /// The processes that earlier lives left.
    pub fn of_other_lives(&self) -> impl Processes + Send + use<> {
        let life = format!("{}:", self.life);
        Marked { variable: self.variable.clone(), holds: move |value: &str| !value.starts_with(&life) }
    }

    /// The processes of this life that belong to `what`.
    pub fn of(&self, what: &str) -> impl Processes + Send + use<> {
        let (variable, of) = self.environment(what);
        Marked { variable, holds: move |value: &str| value == of }
    }
}

/// The processes with which any life of a program in this directory has marked `what`, by number; for whoever checks from
/// outside.
///
/// # Errors
/// If there is no such directory, or the system does not let its processes be looked at.
pub fn all_marked(program: &str, directory: &Path) -> io::Result<Vec<(u32, String)>> {
    let variable = variable(program, directory)?;
    let marked = Marked { variable: variable.clone(), holds: |_: &str| true };
    let of = |process: Pid| {
        let value = value(&processes::read(process, "environ").ok()??, &variable)?;
        Some((process.as_raw_nonzero().get().unsigned_abs(), value.split_once(':')?.1.to_owned()))
    };
    Ok(marked.members()?.into_iter().filter_map(of).collect())
}

/// By the identity of the directory: its path may be written in several ways, and holds what names of variables do not.
fn variable(program: &str, directory: &Path) -> io::Result<String> {
    let directory = fs::metadata(directory)?;
    Ok(format!("AGENTMUX_{}_{}_{}", program.to_uppercase(), directory.dev(), directory.ino()))
}

struct Marked<F> {
    variable: String,
    holds: F,
}

impl<F: Fn(&str) -> bool> Processes for Marked<F> {
    fn holds(&self, process: Pid) -> io::Result<bool> {
        // One that waits to be reaped has no environment any more.
        let environment = processes::read(process, "environ")?;
        Ok(environment
            .and_then(|environment| value(&environment, &self.variable))
            .is_some_and(|value| (self.holds)(&value)))
    }
}

/// The value of a variable in an environment as `/proc` shows it.
fn value(environment: &[u8], variable: &str) -> Option<String> {
    let of = |entry: &[u8]| {
        let value = entry.strip_prefix(variable.as_bytes())?.strip_prefix(b"=")?;
        Some(String::from_utf8_lossy(value).into_owned())
    };
    environment.split(|byte| *byte == 0).find_map(of)
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};
    use std::time::Duration;

    use super::*;

    /// A process with this mark that ignores the hang-up, and one that it started in a session of its own.
    fn stubborn(mark: &Mark, what: &str) -> Child {
        let (variable, value) = mark.environment(what);
        let script = "trap '' HUP; setsid sleep 1000 & echo ready; wait";
        let child = Command::new("sh").args(["-c", script]).env(variable, value).stdout(Stdio::piped()).spawn();
        let mut child = child.expect("the system gives a process");
        let mut ready = [0; 6];
        std::io::Read::read_exact(child.stdout.as_mut().expect("it is piped"), &mut ready).expect("it says so");
        child
    }

    fn count(processes: &impl Processes) -> usize {
        processes.members().expect("/proc is there").len()
    }

    #[test]
    fn what_is_marked_is_found_and_ended_and_nothing_else() {
        let directory = tempfile::tempdir().expect("a directory");
        let marks = [(); 2].map(|()| Mark::new("test", directory.path()).expect("it is there"));
        let mut children = [stubborn(&marks[0], "1"), stubborn(&marks[0], "12"), stubborn(&marks[1], "1")];
        while count(&marks[0].of_this_life()) < 4 || count(&marks[1].of_this_life()) < 2 {
            std::thread::yield_now();
        }
        assert_eq!(count(&marks[1].of_other_lives()), 4);
        assert!(marks[0].of("1").end(Duration::from_millis(50)));
        assert_eq!(count(&marks[0].of_this_life()), 2, "the other one's");
        assert!(marks[1].of_other_lives().kill());
        assert_eq!((count(&marks[0].of_this_life()), count(&marks[1].of_this_life())), (0, 2));
        let marked = all_marked("test", directory.path()).expect("it is there");
        assert!(marked.len() == 2 && marked.iter().all(|(_, what)| what == "1"), "{marked:?}");
        assert!(marks[1].of_this_life().kill());
        for child in &mut children {
            child.wait().expect("it is our child");
        }
    }

    #[test]
    fn a_value_is_that_of_the_whole_name() {
        let environment = b"AB=1\0B=2\0BA=3\0C\0";
        assert_eq!(value(environment, "B").as_deref(), Some("2"));
        assert_eq!(value(environment, "C"), None);
        assert_eq!(value(b"", "C"), None);
    }
}
