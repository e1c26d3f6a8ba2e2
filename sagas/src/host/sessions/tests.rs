use std::time::Duration;

use super::*;
use crate::host::HostOptions;
use crate::host::windows::Place;
use crate::terminal::SessionEvent;

const BOUND: Duration = Duration::from_secs(20);

/// A host with a window, and its first session.
async fn host() -> (Host, Session) {
    let (host, _told) = Host::new(HostOptions { pool_size: 0, ..HostOptions::default() });
    let window = host.spawn(Place::Desk, "key").await.expect("the system gives a shell");
    (host, Session { window, pane: 1 })
}

#[tokio::test]
async fn panes_of_a_window_are_sessions_of_their_own() {
    let (host, first) = host().await;
    let pane = host.split(&first.window).await.expect("the system gives one more");
    let second = Session { pane, ..first.clone() };
    for (session, command) in [(&first, "cd /"), (&second, "cd /tmp"), (&first, "pwd"), (&second, "pwd")] {
        let run = host.run(session, command).expect("it is there");
        let end = tokio::time::timeout(BOUND, run.finished()).await.expect("it ends");
        assert!(matches!(end, RunEnd::Completed { status: 0, .. }));
    }
    let output = |session| host.log(session).expect("it is there").iter().map(ToString::to_string).collect::<String>();
    assert!(output(&first).contains("output       /"), "{}", output(&first));
    assert!(output(&second).contains("output       /tmp"), "{}", output(&second));
}

#[tokio::test]
async fn what_is_no_session_is_refused() {
    let (host, session) = host().await;
    for gone in [Session { pane: 2, ..session.clone() }, "w1-of-an-earlier-host/1".parse().expect("it is a name")] {
        assert!(matches!(host.run(&gone, "ls"), Err(Refusal::NoSuchSession)));
        assert_eq!(host.log(&gone), Err(Refusal::NoSuchSession));
    }
}

#[tokio::test]
async fn the_log_of_a_session_that_ended_is_kept_for_a_while() {
    let (host, session) = host().await;
    let run = host.run(&session, "exit").expect("it is there");
    assert_eq!(tokio::time::timeout(BOUND, run.finished()).await.expect("it ends"), RunEnd::SessionExited);
    assert!(matches!(host.run(&session, "ls"), Err(Refusal::NoSuchSession)));
    let events = host.log(&session).expect("it is kept");
    assert_eq!(events.last().map(|event| event.event.clone()), Some(SessionEvent::Exit));
}

#[tokio::test]
async fn not_more_logs_of_ended_sessions_are_kept_than_that() {
    let (host, session) = host().await;
    let run = host.run(&session, "exit").expect("it is there");
    run.finished().await;
    let ended = host.logs().of(&session).expect("it is kept");
    let mut logs = Logs::default();
    for pane in 1..100 {
        logs.keep(&session.window, pane, ended.clone());
    }
    assert!(logs.of(&session).is_none() && logs.of(&Session { pane: 99, ..session }).is_some());
    assert!(logs.0.len() <= KEPT_ENDED + 2);
}
