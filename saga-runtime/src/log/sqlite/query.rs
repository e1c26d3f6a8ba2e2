//! `find` and `count` as SQL.

use rusqlite::types::Value;

use super::rows::time;
use crate::log::{Group, Query, Status};

/// Where a saga without an end stands: its newest record that says so. One for which none is found is damaged, and
/// shown as stuck.
pub(super) const TABLES: &str = "saga AS s LEFT JOIN record AS r ON s.ended IS NULL AND r.saga = s.id AND r.number =
    (SELECT number FROM record WHERE saga = s.id AND status IS NOT NULL ORDER BY number DESC LIMIT 1)";

/// The columns of a summary. The standing is in the seven from [`STANDING`] on.
pub(super) const SUMMARY: &str = "s.id, s.name, s.version, s.started, s.parent, s.key, s.ended,
    coalesce(s.status, r.status, 'stuck'), iif(s.ended IS NULL, r.standing_step, s.step), r.waiting_for, r.participant,
    coalesce(s.ended, r.since, s.started), r.until,
    iif(s.ended IS NULL, iif(r.saga IS NULL, 'no record says where it stands: the log is damaged', r.reason), s.message)";
/// Where the standing begins in [`SUMMARY`].
pub(super) const STANDING: usize = 7;

/// The status of a saga.
const STATUS: &str = "coalesce(s.status, r.status, 'stuck')";
/// The step at which it stands or failed.
const STEP: &str = "iif(s.ended IS NULL, r.standing_step, s.step)";

/// SQL with its parameters.
pub(super) struct Sql {
    pub(super) text: String,
    pub(super) parameters: Vec<Value>,
}

impl Sql {
    /// These columns of all sagas that match.
    pub(super) fn matching(columns: &str, query: &Query) -> Self {
        let mut sql = Self { text: format!("SELECT {columns} FROM {TABLES} WHERE TRUE"), parameters: Vec::new() };
        sql.any("s.name", query.names.iter().map(|name| text(name)));
        sql.any(STATUS, query.statuses.iter().map(|status| text(status.as_str())));
        sql.only_open_if_no_end(&query.statuses);
        sql.and(&format!("{STEP} = ?"), query.step.as_deref().map(text));
        sql.and("s.started >= ?", query.since.map(|since| time(since).into()));
        sql.and("s.started < ?", query.before.map(|before| time(before).into()));
        sql.and("s.key = ?", query.key.as_deref().map(text));
        sql.and(
            "(SELECT instr(s.input, sought) OR instr(iif(s.ended IS NULL, r.reason, s.message), sought)
              FROM (SELECT ? AS sought))",
            query.text.as_deref().map(text),
        );
        sql
    }

    /// Only the page that the query asks for, and one more to know whether there are more.
    pub(super) fn page(mut self, query: &Query) -> Self {
        let below = query.below.map(|below| i64::try_from(below.get()).unwrap_or(i64::MAX));
        self.and("s.id < ?", below.map(Value::from));
        self.text += " ORDER BY s.id DESC LIMIT ?";
        self.parameters.push(i64::try_from(query.limit).unwrap_or(i64::MAX).saturating_add(1).into());
        self
    }

    /// Counted by these groups, most first.
    pub(super) fn counted(by: &[Group], query: &Query) -> Self {
        let groups: Vec<_> = by.iter().map(|group| column(*group)).collect();
        let columns: String = groups.iter().map(|group| format!("{group}, ")).collect();
        let mut sql = Self::matching(&format!("{columns}count(*)"), query);
        if !groups.is_empty() {
            let numbers =
                |prefix: &str| (1..=groups.len()).map(|n| format!("{prefix}{n}")).collect::<Vec<_>>().join(", ");
            sql.text += &format!(" GROUP BY {} ORDER BY count(*) DESC, {}", numbers(""), numbers(""));
        }
        sql
    }

    fn and(&mut self, condition: &str, parameter: Option<Value>) {
        if let Some(parameter) = parameter {
            self.text += " AND ";
            self.text += condition;
            self.parameters.push(parameter);
        }
    }

    fn any(&mut self, column: &str, values: impl Iterator<Item = Value>) {
        let before = self.parameters.len();
        self.parameters.extend(values);
        let places = vec!["?"; self.parameters.len() - before];
        if !places.is_empty() {
            self.text += &format!(" AND {column} IN ({})", places.join(", "));
        }
    }

    /// What the statuses imply, so that the index over sagas without an end serves.
    fn only_open_if_no_end(&mut self, statuses: &[Status]) {
        let ends = statuses.iter().filter(|status| status.is_end()).count();
        if !statuses.is_empty() && ends == 0 {
            self.text += " AND s.ended IS NULL";
        }
    }
}

fn column(group: Group) -> &'static str {
    match group {
        Group::Name => "s.name",
        Group::Status => STATUS,
        Group::Step => STEP,
    }
}

fn text(text: &str) -> Value {
    text.to_owned().into()
}
