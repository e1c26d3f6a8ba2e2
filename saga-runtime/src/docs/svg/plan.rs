//! Where each state of a diagram is drawn, and over which lanes the arrows run that lead past others.

use std::collections::BTreeMap;

use super::super::diagram::{Arrow, Course, Diagram, Kind, OUTSIDE, State};
use super::{exchanges_with_stuck, exits, ink};

/// The way around everything.
const MARGIN: i32 = 24;
/// Between words, lanes and states beside each other.
const GAP: i32 = 12;
/// Between a state and the one below, without words.
const BETWEEN: i32 = 34;
/// No state is smaller.
const WIDTH: i32 = 110;

/// The states beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Column {
    Forward,
    Undo,
    Stuck,
}

/// A state where it is drawn; without a kind it is a dot, at which a saga begins or ends.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) id: String,
    pub(super) kind: Option<Kind>,
    pub(super) lines: Vec<String>,
    /// Its first line stands over what it is made of.
    pub(super) has_title: bool,
    pub(super) column: Column,
    pub(super) row: usize,
    pub(super) x: i32,
    /// Its middle.
    pub(super) y: i32,
    pub(super) width: i32,
    pub(super) height: i32,
}

impl Seat {
    fn dot(id: &str, column: Column, row: usize) -> Self {
        let (id, lines) = (id.to_owned(), Vec::new());
        Self { id, kind: None, lines, has_title: false, column, row, x: 0, y: 0, width: 0, height: 14 }
    }

    fn of(state: &State, column: Column, row: usize) -> Self {
        let parts = state.parts.iter().flat_map(|part| ink::wrapped(part));
        let lines: Vec<_> = ink::wrapped(&state.label).into_iter().chain(parts).collect();
        let (kind, height, has_title) = (Some(state.kind), ink::height(lines.len()) + 24, !state.parts.is_empty());
        Self { kind, lines, has_title, height, ..Self::dot(&state.id, column, row) }
    }

    pub(super) fn is_dot(&self) -> bool {
        self.kind.is_none()
    }

    pub(super) fn right(&self) -> i32 {
        self.x + self.width
    }

    pub(super) fn middle(&self) -> i32 {
        self.x + self.width / 2
    }

    pub(super) fn top(&self) -> i32 {
        self.y - self.height / 2
    }

    pub(super) fn bottom(&self) -> i32 {
        self.y + self.height / 2
    }

    pub(super) fn class(&self) -> &'static str {
        match self.kind {
            Some(Kind::Undo(_)) => "undo",
            Some(Kind::Finally) => "out",
            Some(Kind::Completed) => "good",
            Some(Kind::Compensated) => "back",
            Some(Kind::Stuck) => "stuck",
            Some(Kind::Forward(_)) | None => "state",
        }
    }

    fn own_width(&self) -> i32 {
        if self.is_dot() { 14 } else { self.lines.iter().map(|line| ink::width(line)).max().unwrap_or_default() + 24 }
    }
}

/// Where everything is.
#[derive(Debug)]
pub(super) struct Plan {
    seats: Vec<Seat>,
    /// To what is undone, or out, by the state that it leads to.
    lanes: BTreeMap<String, i32>,
    /// From the last that is undone to the finally steps.
    pub(super) way_out: i32,
    /// To where it is stuck.
    pub(super) stuck_lane: i32,
    /// From the finally steps to the end that an operator wanted.
    pub(super) ended_lane: i32,
    pub(super) width: i32,
    pub(super) height: i32,
}

impl Plan {
    pub(super) fn of(diagram: &Diagram) -> Self {
        let mut plan = Self {
            seats: seats(diagram),
            lanes: BTreeMap::new(),
            way_out: 0,
            stuck_lane: 0,
            ended_lane: 0,
            width: 0,
            height: 0,
        };
        plan.place_columns(diagram);
        plan.place_rows(diagram);
        plan
    }

    pub(super) fn seats(&self) -> impl Iterator<Item = &Seat> {
        self.seats.iter()
    }

    pub(super) fn seat(&self, id: &str) -> Option<&Seat> {
        self.seats.iter().find(|seat| seat.id == id)
    }

    /// Where an arrow begins: outside it is the beginning.
    pub(super) fn from(&self, arrow: &Arrow) -> Option<&Seat> {
        self.seat(&arrow.from)
    }

    /// Where an arrow leads: outside it is the end.
    pub(super) fn to(&self, arrow: &Arrow) -> Option<&Seat> {
        self.seat(if arrow.to == OUTSIDE { END } else { &arrow.to })
    }

    /// The lane that leads to a state.
    pub(super) fn lane(&self, id: &str) -> i32 {
        self.lanes.get(id).copied().unwrap_or_default()
    }

    fn place_columns(&mut self, diagram: &Diagram) {
        let loops = widest(diagram, |arrow| arrow.course == Course::Again);
        let forward = MARGIN + if loops > 0 { loops + 30 } else { 0 };
        let forward_width = self.column_width(Column::Forward);
        let words = exits(diagram).iter().map(|exit| ink::size(&exit.words).1).max().unwrap_or_default();
        let lanes = forward + forward_width + GAP + words.max(self.spill(diagram)) + GAP;
        self.way_out = self.place_lanes(diagram, lanes);
        let undo = self.way_out + 2 * GAP;
        let undo_width = self.column_width(Column::Undo);
        let words = self.stuck_words(diagram);
        self.stuck_lane = undo + undo_width + GAP + words + GAP;
        self.ended_lane = self.stuck_lane + GAP;
        let stuck = self.ended_lane + 2 * GAP;
        let stuck_width = self.column_width(Column::Stuck);
        for seat in &mut self.seats {
            let (left, width) = match seat.column {
                Column::Forward => (forward, forward_width),
                Column::Undo => (undo, undo_width),
                Column::Stuck => (stuck, stuck_width),
            };
            seat.width = match seat.kind {
                None => seat.own_width(),
                Some(Kind::Finally) => undo + undo_width - forward,
                Some(_) => width,
            };
            seat.x = if seat.is_dot() { left + (width - seat.width) / 2 } else { left };
        }
        let has_stuck = self.seat("stuck").is_some();
        let ends = widest(diagram, |arrow| arrow.course == Course::End && arrow.from == "stuck");
        self.width = if has_stuck {
            stuck + stuck_width.max(stuck_width / 2 + 8 + ends) + MARGIN
        } else {
            undo + undo_width + widest(diagram, |arrow| arrow.course == Course::End) + MARGIN
        };
    }

    /// One lane for each state that is come to over one: those further up are further left, so that none runs along
    /// another. Gives where they end.
    fn place_lanes(&mut self, diagram: &Diagram, left: i32) -> i32 {
        let exits = exits(diagram);
        let mut targets: Vec<_> = exits.iter().filter(|exit| !exit.is_own).map(|exit| exit.to).collect();
        targets.sort_by_key(|id| self.seat(id).map(|seat| (seat.column, seat.row)));
        targets.dedup();
        let mut lane = left;
        for target in targets {
            self.lanes.insert(target.to_owned(), lane);
            lane += GAP;
        }
        lane
    }

    /// How far the words beside the arrows downward reach beyond their column.
    fn spill(&self, diagram: &Diagram) -> i32 {
        let words = widest(diagram, |arrow| arrow.course == Course::Forward);
        (words + 8 - self.column_width(Column::Forward) / 2).max(0)
    }

    fn stuck_words(&self, diagram: &Diagram) -> i32 {
        let words = exchanges_with_stuck(diagram);
        let widths = words.values().flat_map(|words| [words.out.join(", "), words.back.join(", ")]);
        widths.map(|words| ink::size(&words).1).max().unwrap_or_default()
    }

    fn column_width(&self, column: Column) -> i32 {
        let seats = self.seats.iter().filter(|seat| seat.column == column);
        let widest = seats.filter(|seat| seat.kind != Some(Kind::Finally)).map(Seat::own_width).max();
        widest.unwrap_or_default().max(WIDTH)
    }

    fn place_rows(&mut self, diagram: &Diagram) {
        let rows = self.seats.iter().map(|seat| seat.row).max().unwrap_or_default();
        let mut top = MARGIN;
        for row in 0..=rows {
            let height = self.row_height(diagram, row);
            for seat in self.seats.iter_mut().filter(|seat| seat.row == row) {
                seat.y = top + height / 2;
            }
            top += height + if row < rows { self.gap_below(diagram, row) } else { 0 };
        }
        self.height = top + MARGIN;
    }

    /// High enough for its states, and for the words beside them.
    fn row_height(&self, diagram: &Diagram, row: usize) -> i32 {
        let seats = self.seats.iter().filter(|seat| seat.row == row);
        let states = seats.map(|seat| seat.height).max().unwrap_or_default();
        let here = |id: &str| self.seat(id).is_some_and(|seat| seat.row == row);
        let exits = exits(diagram);
        let failing = exits.iter().filter(|exit| here(exit.from)).map(|exit| ink::size(&exit.words).0 + 2 * GAP);
        let stuck = exchanges_with_stuck(diagram);
        let stuck = stuck.iter().filter(|(id, _)| here(id)).flat_map(|(_, words)| {
            [words.out.join(", "), words.back.join(", ")].map(|words| ink::size(&words).0 + GAP)
        });
        failing.chain(stuck).map(|half| 2 * half).max().unwrap_or_default().max(states)
    }

    fn gap_below(&self, diagram: &Diagram, row: usize) -> i32 {
        let is_straight = |arrow: &&Arrow| {
            let from = self.from(arrow).is_some_and(|seat| seat.row == row);
            matches!(arrow.course, Course::Forward | Course::End) && from
        };
        let words = diagram.arrows.iter().filter(is_straight).map(|arrow| ink::size(&arrow.label).0).max();
        words.unwrap_or_default() + BETWEEN
    }
}

/// The dot at which a saga ends that an operator ended.
const END: &str = "[end]";

fn seats(diagram: &Diagram) -> Vec<Seat> {
    let places = diagram.states.iter().filter(|state| matches!(state.kind, Kind::Forward(_))).count();
    let has_finally = diagram.states.iter().any(|state| state.kind == Kind::Finally);
    let undone: Vec<_> = diagram.states.iter().filter_map(undo).collect();
    let stuck_row = match (undone.first(), undone.last()) {
        (Some(last), Some(first)) => usize::midpoint(*last, *first) + 1,
        _ => places + 1,
    };
    let seat = |state: &State| {
        let (column, row) = match state.kind {
            Kind::Forward(place) => (Column::Forward, place + 1),
            Kind::Undo(place) => (Column::Undo, place + 1),
            Kind::Finally => (Column::Forward, places + 1),
            Kind::Completed => (Column::Forward, places + 1 + usize::from(has_finally)),
            Kind::Compensated => (Column::Undo, if has_finally { places + 2 } else { 0 }),
            Kind::Stuck => (Column::Stuck, stuck_row),
        };
        Seat::of(state, column, row)
    };
    let start = Seat::dot(OUTSIDE, Column::Forward, 0);
    let end = Seat::dot(END, Column::Stuck, stuck_row + 1);
    let has_stuck = diagram.states.iter().any(|state| state.kind == Kind::Stuck);
    let seats = diagram.states.iter().map(seat);
    [start].into_iter().chain(seats).chain(has_stuck.then_some(end)).collect()
}

fn undo(state: &State) -> Option<usize> {
    match state.kind {
        Kind::Undo(place) => Some(place),
        _ => None,
    }
}

/// The width of the widest words of some arrows.
fn widest(diagram: &Diagram, of: impl Fn(&Arrow) -> bool) -> i32 {
    diagram.arrows.iter().filter(|arrow| of(arrow)).map(|arrow| ink::size(&arrow.label).1).max().unwrap_or_default()
}
