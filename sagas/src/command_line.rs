//! Which program is to run, with which options.
//!
//! Exit codes: 0 it went well, 1 it did not (standard error says why), 2 the command line makes no sense.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use saga_runtime::pipe::Endpoint;

use crate::bus::Label;
use crate::host::control::Wish;
use crate::programs::fleet::Fleet;
use crate::programs::stop::{Owner, Stop};
use crate::programs::{ProgramError, demo, host, launcher, renderer, up, window};

/// The directory of AgentMux in the runtime directory of a user.
const DIRECTORY: &str = "agentmux";

/// Runs what the command line says.
pub async fn run(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> ExitCode {
    let matches = match command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => {
            // Nobody is left to be told that standard output is closed.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match dispatch(&matches).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sagas: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(matches: &ArgMatches) -> Result<(), ProgramError> {
    match matches.subcommand() {
        None | Some(("demo", _)) => demo::run(std::env::current_exe()?, &mut Stop::listen(Owner::Nobody)?).await,
        Some(("up", options)) => {
            let fleet = Fleet::new(std::env::current_exe()?, endpoint(options)?.directory());
            up::run(&fleet, &mut stop(options)?).await
        }
        Some(("launcher", options)) => launcher::run(&endpoint(options)?, &mut stop(options)?).await,
        Some(("renderer", options)) => {
            renderer::run(&endpoint(options)?, options.get_flag("json"), &mut stop(options)?).await
        }
        Some(("host", options)) => {
            let shell = options.get_one::<PathBuf>("shell").cloned().unwrap_or_default();
            host::run(&endpoint(options)?, shell, &mut stop(options)?).await
        }
        Some(("window", options)) => match options.subcommand() {
            Some((verb, of)) => window::run(&endpoint(of)?, &wish(verb, of), of.get_flag("json")).await,
            None => Err("what to do with a window is missing: sagas window --help".into()),
        },
        _ => Err("what to run is missing: sagas --help".into()),
    }
}

fn command() -> Command {
    Command::new("sagas")
        .about("A small AgentMux, run by sagas")
        .arg(directory())
        .arg(json())
        .subcommand(Command::new("demo").about("Show and check the main job, in a directory of its own (the default)"))
        .subcommand(Command::new("up").about("Run launcher and host until stopped").arg(owned()))
        .subcommand(Command::new("launcher").about("Run the launcher alone: it executes the sagas").arg(owned()))
        .subcommand(Command::new("renderer").about("Run a renderer alone: it watches the sagas").arg(owned()))
        .subcommand(
            Command::new("host")
                .about("Run the host alone: it owns windows whose panes are shells")
                .arg(owned())
                .arg(shell()),
        )
        .subcommand(window_command())
}

fn window_command() -> Command {
    let label =
        || Arg::new("label").required(true).value_name("WINDOW").help("Its name, as `sagas window list` shows it");
    let verb = |name, about| Command::new(name).about(about);
    Command::new("window")
        .about("Do with the windows of a running host what their user would do")
        .subcommand_required(true)
        .subcommand(verb("list", "List the windows"))
        .subcommand(verb("promote", "Show a hidden window"))
        .subcommand(verb("add", "Have the host add a hidden window of its own accord"))
        .subcommand(verb("split", "Open one more pane").arg(label()))
        .subcommand(verb("type", "Type a line").arg(label()).arg(Arg::new("text").required(true).value_name("TEXT")))
        .subcommand(verb("output", "Print what the window shows").arg(label()))
        .subcommand(verb("close", "Close a window").arg(label()))
        .subcommand(verb("crash", "Kill the shells of a window").arg(label()))
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
        "close" => Wish::Close { label },
        "crash" => Wish::Crash { label },
        _ => Wish::State,
    }
}

fn directory() -> Arg {
    Arg::new("dir")
        .long("dir")
        .global(true)
        .value_name("DIR")
        .value_parser(value_parser!(PathBuf))
        .help("Where the sockets and the log are [default: agentmux in the user's runtime directory]")
}

fn json() -> Arg {
    Arg::new("json").long("json").global(true).action(ArgAction::SetTrue).help("Print JSON")
}

fn owned() -> Arg {
    Arg::new("owned").long("owned").action(ArgAction::SetTrue).help("Stop when standard input is closed")
}

fn shell() -> Arg {
    Arg::new("shell")
        .long("shell")
        .value_name("PATH")
        .value_parser(ValueParser::path_buf())
        .default_value("/bin/sh")
        .help("What runs in a pane")
}

fn endpoint(options: &ArgMatches) -> Result<Endpoint, ProgramError> {
    Ok(match options.get_one::<PathBuf>("dir") {
        Some(directory) => Endpoint::in_dir(directory),
        None => Endpoint::runtime_dir(DIRECTORY)?,
    })
}

fn stop(options: &ArgMatches) -> Result<Stop, ProgramError> {
    let owner = if options.get_flag("owned") { Owner::StandardInput } else { Owner::Nobody };
    Ok(Stop::listen(owner)?)
}
