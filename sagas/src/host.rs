//! The host: the participant that owns windows.
//!
//! # Layout
//!
//! | module | what it is for |
//! |---|---|
//! | [`windows`] | which windows there are; pure |
//! | [`state`] | what there is to see of a host |
//! | `sessions` | commands that somebody waits for, and what happened in a session |
//! | [`control`] | what a user does with windows, from another process |
//!
//! Windows and panes live and die with the host's process; that is why its memory is [volatile](saga_runtime::prelude::Memory::Volatile). It
//! knows no sagas.

pub mod control;
pub mod state;
pub mod windows;

mod participant;
mod sessions;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use saga_runtime::prelude::Mode;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::bus::{Event, Label, Refusal};
use crate::terminal::{Shell, Terminal};
use sessions::Logs;
use state::{HostState, WindowState};
use windows::{Drain, Origin, PaneEnd, PaneNumber, Place, Windows};

/// What a host is told when it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostOptions {
    /// What runs in a pane.
    pub shell: Shell,
    /// How many hidden windows are kept.
    pub pool_size: usize,
    /// How long the host waits for others to refill the pool after a promote, before it does so itself. Longer than
    /// the deadline of the saga whose work it is.
    pub patience: Duration,
    /// How long the host waits before it replaces a hidden window that crashed.
    pub replace_after: Duration,
}

impl Default for HostOptions {
    fn default() -> Self {
        Self {
            shell: Shell::default(),
            pool_size: 2,
            patience: Duration::from_secs(10),
            replace_after: Duration::from_millis(200),
        }
    }
}

/// The windows of one process. Clones are the same host; the last one dropped takes everything with it.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

struct Inner {
    options: HostOptions,
    windows: Mutex<Windows<Arc<Terminal>>>,
    logs: Mutex<Logs>,
    /// Windows that are closed, and whose processes have not all ended.
    ending: watch::Sender<BTreeSet<Label>>,
    /// What the host has to say of its own accord; few, since each is about a window that was there.
    told: mpsc::UnboundedSender<Event>,
}

impl Host {
    /// A host without windows, and what it will say of its own accord: to be published in this order.
    pub fn new(options: HostOptions) -> (Self, mpsc::UnboundedReceiver<Event>) {
        let (told, to_publish) = mpsc::unbounded_channel();
        let name = format!("{:08x}", fastrand::u32(..));
        let windows = Mutex::new(Windows::new(name, options.pool_size));
        let inner = Inner { options, windows, logs: Mutex::default(), ending: watch::Sender::default(), told };
        (Self(Arc::new(inner)), to_publish)
    }

    /// Fills the pool of its own accord.
    ///
    /// # Errors
    /// [`Refusal::OutOfMemory`] if a shell does not come up; the others have.
    pub async fn fill_pool(&self) -> Result<(), Refusal> {
        let added: JoinSet<_> = self.begin_what_lacks().into_iter().map(Begun::add).collect();
        added.join_all().await.into_iter().try_for_each(|added| added.map(drop))
    }

    /// Adds one hidden window of its own accord, beside those that the pool should hold.
    ///
    /// # Errors
    /// [`Refusal::Quitting`], [`Refusal::OutOfMemory`].
    pub async fn add(&self) -> Result<Label, Refusal> {
        let label = self.windows().begin(Place::Pool, Origin::Extra)?;
        self.begun(label).add().await
    }

    /// Shows a hidden window to the user: at once, or if none is there, when one has come up.
    ///
    /// # Errors
    /// [`Refusal::Quitting`], [`Refusal::OutOfMemory`].
    pub async fn promote(&self) -> Result<Label, Refusal> {
        loop {
            let promoted = self.windows().promote();
            if let Some(label) = promoted {
                self.tell(Event::PoolWindowPromoted { label: label.clone() });
                self.fill_pool_after(self.0.options.patience);
                return Ok(label);
            }
            let was_drained = self.windows().is_drained();
            self.add().await?;
            self.fill_drained(was_drained);
        }
    }

    /// Makes a window for an exchange, and returns when its shell is at the prompt.
    ///
    /// # Errors
    /// [`Refusal::Quitting`], [`Refusal::PoolFull`], [`Refusal::OutOfMemory`]; then nothing is left of it.
    pub async fn spawn(&self, place: Place, asked_by: &str) -> Result<Label, Refusal> {
        let was_drained = self.windows().is_drained();
        let label = self.windows().begin(place, Origin::Exchange(asked_by.to_owned()))?;
        let label = self.begun(label).open().await?;
        self.fill_drained(was_drained);
        Ok(label)
    }

    /// Opens one more pane in a window.
    ///
    /// # Errors
    /// [`Refusal::NoSuchWindow`], [`Refusal::OutOfMemory`].
    pub async fn split(&self, label: &Label) -> Result<PaneNumber, Refusal> {
        if !self.windows().get(label).is_some_and(windows::Window::is_there) {
            return Err(Refusal::NoSuchWindow);
        }
        let terminal = self.terminal().await?;
        self.place(label, terminal).ok_or(Refusal::NoSuchWindow)
    }

    /// Closes a window; what runs in it ends soon after. In a rollback, a busy window is closed too, and one that is
    /// gone was closed.
    ///
    /// # Errors
    /// [`Refusal::Busy`], [`Refusal::NoSuchWindow`].
    pub fn close(&self, label: &Label, mode: Mode) -> Result<(), Refusal> {
        let guarded = mode == Mode::Forward;
        let closed = self.windows().close(label, |pane| guarded && pane.is_busy());
        match closed {
            Ok(panes) => {
                self.end(label, panes);
                self.tell(Event::WindowClosed { label: label.clone(), crashed: false });
                Ok(())
            }
            Err(Refusal::NoSuchWindow) if !guarded => Ok(()),
            Err(refusal) => Err(refusal),
        }
    }

    /// Returns when nothing is left of what ran in a window.
    ///
    /// # Errors
    /// [`Refusal::StillOpen`] if it was not closed.
    pub async fn reap(&self, label: &Label) -> Result<(), Refusal> {
        if self.windows().get(label).is_some() {
            return Err(Refusal::StillOpen);
        }
        // The sender lives as long as this host.
        let _ = self.0.ending.subscribe().wait_for(|ending| !ending.contains(label)).await;
        Ok(())
    }

    /// Closes the hidden windows if the user has no window any more; whether it did.
    pub fn drain_if_last(&self) -> bool {
        let drain = self.windows().drain_if_last();
        match drain {
            Drain::NotLast => false,
            Drain::Drained(windows) => {
                for (label, panes) in windows {
                    self.end(&label, panes);
                }
                true
            }
        }
    }

    /// Types text into the first pane of a window, as if at the keyboard.
    ///
    /// # Errors
    /// [`Refusal::NoSuchWindow`].
    pub async fn type_in(&self, label: &Label, text: String) -> Result<(), Refusal> {
        let pane = self.panes(label).into_iter().next().ok_or(Refusal::NoSuchWindow)?;
        let typed = tokio::task::spawn_blocking(move || pane.type_in(&text)).await;
        typed.map_err(std::io::Error::other).flatten().map_err(|error| {
            tracing::warn!(%error, %label, "a pane takes no input");
            Refusal::NoSuchWindow
        })
    }

    /// The latest output of the first pane of a window.
    ///
    /// # Errors
    /// [`Refusal::NoSuchWindow`].
    pub fn output(&self, label: &Label) -> Result<String, Refusal> {
        self.panes(label).first().map(|pane| pane.output()).ok_or(Refusal::NoSuchWindow)
    }

    /// Kills the shells of a window, as when they crash.
    ///
    /// # Errors
    /// [`Refusal::NoSuchWindow`].
    pub fn crash(&self, label: &Label) -> Result<(), Refusal> {
        let panes = self.panes(label);
        panes.iter().for_each(|pane| pane.kill_shell());
        if panes.is_empty() { Err(Refusal::NoSuchWindow) } else { Ok(()) }
    }

    /// What there is to see.
    pub fn state(&self) -> HostState {
        HostState {
            process: std::process::id(),
            windows: self.windows().iter().map(|(label, window)| WindowState::of(label, window)).collect(),
            ending: self.0.ending.borrow().iter().cloned().collect(),
        }
    }

    /// Closes everything, makes nothing any more, and returns when no process is left.
    pub async fn quit(&self) {
        let windows = self.windows().quit();
        for (label, panes) in windows {
            self.end(&label, panes);
        }
        // The sender lives as long as this host.
        let _ = self.0.ending.subscribe().wait_for(BTreeSet::is_empty).await;
    }

    fn windows(&self) -> MutexGuard<'_, Windows<Arc<Terminal>>> {
        // No transition of the windows can panic half way.
        self.0.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn logs(&self) -> MutexGuard<'_, Logs> {
        self.0.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn panes(&self, label: &Label) -> Vec<Arc<Terminal>> {
        let windows = self.windows();
        windows.get(label).into_iter().flat_map(|window| window.panes().values().cloned()).collect()
    }

    fn tell(&self, event: Event) {
        if self.0.told.send(event).is_err() {
            tracing::debug!("nobody listens to the host any more");
        }
    }

    fn begin_what_lacks(&self) -> Vec<Begun> {
        let mut windows = self.windows();
        let lacking = windows.shortage();
        (0..lacking).filter_map(|_| Some(self.begun(windows.begin(Place::Pool, Origin::Pool).ok()?))).collect()
    }

    fn begun(&self, label: Label) -> Begun {
        Begun { host: self.clone(), label }
    }

    async fn terminal(&self) -> Result<Terminal, Refusal> {
        Terminal::open(&self.0.options.shell).await.map_err(|error| {
            tracing::warn!(%error, "no shell for a pane");
            Refusal::OutOfMemory
        })
    }

    /// Puts a terminal into a window and watches over it; none if the window is gone, and then the terminal is too.
    fn place(&self, label: &Label, terminal: Terminal) -> Option<PaneNumber> {
        let (ended, log) = (terminal.shell_ended(), terminal.log());
        let number = self.windows().there(label, Arc::new(terminal)).ok()?;
        self.logs().keep(label, number, log);
        let (host, label) = (Arc::downgrade(&self.0), label.clone());
        tokio::spawn(async move {
            ended.await;
            if let Some(inner) = Weak::upgrade(&host) {
                Self(inner).pane_ended(&label, number);
            }
        });
        Some(number)
    }

    fn pane_ended(&self, label: &Label, number: PaneNumber) {
        let end = self.windows().pane_ended(label, number);
        let PaneEnd::Crashed(place, pane) = end else { return };
        self.end(label, vec![pane]);
        self.tell(Event::WindowClosed { label: label.clone(), crashed: true });
        if place == Place::Pool {
            self.fill_pool_after(self.0.options.replace_after);
        }
    }

    /// Ends what ran in a window that is gone, in the background.
    fn end(&self, label: &Label, panes: Vec<Arc<Terminal>>) {
        self.0.ending.send_modify(|ending| {
            ending.insert(label.clone());
        });
        let (host, label) = (self.clone(), label.clone());
        tokio::spawn(async move {
            let panes: JoinSet<()> = panes.into_iter().map(|pane| async move { pane.end().await }).collect();
            panes.join_all().await;
            host.0.ending.send_modify(|ending| {
                ending.remove(&label);
            });
        });
    }

    /// With the first window after a drain the pool is wanted again, and nobody was promoted who would refill it.
    fn fill_drained(&self, was_drained: bool) {
        if was_drained {
            self.fill_pool_after(Duration::ZERO);
        }
    }

    /// Fills the pool of its own accord if it still lacks windows then, and tries again if a shell does not come up.
    fn fill_pool_after(&self, wait: Duration) {
        let host = Arc::downgrade(&self.0);
        let mut wait = wait;
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(wait).await;
                let Some(host) = Weak::upgrade(&host).map(Self) else { return };
                if host.fill_pool().await != Err(Refusal::OutOfMemory) {
                    return;
                }
                wait = host.0.options.patience;
            }
        });
    }
}

/// A window whose first pane is on its way; dropped before that has come, the window is gone.
struct Begun {
    host: Host,
    label: Label,
}

impl Begun {
    /// Gives it its first pane.
    async fn open(self) -> Result<Label, Refusal> {
        let terminal = self.host.terminal().await?;
        match self.host.place(&self.label, terminal) {
            Some(_) => Ok(self.label.clone()),
            None => Err(self.host.windows().no_more()),
        }
    }

    /// As the host's own doing, told to all.
    async fn add(self) -> Result<Label, Refusal> {
        let host = self.host.clone();
        let label = self.open().await?;
        host.tell(Event::PoolWindowAdded { label: label.clone() });
        Ok(label)
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.host.windows().failed(&self.label);
    }
}

#[cfg(test)]
mod tests;
