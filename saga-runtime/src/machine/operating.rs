//! What people ask of a saga in flight.

use super::control::Phase;
use super::record::{Happened, Operator};
use super::{CancelReply, Decision, Machine};
use crate::cause::EndedBy;
use crate::message::{Bus, SagaId};
use crate::time::Timestamp;

impl<B: Bus> Machine<B> {
    pub(super) fn cancel(
        &mut self,
        saga: SagaId,
        by: Option<EndedBy>,
        now: Timestamp,
        decisions: &mut Vec<Decision<B>>,
    ) -> Result<CancelReply, String> {
        let Some(route) = self.routes.get(&saga) else {
            return match self.parked.get(&saga) {
                Some(parked) => Err(format!("saga {saga} is parked ({}); it can only be ended", parked.reason)),
                None if saga < self.next => Ok(CancelReply::Ended),
                None => Err(format!("there is no saga {saga}")),
            };
        };
        let control = self.kinds[usize::from(route.kind)].control(route.slot);
        if control.must_complete() || control.phase == Phase::Kept {
            return Ok(CancelReply::PastPivot);
        }
        if control.can_turn_back() {
            self.turn(saga, Happened::Cancelled { by }, now, decisions, |turn| turn.cancel());
        }
        Ok(CancelReply::Requested)
    }

    pub(super) fn operate(
        &mut self,
        saga: SagaId,
        action: Operator,
        by: EndedBy,
        now: Timestamp,
        decisions: &mut Vec<Decision<B>>,
    ) -> Result<(), String> {
        let happened = Happened::Operator { action, who: by.who.clone(), why: by.why.clone() };
        if self.parked.contains_key(&saga) {
            return self.end_parked(saga, action, happened, by, now, decisions);
        }
        if !self.routes.contains_key(&saga) {
            let known = saga < self.next;
            return Err(if known { format!("saga {saga} has ended") } else { format!("there is no saga {saga}") });
        }
        let mut permitted = Ok(());
        self.turn_if(saga, happened, now, decisions, |turn| {
            permitted = turn.permits(action);
            if permitted.is_ok() {
                turn.operate(action, by);
            }
            permitted.is_ok()
        });
        permitted.map_err(|reason| format!("saga {saga}: {reason}"))
    }
}
