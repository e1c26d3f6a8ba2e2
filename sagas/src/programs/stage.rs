//! Launcher, host, srv and renderer as processes in a directory of their own, and the places to look at: the log, the
//! host, the srv, the process table. What is played on it is not its business.

mod workspaces;

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use saga_runtime::cli::LOG_FILE;
use saga_runtime::log::{Details, LogReader, Query, SqliteReader};
use saga_runtime::message::SagaId;
use saga_runtime::notice::Notice;
use saga_runtime::operator::{Client, Request, Response};
use saga_runtime::pipe::Endpoint;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::bus::Label;
use crate::host::control::{ControlClient, Wish};
use crate::host::state::HostState;
use crate::programs::fleet::{Fleet, Member};
use crate::programs::renderer::Seen;
use crate::programs::{ProgramError, window};

/// Longer than anything here takes on a slow machine.
const BOUND: Duration = Duration::from_secs(15);

/// How long after another look at a place that does not tell when it changes.
const AGAIN: Duration = Duration::from_millis(5);

/// Whether a stage tells on standard output what happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// As it happens.
    Aloud,
    /// Not at all.
    Silent,
}

/// A few processes in a directory of their own. Dropped, they are killed.
#[derive(Debug)]
pub struct Stage {
    directory: TempDir,
    fleet: Fleet,
    telling: Telling,
    begin: Instant,
    launcher: Option<Member>,
    host: Option<Member>,
    srv: Option<Member>,
    renderer: Option<JoinHandle<()>>,
    notices: Arc<Mutex<Vec<Notice>>>,
    /// Every process that was ever seen, shells too.
    processes: BTreeSet<u32>,
}

impl Stage {
    /// A directory without processes; they are to be programs of this binary.
    ///
    /// # Errors
    /// If the system gives no directory.
    pub fn empty(binary: impl Into<PathBuf>, telling: Telling) -> Result<Self, ProgramError> {
        let private = Permissions::from_mode(0o700);
        let directory = tempfile::Builder::new().prefix("sagas-").permissions(private).tempdir()?;
        Ok(Self {
            fleet: Fleet::new(binary, directory.path()).with_logs_in_files(),
            directory,
            telling,
            begin: Instant::now(),
            launcher: None,
            host: None,
            srv: None,
            renderer: None,
            notices: Arc::default(),
            processes: BTreeSet::new(),
        })
    }

    /// Launcher, renderer and host, all ready; a srv may be [started](Stage::start_srv) beside them.
    ///
    /// # Errors
    /// If one of them does not come up.
    pub async fn open(binary: impl Into<PathBuf>, telling: Telling) -> Result<Self, ProgramError> {
        let mut stage = Self::empty(binary, telling)?;
        stage.start_launcher().await?;
        stage.start_renderer().await?;
        stage.start_host().await?;
        Ok(stage)
    }

    /// Where the processes meet.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint::in_dir(self.directory.path())
    }

    /// What starts them.
    pub fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// Says what is done next.
    ///
    /// # Errors
    /// If standard output is closed.
    pub fn say(&self, text: &str) -> io::Result<()> {
        tell(self.telling, self.begin, text)
    }

    /// How long the stage has been open.
    pub fn elapsed(&self) -> Duration {
        self.begin.elapsed()
    }

    /// Starts the launcher.
    ///
    /// # Errors
    /// If it does not come up.
    pub async fn start_launcher(&mut self) -> Result<(), ProgramError> {
        let launcher = self.fleet.start("launcher").await?;
        self.processes.extend(launcher.id());
        self.launcher = Some(launcher);
        Ok(())
    }

    /// Starts the renderer, and waits until it sees what is in flight.
    async fn start_renderer(&mut self) -> Result<(), ProgramError> {
        let mut renderer = self.fleet.spawn("renderer", ["renderer", "--owned", "--json"])?;
        self.processes.extend(renderer.id());
        timeout(BOUND, renderer.next_line()).await?.ok_or("the renderer ended before it saw anything")?;
        self.renderer = Some(tokio::spawn(follow(renderer, self.telling, self.begin, Arc::clone(&self.notices))));
        Ok(())
    }

    /// Starts the host.
    ///
    /// # Errors
    /// If it does not come up.
    pub async fn start_host(&mut self) -> Result<(), ProgramError> {
        let host = self.fleet.start("host").await?;
        self.processes.extend(host.id());
        self.host = Some(host);
        self.state().await.map(drop)
    }

    /// Kills the launcher as `kill -9` does.
    ///
    /// # Errors
    /// If none runs.
    pub async fn kill_launcher(&mut self) -> Result<(), ProgramError> {
        Ok(self.launcher.take().ok_or("no launcher runs")?.kill().await?)
    }

    /// Kills the host as `kill -9` does.
    ///
    /// # Errors
    /// If none runs.
    pub async fn kill_host(&mut self) -> Result<(), ProgramError> {
        Ok(self.host.take().ok_or("no host runs")?.kill().await?)
    }

    /// Stops the host in the middle of whatever it does, until it is thawed.
    ///
    /// # Errors
    /// If none runs.
    pub fn freeze_host(&self) -> Result<(), ProgramError> {
        signal(self.host.as_ref(), Signal::STOP)
    }

    /// Lets the host go on.
    ///
    /// # Errors
    /// If none runs.
    pub fn thaw_host(&self) -> Result<(), ProgramError> {
        signal(self.host.as_ref(), Signal::CONT)
    }

    /// A user of the host.
    ///
    /// # Errors
    /// If no host runs.
    pub async fn user(&self) -> Result<ControlClient, ProgramError> {
        window::connect(&self.endpoint()).await
    }

    /// Has a window shown, as a user does.
    ///
    /// # Errors
    /// If no host runs, or it says no.
    pub async fn promote(&self) -> Result<Label, ProgramError> {
        Ok(self.user().await?.promote().await?)
    }

    /// Asks the host, as a user does.
    ///
    /// # Errors
    /// If no host runs, or it says no.
    pub async fn wish(&self, wish: Wish) -> Result<(), ProgramError> {
        self.user().await?.ask(&wish).await?;
        Ok(())
    }

    /// What the host says there is.
    ///
    /// # Errors
    /// If no host runs.
    pub async fn state(&mut self) -> Result<HostState, ProgramError> {
        let state = self.user().await?.state().await?;
        self.processes.extend(state.shells());
        Ok(state)
    }

    /// Waits until the host's windows are so.
    ///
    /// # Errors
    /// If no host runs, or they do not become so.
    pub async fn until(&mut self, what: &str, holds: impl Fn(&HostState) -> bool) -> Result<HostState, ProgramError> {
        let until = Instant::now() + BOUND;
        loop {
            let state = self.state().await?;
            if holds(&state) {
                return Ok(state);
            }
            let so = |error| format!("{error}; the host says that there is {state:?}");
            again(what, until).await.map_err(so)?;
        }
    }

    /// Has the launcher start a saga, as an operator does.
    ///
    /// # Errors
    /// If no launcher runs, or it says no.
    pub async fn start(&self, name: &str, input: serde_json::Value) -> Result<SagaId, ProgramError> {
        let request = Request::Start { name: name.to_owned(), input, key: None };
        match Client::connect(&self.endpoint()).await?.request(&request).await? {
            Response::Started { saga } => Ok(saga),
            other => Err(format!("the launcher does not start {name}: {other:?}").into()),
        }
    }

    /// The saga of this name about this window, once it is in the log.
    ///
    /// # Errors
    /// If it does not come.
    pub async fn saga_about(&self, name: &str, label: &Label) -> Result<SagaId, ProgramError> {
        let query = Query { names: vec![name.to_owned()], text: Some(label.to_string()), ..Query::default() };
        let until = Instant::now() + BOUND;
        loop {
            if let Some(saga) = self.log()?.find(&query)?.sagas.last() {
                return Ok(saga.id);
            }
            again(&format!("{name} starts for {label}"), until).await.map_err(|error| self.told_why(&error))?;
        }
    }

    /// Waits until the log says that this holds of a saga.
    ///
    /// # Errors
    /// If the log does not come to say so.
    pub async fn logged(
        &self,
        saga: SagaId,
        what: &str,
        holds: impl Fn(&Details) -> bool,
    ) -> Result<Details, ProgramError> {
        let until = Instant::now() + BOUND;
        loop {
            match self.log()?.saga(saga)? {
                Some(details) if holds(&details) => return Ok(details),
                _ => again(&format!("saga {saga} {what}"), until).await.map_err(|error| self.told_why(&error))?,
            }
        }
    }

    /// What the log holds of all sagas.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn all_sagas(&self) -> Result<Vec<Details>, ProgramError> {
        let mut log = self.log()?;
        let page = log.find(&Query { limit: 1000, ..Query::default() })?;
        let details =
            page.sagas.into_iter().map(|saga| Ok(log.saga(saga.id)?.ok_or("a saga that was found is gone")?));
        details.collect()
    }

    /// What the renderer is told of this saga, from its start to its end; none if it is not told all.
    pub async fn bracket(&self, saga: SagaId) -> Option<Vec<Notice>> {
        let until = Instant::now() + BOUND;
        loop {
            let notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let of_saga: Vec<_> = notices.into_iter().filter(|notice| notice.saga() == Some(saga)).collect();
            if of_saga.last().is_some_and(Notice::is_end) {
                return matches!(of_saga[0], Notice::SagaStarted { .. }).then_some(of_saga);
            }
            again("the bracket closes", until).await.ok()?;
        }
    }

    /// Waits until these processes have ended.
    ///
    /// # Errors
    /// If they do not.
    pub async fn ended(&self, processes: &[u32]) -> Result<(), ProgramError> {
        until("the processes end", async || !processes.iter().copied().any(runs)).await
    }

    /// Stops them all, the launcher last, so that the last words of the others are recorded. Gives every process that was ever seen and
    /// still runs.
    ///
    /// # Errors
    /// If one cannot be waited for.
    pub async fn close(mut self) -> Result<Vec<u32>, ProgramError> {
        // Frozen, it would not hear that it is to stop; gone, it need not.
        let _ = self.thaw_host();
        let _ = self.thaw_srv();
        for member in [self.host.take(), self.srv.take()].into_iter().flatten() {
            member.stop().await?;
        }
        if let Some(launcher) = self.launcher.take() {
            launcher.stop().await?;
        }
        if let Some(renderer) = self.renderer.take() {
            renderer.abort();
            // Ended on purpose; what it holds is dropped, and so killed.
            let _ = renderer.await;
        }
        let processes: Vec<_> = self.processes.iter().copied().collect();
        self.directory.close()?;
        // Those that do not end are named by the caller.
        let _ = until("the processes end", async || !processes.iter().copied().any(runs)).await;
        Ok(processes.into_iter().filter(|process| runs(*process)).collect())
    }

    /// The error, with what there is to see when it happens.
    fn told_why(&self, error: &ProgramError) -> ProgramError {
        let sagas = self.all_sagas();
        let words = ["launcher", "host", "srv"].map(|name| format!("{name}: {}", self.fleet.last_words(name)));
        format!("{error}; last words: {}; in the log: {sagas:#?}", words.join("; ")).into()
    }

    fn log(&self) -> Result<SqliteReader, ProgramError> {
        Ok(SqliteReader::open(self.directory.path().join(LOG_FILE))?)
    }
}

fn signal(member: Option<&Member>, signal: Signal) -> Result<(), ProgramError> {
    let id = member.and_then(Member::id).and_then(|id| Pid::from_raw(id.cast_signed()));
    Ok(kill_process(id.ok_or("it does not run")?, signal)?)
}

/// Tells what the renderer sees, until it ends.
async fn follow(mut renderer: Member, telling: Telling, begin: Instant, notices: Arc<Mutex<Vec<Notice>>>) {
    while let Some(line) = renderer.next_line().await {
        let seen = match serde_json::from_str::<Seen>(&line) {
            Ok(seen) => seen,
            Err(error) => {
                tracing::warn!(%error, line, "the renderer says something else");
                continue;
            }
        };
        if seen.describe().is_some_and(|text| tell(telling, begin, &text).is_err()) {
            tracing::debug!("nobody reads the timeline any more");
        }
        if let Seen::Change(told) = seen {
            notices.lock().unwrap_or_else(PoisonError::into_inner).push(told.notice);
        }
    }
}

/// A line that begins with the time that has passed.
fn tell(telling: Telling, begin: Instant, text: &str) -> io::Result<()> {
    match telling {
        Telling::Aloud => writeln!(io::stdout(), "{:>7.3} s {text}", begin.elapsed().as_secs_f64()),
        Telling::Silent => Ok(()),
    }
}

/// Waits a moment; an error if it was long enough.
async fn again(what: &str, until: Instant) -> Result<(), ProgramError> {
    if Instant::now() > until {
        return Err(format!("waited {BOUND:?} in vain: {what}").into());
    }
    tokio::time::sleep(AGAIN).await;
    Ok(())
}

/// Waits until something holds that nobody tells of.
///
/// # Errors
/// If it does not, for longer than anything here takes on a slow machine.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) -> Result<(), ProgramError> {
    let until = Instant::now() + BOUND;
    while !holds().await {
        again(what, until).await?;
    }
    Ok(())
}

/// Whether the process runs; one that has ended and waits to be reaped does not.
pub fn runs(id: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, fields)| !fields.trim_start().starts_with(['Z', 'X']))
}
