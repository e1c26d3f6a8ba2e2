//! What can happen next to a saga that is explored. All of it is asked of the machine (what is out, what is asked, when
//! something happens by itself, whether it is stuck), nothing of the definition: a clause that is new to the language
//! is explored by what it makes the machine wait for.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::value::{Error, StrDeserializer};

use super::super::SagaTest;
use super::world::{Known, World};
use super::{Fault, Replies};
use crate::cause::{Cause, CauseKind, Outcome};
use crate::machine::{LiveChild, Operator};
use crate::message::{Answer, At, Command, CommandOf, EventOf, Fate, RefusalOf, SagaId};
use crate::saga::Saga;

/// One thing that is told to a saga.
#[derive(Debug, Clone)]
pub(super) enum Move<E, R> {
    /// Handled, with these events.
    Handled(At, Vec<E>),
    Refused(At, R),
    /// An attempt before the current one is refused: counts for nothing.
    RefusedBefore(At, u32, R),
    /// Handled, while its fate is asked: settles it.
    Overdue(At, Vec<E>),
    /// Handled, when nobody waits for that any more: counts for nothing.
    Late(At, Vec<E>),
    /// Handled once more: counts for nothing.
    Twice(At, Vec<E>),
    Fate(At, Fate<E>),
    /// Somebody publishes this.
    Event(E),
    /// A saga that it runs has completed, with this output.
    ChildCompleted(SagaId, String),
    /// A saga that it runs is compensated, or one that it ran is unwound.
    ChildCompensated(SagaId, bool),
    /// Time passes until something happens by itself.
    Wait,
    /// Time passes until the deadline, without an answer.
    Deadline,
    Disconnect,
    Reconnect,
    Cancel,
    Restart,
    Operator(Operator),
}

pub(super) type MoveOf<S> = Move<EventOf<<S as Saga>::Bus>, RefusalOf<<S as Saga>::Bus>>;

impl<E, R> Move<E, R> {
    /// Whether the saga may be neither moved by it nor silent about it.
    pub(super) const fn counts_for_nothing(&self) -> bool {
        matches!(self, Self::RefusedBefore(..) | Self::Late(..) | Self::Twice(..))
    }

    /// Whether nothing that can be seen of the saga may come of it.
    pub(super) const fn may_be_idle(&self) -> bool {
        self.counts_for_nothing() || matches!(self, Self::Event(_) | Self::Restart)
    }

    /// What it is counted as; none for what goes as it should.
    pub(super) const fn fault(&self) -> Option<Fault> {
        match self {
            Self::Refused(..) => Some(Fault::Refused),
            Self::ChildCompensated(_, false) => Some(Fault::Child),
            Self::RefusedBefore(..) | Self::Overdue(..) | Self::Late(..) => Some(Fault::Late),
            Self::Twice(..) => Some(Fault::Twice),
            Self::Fate(_, Fate::Running) => Some(Fault::Running),
            Self::Fate(_, Fate::Unknown) => Some(Fault::Unknown),
            Self::Deadline => Some(Fault::Deadline),
            Self::Disconnect => Some(Fault::Disconnected),
            Self::Cancel => Some(Fault::Cancelled),
            Self::Restart => Some(Fault::Restarted),
            Self::Operator(_) => Some(Fault::Operated),
            Self::Handled(..)
            | Self::Fate(..)
            | Self::Event(_)
            | Self::ChildCompleted(..)
            | Self::ChildCompensated(..)
            | Self::Wait
            | Self::Reconnect => None,
        }
    }

    /// Tells it to the saga.
    pub(super) fn tell<S>(&self, test: &mut SagaTest<S>)
    where
        S: Saga,
        S::Bus: crate::message::Bus<Event = E, Refusal = R>,
        E: Clone,
        R: Clone,
    {
        match self {
            Self::Handled(at, events)
            | Self::Overdue(at, events)
            | Self::Late(at, events)
            | Self::Twice(at, events) => {
                test.answer(*at, None, Answer::Handled(events.clone()));
            }
            Self::Refused(at, refusal) => test.answer(*at, None, Answer::Refused(refusal.clone())),
            Self::RefusedBefore(at, attempt, refusal) => {
                test.answer(*at, Some(*attempt), Answer::Refused(refusal.clone()));
            }
            Self::Fate(at, fate) => test.tell_fate(*at, fate.clone()),
            Self::Event(event) => test.event(event.clone()),
            Self::ChildCompleted(child, output) => test.child_ended(*child, Outcome::Completed(output.clone())),
            Self::ChildCompensated(child, _) => test.child_ended(*child, Outcome::Compensated(failure())),
            Self::Wait => advance_to(test, test.machine.next_move_of(test.id)),
            Self::Deadline => advance_to(test, test.machine.deadline_of(test.id)),
            Self::Disconnect => test.disconnect(),
            Self::Reconnect => test.reconnect(),
            Self::Cancel => {
                test.cancel();
            }
            Self::Restart => test.restart(),
            Self::Operator(action) => test.operator(*action),
        }
    }

    /// The call that tells it, for a test to repeat it.
    pub(super) fn script<S: Saga>(&self, test: &SagaTest<S>) -> String
    where
        E: fmt::Debug,
        R: fmt::Debug,
    {
        let command = |at: &At| test.command(*at);
        match self {
            Self::Handled(at, events)
            | Self::Overdue(at, events)
            | Self::Late(at, events)
            | Self::Twice(at, events) => match events.first() {
                Some(event) => format!("saga.reply_to(&Command::{:?}, Event::{event:?});", command(at)),
                None => format!("saga.handled_to(&Command::{:?});", command(at)),
            },
            Self::Refused(at, refusal) => format!("saga.refuse_to(&Command::{:?}, Refusal::{refusal:?});", command(at)),
            Self::RefusedBefore(at, attempt, refusal) => {
                format!("saga.refuse_attempt(&Command::{:?}, {attempt}, Refusal::{refusal:?});", command(at))
            }
            Self::Fate(at, Fate::Done(events)) => {
                let events: Vec<_> = events.iter().map(|event| format!("Event::{event:?}")).collect();
                format!("saga.settle_to(&Command::{:?}, Fate::Done(vec![{}]));", command(at), events.join(", "))
            }
            Self::Fate(at, fate) => format!("saga.settle_to(&Command::{:?}, Fate::{fate:?});", command(at)),
            Self::Event(event) => format!("saga.event(Event::{event:?});"),
            Self::ChildCompleted(child, output) => format!("saga.child(Outcome::Completed({output})); // saga {child}"),
            Self::ChildCompensated(child, _) => format!("saga.child(Outcome::Compensated(cause)); // saga {child}"),
            Self::Wait => advancing(test, test.machine.next_move_of(test.id)),
            Self::Deadline => advancing(test, test.machine.deadline_of(test.id)),
            Self::Disconnect => "saga.disconnect();".to_owned(),
            Self::Reconnect => "saga.reconnect();".to_owned(),
            Self::Cancel => "saga.cancel();".to_owned(),
            Self::Restart => "saga.restart();".to_owned(),
            Self::Operator(action) => format!("saga.operator(Operator::{action:?});"),
        }
    }
}

/// Why a child is compensated.
fn failure() -> Cause {
    Cause::new("", CauseKind::Failed, "it failed")
}

fn advance_to<S: Saga>(test: &mut SagaTest<S>, time: Option<crate::time::Timestamp>) {
    if let Some(time) = time {
        test.advance(time.since(test.now));
    }
}

fn advancing<S: Saga>(test: &SagaTest<S>, time: Option<crate::time::Timestamp>) -> String {
    let duration = time.map(|time| time.since(test.now)).unwrap_or_default();
    format!("saga.advance(Duration::from_micros({}));", duration.as_micros())
}

/// What can be told to a saga where it is; faults only if some are left.
pub(super) struct Moves<'a, S: Saga> {
    pub(super) test: &'a SagaTest<S>,
    pub(super) world: &'a World<EventOf<S::Bus>>,
    pub(super) answers: &'a Replies<'a, S>,
    /// What others publish.
    pub(super) events: &'a [EventOf<S::Bus>],
    /// The refusals that were declared and could not be made from their names.
    pub(super) unmade: &'a mut BTreeSet<String>,
}

impl<S: Saga> Moves<'_, S> {
    /// All of them.
    pub(super) fn all(mut self, faults_left: bool) -> Vec<MoveOf<S>> {
        let mut moves = Vec::new();
        if self.test.outcome().is_none() {
            self.answers(&mut moves, faults_left);
            self.fates(&mut moves, faults_left);
            self.children(&mut moves, faults_left);
            moves.extend(self.events.iter().cloned().map(Move::Event));
            self.surroundings(&mut moves, faults_left);
            self.operator(&mut moves);
        }
        if faults_left {
            self.strays(&mut moves);
        }
        moves
    }

    fn answers(&mut self, moves: &mut Vec<MoveOf<S>>, faults_left: bool) {
        if self.test.is_away {
            return;
        }
        for at in self.test.unanswered() {
            let command = self.test.command(at).clone();
            moves.extend(self.replies(&command).into_iter().map(|events| Move::Handled(at, events)));
            if faults_left {
                moves.extend(self.refusals(&command).into_iter().map(|refusal| Move::Refused(at, refusal)));
            }
        }
    }

    fn fates(&self, moves: &mut Vec<MoveOf<S>>, faults_left: bool) {
        if self.test.is_away {
            return;
        }
        for at in self.test.asked_at() {
            moves.push(Move::Fate(at, Fate::Never));
            let replies = self.replies(self.test.command(at));
            moves.extend(replies.iter().map(|events| Move::Fate(at, Fate::Done(events.clone()))));
            if faults_left {
                moves.extend([Fate::Running, Fate::Unknown].map(|fate| Move::Fate(at, fate)));
                moves.extend(replies.into_iter().map(|events| Move::Overdue(at, events)));
            }
        }
    }

    /// The ends of the sagas that it runs: the good one, and another that is always possible once it is cancelled.
    fn children(&self, moves: &mut Vec<MoveOf<S>>, faults_left: bool) {
        for LiveChild { saga: child, is_unwinding, is_cancelled } in self.test.machine.children_of(self.test.id) {
            let is_meant = is_unwinding || is_cancelled;
            if is_meant || faults_left {
                moves.push(Move::ChildCompensated(child, is_meant));
            }
            let known = self.test.child_by_hand(child).filter(|_| !is_unwinding);
            let output = known.and_then(|known| (known.good_end)(&known.input, self.answers));
            moves.extend(output.map(|output| Move::ChildCompleted(child, output)));
        }
    }

    fn surroundings(&self, moves: &mut Vec<MoveOf<S>>, faults_left: bool) {
        let machine = &self.test.machine;
        let (next, deadline) = (machine.next_move_of(self.test.id), machine.deadline_of(self.test.id));
        moves.extend(next.map(|_| Move::Wait));
        moves.push(Move::Restart);
        if self.test.is_away {
            moves.push(Move::Reconnect);
        }
        if faults_left {
            moves.push(Move::Cancel);
            moves.extend(deadline.filter(|_| deadline != next).map(|_| Move::Deadline));
            moves.extend((!self.test.is_away).then_some(Move::Disconnect));
        }
    }

    fn operator(&self, moves: &mut Vec<MoveOf<S>>) {
        if self.test.is_stuck() {
            moves.extend([Operator::Retry, Operator::Skip, Operator::End].map(Move::Operator));
        }
    }

    /// Answers that nobody waits for.
    fn strays(&mut self, moves: &mut Vec<MoveOf<S>>) {
        let sent: BTreeSet<At> = self.test.commands.iter().map(|(at, _)| *at).collect();
        let open: Vec<_> = self.test.machine.exchanges(self.test.id).collect();
        for at in sent {
            let command = self.test.command(at).clone();
            match open.iter().find(|exchange| exchange.at == at) {
                Some(exchange) if exchange.is_out && exchange.attempt > 1 => {
                    let refusal = self.refusals(&command).into_iter().next();
                    moves.extend(refusal.map(|refusal| Move::RefusedBefore(at, exchange.attempt - 1, refusal)));
                }
                Some(_) => {}
                None => moves.extend(self.stray(at, &command)),
            }
        }
    }

    fn stray(&self, at: At, command: &CommandOf<S::Bus>) -> Option<MoveOf<S>> {
        match self.world.known.get(&at) {
            Some(Known::Done(events) | Known::DoneInVain(events)) => Some(Move::Twice(at, events.clone())),
            None => self.replies(command).into_iter().next().map(|events| Move::Late(at, events)),
            Some(Known::Refused | Known::Never | Known::Unknown) => None,
        }
    }

    /// What the participant may say when it did it, one event at a time.
    fn replies(&self, command: &CommandOf<S::Bus>) -> Vec<Vec<EventOf<S::Bus>>> {
        let replies: Vec<_> = (self.answers)(command).into_iter().map(|event| vec![event]).collect();
        if replies.is_empty() { vec![Vec::new()] } else { replies }
    }

    /// The declared refusals, as far as they can be made from their names: those without fields.
    fn refusals(&mut self, command: &CommandOf<S::Bus>) -> Vec<RefusalOf<S::Bus>> {
        let mut refusals = Vec::new();
        for name in command.info().refuses {
            match RefusalOf::<S::Bus>::deserialize(StrDeserializer::<Error>::new(name)) {
                Ok(refusal) => refusals.push(refusal),
                Err(_) => {
                    self.unmade.insert((*name).to_owned());
                }
            }
        }
        refusals
    }
}
