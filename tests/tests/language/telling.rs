//! What is told: brackets that open and close once, and the steps between.

use std::time::Duration;

use saga_runtime::prelude::*;

use super::bus::*;
use super::compensating::grounded;
use super::settling::doubted;
use crate::twin::Twin;

/// Each notice in a word or a few.
fn told<S: Saga>(saga: &Twin<S>) -> Vec<String> {
    saga.notices().iter().map(words).collect()
}

fn words(notice: &Notice) -> String {
    match notice {
        Notice::SagaStarted { name, .. } => format!("{name} started"),
        Notice::StepStarted { step, mode, attempt, participant, .. } => {
            format!("{step} {} {attempt} to {participant}", mode.as_str())
        }
        Notice::StepWaiting { step, mode, .. } => format!("{step} {} waits", mode.as_str()),
        Notice::StepEnded { step, mode, .. } => format!("{step} {} ended", mode.as_str()),
        Notice::SagaCompensating { cause, .. } => format!("compensating: {cause}"),
        Notice::SagaStuck { .. } => "stuck".to_owned(),
        Notice::SagaUnstuck { .. } => "unstuck".to_owned(),
        Notice::OperatorActed { action, .. } => format!("operator: {action:?}"),
        Notice::SagaCompleted { output, .. } => format!("completed: {output}"),
        Notice::SagaCompensated { cause, .. } => format!("compensated: {cause}"),
        Notice::SagaEnded { by, .. } => format!("ended by {}", by.who),
        other => format!("{other:?}"),
    }
}

/// Rule: end.brackets
#[test]
fn the_bracket_of_a_saga_that_completes() {
    let mut saga = Twin::start(trip());
    saga.reply(charged());
    saga.reply(booked());
    saga.handled();
    assert_eq!(
        told(&saga),
        [
            "trip started",
            "charge forward 1 to bank",
            "charge forward ended",
            "book forward 1 to hotel",
            "book forward ended",
            "fly forward 1 to airline",
            "fly forward ended",
            r#"completed: [7,"12"]"#,
        ]
    );
}

#[test]
fn the_bracket_of_a_saga_that_is_compensated() {
    let mut saga = grounded();
    saga.refuse(Refusal::Closed);
    saga.advance(Duration::from_millis(100));
    saga.handled();
    saga.handled();
    let told = told(&saga);
    assert_eq!(
        told[told.len() - 9..],
        [
            "fly forward 1 to airline",
            "compensating: full",
            "book compensation 1 to hotel",
            "book compensation waits",
            "book compensation 2 to hotel",
            "book compensation ended",
            "charge compensation 1 to bank",
            "charge compensation ended",
            "compensated: full",
        ]
    );
}

#[test]
fn the_bracket_of_a_saga_that_is_stuck_and_ended() {
    let mut saga = doubted();
    saga.settle(Fate::Unknown);
    saga.operator(Operator::Retry);
    saga.settle(Fate::Unknown);
    saga.operator(Operator::End);
    let told = told(&saga);
    let tail = &told[3..];
    assert_eq!(tail, ["stuck", "operator: Retry", "unstuck", "stuck", "operator: End", "ended by operator"]);
}

#[test]
fn a_retry_is_told_as_a_wait_and_a_new_attempt() {
    let mut saga = Twin::start(trip());
    saga.reply(charged());
    saga.advance(Duration::from_secs(10) + Duration::from_millis(100));
    let told = told(&saga);
    assert_eq!(told[3..], ["book forward 1 to hotel", "book forward waits", "book forward 2 to hotel"]);
}

#[test]
fn a_started_bracket_has_the_input() {
    let saga = Twin::start(trip());
    let input = saga.notices().into_iter().find_map(|notice| match notice {
        Notice::SagaStarted { input, .. } => Some(input),
        _ => None,
    });
    assert_eq!(input, Some(serde_json::json!({ "cents": 500, "night": 3 })));
}

/// Rule: end.brackets
/// Rule: end.one
#[test]
fn a_bracket_closes_once_and_last() {
    let mut saga = grounded();
    saga.handled();
    saga.handled();
    saga.operator(Operator::End);
    saga.cancel();
    saga.advance(Duration::from_secs(3600));
    let ends: Vec<_> = saga.notices().iter().map(Notice::is_end).collect();
    assert_eq!(ends.iter().filter(|end| **end).count(), 1);
    assert_eq!(ends.last(), Some(&true));
}
