//! Two participants keep the promises of the protocol: the one of this library, and one in another language.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use saga_runtime::message::fingerprint;
use saga_runtime::pipe::conformance::{self, Conformance, Running};
use saga_runtime::prelude::{Endpoint, ParticipantClient};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

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
    let endpoint = endpoint.clone();
    Box::new(Task(tokio::spawn(async move {
        let (announced, mut to_publish) = mpsc::unbounded_channel();
        let Ok(client) = ParticipantClient::connect(endpoint, Worker::new(announced)).await else { return };
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

fn python(endpoint: &Endpoint) -> Running {
    let mut command = Command::new("python3");
    command.arg(PARTICIPANT).arg(endpoint.directory()).stderr(Stdio::null());
    let child = command.spawn().unwrap_or_else(|error| panic!("`python3` must be there for this test: {error}"));
    Box::new(Process(child))
}

#[tokio::test]
async fn a_participant_of_this_library_keeps_its_promises() {
    let home = tempfile::tempdir().expect("a directory");
    conformance::run(home.path(), rust).await;
}

#[tokio::test]
async fn a_participant_in_another_language_keeps_its_promises() {
    let home = tempfile::tempdir().expect("a directory");
    conformance::run(home.path(), python).await;
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
