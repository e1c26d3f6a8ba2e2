//! The second program: as the first one, with another version of `Lend` beside the former.

use std::process::ExitCode;

use library::{programs, second};
use saga_runtime::cli::Cli;
use saga_runtime::cli::clap::Command;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::new("library").definitions(second::DEFINITIONS).participants(["desk", "stacks"]);
    let matches = cli.mount(Command::new("library")).subcommand(Command::new("desk")).get_matches();
    let ended = match (matches.subcommand_name(), cli.endpoint(&matches)) {
        (Some("desk"), Ok(endpoint)) => programs::desk(&endpoint, second::sagas).await,
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
