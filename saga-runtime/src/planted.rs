//! Bugs to be planted at run time, so that the tests can be tested: the simulation must find each of them.
//!
//! Only with the feature `planted-bugs`, and only in a thread that asked for one. Without the feature nothing can be
//! planted, and no code is left of the questions.

/// A bug that can be planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// A report is acknowledged when it has arrived, not when it is recorded.
    AcknowledgeEarly,
    /// A further attempt of a command that was handled runs again.
    HandleAgain,
    /// A key that is settled as *never* is not barred.
    SettleWithoutBar,
    /// Ids are counted from the sagas in flight after a restart.
    ReuseIds,
    /// What took effect first is undone first.
    CompensateForwards,
    /// What is in doubt is taken for not done.
    GuessFates,
    /// What an earlier attempt said counts, and not only that it was handled.
    CountOldRefusals,
    /// An attempt times out when half of its time is over.
    TimeOutEarly,
    /// An answer that nobody waits for is dropped.
    DropLateAnswers,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::AcknowledgeEarly,
        Self::HandleAgain,
        Self::SettleWithoutBar,
        Self::ReuseIds,
        Self::CompensateForwards,
        Self::GuessFates,
        Self::CountOldRefusals,
        Self::TimeOutEarly,
        Self::DropLateAnswers,
    ];
}

#[cfg(feature = "planted-bugs")]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}

/// From now on this thread has this bug, or none.
#[cfg(feature = "planted-bugs")]
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

/// Whether this thread has this bug.
#[cfg(feature = "planted-bugs")]
pub(crate) fn is(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// Nothing can be planted.
#[cfg(not(feature = "planted-bugs"))]
#[inline(always)]
pub(crate) const fn is(_: Bug) -> bool {
    false
}
