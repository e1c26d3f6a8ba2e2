//! Processes that have something in common: found in `/proc`, signalled, ended.
//!
//! Each is held by a file descriptor while it is looked at and signalled, so that a signal never reaches a stranger to whom
//! a number was given anew. It knows neither terminals nor what the processes do.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal};

/// How long the last processes are given to vanish after they were killed.
pub const KILLED_WITHIN: Duration = Duration::from_secs(5);

/// Which processes: those of which something holds. A process that has ended, and waits to be reaped, is none of them.
pub trait Processes {
    /// Whether a process that there was a moment ago is one of them.
    ///
    /// # Errors
    /// If the system gives no means to find out. A process that is gone is none of them.
    fn holds(&self, process: Pid) -> io::Result<bool>;

    /// Sends a signal to each of them.
    fn signal(&self, signal: Signal) {
        send(&self.held().unwrap_or_default(), signal);
    }

    /// As a terminal does that is closed: asks each of them to end, stopped ones too. Gives those that were asked.
    fn hang_up(&self) -> Vec<OwnedFd> {
        let held = self.held().unwrap_or_default();
        send(&held, Signal::HUP);
        send(&held, Signal::CONT);
        held
    }

    /// Hangs up, kills after `grace` what is left then, and says whether nothing is: at most [`KILLED_WITHIN`] later.
    fn end(&self, grace: Duration) -> bool {
        let until = Instant::now() + grace;
        let asked = self.hang_up();
        await_exits(&asked, until);
        self.await_end(until.saturating_duration_since(Instant::now())) || self.kill()
    }

    /// Kills them, and those that they start meanwhile, and says whether nothing is left: at most [`KILLED_WITHIN`] later.
    fn kill(&self) -> bool {
        let until = Instant::now() + KILLED_WITHIN;
        loop {
            // Again and again, since a process may fork between the look and the signal.
            self.signal(Signal::KILL);
            let left = until.saturating_duration_since(Instant::now());
            if self.await_end(left.min(Duration::from_millis(100))) {
                return true;
            }
            if left.is_zero() {
                return false;
            }
        }
    }

    /// Whether all of them have ended, awaited for this long.
    fn await_end(&self, within: Duration) -> bool {
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
            let held: Vec<_> = members.unwrap_or_default().into_iter().filter_map(|member| self.hold(member)).collect();
            match held.as_slice() {
                // They have ended just now, or the system gives no file descriptor, and nothing tells when it does again.
                [] => std::thread::sleep(left.min(Duration::from_millis(10))),
                held => await_exits(held, until),
            }
        }
    }

    /// Those that have not ended.
    ///
    /// # Errors
    /// If the system gives no means to find out.
    fn members(&self) -> io::Result<Vec<Pid>> {
        let mut members = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let process = entry?.file_name().to_str().and_then(|name| Pid::from_raw(name.parse().ok()?));
            if let Some(process) = process
                && self.holds(process)?
            {
                members.push(process);
            }
        }
        Ok(members)
    }

    /// Those that have not ended, held.
    ///
    /// # Errors
    /// As [`Processes::members`].
    fn held(&self) -> io::Result<Vec<OwnedFd>> {
        Ok(self.members()?.into_iter().filter_map(|member| self.hold(member)).collect())
    }

    /// One of them, held so that its number cannot become another's; none if it has ended.
    fn hold(&self, member: Pid) -> Option<OwnedFd> {
        let held = rustix::process::pidfd_open(member, PidfdFlags::empty()).ok()?;
        // Asked again, now that the number is held.
        self.holds(member).is_ok_and(|holds| holds).then_some(held)
    }
}

/// What `/proc/PID/NAME` says; none if the process is gone, or another user's.
///
/// # Errors
/// If the system gives no file descriptor or memory, which says nothing about the process.
pub fn read(process: Pid, name: &str) -> io::Result<Option<Vec<u8>>> {
    match fs::read(format!("/proc/{}/{name}", process.as_raw_nonzero())) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if is_exhausted(&error) => Err(error),
        Err(_) => Ok(None),
    }
}

/// Sends a signal to processes that are held. Whoever has ended meanwhile needs none.
fn send(held: &[OwnedFd], signal: Signal) {
    for process in held {
        let _ = rustix::process::pidfd_send_signal(process, signal);
    }
}

/// Returns when all of them have ended, or at this time.
fn await_exits(held: &[OwnedFd], until: Instant) {
    for process in held {
        let timeout = Timespec::try_from(until.saturating_duration_since(Instant::now())).ok();
        // An interruption is but a reason to look again.
        let _ = rustix::event::poll(&mut [PollFd::new(process, PollFlags::IN)], timeout.as_ref());
    }
}

fn is_exhausted(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM))
}
