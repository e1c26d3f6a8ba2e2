//! `list`: sagas that match, or counts of them.

use clap::ArgMatches;
use serde::{Serialize, Serializer};

use super::arguments as words;
use super::error::{CliError, Exit};
use super::output::Output;
use super::place::Place;
use super::style::{self, FAINT, STRONG};
use super::table::{Cell, Table};
use super::time;
use super::views::SagaView;
use crate::log::{Group, LogReader, Query};
use crate::message::SagaId;
use crate::time::Timestamp;

pub(super) fn run(place: &Place, matches: &ArgMatches, output: Output) -> Result<Exit, CliError> {
    let query = query(matches);
    let mut log = place.log()?;
    match groups(matches) {
        Some(groups) => {
            let view = CountsView::load(&mut *log, &query, groups)?;
            output.result(&view, || view.render(output.width))?;
        }
        None => {
            let view = ListView::load(&mut *log, &query)?;
            output.result(&view, || view.render(output.width, time::now()))?;
            if let Some(remark) = view.remark() {
                output.remark(&remark);
            }
        }
    }
    Ok(Exit::Done)
}

fn query(matches: &ArgMatches) -> Query {
    let text = |id: &str| matches.get_one::<String>(id).cloned();
    let texts = |id: &str| matches.get_many::<String>(id).into_iter().flatten();
    Query {
        names: texts(words::NAME).cloned().collect(),
        statuses: texts(words::STATUS).filter_map(|name| words::status(name)).collect(),
        step: text(words::STEP),
        since: matches.get_one::<Timestamp>(words::SINCE).copied(),
        before: matches.get_one::<Timestamp>(words::BEFORE).copied(),
        key: text(words::KEY),
        text: text(words::TEXT),
        below: matches.get_one::<SagaId>(words::BELOW).copied(),
        limit: matches.get_one::<u16>(words::LIMIT).copied().unwrap_or(20).into(),
    }
}

fn groups(matches: &ArgMatches) -> Option<Vec<String>> {
    matches.get_many::<String>(words::BY).map(|groups| groups.cloned().collect())
}

/// Some of the sagas that match.
#[derive(Debug, Serialize)]
struct ListView {
    sagas: Vec<SagaView>,
    /// There are more below this one.
    next: Option<SagaId>,
}

impl ListView {
    fn load(log: &mut dyn LogReader, query: &Query) -> Result<Self, CliError> {
        let page = log.find(query)?;
        Ok(Self { sagas: page.sagas.into_iter().map(SagaView::from).collect(), next: page.next })
    }

    fn render(&self, width: Option<usize>, now: Timestamp) -> String {
        if self.sagas.is_empty() {
            return String::new();
        }
        let mut table = Table::default()
            .number("ID")
            .text("SAGA", 12)
            .text("STATUS", 11)
            .text("STEP", 8)
            .optional("STARTED")
            .optional("TOOK")
            .optional("KEY")
            .text("DETAIL", 16);
        for saga in &self.sagas {
            let took = saga.ended.map(|ended| time::length(ended.0.since(saga.started.0))).unwrap_or_default();
            table.row([
                Cell::styled(STRONG, saga.id.to_string()),
                Cell::from(&saga.name),
                Cell::styled(style::of(saga.status), saga.status.as_str()),
                Cell::from(saga.step.as_deref().unwrap_or_default()),
                Cell::styled(FAINT, time::relative(saga.started.0, now)),
                Cell::styled(FAINT, took),
                Cell::from(saga.key.as_deref().unwrap_or_default()),
                Cell::from(saga.detail()),
            ]);
        }
        table.render(width)
    }

    fn remark(&self) -> Option<String> {
        match self.next {
            _ if self.sagas.is_empty() => Some("no saga matches".to_owned()),
            Some(next) => Some(format!("there are more: --below {next}")),
            None => None,
        }
    }
}

/// How many match, by groups.
#[derive(Debug)]
struct CountsView {
    groups: Vec<String>,
    counts: Vec<(Vec<Option<String>>, u64)>,
}

impl CountsView {
    fn load(log: &mut dyn LogReader, query: &Query, groups: Vec<String>) -> Result<Self, CliError> {
        let by: Vec<Group> = groups.iter().filter_map(|name| words::group(name)).collect();
        let counts = log.count(query, &by)?.into_iter().map(|count| (count.values, count.count)).collect();
        Ok(Self { groups, counts })
    }

    fn render(&self, width: Option<usize>) -> String {
        let titles = self.groups.iter().map(|group| group.to_uppercase());
        let mut table = titles.fold(Table::default().number("COUNT"), |table, title| table.text(&title, 8));
        for (values, count) in &self.counts {
            let values = values.iter().map(|value| {
                let text = value.as_deref().unwrap_or("–");
                Cell::styled(words::status(text).map_or(style::PLAIN, style::of), text)
            });
            table.row([Cell::styled(STRONG, count.to_string())].into_iter().chain(values));
        }
        table.render(width)
    }
}

impl Serialize for CountsView {
    /// `[{"name": …, "status": …, "count": …}]`
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.counts.iter().map(|(values, count)| {
            let mut object: serde_json::Map<_, _> =
                self.groups.iter().cloned().zip(values.iter().cloned().map(serde_json::Value::from)).collect();
            object.insert("count".to_owned(), (*count).into());
            object
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::sample;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn a_list_fits_the_terminal() {
        let view = ListView::load(&mut *sample::log(), &Query::default()).expect("read");
        let wide = plain(&view.render(None, sample::NOW));
        assert_eq!(
            wide,
            "ID  SAGA            STATUS       STEP   STARTED    TOOK   KEY       DETAIL\n \
              3  replace_window  stuck        close  1 min ago                   host has not told the fate of open\n \
              2  replace_window  compensated  close  2 min ago  5.0 s  order-17  a program runs in it\n \
              1  refill_pool     running      ask    3 min ago                   waits for PoolWindowAdded from host\n"
        );
        let narrow = plain(&view.render(Some(60), sample::NOW));
        assert!(narrow.lines().all(|line| line.chars().count() <= 60), "{narrow}");
        assert!(narrow.contains('…') && narrow.contains("compensated"), "{narrow}");
    }

    #[test]
    fn json_has_everything_with_times_to_read() {
        let view = ListView::load(&mut *sample::log(), &Query { limit: 1, ..Query::default() }).expect("read");
        let json = serde_json::to_value(&view).expect("JSON");
        assert_eq!(json["next"], 3);
        assert_eq!(json["sagas"][0]["status"], "stuck");
        assert_eq!(json["sagas"][0]["started"], "2024-02-29T12:33:56.789Z");
        assert_eq!(view.remark().as_deref(), Some("there are more: --below 3"));
    }

    #[test]
    fn counts_are_by_what_was_asked() {
        let groups = vec!["name".to_owned(), "status".to_owned()];
        let view = CountsView::load(&mut *sample::log(), &Query::default(), groups).expect("read");
        let json = serde_json::to_value(&view).expect("JSON");
        assert_eq!(json.as_array().map(Vec::len), Some(3));
        assert_eq!(json[0]["count"], 1);
        let text = plain(&view.render(None));
        assert!(text.starts_with("COUNT  NAME            STATUS\n"), "{text}");
        assert!(text.contains("    1  refill_pool     running\n"), "{text}");
    }

    #[test]
    fn nothing_found_is_said_beside_the_result() {
        let query = Query { names: vec!["other".to_owned()], ..Query::default() };
        let view = ListView::load(&mut *sample::log(), &query).expect("read");
        assert_eq!(view.render(None, sample::NOW), "");
        assert_eq!(view.remark().as_deref(), Some("no saga matches"));
    }
}
