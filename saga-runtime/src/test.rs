//! Tests of a saga without coordinator, clock or thread: a script of what it is told, in virtual time.

mod children;
pub mod explore;
mod trace;

use std::time::Duration;

pub(crate) use self::children::good_end;
use self::trace::Told;
use crate::bus::Report;
use crate::cause::{EndedBy, Outcome};
use crate::codec;
use crate::coordinator::late;
use crate::log::{OpenSaga, Status};
use crate::machine::{CancelReply, Change, Decision, Input, Machine, NewSaga, Operator, Record};
use crate::message::{Answer, At, CommandOf, EventOf, ExchangeKey, Fate, LogId, Mode, RefusalOf, SagaId};
use crate::notice::Notice;
use crate::saga::Saga;
use crate::time::Timestamp;

/// Ties the keys of a test to each other, and to nothing else.
const LOG: LogId = LogId::from_bits(0x7e57);

/// One saga under test. All its participants are connected until [`SagaTest::disconnect`].
///
/// ```
/// # mod example {
/// # use saga_runtime::prelude::*;
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
/// # #[bus(Shop)]
/// # pub enum Command { #[to(Bank)] #[replies(Charged)] Charge { cents: u32 } }
/// # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
/// # #[bus(Shop)]
/// # pub enum Event { Charged { receipt: u32 } }
/// # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// # pub enum Refusal {}
/// # impl std::fmt::Display for Refusal { fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { match *self {} } }
/// # pub struct Shop;
/// # impl Bus for Shop { const NAME: &'static str = "shop"; type Command = Command; type Event = Event; type Refusal = Refusal; }
/// saga! {
///     pub saga Buy(cents: u32) -> u32 on Shop {
///         concurrency allow;
///         deadline 5s;
///         step pay -> u32 {
///             send Charge { cents };
///             await Charged { receipt } => receipt;
///             compensate none because "the bank refunds what is not picked up";
///         }
///         return pay;
///     }
/// }
/// # pub fn test() {
/// let mut saga = SagaTest::start(Buy { cents: 5 });
/// assert_eq!(saga.sent(), [Command::Charge { cents: 5 }]);
/// saga.reply(Event::Charged { receipt: 7 });
/// assert_eq!(saga.outcome(), Some(&Outcome::Completed(7)));
/// # }
/// # }
/// # example::test();
/// ```
pub struct SagaTest<S: Saga> {
    machine: Machine<S::Bus>,
    id: SagaId,
    now: Timestamp,
    /// Every command that was ever sent, in the order of the first time.
    commands: Vec<(At, CommandOf<S::Bus>)>,
    state: S::State,
    number: u32,
    outcome: Option<Outcome<S::Output>>,
    notices: Vec<Notice>,
    is_away: bool,
    trace: Vec<Told>,
}

impl<S: Saga> SagaTest<S> {
    /// Starts the saga.
    ///
    /// # Panics
    /// When it is not accepted, as the coordinator would not.
    #[track_caller]
    pub fn start(input: S) -> Self {
        let state = input.clone().begin();
        let mut machine = new_machine::<S>(SagaId::FIRST);
        connect(&mut machine, Timestamp::EPOCH);
        let mut test = Self {
            machine,
            id: SagaId::FIRST,
            now: Timestamp::EPOCH,
            commands: Vec::new(),
            state,
            number: 0,
            outcome: None,
            notices: Vec::new(),
            is_away: false,
            trace: Vec::new(),
        };
        test.step(Input::Start { saga: NewSaga::of(input), key: None, token: 0 });
        test
    }

    /// The commands that are out and not yet answered, oldest first.
    pub fn sent(&self) -> Vec<CommandOf<S::Bus>> {
        self.unanswered().into_iter().map(|at| self.command(at).clone()).collect()
    }

    /// For each of [`SagaTest::sent`], in which mode it was sent.
    pub fn modes(&self) -> Vec<Mode> {
        self.unanswered().into_iter().map(|at| at.mode).collect()
    }

    /// The oldest command that is out is handled, with this event.
    ///
    /// # Panics
    /// When no command is out.
    #[track_caller]
    pub fn reply(&mut self, event: EventOf<S::Bus>) {
        let at = self.oldest();
        self.answer(at, None, Answer::Handled(vec![event]));
    }

    /// This command is handled, with this event; once more, if it was before.
    ///
    /// # Panics
    /// When the command was never sent.
    #[track_caller]
    pub fn reply_to(&mut self, command: &CommandOf<S::Bus>, event: EventOf<S::Bus>) {
        let at = self.find(command);
        self.answer(at, None, Answer::Handled(vec![event]));
    }

    /// The oldest command that is out is handled, with no event.
    ///
    /// # Panics
    /// When no command is out.
    #[track_caller]
    pub fn handled(&mut self) {
        let at = self.oldest();
        self.answer(at, None, Answer::Handled(Vec::new()));
    }

    /// This command is handled, with no event.
    ///
    /// # Panics
    /// When the command was never sent.
    #[track_caller]
    pub fn handled_to(&mut self, command: &CommandOf<S::Bus>) {
        let at = self.find(command);
        self.answer(at, None, Answer::Handled(Vec::new()));
    }

    /// The oldest command that is out is refused.
    ///
    /// # Panics
    /// When no command is out.
    #[track_caller]
    pub fn refuse(&mut self, refusal: RefusalOf<S::Bus>) {
        let at = self.oldest();
        self.answer(at, None, Answer::Refused(refusal));
    }

    /// This command is refused.
    ///
    /// # Panics
    /// When the command was never sent.
    #[track_caller]
    pub fn refuse_to(&mut self, command: &CommandOf<S::Bus>, refusal: RefusalOf<S::Bus>) {
        let at = self.find(command);
        self.answer(at, None, Answer::Refused(refusal));
    }

    /// This attempt of this command is refused; one that is not the current attempt counts for nothing.
    ///
    /// # Panics
    /// When the command was never sent.
    #[track_caller]
    pub fn refuse_attempt(&mut self, command: &CommandOf<S::Bus>, attempt: u32, refusal: RefusalOf<S::Bus>) {
        let at = self.find(command);
        self.answer(at, Some(attempt), Answer::Refused(refusal));
    }

    /// Somebody publishes this event.
    pub fn event(&mut self, event: EventOf<S::Bus>) {
        self.step(Input::Publish { event, token: 0 });
    }

    /// This event answers a command of another saga.
    #[allow(clippy::needless_pass_by_value, reason = "an event is given away, as to `event`")]
    pub fn foreign(&mut self, event: EventOf<S::Bus>) {
        let mut decisions = Vec::new();
        self.machine.overheard(&event, None, self.now, &mut decisions);
        self.hear(&decisions);
        self.look();
    }

    /// Time passes, and whatever is due meanwhile happens at its time.
    pub fn advance(&mut self, duration: Duration) {
        let until = self.now.after(duration);
        while let Some(tick) = self.machine.next_tick().filter(|tick| *tick <= until) {
            self.now = self.now.max(tick);
            self.step(Input::Tick);
        }
        self.now = until;
    }

    /// All participants are away, from now on.
    pub fn disconnect(&mut self) {
        self.is_away = true;
        for participant in self.machine.participants() {
            self.step(Input::Disconnected { participant });
        }
    }

    /// All participants are back, and go on where they were.
    pub fn reconnect(&mut self) {
        self.is_away = false;
        for participant in self.machine.participants() {
            self.step(Input::Connected { participant, resumed: true });
        }
    }

    /// The saga is cancelled.
    pub fn cancel(&mut self) -> CancelReply {
        let decisions = self.step(Input::Cancel { saga: self.id, by: None, token: 0 });
        let reply = decisions.into_iter().find_map(|decision| match decision {
            Decision::Cancelled { reply, .. } => reply.ok(),
            _ => None,
        });
        reply.unwrap_or(CancelReply::Ended)
    }

    /// The commands whose fate is being asked, oldest first.
    pub fn asked(&self) -> Vec<CommandOf<S::Bus>> {
        self.asked_at().into_iter().map(|at| self.command(at).clone()).collect()
    }

    /// The fate of the oldest of [`SagaTest::asked`] is told.
    ///
    /// # Panics
    /// When nothing is asked.
    #[track_caller]
    pub fn settle(&mut self, fate: Fate<EventOf<S::Bus>>) {
        let asked = self.asked_at();
        let Some(&at) = asked.first() else { panic!("no fate is asked: nothing is being settled") };
        self.tell_fate(at, fate);
    }

    /// The fate of this command, one of [`SagaTest::asked`], is told.
    ///
    /// # Panics
    /// When its fate is not asked.
    #[track_caller]
    pub fn settle_to(&mut self, command: &CommandOf<S::Bus>, fate: Fate<EventOf<S::Bus>>) {
        let at = self.asked_at().into_iter().find(|at| self.command(*at) == command);
        let Some(at) = at else { panic!("its fate is not asked: {command:?}; asked are: {:?}", self.asked()) };
        self.tell_fate(at, fate);
    }

    /// An operator acts.
    ///
    /// # Errors
    /// Why that makes no sense.
    pub fn try_operator(&mut self, action: Operator) -> Result<(), String> {
        let by = EndedBy { who: "operator".to_owned(), why: "a test".to_owned() };
        let decisions = self.step(Input::Operate { saga: self.id, action, by, token: 0 });
        let result = decisions.into_iter().find_map(|decision| match decision {
            Decision::Operated { result, .. } => Some(result),
            _ => None,
        });
        result.unwrap_or(Ok(()))
    }

    /// An operator acts; what makes no sense changes nothing.
    pub fn operator(&mut self, action: Operator) {
        let _ = self.try_operator(action);
    }

    /// The coordinator is killed and started again: the saga goes through its serialised state and back.
    /// Participants that were away stay away, which the new coordinator believes after 5 s.
    ///
    /// # Panics
    /// When the state does not read back.
    #[track_caller]
    pub fn restart(&mut self) {
        let Some(saved) = self.machine.save(self.id) else { return };
        let state = match saved {
            Ok(state) => state,
            Err(reason) => panic!("the state cannot be written: {reason}"),
        };
        let definition = S::DEFINITION;
        let open = OpenSaga {
            id: self.id,
            name: definition.name.to_owned(),
            version: definition.version,
            started: Timestamp::EPOCH,
            key: None,
            number: self.number,
            state: Ok(state),
        };
        let children = self.machine.take_children_by_hand();
        self.machine = new_machine::<S>(self.id.next());
        self.machine.end_children_by_hand(children);
        let mut decisions = Vec::new();
        self.machine.recover(vec![open], self.now, &mut decisions);
        self.hear(&decisions);
        let reason = self.machine.standing(self.id).and_then(|standing| standing.reason).unwrap_or_default();
        assert!(self.machine.name_of(self.id).is_some(), "the state does not read back: {reason}");
        if !self.is_away {
            connect(&mut self.machine, self.now);
        }
        self.look();
    }

    /// The state; after the end, the last one.
    pub fn state(&self) -> &S::State {
        &self.state
    }

    /// Whether it goes back.
    pub fn is_compensating(&self) -> bool {
        self.machine.is_failing(self.id)
    }

    /// Whether it does not go on by itself, or has not for long.
    pub fn is_stuck(&self) -> bool {
        self.machine.standing(self.id).is_some_and(|standing| standing.status == Status::Stuck)
    }

    /// How it ended, if it has.
    pub fn outcome(&self) -> Option<&Outcome<S::Output>> {
        self.outcome.as_ref()
    }

    /// What was told so far.
    pub fn notices(&self) -> Vec<Notice> {
        self.notices.clone()
    }

    fn unanswered(&self) -> Vec<At> {
        self.machine.exchanges(self.id).filter(|exchange| exchange.is_out).map(|exchange| exchange.at).collect()
    }

    fn asked_at(&self) -> Vec<At> {
        self.machine.exchanges(self.id).filter(|exchange| exchange.is_asked).map(|exchange| exchange.at).collect()
    }

    fn tell_fate(&mut self, at: At, fate: Fate<EventOf<S::Bus>>) {
        let report = Report::Fate { key: self.key(at), fate };
        self.step(Input::Report { participant: self.participant(at), report });
    }

    #[track_caller]
    fn oldest(&self) -> At {
        let unanswered = self.unanswered();
        let Some(&at) = unanswered.first() else { panic!("no command is out and unanswered: {}", self.rests()) };
        at
    }

    /// Why nothing is out.
    fn rests(&self) -> &'static str {
        match (self.outcome.is_some(), self.is_stuck()) {
            (true, _) => "the saga has ended",
            (false, true) => "the saga is stuck, and its last notice says why",
            (false, false) => "the saga waits for time, for a fate or for an event",
        }
    }

    fn command(&self, at: At) -> &CommandOf<S::Bus> {
        let command = self.commands.iter().rev().find(|(sent, _)| *sent == at).map(|(_, command)| command);
        command.expect("what is out was sent")
    }

    /// The exchange that sent this command: one that waits for its answer, or the latest that did.
    #[track_caller]
    fn find(&self, command: &CommandOf<S::Bus>) -> At {
        let waiting: Vec<_> = self.machine.exchanges(self.id).map(|exchange| exchange.at).collect();
        let sent = || self.commands.iter().filter(|(_, sent)| sent == command).map(|(at, _)| *at);
        let found = sent().find(|at| waiting.contains(at)).or_else(|| sent().last());
        let Some(at) = found else { panic!("this command was never sent: {command:?}; out are: {:?}", self.sent()) };
        at
    }

    fn key(&self, at: At) -> ExchangeKey {
        ExchangeKey { log: LOG, saga: self.id, at }
    }

    fn participant(&self, at: At) -> &'static str {
        crate::message::Command::info(self.command(at)).to
    }

    fn answer(&mut self, at: At, attempt: Option<u32>, answer: Answer<EventOf<S::Bus>, RefusalOf<S::Bus>>) {
        let current = self.machine.exchanges(self.id).find(|exchange| exchange.at == at);
        let attempt = attempt.or(current.map(|exchange| exchange.attempt)).unwrap_or(1);
        let report = Report::Answered { key: self.key(at), attempt, answer };
        self.step(Input::Report { participant: self.participant(at), report });
    }

    /// One step of the machine; what it says about other sagas is left out.
    #[track_caller]
    fn step(&mut self, input: Input<S::Bus>) -> Vec<Decision<S::Bus>> {
        let mut decisions = Vec::new();
        self.machine.step(input, self.now, &mut decisions);
        self.hear(&decisions);
        self.look();
        decisions
    }

    #[track_caller]
    fn hear(&mut self, decisions: &[Decision<S::Bus>]) {
        for decision in decisions {
            match decision {
                Decision::Record(record) if record.saga == self.id => self.record(record),
                Decision::Late { key, participant, what, .. } if key.saga == self.id => {
                    let what = serde_json::from_str(&late(what, key.at, Some(S::DEFINITION))).unwrap_or_default();
                    let (time, participant) = (self.now, (*participant).into());
                    self.notices.push(Notice::AnswerLate { time, saga: self.id, participant, what });
                }
                Decision::Started { result: Err(reason), .. } => panic!("the saga was not accepted: {reason}"),
                _ => {}
            }
        }
    }

    fn record(&mut self, record: &Record<S::Bus>) {
        assert_eq!(record.number, self.number + 1, "records are numbered without holes");
        self.number = record.number;
        self.notices.extend(Notice::of(record));
        self.trace.extend(trace::told(record));
        for change in &record.then {
            match change {
                Change::Sent { at, command: Some(command), .. } => self.commands.push((*at, command.clone())),
                Change::Ended(outcome) => {
                    let decode = |output: String| codec::decode(&output).expect("an output reads back");
                    self.outcome = Some(outcome.clone().map(decode));
                }
                _ => {}
            }
        }
    }

    fn look(&mut self) {
        if let Some(state) = self.machine.state::<S>(self.id) {
            self.state = state.clone();
        }
    }
}

fn new_machine<S: Saga>(next: SagaId) -> Machine<S::Bus> {
    let mut machine = Machine::new(LOG, next, 0);
    machine.register::<S>().expect("one kind has no namesake");
    machine.ignore_triggers();
    machine.end_children_by_hand(Vec::new());
    machine
}

fn connect<B: crate::message::Bus>(machine: &mut Machine<B>, now: Timestamp) {
    let mut decisions = Vec::new();
    for participant in machine.participants() {
        machine.step(Input::Connected { participant, resumed: true }, now, &mut decisions);
        machine.step(Input::CaughtUp { participant }, now, &mut decisions);
    }
}
