//! The sagas that a saga under test runs: none of them is started, and the test tells how each ends.

use super::SagaTest;
use crate::cause::Outcome;
use crate::codec;
use crate::machine::ByHand;
use crate::message::{Answer, SagaId};
use crate::saga::{Answering, Saga};

impl<S: Saga> SagaTest<S> {
    /// The sagas that it runs and that have not ended, oldest first: name and input.
    pub fn children(&self) -> Vec<(String, serde_json::Value)> {
        let running = self.machine.children_of(self.id).into_iter().filter(|child| !child.is_unwinding);
        let children = running.filter_map(|child| self.child_by_hand(child.saga));
        children.map(|child| (child.name.to_owned(), serde_json::from_str(&child.input).unwrap_or_default())).collect()
    }

    /// Whether a saga that it ran, and that completed, is being unwound: [`SagaTest::child`] with a
    /// [`Outcome::Compensated`] ends that.
    pub fn unwinding(&self) -> bool {
        self.machine.children_of(self.id).iter().any(|child| child.is_unwinding)
    }

    /// The oldest saga that it runs, or has unwound, has ended.
    ///
    /// # Panics
    /// When no child runs or is unwound, or that is no `C`.
    #[track_caller]
    pub fn child<C: Saga<Bus = S::Bus>>(&mut self, outcome: Outcome<C::Output>) {
        let oldest = self.machine.children_of(self.id).first().and_then(|child| self.child_by_hand(child.saga));
        let child = oldest.unwrap_or_else(|| panic!("no child runs, and none is unwound"));
        let name = C::DEFINITION.name;
        assert!(child.name == name, "the oldest child is a `{}`, and no `{name}`", child.name);
        let saga = child.saga;
        self.child_ended(saga, outcome.map(|output| codec::encode(&output).expect("an output can be written")));
    }

    /// A child has ended, with an output that is encoded exactly.
    pub(super) fn child_ended(&mut self, child: SagaId, outcome: Outcome<String>) {
        let mut decisions = Vec::new();
        self.machine.child_ended_by_hand(child, outcome, self.now, &mut decisions);
        self.hear(&decisions);
        self.look();
    }

    pub(super) fn child_by_hand(&self, child: SagaId) -> Option<&ByHand<S::Bus>> {
        self.machine.children_by_hand().iter().find(|known| known.saga == child)
    }
}

/// How many moves a saga has time for to come to its good end.
const MOVES_AT_MOST: usize = 10_000;

/// How a saga with this input, as JSON, ends when all is well: its output, encoded exactly. None if it does not complete.
pub(crate) fn good_end<S: Saga>(input: &str, answers: &Answering<'_, S::Bus>) -> Option<String> {
    let mut test = SagaTest::start(serde_json::from_str::<S>(input).ok()?);
    for _ in 0..MOVES_AT_MOST {
        if let Some(outcome) = &test.outcome {
            return codec::encode(&outcome.clone().completed()?).ok();
        }
        if let Some(&at) = test.unanswered().first() {
            let events = answers(test.command(at)).into_iter().take(1).collect();
            test.answer(at, None, Answer::Handled(events));
        } else if let Some(child) =
            test.machine.children_of(test.id).first().and_then(|child| test.child_by_hand(child.saga))
        {
            let (id, output) = (child.saga, (child.good_end)(&child.input, answers)?);
            test.child_ended(id, Outcome::Completed(output));
        } else {
            test.advance(test.machine.next_tick()?.since(test.now));
        }
    }
    None
}
