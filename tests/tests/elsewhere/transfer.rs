//! Transfer: money out of one account and into another, through a clearing house that tells all the world what it has
//! cleared. Banks answer late, twice and out of turn; no cent is moved twice, and none is lost.

use std::time::Duration;

use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};

use super::play::Play;

/// The number by which everybody knows a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Reference(u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Account(u32);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
#[bus(Banking)]
enum Command {
    #[to(Giver)]
    #[replies(Withdrawn)]
    #[refuses(NoFunds, AccountClosed)]
    Withdraw { reference: Reference, account: Account, cents: u64 },
    /// Does nothing if nothing was withdrawn under this number.
    #[to(Giver)]
    #[refuses(Busy)]
    #[harmless]
    PutBack { reference: Reference },

    #[to(Taker)]
    #[replies(Deposited)]
    #[refuses(AccountClosed, Busy)]
    Deposit { reference: Reference, account: Account, cents: u64 },
    #[to(Taker)]
    #[refuses(Busy)]
    TakeBack { entry: u64 },

    #[to(Archive)]
    #[refuses(Busy)]
    Keep { reference: Reference, withdrawn: Option<u64>, deposited: Option<u64>, succeeded: bool },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[bus(Banking)]
enum Event {
    Withdrawn {
        entry: u64,
    },
    Deposited {
        entry: u64,
    },
    #[from(ClearingHouse)]
    Cleared {
        reference: Reference,
        batch: u32,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
enum Refusal {
    #[error("there is not enough in it")]
    NoFunds,
    #[error("the account is closed")]
    AccountClosed,
    #[error("busy")]
    Busy,
}

struct Banking;
impl Bus for Banking {
    const NAME: &'static str = "banking";
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
}

saga! {
    /// Moves money once, or not at all.
    saga Transfer(reference: Reference, from: Account, to: Account, cents: u64) -> u32 on Banking {
        concurrency queue per from, to;
        deadline 30m;

        require from != to else "money moves between two accounts";

        step withdrawal -> u64 {
            send Withdraw { reference, account: from, cents };
            await Withdrawn { entry } => entry;
            within 10s;
            retry 2 times every 1s;
            compensate PutBack { reference };
        }

        /// Large sums can be called off for ten minutes.
        step cooling_off when cents >= 1_000_000 {
            sleep 10m;
        }

        step deposit -> u64 {
            send Deposit { reference, account: to, cents };
            await {
                Deposited { entry } => entry,
                refused Busy => retry,
                refused reason => fail reason,
            };
            within 10s;
            retry 2 times every 1s;
            compensate TakeBack { entry: deposit };
        }

        /// The clearing house may have been faster than the banks.
        step cleared -> u32 {
            await Cleared { reference: of, batch } where of == reference => batch;
        }

        finally step archived {
            send Keep { reference, withdrawn: withdrawal, deposited: deposit, succeeded: cause.is_none() };
        }

        return cleared;
    }
}

const NUMBER: Reference = Reference(900);
const WITHDRAW: Command = Command::Withdraw { reference: NUMBER, account: Account(1), cents: 500 };
const PUT_BACK: Command = Command::PutBack { reference: NUMBER };
const DEPOSIT: Command = Command::Deposit { reference: NUMBER, account: Account(2), cents: 500 };
const TAKE_BACK: Command = Command::TakeBack { entry: 22 };
const WITHDRAWN: Event = Event::Withdrawn { entry: 11 };
const DEPOSITED: Event = Event::Deposited { entry: 22 };
const CLEARED: Event = Event::Cleared { reference: NUMBER, batch: 5 };
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DEADLINE: Duration = Duration::from_secs(1800);
/// How long a bank is tried: three attempts and two waits.
const PATIENCE: Duration = Duration::from_secs(32);

fn input() -> Transfer {
    Transfer { reference: NUMBER, from: Account(1), to: Account(2), cents: 500 }
}

fn large() -> Transfer {
    Transfer { cents: 1_000_000, ..input() }
}

fn start() -> Play<Transfer> {
    let saga = Play::start(input());
    saga.has_out(&[WITHDRAW]);
    saga
}

fn withdrawn() -> Play<Transfer> {
    let mut saga = start();
    saga.reply(WITHDRAWN);
    saga.has_out(&[DEPOSIT]);
    saga
}

fn deposited() -> Play<Transfer> {
    let mut saga = withdrawn();
    saga.reply(DEPOSITED);
    saga.has_out(&[]);
    saga
}

/// A large transfer that was withdrawn and now waits; whatever is sent later is of its sum.
fn cooling() -> Play<Transfer> {
    let mut saga = Play::start(large());
    saga.reply(WITHDRAWN);
    saga.has_out(&[]);
    assert!(matches!(saga.state(), TransferState::CoolingOff { .. }));
    saga
}

#[track_caller]
fn archives(saga: &mut Play<Transfer>, withdrawn: Option<u64>, deposited: Option<u64>, succeeded: bool) {
    let keep = Command::Keep { reference: NUMBER, withdrawn, deposited, succeeded };
    assert_eq!((saga.sent(), saga.modes()), (vec![keep], vec![Mode::Finally]));
    assert!(saga.outcome().is_none());
    saga.handled();
}

#[track_caller]
fn completes(mut saga: Play<Transfer>) {
    archives(&mut saga, Some(11), Some(22), true);
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(5)));
}

/// It is undone by these, then archived with what had been done, and ends.
#[track_caller]
fn is_undone(mut saga: Play<Transfer>, undone: &[Command], kept: [Option<u64>; 2]) -> Cause {
    saga.is_undone_by(undone);
    archives(&mut saga, kept[0], kept[1], false);
    saga.cause()
}

#[test]
fn money_goes_out_and_in_and_is_cleared() {
    let mut saga = deposited();
    saga.event(CLEARED);
    completes(saga);
}

#[test]
fn nothing_moves_within_one_account() {
    let mut saga = Play::start(Transfer { to: Account(1), ..input() });
    archives(&mut saga, None, None, false);
    let cause = saga.cause();
    assert_eq!((cause.kind(), cause.message()), (CauseKind::Required, "money moves between two accounts"));
}

#[test]
fn a_large_sum_waits_for_ten_minutes() {
    let deposit = Command::Deposit { reference: NUMBER, account: Account(2), cents: 1_000_000 };
    let mut saga = cooling();
    saga.advance(10 * MINUTE - SECOND);
    saga.has_out(&[]);
    saga.advance(SECOND);
    saga.has_out(&[deposit]);
    saga.reply(DEPOSITED);
    saga.event(CLEARED);
    completes(saga);
}

#[test]
fn a_large_sum_can_be_called_off_meanwhile() {
    let mut saga = cooling();
    saga.advance(5 * MINUTE);
    assert_eq!(saga.cancel(), CancelReply::Requested);
    assert!(saga.asked().is_empty(), "a sleep is dropped");
    assert_eq!(is_undone(saga, &[PUT_BACK], [Some(11), None]).kind(), CauseKind::Cancelled);
}

#[test]
fn a_withdrawal_that_is_refused_leaves_nothing_to_undo() {
    let mut saga = start();
    saga.refuse(Refusal::NoFunds);
    let cause = is_undone(saga, &[], [None, None]);
    assert_eq!((cause.step(), cause.refusal()), ("withdrawal", Some(Refusal::NoFunds)));
}

#[test]
fn a_deposit_that_is_refused_puts_the_money_back() {
    let mut saga = withdrawn();
    saga.refuse(Refusal::AccountClosed);
    let cause = is_undone(saga, &[PUT_BACK], [Some(11), None]);
    assert_eq!((cause.step(), cause.refusal()), ("deposit", Some(Refusal::AccountClosed)));
}

#[test]
fn a_busy_bank_is_tried_three_times() {
    let mut saga = withdrawn();
    for _ in 0..2 {
        saga.refuse(Refusal::Busy);
        saga.has_out(&[]);
        saga.advance(SECOND);
        saga.has_out(&[DEPOSIT]);
    }
    saga.refuse(Refusal::Busy);
    assert_eq!(is_undone(saga, &[PUT_BACK], [Some(11), None]).refusal(), Some(Refusal::Busy));
}

#[test]
fn what_is_never_cleared_is_undone_in_reverse() {
    let mut saga = deposited();
    saga.advance(DEADLINE - SECOND);
    saga.has_out(&[]);
    saga.advance(SECOND);
    let cause = is_undone(saga, &[TAKE_BACK, PUT_BACK], [Some(11), Some(22)]);
    assert_eq!((cause.kind(), cause.step()), (CauseKind::Deadline, "cleared"));
}

#[test]
fn a_clearing_that_comes_early_is_kept_and_the_first_counts() {
    for place in [start, withdrawn] {
        let mut saga = place();
        saga.event(Event::Cleared { reference: Reference(901), batch: 4 });
        saga.event(CLEARED);
        saga.event(Event::Cleared { reference: NUMBER, batch: 6 });
        if saga.sent() == [WITHDRAW] {
            saga.reply(WITHDRAWN);
        }
        saga.reply(DEPOSITED);
        completes(saga);
    }
}

#[test]
fn the_clearing_of_another_transfer_moves_nothing() {
    let mut saga = deposited();
    saga.event(Event::Cleared { reference: Reference(901), batch: 4 });
    saga.has_out(&[]);
    assert!(matches!(saga.state(), TransferState::Cleared { .. }));
    saga.event(CLEARED);
    saga.event(CLEARED);
    completes(saga);
}

#[test]
fn what_was_undone_is_not_cleared_after_all() {
    let mut saga = withdrawn();
    saga.refuse(Refusal::AccountClosed);
    saga.event(CLEARED);
    assert!(saga.is_compensating());
    assert_eq!(is_undone(saga, &[PUT_BACK], [Some(11), None]).step(), "deposit");
}

#[test]
fn an_answer_to_the_first_attempt_counts_in_the_second_and_only_once() {
    let mut saga = start();
    saga.advance(11 * SECOND);
    saga.refuse_attempt(&WITHDRAW, 1, Refusal::NoFunds);
    saga.has_out(&[WITHDRAW]);
    saga.reply_to(&WITHDRAW, WITHDRAWN);
    saga.reply_to(&WITHDRAW, Event::Withdrawn { entry: 12 });
    saga.refuse_to(&WITHDRAW, Refusal::AccountClosed);
    saga.has_out(&[DEPOSIT]);
    saga.reply(DEPOSITED);
    saga.reply_to(&DEPOSIT, Event::Deposited { entry: 23 });
    saga.event(CLEARED);
    completes(saga);
}

#[test]
fn the_entries_of_another_transfer_move_nothing() {
    let mut saga = start();
    saga.foreign(WITHDRAWN);
    saga.event(WITHDRAWN);
    saga.has_out(&[WITHDRAW]);
}

#[test]
fn the_clearing_may_be_what_another_saga_was_told() {
    let mut saga = deposited();
    saga.foreign(CLEARED);
    completes(saga);
}

#[test]
fn a_withdrawal_answered_after_it_was_given_up_is_put_back() {
    let mut saga = start();
    saga.advance(PATIENCE);
    saga.asks(&[WITHDRAW]);
    saga.reply_to(&WITHDRAW, WITHDRAWN);
    let cause = is_undone(saga, &[PUT_BACK], [Some(11), None]);
    assert_eq!((cause.kind(), cause.step()), (CauseKind::TimedOut, "withdrawal"));
}

#[test]
fn an_answer_after_the_end_moves_nothing() {
    let mut saga = start();
    saga.advance(PATIENCE);
    saga.settle(Fate::Never);
    archives(&mut saga, None, None, false);
    saga.reply_to(&WITHDRAW, WITHDRAWN);
    saga.event(CLEARED);
    assert_eq!(saga.cause().step(), "withdrawal");
}

#[test]
fn called_off_while_it_is_withdrawn() {
    for (fate, undone, entry) in
        [(Fate::Never, &[][..], None), (Fate::Done(vec![WITHDRAWN]), &[PUT_BACK][..], Some(11))]
    {
        let mut saga = start();
        assert_eq!(saga.cancel(), CancelReply::Requested);
        saga.asks(&[WITHDRAW]);
        saga.settle(Fate::Running);
        saga.advance(SECOND);
        saga.settle(fate);
        assert_eq!(is_undone(saga, undone, [entry, None]).kind(), CauseKind::Cancelled);
    }
}

#[test]
fn called_off_while_it_is_deposited() {
    let fates =
        [(Fate::Never, vec![PUT_BACK], None), (Fate::Done(vec![DEPOSITED]), vec![TAKE_BACK, PUT_BACK], Some(22))];
    for (fate, undone, entry) in fates {
        let mut saga = withdrawn();
        assert_eq!(saga.cancel(), CancelReply::Requested);
        saga.asks(&[DEPOSIT]);
        saga.settle(Fate::Running);
        saga.advance(SECOND);
        saga.settle(fate);
        assert_eq!(is_undone(saga, &undone, [Some(11), entry]).kind(), CauseKind::Cancelled);
    }
}

#[test]
fn called_off_while_it_is_cleared() {
    let mut saga = deposited();
    assert_eq!(saga.cancel(), CancelReply::Requested);
    saga.event(CLEARED);
    assert_eq!(is_undone(saga, &[TAKE_BACK, PUT_BACK], [Some(11), Some(22)]).kind(), CauseKind::Cancelled);
}

#[test]
fn a_deposit_given_up_is_settled_before_the_money_is_put_back() {
    let mut saga = withdrawn();
    saga.advance(PATIENCE);
    saga.asks(&[DEPOSIT]);
    saga.settle(Fate::Done(vec![DEPOSITED]));
    let cause = is_undone(saga, &[TAKE_BACK, PUT_BACK], [Some(11), Some(22)]);
    assert_eq!((cause.kind(), cause.step()), (CauseKind::TimedOut, "deposit"));
}

#[test]
fn a_withdrawal_that_the_bank_forgot_is_put_back_in_case_it_was_done() {
    let mut saga = start();
    saga.cancel();
    saga.settle(Fate::Unknown);
    assert!(!saga.is_stuck(), "to put back what was never taken does no harm");
    assert_eq!(is_undone(saga, &[PUT_BACK], [None, None]).kind(), CauseKind::Cancelled);
}

#[test]
fn a_deposit_that_the_bank_forgot_waits_for_an_operator() {
    let forgotten = || {
        let mut saga = withdrawn();
        saga.cancel();
        saga.settle(Fate::Unknown);
        assert!(saga.is_stuck() && saga.sent().is_empty());
        saga
    };
    let mut saga = forgotten();
    saga.operator(Operator::Retry);
    saga.asks(&[DEPOSIT]);
    saga.settle(Fate::Done(vec![DEPOSITED]));
    is_undone(saga, &[TAKE_BACK, PUT_BACK], [Some(11), Some(22)]);
    let mut saga = forgotten();
    saga.operator(Operator::Skip);
    is_undone(saga, &[PUT_BACK], [Some(11), None]);
    let mut saga = forgotten();
    saga.reply_to(&DEPOSIT, DEPOSITED);
    assert!(!saga.is_stuck(), "handled, arriving late, settles too");
    is_undone(saga, &[TAKE_BACK, PUT_BACK], [Some(11), Some(22)]);
    let mut saga = forgotten();
    saga.operator(Operator::End);
    archives(&mut saga, Some(11), None, false);
    assert!(saga.was_ended());
}

#[test]
fn money_that_cannot_be_put_back_waits_for_an_operator() {
    let spent = || {
        let mut saga = withdrawn();
        saga.refuse(Refusal::AccountClosed);
        saga.refuse_until_stuck(&Refusal::Busy);
        saga
    };
    let mut saga = spent();
    saga.operator(Operator::Retry);
    is_undone(saga, &[PUT_BACK], [Some(11), None]);
    let mut saga = spent();
    saga.operator(Operator::Skip);
    is_undone(saga, &[], [Some(11), None]);
    let mut saga = spent();
    saga.operator(Operator::End);
    archives(&mut saga, Some(11), None, false);
    assert!(saga.was_ended());
}

#[test]
fn who_is_away_gets_it_when_back() {
    for place in [start, withdrawn, deposited] {
        let mut saga = place();
        let out = saga.sent();
        saga.disconnect();
        saga.advance(SECOND);
        saga.reconnect();
        saga.has_out(&out);
    }
}

#[test]
fn a_bank_that_stays_away_is_given_up_and_shown() {
    let mut saga = withdrawn();
    saga.disconnect();
    saga.advance(PATIENCE);
    assert!(saga.is_compensating() && !saga.is_stuck());
    saga.advance(MINUTE + SECOND);
    assert!(saga.is_stuck());
    saga.reconnect();
    saga.asks(&[DEPOSIT]);
    saga.settle(Fate::Never);
    is_undone(saga, &[PUT_BACK], [Some(11), None]);
}
