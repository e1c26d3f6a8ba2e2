//! A table that fits a width. Knows nothing of sagas.

use anstyle::Style;

use super::style::{FAINT, PLAIN, clean, paint, shorten};

/// Between two columns.
const GAP: usize = 2;

/// Rows of text under titles. Columns without any text are left out.
#[derive(Debug, Default)]
pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

#[derive(Debug)]
struct Column {
    title: String,
    numeric: bool,
    least: usize,
    optional: bool,
}

/// One text.
#[derive(Debug)]
pub(super) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// A text in a style.
    pub(super) fn styled(style: Style, text: impl AsRef<str>) -> Self {
        Self { text: clean(text.as_ref()), style }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::styled(PLAIN, text)
    }
}

impl Table {
    /// A column that is shortened to `least` characters at most, when there is not enough room.
    pub(super) fn text(mut self, title: &str, least: usize) -> Self {
        self.columns.push(Column { title: title.to_owned(), numeric: false, least, optional: false });
        self
    }

    /// A column that is left out when there is not enough room for all; the last one first.
    pub(super) fn optional(mut self, title: &str) -> Self {
        self.columns.push(Column { title: title.to_owned(), numeric: false, least: usize::MAX, optional: true });
        self
    }

    /// A column of numbers, which are never shortened.
    pub(super) fn number(mut self, title: &str) -> Self {
        self.columns.push(Column { title: title.to_owned(), numeric: true, least: usize::MAX, optional: false });
        self
    }

    /// Adds a row, with a cell for every column.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table, in lines of at most `width` characters if there is one.
    pub(super) fn render(&self, width: Option<usize>) -> String {
        let shown = self.shown(width);
        let widths = self.widths(&shown, width);
        let titles = shown.iter().map(|column| (self.columns[*column].title.as_str(), FAINT));
        let mut text = self.line(&shown, &widths, titles);
        for row in &self.rows {
            let cells = shown.iter().map(|column| (row[*column].text.as_str(), row[*column].style));
            text.push_str(&self.line(&shown, &widths, cells));
        }
        text
    }

    /// The columns with text for which there is room, each with the least of it.
    fn shown(&self, width: Option<usize>) -> Vec<usize> {
        let mut shown: Vec<usize> = (0..self.columns.len()).filter(|column| self.has_text(*column)).collect();
        let least = |shown: &[usize]| -> usize { shown.iter().map(|column| self.least(*column) + GAP).sum() };
        while width.is_some_and(|width| least(&shown) > width + GAP) {
            match shown.iter().rposition(|column| self.columns[*column].optional) {
                Some(last) => shown.remove(last),
                None => break,
            };
        }
        shown
    }

    fn least(&self, column: usize) -> usize {
        self.columns[column].least.min(self.natural(column))
    }

    fn has_text(&self, column: usize) -> bool {
        self.rows.iter().any(|row| !row[column].text.is_empty())
    }

    /// The widest column gives way first, but none goes below its least while another can give way.
    fn widths(&self, shown: &[usize], width: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = shown.iter().map(|column| self.natural(*column)).collect();
        let Some(width) = width else {
            return widths;
        };
        let room = width.saturating_sub(GAP * shown.len().saturating_sub(1));
        let least: Vec<_> = shown.iter().map(|column| self.least(*column)).collect();
        while widths.iter().sum::<usize>() > room {
            let spare = |index: &usize| widths[*index].saturating_sub(least[*index]);
            let gives = (0..widths.len()).filter(|index| spare(index) > 0).max_by_key(|index| widths[*index]);
            let gives = gives.or_else(|| (0..widths.len()).max_by_key(|index| widths[*index]));
            match gives.filter(|index| widths[*index] > 1) {
                Some(index) => widths[index] -= 1,
                None => break,
            }
        }
        widths
    }

    fn natural(&self, column: usize) -> usize {
        let cells = self.rows.iter().map(|row| row[column].text.chars().count());
        cells.chain([self.columns[column].title.chars().count()]).max().unwrap_or_default()
    }

    fn line<'a>(&self, shown: &[usize], widths: &[usize], cells: impl Iterator<Item = (&'a str, Style)>) -> String {
        let mut line = String::new();
        let mut pending = 0;
        for ((column, width), (text, style)) in shown.iter().zip(widths).zip(cells) {
            let text = shorten(text, *width);
            let pad = width.saturating_sub(text.chars().count());
            let (before, after) = if self.columns[*column].numeric { (pad, 0) } else { (0, pad) };
            if !text.is_empty() {
                line.push_str(&" ".repeat(pending + before));
                line.push_str(&paint(style, &text));
                pending = 0;
            } else {
                pending += before;
            }
            pending += after + GAP;
        }
        line.push('\n');
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::default().number("ID").text("SAGA", 8).text("KEY", 3).text("DETAIL", 10);
        table.row(["7", "pool_respawn_on_promote", "", "waits for the host"].map(Cell::from));
        table.row(["120", "trip", "", ""].map(Cell::from));
        table
    }

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn without_a_width_nothing_is_left_out() {
        assert_eq!(
            plain(&table().render(None)),
            " ID  SAGA                     DETAIL\n\
             \x20 7  pool_respawn_on_promote  waits for the host\n\
             120  trip\n"
        );
    }

    #[test]
    fn the_widest_column_gives_way_first() {
        assert_eq!(
            plain(&table().render(Some(36))),
            " ID  SAGA             DETAIL\n\
             \x20 7  pool_respawn_o…  waits for the…\n\
             120  trip\n"
        );
    }

    #[test]
    fn what_is_optional_is_left_out_first() {
        let mut table = Table::default().number("ID").text("STATUS", 11).optional("SINCE").optional("KEY");
        table.row(["7", "compensated", "3 min ago", "order-17"].map(Cell::from));
        let titles = |width| plain(&table.render(Some(width))).lines().next().expect("titles").to_owned();
        assert_eq!(titles(36), "ID  STATUS       SINCE      KEY");
        assert_eq!(titles(35), "ID  STATUS       SINCE");
        assert_eq!(titles(20), "ID  STATUS");
    }

    #[test]
    fn no_width_breaks_a_line() {
        for width in 0..60 {
            let text = plain(&table().render(Some(width)));
            let widest = text.lines().map(|line| line.chars().count()).max().expect("lines");
            assert!(widest <= width.max(7), "{width}: {text}");
        }
    }

    #[test]
    fn a_cell_is_one_line() {
        let mut table = Table::default().text("A", 1);
        table.row(["x\ny\x1b[2J"].map(Cell::from));
        assert_eq!(plain(&table.render(None)), "A\nx y\u{fffd}[2J\n");
    }
}
