//! What sagas were that have ended not long ago: so that what is said to one of them too late is told with the name of its
//! step. It is a memory of so many and no more, and knows nothing of what they did.

use crate::definition::Definition;
use crate::message::SagaId;

/// How many there is room for.
const ROOM: usize = 1024;

/// The definitions of sagas that have ended; each takes the place of the one with the number that is `ROOM` lower.
#[derive(Debug, Default)]
pub(super) struct Ended(Vec<Option<(SagaId, &'static Definition)>>);

impl Ended {
    /// It has ended.
    pub(super) fn remember(&mut self, saga: SagaId, definition: &'static Definition) {
        if self.0.is_empty() {
            self.0.resize(ROOM, None);
        }
        self.0[place(saga)] = Some((saga, definition));
    }

    /// What it was; none if that is no longer known.
    pub(super) fn definition(&self, saga: SagaId) -> Option<&'static Definition> {
        self.0.get(place(saga)).copied().flatten().filter(|(known, _)| *known == saga).map(|(_, definition)| definition)
    }
}

fn place(saga: SagaId) -> usize {
    usize::try_from(saga.get() % ROOM as u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::Deadline;

    static ORDER: Definition = Definition::new("order", "Order", 1, Deadline::None { because: "of the test" });

    fn saga(number: u64) -> SagaId {
        SagaId::new(number).expect("not zero")
    }

    #[test]
    fn the_last_ones_are_known_and_no_others() {
        let mut ended = Ended::default();
        assert_eq!(ended.definition(saga(1)), None);
        for number in 1..=2 * ROOM as u64 {
            ended.remember(saga(number), &ORDER);
            assert_eq!(ended.definition(saga(number)).map(|known| known.name), Some("order"));
        }
        let known = (1..4 * ROOM as u64).filter(|number| ended.definition(saga(*number)).is_some());
        assert_eq!(known.count(), ROOM);
        assert_eq!(ended.definition(saga(ROOM as u64)), None, "another one has its place");
    }
}
