//! The launcher and the host together, until stopped. One that ends by itself is started again.

use std::io::{self, Write};
use std::process::ExitStatus;
use std::time::Duration;

use super::ProgramError;
use super::fleet::{Fleet, FleetError, Member};
use super::stop::Stop;

/// How long nothing is started again after a program ended by itself.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Runs both until they are to stop.
///
/// # Errors
/// If one of them does not come up.
pub async fn run(fleet: &Fleet, stop: &mut Stop) -> Result<(), ProgramError> {
    let mut launcher = fleet.start("launcher").await?;
    let mut host = fleet.start("host").await?;
    say(&format!("launcher and host run in {}; stop them with Ctrl-C", fleet.directory().display()))?;
    let ended = loop {
        let ended = tokio::select! {
            () = stop.asked() => break Ok(()),
            status = launcher.ended() => again(fleet, &mut launcher, status, stop).await,
            status = host.ended() => again(fleet, &mut host, status, stop).await,
        };
        match ended {
            Ok(Going::On) => {}
            Ok(Going::Down) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    // The host first, so that its last words are recorded.
    host.stop().await?;
    launcher.stop().await?;
    ended
}

/// Whether the programs go on.
enum Going {
    On,
    Down,
}

async fn again(
    fleet: &Fleet,
    member: &mut Member,
    status: io::Result<ExitStatus>,
    stop: &mut Stop,
) -> Result<Going, ProgramError> {
    say(&format!("the {} ended ({}); it is started again", member.name(), status?))?;
    tokio::select! {
        () = stop.asked() => return Ok(Going::Down),
        () = tokio::time::sleep(AGAIN_AFTER) => {}
    }
    let started: Result<Member, FleetError> = fleet.start(member.name()).await;
    *member = started?;
    Ok(Going::On)
}

fn say(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{text}")
}
