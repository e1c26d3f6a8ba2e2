//! How a saga begins: by a call or an event, at once or when its keys are free.

use super::record::{Happened, StartedBy};
use super::{Decision, Machine, NewSaga, Route};
use crate::definition::Policy;
use crate::message::{Bus, Event, EventOf, SagaId};
use crate::saga::Key;
use crate::time::Timestamp;

impl<B: Bus> Machine<B> {
    pub(super) fn start(
        &mut self,
        saga: NewSaga,
        by: StartedBy,
        key: Option<String>,
        now: Timestamp,
        decisions: &mut Vec<Decision<B>>,
    ) -> Result<SagaId, String> {
        if let Some((known, name)) = key.as_deref().and_then(|key| self.keys.get(key)) {
            let same = name == saga.name();
            return if same {
                Ok(*known)
            } else {
                Err(format!("saga {known} was started with this key, and is a `{name}`"))
            };
        }
        let (kind, input) = match saga {
            NewSaga::Typed { input, .. } => {
                let kind = self.by_type.get(&(*input).type_id());
                let kind =
                    *kind.ok_or("this kind of saga is not registered with the coordinator: add `.saga::<…>()`")?;
                (self.highest(kind)?, input)
            }
            NewSaga::Named { name, input } => {
                let kind = *self.by_name.get(name.as_str()).ok_or_else(|| self.unknown_name(&name))?;
                let parsed = self.kinds[usize::from(kind)].parse(&input);
                let form = self.kinds[usize::from(kind)].definition().input_form();
                (kind, parsed.map_err(|error| format!("the input of `{name}` does not fit: {error}; give {form}"))?)
            }
        };
        let id = self.next;
        let begun = self.kinds[usize::from(kind)].begin(id, input, now)?;
        let route = Route { kind, slot: begun.slot };
        let in_the_way = self.in_the_way(route)?;
        self.next = id.next();
        self.horizon.opened(id);
        self.routes.insert(id, route);
        if let Some(key) = &key {
            let name = self.kinds[usize::from(kind)].definition().name.to_owned();
            self.keys.insert(key.clone(), (id, name));
            self.keyed.insert(id, key.clone());
        }
        let happened = Happened::Started { input: begun.input, by, key };
        self.take_keys(id, route, happened, &in_the_way, now, decisions);
        Ok(id)
    }

    /// The kind, if it is the highest version of its name: others only end what is in flight.
    fn highest(&self, kind: u16) -> Result<u16, String> {
        let definition = self.kinds[usize::from(kind)].definition();
        match self.by_name.get(definition.name) {
            Some(highest) if *highest != kind => {
                let (name, version) = (definition.name, definition.version);
                let newest = self.kinds[usize::from(*highest)].definition().version;
                Err(format!("`{name}` is started in version {newest} only: version {version} ends what is in flight"))
            }
            _ => Ok(kind),
        }
    }

    pub(super) fn unknown_name(&self, name: &str) -> String {
        let mut known: Vec<_> = self.by_name.keys().copied().collect();
        known.sort_unstable();
        format!("there is no saga `{name}`; there are: {}", known.join(", "))
    }

    /// Offers an event to the kinds that it may start.
    pub(super) fn trigger(&mut self, event: &EventOf<B>, now: Timestamp, decisions: &mut Vec<Decision<B>>) {
        for position in 0..self.triggers[event.index()].len() {
            let kind = usize::from(self.triggers[event.index()][position]);
            let started = match self.kinds[kind].triggered_by(event) {
                Ok(None) => continue,
                Ok(Some(input)) => {
                    let by = StartedBy::Trigger(event.info().name.to_owned());
                    let name = self.kinds[kind].definition().name;
                    self.start(NewSaga::Typed { name, input }, by, None, now, decisions)
                }
                Err(panicked) => Err(panicked.to_string()),
            };
            if let Err(reason) = started {
                let name = self.kinds[kind].definition().name;
                decisions.push(Decision::TriggerFailed { name, event: event.info().name, reason });
            }
        }
    }

    /// The sagas for which this one would have to wait: those who wait themselves, the last first, then the holders.
    ///
    /// # Errors
    /// If it is not to start then.
    pub(super) fn in_the_way(&mut self, Route { kind, slot }: Route) -> Result<Vec<SagaId>, String> {
        let kind = &mut self.kinds[usize::from(kind)];
        let (definition, control) = (kind.definition(), kind.control(slot));
        let policy = definition.concurrency.policy;
        if policy == Policy::Allow || control.keys.is_empty() {
            return Ok(Vec::new());
        }
        let (mut waiting, holders) = (self.lines.waiting(&control.keys), self.lines.holders(&control.keys));
        if policy != Policy::Skip {
            waiting.reverse();
            return Ok([waiting, holders].concat());
        }
        match holders.last() {
            None => Ok(Vec::new()),
            Some(holder) => {
                kind.remove(slot);
                Err(format!("`{}` is skipped while saga {holder} holds its key", definition.name))
            }
        }
    }

    /// Begins, or waits for those who are in the way; with `replace` they have to go.
    pub(super) fn take_keys(
        &mut self,
        saga: SagaId,
        Route { kind, slot }: Route,
        happened: Happened<B>,
        in_the_way: &[SagaId],
        now: Timestamp,
        decisions: &mut Vec<Decision<B>>,
    ) {
        let kind = &self.kinds[usize::from(kind)];
        let policy = kind.definition().concurrency.policy;
        let keys = &kind.control(slot).keys;
        let behind = in_the_way.last().copied();
        if behind.is_none() {
            self.lines.hold(saga, keys);
            return self.turn(saga, happened, now, decisions, |turn| turn.admit());
        }
        self.lines.wait(saga, keys);
        self.turn(saga, happened, now, decisions, |turn| turn.queue(behind));
        if policy == Policy::Replace {
            for other in in_the_way {
                self.supersede(*other, saga, now, decisions);
            }
        }
    }

    /// Undoes a saga for another that takes its key. One that is on its way back already only has to be awaited.
    fn supersede(&mut self, saga: SagaId, by: SagaId, now: Timestamp, decisions: &mut Vec<Decision<B>>) {
        let Some(&Route { kind, slot }) = self.routes.get(&saga) else { return };
        if self.kinds[usize::from(kind)].control(slot).can_turn_back() {
            self.turn(saga, Happened::Superseded { by }, now, decisions, |turn| turn.supersede(by));
        }
    }

    /// A saga has ended: those whose turn it is now begin.
    pub(super) fn release(&mut self, saga: SagaId, keys: &[Key], now: Timestamp, decisions: &mut Vec<Decision<B>>) {
        let waiting = self.lines.release(saga, keys);
        self.admit_next(waiting, now, decisions);
    }
}
