mod checking;
mod manual;
mod pruning;
mod whole;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use clap::ArgMatches;
use tempfile::TempDir;
use tokio::sync::broadcast;

use super::*;
use crate::cause::{Cause, CauseKind, EndedBy};
use crate::definition::{Deadline, Parameter};
use crate::log::SqliteLog;
use crate::machine::CancelReply;
use crate::notice::Notice;
use crate::operator::{Desk, Request, Response, Server};
use crate::pipe::endpoint::Endpoint;

const REPLACE: Definition =
    Definition::new("replace_window", "ReplaceWindow", 1, Deadline::None { because: "of the test" })
        .parameters(&[Parameter { name: "old", ty: "Label", doc: "", redacted: false }]);

/// A coordinator whose every saga ends as told, as soon as it is started.
#[derive(Clone)]
struct Scripted {
    notices: broadcast::Sender<Notice>,
    ends: fn(crate::message::SagaId) -> Notice,
}

impl Desk for Scripted {
    async fn request(&self, request: Request) -> Response {
        match request {
            Request::Start { .. } => {
                let saga = sample::saga(7);
                for notice in [(self.ends)(sample::saga(6)), (self.ends)(saga)] {
                    // With `--detach` nobody listens.
                    let _ = self.notices.send(notice);
                }
                Response::Started { saga }
            }
            Request::Cancel { .. } => Response::Cancelled { reply: CancelReply::Requested },
            Request::Operate { saga, by, .. } if saga == sample::saga(3) && !by.who.is_empty() => Response::Operated,
            _ => Response::Error { message: "saga 7 is not stuck".to_owned() },
        }
    }

    fn follow(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }
}

struct Home {
    directory: TempDir,
    cli: Cli,
}

impl Home {
    fn new() -> Self {
        let private = Permissions::from_mode(0o700);
        let directory = tempfile::Builder::new().permissions(private).tempdir().expect("a directory");
        Self { directory, cli: Cli::new("agentmux").definitions([&REPLACE]) }
    }

    fn coordinator(&self, ends: fn(crate::message::SagaId) -> Notice) {
        let server = Server::bind(&Endpoint::in_dir(self.directory.path())).expect("bound");
        let (notices, _) = broadcast::channel(16);
        tokio::spawn(server.serve(Scripted { notices, ends }));
    }

    fn matches(&self, arguments: &[&str]) -> Result<ArgMatches, clap::Error> {
        let directory = self.directory.path().to_str().expect("UTF-8");
        let command = self.cli.mount(Command::new("agentmux"));
        command.try_get_matches_from(["agentmux", "--dir", directory].into_iter().chain(arguments.iter().copied()))
    }

    async fn exit(&self, arguments: &[&str]) -> Result<Exit, String> {
        let matches = self.matches(arguments).expect("a command line");
        self.cli.act(&matches).await.map_err(|error| error.to_string())
    }
}

fn completed(saga: crate::message::SagaId) -> Notice {
    Notice::SagaCompleted { time: sample::NOW, saga, name: "replace_window".into(), output: "w2".into() }
}

fn compensated(saga: crate::message::SagaId) -> Notice {
    let cause = Cause::new("close", CauseKind::Refused, "a program runs in it");
    Notice::SagaCompensated { time: sample::NOW, saga, name: "replace_window".into(), cause }
}

fn ended(saga: crate::message::SagaId) -> Notice {
    let by = EndedBy { who: "ann".to_owned(), why: "enough".to_owned() };
    Notice::SagaEnded { time: sample::NOW, saga, name: "replace_window".into(), by }
}

fn stuck(saga: crate::message::SagaId) -> Notice {
    Notice::SagaStuck { time: sample::NOW, saga, name: "replace_window".into(), reason: "attempts spent".to_owned() }
}

const START: [&str; 3] = ["start", "replace_window", r#"{"old": "w1"}"#];

#[test]
fn every_command_is_well_formed_and_has_examples() {
    let home = Home::new();
    home.cli.mount(Command::new("agentmux")).debug_assert();
    for mut command in home.cli.commands() {
        let help = command.render_long_help().to_string();
        assert!(help.contains("Examples:\n  agentmux "), "{help}");
    }
}

#[tokio::test]
async fn the_exit_code_says_how_a_saga_ended() {
    for (ends, exit) in [
        (completed as fn(crate::message::SagaId) -> Notice, Exit::Done),
        (compensated, Exit::Compensated),
        (ended, Exit::Ended),
        (stuck, Exit::Stuck),
    ] {
        let home = Home::new();
        home.coordinator(ends);
        assert_eq!(home.exit(&START).await, Ok(exit));
    }
}

#[tokio::test]
async fn a_detached_start_does_not_wait() {
    let home = Home::new();
    home.coordinator(stuck);
    assert_eq!(home.exit(&[&START[..], &["--detach"]].concat()).await, Ok(Exit::Done));
}

#[tokio::test]
async fn an_unknown_saga_is_refused_with_the_names_that_there_are() {
    let error = Home::new().matches(&["start", "replace_windw", "{}"]).expect_err("unknown");
    assert!(error.to_string().contains("a similar value exists: 'replace_window'"), "{error}");
}

#[tokio::test]
async fn what_is_no_json_is_refused_with_what_is_expected() {
    let error = Home::new().exit(&["start", "replace_window", "{old: w1}"]).await.expect_err("no JSON");
    assert!(error.contains("line 1 column 2") && error.ends_with(r#"give '{"old": Label}'"#), "{error}");
}

#[tokio::test]
async fn without_a_coordinator_what_acts_says_so() {
    let home = Home::new();
    for arguments in [&START[..], &["tail"], &["retry", "3", "--why", "x"]] {
        let error = home.exit(arguments).await.expect_err("no coordinator");
        assert!(error.contains("no coordinator is running"), "{error}");
    }
}

#[tokio::test]
async fn what_an_operator_does_is_done_or_refused_with_the_reason() {
    let home = Home::new();
    home.coordinator(completed);
    for action in ["retry", "skip", "end"] {
        assert_eq!(home.exit(&[action, "3", "--why", "x"]).await, Ok(Exit::Done));
        assert_eq!(home.exit(&[action, "7", "--why", "x"]).await, Err("saga 7 is not stuck".to_owned()));
    }
    assert_eq!(home.exit(&["cancel", "3", "--why", "x"]).await, Ok(Exit::Done));
}

#[test]
fn an_operator_says_why_and_which() {
    let home = Home::new();
    for arguments in [&["retry", "3"][..], &["retry", "3", "--why", ""], &["retry", "0", "--why", "x"], &["show"]] {
        assert_eq!(home.matches(arguments).expect_err("incomplete").exit_code(), 2);
    }
}

#[tokio::test]
async fn what_reads_needs_no_coordinator() {
    let home = Home::new();
    let error = home.exit(&["list"]).await.expect_err("no log");
    assert!(error.contains("sagas.db: no coordinator has run there yet"), "{error}");

    sample::fill(&mut SqliteLog::open(home.directory.path().join(LOG_FILE)).expect("a log"));
    for arguments in [&["list"][..], &["list", "--json"], &["list", "--by", "name,status"], &["show", "3"]] {
        assert_eq!(home.exit(arguments).await, Ok(Exit::Done));
    }
    let error = home.exit(&["show", "99"]).await.expect_err("no such saga");
    assert!(error.contains("there is no saga 99"), "{error}");
    let remedy = format!("`agentmux --dir {} list`", home.directory.path().display());
    assert!(error.contains(&remedy), "{error}");
}

#[tokio::test]
async fn a_saga_that_was_started_before_is_not_waited_for() {
    let home = Home::new();
    sample::fill(&mut SqliteLog::open(home.directory.path().join(LOG_FILE)).expect("a log"));
    let server = Server::bind(&Endpoint::in_dir(home.directory.path())).expect("bound");
    tokio::spawn(server.serve(Ended(broadcast::channel(1).0)));
    assert_eq!(home.exit(&[&START[..], &["--key", "order-17"]].concat()).await, Ok(Exit::Compensated));
    assert_eq!(home.exit(&["tail", "--saga", "2"]).await, Ok(Exit::Done));
}

/// A coordinator for which every start is one of saga 2, which has ended.
#[derive(Clone)]
struct Ended(broadcast::Sender<Notice>);

impl Desk for Ended {
    async fn request(&self, _: Request) -> Response {
        Response::Started { saga: sample::saga(2) }
    }

    fn follow(&self) -> broadcast::Receiver<Notice> {
        self.0.subscribe()
    }
}

#[tokio::test]
async fn an_end_that_was_missed_is_found_in_the_log() {
    let home = Home::new();
    sample::fill(&mut SqliteLog::open(home.directory.path().join(LOG_FILE)).expect("a log"));
    let (notices, _) = broadcast::channel(1);
    let server = Server::bind(&Endpoint::in_dir(home.directory.path())).expect("bound");
    tokio::spawn(server.serve(Ended(notices.clone())));
    // Two more than the channel holds, as soon as the command listens.
    tokio::spawn(async move {
        while notices.receiver_count() == 0 {
            tokio::task::yield_now().await;
        }
        for _ in 0..3 {
            let _ = notices.send(completed(sample::saga(6)));
        }
    });
    assert_eq!(home.exit(&START).await, Ok(Exit::Compensated));
}

#[tokio::test]
async fn who_follows_is_told_when_the_coordinator_stops() {
    let home = Home::new();
    let server = Server::bind(&Endpoint::in_dir(home.directory.path())).expect("bound");
    tokio::spawn(server.serve(Stopping));
    let error = home.exit(&START).await.expect_err("it stops");
    let remedy = format!("`agentmux --dir {} show 2`", home.directory.path().display());
    assert!(error.contains(&format!("saga 2 goes on when it is started again, and {remedy}")), "{error}");
    assert_eq!(home.exit(&["tail"]).await, Err("the coordinator stopped".to_owned()));
}

/// A coordinator that accepts a start, and tells no more.
#[derive(Clone)]
struct Stopping;

impl Desk for Stopping {
    async fn request(&self, _: Request) -> Response {
        Response::Started { saga: sample::saga(2) }
    }

    fn follow(&self) -> broadcast::Receiver<Notice> {
        broadcast::channel(1).1
    }
}

#[tokio::test]
async fn pages_are_written_and_checked() {
    let home = Home::new();
    let pages = home.directory.path().join("pages");
    let pages = pages.to_str().expect("UTF-8");
    let error = home.exit(&["docs", "--check", "--out", pages]).await.expect_err("missing");
    assert!(error.ends_with(&format!("renew them: agentmux docs --out {pages}")), "{error}");
    assert_eq!(home.exit(&["docs", "--out", pages]).await, Ok(Exit::Done));
    assert_eq!(home.exit(&["docs", "--check", "--out", pages]).await, Ok(Exit::Done));
}
