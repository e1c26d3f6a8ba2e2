//! The main job, shown and checked: launcher, host, srv and a renderer as processes in a directory of their own.
//!
//! What a user does is done over the sockets of host and srv, what is told comes from the renderer, and each check looks at the
//! log, the host, the srv or the process table ([`stage`](super::stage)). Nothing is left behind, however it ends.
//!
//! | module | what it is for |
//! |---|---|
//! | `scenes` | what is done, in order |
//! | `checks` | what was checked, and whether it held |

mod checks;
mod scenes;

use std::io::Write;
use std::path::PathBuf;

use checks::Checks;

use super::ProgramError;
use super::stage::{Stage, Telling};
use super::stop::Stop;

/// Plays all scenes, and sums up.
///
/// # Errors
/// If a check does not hold, a scene cannot be played to its end, or it is to stop before.
pub async fn run(binary: PathBuf, stop: &mut Stop) -> Result<(), ProgramError> {
    let mut checks = Checks::default();
    let mut stage = tokio::select! {
        stage = open(binary) => stage?,
        () = stop.asked() => return Err(stopped()),
    };
    let played = tokio::select! {
        played = scenes::play(&mut stage, &mut checks) => played,
        () = stop.asked() => Err(stopped()),
    };
    let elapsed = stage.elapsed();
    let left = stage.close().await?;
    checks.add("nothing is left running", left.is_empty(), format!("{left:?}"));
    writeln!(std::io::stdout(), "\n{}, in {:.1} s", checks.summary(), elapsed.as_secs_f64())?;
    played?;
    if checks.all_held() { Ok(()) } else { Err("not all checks held".into()) }
}

async fn open(binary: PathBuf) -> Result<Stage, ProgramError> {
    let mut stage = Stage::open(binary, Telling::Aloud).await?;
    stage.start_srv().await?;
    Ok(stage)
}

fn stopped() -> ProgramError {
    "stopped before the end; nothing is left running".into()
}
