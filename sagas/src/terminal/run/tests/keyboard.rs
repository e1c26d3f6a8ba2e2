//! What the user types meanwhile.

use super::*;

#[tokio::test]
async fn what_reads_its_standard_input_gets_what_is_typed_and_nothing_else() {
    for shell in SHELLS {
        let terminal = open(shell).await;
        let cat = terminal.run("cat; echo end of input").expect("the session takes it");
        let next = terminal.run("echo next").expect("the session takes it");
        let both = tokio::spawn(async move { tokio::join!(end_of(cat), end_of(next)) });
        until_begun(&terminal).await;
        terminal.type_in("typed\n").expect("the terminal is there");
        shown(&terminal, "typed\r\ntyped\r\n").await;
        terminal.type_in("\x04").expect("the terminal is there");
        let (cat, next) = both.await.expect("nothing panics");
        assert!(matches!(cat, RunEnd::Completed { status: 0, .. }), "{shell}: {cat:?}");
        assert!(matches!(next, RunEnd::Completed { status: 0, .. }), "{shell}: {next:?}");
        let shown = terminal.output();
        assert!(shown.contains("typed\r\ntyped\r\nend of input\r\n"), "{shell}: {shown:?}");
        assert!(shown.contains("next\r\n"), "{shell}: {shown:?}");
        assert_clean(&terminal);
    }
}

#[tokio::test]
async fn what_was_typed_and_not_entered_is_no_part_of_a_command() {
    for shell in SHELLS {
        let terminal = open(shell).await;
        terminal.type_in("ech").expect("the terminal is there");
        shown(&terminal, "ech").await;
        assert_eq!(output_of(&terminal, "echo clean").await.1, 0, "{shell}");
        assert!(terminal.output().contains("clean\r\n"), "{shell}");
        assert_clean(&terminal);
    }
}

#[tokio::test]
async fn nothing_is_typed_into_a_program_that_the_user_runs() {
    for shell in SHELLS {
        let terminal = open(shell).await;
        terminal.type_in("cat\n").expect("the terminal is there");
        until_busy(&terminal, true).await;
        assert!(matches!(terminal.run("echo hello"), Err(RunRefused::Busy)), "{shell}");
        terminal.type_in("\x04").expect("the terminal is there");
        until_busy(&terminal, false).await;
        assert_eq!(run(&terminal, "echo hello").await, 0, "{shell}");
    }
}

#[tokio::test]
async fn one_that_the_user_interrupts_ends_and_the_next_runs() {
    for shell in SHELLS {
        let terminal = open(shell).await;
        for command in ["sh -c 'printf started; exec sleep 1000'", "printf started; while :; do :; done"] {
            let interrupted = terminal.run(command).expect("the session takes it");
            let next = terminal.run("echo next").expect("the session takes it");
            let both = tokio::spawn(async move { tokio::join!(end_of(interrupted), end_of(next)) });
            until("it runs", &terminal, |recording| recording.latest().ends_with(b"started")).await;
            terminal.type_in("\x03").expect("the terminal is there");
            let (interrupted, next) =
                both.await.unwrap_or_else(|error| panic!("{shell}: {command}: {error}: {:?}", terminal.log().events()));
            assert!(matches!(interrupted, RunEnd::Completed { status: 130, .. }), "{shell}: {interrupted:?}");
            assert!(matches!(next, RunEnd::Completed { status: 0, .. }), "{shell}: {next:?}");
        }
        assert_clean(&terminal);
    }
}

#[tokio::test]
async fn one_that_the_user_stops_has_ended_and_can_be_continued() {
    for shell in SHELLS {
        let terminal = open(shell).await;
        let cat = terminal.run("sh -c 'printf started; exec cat'").expect("the session takes it");
        let stopped = tokio::spawn(end_of(cat));
        // Before it, the shell itself may take what is typed.
        shown(&terminal, "started").await;
        terminal.type_in("\x1a").expect("the terminal is there");
        let stopped = stopped.await.expect("nothing panics");
        let RunEnd::Completed { status, .. } = stopped else { panic!("{shell}: {stopped:?}") };
        assert!(status > 128, "{shell}: {status}");
        let continued = tokio::spawn(end_of(terminal.run("fg").expect("the session takes it")));
        until_busy(&terminal, true).await;
        terminal.type_in("typed\n").expect("the terminal is there");
        // By the terminal, and by the program; the shell may say in between what it continues.
        let twice =
            |recording: &Recording| String::from_utf8_lossy(recording.latest()).matches("typed\r\n").count() == 2;
        until("it is read", &terminal, twice).await;
        terminal.type_in("\x04").expect("the terminal is there");
        let continued = continued.await.expect("nothing panics");
        assert!(matches!(continued, RunEnd::Completed { status: 0, .. }), "{shell}: {continued:?}");
    }
}

#[tokio::test]
async fn one_that_is_never_begun_with_holds_up_the_next_for_a_while_only() {
    let terminal = open("/bin/sh").await;
    // The shell takes the next line for the rest of the quotation.
    terminal.type_in("echo 'left open\n").expect("the terminal is there");
    shown(&terminal, "> ").await;
    let swallowed = tokio::spawn(terminal.run("echo swallowed").expect("the session takes it").finished());
    shown(&terminal, "> > ").await;
    terminal.type_in("'\n").expect("the terminal is there");
    shown(&terminal, "'\r\nleft open\r\n").await;
    assert_eq!(run(&terminal, "echo next").await, 0);
    swallowed.abort();
    assert!(swallowed.await.is_err_and(|error| error.is_cancelled()), "nobody knows what became of it");
}
