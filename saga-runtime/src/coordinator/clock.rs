//! The one clock: wall time at the start of the process, counted on by a clock that runs during suspend.

use std::future::pending;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::time::Timestamp;

/// Counts from the wall time at which it was made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    wall: Timestamp,
    counted: Duration,
}

impl Clock {
    pub(super) fn start() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { wall: Timestamp::EPOCH.after(wall), counted: counted() }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.wall.after(counted().saturating_sub(self.counted))
    }

    /// Returns at this time; never, if there is none. Dropping it and waiting anew is fine.
    pub(super) async fn wait(&self, until: Option<Timestamp>) {
        let Some(until) = until.filter(|until| *until < Timestamp::NEVER) else { return pending().await };
        loop {
            let left = until.since(self.now());
            if left.is_zero() {
                return;
            }
            // The runtime's own timers stand still during suspend: look again soon enough after a wake.
            tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
        }
    }
}

/// How late a timer may be after a suspend.
const LONGEST_SLEEP: Duration = Duration::from_secs(10);

/// Time since some fixed point, suspend included.
#[cfg(target_os = "linux")]
fn counted() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Time since some fixed point.
#[cfg(not(target_os = "linux"))]
fn counted() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}
