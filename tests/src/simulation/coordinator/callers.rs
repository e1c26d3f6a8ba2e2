//! What callers and operators want of the coordinator, and what they are told.

use saga_runtime::cause::EndedBy;
use saga_runtime::machine::{CancelReply, Decision, Input, NewSaga, Operator, Token};
use saga_runtime::message::SagaId;

use super::super::clauses::{Approve, Assemble, Errand, Family, Seal};
use super::super::judge::Scope;
use super::super::people::{Kind, Start, Wish};
use super::super::reached::Met;
use super::super::sagas::{Buy, Event, Look, Shop};
use super::super::stage::{Crashed, Stage};
use super::Coordinator;
use super::pending::{Act, Reply};

/// Who asked, until the machine has decided.
pub(super) enum Asker {
    Start(Start),
    Publish(Event),
    Cancel(SagaId),
    Operate(Operator),
}

impl Coordinator {
    pub(super) fn grant(&mut self, stage: &mut Stage, wish: Wish) -> Result<(), Crashed> {
        stage.note(|| format!("somebody wants {wish:?}"));
        match wish {
            Wish::Start(start) if start.key.is_some() => self.pending.acts.push(Act::LookUp(start)),
            Wish::Start(start) => self.start(stage, start)?,
            Wish::Publish(event) => {
                let token = self.asker(Asker::Publish(event.clone()));
                self.step(stage, &Scope::Event(event.clone()), Input::Publish { event, token })?;
            }
            Wish::Cancel { chosen } => {
                let flying = self.machine.in_flight();
                if let Some(saga) = flying.get(chosen % flying.len().max(1)).map(|saga| saga.saga) {
                    stage.meet(Met::Cancelled);
                    let token = self.asker(Asker::Cancel(saga));
                    self.step(stage, &Scope::Only(saga), Input::Cancel { saga, by: None, token })?;
                }
            }
            Wish::Operate { chosen, action } => {
                let stuck = self.stuck();
                if let Some(&saga) = stuck.get(chosen % stuck.len().max(1)) {
                    let by = EndedBy { who: "ada".to_owned(), why: "it was stuck".to_owned() };
                    let token = self.asker(Asker::Operate(action));
                    self.step(stage, &Scope::Only(saga), Input::Operate { saga, action, by, token })?;
                }
            }
            Wish::PublishAtDesk(_) => {}
        }
        Ok(())
    }

    fn asker(&mut self, asker: Asker) -> Token {
        self.tokens += 1;
        self.askers.insert(self.tokens, asker);
        self.tokens
    }

    fn start(&mut self, stage: &mut Stage, start: Start) -> Result<(), Crashed> {
        let order = start.order;
        let saga = match start.kind {
            Kind::Buy => NewSaga::of(Buy { order }),
            Kind::Look => NewSaga::of(Look { order }),
            Kind::Assemble => NewSaga::of(Assemble { order }),
            Kind::Seal => NewSaga::of(Seal { order }),
            Kind::Approve => NewSaga::of(Approve { order }),
            Kind::Family => NewSaga::of(Family { order }),
            Kind::Errand => NewSaga::of(Errand { order }),
            Kind::Insist => NewSaga::Named { name: "insist".to_owned(), input: format!("{{\"order\":{order}}}") },
        };
        let key = start.key.clone();
        let token = self.asker(Asker::Start(start));
        self.step(stage, &Scope::Nothing, Input::Start { saga, key, token })
    }

    /// The same key is the same saga: one that has ended is in the log only.
    pub(super) fn start_unless_known(&mut self, stage: &mut Stage, start: Start) -> Result<(), Crashed> {
        let key = start.key.clone().unwrap_or_default();
        let known = self.reader.started_with(&key).expect("the log is in memory");
        if known.is_some() {
            stage.meet(Met::StartedWithKnownKey);
        }
        match known.filter(|saga| self.machine.name_of(*saga).is_none()) {
            Some(saga) => self.pending.acts.push(Act::Reply(Reply::Started { start, saga })),
            None => self.start(stage, start)?,
        }
        Ok(())
    }

    /// The machine has decided what somebody is to be told.
    pub(super) fn replied(&mut self, stage: &mut Stage, decision: Decision<Shop>) {
        match decision {
            Decision::Started { token, result } => {
                if let (Some(Asker::Start(start)), Ok(saga)) = (self.askers.remove(&token), result) {
                    self.pending.acts.push(Act::Reply(Reply::Started { start, saga }));
                }
            }
            Decision::Published { token } => {
                if let Some(Asker::Publish(event)) = self.askers.remove(&token) {
                    self.pending.acts.push(Act::Reply(Reply::Published(event)));
                }
            }
            Decision::Cancelled { token, reply } => {
                if let (Some(Asker::Cancel(saga)), Ok(reply)) = (self.askers.remove(&token), reply) {
                    if reply == CancelReply::PastPivot {
                        stage.meet(Met::CancelledPastPivot);
                    }
                    self.pending.acts.push(Act::Reply(Reply::Cancelled { saga, reply }));
                }
            }
            Decision::Operated { token, result } => {
                if let (Some(Asker::Operate(action)), Ok(())) = (self.askers.remove(&token), result) {
                    stage.meet(match action {
                        Operator::Retry => Met::OperatorRetried,
                        Operator::Skip => Met::OperatorSkipped,
                        Operator::End => Met::OperatorEnded,
                    });
                }
            }
            _ => {}
        }
    }
}
