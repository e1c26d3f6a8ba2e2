//! The command line that any catalogue of sagas mounts in a binary of its own.
//!
//! ```no_run
//! # use saga_runtime::definition::Definition;
//! # const DEFINITIONS: [&Definition; 0] = [];
//! fn main() -> std::process::ExitCode {
//!     saga_runtime::cli::Cli::new("agentmux").definitions(DEFINITIONS).main()
//! }
//! ```
//!
//! A binary with commands of its own mounts these beside them:
//!
//! ```no_run
//! # use saga_runtime::cli::Cli;
//! # use clap::Command;
//! # async fn example(cli: Cli) -> std::process::ExitCode {
//! let command = cli.mount(Command::new("agentmux")).subcommand(Command::new("demo"));
//! match command.clone().get_matches() {
//!     matches if matches.subcommand_matches("demo").is_some() => std::process::ExitCode::SUCCESS,
//!     matches => cli.whole(command).run(&matches).await,
//! }
//! # }
//! ```
//!
//! | command | |
//! |---|---|
//! | `start NAME JSON` | starts a saga and follows it to its end; `--detach` does not follow |
//! | `list` | sagas in flight, stuck, ended; `--by name,status` counts them |
//! | `show ID` | one saga: first what it waits for |
//! | `tail` | what happens, as it happens |
//! | `cancel`, `retry`, `skip`, `end ID --why …` | what an operator may do |
//! | `prune` | removes ended sagas by age or number |
//! | `docs` | writes or checks the generated pages |
//! | `check` | says what is wrong with the sagas together |
//! | `completions SHELL`, `man` | what a shell and `man` know of the program |
//!
//! What reads (`list`, `show`) opens the log read only, whether or not a coordinator runs; what acts speaks to the
//! coordinator over the [operator's socket](crate::operator); `prune` does the coordinator's part where none
//! runs. Knows no bus and no saga but by its definition.
//!
//! # Exit codes
//! 0 done, and the saga that was followed completed; 1 something went wrong; 2 the command line makes no sense; and for
//! `start`: 3 compensated, 4 ended by an operator, 5 stuck. See [`Exit`].

mod act;
mod arguments;
mod check;
mod error;
mod follow;
mod list;
mod manual;
mod notices;
mod output;
mod pages;
mod place;
mod prune;
mod records;
mod show;
mod style;
mod suggested;
mod table;
mod time;
mod views;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgMatches, Command};

use self::error::CliError;
use self::output::Output;
use self::place::Place;
use crate::definition::Definition;
use crate::lock::Locked;
use crate::pipe::endpoint::{Endpoint, EndpointError};

pub use self::error::Exit;
pub use self::notices::describe;
pub use self::place::LOG_FILE;

/// The clap that the commands are made with, for a binary that mounts them.
pub use clap;

/// Where the generated pages are, from the directory in which the program runs.
const PAGES: &str = "docs/sagas";

/// The commands for one catalogue of sagas.
#[derive(Debug, Clone)]
pub struct Cli {
    app: &'static str,
    definitions: Vec<&'static Definition>,
    served: Option<Vec<&'static str>>,
    lock: Option<Lock>,
    whole: Option<Command>,
}

/// What the sagas were like when they were locked, and what they are like.
#[derive(Debug, Clone)]
struct Lock {
    text: &'static str,
    sagas: Vec<Locked>,
}

impl Cli {
    /// The commands of the program with this name, which also names its directory in the user's runtime directory.
    pub fn new(app: &'static str) -> Self {
        Self { app, definitions: Vec::new(), served: None, lock: None, whole: None }
    }

    /// The sagas that it knows: `start` refuses others, `show` has their steps, `docs` their pages. Without any, `start`
    /// leaves it to the coordinator, and there is no `docs`.
    #[must_use]
    pub fn definitions(mut self, definitions: impl IntoIterator<Item = &'static Definition>) -> Self {
        self.definitions.extend(definitions);
        self
    }

    /// The participants that there are, of whichever process: `check` finds sagas that send to others. Without, it does
    /// not look at that.
    #[must_use]
    pub fn participants(mut self, served: impl IntoIterator<Item = &'static str>) -> Self {
        self.served.get_or_insert_default().extend(served);
        self
    }

    /// The text of the [lock file](crate::lock) of the catalogue, and its sagas, each as `Locked::new::<S>([])`: `check`
    /// finds what has changed since. Without, it does not look at that.
    ///
    /// ```
    /// # use saga_runtime::prelude::*;
    /// # use saga_runtime::{cli::Cli, lock::Locked};
    /// # fn example<Trip: Saga>(cli: Cli) -> Cli {
    /// // include_str!("../sagas.lock.json"), so that the program carries it.
    /// # const LOCK: &str = "{}";
    /// cli.lock(LOCK, [Locked::new::<Trip>([])])
    /// # }
    /// ```
    #[must_use]
    pub fn lock(mut self, text: &'static str, sagas: impl IntoIterator<Item = Locked>) -> Self {
        self.lock = Some(Lock { text, sagas: sagas.into_iter().collect() });
        self
    }

    /// The command line of which these commands are a part: what `completions` and `man` tell of. Without it they tell of
    /// these commands only.
    #[must_use]
    pub fn whole(mut self, command: Command) -> Self {
        self.whole = Some(command);
        self
    }

    /// The commands.
    pub fn commands(&self) -> Vec<Command> {
        arguments::commands(self.app, &self.definitions, PAGES)
    }

    /// Adds the commands, and `--dir` and `--json`, which are global, to a command of another one.
    #[must_use]
    pub fn mount(&self, command: Command) -> Command {
        command.args(arguments::global(self.app)).subcommands(self.commands())
    }

    /// Where the coordinator and its participants meet: in `--dir`, else in the directory of this program in the user's
    /// runtime directory. For commands of one's own, beside the mounted ones.
    ///
    /// # Errors
    /// If there is no runtime directory.
    pub fn endpoint(&self, matches: &ArgMatches) -> Result<Endpoint, EndpointError> {
        match matches.get_one::<PathBuf>(arguments::DIRECTORY) {
            Some(directory) => Ok(Endpoint::in_dir(directory)),
            None => Endpoint::runtime_dir(self.app),
        }
    }

    /// Does what was said with one of these commands, and tells why if it cannot.
    pub async fn run(&self, matches: &ArgMatches) -> ExitCode {
        let exit = self.act(matches).await.unwrap_or_else(|error| {
            if !error.is_silent() {
                output::complain(&error);
            }
            error.exit()
        });
        exit.into()
    }

    /// Reads the arguments of the process, and does what they say: the `main` of a program that has no other commands.
    pub fn main(self) -> ExitCode {
        let matches = self.alone().get_matches();
        match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime.block_on(self.run(&matches)),
            Err(error) => {
                output::complain(&error.into());
                Exit::Failed.into()
            }
        }
    }

    /// These commands, and no others.
    fn alone(&self) -> Command {
        let command = Command::new(self.app).about("Look after sagas").subcommand_required(true);
        self.mount(command.arg_required_else_help(true))
    }

    async fn act(&self, matches: &ArgMatches) -> Result<Exit, CliError> {
        let Some((name, matches)) = matches.subcommand() else {
            return Err(CliError::Usage(format!("say what to do; `{} --help` shows what there is", self.app)));
        };
        let output = Output::new(matches.get_flag(arguments::JSON));
        let whole = || self.whole.clone().unwrap_or_else(|| self.alone());
        match name {
            "docs" => return pages::run(self.app, &self.definitions, PAGES, matches, output),
            "check" => return check::run(self, output),
            "completions" => return manual::complete(whole(), matches, output),
            "man" => return manual::man(whole(), matches, output),
            _ => {}
        }
        let given = matches.get_one::<PathBuf>(arguments::DIRECTORY).map(PathBuf::as_path);
        let place = Place::new(self.app, given, self.endpoint(matches)?);
        match (name, act::Action::named(name)) {
            (_, Some(action)) => act::run(&place, action, matches, output).await,
            ("start", _) => follow::start(&place, &self.definitions, matches, output).await,
            ("list", _) => list::run(&place, matches, output),
            ("show", _) => show::run(&place, &self.definitions, matches, output).await,
            ("prune", _) => prune::run(&place, matches, output).await,
            ("tail", _) => follow::tail(&place, matches, output).await,
            _ => Err(CliError::Usage(format!("`{name}` is none of these commands; see `{} --help`", self.app))),
        }
    }
}

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
