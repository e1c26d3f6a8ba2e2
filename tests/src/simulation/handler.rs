//! What a handler makes of one command: does it, refuses, breaks off, takes its time, or never answers.

use saga_runtime::message::{Answer, Command as _, ExchangeKey};

use super::participant::undoes;
use super::reached::Met;
use super::sagas::{Command, Event, Refusal};
use super::stage::Stage;

/// When what happens, in microseconds from now.
pub(super) struct Plan {
    /// The effect; none if there is none.
    pub(super) effect: Option<u64>,
    /// The answer, not before the effect; none if it never comes.
    pub(super) answer: Option<(u64, Answer<Event, Refusal>)>,
    pub(super) returns: u64,
}

/// Draws what this run does.
pub(super) fn plan(stage: &mut Stage, key: ExchangeKey, command: &Command) -> Plan {
    let is_query = command.info().query;
    if is_query {
        stage.meet(Met::Queried);
    }
    let misbehaves = stage.chance(stage.rates.handlers);
    let rolled = if misbehaves { stage.random.u32(0..100) } else { 100 };
    let time = stage.random.u64(100..=30_000);
    match rolled {
        0..45 if !is_query => refuse(stage, key, command, time),
        45..53 => {
            stage.meet(Met::Broken);
            Plan { effect: None, answer: Some((time, Answer::Broken("it broke off".to_owned()))), returns: time }
        }
        53..60 => {
            stage.meet(Met::Silent);
            let effect = (!is_query && stage.random.bool()).then_some(time);
            Plan { effect, answer: None, returns: time }
        }
        60..75 => {
            stage.meet(Met::Deferred);
            let answers = time + stage.random.u64(0..=4_000_000);
            Plan { returns: time, ..done(stage, is_query, answers, command) }
        }
        75..100 => {
            stage.meet(Met::Slow);
            let time = time + stage.random.u64(200_000..=4_000_000);
            done(stage, is_query, time, command)
        }
        _ => done(stage, is_query, time, command),
    }
}

fn refuse(stage: &mut Stage, key: ExchangeKey, command: &Command, time: u64) -> Plan {
    stage.meet(if undoes(key) { Met::CompensationRefused } else { Met::Refused });
    let sold_out = command.info().refuses.contains(&"SoldOut") && stage.random.bool();
    let refusal = if sold_out { Refusal::SoldOut } else { Refusal::Closed };
    // Some refusals take longer than an attempt may.
    let time = if stage.chance(300) { time + stage.random.u64(500_000..=2_500_000) } else { time };
    Plan { effect: None, answer: Some((time, Answer::Refused(refusal))), returns: time }
}

fn done(stage: &mut Stage, is_query: bool, time: u64, command: &Command) -> Plan {
    let effect = if stage.random.bool() { time } else { stage.random.u64(0..=time) };
    Plan {
        effect: (!is_query).then_some(effect),
        answer: Some((time, Answer::Handled(reply(command).into_iter().collect()))),
        returns: time,
    }
}

fn reply(command: &Command) -> Option<Event> {
    match command {
        Command::Reserve { order } => Some(Event::Reserved { lot: order * 10 }),
        Command::LevelOf { order } => Some(Event::Level { left: order + 1 }),
        Command::Charge { order, lot } => Some(Event::Charged { receipt: order * 100 + lot }),
        Command::Ship { order } => Some(Event::Shipped { parcel: order * 1000 }),
        Command::Pack { order, item } => Some(Event::Packed { bag: order * 100 + item }),
        Command::Sign { order } => Some(Event::Signed { seal: order * 7 }),
        Command::Release { .. }
        | Command::Refund { .. }
        | Command::Recall { .. }
        | Command::Unpack { .. }
        | Command::Tidy { .. } => None,
    }
}
