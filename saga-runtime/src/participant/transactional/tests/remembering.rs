//! Scripts: what a participant that remembers is asked, in this life and in the next.

use std::path::PathBuf;
use std::sync::mpsc as std_mpsc;

use tempfile::TempDir;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::vault::{Command, Event, How, Keeper, Refusal, Vault, connection, effects};
use crate::bus::{Delivery, FromParticipant, Horizon, Payload, Report, ToParticipant};
use crate::message::{Answer, At, ExchangeKey, Fate, LogId, SagaId};
use crate::participant::{ParticipantOptions, Reporter, Transactional, spawn};
use crate::rusqlite::Connection;

type Said = mpsc::Receiver<(&'static str, FromParticipant<Vault>)>;

/// A database, and one life after another of the participant that works in it.
struct Script {
    home: TempDir,
    horizon: Horizon,
    line: UnboundedSender<ToParticipant<Vault>>,
    said: Said,
    reporters: UnboundedReceiver<(Reporter<Vault>, bool)>,
    committed: std_mpsc::Receiver<String>,
}

impl Script {
    fn begin() -> Self {
        Self::live(tempfile::tempdir().expect("a directory"))
    }

    fn live(home: TempDir) -> Self {
        let (deferred, reporters) = mpsc::unbounded_channel();
        let (reports, said) = mpsc::channel(256);
        let (tell, committed) = std_mpsc::channel();
        let keeper = Keeper::new(deferred).telling(tell);
        let keeper = Transactional::new(connection(&home.path().join("vault.db")), keeper).expect("its own database");
        let line = spawn(keeper, ParticipantOptions::default(), reports);
        Self { home, horizon: Horizon::ALL, line, said, reporters, committed }
    }

    /// The participant's life ends, and another one begins.
    async fn restart(self) -> Self {
        let Self { home, line, mut said, .. } = self;
        drop(line);
        while said.recv().await.is_some() {}
        Self::live(home)
    }

    fn path(&self) -> PathBuf {
        self.home.path().join("vault.db")
    }

    fn deliver(&self, delivery: Delivery<Vault>) {
        self.line.send(ToParticipant::Deliver(delivery, self.horizon.clone())).expect("the line is there");
    }

    fn ask(&self, key: ExchangeKey, attempt: u32, command: Command) {
        let command = Payload::Typed(command);
        self.deliver(Delivery::Command { key, attempt, saga: "store".into(), step: "keep".into(), command });
    }

    async fn report(&mut self) -> Report<Vault> {
        loop {
            match self.said.recv().await.expect("the line is there").1 {
                FromParticipant::Report { report, .. } => return report,
                FromParticipant::Disconnected { reason } => panic!("{reason}"),
                _ => {}
            }
        }
    }

    async fn answer(&mut self, key: ExchangeKey, attempt: u32, command: Command) -> Answer<Event, Refusal> {
        self.ask(key, attempt, command);
        self.next_answer(key).await
    }

    async fn next_answer(&mut self, of: ExchangeKey) -> Answer<Event, Refusal> {
        match self.report().await {
            Report::Answered { key, answer, .. } if key == of => answer,
            other => panic!("an answer for {of} was awaited, and this came: {other:?}"),
        }
    }

    async fn fate(&mut self, of: ExchangeKey) -> Fate<Event> {
        self.deliver(Delivery::Settle { key: of });
        match self.report().await {
            Report::Fate { key, fate } if key == of => fate,
            other => panic!("the fate of {of} was awaited, and this came: {other:?}"),
        }
    }

    async fn complaint(&mut self, how: How) -> String {
        let command = Command::Spoil { what: "spoilt".into(), how };
        match self.answer(key(1, 0), 1, command).await {
            Answer::Broken(complaint) => complaint,
            other => panic!("a complaint was awaited, and this came: {other:?}"),
        }
    }

    /// The keys whose fate is on the disk, with their states.
    fn stored(&self) -> Vec<(String, String)> {
        let database = Connection::open(self.path()).expect("a database");
        let query = "SELECT key, state FROM saga_inbox_exchange ORDER BY key";
        let mut statement = database.prepare(query).expect("its table");
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
        rows.map(|row| row.expect("a row")).collect()
    }

    fn whats(&self) -> Vec<String> {
        effects(&self.path()).into_iter().map(|[_, what, _]| what).collect()
    }
}

fn key(saga: u64, step: u16) -> ExchangeKey {
    let saga = SagaId::new(saga).expect("tests count from 1");
    ExchangeKey { log: LogId::from_bits(0x5afe), saga, at: At::step(step) }
}

fn keep(what: &str) -> Command {
    Command::Keep { what: what.into() }
}

fn kept(count: u32) -> Answer<Event, Refusal> {
    Answer::Handled(vec![Event::Kept { count }])
}

/// Rule: attempts.handled-final
#[tokio::test]
async fn what_was_done_is_answered_from_memory_in_every_life() {
    let mut script = Script::begin();
    assert_eq!(script.answer(key(1, 0), 1, keep("a")).await, kept(1));
    for attempt in 2..=4 {
        script = script.restart().await;
        assert_eq!(script.answer(key(1, 0), attempt, keep("a")).await, kept(1));
        assert_eq!(script.fate(key(1, 0)).await, Fate::Done(vec![Event::Kept { count: 1 }]));
    }
    assert_eq!(script.whats(), ["a"]);
}

/// Rule: attempts.refusal-not-final
#[tokio::test]
async fn what_was_refused_was_undone_and_is_tried_again() {
    let mut script = Script::begin();
    let later = || Command::KeepLater { what: "later".into() };
    assert_eq!(script.answer(key(1, 0), 1, later()).await, Answer::Refused(Refusal::Full));
    assert_eq!(script.whats(), [""; 0]);
    assert_eq!(script.answer(key(1, 0), 2, later()).await, kept(1));
    let mut script = script.restart().await;
    assert_eq!(script.answer(key(1, 0), 3, later()).await, kept(1));
    assert_eq!(script.whats(), ["later"]);
}

#[tokio::test]
async fn what_was_barred_stays_barred_in_every_life() {
    let mut script = Script::begin();
    assert_eq!(script.fate(key(1, 0)).await, Fate::Never);
    assert_eq!(script.stored(), [(key(1, 0).to_string(), "barred".to_owned())], "before it was said");
    script = script.restart().await;
    script.ask(key(1, 0), 1, keep("late"));
    assert_eq!(script.fate(key(1, 0)).await, Fate::Never);
    assert_eq!(script.answer(key(2, 0), 1, keep("b")).await, kept(1));
}

#[tokio::test]
async fn one_that_goes_wrong_is_undone_and_its_neighbours_are_not() {
    for how in [How::Panic, How::NoReply, How::BadStatement, How::Commit, How::TouchTheInbox, How::DropReporter] {
        let mut script = Script::begin();
        script.ask(key(1, 0), 1, keep("before"));
        script.ask(key(2, 0), 1, Command::Spoil { what: "spoilt".into(), how });
        script.ask(key(3, 0), 1, keep("after"));
        assert_eq!(script.next_answer(key(1, 0)).await, kept(1));
        let Answer::Broken(_) = script.next_answer(key(2, 0)).await else { panic!("{how:?} is no answer") };
        assert_eq!(script.next_answer(key(3, 0)).await, kept(2));
        assert_eq!(script.whats(), ["before", "after"], "{how:?}");
        assert_eq!(script.fate(key(2, 0)).await, Fate::Never, "{how:?} is known to have been undone");
    }
}

#[tokio::test]
async fn one_that_undoes_its_neighbours_is_broken_off_and_they_are_done_again() {
    let mut script = Script::begin();
    script.ask(key(1, 0), 1, keep("before"));
    script.ask(key(2, 0), 1, Command::Spoil { what: "spoilt".into(), how: How::RollBackAll });
    script.ask(key(3, 0), 1, keep("after"));
    let mut answers = Vec::new();
    for _ in 0..3 {
        let Report::Answered { key, answer, .. } = script.report().await else { panic!("only answers were asked for") };
        answers.push((key, answer));
    }
    answers.sort_by_key(|(key, _)| *key);
    assert!(matches!(&answers[1].1, Answer::Broken(why) if why.contains("ended the transaction")), "{answers:?}");
    assert_eq!((&answers[0].1, &answers[2].1), (&kept(1), &kept(2)));
    assert_eq!(script.whats(), ["before", "after"]);
}

#[tokio::test]
async fn complaints_name_the_remedy() {
    for (how, expected) in [
        (How::Panic, "the handler of `Spoil` panicked: no vault 1"),
        (
            How::NoReply,
            "`keeper` handled `Spoil` without one of its declared replies (`Kept`); emit one before saying handled, or refuse",
        ),
        (
            How::BadStatement,
            "the handler of `Spoil` gave up on its database: no such table: nowhere; mend the statement or the tables",
        ),
        (
            How::Commit,
            "the handler of `Spoil` gave up on its database: not authorized; mend the statement or the tables",
        ),
        (How::DropReporter, "`keeper` dropped `Spoil` without an answer; let its reporter say handled or refused"),
    ] {
        let complaint = Script::begin().complaint(how).await;
        assert!(complaint.starts_with(expected), "{how:?}: {complaint}");
    }
}

#[tokio::test]
async fn a_query_is_never_answered_from_memory_and_writes_nothing() {
    let mut script = Script::begin();
    for attempt in 1..=3 {
        let counted = script.answer(key(1, 0), attempt, Command::Count).await;
        assert_eq!(counted, Answer::Handled(vec![Event::Counted { count: 0 }]));
    }
    assert_eq!(script.stored(), []);
}

/// Rule: participants.deferred
#[tokio::test]
async fn an_answer_left_for_later_survives() {
    let mut script = Script::begin();
    script.ask(key(1, 0), 1, Command::Defer { what: "deferred".into() });
    let (reporter, again) = script.reporters.recv().await.expect("the handler defers");
    assert!(!again);
    assert_eq!(script.fate(key(1, 0)).await, Fate::Running);
    while script.stored().is_empty() {
        tokio::task::yield_now().await;
    }
    let mut script = script.restart().await;
    let (again, is_again) = script.reporters.recv().await.expect("the next life goes on with it");
    assert!(is_again);
    reporter.handled();
    assert_eq!(script.fate(key(1, 0)).await, Fate::Running, "who is of an earlier life has nothing to say");
    script.ask(key(1, 0), 2, Command::Defer { what: "deferred".into() });
    again.handled();
    let mut answered = 0;
    while answered < 2 {
        // The answer to the first attempt comes before it, if that was told before the second was heard.
        let Report::Answered { attempt, answer, .. } = script.report().await else { panic!("an answer was awaited") };
        assert_eq!(answer, kept(1), "with what the handler emitted");
        answered = attempt;
    }
    let mut script = script.restart().await;
    assert_eq!(script.answer(key(1, 0), 3, Command::Defer { what: "deferred".into() }).await, kept(1));
    assert_eq!(script.whats(), ["deferred"]);
    assert!(script.reporters.try_recv().is_err(), "it is done");
}

#[tokio::test]
async fn an_answer_that_is_not_resumed_is_broken_off_and_unknown() {
    let mut script = Script::begin();
    script.ask(key(1, 0), 1, Command::Defer { what: "not resumed".into() });
    let _reporter = script.reporters.recv().await.expect("the handler defers");
    while script.stored().is_empty() {
        tokio::task::yield_now().await;
    }
    let mut script = script.restart().await;
    let Answer::Broken(complaint) = script.next_answer(key(1, 0)).await else { panic!("nobody goes on with it") };
    assert!(complaint.contains("implement `resume`"), "{complaint}");
    for _ in 0..2 {
        assert_eq!(script.fate(key(1, 0)).await, Fate::Unknown);
        script = script.restart().await;
    }
}

#[tokio::test]
async fn a_deferred_refusal_leaves_nothing_to_remember() {
    let mut script = Script::begin();
    script.ask(key(1, 0), 1, Command::Defer { what: "deferred".into() });
    let (reporter, _) = script.reporters.recv().await.expect("the handler defers");
    reporter.refused(Refusal::Full);
    assert_eq!(script.next_answer(key(1, 0)).await, Answer::Refused(Refusal::Full));
    assert_eq!(script.stored(), []);
}

#[tokio::test]
async fn what_is_behind_the_horizon_is_forgotten_and_has_expired_in_every_life() {
    let mut script = Script::begin();
    for saga in 1..=4 {
        script.answer(key(saga, 0), 1, keep("a")).await;
    }
    assert_eq!(script.stored().len(), 4);
    let lowest = SagaId::new(5).expect("not zero");
    script.horizon = Horizon { lowest, older: vec![SagaId::new(2).expect("not zero")] };
    script.answer(key(5, 0), 1, keep("b")).await;
    let stored: Vec<_> = script.stored().into_iter().map(|(key, _)| key).collect();
    assert_eq!(stored, [key(2, 0).to_string(), key(5, 0).to_string()]);
    let mut script = script.restart().await;
    for stale in [1, 3, 4] {
        script.ask(key(stale, 0), 2, keep("stale"));
        script.deliver(Delivery::Settle { key: key(stale, 0) });
    }
    assert_eq!(script.answer(key(2, 0), 2, keep("a")).await, kept(2), "it is open, and remembered");
    assert_eq!(script.whats(), ["a", "a", "a", "a", "b"]);
}

#[tokio::test]
async fn many_commands_share_few_commits() {
    let mut script = Script::begin();
    let pages =
        |script: &Script| std::fs::metadata(script.path().with_extension("db-wal")).map_or(0, |file| file.len());
    let before = pages(&script);
    for saga in 1..=200 {
        script.ask(key(saga, 0), 1, keep("a"));
    }
    for saga in 1..=200 {
        assert_eq!(script.next_answer(key(saga, 0)).await, kept(u32::try_from(saga).expect("few")));
    }
    let grown = pages(&script) - before;
    assert!(grown < 200 * 4096, "{grown} bytes: less than a page a command, where a commit of its own takes several");
}

#[tokio::test]
async fn who_was_replaced_commits_nothing() {
    let mut script = Script::begin();
    assert_eq!(script.answer(key(1, 0), 1, keep("a")).await, kept(1));
    let (deferred, _reporters) = mpsc::unbounded_channel();
    let _other = Keeper::open(&script.path(), deferred);
    script.ask(key(2, 0), 1, keep("b"));
    let reason = loop {
        match script.said.recv().await.expect("it says why it leaves").1 {
            FromParticipant::Disconnected { reason } => break reason,
            FromParticipant::Report { report, .. } => panic!("{report:?}"),
            _ => {}
        }
    };
    assert!(reason.contains("another process has taken over"), "{reason}");
    assert_eq!(script.whats(), ["a"]);
}

#[tokio::test]
async fn a_lock_of_another_holds_it_up_and_nothing_more() {
    let mut script = Script::begin();
    let mut other = Connection::open(script.path()).expect("a database");
    let lock = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).expect("a lock");
    script.ask(key(1, 0), 1, keep("a"));
    assert!(tokio::time::timeout(std::time::Duration::from_millis(50), script.report()).await.is_err());
    drop(lock);
    assert_eq!(script.next_answer(key(1, 0)).await, kept(1));
}

#[tokio::test]
async fn a_full_disk_holds_up_who_needs_it_and_the_others_not_for_long() {
    let mut script = Script::begin();
    script.ask(key(1, 0), 1, Command::Spoil { what: "big".into(), how: How::FullForAWhile });
    script.ask(key(2, 0), 1, keep("small"));
    assert_eq!(script.next_answer(key(2, 0)).await, kept(1));
    assert_eq!(script.next_answer(key(1, 0)).await, kept(2));
    assert_eq!(script.whats(), ["small", "big"]);
}

#[tokio::test]
async fn what_follows_a_commit_follows_it_once_and_nothing_follows_what_is_undone() {
    let mut script = Script::begin();
    for (saga, how) in (1..).zip([How::Panic, How::NoReply, How::BadStatement, How::Commit, How::DropReporter]) {
        let Answer::Broken(_) = script.answer(key(saga, 0), 1, Command::Spoil { what: "spoilt".into(), how }).await
        else {
            panic!("{how:?} is no answer")
        };
    }
    let later = || Command::KeepLater { what: "later".into() };
    assert_eq!(script.answer(key(10, 0), 1, later()).await, Answer::Refused(Refusal::Full));
    assert_eq!(script.answer(key(10, 0), 2, later()).await, kept(1));
    assert_eq!(script.answer(key(11, 0), 1, keep("a")).await, kept(2));
    assert_eq!(script.answer(key(11, 0), 2, keep("a")).await, kept(2), "from memory");
    let big = Command::Spoil { what: "big".into(), how: How::FullForAWhile };
    assert_eq!(script.answer(key(12, 0), 1, big).await, kept(3));
    assert_eq!(script.committed.try_iter().collect::<Vec<_>>(), ["later", "a", "big"]);
}

#[tokio::test]
async fn what_follows_a_commit_does_not_precede_it() {
    let mut script = Script::begin();
    let mut other = Connection::open(script.path()).expect("a database");
    let lock = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).expect("a lock");
    script.ask(key(1, 0), 1, Command::Defer { what: "deferred".into() });
    assert!(tokio::time::timeout(std::time::Duration::from_millis(50), script.reporters.recv()).await.is_err());
    drop(lock);
    let (reporter, _) = script.reporters.recv().await.expect("it is committed");
    assert_eq!(script.whats(), ["deferred"]);
    assert_eq!(script.stored(), [(key(1, 0).to_string(), "deferred".to_owned())]);
    reporter.handled();
    assert_eq!(script.next_answer(key(1, 0)).await, kept(1));
}
