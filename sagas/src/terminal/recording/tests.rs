use super::super::events::SessionEvent;
use super::*;

const LINE: &str = r"\. /proc/1/fd/5";

fn begun(marker: Marker) -> String {
    Sentinel { marker, sign: Sign::Begun }.to_string()
}

fn ended(marker: Marker, status: u8) -> String {
    Sentinel { marker, sign: Sign::Ended(status) }.to_string()
}

/// Markers in order, as if drawn.
fn drawing(numbers: impl IntoIterator<Item = u64>) -> impl FnMut() -> Marker {
    let mut numbers = numbers.into_iter();
    move || Marker(numbers.next().expect("there is one more"))
}

fn registered(recording: &mut Recording, number: u64) -> Marker {
    recording.register(drawing([number])).expect("there is room")
}

/// A session in which one command is typed, and begun with.
fn running() -> (Recording, Marker) {
    let mut recording = Recording::default();
    recording.hear(b"agentmux$ ");
    let marker = registered(&mut recording, 1);
    assert!(recording.typed(marker, LINE, "make"));
    recording.hear(format!("{LINE}\r\n{}", begun(marker)).as_bytes());
    (recording, marker)
}

fn texts(recording: &Recording) -> Vec<String> {
    let text = |numbered: Numbered| match numbered.event {
        SessionEvent::InputRun { command } => format!("> {command}"),
        SessionEvent::Output { text } => text,
        SessionEvent::RunComplete { run, status } => format!("run {run}: {status}"),
        SessionEvent::Exit => "exit".to_owned(),
    };
    recording.events().into_iter().map(text).collect()
}

fn complete(sequence: u64, status: u8) -> Option<RunEnd> {
    Some(RunEnd::Completed { sequence, status })
}

#[test]
fn output_keeps_its_side_of_the_end_within_one_chunk() {
    let (mut recording, marker) = running();
    recording.hear(format!("before{}after", ended(marker, 3)).as_bytes());
    assert_eq!(texts(&recording), ["agentmux$ ", "> make", "before", "run 2: 3", "after"]);
    assert_eq!(recording.end_of(marker), complete(4, 3));
    assert_eq!(recording.latest(), b"agentmux$ beforeafter");
}

#[test]
fn a_script_of_bytes_is_recorded_the_same_in_any_chunks() {
    let [first, second, other] = [1, 2, 9].map(Marker);
    let script = format!(
        "{LINE}\r\nagentmux$ {LINE}\r\n{}one\x1b[1m{}{LINE}\r\n{}two{}{}agentmux$ {LINE}2\r\n{}three\x1b]7717;{}agentmux$ ",
        begun(first),
        ended(other, 0),
        begun(first),
        ended(first, 0),
        ended(first, 0),
        begun(second),
        ended(second, 255),
    );
    let record = |chunks: Vec<&[u8]>| {
        let mut recording = Recording::default();
        for (number, line) in [(1, LINE.to_owned()), (2, format!("{LINE}2"))] {
            let marker = registered(&mut recording, number);
            assert!(recording.typed(marker, &line, "make"));
        }
        chunks.into_iter().for_each(|chunk| recording.hear(chunk));
        recording.exit();
        texts(&recording)
    };
    let whole = record(vec![script.as_bytes()]);
    let expected = [
        "> make".to_owned(),
        "> make".to_owned(),
        "agentmux$ ".to_owned(),
        format!("one\x1b[1m{}{LINE}\r\n{}two", ended(other, 0), begun(first)),
        "run 1: 0".to_owned(),
        format!("{}agentmux$ ", ended(first, 0)),
        "three\x1b]7717;".to_owned(),
        "run 2: 255".to_owned(),
        "agentmux$ ".to_owned(),
        "exit".to_owned(),
    ];
    assert_eq!(whole, expected);
    for split in 0..=script.len() {
        let (before, after) = script.as_bytes().split_at(split);
        assert_eq!(record(vec![before, after]), whole, "split at {split}");
    }
    let mut random = fastrand::Rng::with_seed(3);
    for _ in 0..300 {
        let size = random.usize(1..30);
        assert_eq!(record(script.as_bytes().chunks(size).collect()), whole, "chunks of {size}");
    }
}

#[test]
fn what_is_kept_back_at_the_exit_is_output_before_it() {
    let (mut recording, marker) = running();
    let torn = &ended(marker, 0)[..12];
    recording.hear(format!("last words{torn}").as_bytes());
    assert_eq!(texts(&recording).last().map(String::as_str), Some("last words"));
    recording.exit();
    recording.hear(b"too late");
    recording.exit();
    assert_eq!(texts(&recording), ["agentmux$ ", "> make", &format!("last words{torn}"), "exit"]);
    assert_eq!(recording.end_of(marker), Some(RunEnd::SessionExited));
    assert_eq!(recording.register(drawing([2])), Err(RunRefused::Exited));
}

#[test]
fn an_echo_that_is_kept_back_at_the_exit_is_output_before_it() {
    let mut recording = Recording::default();
    let marker = registered(&mut recording, 1);
    assert!(recording.typed(marker, LINE, "make"));
    recording.hear(&LINE.as_bytes()[..5]);
    recording.exit();
    assert_eq!(texts(&recording), ["> make", &LINE[..5], "exit"]);
}

#[test]
fn a_marker_in_flight_is_not_given_again() {
    let mut recording = Recording::default();
    let [first, second] = [1, 1].map(|_| recording.register(drawing([5, 5, 6])).expect("there is room"));
    assert_eq!((first, second), (Marker(5), Marker(6)));
}

#[test]
fn not_more_runs_are_in_flight_than_that() {
    let mut recording = Recording::default();
    for number in 0..MOST_RUNS as u64 {
        registered(&mut recording, number);
    }
    assert_eq!(recording.register(drawing([1000])), Err(RunRefused::TooMany));
    recording.let_go(Marker(0));
    registered(&mut recording, 1000);
}

#[test]
fn one_is_typed_after_another_has_ended() {
    let (mut recording, first) = running();
    let [second, third] = [2, 3].map(|number| registered(&mut recording, number));
    assert!(!recording.is_up(second) && !recording.is_up(third));
    recording.hear(ended(first, 0).as_bytes());
    assert!(recording.is_up(second) && !recording.is_up(third));
    assert!(recording.typed(second, LINE, "second"));
    assert!(!recording.typed(second, LINE, "second"), "once only");
    assert!(!recording.is_up(third));
}

#[test]
fn one_with_which_the_shell_does_not_begin_holds_up_the_others_no_longer_than_said() {
    let mut recording = Recording::default();
    let [first, second] = [1, 2].map(|number| registered(&mut recording, number));
    assert!(recording.typed(first, LINE, "first"));
    assert!(recording.is_awaiting_shell(first) && !recording.is_up(second));
    recording.pass_over(first);
    assert!(recording.is_up(second));
    recording.hear(format!("{}{}", begun(first), ended(first, 0)).as_bytes());
    assert_eq!(recording.end_of(first), complete(2, 0));
}

#[test]
fn a_run_that_nobody_waits_for_is_recorded_nevertheless_and_leaves_nothing() {
    let (mut recording, marker) = running();
    recording.let_go(marker);
    recording.hear(ended(marker, 1).as_bytes());
    assert_eq!(texts(&recording).last().map(String::as_str), Some("run 2: 1"));
    assert!(recording.is_idle() && recording.ended.is_empty());
}

#[test]
fn one_that_was_never_typed_is_gone_with_its_owner() {
    let (mut recording, first) = running();
    let [second, third] = [2, 3].map(|number| registered(&mut recording, number));
    recording.let_go(second);
    recording.hear(ended(first, 0).as_bytes());
    assert!(recording.is_up(third));
    assert!(!recording.typed(second, LINE, "second"));
}

#[test]
fn an_interrupted_run_ends_when_the_prompt_is_back() {
    for size in 1..20 {
        let (mut recording, marker) = running();
        recording.hear(b"agentmux$ is not the prompt here");
        recording.interrupt();
        for chunk in b"^C\r\nagentmux$ and more".chunks(size) {
            recording.hear(chunk);
        }
        let expected =
            ["agentmux$ ", "> make", "agentmux$ is not the prompt here^C\r\nagentmux$ ", "run 2: 130", "and more"];
        assert_eq!(texts(&recording), expected, "in chunks of {size}");
        assert_eq!(recording.end_of(marker), complete(4, 130));
    }
}

#[test]
fn an_interrupted_run_that_ends_after_all_leaves_no_sentinel() {
    let (mut recording, marker) = running();
    recording.interrupt();
    recording.hear(b"^C\r\nagentmux$ ");
    recording.hear(format!("a shell in the shell{}agentmux$ ", ended(marker, 0)).as_bytes());
    assert_eq!(texts(&recording)[2..], ["^C\r\nagentmux$ ", "run 2: 130", "a shell in the shellagentmux$ "]);
    assert_eq!(recording.end_of(marker), complete(4, 130), "once only");
}

#[test]
fn an_interrupt_that_the_command_outlives_changes_nothing() {
    let (mut recording, marker) = running();
    recording.interrupt();
    recording.hear(format!("^Cgoes on{}agentmux$ ", ended(marker, 0)).as_bytes());
    assert_eq!(texts(&recording)[2..], ["^Cgoes on", "run 2: 0", "agentmux$ "]);
    recording.interrupt();
    recording.hear(b"^C\r\nagentmux$ ");
    assert_eq!(recording.events().len(), 5, "no run was there to be interrupted");
}

#[test]
fn random_bytes_lose_nothing() {
    let mut random = fastrand::Rng::with_seed(11);
    for _ in 0..500 {
        let mut bytes = vec![0; random.usize(..3000)];
        random.fill(&mut bytes);
        let (mut recording, marker) = running();
        bytes.chunks(random.usize(1..400)).for_each(|chunk| recording.hear(chunk));
        recording.hear(ended(marker, 0).as_bytes());
        assert_eq!(recording.latest()[PROMPT.len()..], bytes);
        assert!(matches!(recording.end_of(marker), Some(RunEnd::Completed { .. })));
    }
}
