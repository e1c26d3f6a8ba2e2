use super::steps::StepView;
use super::view::{LateView, RecordView};
use super::*;
use crate::cli::{records, sample};
use crate::definition::{Action, Compensation, Deadline, Exchange, Step, StepKind};
use crate::log::LateRow;
use crate::operator::ParticipantStatus;

fn view(number: u64) -> ShowView {
    ShowView::load(&mut *sample::log(), sample::saga(number), &[]).expect("read").expect("a saga")
}

fn page(view: &ShowView, width: Option<usize>) -> String {
    let page = render::render(view, "agentmux", width, sample::NOW);
    anstream::adapter::strip_str(&page).to_string()
}

#[test]
fn a_stuck_saga_says_first_what_it_waits_for_and_what_to_do() {
    let mut view = view(3);
    view.waits.as_mut().expect("in flight").connection = Connection::Disconnected { waiting: 2 };
    assert_eq!(
        page(&view, None),
        "saga 3 replace_window (version 1) stuck at close\n  \
           started    2024-02-29 12:33:56 UTC (1 min ago)\n  \
           waits for  the fate of CloseWindow\n  \
           from       host\n  \
           since      2024-02-29 12:34:46 UTC (10 s ago)\n  \
           because    host has not told the fate of open\n  \
           now        host is not connected; 2 deliveries wait for it\n\n\
         what you can do\n  \
           wait                       it goes on by itself when host answers\n  \
           agentmux retry 3 --why …   does what is stuck again, with new attempts\n  \
           agentmux cancel 3 --why …  has what was done undone\n  \
           agentmux end 3 --why …     ends the saga as it is, and undoes no more\n\n\
         input\n  \
           {\n    \
             \"old\": \"w1\"\n  \
           }\n\n\
         steps\n  \
           STEP   STATE        ATTEMPT  SINCE\n  \
           open   done         1        59 s ago\n  \
           close  open         1        59 s ago\n  \
           tidy   not reached\n\n\
         records\n  \
           1  12:33:56.789  started by a call\n                   \
                            → open: sends host SpawnWindow\n  \
           2  12:33:57.789  open: handled, with WindowOpened {\"label\":\"w2\"}\n                   \
                            → open: done\n                   \
                            → close: sends host CloseWindow {\"label\":\"w1\"}\n  \
           3  12:34:46.789  close: its fate has not been told for a minute\n                   \
                            → stuck: host has not told the fate of open\n"
    );
}

#[test]
fn an_ended_saga_says_how() {
    let page = page(&view(2), None);
    assert!(page.starts_with("saga 2 replace_window (version 1) compensated at close\n"), "{page}");
    assert!(page.contains("  ended      2024-02-29 12:33:01 UTC (1 min 55 s ago), after 5.0 s\n"), "{page}");
    assert!(page.contains("  key        order-17\n"), "{page}");
    assert!(page.contains("  outcome    compensated: a program runs in it\n"), "{page}");
    assert!(page.contains("  close  nothing was done  1        1 min 55 s ago\n"), "{page}");
    assert!(!page.contains("waits for") && !page.contains("what you can do"), "{page}");
}

#[test]
fn what_was_said_too_late_is_shown() {
    let page = page(&view(1), None);
    let late = "said too late\n  12:32:06.789  ask: handled, with PoolWindowAdded {\"label\":\"w9\"}\n";
    assert!(page.ends_with(late), "{page}");
    assert!(page.contains("  until      2024-02-29 12:35:01 UTC (in 5.0 s)\n"), "{page}");
}

fn record(number: u32, data: &str) -> RecordView {
    let data = serde_json::from_str(data).expect("JSON");
    let time = crate::cli::time::Rfc3339(sample::NOW);
    RecordView { number, time, what: String::new(), step: None, attempt: None, data }
}

#[test]
fn a_step_with_items_says_how_many_of_them_are_how_far() {
    let mut view = view(3);
    view.records = vec![
        record(
            1,
            r#"{"happened":{"started":"call"},"then":[{"sent":{"step":"open","item":0}},{"sent":{"step":"open","item":1}},{"sent":{"step":"open","item":2}}]}"#,
        ),
        record(2, r#"{"happened":{"answered":{"step":"open","item":1}},"then":[{"done":{"step":"open","item":1}}]}"#),
    ];
    let of = |view: &ShowView| steps::of(&["open".to_owned(), "tidy".to_owned()], &view.records, &view.saga);
    assert_eq!(of(&view).iter().map(StepView::told).collect::<Vec<_>>(), ["2 open, 1 done", "not reached"]);
    let json = serde_json::to_value(of(&view)).expect("JSON");
    assert_eq!((&json[0]["state"], &json[0]["items"]), (&"open".into(), &serde_json::json!({"open": 2, "done": 1})));
    assert_eq!(json[1].get("items"), None);

    view.records.push(record(3, r#"{"happened":{"answered":{"step":"open","item":0}},"then":[{"failed":{"step":"open","message":"no"}},{"asked":{"step":"open","item":2}},{"sent":{"step":"open","item":1,"mode":"compensation"}}]}"#));
    assert_eq!(of(&view)[0].told(), "1 in doubt, 1 being undone, 1 nothing was done");
    view.saga.status = crate::log::Status::Ended;
    assert_eq!(of(&view)[0].told(), "2 given up, 1 nothing was done");
}

#[test]
fn what_is_said_to_a_saga_that_has_ended_finds_the_name_of_its_step() {
    let row = |data: &str| LateRow { saga: sample::saga(1), time: sample::NOW, step: None, data: data.to_owned() };
    let names = ["open".to_owned(), "close".to_owned()];
    let late = LateView::of(row(r#"{"late":{"step_number":1,"attempt":1,"answer":{"handled":[]}}}"#), &names);
    assert_eq!((late.step.as_deref(), records::late(&late.data)), (Some("close"), "close: handled".to_owned()));
    let beyond = LateView::of(row(r#"{"late":{"step_number":7,"attempt":1,"answer":{"handled":[]}}}"#), &names);
    assert_eq!((beyond.step, records::late(&beyond.data)), (None, "step number 7: handled".to_owned()));
}

#[test]
fn what_can_be_done_is_what_would_not_be_refused() {
    let mut view = view(3);
    (view.saga.participant, view.saga.until) = (None, None);
    let forward = page(&view, None);
    assert!(!forward.contains("  wait ") && !forward.contains(" skip ") && forward.contains(" cancel 3 "), "{forward}");
    view.records.push(record(4, r#"{"happened":"deadline","then":[{"failed":{"step":"open","message":"no"}}]}"#));
    let back = page(&view, None);
    assert!(back.contains(" skip 3 ") && !back.contains(" cancel "), "{back}");
}

#[test]
fn behind_its_pivot_a_saga_is_not_cancelled() {
    let pivot = Step::new("open", Exchange::new(Action::Wait), Compensation::NotNeeded).kind(StepKind::Pivot);
    let steps: &'static [Step] = vec![pivot].leak();
    let definition = Definition::new("replace_window", "ReplaceWindow", 1, Deadline::None { because: "of the test" });
    let definition: &'static Definition = Box::leak(Box::new(definition.steps(steps, &[])));
    let past = |number, definitions: &[&'static Definition]| {
        let view = ShowView::load(&mut *sample::log(), sample::saga(number), definitions);
        view.expect("read").expect("a saga")
    };
    let page = page(&past(3, &[definition]), None);
    assert!(page.contains(" retry 3 ") && page.contains(" end 3 "), "{page}");
    assert!(!page.contains(" cancel ") && !page.contains(" skip "), "{page}");
    assert!(!past(3, &[]).past_pivot && !past(1, &[definition]).past_pivot);
}

#[test]
fn a_page_fits_the_terminal() {
    let page = page(&view(3), Some(50));
    let records = page.split("records\n").nth(1).expect("records");
    assert!(records.lines().all(|line| line.chars().count() <= 50), "{records}");
    assert!(records.contains('…'), "{records}");
}

#[test]
fn the_participant_is_there_or_not() {
    let status = |name: &str, connected| ParticipantStatus { name: name.to_owned(), connected, waiting: 1 };
    let participants = [status("host", true), status("srv", false)];
    assert_eq!(Connection::of(Some("host"), &participants), Connection::Connected { waiting: 1 });
    assert_eq!(Connection::of(Some("srv"), &participants), Connection::Disconnected { waiting: 1 });
    assert_eq!(Connection::of(Some("bank"), &participants), Connection::Unknown);
    assert_eq!(Connection::of(None, &participants), Connection::NotNeeded);
}

#[test]
fn json_says_first_what_it_waits_for() {
    let json = serde_json::to_string(&view(1)).expect("JSON");
    assert!(
        json.starts_with(
            r#"{"waits":{"for":"PoolWindowAdded","participant":"host","since":"2024-02-29T12:31:56.789Z""#
        ),
        "{json}"
    );
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["input"]["label"], "w1");
    assert_eq!(json["records"][0]["data"]["happened"]["started"]["trigger"], "PoolWindowPromoted");
    assert_eq!(json["steps"][0]["state"], "open");
}
