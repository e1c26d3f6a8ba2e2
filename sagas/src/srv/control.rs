//! What a user does with the workspaces of a srv, from another process, over a [socket](crate::control) of its own.
//! Deleting and moving is the sagas' business.

use std::sync::Arc;

use saga_runtime::participant::Failure;
use saga_runtime::prelude::Mode;
use serde::{Deserialize, Serialize};

use super::model::Model;
use super::reducer;
use super::sessions::Sessions;
use super::state::SrvState;
use super::store::{Extent, Store};
use crate::bus::{BlockId, Refusal, SrvCommand, TabId, WorkspaceId};
pub use crate::control::ControlError;
use crate::control::{Client, Grants};
use crate::terminal::Terminal;

/// The name of the socket, in the directory in which the processes meet.
pub const SRV_SOCKET: &str = "srv.sock";

/// What a user wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// To see what there is.
    State,
    /// A workspace, with a tab with a block.
    Workspace,
    /// One more tab in a workspace, with a block.
    Tab {
        /// Where.
        workspace: WorkspaceId,
    },
    /// One more block in a tab.
    Block {
        /// Where.
        tab: TabId,
    },
    /// To type into a block.
    Type {
        /// Which.
        block: BlockId,
        /// What, with `\n` for the enter key.
        text: String,
    },
    /// To read the latest output of a block.
    Output {
        /// Which.
        block: BlockId,
    },
    /// To have the shell of a block killed, as when it crashes.
    Crash {
        /// Which.
        block: BlockId,
    },
}

/// What a user gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// What there is.
    State(SrvState),
    /// This workspace, with a tab with a block whose shell is at its prompt.
    Workspace {
        /// Which.
        workspace: WorkspaceId,
        /// Its tab.
        tab: TabId,
        /// The block in that.
        block: BlockId,
    },
    /// This tab, with a block whose shell is at its prompt.
    Tab {
        /// Which.
        tab: TabId,
        /// Its block.
        block: BlockId,
    },
    /// This block, whose shell is at its prompt.
    Block {
        /// Which.
        block: BlockId,
    },
    /// This text.
    Output(String),
    /// It is done.
    Done,
}

/// A user's end of a connection to [`SRV_SOCKET`].
pub type SrvClient = Client<Wish, Reply>;

impl SrvClient {
    /// What there is.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn state(&mut self) -> Result<SrvState, ControlError> {
        match self.ask(&Wish::State).await? {
            Reply::State(state) => Ok(state),
            other => Err(ControlError::unexpected(&other)),
        }
    }

    /// Makes a workspace with a tab with a block.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn workspace(&mut self) -> Result<(WorkspaceId, TabId, BlockId), ControlError> {
        match self.ask(&Wish::Workspace).await? {
            Reply::Workspace { workspace, tab, block } => Ok((workspace, tab, block)),
            other => Err(ControlError::unexpected(&other)),
        }
    }

    /// Makes one more tab with a block.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn tab(&mut self, workspace: WorkspaceId) -> Result<(TabId, BlockId), ControlError> {
        match self.ask(&Wish::Tab { workspace }).await? {
            Reply::Tab { tab, block } => Ok((tab, block)),
            other => Err(ControlError::unexpected(&other)),
        }
    }

    /// Makes one more block.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn block(&mut self, tab: TabId) -> Result<BlockId, ControlError> {
        match self.ask(&Wish::Block { tab }).await? {
            Reply::Block { block } => Ok(block),
            other => Err(ControlError::unexpected(&other)),
        }
    }
}

/// What users of a srv reach of it.
#[derive(Clone)]
pub struct Desk {
    store: Arc<Store>,
    sessions: Sessions,
}

impl Desk {
    /// Over the same database and the same sessions as the participant.
    pub fn new(store: Arc<Store>, sessions: Sessions) -> Self {
        Self { store, sessions }
    }

    async fn state(&self) -> Result<SrvState, Refusal> {
        let model = self.stored(|store| Ok(store.whole()?)).await?;
        Ok(SrvState::of(&model, &self.sessions.terminals()))
    }

    async fn workspace(&self) -> Result<Reply, Refusal> {
        let (workspace, tab, block) = self
            .make(Extent::default(), |model| {
                let workspace = model.make_workspace();
                let (tab, block) = furnished_tab(model, workspace)?;
                Ok((workspace, tab, block))
            })
            .await?;
        self.start(block, SrvCommand::DeleteWorkspace { workspace }).await?;
        Ok(Reply::Workspace { workspace, tab, block })
    }

    async fn tab(&self, workspace: WorkspaceId) -> Result<Reply, Refusal> {
        let make = move |model: &mut Model| furnished_tab(model, workspace);
        let (tab, block) = self.make(Extent::workspace(workspace), make).await?;
        self.start(block, SrvCommand::DeleteTab { workspace, tab, cascade: true }).await?;
        Ok(Reply::Tab { tab, block })
    }

    async fn block(&self, tab: TabId) -> Result<Reply, Refusal> {
        let make = move |model: &mut Model| model.make_block(tab).ok_or(Refusal::NoSuchTab);
        let block = self.make(Extent::tab(tab), make).await?;
        self.start(block, SrvCommand::DeleteBlock { tab, block }).await?;
        Ok(Reply::Block { block })
    }

    async fn make<T: Send + 'static>(
        &self,
        extent: Extent,
        make: impl FnOnce(&mut Model) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        self.stored(move |store| store.transact(&extent, make)).await
    }

    /// Starts the shell of a block that was just made; if none comes up, what was made is undone.
    async fn start(&self, block: BlockId, undo: SrvCommand) -> Result<(), Refusal> {
        let started = self.sessions.start(block).await;
        if started.is_err() {
            let extent = Extent::of(&undo);
            self.make(extent, move |model| reducer::decide(model, &undo, Mode::Compensation)).await?;
        }
        started
    }

    async fn stored<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, Failure<Refusal>> + Send + 'static,
    ) -> Result<T, Refusal> {
        let store = Arc::clone(&self.store);
        let problem = match tokio::task::spawn_blocking(move || work(&store)).await {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(Failure::Refused(refusal))) => return Err(refusal),
            Ok(Err(failure)) => failure.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::warn!("what a user wants cannot be stored: {problem}");
        Err(Refusal::OutOfMemory)
    }

    fn terminal(&self, block: BlockId) -> Result<Arc<Terminal>, Refusal> {
        self.sessions.terminal(block).ok_or(Refusal::NoSuchBlock)
    }

    async fn type_in(&self, block: BlockId, text: String) -> Result<(), Refusal> {
        let terminal = self.terminal(block)?;
        let typed = tokio::task::spawn_blocking(move || terminal.type_in(&text)).await;
        typed.map_err(std::io::Error::other).flatten().map_err(|error| {
            tracing::warn!(%error, %block, "a terminal takes no input");
            Refusal::NoSuchBlock
        })
    }
}

fn furnished_tab(model: &mut Model, workspace: WorkspaceId) -> Result<(TabId, BlockId), Refusal> {
    let tab = model.make_tab(workspace).ok_or(Refusal::NoSuchWorkspace)?;
    let block = model.make_block(tab).ok_or(Refusal::NoSuchTab)?;
    Ok((tab, block))
}

impl Grants for Desk {
    type Wish = Wish;
    type Reply = Reply;

    async fn grant(&self, wish: Wish) -> Result<Reply, Refusal> {
        match wish {
            Wish::State => self.state().await.map(Reply::State),
            Wish::Workspace => self.workspace().await,
            Wish::Tab { workspace } => self.tab(workspace).await,
            Wish::Block { tab } => self.block(tab).await,
            Wish::Type { block, text } => self.type_in(block, text).await.map(|()| Reply::Done),
            Wish::Output { block } => self.terminal(block).map(|terminal| Reply::Output(terminal.output())),
            Wish::Crash { block } => {
                self.terminal(block)?.kill_shell();
                Ok(Reply::Done)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;
    use tokio::net::UnixStream;

    use super::*;
    use crate::control::serve_user;
    use crate::mark::Mark;
    use crate::srv::store::STORE_FILE;
    use crate::terminal::Shell;

    struct Office {
        _home: TempDir,
        desk: Desk,
        user: SrvClient,
    }

    fn office(shell: Shell) -> Office {
        let home = tempfile::tempdir().expect("a directory");
        let store = Arc::new(Store::open(&home.path().join(STORE_FILE)).expect("a database"));
        let mark = Mark::new("srv", home.path()).expect("it is there");
        let desk = Desk::new(Arc::clone(&store), Sessions::new(store, shell, mark));
        let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
        let serving = desk.clone();
        tokio::spawn(async move { serve_user(&serving, theirs).await });
        Office { _home: home, desk, user: SrvClient::over(ours) }
    }

    #[tokio::test]
    async fn a_user_gets_what_is_asked_for() {
        let Office { desk, mut user, _home } = office(Shell::default());
        let (workspace, tab, block) = user.workspace().await.expect("a shell comes up");
        let more = user.block(tab).await.expect("a shell comes up");
        let (other, _) = user.tab(workspace).await.expect("a shell comes up");
        let state = user.state().await.expect("it is there");
        let tabs: Vec<_> = state.workspaces[0].tabs.iter().map(|tab| tab.tab).collect();
        assert_eq!(tabs, [tab, other]);
        let blocks: Vec<_> = state.workspaces[0].tabs[0].blocks.iter().map(|block| block.block).collect();
        assert_eq!(blocks, [block, more]);
        assert_eq!(state.shells().count(), 3);
        let text = "echo $((40 + 2))\n".to_owned();
        assert_eq!(user.ask(&Wish::Type { block, text }).await.expect("it is there"), Reply::Done);
        assert!(desk.sessions.terminal(block).expect("it runs").shows("42").await);
        let output = user.ask(&Wish::Output { block }).await.expect("it is there");
        assert!(matches!(output, Reply::Output(text) if text.starts_with("agentmux$ ")));
        desk.sessions.quit().await;
    }

    #[tokio::test]
    async fn a_user_is_told_why_not() {
        let Office { mut user, .. } = office(Shell::default());
        let refused = [
            user.ask(&Wish::Tab { workspace: WorkspaceId(9) }).await,
            user.ask(&Wish::Block { tab: TabId(9) }).await,
            user.ask(&Wish::Crash { block: BlockId(9) }).await,
        ];
        let refusals: Vec<_> = refused.map(|refused| refused.expect_err("there is no such thing").to_string()).into();
        assert_eq!(refusals, ["refused: no such workspace", "refused: no such tab", "refused: no such block"]);
    }

    #[tokio::test]
    async fn what_gets_no_shell_is_not_made() {
        let Office { mut user, _home, .. } = office(Shell { program: "/bin/false".into(), ..Shell::default() });
        let refused = user.workspace().await.expect_err("no shell comes up");
        assert!(matches!(refused, ControlError::Refused(Refusal::OutOfMemory)));
        let state = user.state().await.expect("it is there");
        assert_eq!((state.workspaces, state.ending), (vec![], vec![]));
    }
}
