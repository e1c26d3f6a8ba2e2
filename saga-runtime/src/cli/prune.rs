//! `prune`: ended sagas are removed from the log: by the coordinator that has it, else by this program itself, which then
//! holds the log as a coordinator would.

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command, value_parser};
use serde::Serialize;

use super::arguments as words;
use super::error::{CliError, Exit};
use super::output::Output;
use super::place::Place;
use super::style::{self, STRONG};
use super::suggested::Suggested;
use super::table::{Cell, Table};
use crate::definition::Definition;
use crate::log::{self, LogError, Prune, Removed, SqliteLog, Status};
use crate::operator::{ClientError, Request, Response};
use crate::time::Timestamp;

const OLDER_THAN: &str = "older-than";
const KEEP: &str = "keep";
const DRY_RUN: &str = "dry-run";

/// What can be said.
pub(super) fn command(app: &str, definitions: &[&Definition]) -> Command {
    let option = |id: &'static str, value: &'static str, help: &'static str| words::option(id, value, help);
    let ends = Status::ALL.into_iter().filter(|status| status.is_end()).map(Status::as_str);
    Command::new("prune")
        .about("Remove ended sagas from the log, by age or number")
        .long_about(
            "Remove ended sagas from the log, by age or number, whether or not a coordinator runs. A saga goes with all \
             that it ran, its records and its key: started with that again, it is another saga. What is in flight or stuck \
             is never touched, nor what it ran. Names, statuses and the like are those of sagas that no other one ran.",
        )
        .arg(option(OLDER_THAN, "AGE", "Those that ended before (90s, 10m, 2h, 30d ago, or RFC 3339)").value_parser(words::a_time))
        .arg(
            option(KEEP, "N", "All but the N that ended last; with --older-than, none of these N, however old")
                .value_parser(value_parser!(u64)),
        )
        .group(ArgGroup::new("how-many").args([OLDER_THAN, KEEP]).required(true).multiple(true))
        .arg(
            option(words::NAME, "NAME", "Only these names")
                .action(ArgAction::Append)
                .value_delimiter(',')
                .value_parser(Suggested::names(definitions))
                .hide_possible_values(true),
        )
        .arg(
            option(words::STATUS, "STATUS", "Only these")
                .action(ArgAction::Append)
                .value_delimiter(',')
                .value_parser(PossibleValuesParser::new(ends)),
        )
        .arg(option(words::STEP, "STEP", "Only those that failed at this step"))
        .arg(option(words::KEY, "KEY", "Only the one that was started with this key"))
        .arg(option(words::TEXT, "TEXT", "Only those with this in their cause or their input"))
        .arg(Arg::new(DRY_RUN).long(DRY_RUN).action(ArgAction::SetTrue).help("Remove nothing; say what would go"))
        .after_help(
            words::examples(
                &[
                    ("prune --older-than 30d --dry-run", "what would go"),
                    ("prune --older-than 30d --keep 1000", "whichever keeps more"),
                    ("prune --keep 0 --name replace_window --status completed", ""),
                    ("prune --keep 1000 --json", "for a script"),
                ],
                app,
            ) + "\n\nExit codes:\n  0 done, also when there is nothing to remove   1 error; what was removed before it stays \
               removed\n  2 wrong command line",
        )
}

pub(super) async fn run(place: &Place, matches: &ArgMatches, output: Output) -> Result<Exit, CliError> {
    let (what, dry_run) = (what(matches), matches.get_flag(DRY_RUN));
    let removed = if dry_run { Removed::would_be(&place.log()?.prunable(&what)?) } else { remove(place, what).await? };
    let view = PruneView { dry_run, removed };
    output.result(&view, || view.render(output.width))?;
    output.remark(&view.remark());
    Ok(Exit::Done)
}

fn what(matches: &ArgMatches) -> Prune {
    let text = |id: &str| matches.get_one::<String>(id).cloned();
    let texts = |id: &str| matches.get_many::<String>(id).into_iter().flatten();
    Prune {
        names: texts(words::NAME).cloned().collect(),
        statuses: texts(words::STATUS).filter_map(|name| words::status(name)).collect(),
        step: text(words::STEP),
        key: text(words::KEY),
        text: text(words::TEXT),
        ended_before: matches.get_one::<Timestamp>(OLDER_THAN).copied(),
        keep: matches.get_one::<u64>(KEEP).copied().unwrap_or_default(),
    }
}

/// Has the coordinator do it. Where none runs, nobody starts one meanwhile: the log is held until it is done; and if one
/// was quicker, it is asked after all.
async fn remove(place: &Place, what: Prune) -> Result<Removed, CliError> {
    match ask(place, &what).await {
        Err(CliError::Client(error)) if error.is_not_running() => {}
        answered => return answered,
    }
    match remove_here(place, &what) {
        Err(CliError::Log(in_use @ LogError::InUse { .. })) => match ask(place, &what).await {
            Err(CliError::Client(error)) if error.is_not_running() => Err(CliError::Log(in_use)),
            answered => answered,
        },
        removed => removed,
    }
}

async fn ask(place: &Place, what: &Prune) -> Result<Removed, CliError> {
    match place.operator().await?.request(&Request::Prune { what: what.clone() }).await? {
        Response::Pruned { removed } => Ok(removed),
        other => Err(ClientError::NotUnderstood(format!("{other:?}")).into()),
    }
}

fn remove_here(place: &Place, what: &Prune) -> Result<Removed, CliError> {
    let chosen = place.log()?.prunable(what)?;
    if chosen.is_empty() {
        return Ok(Removed::default());
    }
    Ok(log::prune(&mut SqliteLog::open(place.log_path())?, &chosen)?)
}

/// What was removed, or would be.
#[derive(Debug, Serialize)]
struct PruneView {
    dry_run: bool,
    #[serde(flatten)]
    removed: Removed,
}

impl PruneView {
    fn render(&self, width: Option<usize>) -> String {
        if self.removed.families.is_empty() {
            return String::new();
        }
        let mut table = Table::default().number("COUNT").text("SAGA", 12).text("STATUS", 11);
        for of in &self.removed.families {
            table.row([
                Cell::styled(STRONG, of.count.to_string()),
                Cell::from(&of.name),
                Cell::styled(style::of(of.status), of.status.as_str()),
            ]);
        }
        table.render(width)
    }

    fn remark(&self) -> String {
        let Removed { families, sagas, records, left } = &self.removed;
        let first: u64 = families.iter().map(|of| of.count).sum();
        let ran = match sagas.saturating_sub(first) {
            0 => String::new(),
            ran => format!(" and {ran} that they ran"),
        };
        let left = match left {
            0 => String::new(),
            left => format!("; {left} stayed: they were removed meanwhile, or rows of theirs are damaged"),
        };
        let many = if first == 1 { "1 saga".to_owned() } else { format!("{first} sagas") };
        match self.dry_run {
            _ if first == 0 && left.is_empty() => "no ended saga matches".to_owned(),
            true => format!("{many}{ran} would be removed"),
            false => format!("{many}{ran} removed, with {records} records{left}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::RemovedFamilies;

    fn view(dry_run: bool, count: u64, sagas: u64, left: u64) -> PruneView {
        let of = RemovedFamilies { name: "trip".to_owned(), status: Status::Completed, count };
        let families = if count == 0 { Vec::new() } else { vec![of] };
        PruneView { dry_run, removed: Removed { families, sagas, records: 9, left } }
    }

    #[test]
    fn what_went_is_said_in_words() {
        for (view, says) in [
            (view(false, 0, 0, 0), "no ended saga matches"),
            (view(true, 1, 1, 0), "1 saga would be removed"),
            (view(true, 2, 5, 0), "2 sagas and 3 that they ran would be removed"),
            (view(false, 2, 2, 0), "2 sagas removed, with 9 records"),
            (
                view(false, 1, 2, 1),
                "1 saga and 1 that they ran removed, with 9 records; 1 stayed: they were removed meanwhile, or rows of \
                 theirs are damaged",
            ),
        ] {
            assert_eq!(view.remark(), says);
        }
    }

    #[test]
    fn json_has_all_of_it() {
        let json = serde_json::to_value(view(true, 2, 5, 0)).expect("JSON");
        let families = serde_json::json!([{ "name": "trip", "status": "completed", "count": 2 }]);
        let whole = serde_json::json!({ "dry_run": true, "families": families, "sagas": 5, "records": 9, "left": 0 });
        assert_eq!(json, whole);
    }
}
