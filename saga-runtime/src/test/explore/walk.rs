//! The walk over all states of one saga. A state is come to again by the moves that first led there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::super::SagaTest;
use super::super::trace::Told;
use super::hearing::{self, Hears};
use super::moves::{Move, MoveOf, Moves};
use super::world::{World, check};
use super::{Explored, FAULTS_AT_MOST, Fault, Replies, normal};
use crate::cause::Outcome;
use crate::message::{At, EventOf};
use crate::notice::Notice;
use crate::saga::Saga;

/// How many states a saga that is explored may have.
const STATES_AT_MOST: usize = 100_000;

/// A walk over all states of one saga.
pub(super) struct Walk<'a, S: Saga> {
    input: S,
    answers: &'a Replies<'a, S>,
    /// What others publish.
    events: Vec<EventOf<S::Bus>>,
    nodes: Vec<Node<S>>,
    known: FxHashMap<String, usize>,
    pub(super) explored: Explored,
}

struct Node<S: Saga> {
    /// The node before, and what led from there; none for the start.
    from: Option<(usize, MoveOf<S>)>,
    faults: u8,
    /// Whether it ends here, or waits for an operator.
    rests: bool,
    /// Where it can go without a fault.
    free: Vec<usize>,
}

/// A saga where the walk stands, with the participants beside it.
struct Stand<S: Saga> {
    test: SagaTest<S>,
    world: World<EventOf<S::Bus>>,
}

/// What can be observed of a saga.
#[derive(Default)]
struct Seen {
    saved: String,
    beside: String,
}

impl Seen {
    fn is_same(&self, other: &Self) -> bool {
        let is_saved = || self.saved == other.saved || normal::normal(&self.saved) == normal::normal(&other.saved);
        self.beside == other.beside && is_saved()
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", normal::normal(&self.saved), self.beside)
    }
}

impl<S: Saga> Stand<S> {
    fn start(input: S) -> Self {
        Self { test: SagaTest::start(input), world: World::new() }
    }

    fn tell(&mut self, told: &MoveOf<S>) {
        let before = self.test.trace.len();
        told.tell(&mut self.test);
        self.world.note(told, &self.test, before);
    }

    /// What decides all that can follow.
    fn key(&self) -> String {
        let test = &self.test;
        let state = match (test.machine.save(test.id), &test.outcome) {
            (Some(Ok(saved)), _) => normal::normal(&saved),
            (Some(Err(reason)), _) => reason,
            (None, outcome) => ending(outcome.as_ref()),
        };
        let is_patient = test.machine.is_patient();
        format!("{state} {:?} away: {} patient: {is_patient}", self.world.known, test.is_away)
    }

    /// What can be observed of the saga.
    fn seen(&self) -> Seen {
        let test = &self.test;
        let saved = test.machine.save(test.id).map(|saved| saved.unwrap_or_else(|reason| reason)).unwrap_or_default();
        let (sent, modes, asked) = (test.sent(), test.modes(), test.asked());
        let (back, stuck, ended) = (test.is_compensating(), test.is_stuck(), ending(test.outcome()));
        let beside = format!("sent {sent:?} {modes:?} asked {asked:?} compensating {back} stuck {stuck} {ended}");
        Seen { saved, beside }
    }

    fn place(&self) -> String {
        serde_json::to_value(self.test.state()).map(|state| normal::place(&state)).unwrap_or_default()
    }
}

impl<'a, S: Saga> Walk<'a, S> {
    pub(super) fn new(input: S, answers: &'a Replies<'a, S>, events: Vec<EventOf<S::Bus>>) -> Self {
        let (nodes, known) = (Vec::new(), FxHashMap::default());
        Self { input, answers, events, nodes, known, explored: Explored::default() }
    }

    pub(super) fn all(&mut self) {
        let start = Stand::start(self.input.clone());
        self.arrive(&start, None, 0);
        let mut next = 0;
        while next < self.nodes.len() {
            self.leave(next);
            next += 1;
        }
        self.explored.states = self.known.len();
        self.check_liveness();
    }

    /// Tells the saga at this node all that can be told there.
    fn leave(&mut self, node: usize) {
        let stand = self.stand(node);
        let faults = self.nodes[node].faults;
        let mut unmade = std::mem::take(&mut self.explored.unmade_refusals);
        let (test, world, events) = (&stand.test, &stand.world, &*self.events);
        let moves = Moves { test, world, answers: self.answers, events, unmade: &mut unmade };
        let moves = moves.all(faults < FAULTS_AT_MOST);
        self.explored.unmade_refusals = unmade;
        let mut here = Some(stand);
        for told in moves {
            let stand = here.take().unwrap_or_else(|| self.stand(node));
            here = self.try_move(node, stand, told);
        }
    }

    /// Tells the saga that stands at this node one thing. Gives it back if nothing came of that.
    fn try_move(&mut self, node: usize, mut stand: Stand<S>, told: MoveOf<S>) -> Option<Stand<S>> {
        let seen = told.may_be_idle().then(|| stand.seen());
        let (late, before) = (late_answers(&stand.test), stand.test.trace.len());
        let bounds = bounds(&stand.test);
        let hears = match &told {
            Move::Event(event) => hearing::hears(&stand.test, event),
            _ => Hears::No,
        };
        stand.tell(&told);
        let new = &stand.test.trace[before..];
        let fault = fault(&told, &stand.test, new);
        let costs = fault.is_some_and(|fault| !matches!(fault, Fault::Restarted | Fault::Operated));
        let faults = self.nodes[node].faults + u8::from(costs);
        if faults > FAULTS_AT_MOST {
            return None;
        }
        self.explored.transitions += 1;
        if let Some(fault) = fault {
            *self.explored.faults.entry(fault).or_default() += 1;
        }
        let unchanged = seen.as_ref().is_some_and(|seen| seen.is_same(&stand.seen()));
        let result = check(&stand.test, &stand.world)
            .and_then(|()| check_timers(&stand.test, &bounds, before))
            .and_then(|()| match &told {
                Move::Restart if !unchanged => {
                    Err(format!("the restart changed it: {}\nnow {}", seen.unwrap_or_default(), stand.seen()))
                }
                told if told.counts_for_nothing() && !unchanged => Err("what counts for nothing moved it".to_owned()),
                told if told.counts_for_nothing() && late_answers(&stand.test) == late => {
                    Err("an answer that nobody waits for was dropped in silence".to_owned())
                }
                Move::Event(_) => hears.check(unchanged),
                _ => Ok(()),
            });
        if let Err(broken) = result {
            panic!("{broken}\n\n{}", self.script(node, &told.script(&self.stand(node).test)));
        }
        if let Move::Event(_) = told {
            let heard = hearing::heard(&stand.test.trace[before..], unchanged);
            *self.explored.events.entry(heard.to_owned()).or_default() += 1;
        }
        if told.counts_for_nothing() || (matches!(told, Move::Event(_)) && unchanged) {
            self.explored.paths += 1;
            return Some(stand);
        }
        let reached = self.arrive(&stand, Some((node, told)), faults);
        if !costs {
            self.nodes[node].free.push(reached);
        }
        None
    }

    /// Takes the state for a node, unless it is one with no more faults.
    fn arrive(&mut self, stand: &Stand<S>, from: Option<(usize, MoveOf<S>)>, faults: u8) -> usize {
        let key = stand.key();
        if let Some(&known) = self.known.get(&key).filter(|known| self.nodes[**known].faults <= faults) {
            self.explored.paths += 1;
            return known;
        }
        assert!(self.nodes.len() < STATES_AT_MOST, "more than {STATES_AT_MOST} states: give it a smaller input");
        let is_alone = self.events.is_empty() && hearing::awaits_others(&stand.test);
        let rests = stand.test.outcome().is_some() || stand.test.is_stuck() || is_alone;
        let node = self.nodes.len();
        if self.known.insert(key, node).is_none() {
            self.count(stand);
        }
        self.nodes.push(Node { from, faults, rests, free: Vec::new() });
        node
    }

    /// Counts a state that was not known.
    fn count(&mut self, stand: &Stand<S>) {
        let (test, explored) = (&stand.test, &mut self.explored);
        *explored.places.entry(stand.place()).or_default() += 1;
        if test.outcome().is_some() {
            explored.paths += 1;
            *explored.outcomes.entry(ending(test.outcome())).or_default() += 1;
        }
        if let Some(reason) = test.machine.standing(test.id).and_then(|standing| standing.reason) {
            *explored.stuck.entry(reason).or_default() += 1;
        }
        if let Some(Ok(saved)) = test.machine.save(test.id) {
            explored.samples.entry(stand.place()).or_default().insert(saved);
        }
    }

    fn path(&self, node: usize) -> Vec<&MoveOf<S>> {
        let mut path = Vec::new();
        let mut at = node;
        while let Some((before, told)) = &self.nodes[at].from {
            path.push(told);
            at = *before;
        }
        path.reverse();
        path
    }

    fn stand(&self, node: usize) -> Stand<S> {
        let mut stand = Stand::start(self.input.clone());
        self.path(node).into_iter().for_each(|told| stand.tell(told));
        stand
    }

    /// The calls that lead to this node, and then this one.
    fn script(&self, node: usize, last: &str) -> String {
        let mut stand = Stand::start(self.input.clone());
        let input = serde_json::to_string(&self.input).unwrap_or_default();
        let name = S::DEFINITION.type_name;
        let mut lines =
            vec![format!("let mut saga = SagaTest::<{name}>::start(serde_json::from_str(r#\"{input}\"#)?);")];
        for told in self.path(node) {
            lines.push(told.script(&stand.test));
            stand.tell(told);
        }
        lines.push(last.to_owned());
        lines.join("\n")
    }

    /// Without a further fault every state leads to an end, or to where an operator must act.
    fn check_liveness(&self) {
        let mut before = vec![Vec::new(); self.nodes.len()];
        for (from, node) in self.nodes.iter().enumerate() {
            node.free.iter().for_each(|to| before[*to].push(from));
        }
        let mut lives: BTreeSet<usize> = (0..self.nodes.len()).filter(|node| self.nodes[*node].rests).collect();
        let mut todo: Vec<usize> = lives.iter().copied().collect();
        while let Some(node) = todo.pop() {
            todo.extend(before[node].iter().copied().filter(|from| lives.insert(*from)));
        }
        if let Some(dead) = (0..self.nodes.len()).find(|node| !lives.contains(node)) {
            panic!("without a further fault it neither ends nor is stuck\n\n{}", self.script(dead, ""));
        }
    }
}

/// What a move was, when it is seen what came of it.
fn fault<S: Saga>(told: &MoveOf<S>, test: &SagaTest<S>, new: &[Told]) -> Option<Fault> {
    let asks_again = |at: At| test.machine.exchanges(test.id).any(|open| open.at == at && !open.is_handled);
    match told {
        Move::Wait if new.contains(&Told::Deadline) => Some(Fault::Deadline),
        Move::Wait if new.contains(&Told::FateOverdue) => Some(Fault::Unknown),
        Move::Wait if new.iter().any(|told| matches!(told, Told::TimedOut { .. })) => Some(Fault::TimedOut),
        Move::Wait if test.is_away => Some(Fault::Disconnected),
        Move::Handled(at, _) if asks_again(*at) && !test.is_stuck() => Some(Fault::Again),
        told => told.fault(),
    }
}

fn ending<T>(outcome: Option<&Outcome<T>>) -> String {
    match outcome {
        Some(Outcome::Completed(_)) => "Completed".to_owned(),
        Some(Outcome::Compensated(cause)) => format!("Compensated: {}", cause.kind().as_str()),
        Some(Outcome::Ended(_)) => "Ended".to_owned(),
        None => String::new(),
    }
}

fn late_answers<S: Saga>(test: &SagaTest<S>) -> usize {
    test.notices.iter().filter(|notice| matches!(notice, Notice::AnswerLate { .. })).count()
}

fn bounds<S: Saga>(test: &SagaTest<S>) -> BTreeMap<At, Duration> {
    test.machine.exchanges(test.id).filter_map(|exchange| Some((exchange.at, exchange.within?))).collect()
}

/// No attempt times out before its time is over.
fn check_timers<S: Saga>(test: &SagaTest<S>, bounds: &BTreeMap<At, Duration>, before: usize) -> Result<(), String> {
    for (position, told) in test.trace.iter().enumerate().skip(before) {
        let Told::TimedOut { at: late, time, .. } = told else { continue };
        let sent = test.trace[..position].iter().rev().find_map(|told| match told {
            Told::Sent { at, time, .. } if at == late => Some(*time),
            _ => None,
        });
        let bound = bounds.get(late).copied().unwrap_or_default();
        if sent.is_some_and(|sent| time.since(sent) < bound) {
            return Err(format!("an attempt of {late:?} timed out before {bound:?} were over"));
        }
    }
    Ok(())
}
