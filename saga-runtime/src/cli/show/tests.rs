use super::*;
use crate::cli::sample;
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
           agentmux retry 3 --why …   does what is stuck again, with new attempts\n  \
           agentmux skip 3 --why …    passes over it; takes an unknown fate as never\n  \
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
    assert!(page.contains("  close  nothing was done  1 min 55 s ago\n"), "{page}");
    assert!(!page.contains("waits for") && !page.contains("what you can do"), "{page}");
}

#[test]
fn what_was_said_too_late_is_shown() {
    let page = page(&view(1), None);
    let late = "said too late\n  12:32:06.789  ask: handled, with PoolWindowAdded {\"label\":\"w9\"}\n";
    assert!(page.ends_with(late), "{page}");
    assert!(page.contains("  until      2024-02-29 12:35:01 UTC (in 5.0 s)\n"), "{page}");
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
