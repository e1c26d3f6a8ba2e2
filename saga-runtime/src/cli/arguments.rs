//! The words of the command line: what can be said. What is done about it stands elsewhere.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Command, value_parser};

use crate::definition::Definition;
use crate::log::{Group, Status};
use crate::message::SagaId;
use crate::time::Timestamp;

use super::suggested::Suggested;
use super::{manual, prune, time};

pub(super) const DIRECTORY: &str = "dir";
pub(super) const JSON: &str = "json";
pub(super) const NAME: &str = "name";
pub(super) const INPUT: &str = "input";
pub(super) const KEY: &str = "key";
pub(super) const DETACH: &str = "detach";
pub(super) const STATUS: &str = "status";
pub(super) const STEP: &str = "step";
pub(super) const SINCE: &str = "since";
pub(super) const BEFORE: &str = "before";
pub(super) const TEXT: &str = "text";
pub(super) const LIMIT: &str = "limit";
pub(super) const BELOW: &str = "below";
pub(super) const BY: &str = "by";
pub(super) const SAGA: &str = "saga";
pub(super) const WHY: &str = "why";
pub(super) const CHECK: &str = "check";
pub(super) const OUT: &str = "out";

/// After a command's own options, and before `--help`.
const LAST: usize = 900;

/// What holds for every command.
pub(super) fn global(app: &str) -> [Arg; 2] {
    [
        Arg::new(DIRECTORY)
            .long("dir")
            .value_name("DIR")
            .global(true)
            .display_order(LAST)
            .value_parser(value_parser!(PathBuf))
            .help(format!("Where the log and the sockets are [default: $XDG_RUNTIME_DIR/{app}]")),
        Arg::new(JSON)
            .long("json")
            .global(true)
            .display_order(LAST)
            .action(ArgAction::SetTrue)
            .help("Print JSON, with times in RFC 3339"),
    ]
}

/// All commands.
pub(super) fn commands(app: &str, definitions: &[&Definition], pages: &'static str) -> Vec<Command> {
    vec![
        start(app, definitions),
        list(app, definitions),
        show(app),
        tail(app),
        cancel(app),
        retry(app),
        skip(app),
        end(app),
        prune::command(app, definitions),
    ]
    .into_iter()
    .chain((!definitions.is_empty()).then(|| docs(app, pages)))
    .chain((!definitions.is_empty()).then(|| check(app)))
    .chain(manual::commands(app))
    .collect()
}

/// How it is said, as help shows it.
pub(super) fn examples(lines: &[(&str, &str)], app: &str) -> String {
    let width = lines.iter().map(|(line, _)| line.chars().count()).max().unwrap_or_default();
    let lines = lines.iter().map(|(line, what)| format!("\n  {app} {line:width$}  {what}").trim_end().to_owned());
    format!("Examples:\n{}", lines.map(|line| "  ".to_owned() + line.trim_start()).collect::<Vec<_>>().join("\n"))
}

fn start(app: &str, definitions: &[&Definition]) -> Command {
    let example = definitions.first().map_or("order", |definition| definition.name);
    let input = definitions.first().map_or_else(|| "{\"item\": \"…\"}".to_owned(), |definition| sample(definition));
    let name = Arg::new(NAME).required(true).value_name("NAME").help("The saga's name");
    let names: Vec<_> = definitions.iter().map(|definition| definition.name).collect();
    let name = if names.is_empty() { name } else { name.value_parser(PossibleValuesParser::new(names)) };
    Command::new("start")
        .about("Start a saga and follow it to its end")
        .long_about(
            "Start a saga and follow it to its end: what happens goes to standard error, the outcome to standard \
             output.",
        )
        .arg(name)
        .arg(Arg::new(INPUT).required(true).value_name("JSON").help("Its parameters, as a JSON object"))
        .arg(Arg::new(KEY).long("key").value_name("KEY").help("The same key is the same saga, however often started"))
        .arg(Arg::new(DETACH).long("detach").action(ArgAction::SetTrue).help("Print its number, and do not follow"))
        .after_help(
            examples(
                &[
                    (&format!("start {example} '{input}'"), ""),
                    (&format!("start {example} '{input}' --key order-17"), "twice gives one saga"),
                    (&format!("start {example} '{input}' --detach --json"), "for a script"),
                ],
                app,
            ) + "\n\nExit codes:\n  0 completed (with --detach: started)   1 error   2 wrong command line\n  \
               3 compensated   4 ended by an operator   5 stuck: it waits for an operator"
                + &inputs(definitions),
        )
}

/// What each saga is started with.
fn inputs(definitions: &[&Definition]) -> String {
    let width = definitions.iter().map(|definition| definition.name.len()).max().unwrap_or_default();
    let lines =
        definitions.iter().map(|definition| format!("\n  {:width$}  {}", definition.name, definition.input_form()));
    if definitions.is_empty() {
        String::new()
    } else {
        "\n\nSagas and their parameters:".to_owned() + &lines.collect::<String>()
    }
}

/// An input to show as an example.
fn sample(definition: &Definition) -> String {
    let fields: Vec<_> = definition.parameters.iter().map(|parameter| format!("\"{}\": …", parameter.name)).collect();
    format!("{{{}}}", fields.join(", "))
}

/// An option of this name with a value.
pub(super) fn option(id: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(id).long(id).value_name(value).help(help)
}

fn list(app: &str, definitions: &[&Definition]) -> Command {
    Command::new("list")
        .about("List sagas: in flight, stuck and ended, newest first")
        .arg(
            option(NAME, "NAME", "Only these names")
                .action(ArgAction::Append)
                .value_delimiter(',')
                .value_parser(Suggested::names(definitions))
                .hide_possible_values(true),
        )
        .arg(
            option(STATUS, "STATUS", "Only these")
                .action(ArgAction::Append)
                .value_delimiter(',')
                .value_parser(PossibleValuesParser::new(Status::ALL.map(Status::as_str))),
        )
        .arg(option(STEP, "STEP", "Only those that stand, or failed, at this step"))
        .arg(option(SINCE, "TIME", "Only those started since then (10m, 2h, 7d ago, or RFC 3339)").value_parser(a_time))
        .arg(option(BEFORE, "TIME", "Only those started before").value_parser(a_time))
        .arg(option(KEY, "KEY", "Only the one that was started with this key"))
        .arg(option(TEXT, "TEXT", "Only those with this in their cause, the reason why they are stuck, or their input"))
        .arg(
            option(LIMIT, "N", "So many at most")
                .default_value("20")
                .value_parser(value_parser!(u16).range(1..))
                .conflicts_with(BY),
        )
        .arg(
            option(BELOW, "ID", "Only those with a lower number: the next page").value_parser(an_id).conflicts_with(BY),
        )
        .arg(
            option(BY, "GROUPS", "Count them by these, instead of listing them")
                .value_delimiter(',')
                .value_parser(PossibleValuesParser::new(["name", "status", "step"])),
        )
        .after_help(examples(
            &[
                ("list --status stuck", "what waits for an operator"),
                ("list --status running,compensating --since 10m", ""),
                ("list --text \"pool is full\" --limit 5", ""),
                ("list --by name,status", "counts"),
                ("list --json", "for a script"),
            ],
            app,
        ))
}

fn show(app: &str) -> Command {
    Command::new("show")
        .about("Show one saga: what it waits for, its input, steps and records")
        .arg(id())
        .after_help(examples(&[("show 17", ""), ("show 17 --json", "for a script")], app))
}

fn tail(app: &str) -> Command {
    Command::new("tail")
        .about("Follow what happens, as it happens")
        .arg(
            Arg::new(SAGA)
                .long("saga")
                .value_name("ID")
                .value_parser(an_id)
                .help("Only this saga, and until it has ended"),
        )
        .after_help(examples(&[("tail", ""), ("tail --saga 17", "until it has ended"), ("tail --json", "")], app))
}

fn cancel(app: &str) -> Command {
    operation("cancel", "Cancel a saga: what took effect is undone", app)
}

fn retry(app: &str) -> Command {
    operation("retry", "Do what is stuck again, with new attempts", app)
}

fn skip(app: &str) -> Command {
    operation("skip", "Pass over the compensation that is stuck; take an unknown fate as never", app)
}

fn end(app: &str) -> Command {
    operation("end", "End a stuck saga as it is, and undo no more", app)
}

fn operation(name: &'static str, about: &'static str, app: &str) -> Command {
    Command::new(name)
        .about(about)
        .arg(id())
        .arg(
            Arg::new(WHY)
                .long("why")
                .value_name("TEXT")
                .required(true)
                .value_parser(a_reason)
                .help("The reason; recorded with your name"),
        )
        .after_help(examples(&[(&format!("{name} 17 --why \"the bank confirmed it by phone\""), "")], app))
}

fn docs(app: &str, pages: &'static str) -> Command {
    Command::new("docs")
        .about("Write the generated pages of all sagas, or check them")
        .arg(Arg::new(CHECK).long("check").action(ArgAction::SetTrue).help("Write nothing; fail if one is out of date"))
        .arg(
            Arg::new(OUT)
                .long("out")
                .value_name("DIR")
                .default_value(pages)
                .value_parser(value_parser!(PathBuf))
                .help("Where they are"),
        )
        .after_help(examples(&[("docs", ""), ("docs --check", "in a test or in CI")], app))
}

fn check(app: &str) -> Command {
    Command::new("check")
        .about("Check the sagas together")
        .long_about(
            "Check the sagas together, as a coordinator does before it starts: two of one name and version, participants \
             that nobody serves, triggers and `run` that go round in a circle. Where the program carries the lock file of \
             its sagas: definitions that have changed under their version, states that no longer load, sagas that are \
             gone. Each finding is a line; nothing needs to run.",
        )
        .after_help(
            examples(&[("check", "in CI"), ("check --json", "for a script")], app)
                + "\n\nExit codes:\n  0 nothing is wrong   1 there are findings   2 wrong command line",
        )
}

fn id() -> Arg {
    Arg::new(SAGA).required(true).value_name("ID").value_parser(an_id).help("The saga's number")
}

fn an_id(text: &str) -> Result<SagaId, String> {
    text.parse().map_err(|_| "a saga has a number, from 1; `list` shows them".to_owned())
}

fn a_reason(text: &str) -> Result<String, &'static str> {
    let reason = text.trim();
    if reason.is_empty() { Err("say why; it is recorded") } else { Ok(reason.to_owned()) }
}

/// So long ago, or then.
pub(super) fn a_time(text: &str) -> Result<Timestamp, String> {
    time::parse(text, time::now())
}

/// The status with this name.
pub(super) fn status(name: &str) -> Option<Status> {
    Status::ALL.into_iter().find(|status| status.as_str() == name)
}

/// The group with this name.
pub(super) fn group(name: &str) -> Option<Group> {
    match name {
        "name" => Some(Group::Name),
        "status" => Some(Group::Status),
        "step" => Some(Group::Step),
        _ => None,
    }
}
