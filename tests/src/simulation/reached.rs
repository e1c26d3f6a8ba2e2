//! What the simulation has met: a fault that never strikes proves nothing.

use std::fmt;

macro_rules! declare {
    ($($met:ident),+ $(,)?) => {
        /// What can be met.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs, reason = "each name says what it is")]
        pub enum Met {
            $($met),+
        }

        impl Met {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$met),+];
        }
    };
}

declare! {
    FrameLost,
    FrameDoubled,
    FrameReordered,
    ConnectionCut,
    SessionResumed,
    SessionReplaced,
    CoordinatorCrashedBeforeRecord,
    BatchLostInCrash,
    BatchKeptInCrash,
    CoordinatorCrashedBetweenActs,
    CoordinatorCrashedAnywhere,
    SagaRecovered,
    StaleWriterFenced,
    ParticipantCrashedBeforeTaking,
    ParticipantCrashedBeforeAnswer,
    ParticipantCrashedAfterAnswer,
    ParticipantCrashedAnywhere,
    ClockSuspended,
    Refused,
    Silent,
    Deferred,
    Slow,
    Broken,
    CompensationRefused,
    Queried,
    Triggered,
    PublishedTwice,
    StartedWithKnownKey,
    Cancelled,
    OperatorRetried,
    OperatorSkipped,
    OperatorEnded,
    Late,
    TimedOut,
    DeadlinePassed,
    SettledNever,
    SettledDone,
    SettledRunning,
    SettledUnknown,
    Disconnected,
    FateOverdue,
    Stuck,
    Unstuck,
    Completed,
    Compensated,
    WithdrawnInTime,
    Seen,
    Kept,
    WentOnWithout,
    UndoneBeside,
    Slept,
    SeveralItemsUndone,
    PivotPassed,
    PivotSettledDone,
    PivotSettledNever,
    EnduredBehindPivot,
    CancelledPastPivot,
    Queued,
    Admitted,
    ChildStarted,
    ChildFailed,
    ChildKept,
    ChildUnwound,
    FinallyAfterCompletion,
    FinallyAfterCompensation,
}

impl Met {
    fn is_crash(self) -> bool {
        use Met::*;
        let coordinator =
            matches!(self, CoordinatorCrashedBeforeRecord | CoordinatorCrashedBetweenActs | CoordinatorCrashedAnywhere);
        let before_answer = matches!(self, ParticipantCrashedBeforeTaking | ParticipantCrashedBeforeAnswer);
        coordinator || before_answer || matches!(self, ParticipantCrashedAfterAnswer | ParticipantCrashedAnywhere)
    }
}

/// How often each was met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached([u64; Met::ALL.len()]);

impl Default for Reached {
    fn default() -> Self {
        Self([0; Met::ALL.len()])
    }
}

impl Reached {
    pub(super) fn count(&mut self, met: Met) {
        self.0[met as usize] += 1;
    }

    /// How often this was met.
    pub fn of(&self, met: Met) -> u64 {
        self.0[met as usize]
    }

    /// Adds what another run has met.
    pub fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(all, one)| *all += one);
    }

    /// How often a process crashed.
    pub fn crashes(&self) -> u64 {
        Met::ALL.iter().filter(|met| met.is_crash()).map(|met| self.of(*met)).sum()
    }

    /// What was never met.
    pub fn missing(&self) -> Vec<Met> {
        Met::ALL.iter().copied().filter(|met| self.of(*met) == 0).collect()
    }
}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Met::ALL.iter().try_for_each(|met| writeln!(f, "{:>9}  {met:?}", self.of(*met)))
    }
}
