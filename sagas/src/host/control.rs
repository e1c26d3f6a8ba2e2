//! What a user does with the windows of a host, from another process, over a [socket](crate::control) of its own.

use saga_runtime::prelude::Mode;
use serde::{Deserialize, Serialize};

use super::Host;
use super::state::HostState;
use super::windows::PaneNumber;
use crate::bus::{Label, Refusal, Session};
pub use crate::control::ControlError;
use crate::control::{Client, Grants};
use crate::terminal::Numbered;

/// The name of the socket, in the directory in which the processes meet.
pub const HOST_SOCKET: &str = "host.sock";

/// What a user wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// To see what there is.
    State,
    /// To be shown a hidden window.
    Promote,
    /// One more hidden window, as when the host adds it of its own accord.
    Add,
    /// One more pane in a window.
    Split {
        /// Which.
        label: Label,
    },
    /// To type into the first pane of a window.
    Type {
        /// Which.
        label: Label,
        /// What, with `\n` for the enter key.
        text: String,
    },
    /// To read the latest output of the first pane of a window.
    Output {
        /// Which.
        label: Label,
    },
    /// To read what happened in a session.
    Log {
        /// Which.
        session: Session,
    },
    /// To close a window.
    Close {
        /// Which.
        label: Label,
    },
    /// To have the shells of a window killed, as when they crash.
    Crash {
        /// Which.
        label: Label,
    },
}

/// What a user gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// What there is.
    State(HostState),
    /// This window.
    Window(Label),
    /// This pane.
    Pane(PaneNumber),
    /// This text.
    Output(String),
    /// These events, oldest first.
    Log(Vec<Numbered>),
    /// It is done.
    Done,
}

/// A user's end of a connection to [`HOST_SOCKET`].
pub type ControlClient = Client<Wish, Reply>;

impl ControlClient {
    /// What there is.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn state(&mut self) -> Result<HostState, ControlError> {
        match self.ask(&Wish::State).await? {
            Reply::State(state) => Ok(state),
            other => Err(ControlError::unexpected(&other)),
        }
    }

    /// Shows a hidden window.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn promote(&mut self) -> Result<Label, ControlError> {
        self.window(&Wish::Promote).await
    }

    /// Adds a hidden window, as the host does of its own accord.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn add(&mut self) -> Result<Label, ControlError> {
        self.window(&Wish::Add).await
    }

    /// What happened in a session, oldest first.
    ///
    /// # Errors
    /// As [`ControlClient::ask`].
    pub async fn log(&mut self, session: Session) -> Result<Vec<Numbered>, ControlError> {
        match self.ask(&Wish::Log { session }).await? {
            Reply::Log(events) => Ok(events),
            other => Err(ControlError::unexpected(&other)),
        }
    }

    async fn window(&mut self, wish: &Wish) -> Result<Label, ControlError> {
        match self.ask(wish).await? {
            Reply::Window(label) => Ok(label),
            other => Err(ControlError::unexpected(&other)),
        }
    }
}

impl Grants for Host {
    type Wish = Wish;
    type Reply = Reply;

    async fn grant(&self, wish: Wish) -> Result<Reply, Refusal> {
        match wish {
            Wish::State => Ok(Reply::State(self.state())),
            Wish::Promote => self.promote().await.map(Reply::Window),
            Wish::Add => self.add().await.map(Reply::Window),
            Wish::Split { label } => self.split(&label).await.map(Reply::Pane),
            Wish::Type { label, text } => self.type_in(&label, text).await.map(|()| Reply::Done),
            Wish::Output { label } => self.output(&label).map(Reply::Output),
            Wish::Log { session } => self.log(&session).map(Reply::Log),
            Wish::Close { label } => self.close(&label, Mode::Forward).map(|()| Reply::Done),
            Wish::Crash { label } => self.crash(&label).map(|()| Reply::Done),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixStream;

    use super::*;
    use crate::control::serve_user;
    use crate::host::HostOptions;

    /// A user of a host with a full pool, and its raw connection. Nothing listens to what the host tells.
    async fn user() -> ControlClient {
        let (host, _told) = Host::new(HostOptions::default());
        host.fill_pool().await.expect("the system gives two shells");
        let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
        tokio::spawn(async move { serve_user(&host, theirs).await });
        ControlClient::over(ours)
    }

    #[tokio::test]
    async fn a_user_gets_what_is_asked_for() {
        let mut user = user().await;
        let label = user.promote().await.expect("the pool is full");
        let state = user.state().await.expect("the host is there");
        assert!(state.windows.iter().any(|window| window.label == label && !window.hidden));
        assert_eq!(user.ask(&Wish::Split { label: label.clone() }).await.expect("it is there"), Reply::Pane(2));
        let text = "echo $((40 + 2))\n".to_owned();
        assert_eq!(user.ask(&Wish::Type { label: label.clone(), text }).await.expect("it is there"), Reply::Done);
        let output = user.ask(&Wish::Output { label: label.clone() }).await.expect("it is there");
        assert!(matches!(output, Reply::Output(text) if text.starts_with("agentmux$ ")));
        assert_eq!(user.ask(&Wish::Crash { label }).await.expect("it is there"), Reply::Done);
    }

    #[tokio::test]
    async fn a_user_is_told_why_not() {
        let mut user = user().await;
        let label = Label::from("nowhere");
        let refused = user.ask(&Wish::Close { label }).await.expect_err("there is no such window");
        assert!(matches!(refused, ControlError::Refused(Refusal::NoSuchWindow)));
    }
}
