//! The page as a whole: it stays whole whatever authors write, it is stable, and its links and arrows lead somewhere.

use super::sagas::{RESTAURANT, SHIPPING, TRIP};
use super::{COMMAND, of, section};
use crate::definition::{
    ArmOutcome, AtOnce, Compensation, Deadline, Definition, Each, Exchange, Parameter, Place, Policy, Span, Step,
    StepKind, Trigger,
};
use crate::docs::{file_name, index};
use crate::message::CommandInfo;

const HOSTILE: CommandInfo = CommandInfo {
    name: "Do`it|",
    doc: "``` never closed | \n\n# Steps\n<a id=\"step-1\">",
    fields: "",
    to: "ho|st\n<!--",
    replies: &["A|B"],
    refuses: &["`"],
    query: false,
    live_only: true,
    harmless: true,
    redacted: &["a|b`"],
};
const HOSTILE_STEP: Step = Step::new(
    "end\n--> note | `x`",
    Exchange::send(&HOSTILE)
        .arms(&[
            ArmOutcome::Event { pattern: "A`|\nB", events: &["A\nB"] }.fail("\"```|\""),
            ArmOutcome::Timeout.retry(),
        ])
        .within(Span::Computed("a | `b`\n```")),
    Compensation::None { because: "of | `this\n\n# and <!-- that" },
)
.each(Each { pattern: "(a | b)", items: "\"`\n|\"", at_once: AtOnce::AtMost(2) })
.when("a || b\n\"`\"")
.doc("Text ` | \n\n## What happens if\n~~~\n<!--");

pub(super) const HOSTILE_SAGA: Definition =
    Definition::new("a/b", "Bad`|Name", 1, Deadline::None { because: "`|\n<!--" })
        .doc("One ` <!--\n\n```\n| never | closed")
        .parameters(&[Parameter::new("a|b", "A<`B`>|", "x | y\n\nz").redacted()])
        .triggers(&[Trigger { event: "E\n|", pattern: "E | `F`", guard: Some("a || \"`\"") }])
        .concurrency(Policy::Skip, &["a | b", "`"])
        .returns("`|`\n|")
        .steps(&[HOSTILE_STEP, Step { kind: StepKind::Finally, ..HOSTILE_STEP }], &[Place { steps: &[0] }])
        .finally(&[1]);

#[test]
fn hostile_words_leave_the_page_whole() {
    let page = of(&HOSTILE_SAGA);
    assert!(!page.replace("<!-- Generated", "").contains("<!--"), "{page}");
    assert_eq!(page.matches("\n## What happens if\n").count(), 1, "{page}");
    assert_eq!(page.matches("\n## Steps\n").count(), 1, "{page}");
    assert_eq!(page.lines().filter(|line| line.starts_with("```")).count(), 2, "{page}");
    for table in tables(&page) {
        let columns = |row: &str| row.replace("\\|", "").matches('|').count();
        assert!(table.iter().all(|row| columns(row) == columns(table[0])), "{table:#?}");
    }
    for line in section(&page, "## States").lines().filter(|line| line.contains("-->")) {
        assert!(!line.contains(['`', '|', '"']) && line.matches("-->").count() == 1, "{line}");
    }
}

fn tables(page: &str) -> Vec<Vec<&str>> {
    let lines: Vec<_> = page.lines().collect();
    let blocks = lines.split(|line| !line.starts_with('|')).filter(|block| !block.is_empty());
    blocks.map(<[&str]>::to_vec).collect()
}

#[test]
fn a_page_is_the_same_each_time_and_its_links_lead_somewhere() {
    for definition in [&TRIP, &RESTAURANT, &SHIPPING] {
        let page = of(definition);
        assert_eq!(page, of(definition));
        let links: Vec<_> = page.split("](#").skip(1).filter_map(|rest| rest.split(')').next()).collect();
        assert_eq!(links.len(), definition.steps.len());
        for link in links {
            assert_eq!(page.matches(&format!("<a id=\"{link}\"></a>")).count(), 1, "{link}");
        }
        assert!(index(&[definition], COMMAND).contains(&format!("]({})", file_name(definition))));
    }
}

#[test]
fn every_arrow_of_a_diagram_joins_states_that_are_drawn() {
    for definition in [&TRIP, &RESTAURANT, &SHIPPING] {
        let page = of(definition);
        let diagram = section(&page, "## States");
        for line in diagram.lines().filter(|line| line.contains(" --> ")) {
            let arrow = line.trim().split(" : ").next().expect("a line");
            for end in arrow.split(" --> ").filter(|end| *end != "[*]") {
                assert!(
                    diagram.contains(&format!("\" as {end}\n")) || diagram.contains(&format!("\" as {end} {{")),
                    "{line}"
                );
            }
        }
    }
}
