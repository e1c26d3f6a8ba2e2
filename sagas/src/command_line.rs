//! Which program is to run, with which options: the commands of this binary, and those for operators of any catalogue.
//!
//! Exit codes: 0 it went well, 1 it did not (standard error says why), 2 the command line makes no sense; and those of
//! [`saga_runtime::cli`].

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use saga_runtime::cli::Cli;

use crate::bus::{BlockId, Label, Session, TabId, WorkspaceId};
use crate::catalogue::{self, DEFINITIONS};
use crate::host::control::Wish;
use crate::mark::Mark;
use crate::programs::fleet::Fleet;
use crate::programs::stop::{Owner, Stop};
use crate::programs::{ProgramError, demo, host, keeper, launcher, renderer, srv, up, window, workspace};
use crate::srv::control::Wish as SrvWish;

/// The name of the binary, and of its directory in the runtime directory of a user.
const NAME: &str = "sagas";

/// Runs what the command line says.
pub async fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = Cli::new(NAME).definitions(DEFINITIONS).participants(["host", "srv"]);
    let cli = cli.lock(catalogue::LOCK, catalogue::locked());
    let shown = command(&cli);
    let mut command = shown.clone().subcommand(keeper_command());
    let matches = match command.try_get_matches_from_mut(arguments).and_then(|matches| checked(&mut command, matches)) {
        Ok(matches) => matches,
        Err(error) => {
            // Nobody is left to be told that an output is closed.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let ended = match matches.subcommand() {
        None | Some(("demo", _)) => play().await,
        Some(("up", options)) => run_all(&cli, options).await,
        Some(("launcher", options)) => run_launcher(&cli, options).await,
        Some(("host", options)) => run_host(&cli, options).await,
        Some(("srv", options)) => run_srv(&cli, options).await,
        Some((keeper::NAME, options)) => run_keeper(options).await,
        Some(("renderer", options)) => run_renderer(&cli, options).await,
        Some(("window", options)) => act_on_window(&cli, options).await,
        Some(("workspace", options)) => act_on_workspace(&cli, options).await,
        Some(_) => return cli.whole(shown).run(&matches).await,
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn play() -> Result<(), ProgramError> {
    demo::run(std::env::current_exe()?, &mut Stop::listen(Owner::Nobody)?).await
}

async fn run_all(cli: &Cli, options: &ArgMatches) -> Result<(), ProgramError> {
    let mut stop = stop(options)?;
    let endpoint = cli.endpoint(options)?;
    endpoint.prepare()?;
    up::run(&Fleet::new(std::env::current_exe()?, endpoint.directory()), &mut stop).await
}

async fn run_launcher(cli: &Cli, options: &ArgMatches) -> Result<(), ProgramError> {
    launcher::run(&cli.endpoint(options)?, &mut stop(options)?).await
}

async fn run_host(cli: &Cli, options: &ArgMatches) -> Result<(), ProgramError> {
    let shell = options.get_one::<PathBuf>("shell").cloned().unwrap_or_default();
    host::run(&cli.endpoint(options)?, shell, &mut stop(options)?).await
}

async fn run_srv(cli: &Cli, options: &ArgMatches) -> Result<(), ProgramError> {
    let shell = options.get_one::<PathBuf>("shell").cloned().unwrap_or_default();
    srv::run(&cli.endpoint(options)?, shell, &mut stop(options)?).await
}

async fn run_keeper(options: &ArgMatches) -> Result<(), ProgramError> {
    let text = |name: &str| options.get_one::<String>(name).cloned().unwrap_or_default();
    keeper::run(&Mark::known(text("variable"), text("life"))).await
}

async fn run_renderer(cli: &Cli, options: &ArgMatches) -> Result<(), ProgramError> {
    let how = renderer::Options {
        json: options.get_flag("json"),
        brackets: options.get_flag("brackets"),
        into: options.get_one::<PathBuf>("into").cloned(),
    };
    renderer::run(&cli.endpoint(options)?, how, &mut stop(options)?).await
}

async fn act_on_window(cli: &Cli, options: &ArgMatches) -> Result<(), ProgramError> {
    match options.subcommand() {
        Some((verb, of)) => window::run(&cli.endpoint(of)?, &wish(verb, of), of.get_flag("json")).await,
        None => Err("say what to do with a window; `sagas window --help` shows what there is".into()),
    }
}

async fn act_on_workspace(cli: &Cli, options: &ArgMatches) -> Result<(), ProgramError> {
    match options.subcommand() {
        Some((verb, of)) => workspace::run(&cli.endpoint(of)?, &srv_wish(verb, of), of.get_flag("json")).await,
        None => Err("say what to do with a workspace; `sagas workspace --help` shows what there is".into()),
    }
}

fn command(cli: &Cli) -> Command {
    let command = Command::new(NAME)
        .version(env!("CARGO_PKG_VERSION"))
        .about("A small AgentMux, run by sagas; without a command it shows and checks its main job")
        .after_help("Begin with `sagas up` in one terminal and `sagas tail` in another; then `sagas window promote`, or `sagas workspace new`.");
    cli.mount(command)
        .subcommand(Command::new("demo").about("Show and check the main job, in a directory of its own (the default)"))
        .subcommand(Command::new("up").about("Run launcher, host and srv until stopped").arg(owned()))
        .subcommand(Command::new("launcher").about("Run the launcher alone: it executes the sagas").arg(owned()))
        .subcommand(
            Command::new("host")
                .about("Run the host alone: it owns windows whose panes are shells")
                .arg(owned())
                .arg(shell()),
        )
        .subcommand(
            Command::new("srv")
                .about("Run the srv alone: it owns workspaces whose blocks are shells")
                .arg(owned())
                .arg(shell()),
        )
        .subcommand(renderer_command())
        .subcommand(window_command())
        .subcommand(workspace_command())
}

fn renderer_command() -> Command {
    let brackets = Arg::new("brackets").long("brackets").action(ArgAction::SetTrue);
    let into = Arg::new("into").long("into").value_name("FILE").value_parser(value_parser!(PathBuf));
    Command::new("renderer")
        .about("Run a renderer alone: it watches the sagas")
        .arg(owned())
        .arg(brackets.help("Show all that happened to a saga at once, when it has ended"))
        .arg(into.requires("brackets").help("Append that to a file too, each once, and go on where the file ends"))
}

fn window_command() -> Command {
    let label =
        || Arg::new("label").required(true).value_name("WINDOW").help("Its name, as `sagas window list` shows it");
    let text = Arg::new("text").required(true).value_name("TEXT").help("The line, without its end");
    let session = Arg::new("session")
        .required(true)
        .value_name("WINDOW/PANE")
        .value_parser(value_parser!(Session))
        .help("A pane of a window, the first of which is 1");
    let verb = |name, about| Command::new(name).about(about);
    Command::new("window")
        .about("Do with the windows of a running host what their user would do")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(verb("list", "List the windows"))
        .subcommand(verb("promote", "Show a hidden window"))
        .subcommand(verb("add", "Have the host add a hidden window of its own accord"))
        .subcommand(verb("split", "Open one more pane").arg(label()))
        .subcommand(verb("type", "Type a line").arg(label()).arg(text))
        .subcommand(verb("output", "Print what the window shows").arg(label()))
        .subcommand(
            verb("log", "Print what happened in a pane: commands that were waited for, output, its end").arg(session),
        )
        .subcommand(verb("close", "Close a window").arg(label()))
        .subcommand(verb("crash", "Kill the shells of a window").arg(label()))
}

fn workspace_command() -> Command {
    let number = |name: &'static str, value: &'static str| {
        let number = Arg::new(name).required(true).value_name(value).value_parser(value_parser!(u64));
        number.help("Its number, as `sagas workspace list` shows it")
    };
    let text = Arg::new("text").required(true).value_name("TEXT").help("The line, without its end");
    let verb = |name, about| Command::new(name).about(about);
    Command::new("workspace")
        .about("Do with the workspaces of a running srv what their user would do")
        .after_help("To move, close or delete what is in them, start a saga: `sagas start --help`.")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(verb("list", "List the workspaces, with their tabs and blocks"))
        .subcommand(verb("new", "Make a workspace, with a tab with a block"))
        .subcommand(verb("tab", "Make one more tab, with a block").arg(number("workspace", "WORKSPACE")))
        .subcommand(verb("block", "Make one more block").arg(number("tab", "TAB")))
        .subcommand(verb("type", "Type a line").arg(number("block", "BLOCK")).arg(text))
        .subcommand(verb("output", "Print what the block shows").arg(number("block", "BLOCK")))
        .subcommand(verb("crash", "Kill the shell of a block").arg(number("block", "BLOCK")))
}

/// For the programs that own terminals, not for people.
fn keeper_command() -> Command {
    let text = |name: &'static str| Arg::new(name).long(name).required(true);
    let command = Command::new(keeper::NAME).about("Kill what a program leaves behind, once it is gone");
    command.hide(true).arg(text("variable")).arg(text("life"))
}

/// What clap cannot say of a global option: the demo does not take a directory.
fn checked(command: &mut Command, matches: ArgMatches) -> Result<ArgMatches, clap::Error> {
    let is_demo = matches!(matches.subcommand_name(), None | Some("demo"));
    if is_demo && matches.contains_id("dir") {
        let why = "the demo makes a directory of its own, and removes it; leave out --dir";
        return Err(command.error(ErrorKind::ArgumentConflict, why));
    }
    Ok(matches)
}

fn wish(verb: &str, options: &ArgMatches) -> Wish {
    let text = |name: &str| options.try_get_one::<String>(name).ok().flatten().cloned().unwrap_or_default();
    let label = Label::from(text("label"));
    match verb {
        "promote" => Wish::Promote,
        "add" => Wish::Add,
        "split" => Wish::Split { label },
        "type" => Wish::Type { label, text: text("text") + "\n" },
        "output" => Wish::Output { label },
        "log" => options.get_one("session").cloned().map_or(Wish::State, |session| Wish::Log { session }),
        "close" => Wish::Close { label },
        "crash" => Wish::Crash { label },
        _ => Wish::State,
    }
}

fn srv_wish(verb: &str, options: &ArgMatches) -> SrvWish {
    let number = |name: &str| options.try_get_one::<u64>(name).ok().flatten().copied().unwrap_or_default();
    let text = || options.try_get_one::<String>("text").ok().flatten().cloned().unwrap_or_default();
    let block = BlockId(number("block"));
    match verb {
        "new" => SrvWish::Workspace,
        "tab" => SrvWish::Tab { workspace: WorkspaceId(number("workspace")) },
        "block" => SrvWish::Block { tab: TabId(number("tab")) },
        "type" => SrvWish::Type { block, text: text() + "\n" },
        "output" => SrvWish::Output { block },
        "crash" => SrvWish::Crash { block },
        _ => SrvWish::State,
    }
}

fn owned() -> Arg {
    Arg::new("owned").long("owned").action(ArgAction::SetTrue).help("Stop when standard input is closed")
}

fn shell() -> Arg {
    Arg::new("shell")
        .long("shell")
        .value_name("PATH")
        .value_parser(value_parser!(PathBuf))
        .default_value("/bin/sh")
        .help("What runs in its terminals")
}

fn stop(options: &ArgMatches) -> Result<Stop, ProgramError> {
    let owner = if options.get_flag("owned") { Owner::StandardInput } else { Owner::Nobody };
    Ok(Stop::listen(owner)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_make_sense() {
        command(&Cli::new(NAME).definitions(DEFINITIONS)).debug_assert();
    }

    #[test]
    fn every_verb_is_a_wish_of_its_own() {
        let verbs: Vec<_> = window_command().get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
        let of = |verb: &str| {
            let arguments = match verb {
                "list" | "promote" | "add" => vec!["window", verb],
                "type" => vec!["window", verb, "w1", "ls"],
                "log" => vec!["window", verb, "w1/2"],
                _ => vec!["window", verb, "w1"],
            };
            let matches = window_command().get_matches_from(arguments);
            let (verb, options) = matches.subcommand().expect("a verb");
            wish(verb, options)
        };
        let wishes: std::collections::BTreeSet<_> = verbs.iter().map(|verb| format!("{:?}", of(verb))).collect();
        assert_eq!(wishes.len(), verbs.len(), "{wishes:?}");
        assert!(matches!(of("type"), Wish::Type { text, .. } if text == "ls\n"));
    }

    #[test]
    fn every_verb_about_workspaces_is_a_wish_of_its_own() {
        let verbs: Vec<_> = workspace_command().get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
        let of = |verb: &str| {
            let arguments = match verb {
                "list" | "new" => vec!["workspace", verb],
                "type" => vec!["workspace", verb, "3", "ls"],
                _ => vec!["workspace", verb, "3"],
            };
            let matches = workspace_command().get_matches_from(arguments);
            let (verb, options) = matches.subcommand().expect("a verb");
            srv_wish(verb, options)
        };
        let wishes: std::collections::BTreeSet<_> = verbs.iter().map(|verb| format!("{:?}", of(verb))).collect();
        assert_eq!(wishes.len(), verbs.len(), "{wishes:?}");
        assert_eq!(of("type"), SrvWish::Type { block: BlockId(3), text: "ls\n".to_owned() });
        assert_eq!(of("block"), SrvWish::Block { tab: TabId(3) });
    }
}
