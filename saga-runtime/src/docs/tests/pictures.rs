//! The picture of a diagram: it shows what the diagram says, and nothing lies over anything else or off the paper.

use super::sagas::{RESTAURANT, SHIPPING, TRIP};
use super::whole::HOSTILE_SAGA;
use super::{COMMAND, REPLACE};
use crate::definition::Definition;
use crate::docs::diagram::{self, Course};
use crate::docs::page;

const ALL: [&Definition; 5] = [&REPLACE, &TRIP, &RESTAURANT, &SHIPPING, &HOSTILE_SAGA];

fn picture(definition: &Definition) -> String {
    page::picture(definition, COMMAND)
}

/// The number that an attribute of an element holds.
fn number(element: &str, attribute: &str) -> i32 {
    let value = element.split(&format!(" {attribute}=\"")).nth(1).and_then(|rest| rest.split('"').next());
    value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {attribute} in {element}"))
}

/// Left, top, right and bottom of the elements that begin so.
fn boxes(picture: &str, begin: &str) -> Vec<(i32, i32, i32, i32)> {
    let of = |element: &str| {
        let (x, y) = (number(element, "x"), number(element, "y"));
        (x, y, x + number(element, "width"), y + number(element, "height"))
    };
    picture.lines().filter(|line| line.starts_with(begin) && !line.contains("paper")).map(of).collect()
}

/// Left, height and right of all words, measured as the widest.
fn words(picture: &str) -> Vec<(i32, i32, i32)> {
    let of = |element: &str| {
        let text = element.split('>').nth(1).and_then(|rest| rest.split('<').next()).expect("a text");
        let length = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
        let width = 7 * i32::try_from(length.chars().count()).expect("few letters");
        let (x, y) = (number(element, "x"), number(element, "y"));
        match () {
            () if element.contains("before") => (x - width, y, x),
            () if element.contains("class=\"words\"") => (x, y, x + width),
            () => (x - width / 2, y, x + width / 2),
        }
    };
    picture.lines().filter(|line| line.starts_with("<text ")).map(of).collect()
}

fn paper(picture: &str) -> (i32, i32) {
    let svg = picture.lines().find(|line| line.starts_with("<svg ")).expect("a picture");
    (number(svg, "width"), number(svg, "height"))
}

#[test]
fn no_state_lies_over_another_or_off_the_paper() {
    for definition in ALL {
        let picture = picture(definition);
        let ((width, height), states) = (paper(&picture), boxes(&picture, "<rect "));
        assert_eq!(states.len(), diagram::of(definition).states.len(), "{picture}");
        for (index, one) in states.iter().enumerate() {
            assert!(one.0 >= 0 && one.1 >= 0 && one.2 <= width && one.3 <= height, "{one:?} in {picture}");
            for other in &states[index + 1..] {
                let apart = one.2 <= other.0 || other.2 <= one.0 || one.3 <= other.1 || other.3 <= one.1;
                assert!(apart, "{}: {one:?} lies over {other:?}", definition.name);
            }
        }
    }
}

#[test]
fn no_words_lie_over_others_or_off_the_paper() {
    for definition in ALL {
        let picture = picture(definition);
        let ((width, height), words) = (paper(&picture), words(&picture));
        for (index, one) in words.iter().enumerate() {
            assert!(one.0 >= 0 && one.2 <= width && (12..=height).contains(&one.1), "{one:?} in {picture}");
            for other in &words[index + 1..] {
                let apart = one.2 <= other.0 || other.2 <= one.0 || (one.1 - other.1).abs() >= 14;
                assert!(apart, "{}: {one:?} lies over {other:?} in {picture}", definition.name);
            }
        }
    }
}

/// The pieces of all lines: from one point to the next.
fn pieces(picture: &str) -> Vec<[(i32, i32); 2]> {
    let mut pieces = Vec::new();
    for line in picture.lines().filter(|line| line.starts_with("<polyline ")) {
        let points = line.split('"').nth(3).expect("points").split(' ');
        let point = |text: &str| {
            let (x, y) = text.split_once(',').expect("a point");
            (x.parse().expect("a number"), y.parse().expect("a number"))
        };
        let points: Vec<(i32, i32)> = points.map(point).collect();
        pieces.extend(points.windows(2).map(|pair| [pair[0], pair[1]]));
    }
    pieces
}

#[test]
fn no_line_runs_through_words() {
    for definition in ALL {
        let picture = picture(definition);
        for [(x, y), (to_x, to_y)] in pieces(&picture) {
            assert!((x == to_x) != (y == to_y), "{}: it is neither level nor upright: {picture}", definition.name);
            for (left, foot, right) in words(&picture) {
                let beside = x.max(to_x) <= left || right <= x.min(to_x);
                let over = y.max(to_y) <= foot - 9 || foot + 3 <= y.min(to_y);
                assert!(beside || over, "{}: {x},{y} {to_x},{to_y} through {left},{foot}", definition.name);
            }
        }
    }
}

#[test]
fn what_the_diagram_says_is_in_the_picture() {
    for definition in [&REPLACE, &TRIP, &RESTAURANT, &SHIPPING] {
        let (picture, diagram) = (picture(definition), diagram::of(definition));
        let texts = picture.lines().filter_map(|line| line.split('>').nth(1)?.split('<').next());
        let text = texts.collect::<Vec<_>>().join(" ");
        let states = diagram.states.iter().flat_map(|state| [&state.label].into_iter().chain(&state.parts));
        let arrows = diagram.arrows.iter().filter(|arrow| arrow.course != Course::Resumed).map(|arrow| &arrow.label);
        for said in states.chain(arrows) {
            let said = said.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
            assert!(text.contains(&said), "{said:?} of {} is not in {text}", definition.name);
        }
        assert_eq!(picture, self::picture(definition), "the same each time");
    }
}

#[test]
fn hostile_words_leave_the_picture_whole() {
    let picture = picture(&HOSTILE_SAGA);
    let known = ["!--", "svg", "title", "style", "rect", "polyline", "polygon", "circle", "text", "/"];
    for tag in picture.split('<').skip(1) {
        assert!(known.iter().any(|known| tag.starts_with(known)), "{tag}");
    }
    assert_eq!(picture.matches("-->").count(), 1, "{picture}");
}
