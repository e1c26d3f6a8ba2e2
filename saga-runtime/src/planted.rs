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
    /// What the items of a step did is undone first to last.
    UndoItemsForwards,
    /// What is to be done on every way out is not done.
    SkipFinally,
    /// What was done on the way out of a child is done again when it is unwound.
    FinishTwice,
    /// A child is unwound from where it stands, and not from where it was before its way out.
    TakeNothingBack,
    /// That there is no way back is forgotten.
    ForgetPivot,
    /// A deadline counts though there is no way back.
    KeepDeadline,
    /// An event that comes before its step is not kept.
    LoseEarlyEvents,
    /// Nobody awaits events of anyone after a restart.
    ForgetAwaited,
    /// A saga ends though it is not known what became of an exchange that it went on without.
    LeaveAbandoned,
    /// A saga that ran others ends undone, and they do not.
    LeaveChildren,
    /// Children in flight are given up at a restart.
    GiveChildrenUp,
    /// The keys of a completed child are free before its family has ended.
    FreeKeysOfChildren,
    /// The keys of a saga that has ended are not free.
    KeepKeys,
    /// Nobody holds keys after a restart.
    ForgetKeys,
    /// As many exchanges run at once as there are items.
    AllAtOnce,
    /// A sleep is over as soon as it begins.
    WakeEarly,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 25] = [
        Self::AcknowledgeEarly,
        Self::HandleAgain,
        Self::SettleWithoutBar,
        Self::ReuseIds,
        Self::CompensateForwards,
        Self::GuessFates,
        Self::CountOldRefusals,
        Self::TimeOutEarly,
        Self::DropLateAnswers,
        Self::UndoItemsForwards,
        Self::SkipFinally,
        Self::FinishTwice,
        Self::TakeNothingBack,
        Self::ForgetPivot,
        Self::KeepDeadline,
        Self::LoseEarlyEvents,
        Self::ForgetAwaited,
        Self::LeaveAbandoned,
        Self::LeaveChildren,
        Self::GiveChildrenUp,
        Self::FreeKeysOfChildren,
        Self::KeepKeys,
        Self::ForgetKeys,
        Self::AllAtOnce,
        Self::WakeEarly,
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
