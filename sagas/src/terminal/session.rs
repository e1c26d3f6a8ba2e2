//! The processes of one session: a shell, the jobs it started, and theirs.
//!
//! A shell puts every job in a process group of its own, so that neither the shell's group nor the foreground one names
//! them all; the session does. It is read from `/proc`, and its processes are held by file descriptors, so that a
//! signal never reaches a stranger to whom a number was given anew. It knows no terminals.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal};

/// How long the last processes are given to vanish after they were killed.
const KILLED_WITHIN: Duration = Duration::from_secs(5);

/// A session, named by its leader. The number stays taken until the leader is reaped and all members have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Session(Pid);

impl Session {
    pub(super) fn led_by(leader: Pid) -> Self {
        Self(leader)
    }

    /// Sends a signal to every process of the session; at least to the leader, if the system gives no file descriptor
    /// to look for others.
    pub(super) fn signal(self, signal: Signal) {
        // Whoever has ended meanwhile needs no signal.
        let _ = rustix::process::kill_process(self.0, signal);
        for member in self.members().unwrap_or_default().into_iter().filter(|member| *member != self.0) {
            if let Some(member) = self.hold(member) {
                let _ = rustix::process::pidfd_send_signal(&member, signal);
            }
        }
    }

    /// As a terminal does that is closed: asks every process to end, stopped ones too.
    pub(super) fn hang_up(self) {
        self.signal(Signal::HUP);
        self.signal(Signal::CONT);
    }

    /// Hangs up, kills after `grace` what is left then, and returns when nothing is: at most five seconds later.
    pub(super) fn end(self, grace: Duration) {
        self.hang_up();
        if self.await_end(grace) {
            return;
        }
        let until = Instant::now() + KILLED_WITHIN;
        loop {
            // Again and again, since a process may fork between the look and the signal.
            self.signal(Signal::KILL);
            let left = until.saturating_duration_since(Instant::now());
            if self.await_end(left.min(Duration::from_millis(100))) {
                return;
            }
            if left.is_zero() {
                tracing::error!(session = self.0.as_raw_nonzero(), "processes of a closed terminal do not end");
                return;
            }
        }
    }

    /// Whether all processes of the session have ended, awaited for this long.
    fn await_end(self, within: Duration) -> bool {
        let until = Instant::now() + within;
        loop {
            let members = self.members();
            if members.as_ref().is_ok_and(Vec::is_empty) {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            match members.ok().and_then(|members| self.hold(members[0])) {
                Some(member) => await_exit(&member, left),
                // It has ended just now, or the system gives no file descriptor, and nothing tells when it does again.
                None => std::thread::sleep(left.min(Duration::from_millis(10))),
            }
        }
    }

    /// The processes that have not ended.
    fn members(self) -> io::Result<Vec<Pid>> {
        let mut members = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let pid = entry?.file_name().to_str().and_then(|name| Pid::from_raw(name.parse().ok()?));
            if let Some(pid) = pid
                && self.holds(pid)?
            {
                members.push(pid);
            }
        }
        Ok(members)
    }

    /// A member, held so that its number cannot become another's; none if it has ended.
    fn hold(self, member: Pid) -> Option<OwnedFd> {
        let held = rustix::process::pidfd_open(member, PidfdFlags::empty()).ok()?;
        // Asked again, now that the number is held.
        self.holds(member).is_ok_and(|holds| holds).then_some(held)
    }

    fn holds(self, pid: Pid) -> io::Result<bool> {
        match fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())) {
            Ok(stat) => Ok(session_of_living(&stat) == Some(self.0.as_raw_nonzero().get())),
            Err(error) if is_exhausted(&error) => Err(error),
            // It has ended.
            Err(_) => Ok(false),
        }
    }
}

/// Returns when the process has ended, or this time has passed.
fn await_exit(process: &OwnedFd, within: Duration) {
    let timeout = Timespec::try_from(within).ok();
    // An interruption is but a reason to look again.
    let _ = rustix::event::poll(&mut [PollFd::new(process, PollFlags::IN)], timeout.as_ref());
}

/// Whether the system gives no more file descriptors or memory, which says nothing about what was looked for.
fn is_exhausted(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM))
}

/// The session in a line of `/proc/PID/stat`; none if the process has ended and only waits to be reaped.
fn session_of_living(stat: &str) -> Option<i32> {
    // The name before it may hold anything, brackets too.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    let state = fields.next()?;
    let session = fields.nth(2)?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(session)
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    fn pid_of(child: &Child) -> Pid {
        Pid::from_child(child)
    }

    /// A session leader that starts a process which ignores the hang-up.
    fn stubborn_session() -> Child {
        let script = "trap '' HUP; sleep 1000 & echo ready; wait";
        let mut leader = Command::new("setsid")
            .args(["sh", "-c", script])
            .stdout(Stdio::piped())
            .spawn()
            .expect("setsid is part of every Linux");
        let mut ready = [0; 6];
        let output = leader.stdout.as_mut().expect("its output is piped");
        std::io::Read::read_exact(output, &mut ready).expect("it says that it is ready");
        leader
    }

    #[test]
    fn reads_the_session_whatever_the_name() {
        assert_eq!(session_of_living("7 (a) b (c)) S 1 7 42 0 -1"), Some(42));
        assert_eq!(session_of_living("7 (sh) Z 1 7 42 0 -1"), None);
        assert_eq!(session_of_living(""), None);
    }

    #[test]
    fn ends_even_those_that_ignore_the_hang_up() {
        let mut leader = stubborn_session();
        let session = Session::led_by(pid_of(&leader));
        assert_eq!(session.members().expect("/proc is there").len(), 2);
        session.hang_up();
        assert!(!session.await_end(Duration::from_millis(50)), "both ignore the hang-up");
        session.end(Duration::from_millis(50));
        assert!(session.members().expect("/proc is there").is_empty());
        leader.wait().expect("it is a child");
    }

    #[test]
    fn a_session_of_none_has_ended() {
        let mut leader = stubborn_session();
        let session = Session::led_by(pid_of(&leader));
        session.signal(Signal::KILL);
        leader.wait().expect("it is a child");
        assert!(session.await_end(KILLED_WITHIN));
    }
}
