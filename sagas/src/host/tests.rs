use std::path::Path;
use std::time::Instant;

use super::*;
use crate::terminal::PROMPT;

/// Longer than anything here takes on a slow machine; no test waits for it to pass.
const BOUND: Duration = Duration::from_secs(20);

async fn host_with(options: HostOptions) -> (Host, mpsc::UnboundedReceiver<Event>) {
    let (host, mut told) = Host::new(options);
    host.fill_pool().await.expect("the system gives two shells");
    for _ in 0..host.0.options.pool_size {
        assert!(matches!(next(&mut told).await, Event::PoolWindowAdded { .. }));
    }
    (host, told)
}

async fn host() -> (Host, mpsc::UnboundedReceiver<Event>) {
    host_with(HostOptions::default()).await
}

async fn next(told: &mut mpsc::UnboundedReceiver<Event>) -> Event {
    let event = tokio::time::timeout(BOUND, told.recv()).await.expect("the host says something");
    event.expect("the host is there")
}

/// Waits until `holds`, looking again whenever the terminals of the host had time to go on.
async fn until(host: &Host, what: &str, holds: impl Fn(&HostState) -> bool) {
    let begin = Instant::now();
    while !holds(&host.state()) {
        assert!(begin.elapsed() < BOUND, "{what}: {:?}", host.state());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn shells(state: &HostState) -> Vec<u32> {
    state.windows.iter().flat_map(|window| &window.panes).map(|pane| pane.shell).collect()
}

fn window<'a>(state: &'a HostState, label: &Label) -> Option<&'a WindowState> {
    state.windows.iter().find(|window| window.label == *label)
}

fn is_busy(state: &HostState, label: &Label) -> bool {
    window(state, label).is_some_and(|window| window.panes.iter().any(|pane| pane.busy))
}

/// Not even as a zombie.
fn is_process(id: u32) -> bool {
    Path::new(&format!("/proc/{id}")).exists()
}

#[tokio::test]
async fn keeps_two_shells_at_the_prompt() {
    let (host, _told) = host().await;
    let state = host.state();
    assert_eq!(state.windows.len(), 2);
    for window in &state.windows {
        assert!(window.hidden && window.asked_by.is_none());
        assert!(host.output(&window.label).expect("it is there").ends_with(PROMPT));
    }
    assert!(shells(&state).into_iter().all(is_process));
    host.quit().await;
    assert!(!shells(&state).into_iter().any(is_process));
}

#[tokio::test]
async fn a_promoted_window_is_a_shell_that_answers() {
    let (host, mut told) = host().await;
    let label = host.promote().await.expect("the pool is full");
    assert_eq!(next(&mut told).await, Event::PoolWindowPromoted { label: label.clone() });
    host.type_in(&label, "echo $((40 + 2))\n".into()).await.expect("it is there");
    let pane = host.panes(&label).remove(0);
    assert!(tokio::time::timeout(BOUND, pane.shows("\n42\r\n")).await.expect("the shell answers"));
    assert!(host.state().windows.iter().any(|window| window.label == label && !window.hidden));
}

#[tokio::test]
async fn a_promote_of_an_empty_pool_waits_for_a_window() {
    let (host, mut told) = host().await;
    for _ in 0..2 {
        host.promote().await.expect("the pool is full");
        assert!(matches!(next(&mut told).await, Event::PoolWindowPromoted { .. }));
    }
    let label = host.promote().await.expect("the system gives one more");
    assert_eq!(next(&mut told).await, Event::PoolWindowAdded { label: label.clone() });
    assert_eq!(next(&mut told).await, Event::PoolWindowPromoted { label: label.clone() });
    assert!(host.output(&label).expect("it is there").ends_with(PROMPT));
}

#[tokio::test]
async fn a_window_for_an_exchange_says_whose_it_is() {
    let (host, mut told) = host().await;
    assert_eq!(host.spawn(Place::Pool, "key").await, Err(Refusal::PoolFull));
    host.promote().await.expect("the pool is full");
    next(&mut told).await;
    let label = host.spawn(Place::Pool, "key").await.expect("one is lacking");
    let state = host.state();
    assert_eq!(window(&state, &label).and_then(|window| window.asked_by.as_deref()), Some("key"));
    assert!(told.try_recv().is_err(), "an answer is told by who asked, not here");
}

#[tokio::test]
async fn only_as_many_windows_as_are_lacking_whoever_asks() {
    let (host, mut told) = host().await;
    host.promote().await.expect("the pool is full");
    next(&mut told).await;
    let (first, second) = tokio::join!(host.spawn(Place::Pool, "first"), host.spawn(Place::Pool, "second"));
    assert_eq!((first.is_ok(), second), (true, Err(Refusal::PoolFull)));
}

#[tokio::test]
async fn a_busy_window_is_closed_in_a_rollback_only() {
    let (host, mut told) = host().await;
    let label = host.promote().await.expect("the pool is full");
    next(&mut told).await;
    host.type_in(&label, "sleep 1000\n".into()).await.expect("it is there");
    until(&host, "the program runs", |state| is_busy(state, &label)).await;
    let shells = host.panes(&label).iter().map(|pane| pane.shell()).collect::<Vec<_>>();

    assert_eq!(host.close(&label, Mode::Forward), Err(Refusal::Busy));
    assert_eq!(host.reap(&label).await, Err(Refusal::StillOpen));
    assert_eq!(host.close(&label, Mode::Compensation), Ok(()));
    assert_eq!(next(&mut told).await, Event::WindowClosed { label: label.clone(), crashed: false });
    host.reap(&label).await.expect("it is closed");
    assert!(!shells.into_iter().any(is_process));
}

#[tokio::test]
async fn a_rollback_closes_what_is_gone() {
    let (host, _told) = host().await;
    let gone = Label::from("w1-of-an-earlier-host");
    assert_eq!(host.close(&gone, Mode::Forward), Err(Refusal::NoSuchWindow));
    assert_eq!(host.close(&gone, Mode::Compensation), Ok(()));
    assert_eq!(host.reap(&gone).await, Ok(()));
}

#[tokio::test]
async fn a_close_ends_jobs_that_ignore_it() {
    let (host, mut told) = host().await;
    let label = host.promote().await.expect("the pool is full");
    next(&mut told).await;
    let input = "(trap '' HUP; sleep 1000 & echo [$!]; wait) &\n";
    host.type_in(&label, input.into()).await.expect("it is there");
    let pane = host.panes(&label).remove(0);
    assert!(tokio::time::timeout(BOUND, pane.shows("]\r\n")).await.expect("the job is there"));
    let job = last_bracketed(&pane.output());
    assert!(is_process(job));
    host.close(&label, Mode::Forward).expect("a job in the background does not keep it open");
    host.reap(&label).await.expect("it is closed");
    assert!(!is_process(pane.shell()));
    // Its parent, the system's first process, reaps the orphan in its own time.
    let begin = Instant::now();
    while is_process(job) && !is_zombie(job) {
        assert!(begin.elapsed() < BOUND);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn last_bracketed(text: &str) -> u32 {
    let number = text.rsplit_once('[').and_then(|(_, rest)| rest.split_once(']')?.0.parse().ok());
    number.expect("a number stands in brackets")
}

fn is_zombie(id: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, fields)| fields.trim_start().starts_with('Z'))
}

#[tokio::test]
async fn a_shell_that_ends_by_itself_is_a_crash() {
    let (host, mut told) = host().await;
    let label = host.promote().await.expect("the pool is full");
    next(&mut told).await;
    host.type_in(&label, "exit\n".into()).await.expect("it is there");
    assert_eq!(next(&mut told).await, Event::WindowClosed { label: label.clone(), crashed: true });
    assert_eq!(host.close(&label, Mode::Forward), Err(Refusal::NoSuchWindow));
}

#[tokio::test]
async fn a_window_stays_while_it_has_a_pane() {
    let (host, mut told) = host().await;
    let label = host.promote().await.expect("the pool is full");
    next(&mut told).await;
    assert_eq!(host.split(&label).await, Ok(2));
    host.type_in(&label, "exit\n".into()).await.expect("it is there");
    until(&host, "one pane is left", |state| window(state, &label).is_some_and(|window| window.panes.len() == 1)).await;
    host.crash(&label).expect("it is there");
    assert_eq!(next(&mut told).await, Event::WindowClosed { label: label.clone(), crashed: true });
    assert_eq!(host.split(&label).await, Err(Refusal::NoSuchWindow));
}

#[tokio::test]
async fn replaces_a_hidden_window_that_crashed() {
    let (host, mut told) = host().await;
    let label = host.state().windows[0].label.clone();
    host.crash(&label).expect("it is there");
    assert_eq!(next(&mut told).await, Event::WindowClosed { label, crashed: true });
    assert!(matches!(next(&mut told).await, Event::PoolWindowAdded { .. }));
    assert_eq!(host.state().windows.len(), 2);
}

#[tokio::test]
async fn refills_the_pool_when_nobody_else_does() {
    let options = HostOptions { patience: Duration::from_millis(50), ..HostOptions::default() };
    let (host, mut told) = host_with(options).await;
    host.promote().await.expect("the pool is full");
    assert!(matches!(next(&mut told).await, Event::PoolWindowPromoted { .. }));
    assert!(matches!(next(&mut told).await, Event::PoolWindowAdded { .. }));
}

#[tokio::test]
async fn drains_the_pool_with_the_last_window_and_fills_it_with_the_next() {
    let (host, mut told) = host().await;
    let label = host.promote().await.expect("the pool is full");
    next(&mut told).await;
    assert!(!host.drain_if_last());
    host.close(&label, Mode::Forward).expect("it is idle");
    next(&mut told).await;
    let shells = shells(&host.state());
    assert!(host.drain_if_last());
    until(&host, "all have ended", |state| state.windows.is_empty() && state.ending.is_empty()).await;
    assert!(!shells.into_iter().any(is_process));

    host.spawn(Place::Desk, "key").await.expect("the user may open a window");
    assert!(matches!(next(&mut told).await, Event::PoolWindowAdded { .. }));
    assert!(matches!(next(&mut told).await, Event::PoolWindowAdded { .. }));
}

#[tokio::test]
async fn a_shell_that_does_not_come_up_is_a_refusal_and_leaves_nothing() {
    for program in ["/bin/false", "/bin/cat", "/no/such/shell"] {
        let shell = Shell { program: program.into(), ready_within: Duration::from_millis(100), ..Shell::default() };
        let (host, mut told) = Host::new(HostOptions { shell, ..HostOptions::default() });
        assert_eq!(host.spawn(Place::Pool, "key").await, Err(Refusal::OutOfMemory), "{program}");
        assert_eq!(host.add().await, Err(Refusal::OutOfMemory), "{program}");
        assert!(host.state().windows.is_empty(), "{program}");
        assert!(told.try_recv().is_err(), "{program}: no window is there, so none is told of");
    }
}

#[tokio::test]
async fn a_request_given_up_half_way_leaves_nothing() {
    let shell = Shell { program: "/bin/cat".into(), ready_within: BOUND, ..Shell::default() };
    let (host, _told) = Host::new(HostOptions { shell, ..HostOptions::default() });
    let asked = tokio::spawn({
        let host = host.clone();
        async move { host.spawn(Place::Pool, "key").await }
    });
    until(&host, "it is on its way", |state| state.windows.len() == 1).await;
    asked.abort();
    until(&host, "it is gone", |state| state.windows.is_empty()).await;
}

#[tokio::test]
async fn nothing_is_made_while_quitting() {
    let (host, mut told) = host().await;
    host.promote().await.expect("the pool is full");
    next(&mut told).await;
    let shells = shells(&host.state());
    host.quit().await;
    assert_eq!(host.spawn(Place::Pool, "key").await, Err(Refusal::Quitting));
    assert_eq!(host.spawn(Place::Desk, "key").await, Err(Refusal::Quitting));
    assert_eq!(host.add().await, Err(Refusal::Quitting));
    assert!(!shells.into_iter().any(is_process));
}

#[tokio::test]
async fn a_host_that_is_dropped_takes_its_shells_with_it() {
    let (host, told) = host().await;
    let shells = shells(&host.state());
    let panicked = tokio::spawn(async move {
        let _host = host;
        panic!("a bug in the host");
    });
    assert!(panicked.await.is_err());
    drop(told);
    let begin = Instant::now();
    while shells.iter().any(|shell| is_process(*shell)) {
        assert!(begin.elapsed() < BOUND);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
