//! `completions` and `man`: that a shell takes them, and that they tell of the whole command line.

use super::*;

/// A program with a command of its own beside the mounted ones.
fn whole(home: &Home) -> Home {
    let command = home.cli.mount(Command::new("agentmux")).subcommand(Command::new("demo").about("Show it"));
    Home { cli: home.cli.clone().whole(command), ..Home::new() }
}

fn script(home: &Home, shell: clap_complete::Shell) -> String {
    let mut command = home.cli.whole.clone().expect("it was given");
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "agentmux", &mut script);
    String::from_utf8(script).expect("text")
}

#[tokio::test]
async fn every_shell_has_its_completions() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert_eq!(home.exit(&["completions", shell]).await, Ok(Exit::Done));
        assert_eq!(whole(&home).exit(&["completions", shell, "--json"]).await, Ok(Exit::Done));
    }
    assert_eq!(home.matches(&["completions", "cmd"]).expect_err("no such shell").exit_code(), 2);
}

/// Asks bash itself what it would complete.
#[test]
fn bash_completes_commands_names_and_values() {
    let home = whole(&Home::new());
    let script = script(&home, clap_complete::Shell::Bash);
    let complete = |words: &[&str]| {
        let last = words.len() - 1;
        let ask = format!(
            "{script}\nCOMP_WORDS=({}); COMP_CWORD={last}\n_agentmux agentmux \"${{COMP_WORDS[{last}]}}\" \"${{COMP_WORDS[{last}-1]}}\"\n\
             echo \"${{COMPREPLY[@]}}\"",
            words.iter().map(|word| format!("'{word}' ")).collect::<String>()
        );
        let told = std::process::Command::new("bash").args(["--norc", "-c", &ask]).output().expect("there is a bash");
        String::from_utf8(told.stdout).expect("text").trim().to_owned()
    };
    assert_eq!(complete(&["agentmux", "pru"]), "prune");
    assert_eq!(complete(&["agentmux", "dem"]), "demo");
    assert_eq!(complete(&["agentmux", "start", "rep"]), "replace_window");
    assert_eq!(complete(&["agentmux", "prune", "--name", "rep"]), "replace_window");
    assert_eq!(complete(&["agentmux", "prune", "--status", "com"]), "completed compensated");
    assert_eq!(complete(&["agentmux", "list", "--status", "stu"]), "stuck");
    assert!(home.matches(&["list", "--name", "of_another_program"]).is_ok(), "other names are taken too");
}

#[tokio::test]
async fn there_is_a_page_for_every_command() {
    let home = whole(&Home::new());
    assert_eq!(home.exit(&["man"]).await, Ok(Exit::Done));
    let pages = home.directory.path().join("man/man1");
    let into = pages.to_str().expect("UTF-8");
    assert_eq!(home.exit(&["man", "--into", into]).await, Ok(Exit::Done));
    let page = |name: &str| std::fs::read_to_string(pages.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    for command in home.cli.commands() {
        let name = command.get_name();
        let page = page(&format!("agentmux-{name}.1"));
        assert!(
            page.contains(&format!(".TH agentmux-{name} 1  agentmux"))
                && page.contains("\n.SH EXAMPLES\n.nf\n  agentmux "),
            "{page}"
        );
    }
    let program = page("agentmux.1");
    assert!(program.contains("agentmux\\-demo(1)") && program.contains("agentmux\\-prune(1)"), "{program}");
    let file = home.directory.path().join("file");
    std::fs::write(&file, "").expect("a file");
    let error = home.exit(&["man", "--into", file.to_str().expect("UTF-8")]).await.expect_err("no directory");
    assert!(error.starts_with(&format!("cannot write into {}", file.display())), "{error}");
}
