//! `completions` and `man`: what a shell and `man` know of the program, made of its command line. Knows no saga, no log.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command, value_parser};
use clap_complete::Shell;
use clap_mangen::Man;
use serde::Serialize;

use super::arguments as words;
use super::error::{CliError, Exit};
use super::output::Output;

const SHELL: &str = "shell";
const INTO: &str = "into";

/// What can be said.
pub(super) fn commands(app: &str) -> [Command; 2] {
    let shell = Arg::new(SHELL).required(true).value_name("SHELL").value_parser(value_parser!(Shell));
    let into =
        words::option(INTO, "DIR", "Write a page for the program and for each command there, and print their names");
    let completions = Command::new("completions")
        .about("Print what makes a shell complete the commands")
        .arg(shell.help("For which shell"))
        .after_help(words::examples(
            &[
                (&format!("completions bash > ~/.local/share/bash-completion/completions/{app}"), ""),
                (&format!("completions zsh > ~/.zfunc/_{app}"), "with fpath+=~/.zfunc before compinit"),
                (&format!("completions fish > ~/.config/fish/completions/{app}.fish"), ""),
            ],
            app,
        ));
    let man = Command::new("man")
        .about("Print the manual page, or write all of them")
        .arg(into.value_parser(value_parser!(PathBuf)))
        .after_help(words::examples(
            &[("man | man -l -", "reads the page"), ("man --into ~/.local/share/man/man1", "installs all of them")],
            app,
        ));
    [completions, man]
}

/// Prints the completions of this command line.
pub(super) fn complete(mut whole: Command, matches: &ArgMatches, output: Output) -> Result<Exit, CliError> {
    let Some(&shell) = matches.get_one::<Shell>(SHELL) else {
        return Err(CliError::Usage("say for which shell".to_owned()));
    };
    let (mut script, name) = (Vec::new(), whole.get_name().to_owned());
    clap_complete::generate(shell, &mut whole, name, &mut script);
    print(&Text { text: &String::from_utf8_lossy(&script) }, output)
}

/// Prints the page of this command line, or writes it and those of its commands.
pub(super) fn man(whole: Command, matches: &ArgMatches, output: Output) -> Result<Exit, CliError> {
    // Else there were a page for `help`, and one for each command below it.
    let mut whole = whole.disable_help_subcommand(true);
    whole.build();
    let version = whole.get_version().map(|version| format!(" {version}")).unwrap_or_default();
    let source = format!("{}{version}", whole.get_name());
    match matches.get_one::<PathBuf>(INTO) {
        Some(directory) => {
            let written = write_all(&whole, &source, directory)
                .map_err(|error| CliError::NotDone(format!("cannot write into {}: {error}", directory.display())))?;
            let lines = written.iter().map(|path| format!("{}\n", path.display()));
            output.result(&Written { written: &written }, || lines.collect())?;
            Ok(Exit::Done)
        }
        None => print(&Text { text: &page(&Man::new(whole).source(source))? }, output),
    }
}

fn print(text: &Text<'_>, output: Output) -> Result<Exit, CliError> {
    output.result(text, || text.text.to_owned())?;
    Ok(Exit::Done)
}

/// The files, each command's after that of the one which it belongs to.
fn write_all(command: &Command, source: &str, directory: &Path) -> io::Result<Vec<PathBuf>> {
    fs::create_dir_all(directory)?;
    let man = Man::new(command.clone()).source(source);
    let path = directory.join(man.get_filename());
    fs::write(&path, page(&man)?)?;
    let mut written = vec![path];
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        written.extend(write_all(below, source, directory)?);
    }
    Ok(written)
}

/// A page whose examples keep their lines.
fn page(man: &Man) -> io::Result<String> {
    let mut page = Vec::new();
    man.render(&mut page)?;
    let page = String::from_utf8_lossy(&page).into_owned();
    let Some((options, examples)) = page.split_once("\n.SH EXTRA\n") else { return Ok(page) };
    let (examples, others) = examples
        .split_once("\n.SH ")
        .map_or((examples, String::new()), |(examples, others)| (examples, format!("\n.SH {others}")));
    Ok(format!(
        "{options}\n.SH EXAMPLES\n.nf\n{}\n.fi{others}\n",
        examples.trim_start_matches("Examples:\n").trim_end()
    ))
}

/// A text as JSON.
#[derive(Debug, Serialize)]
struct Text<'a> {
    text: &'a str,
}

/// Files as JSON.
#[derive(Debug, Serialize)]
struct Written<'a> {
    written: &'a [PathBuf],
}
