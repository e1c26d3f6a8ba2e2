//! What can be seen of sagas in flight, without moving them.

use std::any::TypeId;
use std::borrow::Cow;
use std::time::Duration;

use super::control::{Phase, Waits};
use super::kind::KindOf;
use super::{Machine, standing};
use crate::bus::Horizon;
use crate::definition::Definition;
use crate::log::Standing;
use crate::message::{At, Bus, SagaId};
use crate::saga::Saga;
use crate::time::Timestamp;

/// A saga in flight, for whoever begins to watch.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct InFlight {
    /// Its id.
    pub saga: SagaId,
    /// Its name; empty if this program cannot load it.
    pub name: Cow<'static, str>,
    /// The saga that runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<SagaId>,
    /// No record holds what happens to it: it dies with its coordinator.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ephemeral: bool,
    /// Where it stands.
    pub standing: Standing,
}

/// An exchange that is not over, for a test kit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OpenExchange {
    pub(crate) at: At,
    pub(crate) attempt: u32,
    /// It was sent, and no answer to it counted.
    pub(crate) is_out: bool,
    /// Its fate is asked.
    pub(crate) is_asked: bool,
    /// Its command was handled, and what ends it is an event of anyone.
    pub(crate) is_handled: bool,
    /// The saga went on without it.
    pub(crate) is_aside: bool,
    /// The bound of its current attempt.
    pub(crate) within: Option<Duration>,
}

impl<B: Bus> Machine<B> {
    /// The state and the control of a saga in flight, as the log keeps them; none of one that ended.
    ///
    /// # Errors
    /// When the state cannot be written, which is told in words.
    pub fn save(&self, saga: SagaId) -> Option<Result<String, String>> {
        if let Some(parked) = self.parked.get(&saga) {
            return Some(Ok(parked.state.clone()));
        }
        let route = self.routes.get(&saga)?;
        Some(self.kinds[usize::from(route.kind)].save(route.slot))
    }

    /// Where a saga in flight stands.
    pub fn standing(&self, saga: SagaId) -> Option<Standing> {
        if let Some(parked) = self.parked.get(&saga) {
            return Some(standing::parked(parked.since, &parked.reason));
        }
        let route = self.routes.get(&saga)?;
        let kind = self.kinds[usize::from(route.kind)].as_ref();
        let (control, body) = kind.saga(route.slot);
        if control.phase == Phase::Queued {
            return Some(standing::queued(control.since, self.lines.holders(&control.keys).first().copied()));
        }
        Some(standing::of(kind.definition(), control, body.position()))
    }

    /// The name of a saga in flight; none of one that ended, or that this program cannot load.
    pub fn name_of(&self, saga: SagaId) -> Option<&'static str> {
        self.routes.get(&saga).map(|route| self.kinds[usize::from(route.kind)].definition().name)
    }

    /// What a saga in flight is, and the type of what it returns; none of one that ended, or that this program cannot
    /// load.
    pub(crate) fn kind_of(&self, saga: SagaId) -> Option<(&'static Definition, TypeId)> {
        let kind = &self.kinds[usize::from(self.routes.get(&saga)?.kind)];
        Some((kind.definition(), kind.output_type()))
    }

    /// Whether there was ever a saga of this id, in flight or ended. It may be one of those reserved and never given.
    pub(crate) fn has_been(&self, saga: SagaId) -> bool {
        saga < self.next
    }

    /// All sagas in flight, oldest first, and where they stand.
    pub fn in_flight(&self) -> Vec<InFlight> {
        let routed = self.in_order().into_iter().map(|(saga, _)| saga);
        let mut all: Vec<_> = routed.chain(self.parked.keys().copied()).collect();
        all.sort_unstable();
        all.into_iter().filter_map(|saga| self.seen(saga)).collect()
    }

    /// One saga in flight; none if it has ended.
    pub fn seen(&self, saga: SagaId) -> Option<InFlight> {
        let standing = self.standing(saga)?;
        let Some(route) = self.routes.get(&saga) else {
            return Some(InFlight { saga, name: "".into(), parent: None, ephemeral: false, standing });
        };
        let kind = self.kinds[usize::from(route.kind)].as_ref();
        let definition = kind.definition();
        let parent = kind.control(route.slot).rare.parent.map(|parent| parent.saga);
        Some(InFlight { saga, name: definition.name.into(), parent, ephemeral: definition.ephemeral, standing })
    }

    /// Whether a saga in flight goes back; not while that depends on what became of its pivot.
    pub(crate) fn is_failing(&self, saga: SagaId) -> bool {
        let Some(route) = self.routes.get(&saga) else { return false };
        let kind = self.kinds[usize::from(route.kind)].as_ref();
        let control = kind.control(route.slot);
        matches!(control.phase, Phase::Settling | Phase::Compensating) && !control.awaits_pivot(kind.definition())
    }

    /// Whether somebody who has not come since the start may still be on the way.
    pub(crate) fn is_patient(&self) -> bool {
        self.presence.patience().is_some()
    }

    /// When a saga in flight fails by itself, if it can.
    pub(crate) fn deadline_of(&self, saga: SagaId) -> Option<Timestamp> {
        let route = self.routes.get(&saga)?;
        self.kinds[usize::from(route.kind)].control(route.slot).live_deadline()
    }

    /// When something happens by itself to a saga in flight, or to who is thought away. Of entries in the queue of timers some
    /// come up in vain.
    pub(crate) fn next_move_of(&self, saga: SagaId) -> Option<Timestamp> {
        let route = self.routes.get(&saga)?;
        let due = self.kinds[usize::from(route.kind)].control(route.slot).next_due();
        let due = Some(due).filter(|due| *due < Timestamp::NEVER);
        [due, self.presence.patience()].into_iter().flatten().min()
    }

    /// The exchanges of a saga that are not over, in the order in which they were first sent.
    pub(crate) fn exchanges(&self, saga: SagaId) -> impl Iterator<Item = OpenExchange> {
        let control = self.routes.get(&saga).map(|route| self.kinds[usize::from(route.kind)].control(route.slot));
        let open = control.into_iter().flat_map(|control| control.open.iter().map(move |open| (control, open)));
        open.map(|(control, open)| OpenExchange {
            at: open.at,
            attempt: open.attempt,
            is_out: open.recorded_in.is_some() && open.is_unanswered(),
            is_asked: matches!(open.waits, Waits::Fate { .. }),
            is_handled: open.handled,
            is_aside: control.is_aside(open.at),
            within: open.within,
        })
    }

    /// The typed state of a saga in flight.
    pub(crate) fn state<S: Saga<Bus = B>>(&self, saga: SagaId) -> Option<&S::State> {
        let route = self.routes.get(&saga)?;
        let kind = self.kinds[usize::from(route.kind)].as_any().downcast_ref::<KindOf<S>>()?;
        Some(kind.state(route.slot))
    }

    /// Which sagas are open, for participants to forget the others.
    pub fn horizon(&self) -> Horizon {
        self.horizon.horizon()
    }
}
