//! Programs of this binary as processes of another one: started, awaited, stopped, killed; none is left behind.
//!
//! Each holds the other end of its standard input, which is how it learns that it is to stop (see [`super::stop`]). It
//! knows nothing of what they do.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// How long a program may take to say that it is ready.
const READY_WITHIN: Duration = Duration::from_secs(15);

/// How long a program may take to stop before it is killed.
const STOPPED_WITHIN: Duration = Duration::from_secs(10);

/// Where the programs are and meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fleet {
    binary: PathBuf,
    directory: PathBuf,
    /// Whether what they say goes to files in the directory, one for each, and not to standard error.
    logs_in_files: bool,
}

/// Why a program does not run.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// The system gives no process.
    #[error("cannot start the {name}: {reason}")]
    Start {
        /// The program.
        name: &'static str,
        /// What the system says.
        reason: io::Error,
    },
    /// It ended instead.
    #[error("the {name} ended before it was ready; its last words: {last_words}")]
    Ended {
        /// The program.
        name: &'static str,
        /// The end of its log.
        last_words: String,
    },
    /// It does not come up.
    #[error("the {name} is not ready after {READY_WITHIN:?}; its last words: {last_words}")]
    Silent {
        /// The program.
        name: &'static str,
        /// The end of its log.
        last_words: String,
    },
}

/// A running program; dropped, it is killed.
#[derive(Debug)]
pub struct Member {
    name: &'static str,
    process: Child,
    /// Held here and not in `process`, which would close it to wait.
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Fleet {
    /// Programs of `binary` that meet in `directory`, and say what they have to say on standard error.
    pub fn new(binary: impl Into<PathBuf>, directory: impl Into<PathBuf>) -> Self {
        Self { binary: binary.into(), directory: directory.into(), logs_in_files: false }
    }

    /// The same, but what a program has to say goes to `NAME.log` in the directory.
    #[must_use]
    pub fn with_logs_in_files(self) -> Self {
        Self { logs_in_files: true, ..self }
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Starts the launcher, the host or the srv, and waits until it is ready.
    ///
    /// # Errors
    /// If it does not come up.
    pub async fn start(&self, name: &'static str) -> Result<Member, FleetError> {
        let mut member = self.launch(name)?;
        self.ready(&mut member).await?;
        Ok(member)
    }

    /// Starts the launcher, the host or the srv; it is not ready yet.
    ///
    /// # Errors
    /// If the system gives no process.
    pub fn launch(&self, name: &'static str) -> Result<Member, FleetError> {
        self.spawn(name, [name, "--owned"])
    }

    /// Waits until a launcher, host or srv that was just launched says that it is ready: with its first line.
    ///
    /// # Errors
    /// If it does not come up.
    pub async fn ready(&self, member: &mut Member) -> Result<(), FleetError> {
        let name = member.name;
        match timeout(READY_WITHIN, member.next_line()).await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(FleetError::Ended { name, last_words: self.last_words(name) }),
            Err(_) => Err(FleetError::Silent { name, last_words: self.last_words(name) }),
        }
    }

    /// Starts any program of the binary; its lines are there to be read.
    ///
    /// # Errors
    /// If the system gives no process.
    pub fn spawn(
        &self,
        name: &'static str,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Result<Member, FleetError> {
        let failed = |reason| FleetError::Start { name, reason };
        let mut command = Command::new(&self.binary);
        command.args(arguments).arg("--dir").arg(&self.directory);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(self.log(name).map_err(failed)?);
        // An interrupt at the keyboard reaches the one that started it, which then stops it in order.
        command.process_group(0).kill_on_drop(true);
        let mut process = command.spawn().map_err(failed)?;
        let output = process.stdout.take().ok_or_else(|| failed(io::ErrorKind::BrokenPipe.into()))?;
        let stdin = process.stdin.take();
        Ok(Member { name, process, stdin, lines: BufReader::new(output).lines() })
    }

    fn log(&self, name: &str) -> io::Result<Stdio> {
        if !self.logs_in_files {
            return Ok(Stdio::inherit());
        }
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(self.log_path(name))?;
        Ok(file.into())
    }

    fn log_path(&self, name: &str) -> PathBuf {
        self.directory.join(name).with_extension("log")
    }

    /// The end of what a program had to say, as far as it is kept here.
    pub fn last_words(&self, name: &str) -> String {
        if !self.logs_in_files {
            return "above".to_owned();
        }
        let log = std::fs::read_to_string(self.log_path(name)).unwrap_or_default();
        let lines: Vec<_> = log.lines().rev().take(3).collect();
        if lines.is_empty() { "none".to_owned() } else { lines.into_iter().rev().collect::<Vec<_>>().join(" / ") }
    }
}

impl Member {
    /// The program.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its process; none when it has ended.
    pub fn id(&self) -> Option<u32> {
        self.process.id()
    }

    /// The next line of its standard output; none when it has closed that.
    pub async fn next_line(&mut self) -> Option<String> {
        self.lines.next_line().await.ok().flatten()
    }

    /// Completes when it has ended by itself.
    ///
    /// # Errors
    /// If it cannot be waited for.
    pub async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.process.wait().await
    }

    /// Kills it, as `kill -9` does, and returns when it is gone.
    ///
    /// # Errors
    /// If it cannot be waited for.
    pub async fn kill(mut self) -> io::Result<()> {
        self.process.kill().await
    }

    /// Has it stop, and returns when it has; one that does not is killed.
    ///
    /// # Errors
    /// If it cannot be waited for.
    pub async fn stop(mut self) -> io::Result<ExitStatus> {
        drop(self.stdin.take());
        match timeout(STOPPED_WITHIN, self.process.wait()).await {
            Ok(ended) => ended,
            Err(_) => {
                tracing::warn!(program = self.name, "does not stop, and is killed");
                self.process.kill().await?;
                self.process.wait().await
            }
        }
    }
}
