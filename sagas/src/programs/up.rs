//! The launcher and the host together, until stopped. One that ends by itself is started again.

use std::io::{self, Write};
use std::process::ExitStatus;
use std::time::Duration;

use super::ProgramError;
use super::fleet::{Fleet, Member};
use super::stop::Stop;

/// How long nothing is started again after a program ended by itself.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Runs both until they are to stop.
///
/// # Errors
/// If one of them does not come up.
pub async fn run(fleet: &Fleet, stop: &mut Stop) -> Result<(), ProgramError> {
    let Some(mut launcher) = start(fleet, "launcher", stop).await? else { return Ok(()) };
    let ended = with_host(fleet, &mut launcher, stop).await;
    launcher.stop().await?;
    ended
}

/// Runs the host, and stops it before the launcher, so that its last words are recorded.
async fn with_host(fleet: &Fleet, launcher: &mut Member, stop: &mut Stop) -> Result<(), ProgramError> {
    let Some(mut host) = start(fleet, "host", stop).await? else { return Ok(()) };
    say(&format!("launcher and host run in {}; stop them with Ctrl-C", fleet.directory().display()))?;
    let ended = keep_both(fleet, launcher, &mut host, stop).await;
    host.stop().await?;
    ended
}

async fn keep_both(
    fleet: &Fleet,
    launcher: &mut Member,
    host: &mut Member,
    stop: &mut Stop,
) -> Result<(), ProgramError> {
    loop {
        let going = tokio::select! {
            () = stop.asked() => return Ok(()),
            status = launcher.ended() => again(fleet, launcher, status, stop).await?,
            status = host.ended() => again(fleet, host, status, stop).await?,
        };
        match going {
            Going::On => {}
            Going::Down => return Ok(()),
        }
    }
}

/// A program that is ready; none if it was to stop before.
async fn start(fleet: &Fleet, name: &'static str, stop: &mut Stop) -> Result<Option<Member>, ProgramError> {
    let mut member = fleet.launch(name)?;
    tokio::select! {
        ready = fleet.ready(&mut member) => ready?,
        () = stop.asked() => {
            member.stop().await?;
            return Ok(None);
        }
    }
    Ok(Some(member))
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
    match start(fleet, member.name(), stop).await? {
        Some(started) => *member = started,
        None => return Ok(Going::Down),
    }
    Ok(Going::On)
}

fn say(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{text}")
}
