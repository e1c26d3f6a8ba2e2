//! One end of a numbered session: what is out, what was taken over, where to go on after a reconnect.
//!
//! Both directions alike. Deterministic: does no I/O, reads no clock, knows no frame and no bus. What it is told is
//! what arrived; what it gives is what to write next.
//!
//! ```text
//!  send ──► waiting ──next_message──► unacknowledged ──acknowledge──► gone      (ours)
//!                                      ▲ resume: written again
//!  receive ──► in order, once ──taken──► to be acknowledged             (theirs)
//! ```

use std::collections::VecDeque;
use std::collections::vec_deque::Drain;

use crate::planted::{self, Bug};

/// One end of a numbered session, with items of `T` on their way out.
#[derive(Debug)]
pub struct Link<T> {
    window: usize,
    /// Not numbered yet, so that they can still be withdrawn.
    waiting: VecDeque<T>,
    /// Numbered from `acknowledged + 1` on.
    unacknowledged: VecDeque<T>,
    acknowledged: u64,
    /// Up to here everything was given out on this connection.
    written: u64,
    received: u64,
    taken: u64,
    ack_written: u64,
}

/// What to do with a message that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Receipt {
    /// It is the next one.
    New,
    /// It was here before.
    Duplicate,
}

/// The other end broke the rules of numbering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// A message is missing.
    #[error("message {got} came where {expected} was expected")]
    Gap {
        /// The number that follows.
        expected: u64,
        /// The number that came.
        got: u64,
    },
    /// It acknowledged what it was never sent.
    #[error("message {acknowledged} was acknowledged, and the last one sent was {sent}")]
    NeverSent {
        /// The number that it claims to have.
        acknowledged: u64,
        /// The last number that there is.
        sent: u64,
    },
}

impl<T> Link<T> {
    /// A session in which nothing was said; at most `window` messages are out and not acknowledged.
    pub fn new(window: usize) -> Self {
        Self {
            window,
            waiting: VecDeque::new(),
            unacknowledged: VecDeque::new(),
            acknowledged: 0,
            written: 0,
            received: 0,
            taken: 0,
            ack_written: 0,
        }
    }

    /// Queues an item.
    pub fn send(&mut self, item: T) {
        self.waiting.push_back(item);
    }

    /// The next message to write, with its number: one that must be written again, or a new one if the window allows.
    pub fn next_message(&mut self) -> Option<(u64, &T)> {
        if self.written == self.sent() {
            if self.unacknowledged.len() >= self.window {
                return None;
            }
            self.unacknowledged.push_back(self.waiting.pop_front()?);
        }
        self.written += 1;
        let index = usize::try_from(self.written - self.acknowledged - 1).ok()?;
        Some((self.written, self.unacknowledged.get(index)?))
    }

    /// The other end has taken over everything up to this number: gives what it was, oldest first.
    ///
    /// # Errors
    /// If it was not sent. Nothing has changed then.
    pub fn acknowledge(&mut self, number: u64) -> Result<Drain<'_, T>, LinkError> {
        if number > self.written {
            return Err(LinkError::NeverSent { acknowledged: number, sent: self.written });
        }
        Ok(self.forget_up_to(number))
    }

    /// A new connection of the same two sessions, of which the other end has taken over everything up to this number:
    /// the rest is written again. Gives what it had taken over meanwhile, oldest first.
    ///
    /// # Errors
    /// If it was not sent. Nothing has changed then.
    pub fn resume(&mut self, number: u64) -> Result<Drain<'_, T>, LinkError> {
        if number > self.sent() {
            return Err(LinkError::NeverSent { acknowledged: number, sent: self.sent() });
        }
        self.ack_written = self.taken;
        self.written = number.max(self.acknowledged);
        Ok(self.forget_up_to(number))
    }

    /// Drops everything that is on its way out, and begins again at 1.
    pub fn restart_outgoing(&mut self) {
        self.waiting.clear();
        self.unacknowledged.clear();
        self.acknowledged = 0;
        self.written = 0;
    }

    /// The other end is another session, of which everything up to this number has been taken over.
    pub fn restart_incoming(&mut self, number: u64) {
        self.received = number;
        self.taken = number;
        self.ack_written = number;
    }

    /// Drops the items that are not numbered yet and match. Gives how many.
    pub fn withdraw(&mut self, matches: impl Fn(&T) -> bool) -> usize {
        let before = self.waiting.len();
        self.waiting.retain(|item| !matches(item));
        before - self.waiting.len()
    }

    /// The items that are numbered and not acknowledged, oldest first. Where the other end has one, it keeps what it
    /// has; otherwise it gets what is left here, under the same number.
    pub fn numbered_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.unacknowledged.iter_mut()
    }

    /// A message with this number arrived.
    ///
    /// # Errors
    /// If one before it did not.
    pub fn receive(&mut self, number: u64) -> Result<Receipt, LinkError> {
        let expected = self.received.saturating_add(1);
        if number == expected && number > self.received {
            self.received = number;
            return Ok(Receipt::New);
        }
        if number == 0 || number > expected {
            return Err(LinkError::Gap { expected, got: number });
        }
        Ok(Receipt::Duplicate)
    }

    /// Everything that was received up to this number has been taken over, and may be acknowledged.
    pub fn taken_up_to(&mut self, number: u64) {
        self.taken = self.taken.max(number.min(self.received));
    }

    /// The number to acknowledge now, if there is something new to say.
    pub fn next_ack(&mut self) -> Option<u64> {
        let taken = if planted::is(Bug::AcknowledgeEarly) { self.received } else { self.taken };
        (taken > self.ack_written).then(|| {
            self.ack_written = taken;
            taken
        })
    }

    /// The number of the last message that arrived in order.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// The number up to which everything has been taken over here.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// The number up to which everything has been taken over there.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// The number that the last of all queued items has or will have.
    pub fn last(&self) -> u64 {
        self.sent() + self.waiting.len() as u64
    }

    /// How many items are not numbered yet.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The last number that was given to an item.
    fn sent(&self) -> u64 {
        self.acknowledged + self.unacknowledged.len() as u64
    }

    fn forget_up_to(&mut self, number: u64) -> Drain<'_, T> {
        let gone = usize::try_from(number.saturating_sub(self.acknowledged)).unwrap_or(usize::MAX);
        self.acknowledged = self.acknowledged.max(number);
        self.unacknowledged.drain(..gone.min(self.unacknowledged.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two ends and what is between them: `left` sends, `right` takes over at once and acknowledges.
    struct Pair {
        left: Link<u32>,
        right: Link<u32>,
        taken: Vec<u32>,
    }

    impl Pair {
        fn new(window: usize, items: u32) -> Self {
            let mut left = Link::new(window);
            (1..=items).for_each(|item| left.send(item));
            Self { left, right: Link::new(window), taken: Vec::new() }
        }

        /// Writes up to `frames` messages, of which only the first `arriving` get there, and only the first `acks` of
        /// the acknowledgements come back.
        fn connection(&mut self, frames: usize, arriving: usize, acks: usize) {
            let mut wire = Vec::new();
            while wire.len() < frames
                && let Some((number, item)) = self.left.next_message()
            {
                wire.push((number, *item));
            }
            for (index, (number, item)) in wire.into_iter().take(arriving).enumerate() {
                if self.right.receive(number).expect("in order") == Receipt::New {
                    self.taken.push(item);
                }
                self.right.taken_up_to(number);
                if let Some(ack) = self.right.next_ack()
                    && index < acks
                {
                    self.left.acknowledge(ack).expect("was sent");
                }
            }
        }

        fn reconnect(&mut self) {
            self.left.resume(self.right.taken()).expect("was sent");
            self.right.resume(0).expect("nothing was sent");
        }
    }

    #[test]
    fn nothing_is_lost_or_doubled_wherever_the_connection_breaks() {
        for frames in 0..=6 {
            for arriving in 0..=frames {
                for acks in 0..=arriving {
                    let mut pair = Pair::new(4, 6);
                    pair.connection(frames, arriving, acks);
                    pair.reconnect();
                    pair.connection(3, 2, 1);
                    pair.reconnect();
                    while pair.left.acknowledged() < 6 {
                        pair.connection(10, 10, 10);
                    }
                    assert_eq!(pair.taken, [1, 2, 3, 4, 5, 6], "{frames} written, {arriving} arrived, {acks} acked");
                }
            }
        }
    }

    #[test]
    fn no_more_than_the_window_is_out() {
        let mut link = Link::new(2);
        (1..=3).for_each(|item| link.send(item));
        assert_eq!(link.next_message(), Some((1, &1)));
        assert_eq!(link.next_message(), Some((2, &2)));
        assert_eq!(link.next_message(), None);
        assert_eq!(link.acknowledge(1).expect("sent").collect::<Vec<_>>(), [1]);
        assert_eq!(link.next_message(), Some((3, &3)));
        assert_eq!(link.last(), 3);
    }

    #[test]
    fn a_resumed_session_writes_again_what_was_not_taken_over() {
        let mut link = Link::new(8);
        (1..=3).for_each(|item| link.send(item));
        while link.next_message().is_some() {}
        assert_eq!(link.resume(1).expect("sent").collect::<Vec<_>>(), [1]);
        assert_eq!(link.next_message(), Some((2, &2)));
        assert_eq!(link.acknowledge(2).expect("sent").len(), 1);
        assert_eq!(link.next_message(), Some((3, &3)));
        assert_eq!(link.next_message(), None);
    }

    #[test]
    fn what_was_only_acknowledged_to_an_earlier_connection_is_not_written_again() {
        let mut link = Link::new(8);
        (1..=2).for_each(|item| link.send(item));
        while link.next_message().is_some() {}
        assert_eq!(link.acknowledge(2).expect("sent").len(), 2);
        assert_eq!(link.resume(1).expect("sent").len(), 0);
        assert_eq!(link.next_message(), None);
    }

    #[test]
    fn another_session_begins_at_one() {
        let mut link = Link::new(8);
        link.send('a');
        assert_eq!(link.next_message(), Some((1, &'a')));
        link.send('b');
        link.restart_outgoing();
        assert_eq!(link.next_message(), None);
        link.send('c');
        assert_eq!(link.next_message(), Some((1, &'c')));
    }

    #[test]
    fn a_session_that_was_known_before_goes_on_where_it_was() {
        let mut link = Link::<()>::new(8);
        link.restart_incoming(41);
        assert_eq!(link.receive(41), Ok(Receipt::Duplicate));
        assert_eq!(link.receive(42), Ok(Receipt::New));
        assert_eq!(link.next_ack(), None);
        link.taken_up_to(42);
        assert_eq!(link.next_ack(), Some(42));
        assert_eq!(link.next_ack(), None);
    }

    #[test]
    fn gaps_and_acks_of_what_was_never_sent_are_errors() {
        let mut link = Link::new(8);
        assert_eq!(link.receive(2), Err(LinkError::Gap { expected: 1, got: 2 }));
        assert_eq!(link.receive(0), Err(LinkError::Gap { expected: 1, got: 0 }));
        link.send(());
        assert_eq!(link.acknowledge(1).err(), Some(LinkError::NeverSent { acknowledged: 1, sent: 0 }));
        assert_eq!(link.resume(1).err(), Some(LinkError::NeverSent { acknowledged: 1, sent: 0 }));
        assert_eq!(link.next_message(), Some((1, &())));
        assert_eq!(link.acknowledge(2).err(), Some(LinkError::NeverSent { acknowledged: 2, sent: 1 }));
    }

    #[test]
    fn only_what_has_no_number_can_be_withdrawn() {
        let mut link = Link::new(1);
        ['a', 'b', 'a'].into_iter().for_each(|item| link.send(item));
        assert_eq!(link.next_message(), Some((1, &'a')));
        assert_eq!(link.withdraw(|item| *item == 'a'), 1);
        assert_eq!(link.acknowledge(1).expect("sent").len(), 1);
        assert_eq!(link.next_message(), Some((2, &'b')));
        assert_eq!(link.waiting(), 0);
    }

    #[test]
    fn what_has_a_number_can_be_changed_until_it_is_there() {
        let mut link = Link::new(2);
        ['a', 'b'].into_iter().for_each(|item| link.send(item));
        assert_eq!(link.next_message(), Some((1, &'a')));
        link.numbered_mut().for_each(|item| *item = '-');
        assert_eq!(link.resume(0).expect("nothing was taken over").len(), 0);
        assert_eq!(link.next_message(), Some((1, &'-')));
        assert_eq!(link.next_message(), Some((2, &'b')));
    }

    #[test]
    fn what_has_not_arrived_cannot_be_taken_over() {
        let mut link = Link::<()>::new(1);
        assert_eq!(link.receive(1), Ok(Receipt::New));
        link.taken_up_to(9);
        assert_eq!(link.next_ack(), Some(1));
    }
}
