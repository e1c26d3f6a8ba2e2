//! Scripts: what the inbox is told, and what follows.

mod forgetting;

use super::*;
use crate::message::At;

type TestInbox = Inbox<&'static str, u32, &'static str>;
type TestEffect = Effect<&'static str, u32, &'static str>;

const LOG: LogId = LogId::from_bits(1);

fn saga(number: u64) -> SagaId {
    SagaId::new(number).expect("tests number sagas from 1")
}

fn key(of: u64, step: u16) -> ExchangeKey {
    ExchangeKey { log: LOG, saga: saga(of), at: At::step(step) }
}

/// An inbox under a script. Runs are numbered from 1 in the order in which they start.
struct Script(TestInbox);

impl Script {
    fn new(memory: Memory) -> Self {
        Self::with_room(memory, 64)
    }

    fn with_room(memory: Memory, at_once: usize) -> Self {
        Self(Inbox::new(memory, Limits { at_once }))
    }

    fn send(&mut self, key: ExchangeKey, attempt: u32) -> Vec<TestEffect> {
        self.0.command(Asked { key, attempt, query: false, command: "do" }, &Horizon::ALL);
        self.effects()
    }

    fn query(&mut self, key: ExchangeKey, attempt: u32) -> Vec<TestEffect> {
        self.0.command(Asked { key, attempt, query: true, command: "tell" }, &Horizon::ALL);
        self.effects()
    }

    fn settle(&mut self, key: ExchangeKey) -> Vec<TestEffect> {
        self.0.settle(key, &Horizon::ALL);
        self.effects()
    }

    fn answer(&mut self, run: u64, answer: Answer<u32, &'static str>) -> Vec<TestEffect> {
        self.0.answered(RunId(run), answer);
        self.effects()
    }

    fn returned(&mut self, run: u64) -> Vec<TestEffect> {
        self.0.returned(RunId(run));
        self.effects()
    }

    /// The handler ends, with its answer.
    fn end(&mut self, run: u64, answer: Answer<u32, &'static str>) -> Vec<TestEffect> {
        let mut effects = self.answer(run, answer);
        effects.extend(self.returned(run));
        effects
    }

    fn effects(&mut self) -> Vec<TestEffect> {
        std::iter::from_fn(|| self.0.next_effect()).collect()
    }
}

fn runs(run: u64, key: ExchangeKey, attempt: u32) -> TestEffect {
    Effect::Run { run: RunId(run), key, attempt, command: "do" }
}

fn tells(run: u64, key: ExchangeKey, attempt: u32) -> TestEffect {
    Effect::Run { run: RunId(run), key, attempt, command: "tell" }
}

fn answers(key: ExchangeKey, attempt: u32, answer: Answer<u32, &'static str>) -> TestEffect {
    Effect::Answer { key, attempt, answer }
}

fn fate(key: ExchangeKey, fate: Fate<u32>) -> TestEffect {
    Effect::Fate { key, fate }
}

fn handled() -> Answer<u32, &'static str> {
    Answer::Handled(vec![7, 8])
}

fn refused() -> Answer<u32, &'static str> {
    Answer::Refused("full")
}

fn broken() -> Answer<u32, &'static str> {
    Answer::Broken("panicked".into())
}

/// Rule: attempts.handled-final
#[test]
fn handled_is_final() {
    let mut script = Script::new(Memory::Volatile);
    assert_eq!(script.send(key(1, 0), 1), [runs(1, key(1, 0), 1)]);
    assert_eq!(script.end(1, handled()), [answers(key(1, 0), 1, handled())]);
    assert_eq!(script.send(key(1, 0), 2), [answers(key(1, 0), 2, handled())]);
    assert_eq!(script.send(key(1, 0), 1), [answers(key(1, 0), 2, handled())], "the latest attempt is named");
    assert_eq!(script.settle(key(1, 0)), [fate(key(1, 0), Fate::Done(vec![7, 8]))]);
    assert_eq!(script.send(key(1, 0), 3), [answers(key(1, 0), 3, handled())], "settling does not bar what is done");
}

/// Rule: attempts.refusal-not-final
#[test]
fn a_refusal_is_not() {
    let mut script = Script::new(Memory::Volatile);
    script.send(key(1, 0), 1);
    assert_eq!(script.end(1, refused()), [answers(key(1, 0), 1, refused())]);
    assert_eq!(script.send(key(1, 0), 1), [answers(key(1, 0), 1, refused())], "the same attempt does not run again");
    assert_eq!(script.send(key(1, 0), 2), [runs(2, key(1, 0), 2)]);
    assert_eq!(script.send(key(1, 0), 1), [], "an attempt of the past changes nothing");
    assert_eq!(script.end(2, handled()), [answers(key(1, 0), 2, handled())]);
}

#[test]
fn a_running_key_is_not_run_again_and_its_answer_names_the_latest_attempt() {
    let mut script = Script::new(Memory::Volatile);
    script.send(key(1, 0), 1);
    assert_eq!(script.send(key(1, 0), 3), []);
    assert_eq!(script.send(key(1, 0), 2), []);
    assert_eq!(script.end(1, refused()), [answers(key(1, 0), 3, refused())]);
    assert_eq!(script.send(key(1, 0), 3), [answers(key(1, 0), 3, refused())]);
}

#[test]
fn a_waiting_command_runs_once_for_its_latest_attempt() {
    let mut script = Script::with_room(Memory::Volatile, 1);
    script.send(key(1, 0), 1);
    assert_eq!(script.send(key(2, 0), 1), []);
    assert_eq!(script.send(key(2, 0), 2), []);
    assert_eq!(script.0.waiting(), 1);
    assert_eq!(script.end(1, handled()), [answers(key(1, 0), 1, handled()), runs(2, key(2, 0), 2)]);
    assert_eq!(script.end(2, handled()), [answers(key(2, 0), 2, handled())]);
    assert!(script.0.is_idle());
}

#[test]
fn a_broken_command_runs_again_when_asked_again_and_its_fate_is_unknown() {
    let mut script = Script::new(Memory::Volatile);
    script.send(key(1, 0), 1);
    assert_eq!(script.end(1, broken()), [answers(key(1, 0), 1, broken())]);
    assert_eq!(script.send(key(1, 0), 1), [answers(key(1, 0), 1, broken())]);
    assert_eq!(script.send(key(1, 0), 2), [runs(2, key(1, 0), 2)]);
    assert_eq!(script.end(2, refused()), [answers(key(1, 0), 2, refused())]);
    assert_eq!(script.settle(key(1, 0)), [fate(key(1, 0), Fate::Unknown)], "the first attempt is still unclear");
    assert_eq!(script.send(key(1, 0), 3), [], "a settled key is barred");
    assert_eq!(script.settle(key(1, 0)), [fate(key(1, 0), Fate::Unknown)]);
}

#[test]
fn a_broken_command_that_is_handled_later_is_done() {
    let mut script = Script::new(Memory::Volatile);
    script.send(key(1, 0), 1);
    script.end(1, broken());
    script.send(key(1, 0), 2);
    script.end(2, handled());
    assert_eq!(script.settle(key(1, 0)), [fate(key(1, 0), Fate::Done(vec![7, 8]))]);
}

#[test]
fn settling_bars_what_never_came() {
    let mut script = Script::new(Memory::Volatile);
    assert_eq!(script.settle(key(1, 0)), [fate(key(1, 0), Fate::Never)]);
    assert_eq!(script.send(key(1, 0), 1), [], "a late command is neither run nor answered");
    assert_eq!(script.settle(key(1, 0)), [fate(key(1, 0), Fate::Never)]);
}

#[test]
fn settling_bars_what_was_refused() {
    let mut script = Script::new(Memory::None);
    script.send(key(1, 0), 1);
    script.end(1, refused());
    assert_eq!(script.settle(key(1, 0)), [fate(key(1, 0), Fate::Never)]);
    assert_eq!(script.send(key(1, 0), 2), []);
}

#[test]
fn settling_takes_a_waiting_command_out() {
    let mut script = Script::with_room(Memory::None, 1);
    script.send(key(1, 0), 1);
    script.send(key(2, 0), 1);
    script.send(key(2, 1), 1);
    assert_eq!(script.settle(key(2, 0)), [fate(key(2, 0), Fate::Never)]);
    assert_eq!(script.end(1, handled()), [answers(key(1, 0), 1, handled()), runs(2, key(2, 1), 1)]);
    assert_eq!(script.end(2, handled()), [answers(key(2, 1), 1, handled())]);
    assert_eq!(script.0.waiting(), 0);
}

#[test]
fn what_runs_is_running_until_it_is_answered() {
    let mut script = Script::new(Memory::Volatile);
    script.send(key(1, 0), 1);
    assert_eq!(script.settle(key(1, 0)), [fate(key(1, 0), Fate::Running)]);
    script.returned(1);
    assert_eq!(script.settle(key(1, 0)), [fate(key(1, 0), Fate::Running)], "its answer is deferred");
    script.answer(1, handled());
    assert_eq!(script.settle(key(1, 0)), [fate(key(1, 0), Fate::Done(vec![7, 8]))]);
}

#[test]
fn a_participant_without_memory_does_not_know_what_it_did_before() {
    let mut script = Script::new(Memory::None);
    assert_eq!(script.settle(key(1, 0)), [fate(key(1, 0), Fate::Unknown)]);
    assert_eq!(script.settle(key(1, 0)), [fate(key(1, 0), Fate::Unknown)], "to have been asked is no knowledge");
    assert_eq!(script.send(key(1, 0), 1), []);
}

#[test]
fn without_memory_a_second_attempt_tells_of_a_first_one() {
    let mut script = Script::with_room(Memory::None, 1);
    script.send(key(1, 0), 1);
    script.send(key(2, 0), 2);
    assert_eq!(script.settle(key(2, 0)), [fate(key(2, 0), Fate::Unknown)]);
}

#[test]
fn the_commands_of_one_saga_run_one_at_a_time_in_order() {
    let mut script = Script::new(Memory::Volatile);
    assert_eq!(script.send(key(1, 2), 1), [runs(1, key(1, 2), 1)]);
    assert_eq!(script.send(key(1, 1), 1), []);
    assert_eq!(script.send(key(1, 0), 1), []);
    assert_eq!(script.send(key(2, 0), 1), [runs(2, key(2, 0), 1)], "another saga's runs beside them");
    assert_eq!(script.end(1, refused()), [answers(key(1, 2), 1, refused()), runs(3, key(1, 1), 1)]);
    assert_eq!(script.end(3, handled()), [answers(key(1, 1), 1, handled()), runs(4, key(1, 0), 1)]);
}

#[test]
fn a_deferred_answer_holds_up_nothing() {
    let mut script = Script::with_room(Memory::Volatile, 1);
    script.send(key(1, 0), 1);
    script.send(key(1, 1), 1);
    script.send(key(2, 0), 1);
    assert_eq!(script.returned(1), [runs(2, key(1, 1), 1)]);
    assert_eq!(script.send(key(1, 0), 2), [], "it still counts as running");
    assert_eq!(script.end(2, handled()), [answers(key(1, 1), 1, handled()), runs(3, key(2, 0), 1)]);
    assert_eq!(script.answer(1, handled()), [answers(key(1, 0), 2, handled())]);
}

#[test]
fn an_answer_before_the_return_does_not_make_room() {
    let mut script = Script::new(Memory::Volatile);
    script.send(key(1, 0), 1);
    script.send(key(1, 1), 1);
    assert_eq!(script.answer(1, handled()), [answers(key(1, 0), 1, handled())]);
    assert_eq!(script.returned(1), [runs(2, key(1, 1), 1)]);
}

#[test]
fn a_run_is_answered_and_returns_once() {
    let mut script = Script::new(Memory::Volatile);
    script.send(key(1, 0), 1);
    script.answer(1, handled());
    assert_eq!(script.answer(1, refused()), []);
    script.returned(1);
    assert_eq!(script.returned(1), []);
    assert_eq!(script.end(9, handled()), [], "a run that never was");
    assert_eq!(script.settle(key(1, 0)), [fate(key(1, 0), Fate::Done(vec![7, 8]))]);
}

#[test]
fn only_so_many_run_at_once_and_the_oldest_is_next() {
    let mut script = Script::with_room(Memory::Volatile, 2);
    for number in 1..=4 {
        script.send(key(number, 0), 1);
    }
    assert_eq!(script.0.waiting(), 2);
    assert_eq!(script.end(2, handled()), [answers(key(2, 0), 1, handled()), runs(3, key(3, 0), 1)]);
    assert_eq!(script.end(1, handled()), [answers(key(1, 0), 1, handled()), runs(4, key(4, 0), 1)]);
}

#[test]
fn a_limit_of_nothing_still_lets_one_run() {
    let mut script = Script::with_room(Memory::Volatile, 0);
    assert_eq!(script.send(key(1, 0), 1), [runs(1, key(1, 0), 1)]);
}

/// Rule: attempts.queries-anew
#[test]
fn each_attempt_of_a_query_runs() {
    let mut script = Script::new(Memory::Volatile);
    assert_eq!(script.query(key(1, 0), 1), [tells(1, key(1, 0), 1)]);
    assert_eq!(script.query(key(1, 0), 1), [], "the same attempt is under way");
    assert_eq!(script.query(key(1, 0), 2), [], "its turn comes");
    assert_eq!(script.end(1, handled()), [answers(key(1, 0), 1, handled()), tells(2, key(1, 0), 2)]);
    assert_eq!(script.end(2, handled()), [answers(key(1, 0), 2, handled())]);
    assert_eq!(script.query(key(1, 0), 2), [tells(3, key(1, 0), 2)], "nothing is remembered");
    script.end(3, handled());
    assert_eq!(script.0.remembered(), 0);
}

#[test]
fn a_query_runs_again_beside_its_deferred_answer() {
    let mut script = Script::new(Memory::Volatile);
    script.query(key(1, 0), 1);
    script.returned(1);
    assert_eq!(script.query(key(1, 0), 2), [tells(2, key(1, 0), 2)]);
    assert_eq!(script.answer(1, handled()), [answers(key(1, 0), 1, handled())]);
}

#[test]
fn a_settled_query_can_be_asked_no_more_than_it_waits() {
    let mut script = Script::with_room(Memory::Volatile, 1);
    script.send(key(1, 0), 1);
    script.query(key(2, 0), 1);
    script.settle(key(2, 0));
    assert_eq!(script.0.waiting(), 0);
    script.query(key(2, 0), 1);
    assert_eq!(script.0.waiting(), 1, "what was taken out is no longer under way");
}

#[test]
fn a_stopped_inbox_starts_nothing() {
    let mut script = Script::with_room(Memory::Volatile, 1);
    script.send(key(1, 0), 1);
    script.send(key(2, 0), 1);
    script.0.stop();
    assert_eq!(script.end(1, handled()), [answers(key(1, 0), 1, handled())]);
    assert_eq!((script.0.waiting(), script.0.is_idle()), (1, true));
}
