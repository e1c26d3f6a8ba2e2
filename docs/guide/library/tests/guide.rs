//! The chapters of the guide say what is so: their code is the code beside them, and their transcripts are what the
//! programs print. `SAGA_RENEW=1 cargo test -p library --test guide` writes them anew.

#[path = "guide/chapter.rs"]
mod chapter;
#[path = "guide/scene.rs"]
mod scene;
#[path = "guide/transcript.rs"]
mod transcript;

use chapter::{Chapter, Kind};
use scene::Scene;

/// What a stale chapter is renewed with.
const RENEW: &str = "SAGA_RENEW=1 cargo test -p library --test guide";

fn is_renewed() -> bool {
    std::env::var_os("SAGA_RENEW").is_some_and(|value| value == "1")
}

/// Each block of each chapter against what it should be. One test, since two would write the same files.
#[test]
fn the_chapters_are_up_to_date() {
    let mut scene = Scene::open();
    let mut stale = Vec::new();
    for mut chapter in Chapter::all() {
        let mut renewed = Vec::new();
        for (number, block) in chapter.blocks.iter().enumerate() {
            let actual = match &block.kind {
                Kind::Region { file, anchor } => chapter::region(file, anchor.as_deref()),
                Kind::Console => scene.play(&block.text),
                Kind::Other => continue,
            };
            if !block.says(&actual) {
                stale.push(format!("{}, line {}:\n{actual}", chapter.name(), block.line));
                renewed.push((number, actual));
            }
        }
        if is_renewed() && !renewed.is_empty() {
            chapter.renew(renewed);
        }
    }
    assert!(is_renewed() || stale.is_empty(), "{}\nrenew with `{RENEW}`", stale.join("\n"));
}

/// A reader can follow every link.
#[test]
fn every_link_leads_somewhere() {
    for chapter in Chapter::all() {
        for link in chapter.links() {
            let target = chapter.path.with_file_name(&link);
            assert!(target.exists(), "{}: `{link}` leads nowhere", chapter.name());
        }
    }
}
