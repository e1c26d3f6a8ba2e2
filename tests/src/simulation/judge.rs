//! Whether the runtime keeps its promises: the invariants of its design, checked after every step against what the log
//! has committed, what left, and what was done. It knows nothing of how the runtime works.

mod effects;
mod history;
mod live;

use std::collections::BTreeMap;

use saga_runtime::bus::Report;
use saga_runtime::log::{OpenSaga, ReceivedRow};
use saga_runtime::machine::{CancelReply, Decision, Happened, Record};
use saga_runtime::message::{At, Command as _, ExchangeKey, Mode, SagaId};

pub(super) use self::live::Scope;

use self::effects::Effects;
use self::history::History;
use self::live::{Known, Live};
use super::clauses;
use super::people::Start;
use super::sagas::{Command, Event, Shop};

/// A promise that was not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    /// The number of the invariant.
    invariant: u8,
    what: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "invariant {}: {}", self.invariant, self.what)
    }
}

/// What is wrong with a transition: the invariant, and how it is broken.
type Objection = (u8, String);

/// Watches everything that is committed, leaves, or is done.
#[derive(Default)]
pub(super) struct Judge {
    violation: Option<Violation>,
    /// What is in the log, by saga.
    histories: BTreeMap<SagaId, History>,
    live: Live,
    received: BTreeMap<String, (String, u64)>,
    payloads: BTreeMap<ExchangeKey, Command>,
    keys: BTreeMap<String, SagaId>,
    /// How often an order was published, and how many sagas began with it.
    ordered: BTreeMap<u64, (u32, u32)>,
    pub(super) effects: Effects,
}

impl Judge {
    /// The first promise that was not kept.
    pub(super) fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    pub(super) fn object(&mut self, invariant: u8, what: String) {
        self.violation.get_or_insert(Violation { invariant, what });
    }

    fn demand(&mut self, holds: bool, invariant: u8, what: impl FnOnce() -> String) {
        if !holds {
            self.object(invariant, what());
        }
    }

    /// The machine has decided one input.
    pub(super) fn decided(&mut self, scope: &Scope, decisions: &[Decision<Shop>]) {
        let mut unmoved = self.live.concerned(scope);
        let strays = self.live.strays(scope, decisions);
        if let Some(stray) = strays.first() {
            self.object(11, format!("{scope:?} moved saga {}: {:?}", stray.saga, stray.happened));
        }
        let mut heard = 0;
        for decision in decisions {
            match decision {
                Decision::Record(record) => {
                    unmoved.remove(&record.saga);
                    heard += usize::from(matches!(scope, Scope::Said(key) if is_about(record, *key)));
                }
                Decision::Late { key, .. } => {
                    heard += usize::from(matches!(scope, Scope::Said(said) if said == key));
                }
                Decision::Stray { key, .. } => self.object(12, format!("{key} was said to be a stray")),
                Decision::TriggerFailed { reason, .. } => self.object(2, format!("a trigger failed: {reason}")),
                _ => {}
            }
        }
        if let Scope::Said(key) = scope {
            self.demand(heard == 1, 12, || format!("what was said to {key} was recorded {heard} times"));
        }
        self.demand(unmoved.is_empty(), 11, || format!("{scope:?} did not move {unmoved:?}, which awaited it"));
    }

    /// A batch is in the log.
    pub(super) fn commits(&mut self, records: &[Record<Shop>], received: &[ReceivedRow]) {
        for record in records {
            if let Err((invariant, what)) = self.follow(record) {
                self.object(invariant, format!("saga {}, record {}: {what}", record.saga, record.number));
            }
        }
        for record in records {
            if let Err((invariant, what)) = self.relatives(record) {
                self.object(invariant, format!("saga {}, record {}: {what}", record.saga, record.number));
            }
        }
        for row in received {
            self.received.insert(row.participant.clone(), (row.session.clone(), row.number));
        }
    }

    fn follow(&mut self, record: &Record<Shop>) -> Result<(), Objection> {
        if let Happened::Started { .. } = &record.happened {
            let history = History::begin(record)?;
            if let Some(order) = history.triggered_by() {
                self.ordered.entry(order).or_default().1 += 1;
            }
            let parent = history.parent();
            if parent.is_some_and(|parent| !self.histories.get(&parent).is_some_and(|by| by.has_run(record.saga))) {
                return Err((3, format!("saga {parent:?} started it, of which that knows nothing")));
            }
            if self.histories.insert(record.saga, history).is_some() {
                return Err((5, "it was started before".to_owned()));
            }
        }
        if let Happened::ChildEnded { child, .. } = &record.happened
            && self.histories.get(child).is_some_and(|child| child.is_kept() && !child.has_failed())
            && let Some(history) = self.histories.get_mut(&record.saga)
        {
            history.can_unwind(*child);
        }
        let history = self.histories.get_mut(&record.saga).ok_or((3, "it was never started".to_owned()))?;
        history.follow(record)?;
        if history.is_undone() {
            let standing = self.effects.standing(record.saga, |at| history.can_undo(at));
            return standing.map_or(Ok(()), |at| Err((9, format!("it was undone, but for {at:?}"))));
        }
        if history.has_tidied_up() {
            let abandoned = |at| history.can_undo(at) && history.went_on_without(at);
            if let Some(at) = self.effects.standing(record.saga, abandoned) {
                return Err((9, format!("it went on without {at:?}, which stands")));
            }
        }
        let undone = history.completed_steps().find(|at| !self.effects.was_done(record.saga, *at));
        undone.map_or(Ok(()), |at| Err((3, format!("it completed, and {at:?} was never done"))))
    }

    /// What holds among sagas after everything that was decided at once.
    fn relatives(&self, record: &Record<Shop>) -> Result<(), Objection> {
        let Some(history) = self.histories.get(&record.saga) else { return Ok(()) };
        if history.is_ended() {
            let is_open = |child: &SagaId| self.histories.get(child).is_some_and(|child| !child.is_ended());
            let open = history.children().find(is_open);
            return open.map_or(Ok(()), |child| Err((9, format!("it ended before saga {child}, which it ran"))));
        }
        let dock = clauses::dock(history.name(), history.order()).filter(|_| history.holds_keys());
        let Some(dock) = dock else { return Ok(()) };
        let shares = |(other, of): &(&SagaId, &History)| {
            let is_there = of.holds_keys() && clauses::dock(of.name(), of.order()).as_ref() == Some(&dock);
            is_there && self.root(**other) != self.root(record.saga)
        };
        let other = self.histories.iter().find(shares);
        other.map_or(Ok(()), |(other, _)| Err((11, format!("it is at {dock:?} together with saga {other}"))))
    }

    /// The first of those who ran this saga.
    fn root(&self, saga: SagaId) -> SagaId {
        let parent = |saga: &SagaId| self.histories.get(saga).and_then(History::parent);
        std::iter::successors(Some(saga), parent).last().unwrap_or(saga)
    }

    /// A coordinator begins with these sagas.
    pub(super) fn recovers(&mut self, open: &[OpenSaga]) {
        let known = self.histories.iter().filter(|(_, history)| !history.is_ended());
        self.live.recovers(known.map(|(saga, history)| {
            (*saga, Known { parent: history.parent(), order: history.order(), hopes: history.hopes() })
        }));
        let found: Vec<_> = open.iter().map(|saga| (saga.id, saga.number)).collect();
        let committed = self.histories.iter().filter(|(_, history)| !history.is_ended());
        let committed: Vec<_> = committed.map(|(saga, history)| (*saga, history.number())).collect();
        self.demand(found == committed, 2, || format!("found {found:?} in the log, and committed {committed:?}"));
        self.demand(open.iter().all(|saga| saga.state.is_ok()), 16, || "a state does not load".to_owned());
    }

    /// A caller was told that its saga has started.
    pub(super) fn started(&mut self, start: &Start, saga: SagaId) {
        let matches = self.histories.get(&saga).is_some_and(|history| history.is_of(start.kind.name(), start.order));
        self.demand(matches, 2, || format!("{start:?} was accepted as saga {saga}, which the log does not have"));
        if let Some(key) = &start.key {
            let first = *self.keys.entry(key.clone()).or_insert(saga);
            self.demand(first == saga, 2, || format!("{key} was saga {first}, and then saga {saga}"));
        }
    }

    /// A caller was told what becomes of its wish to cancel.
    pub(super) fn cancelled(&mut self, saga: SagaId, reply: CancelReply) {
        let history = self.histories.get(&saga);
        let holds = match reply {
            CancelReply::Requested => history.is_some_and(History::turns_back),
            CancelReply::Ended => history.is_some_and(History::is_ended),
            CancelReply::PastPivot => history.is_some_and(|history| history.must_complete() || history.is_kept()),
        };
        self.demand(holds, 2, || format!("to cancel saga {saga} was answered {reply:?}, and the log does not say so"));
    }

    /// Somebody is about to publish this.
    pub(super) fn publishes(&mut self, event: &Event) {
        if let Event::Ordered { order } = event {
            self.ordered.entry(*order).or_default().0 += 1;
        }
    }

    /// A publisher was told that its event is recorded.
    pub(super) fn published(&mut self, event: &Event) {
        let Event::Ordered { order } = event else { return };
        let begun = self.ordered.get(order).is_some_and(|(_, begun)| *begun > 0);
        self.demand(begun, 2, || format!("order {order} was acknowledged, and began no saga"));
    }

    /// A participant was told that this is recorded.
    pub(super) fn acknowledged(&mut self, report: &Report<Shop>) {
        if let Report::Published(event) = report {
            self.published(event);
        }
    }

    /// The coordinator says that all up to this number is recorded.
    pub(super) fn says_recorded(&mut self, name: &str, session: &str, number: u64) {
        let recorded = self.received.get(name).filter(|(known, _)| known == session).map_or(0, |(_, number)| *number);
        self.demand(number <= recorded, 4, || {
            format!("message {number} of {session} was acknowledged, and {recorded} are recorded")
        });
    }

    /// The coordinator lets a command out.
    pub(super) fn command_leaves(&mut self, key: ExchangeKey, attempt: u32) {
        let recorded = self.histories.get(&key.saga).is_some_and(|history| history.has_sent(key.at, attempt));
        self.demand(recorded, 4, || format!("attempt {attempt} of {key} left before it was recorded"));
    }

    /// Whether the fate of this exchange was asked.
    pub(super) fn has_asked(&self, saga: SagaId, at: At) -> bool {
        self.histories.get(&saga).is_some_and(|history| history.has_asked(at))
    }

    /// The coordinator asks for a fate.
    pub(super) fn settle_leaves(&mut self, key: ExchangeKey) {
        let recorded = self.histories.get(&key.saga).is_some_and(|history| history.has_asked(key.at));
        self.demand(recorded, 4, || format!("the fate of {key} was asked before that was recorded"));
    }

    /// A participant is given a command.
    pub(super) fn hears(&mut self, name: &str, key: ExchangeKey, command: &Command) {
        self.demand(command.info().to == name, 3, || format!("{name} was sent {command:?}"));
        let first = self.payloads.entry(key).or_insert_with(|| command.clone()).clone();
        self.demand(first == *command, 7, || format!("{key} was {first:?}, and then {command:?}"));
    }

    /// A participant does what a command says.
    pub(super) fn takes_effect(&mut self, name: &'static str, key: ExchangeKey) {
        if let Err((invariant, what)) = self.effects.take(name, key) {
            self.object(invariant, what);
        }
        let Some(history) = self.histories.get(&key.saga) else {
            return self.object(4, format!("{key} took effect, and its saga is not in the log"));
        };
        let barred = history.is_barred(key.at);
        let undone = key.at.mode == Mode::Forward && history.is_undone() && history.can_undo(key.at);
        self.demand(!barred, 9, || format!("{key} took effect after it was settled as never"));
        self.demand(!undone, 9, || format!("{key} took effect after its saga was undone"));
    }

    /// Everything is over.
    pub(super) fn ends(&mut self) {
        let objections: Vec<_> = self.ordered.iter().filter(|(_, (said, begun))| begun > said).collect();
        if let Some((order, (said, begun))) = objections.first() {
            let what = format!("order {order} was published {said} times, and began {begun} sagas");
            self.object(11, what);
        }
    }
}

fn is_about(record: &Record<Shop>, key: ExchangeKey) -> bool {
    let about = match &record.happened {
        Happened::Answered { at, .. } | Happened::Fate { at, .. } => Some(*at),
        _ => None,
    };
    record.saga == key.saga && about == Some(key.at)
}
