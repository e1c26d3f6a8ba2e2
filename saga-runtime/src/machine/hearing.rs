//! What participants say: to the exchange that waits for it, or to nobody.

use super::control::{Control, Open, Waits};
use super::record::Happened;
use super::{Decision, Late, Machine, participant_of};
use crate::bus::Report;
use crate::message::{Answer, Bus, EventOf, ExchangeKey, Fate, RefusalOf};
use crate::planted::{self, Bug};
use crate::time::Timestamp;

impl<B: Bus> Machine<B> {
    pub(super) fn report(
        &mut self,
        participant: &'static str,
        report: Report<B>,
        now: Timestamp,
        decisions: &mut Vec<Decision<B>>,
    ) {
        match report {
            Report::Published(event) => self.occurred(&event, None, now, decisions),
            Report::Answered { key, attempt, answer } => {
                if self.awaits(participant, key, |control, open| answer_counts::<B>(control, open, attempt, &answer)) {
                    let at = key.at;
                    let happened = Happened::Answered { at, attempt, answer: answer.clone() };
                    let offered = matches!(answer, Answer::Handled(_)) && self.offer_once(key);
                    self.turn(key.saga, happened, now, decisions, |turn| turn.answered(at, &answer));
                    if let (Answer::Handled(events), false) = (&answer, offered) {
                        events.iter().for_each(|event| self.occurred(event, Some((key.saga, at)), now, decisions));
                    }
                } else if !planted::is(Bug::DropLateAnswers) {
                    decisions.push(self.late(participant, key, Late::Answer { attempt, answer }));
                }
            }
            Report::Fate { key, fate } => {
                if self.awaits(participant, key, |_, open| open.is_asked()) {
                    let at = key.at;
                    let happened = Happened::Fate { at, fate: fate.clone() };
                    let offered = matches!(fate, Fate::Done(_)) && self.offer_once(key);
                    self.turn(key.saga, happened, now, decisions, |turn| turn.fate(at, &fate));
                    if let (Fate::Done(events), false) = (&fate, offered) {
                        events.iter().for_each(|event| self.occurred(event, Some((key.saga, at)), now, decisions));
                    }
                } else {
                    decisions.push(self.late(participant, key, Late::Fate(fate)));
                }
            }
        }
    }

    /// Whether the exchange of this key is open, this participant's, and waits for such a thing.
    fn awaits(&self, participant: &str, key: ExchangeKey, counts: impl Fn(&Control, &Open) -> bool) -> bool {
        let Some(route) = self.routes.get(&key.saga).filter(|_| key.log == self.log) else { return false };
        let kind = self.kinds[usize::from(route.kind)].as_ref();
        let control = kind.control(route.slot);
        let open = control.open.iter().find(|open| open.at == key.at).filter(|_| !control.is_resting());
        open.is_some_and(|open| {
            participant_of(kind.definition(), open.at) == Some(participant) && counts(control, open)
        })
    }

    /// Whether the events of this answer were offered to triggers before; from now on they were.
    fn offer_once(&mut self, key: ExchangeKey) -> bool {
        let Some(route) = self.routes.get(&key.saga) else { return true };
        let open = &mut self.kinds[usize::from(route.kind)].control_mut(route.slot).open;
        let open = open.iter_mut().find(|open| open.at == key.at);
        open.is_none_or(|open| std::mem::replace(&mut open.offered, true))
    }

    /// What becomes of something that nobody waits for.
    pub(super) fn late(&self, participant: &'static str, key: ExchangeKey, what: Late<B>) -> Decision<B> {
        let definition = self.routes.get(&key.saga).map(|route| self.kinds[usize::from(route.kind)].definition());
        if key.log == self.log && key.saga < self.next {
            Decision::Late { key, definition, participant, what }
        } else {
            Decision::Stray { key, participant }
        }
    }
}

/// Whether an answer moves the exchange: *handled* from any attempt, anything else from the current one, once. What
/// is being settled may be refused even when its fate is unknown.
fn answer_counts<B: Bus>(
    control: &Control,
    open: &Open,
    attempt: u32,
    answer: &Answer<EventOf<B>, RefusalOf<B>>,
) -> bool {
    let is_answered = matches!(open.waits, Waits::Operator { .. } | Waits::Backoff { in_doubt: false });
    if open.handled {
        return false;
    }
    let is_current = attempt == open.attempt || planted::is(Bug::CountOldRefusals);
    match answer {
        Answer::Handled(_) => true,
        Answer::Refused(_) => is_current && (!is_answered || control.is_settling(open.at)),
        Answer::Broken(_) => is_current && !is_answered,
    }
}
