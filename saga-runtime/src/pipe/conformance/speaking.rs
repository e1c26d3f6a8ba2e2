//! Frame by frame: who says what, when, and under which number.

use std::time::Duration;

use serde_json::{Value, json};

use super::bus::Conformance;
use super::promises;
use super::raw::{Raw, command, welcome};
use super::stand::{Stand, WORKER, key, work};
use crate::message::{Bus, fingerprint};

promises! {
    // Those that wait for long come first.
    a_coordinator_that_falls_silent_is_left,
    a_coordinator_that_welcomes_nobody_is_left,
    it_introduces_itself,
    it_ignores_fields_of_a_welcome_that_it_does_not_know,
    it_answers_pings_and_makes_itself_heard,
    frames_may_come_in_pieces,
    a_torn_frame_is_none,
    no_more_than_the_window_is_out,
    what_is_not_recorded_is_said_again_under_its_number,
    a_message_seen_before_is_dropped,
    what_was_withdrawn_is_taken_over_and_not_done,
    numbers_that_do_not_follow_are_an_error,
    what_is_no_frame_is_an_error,
    who_is_sent_away_for_good_stays_away,
    who_is_sent_away_for_now_comes_back,
}

async fn it_introduces_itself(stand: &mut Stand) {
    let memory = json!(stand.memory);
    let (_raw, hello) = stand.listen().hello().await;
    assert_eq!(hello["protocol"], 1, "{hello}");
    assert_eq!(hello["participant"], WORKER, "{hello}");
    assert_eq!(hello["bus"], Conformance::NAME, "{hello}");
    assert_eq!(hello["fingerprint"], fingerprint::<Conformance>(), "{hello}");
    assert_eq!(hello["memory"], memory, "{hello}");
    assert!(hello.get("role").is_none_or(|role| role == "participant"), "{hello}");
    assert!(hello["session"].as_str().is_some_and(|session| (1..=128).contains(&session.len())), "{hello}");
    for field in ["acknowledged", "sent"] {
        assert!(hello.get(field).is_none_or(|number| number == 0), "it has said nothing yet: {hello}");
    }
    assert!(hello.get("received").is_none_or(Value::is_null), "it has heard nothing yet: {hello}");
}

async fn it_ignores_fields_of_a_welcome_that_it_does_not_know(stand: &mut Stand) {
    let (mut raw, _) = stand.listen().hello().await;
    let mut welcome = welcome(&json!(0), false);
    welcome["welcome"]["tongues"] = json!({"of": ["angels", null, 1.5e300]});
    raw.say(&json!({"ping": {}})).await;
    raw.say(&welcome).await;
    is_done(&mut raw, 1, 1).await;
}

async fn it_answers_pings_and_makes_itself_heard(stand: &mut Stand) {
    let mut raw = stand.listen().welcomed().await;
    for _ in 0..3 {
        assert!(raw.messages_before_pong().await.is_empty());
    }
    raw.hear_some("ping").await;
}

async fn frames_may_come_in_pieces(stand: &mut Stand) {
    let mut raw = stand.listen().welcomed().await;
    let frame = format!(" {:#} ", command(1, key(1, 0), &work("ä"))).replace('\n', "\t") + "\n";
    for byte in frame.as_bytes() {
        raw.write(&[*byte]).await;
    }
    assert_eq!(raw.hear_some("message").await["number"], 1);
    // And many at once.
    let frames = (2..=40).map(|number| format!("{}\n", command(number, key(number, 0), &work("a"))));
    raw.write(frames.collect::<String>().as_bytes()).await;
    for number in 2..=40 {
        assert_eq!(raw.hear_some("message").await["number"], number);
    }
}

async fn a_torn_frame_is_none(stand: &mut Stand) {
    let listening = stand.listen();
    let mut raw = listening.welcomed().await;
    let frame = format!("{}\n", command(1, key(1, 0), &work("a")));
    // All of it but the line feed: it reads like a frame, and is none.
    raw.write(&frame.as_bytes()[..frame.len() - 1]).await;
    drop(raw);
    let (mut raw, hello) = listening.hello().await;
    assert_eq!(hello["received"]["number"], 0, "{hello}");
    raw.say(&welcome(&json!(0), true)).await;
    is_done(&mut raw, 1, 1).await;
}

async fn no_more_than_the_window_is_out(stand: &mut Stand) {
    let mut raw = stand.listen().welcomed().await;
    for number in 1..=64 {
        raw.say(&command(number, key(number, 0), &work("a"))).await;
    }
    for number in 1..=64 {
        assert_eq!(raw.hear_some("message").await["number"], number);
    }
    for number in 65..=100 {
        raw.say(&command(number, key(number, 0), &work("a"))).await;
    }
    for _ in 0..2 {
        assert_eq!(raw.messages_before_pong().await, Vec::<Value>::new(), "64 are out, and none is acknowledged");
    }
    raw.say(&json!({"ack": 1})).await;
    assert_eq!(raw.hear_some("message").await["number"], 65);
    assert_eq!(raw.messages_before_pong().await, Vec::<Value>::new());
    raw.say(&json!({"ack": 65})).await;
    for number in 66..=100 {
        assert_eq!(raw.hear_some("message").await["number"], number);
    }
}

async fn what_is_not_recorded_is_said_again_under_its_number(stand: &mut Stand) {
    let listening = stand.listen();
    let mut raw = listening.welcomed().await;
    for number in 1..=3 {
        raw.say(&command(number, key(number, 0), &work("a"))).await;
    }
    let mut said = Vec::new();
    while said.len() < 3 {
        said.push(raw.hear_some("message").await);
    }
    raw.say(&json!({"ack": 1})).await;
    assert!(raw.messages_before_pong().await.is_empty());
    drop(raw);

    let (mut raw, hello) = listening.hello().await;
    assert_eq!((&hello["acknowledged"], &hello["sent"]), (&json!(1), &json!(3)), "{hello}");
    assert_eq!(hello["received"], json!({"session": "the run", "number": 3}), "{hello}");
    raw.say(&welcome(&json!(2), true)).await;
    assert_eq!(raw.hear_some("message").await, said[2], "the second one is recorded, and the third is not");
    is_done(&mut raw, 4, 4).await;
}

async fn a_message_seen_before_is_dropped(stand: &mut Stand) {
    let listening = stand.listen();
    let mut raw = listening.welcomed().await;
    is_done(&mut raw, 1, 1).await;
    raw.say(&command(1, key(1, 0), &work("a"))).await;
    is_done(&mut raw, 2, 2).await;
    drop(raw);
    let (mut raw, hello) = listening.hello().await;
    raw.say(&welcome(&hello["sent"], true)).await;
    raw.say(&command(2, key(2, 0), &work("a"))).await;
    is_done(&mut raw, 3, 3).await;
}

async fn what_was_withdrawn_is_taken_over_and_not_done(stand: &mut Stand) {
    let mut raw = stand.listen().welcomed().await;
    raw.say(&json!({"message": {"number": 1, "body": {"withdrawn": {"key": key(1, 0)}}}})).await;
    raw.hear_ack(1).await;
    is_done(&mut raw, 2, 1).await;
    // It bars nothing.
    raw.say(&command(3, key(1, 0), &work("a"))).await;
    let answer = raw.hear_some("message").await;
    assert_eq!(answer["body"]["answered"]["answer"]["handled"][0]["Done"]["runs"], 2, "{answer}");
}

async fn numbers_that_do_not_follow_are_an_error(stand: &mut Stand) {
    let listening = stand.listen();
    for frame in [command(2, key(1, 0), &work("a")), command(0, key(1, 0), &work("a")), json!({"ack": 1})] {
        let mut raw = listening.welcomed().await;
        raw.say(&frame).await;
        assert_eq!(raw.refusal().await, "sequence", "{frame}");
        stand.start();
    }
}

async fn what_is_no_frame_is_an_error(stand: &mut Stand) {
    let listening = stand.listen();
    let deep = format!("{{\"message\":{}1{}}}\n", "[".repeat(70), "]".repeat(70));
    let long = vec![b' '; (1 << 20) + 1];
    let cases: [(&[u8], &str); 9] = [
        (b"220 welcome\r\n", "malformed"),
        (b"\n", "malformed"),
        (b"[]\n", "malformed"),
        (b"{\"sing\":{}}\n", "malformed"),
        (b"{\"ack\":0,\"ping\":{}}\n", "malformed"),
        (b"{\"ack\":0,\"ack\":0}\n", "malformed"),
        (b"{\"error\":\"\xff\xfe\"}\n", "not_utf8"),
        (deep.as_bytes(), "too_deep"),
        (&long, "too_long"),
    ];
    for (bytes, code) in cases {
        let mut raw = listening.welcomed().await;
        raw.write(bytes).await;
        assert_eq!(raw.refusal().await, code, "{}", String::from_utf8_lossy(&bytes[..bytes.len().min(80)]));
        stand.start();
    }
}

async fn who_is_sent_away_for_good_stays_away(stand: &mut Stand) {
    let listening = stand.listen();
    for code in ["fenced", "not_allowed", "a code of the future"] {
        let mut raw = listening.welcomed().await;
        raw.say(&json!({"error": {"code": code, "message": "go away"}})).await;
        raw.closed().await;
        assert!(!listening.is_visited_within(Duration::from_millis(500)).await, "{code}");
        stand.start();
    }
}

async fn who_is_sent_away_for_now_comes_back(stand: &mut Stand) {
    let listening = stand.listen();
    for code in ["unavailable", "crowded"] {
        let (mut raw, _) = listening.hello().await;
        raw.say(&json!({"error": {"code": code, "message": "come back later"}})).await;
        raw.closed().await;
    }
    is_done(&mut listening.welcomed().await, 1, 1).await;
}

async fn a_coordinator_that_welcomes_nobody_is_left(stand: &mut Stand) {
    let listening = stand.listen();
    let (mut raw, _) = listening.hello().await;
    raw.closed().await;
    is_done(&mut listening.welcomed().await, 1, 1).await;
}

async fn a_coordinator_that_falls_silent_is_left(stand: &mut Stand) {
    let listening = stand.listen();
    let mut raw = listening.welcomed().await;
    is_done(&mut raw, 1, 1).await;
    raw.closed().await;
    let (_raw, hello) = listening.hello().await;
    assert_eq!(hello["received"], json!({"session": "the run", "number": 1}), "it is the same life: {hello}");
}

/// Has something done in a message of this number; it is acknowledged and answered, and is this run.
async fn is_done(raw: &mut Raw, number: u64, run: u64) {
    let key = key(1000 + number, 0);
    raw.say(&command(number, key, &work("a"))).await;
    let (mut is_acknowledged, mut answer) = (false, None);
    while !is_acknowledged || answer.is_none() {
        let mut frame = raw.hear("an ack and an answer").await;
        assert!(frame.get("error").is_none(), "{frame}");
        is_acknowledged |= frame.get("ack").is_some_and(|ack| ack == number);
        answer = frame.get_mut("message").map(Value::take).or(answer);
    }
    let expected = json!({"answered": {
        "key": key, "attempt": 1, "answer": {"handled": [{"Done": {"label": "a", "runs": run}}]},
    }});
    assert_eq!(answer.map(|answer| answer["body"].clone()), Some(expected));
}
