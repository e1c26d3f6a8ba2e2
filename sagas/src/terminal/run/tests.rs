mod keyboard;

use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use super::*;
use crate::terminal::{Numbered, PROMPT, SessionEvent, Shell};

/// Longer than anything here takes on a slow machine; no test waits for it to pass.
const BOUND: Duration = Duration::from_secs(20);

/// The shells in which commands must run.
const SHELLS: [&str; 2] = ["/bin/sh", "/bin/bash"];

async fn open(program: &str) -> Arc<Terminal> {
    let shell = Shell { program: program.into(), ready_within: BOUND, ..Shell::default() };
    Arc::new(Terminal::open(&shell).await.unwrap_or_else(|error| panic!("{program}: {error}")))
}

async fn end_of(run: Run) -> RunEnd {
    tokio::time::timeout(BOUND, run.finished()).await.expect("it ends")
}

/// Runs a command to its end; gives its status.
async fn run(terminal: &Arc<Terminal>, command: &str) -> u8 {
    match end_of(terminal.run(command).expect("the session takes it")).await {
        RunEnd::Completed { status, .. } => status,
        RunEnd::SessionExited => panic!("the session ended in {command}"),
    }
}

/// What a command shows, and its status.
async fn output_of(terminal: &Arc<Terminal>, command: &str) -> (String, u8) {
    let before = terminal.log().events().last().map_or(0, |event| event.number);
    let status = run(terminal, command).await;
    let events = terminal.log().events().into_iter().filter(|event| event.number > before);
    let during = events.skip_while(|event| !matches!(event.event, SessionEvent::InputRun { .. })).skip(1);
    let during = during.take_while(|event| !matches!(event.event, SessionEvent::RunComplete { .. }));
    let text = |event: Numbered| match event.event {
        SessionEvent::Output { text } => text,
        other => panic!("nothing but output comes before the end of {command}: {other:?}"),
    };
    let text: String = during.map(text).collect();
    // A shell may be slower with its prompt than a command is typed after the one before.
    (text.trim_start_matches(PROMPT).replace("\r\n", "\n"), status)
}

async fn until(what: &str, terminal: &Terminal, holds: impl Fn(&Recording) -> bool) {
    let mut recording = terminal.recording.subscribe();
    let held = tokio::time::timeout(BOUND, recording.wait_for(holds)).await;
    held.unwrap_or_else(|_| panic!("{what}: {:?}", terminal.log().events())).expect("the terminal is there");
}

/// Waits until the shell is at a run.
async fn until_begun(terminal: &Terminal) {
    until("it is begun with", terminal, Recording::is_begun).await;
}

/// Waits until the text is shown.
async fn shown(terminal: &Terminal, text: &str) {
    until(text, terminal, |recording| recording.shows(text)).await;
}

/// Waits until a program other than the shell has the terminal, or none: nothing tells when that changes.
async fn until_busy(terminal: &Terminal, busy: bool) {
    let begin = Instant::now();
    while terminal.is_busy() != busy {
        assert!(begin.elapsed() < BOUND);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Nothing of what makes a run shows in what is recorded.
fn assert_clean(terminal: &Terminal) {
    let shown = terminal.output();
    for trace in ["7717", "/proc/", r"\.", "printf", "__r"] {
        assert!(!shown.contains(trace), "{trace} shows in {shown:?}");
    }
}

#[tokio::test]
async fn a_command_ends_with_its_status_and_its_output_only() {
    for shell in SHELLS {
        let terminal = open(shell).await;
        for (command, output, status) in [
            ("echo hello", "hello\n", 0),
            ("printf 'no end of line'", "no end of line", 0),
            ("false", "", 1),
            ("(exit 255)", "", 255),
            ("", "", 0),
            ("# nothing but a comment", "", 0),
            ("return 3", "", 3),
            ("echo one\necho two\n\n", "one\ntwo\n", 0),
            ("for i in 1 2\ndo echo $i\ndone", "1\n2\n", 0),
            ("cat <<'END'\n$HOME \"and\" 'quotes'\nEND", "$HOME \"and\" 'quotes'\n", 0),
            (r#"echo "it's" \$HOME '`'; echo !! \\"#, "it's $HOME `\n!! \\\n", 0),
            ("printf 'a\\tb\tc'", "a\tb\tc", 0),
            ("echo to the error output >&2", "to the error output\n", 0),
        ] {
            let (shown, ended) = output_of(&terminal, command).await;
            assert_eq!((shown.as_str(), ended), (output, status), "{shell}: {command}");
        }
        until("the prompt is shown", &terminal, |recording| recording.latest().ends_with(PROMPT.as_bytes())).await;
        assert_clean(&terminal);
    }
}

#[tokio::test]
async fn what_is_no_command_ends_too() {
    for shell in SHELLS {
        let terminal = open(shell).await;
        for command in
            ["if", "echo 'left open", "echo \"left open", "echo `", "cat <<END", ")", ": ${", "while", "{", "&&"]
        {
            let (shown, status) = output_of(&terminal, command).await;
            assert!(status == 2 || command.starts_with("cat"), "{shell}: {command}: {status}: {shown}");
        }
        for command in ["no_such_command_at_all", "${nobody?said so}", "set -u; echo $nobody", "readonly no=1; no=2"] {
            let (shown, status) = output_of(&terminal, command).await;
            assert!(status != 0 && !shown.is_empty(), "{shell}: {command}: {status}: {shown}");
        }
        assert_eq!(output_of(&terminal, "set +u; echo fine").await, ("fine\n".to_owned(), 0), "{shell}");
    }
}

#[tokio::test]
async fn what_a_command_changes_stays() {
    for shell in SHELLS {
        let terminal = open(shell).await;
        assert_eq!(run(&terminal, "cd /; variable='two words'; greet() { echo \"hello $1\"; return 4; }").await, 0);
        assert_eq!(output_of(&terminal, "echo $PWD $variable").await, ("/ two words\n".to_owned(), 0), "{shell}");
        assert_eq!(output_of(&terminal, "greet you").await, ("hello you\n".to_owned(), 4), "{shell}");
        assert_eq!(output_of(&terminal, "echo $?").await, ("4\n".to_owned(), 0), "{shell}: the last status too");
        assert_eq!(output_of(&terminal, "set | grep __r=").await, (String::new(), 1), "{shell}: nothing is left");
        run(&terminal, "alias command=false printf=false eval=false unset=false .=false; printf() { :; }").await;
        run(&terminal, "set -o noclobber; exec 5>&1 >/dev/null").await;
        assert_eq!(output_of(&terminal, "echo hidden").await, (String::new(), 0), "{shell}");
        run(&terminal, "exec >&5").await;
        assert_eq!(output_of(&terminal, "echo shown").await, ("shown\n".to_owned(), 0), "{shell}");
    }
}

#[tokio::test]
async fn several_in_flight_run_one_after_another() {
    for shell in SHELLS {
        let terminal = open(shell).await;
        let runs: Vec<_> =
            (0..10).map(|number| terminal.run(&format!("echo run {number}")).expect("the session takes it")).collect();
        let runs: Vec<_> = runs.into_iter().map(|run| tokio::spawn(end_of(run))).collect();
        let mut sequences = Vec::new();
        for run in runs {
            let RunEnd::Completed { sequence, .. } = run.await.expect("nothing panics") else { panic!("{shell}") };
            sequences.push(sequence);
        }
        assert!(sequences.is_sorted(), "{shell}: {sequences:?}");
        let log = terminal.log().events();
        for (number, sequence) in sequences.into_iter().enumerate() {
            let at = log.iter().position(|event| event.number == sequence).expect("it is kept");
            assert!(matches!(log[at].event, SessionEvent::RunComplete { status: 0, .. }), "{shell}: {:?}", log[at]);
            let SessionEvent::Output { text } = &log[at - 1].event else { panic!("{shell}: {log:?}") };
            assert_eq!(text, &format!("run {number}\r\n"), "{shell}");
            // A shell may be slower with its prompt than a command is typed after the one before.
            let before = log[..at - 1].iter().rev().find(|event| !matches!(event.event, SessionEvent::Output { .. }));
            let command = format!("echo run {number}");
            assert_eq!(before.map(|event| &event.event), Some(&SessionEvent::InputRun { command }), "{shell}");
        }
    }
}

#[tokio::test]
async fn a_command_of_any_length_arrives_whole() {
    for shell in SHELLS {
        let terminal = open(shell).await;
        let long = format!("set -- '{}'; echo ${{#1}}", "x".repeat(100_000));
        assert_eq!(output_of(&terminal, &long).await, ("100000\n".to_owned(), 0), "{shell}");
        let wide = format!("echo {}", "w".repeat(80));
        assert_eq!(output_of(&terminal, &wide).await, (format!("{}\n", "w".repeat(80)), 0), "{shell}");
        let many = (0..2000).map(|number| format!("n={number}\n")).collect::<String>() + "echo $n";
        assert_eq!(output_of(&terminal, &many).await, ("1999\n".to_owned(), 0), "{shell}");
    }
}

#[tokio::test]
async fn much_output_of_all_bytes_is_no_end() {
    for shell in SHELLS {
        let terminal = open(shell).await;
        assert_eq!(run(&terminal, "head -c 300000 /dev/urandom").await, 0, "{shell}");
        let like = r"printf '\033]7717;0123456789abcdef;0\007 \033]7717;'";
        let (shown, status) = output_of(&terminal, like).await;
        assert_eq!((shown.as_str(), status), ("\x1b]7717;0123456789abcdef;0\x07 \x1b]7717;", 0), "{shell}");
    }
}

#[tokio::test]
async fn a_narrow_terminal_and_a_long_prompt_are_no_hindrance() {
    for shell in SHELLS {
        let terminal = open(shell).await;
        run(&terminal, "stty cols 20").await;
        assert_eq!(output_of(&terminal, "echo narrow").await.1, 0, "{shell}");
        assert_eq!(output_of(&terminal, "echo narrower; stty cols 12").await.1, 0, "{shell}");
        run(
            &terminal,
            "stty cols 80; PS1='a prompt that takes nearly all of a line, as they do where paths are long: $ '",
        )
        .await;
        assert_eq!(output_of(&terminal, "echo long").await.1, 0, "{shell}");
        run(&terminal, "PS1='two\nlines$ '; stty -echo").await;
        assert_eq!(output_of(&terminal, "echo no echo").await.1, 0, "{shell}");
        assert_clean(&terminal);
    }
}

#[tokio::test]
async fn the_end_of_the_session_is_the_end_of_all_runs_in_it() {
    for shell in SHELLS {
        let terminal = open(shell).await;
        let first = terminal.run("printf 'last words'; exit 3").expect("the session takes it");
        let second = terminal.run("echo never").expect("the session takes it");
        let (first, second) = tokio::join!(end_of(first), end_of(second));
        assert_eq!([first, second], [RunEnd::SessionExited; 2], "{shell}");
        let events: Vec<_> = terminal.log().events().into_iter().rev().map(|event| event.event).take(3).collect();
        let SessionEvent::Output { text } = &events[1] else { panic!("{shell}: {events:?}") };
        assert_eq!((&events[0], text.starts_with("last words")), (&SessionEvent::Exit, true), "{shell}: {events:?}");
        assert!(matches!(&events[2], SessionEvent::InputRun { command } if command.starts_with("printf")), "{shell}");
        assert!(matches!(terminal.run("echo never"), Err(RunRefused::Exited)), "{shell}");
    }
}

#[tokio::test]
async fn a_killed_shell_ends_its_runs() {
    for shell in SHELLS {
        let terminal = open(shell).await;
        let run = tokio::spawn(end_of(terminal.run("sleep 1000").expect("the session takes it")));
        until_begun(&terminal).await;
        terminal.kill_shell();
        assert_eq!(run.await.expect("nothing panics"), RunEnd::SessionExited, "{shell}");
    }
}

#[tokio::test]
async fn a_terminal_that_is_dropped_ends_its_runs() {
    let terminal = open("/bin/sh").await;
    let log = terminal.log();
    let run = tokio::spawn(end_of(terminal.run("sleep 1000").expect("the session takes it")));
    until_begun(&terminal).await;
    drop(terminal);
    assert_eq!(run.await.expect("nothing panics"), RunEnd::SessionExited);
    assert_eq!(log.events().last().map(|event| event.event.clone()), Some(SessionEvent::Exit));
}

#[tokio::test]
async fn a_shell_that_does_not_answer_is_waited_for() {
    for shell in SHELLS {
        let terminal = open(shell).await;
        let pid = Pid::from_raw(terminal.shell().cast_signed()).expect("it has one");
        kill_process(pid, Signal::STOP).expect("it is ours");
        let mut run = Box::pin(terminal.run("echo late").expect("the session takes it").finished());
        let typed = until("it is typed", &terminal, |recording| recording.events().len() > 1);
        tokio::select! {
            _ = &mut run => panic!("{shell}: it is stopped"),
            () = typed => {}
        }
        kill_process(pid, Signal::CONT).expect("it is ours");
        let end = tokio::time::timeout(BOUND, run).await.expect("it ends");
        assert!(matches!(end, RunEnd::Completed { status: 0, .. }), "{shell}: {end:?}");
        assert!(terminal.output().contains("late\r\n"), "{shell}");
        assert_clean(&terminal);
    }
}

#[tokio::test]
async fn a_shell_that_is_another_program_now_holds_up_nobody_but_itself() {
    for shell in SHELLS {
        let (terminal, other) = (open(shell).await, open(shell).await);
        let gone = terminal.run("printf gone; exec sleep 1000").expect("the session takes it");
        let gone = tokio::spawn(end_of(gone));
        until("it runs", &terminal, |recording| recording.latest().ends_with(b"gone")).await;
        assert_eq!(run(&other, "echo fine").await, 0, "{shell}");
        terminal.end().await;
        assert_eq!(gone.await.expect("nothing panics"), RunEnd::SessionExited, "{shell}");
    }
}

#[tokio::test]
async fn one_whose_owner_leaves_is_recorded_to_its_end() {
    let terminal = open("/bin/sh").await;
    let run = tokio::spawn(terminal.run("printf started; read line; echo $line").expect("it is free").finished());
    until("it runs", &terminal, |recording| recording.latest().ends_with(b"started")).await;
    run.abort();
    assert!(run.await.is_err());
    terminal.type_in("and ended\n").expect("the terminal is there");
    until("it ends", &terminal, Recording::is_idle).await;
    let events = terminal.log().events();
    assert!(events.iter().any(|event| event.event == SessionEvent::RunComplete { run: 2, status: 0 }), "{events:?}");
}

#[tokio::test]
async fn files_are_given_back() {
    let terminal = open("/bin/sh").await;
    for _ in 0..20 {
        assert_eq!(run(&terminal, "true").await, 0);
    }
    let files = std::fs::read_dir(format!("/proc/{}/fd", terminal.shell())).expect("it runs");
    let files: Vec<_> = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok()).collect();
    let is_run = |file: &std::path::PathBuf| file.to_string_lossy().contains("waited-run");
    assert!(!files.iter().any(is_run), "{files:?}");
}
