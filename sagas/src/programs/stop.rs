//! When a program is to stop: a signal, or the end of the program that started it.
//!
//! A program that another one started is told by its standard input: that closes when the other one stops it, and also
//! when the other one is killed. So nothing is left running, whatever happens.

use std::io::{self, Read};
use std::thread;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// Who may stop a program, besides signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Nobody.
    Nobody,
    /// Whoever holds the other end of its standard input.
    StandardInput,
}

/// Hears when the program is to stop.
#[derive(Debug)]
pub struct Stop {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
    owner_gone: watch::Receiver<bool>,
}

impl Stop {
    /// Listens from now on; signals do not end the process any more.
    ///
    /// # Errors
    /// If the system gives no signal handlers or no thread.
    pub fn listen(owner: Owner) -> io::Result<Self> {
        let (gone, owner_gone) = watch::channel(false);
        if owner == Owner::StandardInput {
            // A thread that may stay blocked in its read; the process ends without it.
            thread::Builder::new().name("owner".into()).spawn(move || {
                read_to_end(&mut io::stdin().lock());
                gone.send_replace(true);
            })?;
        }
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            owner_gone,
        })
    }

    /// Completes when the owner is gone, whatever signals come.
    pub async fn owner_gone(&mut self) {
        if self.owner_gone.wait_for(|gone| *gone).await.is_err() {
            // Without an owner nobody ever says so.
            std::future::pending::<()>().await;
        }
    }

    /// Completes when the program is to stop.
    pub async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
            // Without an owner nobody ever says so.
            Ok(_) = self.owner_gone.wait_for(|gone| *gone) => {}
        }
    }
}

fn read_to_end(input: &mut dyn Read) {
    let mut ignored = [0; 1024];
    loop {
        match input.read(&mut ignored) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}
