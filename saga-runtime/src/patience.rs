//! Trying again, while what is in the way goes away by itself and nothing tells when.
//!
//! For what others hold for a moment only: the thread is blocked meanwhile. Knows neither logs nor sockets.

use std::fs::{File, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

/// How long after another try.
const AGAIN: Duration = Duration::from_millis(1);

/// How long a lock is waited for. A process that is killed while it starts another one leaves a copy of its locks to
/// that, until the other one executes its program.
pub(crate) const FOR_A_LOCK: Duration = Duration::from_secs(1);

/// What comes of the first attempt that does not end with an error which passes, or of the last one in this time.
pub(crate) fn patiently<T, E>(
    patience: Duration,
    passes: impl Fn(&E) -> bool,
    mut attempt: impl FnMut() -> Result<T, E>,
) -> Result<T, E> {
    let begin = Instant::now();
    loop {
        match attempt() {
            Err(error) if passes(&error) && begin.elapsed() < patience => thread::sleep(AGAIN),
            result => return result,
        }
    }
}

/// Locks a file for this process, unless a living one holds it.
///
/// # Errors
/// [`TryLockError::WouldBlock`] if it is still held after [`FOR_A_LOCK`].
pub(crate) fn lock(file: &File) -> Result<(), TryLockError> {
    lock_by(|| file.try_lock())
}

fn lock_by(attempt: impl FnMut() -> Result<(), TryLockError>) -> Result<(), TryLockError> {
    patiently(FOR_A_LOCK, |error| matches!(error, TryLockError::WouldBlock), attempt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_tried_again_and_nothing_else() {
        let mut outcomes = vec![Ok('c'), Err("passes"), Err("passes")];
        let mut next = || outcomes.pop().expect("no more attempts than outcomes");
        assert_eq!(patiently(Duration::MAX, |error| *error == "passes", &mut next), Ok('c'));

        let mut outcomes = vec![Ok('c'), Err("stays")];
        let mut next = || outcomes.pop().expect("no more attempts than outcomes");
        assert_eq!(patiently(Duration::MAX, |error| *error == "passes", &mut next), Err("stays"));
    }

    #[test]
    fn what_does_not_pass_in_time_is_told() {
        assert_eq!(patiently(Duration::ZERO, |_| true, || Err::<(), _>("held")), Err("held"));
    }

    #[test]
    fn a_lock_of_which_a_dying_process_left_a_copy_is_had_when_that_is_gone() {
        let path = tempfile::NamedTempFile::new().expect("a file").into_temp_path();
        let mut copy = Some(File::open(&path).expect("it is there"));
        copy.as_ref().expect("it is kept").try_lock().expect("it is free");
        let ours = File::open(&path).expect("it is there");
        let mut refusals = 0;
        let locked = lock_by(|| {
            let locked = ours.try_lock();
            refusals += u32::from(locked.is_err());
            copy = None;
            locked
        });
        assert!(locked.is_ok() && refusals == 1, "{locked:?} after {refusals}");
    }
}
