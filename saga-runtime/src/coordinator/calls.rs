//! What callers ask: of the machine, or of the log where a saga has ended.

use tokio::sync::{oneshot, watch};

use super::acts::Act;
use super::engine::Engine;
use super::handle::{self, Progress};
use super::journal::{Work, Worked};
use super::pruning::Pruning;
use crate::cause::EndedBy;
use crate::log::{Details, LogError, Status};
use crate::machine::{CancelReply, Input, NewSaga, Operator, Token};
use crate::message::{Bus, EventOf, SagaId};
use crate::notice::Notice;
use crate::operator::ParticipantStatus;

/// A saga that was started or attached to: its id, and how far it is.
pub(super) type Started = Result<(SagaId, watch::Receiver<Progress>), String>;

/// What callers ask.
pub(super) enum Ask<B: Bus> {
    Start { saga: NewSaga, key: Option<String>, reply: oneshot::Sender<Started> },
    Attach { saga: SagaId, name: &'static str, reply: oneshot::Sender<Started> },
    Publish { event: EventOf<B>, reply: oneshot::Sender<()> },
    Cancel { saga: SagaId, by: Option<EndedBy>, reply: oneshot::Sender<Result<CancelReply, String>> },
    Operate { saga: SagaId, action: Operator, by: EndedBy, reply: oneshot::Sender<Result<(), String>> },
    Participants { reply: oneshot::Sender<Vec<ParticipantStatus>> },
    Prune(Pruning),
    Stop,
}

/// Who asked, until the machine has decided.
pub(super) enum Asker {
    Start { name: String, reply: oneshot::Sender<Started> },
    Publish(oneshot::Sender<()>),
    Cancel(oneshot::Sender<Result<CancelReply, String>>),
    Operate(oneshot::Sender<Result<(), String>>),
}

/// What waits for the journal to look something up.
pub(super) enum LookUp {
    /// Whether an ended saga had this key.
    Key { saga: NewSaga, key: String, reply: oneshot::Sender<Started> },
    /// How a saga ended that is no longer in flight.
    Outcome {
        saga: SagaId,
        /// The kind that it must be of.
        name: String,
        reply: oneshot::Sender<Started>,
    },
}

impl<B: Bus> Engine<B> {
    pub(super) fn asked(&mut self, ask: Ask<B>) {
        match ask {
            Ask::Start { saga, key: None, reply } => self.start(saga, None, reply),
            Ask::Start { saga, key: Some(key), reply } => self.start_with_key(saga, key, reply),
            Ask::Attach { saga, name, reply } => self.attach(saga, name, reply),
            Ask::Publish { event, reply } => {
                let token = self.asker(Asker::Publish(reply));
                self.step(Input::Publish { event, token });
            }
            Ask::Cancel { saga, by, reply } => {
                let token = self.asker(Asker::Cancel(reply));
                self.step(Input::Cancel { saga, by, token });
            }
            Ask::Operate { saga, action, by, reply } => {
                let token = self.asker(Asker::Operate(reply));
                self.step(Input::Operate { saga, action, by, token });
            }
            Ask::Participants { reply } => self.pending.act(Act::reply(reply, self.acts.participants())),
            Ask::Prune(pruning) => self.ends.journal.ask(Work::Prune(pruning)),
            Ask::Stop => self.stop(),
        }
    }

    fn asker(&mut self, asker: Asker) -> Token {
        let token = self.ticket();
        self.askers.insert(token, asker);
        token
    }

    fn ticket(&mut self) -> u64 {
        self.tickets += 1;
        self.tickets
    }

    fn start(&mut self, saga: NewSaga, key: Option<String>, reply: oneshot::Sender<Started>) {
        let name = saga.name().to_owned();
        let token = self.asker(Asker::Start { name, reply });
        self.step(Input::Start { saga, key, token });
    }

    /// The same key is the same saga: one that has ended is in the log only.
    fn start_with_key(&mut self, saga: NewSaga, key: String, reply: oneshot::Sender<Started>) {
        if self.machine.saga_with_key(&key).is_some() {
            return self.start(saga, Some(key), reply);
        }
        self.pending.act(Act::LookUp(LookUp::Key { saga, key, reply }));
    }

    fn attach(&mut self, saga: SagaId, name: &'static str, reply: oneshot::Sender<Started>) {
        let progress = self.watch(saga);
        match self.machine.name_of(saga) {
            Some(known) if known == name => self.pending.act(Act::reply(reply, Ok((saga, progress)))),
            Some(other) => {
                let refusal = format!("saga {saga} is a `{other}`, not a `{name}`");
                self.pending.act(Act::reply(reply, Err(refusal)));
            }
            None => {
                self.acts.unwatch(saga);
                self.pending.act(Act::LookUp(LookUp::Outcome { saga, name: name.to_owned(), reply }));
            }
        }
    }

    /// How far a saga in flight is, from now on.
    fn watch(&mut self, saga: SagaId) -> watch::Receiver<Progress> {
        let standing = self.machine.standing(saga).filter(|standing| standing.status == Status::Stuck);
        let reason = standing.map(|standing| standing.reason.unwrap_or_default());
        self.acts.watch(saga, reason.map_or(Progress::Going, Progress::Stuck))
    }

    /// Asks the journal, which answers in order: what is recorded before this is found.
    pub(super) fn look_up(&mut self, look_up: LookUp) {
        let ticket = self.ticket();
        let work = match &look_up {
            LookUp::Key { key, .. } => Work::StartedWith { key: key.clone(), ticket },
            LookUp::Outcome { saga, .. } => Work::Details { saga: *saga, ticket },
        };
        self.look_ups.insert(ticket, look_up);
        self.ends.journal.ask(work);
    }

    pub(super) fn looked_up(&mut self, worked: Worked) {
        match worked {
            Worked::Appended(_) | Worked::Pruned => {}
            Worked::StartedWith { ticket, found } => {
                if let Some(LookUp::Key { saga, key, reply }) = self.look_ups.remove(&ticket) {
                    self.start_unless_found(saga, key, found, reply);
                }
            }
            Worked::Details { ticket, found } => {
                if let Some(LookUp::Outcome { saga, name, reply }) = self.look_ups.remove(&ticket) {
                    let ended = found.map_err(|error| error.to_string()).and_then(|found| ended(saga, &name, found));
                    self.pending.act(Act::reply(reply, ended));
                }
            }
            Worked::Command { participant, key, command } => {
                let reason = match &command {
                    Ok(Some(_)) => None,
                    Ok(None) => Some("its command is not on record".to_owned()),
                    Err(error) => Some(format!("its recorded command cannot be read: {error}")),
                };
                self.acts.read(participant, key, command.ok().flatten());
                if let Some(reason) = reason {
                    self.broken(participant, key, reason);
                }
                self.pump();
            }
        }
    }

    fn start_unless_found(
        &mut self,
        saga: NewSaga,
        key: String,
        found: Result<Option<Details>, LogError>,
        reply: oneshot::Sender<Started>,
    ) {
        match found {
            Ok(Some(details)) if self.machine.name_of(details.summary.id).is_none() => {
                let ended = ended(details.summary.id, saga.name(), Some(details));
                self.pending.act(Act::reply(reply, ended));
            }
            Ok(_) => self.start(saga, Some(key), reply),
            Err(error) => self.pending.act(Act::reply(reply, Err(error.to_string()))),
        }
    }

    pub(super) fn started(&mut self, token: Token, result: Result<SagaId, String>) {
        let Some(Asker::Start { name, reply }) = self.askers.remove(&token) else { return };
        if let Err(reason) = &result {
            let (time, name, reason) = (self.clock.now(), name.into(), reason.clone());
            self.pending.act(Act::Notice(Notice::StartRefused { time, name, event: None, reason }));
        }
        let started = result.map(|saga| (saga, self.watch(saga)));
        self.pending.act(Act::reply(reply, started));
    }
}

/// How far a saga is that is no longer in flight: it has ended, if the log knows it.
fn ended(saga: SagaId, name: &str, found: Option<Details>) -> Started {
    let details = found.ok_or_else(|| format!("there is no saga {saga}"))?;
    if name != details.summary.name {
        return Err(format!("saga {saga} is a `{}`, not a `{name}`", details.summary.name));
    }
    let outcome = details.outcome.ok_or_else(|| format!("saga {saga} cannot be loaded by this program"))?;
    let outcome =
        handle::from_log(&outcome).map_err(|error| format!("the outcome of saga {saga} is damaged: {error}"))?;
    Ok((saga, watch::channel(Progress::Ended(outcome)).1))
}
