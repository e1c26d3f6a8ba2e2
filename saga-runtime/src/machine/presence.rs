//! Which participants are there.

use crate::time::Timestamp;

/// The participants that have been heard of, and whether they are connected.
#[derive(Debug, Default)]
pub(super) struct Presence {
    known: Vec<(&'static str, State)>,
    /// Until then, one that has not been heard of may still be on its way.
    patience: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Connected { caught_up: bool },
    Away,
}

impl Presence {
    /// Whether the participant is known to be away: it left, or has not come within the time to come.
    pub(super) fn is_away(&self, participant: &str) -> bool {
        match self.state(participant) {
            Some(State::Connected { .. }) => false,
            Some(State::Away) => true,
            None => self.patience == Timestamp::EPOCH,
        }
    }

    pub(super) fn connected(&mut self, participant: &'static str) {
        self.set(participant, State::Connected { caught_up: false });
    }

    pub(super) fn caught_up(&mut self, participant: &'static str) {
        self.set(participant, State::Connected { caught_up: true });
    }

    pub(super) fn left(&mut self, participant: &'static str) {
        self.set(participant, State::Away);
    }

    /// Nobody is thought away before this time.
    pub(super) fn be_patient(&mut self, until: Timestamp) {
        self.patience = until;
    }

    /// Until when it is waited for those who have not come, if it still is.
    pub(super) fn patience(&self) -> Option<Timestamp> {
        (self.patience > Timestamp::EPOCH).then_some(self.patience)
    }

    /// Those who have not come are away from now on.
    pub(super) fn lose_patience(&mut self) {
        self.patience = Timestamp::EPOCH;
    }

    /// Whether all of these have come, and have said all that they had to say.
    pub(super) fn all_caught_up<'a>(&self, mut participants: impl Iterator<Item = &'a str>) -> bool {
        participants.all(|name| self.state(name) == Some(State::Connected { caught_up: true }))
    }

    fn state(&self, participant: &str) -> Option<State> {
        self.known.iter().find(|(name, _)| *name == participant).map(|(_, state)| *state)
    }

    fn set(&mut self, participant: &'static str, state: State) {
        match self.known.iter_mut().find(|(name, _)| *name == participant) {
            Some((_, known)) => *known = state,
            None => self.known.push((participant, state)),
        }
    }
}
