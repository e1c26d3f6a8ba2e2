//! What callers ask: of the machine, or of the log where a saga has ended.

use tokio::sync::{oneshot, watch};

use super::acts::Act;
use super::engine::Engine;
use super::handle::{self, Progress, Wanted};
use super::journal::{Work, Worked};
use super::pruning::Pruning;
use crate::cause::{EndedBy, Outcome};
use crate::log::{Details, LogError, Status};
use crate::machine::{CancelReply, Input, NewSaga, Operator, Token};
use crate::message::{Bus, EventOf, SagaId};
use crate::notice::Notice;
use crate::operator::ParticipantStatus;

/// A saga that was started or attached to: its id, and how far it is.
pub(super) type Started = Result<(SagaId, watch::Receiver<Progress>), String>;

/// What callers ask.
pub(super) enum Ask<B: Bus> {
    Start { saga: NewSaga, key: Option<String>, wanted: Option<Wanted>, reply: oneshot::Sender<Started> },
    Attach { saga: SagaId, wanted: Wanted, reply: oneshot::Sender<Started> },
    Publish { event: EventOf<B>, reply: oneshot::Sender<()> },
    Cancel { saga: SagaId, by: Option<EndedBy>, reply: oneshot::Sender<Result<CancelReply, String>> },
    Operate { saga: SagaId, action: Operator, by: EndedBy, reply: oneshot::Sender<Result<(), String>> },
    Participants { reply: oneshot::Sender<Vec<ParticipantStatus>> },
    Prune(Pruning),
    Stop,
}

/// Who asked, until the machine has decided.
pub(super) enum Asker {
    Start { name: String, wanted: Option<Wanted>, reply: oneshot::Sender<Started> },
    Publish(oneshot::Sender<()>),
    Cancel(oneshot::Sender<Result<CancelReply, String>>),
    Operate(oneshot::Sender<Result<(), String>>),
}

/// What waits for the journal to look something up.
pub(super) enum LookUp {
    /// Whether an ended saga had this key.
    Key { saga: NewSaga, key: String, wanted: Option<Wanted>, reply: oneshot::Sender<Started> },
    /// How a saga ended that is no longer in flight.
    Outcome(SagaId, Whom),
}

/// Who asks for a saga that is no longer in flight.
pub(super) struct Whom {
    /// The kind that it must be of.
    name: String,
    wanted: Option<Wanted>,
    reply: oneshot::Sender<Started>,
}

impl<B: Bus> Engine<B> {
    pub(super) fn asked(&mut self, ask: Ask<B>) {
        match ask {
            Ask::Start { saga, key: None, wanted, reply } => self.start(saga, None, wanted, reply),
            Ask::Start { saga, key: Some(key), wanted, reply } => self.start_with_key(saga, key, wanted, reply),
            Ask::Attach { saga, wanted, reply } => self.attach(saga, wanted, reply),
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

    fn start(&mut self, saga: NewSaga, key: Option<String>, wanted: Option<Wanted>, reply: oneshot::Sender<Started>) {
        let name = saga.name().to_owned();
        let token = self.asker(Asker::Start { name, wanted, reply });
        self.step(Input::Start { saga, key, token });
    }

    /// The same key is the same saga: one that has ended is in the log only, or remembered if it never was in there.
    fn start_with_key(&mut self, saga: NewSaga, key: String, wanted: Option<Wanted>, reply: oneshot::Sender<Started>) {
        match self.machine.saga_with_key(&key).or_else(|| self.pending.fleeting.ended_with(&key)) {
            Some(known) if self.machine.name_of(known).is_none() => {
                self.find_end(known, Whom { name: saga.name().to_owned(), wanted, reply });
            }
            Some(_) => self.start(saga, Some(key), wanted, reply),
            None => self.pending.act(Act::LookUp(LookUp::Key { saga, key, wanted, reply })),
        }
    }

    fn attach(&mut self, saga: SagaId, wanted: Wanted, reply: oneshot::Sender<Started>) {
        let name = wanted.name();
        match self.machine.name_of(saga) {
            None => self.find_end(saga, Whom { name: name.to_owned(), wanted: Some(wanted), reply }),
            Some(known) => {
                let attached = if known == name {
                    self.hold(saga, Some(wanted))
                } else {
                    Err(format!("saga {saga} is a `{known}`, not a `{name}`"))
                };
                self.pending.act(Act::reply(reply, attached));
            }
        }
    }

    /// A hold on a saga that is in flight, or was until this moment; not for who could not read what it returns.
    fn hold(&mut self, saga: SagaId, wanted: Option<Wanted>) -> Started {
        if let (Some(wanted), Some((definition, output))) = (wanted, self.machine.kind_of(saga))
            && !wanted.awaits(output)
        {
            return Err(wanted.refusal(saga, definition.version));
        }
        Ok((saga, self.watch(saga)))
    }

    /// Tells how a saga ended that is no longer in flight.
    fn find_end(&mut self, saga: SagaId, whom: Whom) {
        match self.pending.fleeting.ended(saga) {
            Some((definition, outcome)) => {
                let ended = whom.told(saga, definition.name, definition.version, outcome.clone());
                self.pending.act(Act::reply(whom.reply, ended));
            }
            None => self.pending.act(Act::LookUp(LookUp::Outcome(saga, whom))),
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
            LookUp::Outcome(saga, _) => Work::Details { saga: *saga, ticket },
        };
        self.look_ups.insert(ticket, look_up);
        self.ends.journal.ask(work);
    }

    pub(super) fn looked_up(&mut self, worked: Worked) {
        match worked {
            Worked::Appended(_) | Worked::Pruned => {}
            Worked::StartedWith { ticket, found } => {
                if let Some(LookUp::Key { saga, key, wanted, reply }) = self.look_ups.remove(&ticket) {
                    self.start_unless_found(saga, key, wanted, found, reply);
                }
            }
            Worked::Details { ticket, found } => {
                if let Some(LookUp::Outcome(saga, whom)) = self.look_ups.remove(&ticket) {
                    let found = found.map_err(|error| error.to_string());
                    let found = found.and_then(|found| found.ok_or_else(|| self.unknown(saga)));
                    let ended = found.and_then(|found| ended(saga, &whom, found));
                    self.pending.act(Act::reply(whom.reply, ended));
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
        wanted: Option<Wanted>,
        found: Result<Option<Details>, LogError>,
        reply: oneshot::Sender<Started>,
    ) {
        let whom = |reply| Whom { name: saga.name().to_owned(), wanted, reply };
        match found {
            Ok(Some(details)) if self.machine.name_of(details.summary.id).is_none() => {
                let whom = whom(reply);
                let ended = ended(details.summary.id, &whom, details);
                self.pending.act(Act::reply(whom.reply, ended));
            }
            Ok(None) if let Some(ended) = self.pending.fleeting.ended_with(&key) => self.find_end(ended, whom(reply)),
            Ok(_) => self.start(saga, Some(key), wanted, reply),
            Err(error) => self.pending.act(Act::reply(reply, Err(error.to_string()))),
        }
    }

    pub(super) fn started(&mut self, token: Token, result: Result<SagaId, String>) {
        let Some(Asker::Start { name, wanted, reply }) = self.askers.remove(&token) else { return };
        if let Err(reason) = &result {
            let (time, name, reason) = (self.clock.now(), name.into(), reason.clone());
            self.pending.act(Act::Notice(Notice::StartRefused { time, name, event: None, reason }));
        }
        let started = result.and_then(|saga| self.hold(saga, wanted));
        self.pending.act(Act::reply(reply, started));
    }

    /// Why nothing is known of a saga.
    fn unknown(&self, saga: SagaId) -> String {
        if self.machine.has_been(saga) {
            format!("saga {saga} has ended, and how is kept no longer")
        } else {
            format!("there is no saga {saga}")
        }
    }
}

impl Whom {
    /// That it has ended, if it is of the right kind and its output can be read.
    fn told(&self, saga: SagaId, name: &str, version: u32, outcome: Outcome<String>) -> Started {
        if name != self.name {
            return Err(format!("saga {saga} is a `{name}`, not a `{}`", self.name));
        }
        if let Some(wanted) = self.wanted.filter(|wanted| !wanted.tells(&outcome)) {
            return Err(wanted.refusal(saga, version));
        }
        Ok((saga, watch::channel(Progress::Ended(outcome)).1))
    }
}

/// How far a saga is that is no longer in flight, as the log knows it.
fn ended(saga: SagaId, whom: &Whom, details: Details) -> Started {
    let outcome = details.outcome.ok_or_else(|| format!("saga {saga} cannot be loaded by this program"))?;
    let outcome =
        handle::from_log(&outcome).map_err(|error| format!("the outcome of saga {saga} is damaged: {error}"))?;
    whom.told(saga, &details.summary.name, details.summary.version, outcome)
}
