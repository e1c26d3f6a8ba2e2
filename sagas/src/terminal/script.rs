//! How a command gets into a shell unharmed, whatever is in it: through a file without a name, which the shell is told to
//! execute by one short line at its keyboard.
//!
//! A command that was typed itself would be cut off by the terminal at 4096 bytes, expanded by the shell's line editor,
//! and could swallow what is typed after it: with a quote that is left open, or by reading its standard input. Here it
//! stands in a file of its own, executed by another one that prints the sentinels to the terminal, wherever the
//! command's output goes. Neither the variables nor the exit status that the next command sees are changed by it.
//!
//! It knows no terminal, and nothing of what is scanned for.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;

use rustix::fs::{MemfdFlags, memfd_create};

use super::scanner::{Marker, Sentinel, Sign};

/// A command in files that are gone when this is dropped. The shell holds those that it has opened.
#[derive(Debug)]
pub(super) struct Script {
    _command: File,
    frame: File,
}

impl Script {
    /// A script that runs the command between the sentinels of this marker.
    ///
    /// # Errors
    /// If the system gives no memory or file descriptor.
    pub(super) fn new(marker: Marker, command: &str) -> io::Result<Self> {
        let command = nameless(command)?;
        let frame = nameless(&frame(marker, &path(&command)))?;
        Ok(Self { _command: command, frame })
    }

    /// What is to be typed, without the enter key.
    pub(super) fn line(&self) -> String {
        format!(r"\. {}", path(&self.frame))
    }
}

/// The statements around the command. A backslash keeps a user's aliases away; what they say of themselves under
/// `set -x` is not shown.
fn frame(marker: Marker, command: &str) -> String {
    let sentinel = |sign| Sentinel { marker, sign }.to_string().replace('\x1b', r"\033").replace('\x07', r"\007");
    let (begun, ended) = (sentinel(Sign::Begun), sentinel(Sign::Ended(0)).replace(r";0\007", r";%s\007"));
    let before =
        format!(r#"__r=$?; \command printf '{begun}' >/dev/tty; \eval "\\unset __r; [ $__r = 0 ] || (exit $__r)""#);
    let after = format!(r#"__r=$?; \command printf '{ended}' "$__r" >/dev/tty; \eval "\\unset __r; \\return $__r""#);
    format!("{{ {before}; }} 2>/dev/null\n\\command . {command}\n{{ {after}; }} 2>/dev/null\n")
}

fn nameless(text: &str) -> io::Result<File> {
    let mut file = File::from(memfd_create("waited-run", MemfdFlags::CLOEXEC)?);
    file.write_all(text.as_bytes())?;
    Ok(file)
}

/// Where other processes of this user find it.
fn path(file: &File) -> String {
    format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_leads_to_the_command() {
        let script = Script::new(Marker(7), "echo 'a quote that is left open").expect("the system has memory");
        let line = script.line();
        assert!(line.len() < 40, "it fits on a line of a terminal: {line}");
        let frame = std::fs::read_to_string(line.trim_start_matches(r"\. ")).expect("it is ours");
        let (_, rest) = frame.split_once(r"\command . ").expect("it executes the command");
        let command = std::fs::read_to_string(rest.lines().next().expect("a path")).expect("it is ours");
        assert_eq!(command, "echo 'a quote that is left open");
        assert!(frame.is_ascii() && !frame.contains('\x1b'), "what is printed cannot be taken for a sentinel: {frame}");
    }
}
