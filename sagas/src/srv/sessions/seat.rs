//! One block's session: a task that does what is asked of it one after another, and watches over the shell in between.

use std::sync::Arc;
use std::time::Duration;

use saga_runtime::participant::Failure;
use tokio::sync::{mpsc, oneshot};

use super::Sessions;
use crate::bus::{BlockId, Refusal};
use crate::srv::store::Store;
use crate::terminal::{Shell, Terminal};

/// How long after a shell did not come up another one is tried; each time twice as long.
const AGAIN_AFTER: Duration = Duration::from_millis(200);
/// At most.
const AGAIN_AFTER_AT_MOST: Duration = Duration::from_secs(10);

type Reply = oneshot::Sender<Result<(), Refusal>>;

/// What is asked of a seat.
#[derive(Debug)]
pub(super) enum Ask {
    /// A shell at its prompt; if none comes up, that is all.
    Start(Reply),
    /// The same, but if none comes up another one is tried.
    Keep(Reply),
    /// No session.
    End(Reply),
    /// No process, since this life ends.
    Quit(Reply),
}

/// A block's seat among the sessions.
pub(super) struct Seat {
    asks: mpsc::UnboundedSender<Ask>,
    terminal: Option<Arc<Terminal>>,
}

impl Seat {
    pub(super) fn begin(sessions: Sessions, block: BlockId) -> Self {
        let (asks, asked) = mpsc::unbounded_channel();
        tokio::spawn(Attendant { sessions, block, asked }.attend());
        Self { asks, terminal: None }
    }

    /// Its task ends only when nothing is asked of it; see [`Attendant::leave`].
    pub(super) fn ask(&self, ask: Ask) {
        let _ = self.asks.send(ask);
    }

    pub(super) fn terminal(&self) -> Option<Arc<Terminal>> {
        self.terminal.clone()
    }
}

/// How the session stands.
enum Standing {
    /// There is none.
    Empty,
    /// Its shell runs.
    Runs(Arc<Terminal>),
    /// It is wanted, and no shell has come up; the next one is tried after this time.
    Down(Duration),
}

/// Whoever looks after a seat.
struct Attendant {
    sessions: Sessions,
    block: BlockId,
    asked: mpsc::UnboundedReceiver<Ask>,
}

impl Attendant {
    async fn attend(mut self) {
        let mut standing = Standing::Empty;
        loop {
            let ask = match &standing {
                Standing::Empty => match self.leave() {
                    Some(ask) => Some(ask),
                    None => return,
                },
                Standing::Runs(terminal) => tokio::select! {
                    ask = self.asked.recv() => ask,
                    () = terminal.shell_ended() => None,
                },
                Standing::Down(wait) => tokio::select! {
                    ask = self.asked.recv() => ask,
                    () = tokio::time::sleep(*wait) => None,
                },
            };
            standing = match ask {
                Some(ask) => self.answer(ask, standing).await,
                None => self.refresh(standing).await,
            };
        }
    }

    /// What is asked next; if nothing is, the seat is given up.
    fn leave(&mut self) -> Option<Ask> {
        // Whoever asks holds the seats too, so that nothing is asked of one that is given up.
        let mut seats = self.sessions.seats();
        let next = self.asked.try_recv().ok();
        if next.is_none() {
            seats.remove(&self.block);
        }
        next
    }

    async fn answer(&self, ask: Ask, standing: Standing) -> Standing {
        let (reply, done, standing) = match ask {
            Ask::Start(reply) => {
                let (done, standing) = self.start(standing).await;
                (reply, done, standing)
            }
            Ask::Keep(reply) => {
                let standing = self.refresh(standing).await;
                let is_there = matches!(standing, Standing::Runs(_));
                (reply, if is_there { Ok(()) } else { Err(Refusal::OutOfMemory) }, standing)
            }
            Ask::End(reply) => {
                let (done, standing) = self.end(standing).await;
                (reply, done, standing)
            }
            Ask::Quit(reply) => {
                let is_over = self.end_processes(standing).await;
                (reply, if is_over { Ok(()) } else { Err(Refusal::SessionStays) }, Standing::Empty)
            }
        };
        // Whoever asked may be gone.
        let _ = reply.send(done);
        standing
    }

    async fn start(&self, standing: Standing) -> (Result<(), Refusal>, Standing) {
        if let Standing::Runs(terminal) = standing {
            return (Ok(()), Standing::Runs(terminal));
        }
        match self.open().await {
            Some(terminal) => (Ok(()), Standing::Runs(terminal)),
            None => {
                self.note(Store::session_not_started).await;
                (Err(Refusal::OutOfMemory), Standing::Empty)
            }
        }
    }

    async fn end(&self, standing: Standing) -> (Result<(), Refusal>, Standing) {
        if self.end_processes(standing).await {
            self.note(Store::session_ended).await;
            return (Ok(()), Standing::Empty);
        }
        tracing::error!(block = %self.block, "processes of its session do not end");
        let is_wanted = self.note(Store::session_stays).await.unwrap_or(false);
        let standing = if is_wanted { self.refresh(Standing::Empty).await } else { Standing::Empty };
        (Err(Refusal::SessionStays), standing)
    }

    /// A fresh shell, unless one runs or none is wanted any more.
    async fn refresh(&self, standing: Standing) -> Standing {
        let wait = match standing {
            Standing::Empty => AGAIN_AFTER,
            Standing::Down(wait) => (2 * wait).min(AGAIN_AFTER_AT_MOST),
            Standing::Runs(terminal) => {
                if !terminal.has_ended() {
                    return Standing::Runs(terminal);
                }
                self.seat(None);
                // What the shell leaves in its session ends with it; what has left that stays until the block goes.
                terminal.end().await;
                AGAIN_AFTER
            }
        };
        if self.note(Store::wants_session).await == Some(false) {
            return Standing::Empty;
        }
        match self.open().await {
            Some(terminal) => Standing::Runs(terminal),
            None => Standing::Down(wait),
        }
    }

    async fn open(&self) -> Option<Arc<Terminal>> {
        let inner = &self.sessions.0;
        let environment = vec![inner.mark.environment(&self.block.0.to_string())];
        let shell = Shell { environment, ..inner.shell.clone() };
        // Nobody closes it.
        let _turn = inner.starting.acquire().await;
        match Terminal::open(&shell).await {
            Ok(terminal) => {
                let terminal = Arc::new(terminal);
                self.seat(Some(Arc::clone(&terminal)));
                Some(terminal)
            }
            Err(error) => {
                tracing::warn!(%error, block = %self.block, "no shell for a block");
                None
            }
        }
    }

    /// Ends all that runs in the session, wherever it went; whether nothing is left.
    async fn end_processes(&self, standing: Standing) -> bool {
        self.seat(None);
        if let Standing::Runs(terminal) = standing {
            terminal.end().await;
        }
        let (end, mark, block) = (self.sessions.0.end, self.sessions.0.mark.clone(), self.block);
        tokio::task::spawn_blocking(move || end(&mark, block)).await.unwrap_or(false)
    }

    fn seat(&self, terminal: Option<Arc<Terminal>>) {
        if let Some(seat) = self.sessions.seats().get_mut(&self.block) {
            seat.terminal = terminal;
        }
    }

    /// Writes down what became of the session, or reads what is to. If that fails, the next life begins with what is written,
    /// and puts it in order.
    async fn note<T: Send + 'static>(&self, what: fn(&Store, BlockId) -> Result<T, Failure<Refusal>>) -> Option<T> {
        let (store, block) = (Arc::clone(&self.sessions.0.store), self.block);
        let noted = tokio::task::spawn_blocking(move || what(&store, block)).await;
        let problem = match noted {
            Ok(Ok(noted)) => return Some(noted),
            Ok(Err(failure)) => failure.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::error!(block = %self.block, "the state of its session cannot be written or read: {problem}");
        None
    }
}
