//! What is done, scene by scene, and what must hold after each: here with the host, in `workspaces` with the srv.

mod workspaces;

use std::collections::BTreeSet;

use saga_runtime::log::{Details, Status};
use saga_runtime::message::{ExchangeKey, SagaId};
use saga_runtime::prelude::*;
use serde_json::json;

use super::checks::Checks;
use crate::bus::{Label, Refusal, Session};
use crate::catalogue::{PoolRespawnOnPromote, ReplaceWindow, RunOutcome, WaitedRun, WindowCleanupCascade};
use crate::host::control::Wish;
use crate::host::state::HostState;
use crate::programs::ProgramError;
use crate::programs::stage::Stage;
use crate::terminal::SessionEvent;

/// Prints something that is not in it, and fails with a status of its own.
const COMMAND: &str = "echo $((40 + 2)); (exit 3)";

/// All scenes, in order.
pub(super) async fn play(stage: &mut Stage, checks: &mut Checks) -> Result<(), ProgramError> {
    let ([first, second], own) = two_promotes_at_once(stage, checks).await?;
    let third = a_full_pool(stage, checks, &own).await?;
    a_waited_run(stage, checks, &third).await?;
    let first = a_replace(stage, checks, first).await?;
    a_replace_refused(stage, checks, second).await?;
    a_close(stage, checks, third).await?;
    let shown = a_killed_host(stage, checks, first).await?;
    let (replaced, promoted) = a_killed_launcher(stage, checks, shown).await?;
    the_last_windows(stage, checks, [replaced, promoted]).await?;
    workspaces::play(stage, checks).await?;
    the_whole_log(stage, checks)
}

/// Two sagas at once, and a window that answers neither. Gives those that were promoted, and that one.
async fn two_promotes_at_once(stage: &mut Stage, checks: &mut Checks) -> Result<([Label; 2], Label), ProgramError> {
    stage.say("two windows are promoted at once, and the host adds one of its own accord")?;
    let mut users = [stage.user().await?, stage.user().await?, stage.user().await?];
    let [a, b, c] = &mut users;
    let (a, b, own) = tokio::join!(a.promote(), b.promote(), c.add());
    let (a, b, own) = (a?, b?, own?);
    let first = stage.saga_about(PoolRespawnOnPromote::DEFINITION.name, &a).await?;
    let second = stage.saga_about(PoolRespawnOnPromote::DEFINITION.name, &b).await?;
    let ends = [ended(stage, first).await?, ended(stage, second).await?];
    let outputs = ends.each_ref().map(completed::<Label>);
    let state = stage.until("the pool is full", |state| state.hidden() == 3).await?;
    let own_windows = [first, second].map(|saga| window_of(&state, saga));
    checks.add(
        "two promotes at once: two sagas, each completed by its own window",
        outputs[0] != outputs[1] && outputs == own_windows && outputs.iter().all(Option::is_some),
        format!("{outputs:?} of {own_windows:?}"),
    );
    checks.add(
        "a window that the host adds by itself completes neither",
        !outputs.contains(&Some(own.clone())) && state.window(&own).is_some_and(|window| window.asked_by.is_none()),
        &own,
    );
    let seen = [stage.bracket(first).await.is_some(), stage.bracket(second).await.is_some()];
    checks.add("a renderer sees both brackets open and close", seen == [true, true], format!("{seen:?}"));
    Ok(([a, b], own))
}

/// With the host's own one, the pool has enough.
async fn a_full_pool(stage: &mut Stage, checks: &mut Checks, own: &Label) -> Result<Label, ProgramError> {
    stage.say("one more is promoted, while the pool still has two")?;
    // The oldest is shown first, and the pool lacks one after each but the host's own.
    let (label, end) = loop {
        let label = stage.promote().await?;
        let saga = stage.saga_about(PoolRespawnOnPromote::DEFINITION.name, &label).await?;
        let end = ended(stage, saga).await?;
        if label == *own {
            break (label, end);
        }
        stage.until("the pool is filled up", |state| state.hidden() == 3).await?;
    };
    let hidden = stage.state().await?.hidden();
    checks.add(
        "a refill that the pool does not need is refused: the pool is full",
        refused(&end) == Some(Refusal::PoolFull) && hidden == 2,
        format!("{:?}, {hidden} hidden", end.outcome),
    );
    Ok(label)
}

async fn a_waited_run(stage: &mut Stage, checks: &mut Checks, window: &Label) -> Result<(), ProgramError> {
    let session = Session { window: window.clone(), pane: 1 };
    stage.say(&format!("a command is typed into {session}, and somebody waits for its end: {COMMAND}"))?;
    let input = json!({ "session": session, "command": COMMAND, "timeout": "10s" });
    let saga = stage.start(WaitedRun::DEFINITION.name, input).await?;
    let end = ended(stage, saga).await?;
    let log = stage.user().await?.log(session).await?;
    let complete = log.iter().find(|event| matches!(event.event, SessionEvent::RunComplete { .. }));
    let outcome = complete.map(|event| RunOutcome::Completed { sequence: event.number, status: 3 });
    checks.add(
        "a run that is waited for completes when its command has ended, with its status",
        outcome.is_some() && completed::<RunOutcome>(&end) == outcome,
        text(&end),
    );
    let events = log.iter().map(|event| &event.event);
    let run: Vec<_> = events.skip_while(|event| !matches!(event, SessionEvent::InputRun { .. })).take(3).collect();
    let in_order = match run[..] {
        [
            SessionEvent::InputRun { command },
            SessionEvent::Output { text },
            SessionEvent::RunComplete { status, .. },
        ] => command == COMMAND && text.trim_end() == "42" && *status == 3,
        _ => false,
    };
    checks.add("its session tells of the command, its output and its end, in this order", in_order, format!("{log:?}"));
    Ok(())
}

async fn a_replace(stage: &mut Stage, checks: &mut Checks, old: Label) -> Result<Label, ProgramError> {
    stage.say(&format!("{old} is replaced"))?;
    let shells = shells_of(&stage.state().await?, &old);
    let saga = stage.start(ReplaceWindow::DEFINITION.name, json!({ "old": old })).await?;
    let end = ended(stage, saga).await?;
    stage.ended(&shells).await?;
    let state = stage.state().await?;
    let new = completed::<Label>(&end);
    checks.add(
        "a replace opens a new window and closes the old one, whose shell is gone",
        new.is_some() && new == window_of(&state, saga) && state.window(&old).is_none() && shells.len() == 1,
        format!("{:?}", end.outcome),
    );
    cleaned_up(stage, checks, &old, "a closed window is cleaned up, and others keep the pool", false).await?;
    Ok(new.ok_or("nothing was replaced")?)
}

async fn a_replace_refused(stage: &mut Stage, checks: &mut Checks, old: Label) -> Result<(), ProgramError> {
    stage.say(&format!("a program runs in {old}, which is to be replaced"))?;
    stage.wish(Wish::Type { label: old.clone(), text: "sleep 1000\n".to_owned() }).await?;
    let is_busy = |state: &HostState| state.window(&old).is_some_and(|window| window.is_busy());
    let before = stage.until("the program runs", is_busy).await?;
    let saga = stage.start(ReplaceWindow::DEFINITION.name, json!({ "old": old })).await?;
    let end = ended(stage, saga).await?;
    let state = stage.state().await?;
    checks.add(
        "a replace that is refused is compensated: the new window is closed again, the old one goes on",
        refused(&end) == Some(Refusal::Busy)
            && is_busy(&state)
            && labels(&state) == labels(&before)
            && shells_of(&state, &old) == shells_of(&before, &old),
        format!("{:?}, {:?}", end.outcome, labels(&state)),
    );
    Ok(())
}

async fn a_close(stage: &mut Stage, checks: &mut Checks, label: Label) -> Result<(), ProgramError> {
    stage.say(&format!("{label} is closed"))?;
    let shells = shells_of(&stage.state().await?, &label);
    stage.wish(Wish::Close { label: label.clone() }).await?;
    cleaned_up(stage, checks, &label, "a close by the user is cleaned up too", false).await?;
    stage.ended(&shells).await?;
    checks.add("its shell is gone from the process table", shells.len() == 1, format!("{shells:?}"));
    Ok(())
}

/// The host dies with a command in its hands. Gives a window that the next host shows.
async fn a_killed_host(stage: &mut Stage, checks: &mut Checks, old: Label) -> Result<Label, ProgramError> {
    stage.say("the host is killed (kill -9) in the middle of a replace")?;
    let shells: Vec<_> = stage.state().await?.shells().collect();
    stage.freeze_host()?;
    let saga = stage.start(ReplaceWindow::DEFINITION.name, json!({ "old": old })).await?;
    let middle = stage.logged(saga, "waits for the host", |details| is_waiting(details, "host")).await?;
    stage.kill_host().await?;
    stage.ended(&shells).await?;
    checks.add(
        "a host that is killed takes its shells with it",
        !shells.is_empty() && middle.summary.standing.status == Status::Running,
        format!("{shells:?}"),
    );
    stage.say("the host is started again")?;
    stage.start_host().await?;
    let end = ended(stage, saga).await?;
    let state = stage.until("the pool is drained", |state| state.windows.is_empty()).await?;
    checks.add(
        "the saga goes on with the new host: the old window is gone, so the new one is closed again",
        refused(&end) == Some(Refusal::NoSuchWindow) && state.windows.is_empty(),
        format!("{:?}, {:?}", end.outcome, labels(&state)),
    );
    let label = stage.promote().await?;
    let saga = stage.saga_about(PoolRespawnOnPromote::DEFINITION.name, &label).await?;
    // The host fills the drained pool too, so that either may find it full.
    ended(stage, saga).await?;
    let state = stage.until("the pool is full", |state| state.hidden() == 2).await?;
    checks.add(
        "without a window the pool was drained; with the next one it is full again",
        state.windows.len() == 3 && state.window(&label).is_some_and(|window| !window.hidden),
        format!("{:?}", labels(&state)),
    );
    Ok(label)
}

/// The launcher dies with a command on its way; meanwhile the host goes on, and a window is promoted.
async fn a_killed_launcher(stage: &mut Stage, checks: &mut Checks, old: Label) -> Result<(Label, Label), ProgramError> {
    stage.say("the launcher is killed (kill -9) in the middle of a replace; meanwhile a window is promoted")?;
    stage.freeze_host()?;
    let saga = stage.start(ReplaceWindow::DEFINITION.name, json!({ "old": old })).await?;
    stage.logged(saga, "waits for the host", |details| is_waiting(details, "host")).await?;
    stage.kill_launcher().await?;
    stage.thaw_host()?;
    let promoted = stage.promote().await?;
    stage.say("the launcher is started again")?;
    stage.start_launcher().await?;
    let end = ended(stage, saga).await?;
    let state = stage.state().await?;
    let asked = windows_of(&state, saga);
    let new = completed::<Label>(&end);
    checks.add(
        "the saga goes on with the new launcher, and has one window",
        asked.len() == 1 && new.as_ref() == asked.first() && state.window(&old).is_none(),
        format!("{:?}, {asked:?}", end.outcome),
    );
    let saga = stage.saga_about(PoolRespawnOnPromote::DEFINITION.name, &promoted).await?;
    let end = ended(stage, saga).await?;
    let state = stage.until("the pool is full", |state| state.hidden() == 2).await?;
    checks.add(
        "what was promoted while no launcher ran is followed by a fresh window",
        completed::<Label>(&end).is_some_and(|label| state.window(&label).is_some()),
        text(&end),
    );
    Ok((new.ok_or("nothing was replaced")?, promoted))
}

async fn the_last_windows(stage: &mut Stage, checks: &mut Checks, windows: [Label; 2]) -> Result<(), ProgramError> {
    stage.say("the last windows are closed")?;
    let [last_but_one, last] = windows;
    stage.wish(Wish::Close { label: last_but_one.clone() }).await?;
    cleaned_up(stage, checks, &last_but_one, "the last but one keeps the pool", false).await?;
    stage.wish(Wish::Close { label: last.clone() }).await?;
    cleaned_up(stage, checks, &last, "the pool is drained with the last", true).await?;
    let state = stage.until("all have ended", |state| state.windows.is_empty() && state.ending.is_empty()).await?;
    checks.add("the host has no window left", state.windows.is_empty(), format!("{:?}", labels(&state)));
    Ok(())
}

fn the_whole_log(stage: &Stage, checks: &mut Checks) -> Result<(), ProgramError> {
    let sagas = stage.all_sagas()?;
    let open: Vec<_> = sagas.iter().filter(|saga| !saga.summary.standing.status.is_end()).collect();
    checks.add("every saga in the log has ended", open.is_empty() && !sagas.is_empty(), format!("{open:?}"));
    Ok(())
}

/// Checks that the closing of this window was followed by its clean-up.
async fn cleaned_up(
    stage: &Stage,
    checks: &mut Checks,
    label: &Label,
    what: &str,
    drained: bool,
) -> Result<(), ProgramError> {
    let saga = stage.saga_about(WindowCleanupCascade::DEFINITION.name, label).await?;
    let end = ended(stage, saga).await?;
    checks.add(what, completed::<bool>(&end) == Some(drained), text(&end));
    Ok(())
}

async fn ended(stage: &Stage, saga: SagaId) -> Result<Details, ProgramError> {
    stage.logged(saga, "ends", |details| details.outcome.is_some()).await
}

fn is_waiting(details: &Details, participant: &str) -> bool {
    details.summary.standing.participant.as_deref() == Some(participant)
}

fn outcome<T: serde::de::DeserializeOwned>(details: &Details) -> Option<Outcome<T>> {
    details.outcome.as_deref().and_then(|outcome| serde_json::from_str(outcome).ok())
}

/// The output, if it completed.
fn completed<T: serde::de::DeserializeOwned>(details: &Details) -> Option<T> {
    outcome(details)?.completed()
}

/// The refusal, if it was compensated for one.
fn refused(details: &Details) -> Option<Refusal> {
    match outcome::<serde_json::Value>(details)? {
        Outcome::Compensated(cause) => cause.refusal(),
        Outcome::Completed(_) | Outcome::Ended(_) => None,
    }
}

/// The windows that this saga asked for.
fn windows_of(state: &HostState, saga: SagaId) -> Vec<Label> {
    let asked = |key: &String| key.parse::<ExchangeKey>().is_ok_and(|key| key.saga == saga);
    let windows = state.windows.iter().filter(|window| window.asked_by.as_ref().is_some_and(asked));
    windows.map(|window| window.label.clone()).collect()
}

fn window_of(state: &HostState, saga: SagaId) -> Option<Label> {
    windows_of(state, saga).pop()
}

fn labels(state: &HostState) -> BTreeSet<Label> {
    state.windows.iter().map(|window| window.label.clone()).collect()
}

fn shells_of(state: &HostState, label: &Label) -> Vec<u32> {
    state.window(label).into_iter().flat_map(|window| &window.panes).map(|pane| pane.shell).collect()
}

fn text(details: &Details) -> &str {
    details.outcome.as_deref().unwrap_or("it has not ended")
}
