//! One saga's paths with at most two faults each: what can happen, happens, in every order, and what must hold of every
//! saga is asserted at each state.
//!
//! States are told apart by their serialised form (of times by their order only), by what the participants know, and
//! by who is away; each is walked on from with the fewest faults. The participants are not simulated: whether a key
//! that nobody has heard of was done is decided when the saga asks, and both are walked.

mod hearing;
mod moves;
mod normal;
mod walk;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use self::walk::Walk;
use crate::message::{CommandOf, EventOf};
use crate::saga::Saga;

/// How many faults a path has at most.
const FAULTS_AT_MOST: u8 = 2;

type Replies<'a, S> = dyn Fn(&CommandOf<<S as Saga>::Bus>) -> Vec<EventOf<<S as Saga>::Bus>> + 'a;

/// What can go otherwise than it should. At most two a path, but for a restart and an operator's word, which are tried
/// wherever they can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// A participant said no.
    Refused,
    /// An attempt took too long.
    TimedOut,
    /// All participants were away.
    Disconnected,
    /// An answer came while its fate was asked, when nobody waited for it any more, or from an earlier attempt.
    Late,
    /// An answer came again.
    Twice,
    /// An answer came, and the arm that takes it asks again.
    Again,
    /// A saga that it runs failed.
    Child,
    /// The saga was cancelled.
    Cancelled,
    /// Its deadline passed.
    Deadline,
    /// The participant said that it is still doing it, when asked what became of it.
    Running,
    /// The participant no longer knew what became of it; or did not say.
    Unknown,
    /// The coordinator was killed and started again.
    Restarted,
    /// An operator acted on a saga that was stuck.
    Operated,
}

/// What was reached.
#[derive(Debug, Clone, Default)]
pub struct Explored {
    states: usize,
    transitions: usize,
    paths: usize,
    faults: BTreeMap<Fault, usize>,
    places: BTreeMap<String, usize>,
    outcomes: BTreeMap<String, usize>,
    events: BTreeMap<String, usize>,
    stuck: BTreeMap<String, usize>,
    unmade_refusals: BTreeSet<String>,
    samples: BTreeMap<String, BTreeSet<String>>,
}

impl Explored {
    /// How many states there are.
    pub const fn states(&self) -> usize {
        self.states
    }

    /// How often something was told to the saga in one of them.
    pub const fn transitions(&self) -> usize {
        self.transitions
    }

    /// How many paths were walked to their end, or to a state that was known already.
    pub const fn paths(&self) -> usize {
        self.paths
    }

    /// How often each fault happened.
    pub const fn faults(&self) -> &BTreeMap<Fault, usize> {
        &self.faults
    }

    /// How often this fault happened.
    pub fn count(&self, fault: Fault) -> usize {
        self.faults.get(&fault).copied().unwrap_or_default()
    }

    /// In how many states the saga was at each place, by the name of the variant of its state.
    pub const fn places(&self) -> &BTreeMap<String, usize> {
        &self.places
    }

    /// How often it ended in each way: `Completed`, `Compensated: timed out` for each kind of cause, `Ended`.
    pub const fn outcomes(&self) -> &BTreeMap<String, usize> {
        &self.outcomes
    }

    /// How often an event of anyone was `taken` by an exchange, `kept` for one that had not begun, or heard `in vain`.
    pub const fn events(&self) -> &BTreeMap<String, usize> {
        &self.events
    }

    /// In how many states it was stuck, by the reason.
    pub const fn stuck(&self) -> &BTreeMap<String, usize> {
        &self.stuck
    }

    /// The declared refusals that were left out, since they have fields, which nobody can make up.
    pub const fn unmade_refusals(&self) -> &BTreeSet<String> {
        &self.unmade_refusals
    }

    /// What the log would hold of the saga, by place: distinct states with their control, as the runtime writes them.
    pub const fn samples(&self) -> &BTreeMap<String, BTreeSet<String>> {
        &self.samples
    }
}

/// Walks the paths of one saga with at most two faults each; `answers` gives the replies that a command may have, of
/// which each is tried. A command without replies is handled without an event.
///
/// Answered, refused with each declared refusal that has no fields, timed out, disconnected, answered late and twice,
/// cancelled, past its deadline, restarted at every state, each fate told in any order, each word of an operator said.
///
/// # Panics
/// When something does not hold that must hold of every saga, with a script of calls on
/// [`SagaTest`](crate::test::SagaTest) that shows it. Also when a saga has more than 100,000 states: give it a smaller
/// input.
pub fn explore<S: Saga>(input: S, answers: impl Fn(&CommandOf<S::Bus>) -> Vec<EventOf<S::Bus>>) -> Explored {
    explore_among(input, answers, Vec::new())
}

/// The same with others around, who may publish each of these events at any time, more than once. Give some that an
/// arm with `where` takes, and some that none does.
///
/// Without such events a saga that awaits one is left where it is.
///
/// # Panics
/// As [`explore`]; also when an event moves a saga that does not await it, or does not move one that does.
pub fn explore_among<S: Saga>(
    input: S,
    answers: impl Fn(&CommandOf<S::Bus>) -> Vec<EventOf<S::Bus>>,
    events: Vec<EventOf<S::Bus>>,
) -> Explored {
    let mut walk = Walk::new(input, &answers, events);
    walk.all();
    walk.explored
}
