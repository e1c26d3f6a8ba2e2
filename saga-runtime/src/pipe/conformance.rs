//! What a participant at the other end of a pipe promises, as a suite that runs against any program that connects.
//!
//! The suite plays the coordinator: it repeats, withdraws, breaks connections, restarts, and keeps to the rules or not,
//! and looks only at what comes back over the socket. The program connects as `worker` to the bus [`Conformance`], in
//! whatever language it is written; `docs/protocol.md` says what it has to do there.
//!
//! ```no_run
//! # use std::process::Command;
//! # struct Ended(std::process::Child);
//! # impl Drop for Ended { fn drop(&mut self) { let _ = self.0.kill(); let _ = self.0.wait(); } }
//! use saga_runtime::pipe::conformance;
//!
//! # async fn example(directory: &std::path::Path) {
//! conformance::run(directory, |endpoint| {
//!     let worker = Command::new("worker").arg(endpoint.directory()).spawn().expect("it starts");
//!     Box::new(Ended(worker))
//! })
//! .await;
//! # }
//! ```
//!
//! It knows the protocol and nothing of a participant's insides.

mod answering;
mod bus;
mod cutting;
mod raw;
mod sessions;
mod settling;
mod speaking;
mod stand;

use std::any::Any;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use tokio::task::{Id, JoinError, JoinSet};

use super::Endpoint;
use crate::message::Memory;

pub use self::bus::{Command, Conformance, Event, Refusal, WorkerCommand};

use self::stand::Stand;

/// A participant that runs. Dropped to end it, as suddenly as a process ends that is killed.
pub type Running = Box<dyn Any + Send>;

/// A check, at work.
type Checking<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Starts a participant that connects to an endpoint.
pub type Start = Arc<dyn Fn(&Endpoint) -> Running + Send + Sync>;

/// One promise of the protocol.
#[derive(Debug, Clone, Copy)]
pub struct Promise {
    /// What is promised.
    pub name: &'static str,
    check: for<'a> fn(&'a mut Stand) -> Checking<'a>,
}

impl Promise {
    /// Checks this one, at an endpoint where nobody else is.
    ///
    /// # Panics
    /// If the participant does not keep it.
    pub async fn check_at(self, endpoint: Endpoint, start: Start) {
        self.check_with(Memory::Volatile, endpoint, start).await;
    }

    /// As [`Promise::check_at`], of a participant with this memory.
    ///
    /// # Panics
    /// If the participant does not keep it.
    pub async fn check_with(self, memory: Memory, endpoint: Endpoint, start: Start) {
        let mut stand = Stand::new(memory, endpoint, start);
        (self.check)(&mut stand).await;
        stand.assert_kept_to_the_protocol();
    }
}

/// All of them.
pub const PROMISES: &[&[Promise]] = &[speaking::PROMISES, sessions::PROMISES, answering::PROMISES, settling::PROMISES];

/// How many promises are checked at the same time.
const AT_ONCE: usize = 8;

/// Checks every promise, each with a participant and an endpoint of its own.
///
/// The endpoints are below `directory`, whose path should be short, for a socket's must be. `start` starts a participant
/// that connects there, again for the same endpoint when the one before is gone. Takes half a minute, most of which is
/// waiting.
///
/// # Panics
/// If the participant breaks a promise; the message names all that it breaks.
pub async fn run(directory: &Path, start: impl Fn(&Endpoint) -> Running + Send + Sync + 'static) {
    run_with(Memory::Volatile, directory, start).await;
}

/// As [`run`], with a participant of this memory.
///
/// One that is [`Memory::Transactional`] counts in its database, and remembers in another life what it did in this one.
/// It may do its commands one at a time.
///
/// # Panics
/// If the participant breaks a promise; the message names all that it breaks.
pub async fn run_with(memory: Memory, directory: &Path, start: impl Fn(&Endpoint) -> Running + Send + Sync + 'static) {
    let start: Start = Arc::new(start);
    let (mut checks, mut names, mut broken) = (JoinSet::new(), Vec::new(), Vec::new());
    for (number, promise) in PROMISES.iter().copied().flatten().enumerate() {
        // A number: the path of a socket must be short.
        let endpoint = Endpoint::in_dir(directory.join(number.to_string()));
        names.push((checks.spawn(promise.check_with(memory, endpoint, start.clone())).id(), promise.name));
        if checks.len() == AT_ONCE {
            broken.extend(ended(&mut checks, &names).await);
        }
    }
    while !checks.is_empty() {
        broken.extend(ended(&mut checks, &names).await);
    }
    assert!(broken.is_empty(), "the participant breaks {} of its promises\n{}", broken.len(), broken.join("\n"));
}

/// What is wrong with the next promise that is checked.
async fn ended(checks: &mut JoinSet<()>, names: &[(Id, &'static str)]) -> Option<String> {
    let error = checks.join_next().await?.err()?;
    let name = names.iter().find(|(id, _)| *id == error.id()).map_or("", |(_, name)| name);
    Some(format!("{name}: {}", message(error)))
}

fn message(error: JoinError) -> String {
    let Ok(panic) = error.try_into_panic() else { return "it was cancelled".to_owned() };
    match (panic.downcast_ref::<String>(), panic.downcast_ref::<&str>()) {
        (Some(text), _) => text.clone(),
        (_, Some(text)) => (*text).to_owned(),
        _ => "a panic without a message".to_owned(),
    }
}

/// The promises in this order, named as their functions are.
macro_rules! promises {
    ($($(#[$_:meta])* $name:ident),* $(,)?) => {
        /// The promises that are checked here.
        pub(super) const PROMISES: &[super::Promise] =
            &[$(super::Promise { name: stringify!($name), check: |stand| Box::pin($name(stand)) }),*];
    };
}
use promises;
