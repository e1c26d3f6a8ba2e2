//! Taking up what the log holds, and what cannot be taken up.

use std::collections::BTreeSet;

use super::control::Phase;
use super::kind::keys_in;
use super::migration::version_of;
use super::record::{Change, Happened, Operator, Record};
use super::{Decision, GRACE, Grace, Machine, OpenSagas, Parked, Route};
use crate::cause::{EndedBy, Outcome};
use crate::log::OpenSaga;
use crate::message::{Bus, SagaId};
use crate::planted::{self, Bug};
use crate::saga::Key;
use crate::time::Timestamp;

/// What is recorded as the state of a saga whose state is damaged or cannot be written: loads as none.
pub(crate) const LOST_STATE: &str = "null";

impl<B: Bus> Machine<B> {
    /// Takes up what the log holds. For some seconds nobody is thought away, and timers that have passed wait for
    /// answers that are already there.
    pub fn recover(&mut self, open: Vec<OpenSaga>, now: Timestamp, decisions: &mut Vec<Decision<B>>) {
        self.presence.be_patient(now.after(GRACE));
        self.grace = Some(Grace { since: now, held: BTreeSet::new() });
        if let Some(oldest) = open.first() {
            self.horizon = OpenSagas::new(oldest.id);
        }
        if planted::is(Bug::ReuseIds) {
            self.next = open.last().map_or(SagaId::FIRST, |newest| newest.id.next());
        }
        for saga in open {
            self.horizon.opened(saga.id);
            if let Some(key) = &saga.key {
                self.keys.insert(key.clone(), (saga.id, saga.name.clone()));
                self.keyed.insert(saga.id, key.clone());
            }
            let state = saga.state.as_deref().unwrap_or(LOST_STATE).to_owned();
            let parked =
                Parked { number: saga.number + 1, since: now, reason: String::new(), state, keys: saga.keys() };
            let id = saga.id;
            let from = version_of(&saga);
            match self.load(saga) {
                Err(reason) => self.park(id, Parked { reason, ..parked }, decisions),
                Ok(to) if to != from => self.turn(id, Happened::Migrated { from, to }, now, decisions, |_| {}),
                Ok(_) => {}
            }
        }
        self.reunite(now, decisions);
        for (id, _) in self.in_order() {
            self.turn_if(id, Happened::Restarted, now, decisions, |turn| turn.restarted());
        }
        let waiting = self.lines.all_waiting();
        self.admit_next(waiting, now, decisions);
    }

    /// Takes up a saga, and tells in which version it goes on.
    fn load(&mut self, saga: OpenSaga) -> Result<u32, String> {
        let version = version_of(&saga);
        let OpenSaga { id, name, number, state, .. } = saga;
        let state = state.map_err(|error| error.to_string());
        let migrated = state.clone().and_then(|state| self.migrated(&name, version, state));
        let version = migrated.as_ref().map_or(version, |(version, _)| *version);
        let kind = self.by_version.iter().find(|((of, in_version), _)| *of == name && *in_version == version);
        let kind = kind.map(|(_, kind)| *kind);
        let kind = kind.ok_or_else(|| format!("this program has no saga `{name}` of version {version}"))?;
        let (_, state) = migrated?;
        let slot = self.kinds[usize::from(kind)]
            .load(id, &state)
            .map_err(|error| format!("its state does not load: {error}"))?;
        let parent = self.kinds[usize::from(kind)].control(slot).rare.parent.map(|parent| parent.saga);
        if let Some(parent) = parent.filter(|parent| self.parked.contains_key(parent)) {
            self.kinds[usize::from(kind)].remove(slot);
            return Err(format!("saga {parent}, which runs it, cannot be loaded"));
        }
        let family: Vec<_> =
            parent.into_iter().flat_map(|parent| [vec![parent], self.ancestors(parent)].concat()).collect();
        let control = self.kinds[usize::from(kind)].control_mut(slot);
        if control.phase == Phase::Queued {
            let held =
                |key: &Key| self.lines.holders(std::slice::from_ref(key)).iter().any(|saga| family.contains(saga));
            control.keys.retain(|key| !held(key));
        }
        control.number = number;
        let due = control.next_due();
        control.timer = due;
        if control.phase == Phase::Queued {
            self.lines.wait(id, &control.keys);
        } else if !planted::is(Bug::ForgetKeys) {
            self.lines.hold(id, &control.keys);
        }
        self.routes.insert(id, Route { kind, slot });
        if !planted::is(Bug::ForgetAwaited) {
            self.rearm(id);
        }
        if due < Timestamp::NEVER {
            self.timers.push(due, id);
        }
        Ok(version)
    }

    fn park(&mut self, saga: SagaId, parked: Parked, decisions: &mut Vec<Decision<B>>) {
        let Parked { number, since: time, ref reason, ref keys, .. } = parked;
        self.lines.hold(saga, keys);
        let happened = Happened::Parked { reason: reason.clone() };
        let then = vec![Change::Stuck { reason: reason.clone() }];
        decisions.push(Decision::Record(Record { saga, definition: None, number, time, happened, then }));
        self.parked.insert(saga, parked);
    }

    pub(super) fn end_parked(
        &mut self,
        saga: SagaId,
        action: Operator,
        happened: Happened<B>,
        by: EndedBy,
        now: Timestamp,
        decisions: &mut Vec<Decision<B>>,
    ) -> Result<(), String> {
        if action != Operator::End {
            return Err(format!("saga {saga} cannot be loaded by this program: start one that can, or end the saga"));
        }
        if let Some(Parked { number, keys, .. }) = self.parked.remove(&saga) {
            let outcome = Outcome::Ended(by);
            let then = vec![Change::Ended(outcome.clone())];
            let record = Record { saga, definition: None, number: number + 1, time: now, happened, then };
            decisions.push(Decision::Record(record));
            self.horizon.closed(saga);
            self.release(saga, &keys, now, decisions);
            self.tell_parent_of_parked(saga, &outcome, now, decisions);
        }
        Ok(())
    }
}

impl OpenSaga {
    /// The keys of concurrency that it holds, as far as they can be read.
    fn keys(&self) -> Vec<Key> {
        self.state.as_deref().map(keys_in).unwrap_or_default()
    }
}
