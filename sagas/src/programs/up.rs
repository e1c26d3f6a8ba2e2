//! The launcher, the host and the srv together, until stopped. One that ends by itself is started again.

use std::io::{self, Write};
use std::process::ExitStatus;
use std::time::Duration;

use super::ProgramError;
use super::fleet::{Fleet, Member};
use super::stop::Stop;

/// How long nothing is started again after a program ended by itself.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// In the order in which they are started; stopped in the other, so that the last words of all are recorded.
const PROGRAMS: [&str; 3] = ["launcher", "host", "srv"];

/// Runs all of them until they are to stop.
///
/// # Errors
/// If one of them does not come up.
pub async fn run(fleet: &Fleet, stop: &mut Stop) -> Result<(), ProgramError> {
    let mut members = Vec::new();
    let ran = keep(fleet, &mut members, stop).await;
    let mut stopped = Ok(());
    while let Some(member) = members.pop() {
        stopped = stopped.and(member.stop().await.map(drop));
    }
    ran?;
    Ok(stopped?)
}

async fn keep(fleet: &Fleet, members: &mut Vec<Member>, stop: &mut Stop) -> Result<(), ProgramError> {
    for name in PROGRAMS {
        match start(fleet, name, stop).await? {
            Some(member) => members.push(member),
            None => return Ok(()),
        }
    }
    let directory = fleet.directory().display();
    say(&format!("launcher, host and srv run in {directory}; stop them with Ctrl-C"))?;
    let [launcher, host, srv] = members.as_mut_slice() else { return Ok(()) };
    loop {
        let going = tokio::select! {
            () = stop.asked() => return Ok(()),
            status = launcher.ended() => again(fleet, launcher, status, stop).await?,
            status = host.ended() => again(fleet, host, status, stop).await?,
            status = srv.ended() => again(fleet, srv, status, stop).await?,
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
