//! Three participants keep the promises of the protocol: two of this library, one of which remembers across its death, and
//! one in another language.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use saga_runtime::message::fingerprint;
use saga_runtime::participant::Serves;
use saga_runtime::pipe::conformance::{self, Conformance, Event, Promise, Running, Start, WorkerCommand};
use saga_runtime::prelude::{Endpoint, Memory, ParticipantClient};
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::task::JoinHandle;

use super::bookkeeper::Bookkeeper;
use super::worker::Worker;

/// Cut off when it is dropped, as a process is that is killed.
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Killed when it is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn rust(endpoint: &Endpoint) -> Running {
    connected(endpoint, |_, announced| Worker::new(announced))
}

/// Each at an endpoint of its own goes on with what is beside that.
fn remembering(endpoint: &Endpoint) -> Running {
    connected(endpoint, |endpoint, announced| Bookkeeper::open(&endpoint.directory().with_extension("db"), announced))
}

fn connected<P>(endpoint: &Endpoint, open: fn(&Endpoint, UnboundedSender<Event>) -> P) -> Running
where
    P: Serves<Command = WorkerCommand>,
{
    let endpoint = endpoint.clone();
    Box::new(Task(tokio::spawn(async move {
        let (announced, mut to_publish) = mpsc::unbounded_channel();
        let participant = open(&endpoint, announced);
        let Ok(client) = ParticipantClient::connect(endpoint, participant).await else { return };
        let publisher = client.publishing();
        let publish = async {
            while let Some(event) = to_publish.recv().await {
                publisher.publish(event).await.expect("the worker's own");
            }
        };
        tokio::select! {
            _ = client.run() => {}
            () = publish => {}
        }
    })))
}

const PARTICIPANT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/wire/participant.py");

fn python(program: &Path, endpoint: &Endpoint) -> Running {
    let mut command = Command::new("python3");
    command.arg(program).arg(endpoint.directory()).stderr(Stdio::null());
    let child = command.spawn().unwrap_or_else(|error| panic!("`python3` must be there for this test: {error}"));
    Box::new(Process(child))
}

#[tokio::test]
async fn a_participant_of_this_library_keeps_its_promises() {
    let home = tempfile::tempdir().expect("a directory");
    conformance::run(home.path(), rust).await;
}

/// Its database and its memory are files; the suite ends it and starts it again on them.
#[tokio::test]
async fn a_participant_that_remembers_across_its_death_keeps_its_promises() {
    let home = tempfile::tempdir().expect("a directory");
    conformance::run_with(Memory::Transactional, home.path(), remembering).await;
}

#[tokio::test]
async fn a_participant_in_another_language_keeps_its_promises() {
    let home = tempfile::tempdir().expect("a directory");
    conformance::run(home.path(), |endpoint| python(Path::new(PARTICIPANT), endpoint)).await;
}

/// Promises, each with a mistake by which the participant in Python breaks it: what is written there, and what instead.
const MISTAKES: &[(&str, &str, &str)] = &[
    ("a_handled_command_is_not_done_again", r#"in ("refused", "broken"))"#, r#"in ("refused", "broken", "handled"))"#),
    ("a_handled_command_is_not_done_again", "max(attempt, exchange.latest)", "attempt"),
    ("what_was_never_begun_is_barred", r#"exchange.state = "barred""#, "del self.exchanges[key]"),
    ("what_broke_is_unknown_and_barred", "exchange.unclear |= ", "exchange.state == "),
    ("what_is_behind_the_horizon_has_expired", "return saga < lowest and saga not in older", "return False"),
    ("one_sagas_commands_are_done_in_order", "        saga = owner(key)\n", "        saga = key\n"),
    ("a_slow_command_holds_up_no_other_saga", "        saga = owner(key)\n", "        saga = 1\n"),
    ("events_come_in_the_order_in_which_they_were_emitted", "[announced, done]", "[done, announced]"),
    ("nothing_is_lost_or_doubled_wherever_the_connection_breaks", ": self.session", ": secrets.token_hex(8)"),
    ("a_message_seen_before_is_dropped", "if count <= self.received:", "if False:"),
    ("a_torn_frame_is_none", "if not data:\n", "if not data:\n                self.received += 1\n"),
    ("no_more_than_the_window_is_out", "1 << 20, 64, 64", "1 << 20, 64, 1000"),
    ("numbers_that_do_not_follow_are_an_error", "self.received + 1:", "1 << 64:"),
    ("what_is_no_frame_is_an_error", "len(fields) != len(pairs)", "False"),
    ("who_is_sent_away_for_good_stays_away", "(Lost if code in PASSING else SentAway)", "Lost"),
];

#[tokio::test]
async fn the_suite_finds_mistakes() {
    let home = tempfile::tempdir().expect("a directory");
    let right = std::fs::read_to_string(PARTICIPANT).expect("it is there");
    let mut checks = Vec::new();
    for (number, (name, right_words, wrong_words)) in MISTAKES.iter().enumerate() {
        assert!(right.contains(right_words), "`{right_words}` is not in {PARTICIPANT}");
        let program = home.path().join(format!("{number}.py"));
        std::fs::write(&program, right.replace(right_words, wrong_words)).expect("written");
        let start: Start = Arc::new(move |endpoint: &Endpoint| python(&program, endpoint));
        let place = home.path().join(number.to_string());
        // It runs, but for what is wrong.
        let sound = promise("it_introduces_itself").check_at(Endpoint::in_dir(place.join("sound")), start.clone());
        let wrong = promise(name).check_at(Endpoint::in_dir(place.join("wrong")), start);
        checks.push((tokio::spawn(sound), tokio::spawn(wrong)));
    }
    for ((sound, wrong), (name, _, words)) in checks.into_iter().zip(MISTAKES) {
        sound.await.unwrap_or_else(|error| panic!("`{words}` breaks more than `{name}`: {error}"));
        assert!(wrong.await.is_err_and(|error| error.is_panic()), "`{name}` is kept with `{words}`");
    }
}

fn promise(name: &str) -> Promise {
    let mut promises = conformance::PROMISES.iter().copied().flatten();
    *promises.find(|promise| promise.name == name).unwrap_or_else(|| panic!("there is no promise `{name}`"))
}

/// It is a constant of whoever writes a participant.
#[test]
fn the_fingerprint_is_the_one_that_is_written_down() {
    let fingerprint = fingerprint::<Conformance>();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/protocol.md");
    for path in [PathBuf::from(PARTICIPANT), page] {
        let text = std::fs::read_to_string(&path).expect("it is there");
        assert!(text.contains(&fingerprint), "{} must name the fingerprint {fingerprint}", path.display());
    }
}
