//! The program: both processes, and the command line that looks after the sagas.

// ANCHOR: main
use std::process::ExitCode;

use library::{DEFINITIONS, programs, sagas};
use saga_runtime::cli::Cli;
use saga_runtime::cli::clap::Command;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::new("library").definitions(DEFINITIONS).participants(["desk", "stacks"]);
    let command = cli
        .mount(Command::new("library").arg_required_else_help(true))
        .subcommand(Command::new("desk").about("Open the desk: it runs the sagas"))
        .subcommand(Command::new("stacks").about("Open the stacks"));
    let matches = command.get_matches();
    let ended = match (matches.subcommand_name(), cli.endpoint(&matches)) {
        (Some("desk"), Ok(endpoint)) => programs::desk(&endpoint, sagas).await,
        (Some("stacks"), Ok(endpoint)) => programs::stacks(&endpoint).await,
        _ => return cli.run(&matches).await,
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
// ANCHOR_END: main
