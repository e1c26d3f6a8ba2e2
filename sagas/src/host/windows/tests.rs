use super::*;

type Panes = Windows<&'static str>;

fn windows() -> Panes {
    Windows::new("test", 2)
}

fn asked() -> Origin {
    Origin::Exchange("key".to_owned())
}

/// A host with a full pool: `w1` and `w2`.
fn prewarmed() -> (Panes, Label, Label) {
    let mut windows = windows();
    let [first, second] = ["first", "second"].map(|pane| {
        let label = windows.begin(Place::Pool, Origin::Pool).expect("it is not quitting");
        windows.there(&label, pane).expect("the window is wanted");
        label
    });
    (windows, first, second)
}

fn open(windows: &mut Panes, pane: &'static str) -> Label {
    let label = windows.begin(Place::Desk, asked()).expect("it is not quitting");
    windows.there(&label, pane).expect("the window is wanted");
    label
}

#[test]
fn the_pool_counts_windows_on_their_way() {
    let mut windows = windows();
    assert_eq!(windows.shortage(), 2);
    windows.begin(Place::Pool, asked()).expect("the pool is empty");
    let second = windows.begin(Place::Pool, asked()).expect("one is lacking");
    assert_eq!(windows.shortage(), 0);
    assert_eq!(windows.begin(Place::Pool, asked()), Err(Refusal::PoolFull));
    windows.failed(&second);
    assert_eq!(windows.shortage(), 1);
    windows.begin(Place::Pool, asked()).expect("the place of the failed one is free");
}

#[test]
fn the_user_may_have_more_than_the_pool() {
    let (mut windows, ..) = prewarmed();
    let label = open(&mut windows, "pane");
    assert_eq!(windows.get(&label).map(Window::place), Some(Place::Desk));
    assert_eq!(windows.get(&label).map(Window::origin), Some(&asked()));
}

#[test]
fn what_is_there_has_not_failed() {
    let (mut windows, first, _) = prewarmed();
    windows.failed(&first);
    assert!(windows.get(&first).is_some());
}

#[test]
fn promotes_the_oldest_that_is_there() {
    let (mut windows, first, second) = prewarmed();
    for _ in 0..8 {
        let label = windows.begin(Place::Pool, Origin::Extra).expect("it is not quitting");
        windows.there(&label, "pane").expect("the window is wanted");
    }
    assert_eq!(windows.promote(), Some(first.clone()));
    assert_eq!(windows.promote(), Some(second));
    assert_eq!(windows.get(&first).map(Window::place), Some(Place::Desk));
}

#[test]
fn a_window_on_its_way_is_not_promoted_nor_closed() {
    let mut windows = windows();
    let label = windows.begin(Place::Pool, Origin::Pool).expect("it is not quitting");
    assert_eq!(windows.promote(), None);
    assert_eq!(windows.close(&label, |_| false), Err(Refusal::NoSuchWindow));
    windows.there(&label, "pane").expect("the window is wanted");
    assert_eq!(windows.promote(), Some(label));
}

#[test]
fn a_promote_makes_room_in_the_pool() {
    let (mut windows, ..) = prewarmed();
    assert_eq!(windows.begin(Place::Pool, asked()), Err(Refusal::PoolFull));
    windows.promote().expect("the pool is full");
    assert_eq!(windows.shortage(), 1);
    windows.begin(Place::Pool, asked()).expect("there is room");
}

#[test]
fn an_extra_window_is_none_of_the_pools() {
    let (mut windows, ..) = prewarmed();
    let extra = windows.begin(Place::Pool, Origin::Extra).expect("it is beside the pool");
    windows.there(&extra, "extra").expect("the window is wanted");
    windows.promote().expect("the pool is full");
    assert_eq!(windows.shortage(), 1);
    windows.begin(Place::Pool, asked()).expect("the extra one does not count");
    windows.promote().expect("one is left");
    assert_eq!(windows.promote(), Some(extra), "but it is hidden, and can be promoted");
    assert_eq!(windows.shortage(), 1);
}

#[test]
fn a_close_hands_back_all_panes() {
    let (mut windows, ..) = prewarmed();
    let label = open(&mut windows, "left");
    windows.there(&label, "right").expect("the window is there");
    assert_eq!(windows.close(&label, |_| false), Ok(vec!["left", "right"]));
    assert_eq!(windows.close(&label, |_| false), Err(Refusal::NoSuchWindow));
}

#[test]
fn one_busy_pane_keeps_a_window_open() {
    let mut windows = windows();
    let label = open(&mut windows, "idle");
    windows.there(&label, "busy").expect("the window is there");
    assert_eq!(windows.close(&label, |pane| *pane == "busy"), Err(Refusal::Busy));
    assert_eq!(windows.get(&label).map(|window| window.panes().len()), Some(2));
}

#[test]
fn a_window_crashes_with_its_last_pane() {
    let mut windows = windows();
    let label = open(&mut windows, "left");
    let right = windows.there(&label, "right").expect("the window is there");
    assert_eq!(windows.pane_ended(&label, 1), PaneEnd::Others("left"));
    assert_eq!(windows.pane_ended(&label, 1), PaneEnd::Known);
    assert_eq!(windows.pane_ended(&label, right), PaneEnd::Crashed(Place::Desk, "right"));
    assert_eq!(windows.pane_ended(&label, right), PaneEnd::Known);
}

#[test]
fn a_pane_of_a_closed_window_does_not_crash_it() {
    let mut windows = windows();
    let label = open(&mut windows, "pane");
    windows.close(&label, |_| false).expect("it is idle");
    assert_eq!(windows.pane_ended(&label, 1), PaneEnd::Known);
}

#[test]
fn a_crash_in_the_pool_is_a_shortage() {
    let (mut windows, first, _) = prewarmed();
    assert_eq!(windows.pane_ended(&first, 1), PaneEnd::Crashed(Place::Pool, "first"));
    assert_eq!(windows.shortage(), 1);
}

#[test]
fn the_pool_is_drained_with_the_last_window_only() {
    let (mut windows, _, second) = prewarmed();
    let (shown, other) = (windows.promote().expect("the pool is full"), open(&mut windows, "other"));
    windows.close(&shown, |_| false).expect("it is idle");
    assert_eq!(windows.drain_if_last(), Drain::NotLast);
    windows.close(&other, |_| false).expect("it is idle");
    assert_eq!(windows.drain_if_last(), Drain::Drained(vec![(second, vec!["second"])]));
    assert_eq!(windows.iter().count(), 0);
}

#[test]
fn a_window_of_the_user_on_its_way_keeps_the_pool() {
    let (mut windows, ..) = prewarmed();
    windows.begin(Place::Desk, asked()).expect("it is not quitting");
    assert_eq!(windows.drain_if_last(), Drain::NotLast);
}

#[test]
fn a_drained_pool_stays_so_until_a_window_is_made() {
    let (mut windows, ..) = prewarmed();
    windows.promote().expect("the pool is full");
    windows.close(&Label::from("w1-test"), |_| false).expect("it is idle");
    let on_its_way = windows.begin(Place::Pool, asked()).expect("there is room");
    windows.drain_if_last();
    assert_eq!(windows.there(&on_its_way, "late"), Err("late"));
    assert_eq!(windows.no_more(), Refusal::PoolFull);
    assert_eq!(windows.begin(Place::Pool, asked()), Err(Refusal::PoolFull));
    assert_eq!(windows.shortage(), 0);
    open(&mut windows, "pane");
    assert_eq!(windows.shortage(), 2);
}

#[test]
fn a_quitting_host_makes_nothing_and_keeps_nothing() {
    let (mut windows, first, second) = prewarmed();
    let on_its_way = windows.begin(Place::Desk, asked()).expect("it is not quitting yet");
    let left = [(first, vec!["first"]), (second, vec!["second"]), (on_its_way.clone(), vec![])];
    assert_eq!(windows.quit(), left);
    assert_eq!(windows.there(&on_its_way, "late"), Err("late"));
    assert_eq!(windows.no_more(), Refusal::Quitting);
    assert_eq!(windows.begin(Place::Pool, asked()), Err(Refusal::Quitting));
    assert_eq!(windows.begin(Place::Desk, asked()), Err(Refusal::Quitting));
    assert_eq!(windows.begin(Place::Pool, Origin::Pool), Err(Refusal::Quitting));
    assert_eq!(windows.shortage(), 0);
}

#[test]
fn labels_of_two_hosts_differ() {
    let mut other = Windows::<()>::new("other", 2);
    assert_ne!(windows().begin(Place::Pool, Origin::Pool), other.begin(Place::Pool, Origin::Pool));
}
