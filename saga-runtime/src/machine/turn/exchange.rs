//! Exchanges: sending, attempts, answers, and what ends them.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use super::super::control::{Open, Point, Waits};
use super::super::kind::Panicked;
use super::super::record::Change;
use super::Turn;
use crate::cause::{Cause, CauseKind};
use crate::definition::{Action, ArmOutcome};
use crate::message::{Answer, At, Bus, Event, EventOf, Mode, RefusalOf};
use crate::planted::{self, Bug};
use crate::saga::{Act, Heard, RetryPlan, Verdict};

/// The bound of an attempt that must succeed in the end, unless it says otherwise.
const PERSEVERING_WITHIN: Duration = Duration::from_secs(30);

/// The attempts of an exchange that must succeed in the end, unless it says otherwise.
const PERSEVERING_RETRY: RetryPlan =
    RetryPlan { times: 10, every: Duration::from_millis(100), at_most: Duration::from_secs(30) };

/// The attempts that an arm asks for where there is no `retry`: until the deadline.
const UNBOUNDED_RETRY: RetryPlan =
    RetryPlan { times: u32::MAX, every: Duration::from_millis(100), at_most: Duration::from_secs(5) };

/// Why an attempt gave no value: what a cause is made of when it is the last one.
pub(super) struct Failure {
    kind: CauseKind,
    message: String,
    refusal: Option<serde_json::Value>,
}

/// What the arms say to an answer *handled*.
pub(super) struct Ruling {
    pub(super) verdict: Verdict,
    /// An arm for an event says so.
    by_event: bool,
}

impl Failure {
    pub(super) fn new(kind: CauseKind, message: String) -> Self {
        Self { kind, message, refusal: None }
    }
}

impl<B: Bus> Turn<'_, B> {
    /// Who is to answer an exchange, in words.
    fn partner(&self, at: At) -> String {
        match self.block(at).action {
            Action::Run(child) => format!("saga `{}`", child.name),
            action => action.command().map_or_else(String::new, |command| command.to.to_owned()),
        }
    }

    /// What an exchange says, in words.
    fn said(&self, at: At) -> &'static str {
        match self.block(at).action {
            Action::Run(child) => child.name,
            action => action.command().map_or("", |command| command.name),
        }
    }

    /// Sends the command of an exchange for the first time.
    pub(super) fn open(&mut self, at: At) {
        let plan = match self.body.exchange(at, self.control.rare.cause.as_deref()) {
            Ok(plan) => plan,
            Err(panicked) => return self.stick_panicked(Point::Opening(at), &panicked),
        };
        if !self.is_armed(at) {
            return;
        }
        let perseveres = self.perseveres(at);
        let retry = if self.endures(at) { Some(Self::enduring(plan.retry)) } else { plan.retry };
        let open = Open {
            at,
            attempt: 0,
            attempts_before: 0,
            recorded_in: None,
            within: plan.within.or(perseveres.then_some(PERSEVERING_WITHIN)),
            retry: retry.or(perseveres.then_some(PERSEVERING_RETRY)).map(Box::new),
            waits: Waits::Answer,
            offered: false,
            handled: false,
            since: self.now,
            due: None,
        };
        self.control.put(open);
        if !self.hears_what_was_kept(at) {
            return;
        }
        match plan.act {
            Act::Sleep(duration) => self.fall_asleep(at, duration),
            Act::Command(command) => self.attempt(at, Some(command)),
            Act::Run(child) => self.attempt_run(at, Some(child)),
            Act::Wait => self.attempt(at, None),
        }
    }

    /// Makes the next attempt of an open exchange; with its command, if that was just made.
    pub(in super::super) fn attempt(&mut self, at: At, command: Option<B::Command>) {
        if let Action::Run(_) = self.block(at).action {
            return self.attempt_run(at, None);
        }
        let now = self.now;
        let Some(open) = self.open_mut(at) else { return };
        open.attempt += 1;
        open.waits = Waits::Answer;
        open.since = now;
        let part = if planted::is(Bug::TimeOutEarly) { 2 } else { 1 };
        open.due = open.within.map(|within| now.after(within / part));
        if self.block(at).action.command().is_none() {
            return;
        }
        let away = self.heeds_absence(at) && self.presence.is_away(self.command(at).to);
        if !away || !self.absent(at) {
            self.send(at, command);
        }
    }

    fn send(&mut self, at: At, command: Option<B::Command>) {
        let number = self.number();
        let Some(&Open { attempt, recorded_in, .. }) = self.open_ref(at) else { return };
        let command = match (recorded_in, command) {
            (Some(_), _) => None,
            (None, Some(command)) => Some(command),
            (None, None) => match self.body.exchange(at, self.control.rare.cause.as_deref()) {
                Ok(plan) => plan.into_command(),
                Err(panicked) => return self.stick_panicked(Point::Answer(at), &panicked),
            },
        };
        let recorded_in = recorded_in.unwrap_or(number);
        if let Some(open) = self.open_mut(at) {
            open.recorded_in = Some(recorded_in);
        }
        self.changes.push(Change::Sent { at, attempt, participant: self.command(at).to, recorded_in, command });
    }

    /// Whether it makes a difference to the exchange that its participant is away.
    pub(in super::super) fn heeds_absence(&self, at: At) -> bool {
        let block = self.block(at);
        let heeds = block.has_arm(|outcome| matches!(outcome, ArmOutcome::Disconnected));
        block.action.command().is_some_and(|command| command.live_only || heeds)
    }

    /// The participant of an open exchange, which heeds it, is away. False if the exchange goes on waiting: no arm
    /// takes it.
    pub(in super::super) fn absent(&mut self, at: At) -> bool {
        let command = self.command(at);
        let failure = Failure::new(CauseKind::Disconnected, format!("{} is not connected", command.to));
        match self.ask_without_answer(at, Heard::Disconnected) {
            Ok(Verdict::NoArm) if !command.live_only => return false,
            Ok(Verdict::NoArm) if self.perseveres(at) => self.again_if_allowed(at, failure),
            verdict => self.without_effect(at, verdict, failure),
        }
        true
    }

    /// The current attempt has taken too long.
    pub(in super::super) fn timeout(&mut self, at: At) {
        let Some(open) = self.open_ref(at) else { return };
        let (within, attempts) = (open.within.unwrap_or_default(), counted(open.attempt, "attempt"));
        let message = match self.block(at).action {
            Action::Send(_) | Action::Query(_) | Action::Run(_) => {
                format!("no answer from {} within {within:?}, after {attempts}", self.partner(at))
            }
            Action::Sleep(_) | Action::Wait | Action::Nothing => {
                format!("nothing that it waits for came within {within:?}, after {attempts}")
            }
        };
        let failure = Failure::new(CauseKind::TimedOut, message);
        match self.ask_without_answer(at, Heard::Timeout) {
            Ok(Verdict::NoArm) => self.again_if_allowed(at, failure),
            verdict => self.without_effect(at, verdict, failure),
        }
    }

    /// The participant has answered an open exchange, and the answer counts.
    pub(in super::super) fn answered(&mut self, at: At, answer: &Answer<EventOf<B>, RefusalOf<B>>) {
        let settling = self.control.is_settling(at);
        match answer {
            Answer::Handled(events) if settling => self.settled_done(at, events),
            Answer::Refused(_) if settling => self.settled_never(at),
            Answer::Handled(events) => self.handled(at, events),
            Answer::Refused(refusal) => self.refused(at, refusal),
            Answer::Broken(reason) => {
                let point = if settling { Point::Fate { at, late: false } } else { Point::Answer(at) };
                self.stick(point, format!("{} broke its contract: {reason}", self.command(at).to));
            }
        }
    }

    fn handled(&mut self, at: At, events: &[EventOf<B>]) {
        self.unstick_at(|point| point == Point::Answer(at));
        match self.ask_arms(at, events) {
            Err(reason) => self.stick(Point::Answer(at), reason),
            Ok(ruling) => self.handled_so(at, ruling),
        }
    }

    fn handled_so(&mut self, at: At, ruling: Ruling) {
        let in_effect = self.fails_in_effect(at, &ruling);
        match ruling.verdict {
            Verdict::Fail(message) if self.perseveres(at) => self.stick(Point::Answer(at), message),
            Verdict::Fail(message) => self.fail_when_done(at, message, in_effect),
            Verdict::Retry => {
                let failure = Failure::new(CauseKind::Failed, "no attempt gave what the saga waits for".to_owned());
                self.again(at, failure);
            }
            Verdict::NoArm if self.awaits_only_others(at) => self.handled_meanwhile(at),
            Verdict::Done | Verdict::NoArm => self.took_effect(at),
        }
    }

    /// Whether a `fail` leaves an effect that is to be undone: only an arm for an event says that there is none.
    pub(super) fn fails_in_effect(&self, at: At, ruling: &Ruling) -> bool {
        matches!(ruling.verdict, Verdict::Fail(_)) && !ruling.by_event && self.step(at).compensation.undoes()
    }

    /// What the exchange asked for was done, and an arm says that the saga fails.
    pub(super) fn fail_when_done(&mut self, at: At, message: String, in_effect: bool) {
        if in_effect {
            self.over(at, Change::Done { at });
            self.count_effect(at);
        } else {
            self.control.close(at);
        }
        self.fail(Cause::new(self.step(at).name, CauseKind::Failed, message));
    }

    /// What the arms say to an answer *handled* with these events, tried in the order emitted.
    ///
    /// # Errors
    /// Why nothing can be made of it: the participant broke its contract, or an expression panicked.
    pub(super) fn ask_arms(&mut self, at: At, events: &[EventOf<B>]) -> Result<Ruling, String> {
        let (command, block) = (self.command(at), self.block(at));
        let replied = events.iter().any(|event| command.replies.contains(&event.info().name));
        if !replied && !command.replies.is_empty() {
            let replies = command.replies.join(" or ");
            return Err(format!("{} broke its contract: handled {} without {replies}", command.to, command.name));
        }
        let heard = events.iter().map(Heard::Event).chain([Heard::Handled]);
        for heard in heard {
            let by_event = matches!(heard, Heard::Event(_));
            match self.body.answer(at, self.control.rare.cause.as_deref(), heard) {
                Ok(Verdict::NoArm) => {}
                Ok(verdict) => return Ok(Ruling { verdict, by_event }),
                Err(panicked) => return Err(panicked.to_string()),
            }
        }
        let ended_by_others = command.replies.is_empty() && self.awaits_only_others(at);
        if block.awaits_event() && !ended_by_others {
            return Err(format!("no arm takes what {} answered to {}", command.to, command.name));
        }
        Ok(Ruling { verdict: Verdict::NoArm, by_event: false })
    }

    /// An exchange is over as it was meant to be.
    pub(super) fn took_effect(&mut self, at: At) {
        self.over(at, Change::Done { at });
        self.count_effect(at);
        self.go_on(at);
    }

    /// An exchange is over, in this way.
    pub(super) fn over(&mut self, at: At, how: Change<B>) {
        self.unstick_at(|point| point == Point::Enduring(at));
        self.control.close(at);
        self.changes.push(how);
    }

    pub(super) fn go_on(&mut self, at: At) {
        match at.mode {
            Mode::Compensation if self.control.is_aside(at) => self.aside_over(at),
            Mode::Forward | Mode::Finally => self.advance(),
            Mode::Compensation => {
                self.body.forget_aside(At { mode: Mode::Forward, ..at });
                self.compensate_next();
            }
        }
    }

    fn refused(&mut self, at: At, refusal: &RefusalOf<B>) {
        let failure = Failure {
            kind: CauseKind::Refused,
            message: refusal.to_string(),
            refusal: serde_json::to_value(refusal).ok(),
        };
        match self.body.answer(at, self.control.rare.cause.as_deref(), Heard::Refused(refusal)) {
            Ok(Verdict::NoArm) if self.perseveres(at) => self.again_if_allowed(at, failure),
            verdict => self.without_effect(at, verdict, failure),
        }
    }

    /// What follows when an attempt was not *handled*, and an arm (or no arm) said this.
    pub(super) fn without_effect(&mut self, at: At, verdict: Result<Verdict, Panicked>, failure: Failure) {
        match verdict {
            Err(panicked) => self.stick_panicked(Point::Answer(at), &panicked),
            Ok(Verdict::Fail(message)) => self.failed(at, Failure { message, ..failure }),
            Ok(Verdict::NoArm) => self.failed(at, failure),
            Ok(Verdict::Retry) => self.again(at, failure),
            Ok(Verdict::Done) if matches!(failure.kind, CauseKind::Refused | CauseKind::Child) => {
                self.over(at, Change::Done { at });
                self.go_on(at);
            }
            Ok(Verdict::Done) => self.ended_without_answer(at),
        }
    }

    /// Another attempt, if there is a `retry` and it allows one; else a failure.
    pub(super) fn again_if_allowed(&mut self, at: At, failure: Failure) {
        if self.open_ref(at).is_some_and(|open| open.retry.is_some()) {
            self.again(at, failure);
        } else {
            self.failed(at, failure);
        }
    }

    /// Another attempt, as often as `retry` allows; else a failure.
    pub(super) fn again(&mut self, at: At, failure: Failure) {
        let Some(open) = self.open_ref(at) else { return };
        let (plan, retried) = (open.retry.as_deref().copied().unwrap_or(UNBOUNDED_RETRY), open.retried());
        if retried >= plan.times {
            return self.failed(at, failure);
        }
        let now = self.now;
        let until = now.after(self.backoff(at, plan, retried));
        if let Some(open) = self.open_mut(at) {
            open.waits =
                Waits::Backoff { in_doubt: matches!(failure.kind, CauseKind::TimedOut | CauseKind::Disconnected) };
            open.since = now;
            open.due = Some(until);
        }
        self.changes.push(Change::Waiting { at, until });
        if self.endures(at) {
            self.show_endurance(at, &failure.message);
        }
    }

    /// The wait after so many attempts beyond the first: doubled each time, at most the longest, of which a random
    /// part of up to a half is left out, so that those who failed together do not come back together. For one attempt
    /// it is always the same, so that a restart makes no difference.
    fn backoff(&self, at: At, plan: RetryPlan, retried: u32) -> Duration {
        let mut attempt = DefaultHasher::new();
        (self.seed, self.saga, at, retried).hash(&mut attempt);
        let left_in = 0.5 + fastrand::Rng::with_seed(attempt.finish()).f64() / 2.0;
        let doubled = plan.every.saturating_mul(2_u32.saturating_pow(retried));
        doubled.min(plan.at_most).mul_f64(left_in)
    }

    /// The exchange has failed: forward the saga fails, elsewhere it is stuck.
    fn failed(&mut self, at: At, failure: Failure) {
        if self.perseveres(at) {
            self.stick(Point::Answer(at), format!("{} failed: {}", self.said(at), failure.message));
            let unanswered = failure.kind == CauseKind::TimedOut;
            if let Some(open) = self.open_mut(at) {
                open.waits = Waits::Operator { unanswered };
            }
            return;
        }
        if matches!(failure.kind, CauseKind::Refused | CauseKind::Child) {
            self.control.close(at);
        }
        let cause = Cause::new(self.step(at).name, failure.kind, failure.message);
        self.fail(match failure.refusal {
            Some(refusal) => cause.with_refusal(refusal),
            None => cause,
        });
    }
}

/// `1 attempt`, `2 attempts`.
fn counted(number: u32, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
