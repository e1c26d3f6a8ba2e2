//! The state diagram of a saga as a picture, for those who read it where Mermaid is not drawn.
//!
//! The way forward leads down on the left, what is undone leads up again beside it, and what waits for an operator is on
//! the right. The same diagram gives the same bytes; letters are measured by their number, so that no font is needed.

mod ink;
mod plan;

use std::collections::BTreeMap;

use self::ink::{End, Ink};
use self::plan::{Column, Plan, Seat};
use super::diagram::{self, Arrow, Course, Diagram, Kind, OUTSIDE};
use crate::definition::Definition;

/// How far beside the middle of a state an arrow leaves or meets it that is not alone there.
const ASIDE: i32 = 10;

/// The picture, with the comment that it begins with.
pub(super) fn render(definition: &Definition, mark: &str) -> String {
    let diagram = diagram::of(definition);
    let plan = Plan::of(&diagram);
    let mut picture = Picture { diagram: &diagram, plan: &plan, ink: Ink::default() };
    picture.draw();
    let title = format!("States of {}", definition.type_name);
    picture.ink.finish(mark, &title, plan.width, plan.height)
}

struct Picture<'a> {
    diagram: &'a Diagram,
    plan: &'a Plan,
    ink: Ink,
}

impl Picture<'_> {
    fn draw(&mut self) {
        for arrow in &self.diagram.arrows {
            match arrow.course {
                Course::Forward => self.straight(arrow),
                Course::Again => self.again(arrow),
                Course::Undone => self.undone(arrow),
                Course::Failure | Course::OwnFailure | Course::Spent | Course::Resumed => {}
                Course::End => self.end(arrow),
            }
        }
        for exit in exits(self.diagram) {
            if exit.is_own { self.own_failure(&exit) } else { self.failure(&exit) }
        }
        for (id, words) in exchanges_with_stuck(self.diagram) {
            self.stuck(id, &words);
        }
        for seat in self.plan.seats() {
            self.seat(seat);
        }
    }

    fn seat(&mut self, seat: &Seat) {
        if seat.is_dot() {
            return self.ink.dot(seat.middle(), seat.y);
        }
        self.ink.state(seat.class(), (seat.x, seat.top()), (seat.width, seat.height));
        let top = seat.y - (ink::height(seat.lines.len()) / 2);
        for (index, line) in (0..).zip(&seat.lines) {
            let class = if seat.has_title && index == 0 { "title" } else { "name" };
            self.ink.text(class, (seat.middle(), top + ink::LINE * index + ink::ASCENT), line);
        }
    }

    /// From a state to the one below it.
    fn straight(&mut self, arrow: &Arrow) {
        let (Some(from), Some(to)) = (self.plan.from(arrow), self.plan.to(arrow)) else { return };
        let x = if to.column == Column::Undo { to.middle() } else { from.middle().min(to.middle()) };
        self.ink.line(&[(x, from.bottom()), (x, to.top())], End::Arrow);
        self.ink.words((x + 8, ink::above(from.bottom() + (to.top() - from.bottom()) / 2, &arrow.label)), &arrow.label);
    }

    /// Over the lane of its target, into it from the left; or down into the way out.
    fn failure(&mut self, exit: &Exit<'_>) {
        let (Some(from), Some(to)) = (self.plan.seat(exit.from), self.plan.seat(exit.to)) else { return };
        let (y, lane) = (from.y - ASIDE, self.plan.lane(&to.id));
        let mut points = vec![(from.right(), y), (lane, y)];
        if to.column == Column::Undo {
            points.extend([(lane, to.y - ASIDE), (to.x, to.y - ASIDE)]);
        } else {
            points.push((lane, to.top()));
        }
        points.dedup();
        self.ink.line(&points, End::Arrow);
        self.ink.words_above((from.right() + 8, y), &exit.words);
    }

    /// To what undoes the very state, beside it.
    fn own_failure(&mut self, exit: &Exit<'_>) {
        let (Some(from), Some(to)) = (self.plan.seat(exit.from), self.plan.seat(exit.to)) else { return };
        let y = from.y + ASIDE;
        self.ink.line(&[(from.right(), y), (to.x, y)], End::Arrow);
        self.ink.words_below((from.right() + 8, y), &exit.words);
    }

    /// A loop on the left.
    fn again(&mut self, arrow: &Arrow) {
        let Some(seat) = self.plan.from(arrow) else { return };
        let (left, up, down) = (seat.x - 24, seat.y - ASIDE, seat.y + ASIDE);
        self.ink.line(&[(seat.x, up), (left, up), (left, down), (seat.x, down)], End::Arrow);
        self.ink.words_before((left - 6, seat.y), &arrow.label);
    }

    /// Up to what is undone next; or past it all, down into the way out.
    fn undone(&mut self, arrow: &Arrow) {
        let (Some(from), Some(to)) = (self.plan.from(arrow), self.plan.to(arrow)) else { return };
        let (x, top) = (from.middle(), from.top());
        if to.column == Column::Undo {
            self.ink.line(&[(x, top), (x, to.bottom())], End::Arrow);
            self.ink.words((x + 8, top - 10), &arrow.label);
        } else {
            let (turn, lane) = (top - 14, self.plan.way_out);
            self.ink.line(&[(x, top), (x, turn), (lane, turn), (lane, to.top())], End::Arrow);
            self.ink.words((x + 8, turn - 6), &arrow.label);
        }
    }

    /// To where it is stuck and back, in one line.
    fn stuck(&mut self, id: &str, words: &Words<'_>) {
        let (Some(seat), Some(stuck)) = (self.plan.seat(id), self.plan.seat("stuck")) else { return };
        let (y, lane) = (seat.y, self.plan.stuck_lane);
        let mut points = vec![(seat.right(), y), (lane, y), (lane, stuck.y), (stuck.x, stuck.y)];
        points.dedup();
        let ends = match (words.out.is_empty(), words.back.is_empty()) {
            (false, false) => End::Both,
            (true, _) => End::Back,
            (false, true) => End::Arrow,
        };
        self.ink.line(&points, ends);
        self.ink.words_above((seat.right() + 8, y), &words.out.join(", "));
        self.ink.words_below((seat.right() + 8, y), &words.back.join(", "));
    }

    /// How it ends, where that is not told by the state: the ways out are under the finally steps, and an operator's word
    /// under where it is stuck.
    fn end(&mut self, arrow: &Arrow) {
        let (Some(from), Some(to)) = (self.plan.from(arrow), self.plan.to(arrow)) else { return };
        match from.kind {
            Some(Kind::Finally) if arrow.to == OUTSIDE => {
                let (x, y, lane) = (from.right() - ASIDE, from.bottom() + ASIDE, self.plan.ended_lane);
                self.ink.line(&[(x, from.bottom()), (x, y), (lane, y), (lane, to.y), (to.x, to.y)], End::Arrow);
            }
            Some(Kind::Finally | Kind::Stuck) => self.straight(arrow),
            _ => {}
        }
    }
}

/// All that leads from one state to another when the saga fails.
struct Exit<'a> {
    from: &'a str,
    to: &'a str,
    /// What undoes the very state.
    is_own: bool,
    words: String,
}

fn exits(diagram: &Diagram) -> Vec<Exit<'_>> {
    let mut exits: Vec<Exit<'_>> = Vec::new();
    for arrow in diagram.arrows.iter().filter(|arrow| matches!(arrow.course, Course::Failure | Course::OwnFailure)) {
        match exits.iter_mut().find(|exit| exit.from == arrow.from && exit.to == arrow.to) {
            Some(exit) => exit.words = format!("{}; {}", exit.words, arrow.label),
            None => {
                let kind = |id: &str| diagram.states.iter().find(|state| state.id == id).map(|state| state.kind);
                let is_own = match (kind(&arrow.from), kind(&arrow.to)) {
                    (Some(Kind::Forward(place)), Some(Kind::Undo(undone))) => place == undone,
                    _ => false,
                };
                exits.push(Exit { from: &arrow.from, to: &arrow.to, is_own, words: arrow.label.clone() });
            }
        }
    }
    exits
}

/// What is said between a state and where it is stuck.
#[derive(Default)]
struct Words<'a> {
    out: Vec<&'a str>,
    back: Vec<&'a str>,
}

fn exchanges_with_stuck(diagram: &Diagram) -> BTreeMap<&str, Words<'_>> {
    let mut exchanges: BTreeMap<_, Words<'_>> = BTreeMap::new();
    for arrow in &diagram.arrows {
        match arrow.course {
            Course::Spent => exchanges.entry(&*arrow.from).or_default().out.push(&arrow.label),
            Course::Resumed => {
                let back = &mut exchanges.entry(&*arrow.to).or_default().back;
                let new: Vec<_> = arrow.label.split(", ").filter(|word| !back.contains(word)).collect();
                back.extend(new);
            }
            _ => {}
        }
    }
    exchanges
}
