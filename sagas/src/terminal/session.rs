//! The processes of one session: a shell, the jobs it started, and theirs.
//!
//! A shell puts every job in a process group of its own, so that neither the shell's group nor the foreground one names
//! them all; the session does. It knows no terminals.

use std::io;

use rustix::process::{Pid, Signal};

use crate::processes::{self, Processes};

/// A session, named by its leader. The number stays taken until the leader is reaped and all members have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Session(Pid);

impl Session {
    pub(super) fn led_by(leader: Pid) -> Self {
        Self(leader)
    }
}

impl Processes for Session {
    fn holds(&self, process: Pid) -> io::Result<bool> {
        let stat = processes::read(process, "stat")?;
        let session = stat.and_then(|stat| session_of_living(&String::from_utf8_lossy(&stat)));
        Ok(session == Some(self.0.as_raw_nonzero().get()))
    }

    /// At least to the leader, if the system gives no file descriptor to look for others.
    fn signal(&self, signal: Signal) {
        // Whoever has ended meanwhile needs no signal.
        let _ = rustix::process::kill_process(self.0, signal);
        for member in self.members().unwrap_or_default().into_iter().filter(|member| *member != self.0) {
            if let Some(member) = self.hold(member) {
                let _ = rustix::process::pidfd_send_signal(&member, signal);
            }
        }
    }
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
    use std::time::Duration;

    use super::*;
    use crate::processes::KILLED_WITHIN;

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
        assert!(session.end(Duration::from_millis(50)));
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
