//! A file of brackets, one on each line, with what it takes to go on after it. A line is written at once, so that
//! whoever is killed leaves whole lines, and perhaps a torn one, which is as if it had not been written.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use saga_runtime::notice::{Bracket, BracketBuffer};
use serde::{Deserialize, Serialize};

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Line {
    /// It has closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) bracket: Option<Bracket>,
    /// Nobody will hear its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) void: Option<Bracket>,
    /// What is open after it, and where to go on.
    pub(super) then: Option<BracketBuffer>,
}

/// How the first line begins: nothing has closed by then.
const FIRST: &[u8] = br#"{"then":"#;

/// Why there is no such file.
#[derive(Debug, thiserror::Error)]
pub(super) enum BracketFileError {
    /// The system does not give it.
    #[error("cannot use {} for brackets: {reason}", path.display())]
    Unusable { path: PathBuf, reason: io::Error },
    /// Another renderer has it.
    #[error("another renderer writes into {}; stop it, or give another file", path.display())]
    Taken { path: PathBuf },
    /// Somebody else wrote it.
    #[error("line {line} of {} is none of a renderer's ({reason}); give another file", path.display())]
    Strange { path: PathBuf, line: usize, reason: serde_json::Error },
}

/// The file, which is this process's as long as it has it.
#[derive(Debug)]
pub(super) struct BracketFile(File);

impl BracketFile {
    /// Opens it, or makes it. Gives what was open after its last line.
    pub(super) fn open(path: &Path) -> Result<(Self, BracketBuffer), BracketFileError> {
        let unusable = |reason| BracketFileError::Unusable { path: path.to_owned(), reason };
        let file = OpenOptions::new().create(true).read(true).append(true).mode(0o600).open(path).map_err(unusable)?;
        file.try_lock().map_err(|error| match error {
            std::fs::TryLockError::WouldBlock => BracketFileError::Taken { path: path.to_owned() },
            std::fs::TryLockError::Error(reason) => unusable(reason),
        })?;
        let Whole { end, lines, last, torn } = Whole::read(&file).map_err(unusable)?;
        let read = |line: usize, bytes: &[u8]| {
            let strange = |reason| BracketFileError::Strange { path: path.to_owned(), line, reason };
            serde_json::from_slice::<Line>(bytes).map_err(strange)
        };
        let last = match last {
            Some(last) => Some(read(lines, &last)?),
            None if FIRST.starts_with(&torn) || torn.starts_with(FIRST) => None,
            None => Some(read(1, &torn)?),
        };
        file.set_len(end).map_err(unusable)?;
        Ok((Self(file), last.and_then(|line| line.then).unwrap_or_default()))
    }

    /// Appends a line.
    pub(super) fn append(&mut self, line: &Line) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        self.0.write_all(&bytes)
    }
}

/// The whole lines of a file.
#[derive(Debug, Default)]
struct Whole {
    /// Where they end, in bytes.
    end: u64,
    lines: usize,
    last: Option<Vec<u8>>,
    /// What follows them.
    torn: Vec<u8>,
}

impl Whole {
    fn read(file: &File) -> io::Result<Self> {
        let mut reader = BufReader::new(file);
        let mut whole = Self::default();
        loop {
            let mut line = Vec::new();
            let length = reader.read_until(b'\n', &mut line)?;
            if line.last() != Some(&b'\n') {
                return Ok(Self { torn: line, ..whole });
            }
            whole = Self { end: whole.end + length as u64, lines: whole.lines + 1, last: Some(line), torn: Vec::new() };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use saga_runtime::notice::Snapshot;

    use super::*;

    fn line(record: u64) -> Line {
        let position = format!("00c0ffee00c0ffee/{record}/0").parse().expect("a position");
        let mut buffer = BracketBuffer::new();
        assert_eq!(buffer.snapshot(&Snapshot { position, sagas: Vec::new(), missing: None }), []);
        Line { then: Some(buffer), ..Line::default() }
    }

    /// Opens what this process has just closed. A shell that another test is starting has a copy of it for a moment.
    fn reopen(path: &Path) -> Result<(BracketFile, BracketBuffer), BracketFileError> {
        let begin = Instant::now();
        loop {
            match BracketFile::open(path) {
                Err(BracketFileError::Taken { .. }) if begin.elapsed() < Duration::from_secs(10) => {
                    std::thread::yield_now();
                }
                opened => return opened,
            }
        }
    }

    #[test]
    fn it_goes_on_after_the_last_whole_line() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("brackets");
        let (mut file, buffer) = reopen(&path).expect("a new file");
        assert_eq!(buffer, BracketBuffer::new());
        file.append(&line(1)).expect("it is written");
        file.append(&line(2)).expect("it is written");
        drop(file);
        let whole = std::fs::read(&path).expect("it is there");
        // Killed in the middle of the second line, wherever that was.
        assert!(whole.starts_with(FIRST));
        let first = whole.iter().position(|byte| *byte == b'\n').expect("a line") + 1;
        for cut in 0..first {
            std::fs::write(&path, &whole[..cut]).expect("it is ours");
            let (_file, buffer) = reopen(&path).expect("it is a renderer's");
            assert_eq!((buffer, std::fs::read(&path).expect("it is there")), (BracketBuffer::new(), vec![]));
        }
        for cut in first..whole.len() {
            std::fs::write(&path, &whole[..cut]).expect("it is ours");
            let (mut file, buffer) = reopen(&path).expect("it is a renderer's");
            assert_eq!(Some(buffer), line(1).then, "cut at {cut}");
            file.append(&line(2)).expect("it is written");
            assert_eq!(std::fs::read(&path).expect("it is there"), whole);
        }
        let (_file, buffer) = reopen(&path).expect("it is a renderer's");
        assert_eq!(Some(buffer), line(2).then);
    }

    #[test]
    fn a_file_of_somebody_else_is_left_as_it_is() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("letter");
        for (letter, strange) in
            [("dear ann\nenough\n", "line 2 of"), ("{\n{\nann", "line 2 of"), ("enough", "line 1 of")]
        {
            std::fs::write(&path, letter).expect("it is ours");
            let error = reopen(&path).expect_err("it is a letter").to_string();
            assert!(error.contains(strange) && error.contains("give another file"), "{error}");
            assert_eq!(std::fs::read_to_string(&path).expect("it is there"), letter);
        }
    }

    #[test]
    fn a_file_has_one_renderer() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("brackets");
        let _first = BracketFile::open(&path).expect("a new file");
        let error = BracketFile::open(&path).expect_err("it is taken").to_string();
        assert!(error.contains("another renderer writes into"), "{error}");
    }
}
