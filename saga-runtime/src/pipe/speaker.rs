//! What participants and subscribers have in common: how they introduce themselves, and what they make of a setback.

use std::time::Duration;

use tokio::time::timeout;

use super::PipeOptions;
use super::client::ClientError;
use super::connection::{Connection, Fault, Lost};
use super::endpoint::EndpointError;
use super::frame::{ErrorFrame, Frame, Hello, PROTOCOL, Role, Welcome};
use super::transport::Dial;
use crate::bus::SessionId;
use crate::message::{Bus, Memory, fingerprint};

/// One end that connects: what it says of itself each time.
#[derive(Debug)]
pub(super) struct Speaker {
    pub(super) options: PipeOptions,
    name: String,
    role: Role,
    bus: String,
    fingerprint: String,
    session: SessionId,
    memory: Option<Memory>,
}

/// Why a connection is no more, or never was.
#[derive(Debug)]
pub(super) enum Setback {
    /// To connect again may help.
    Passing(String),
    /// It will not.
    Final(ClientError),
}

impl From<Lost> for Setback {
    fn from(lost: Lost) -> Self {
        Self::Passing(lost.to_string())
    }
}

impl From<EndpointError> for Setback {
    fn from(error: EndpointError) -> Self {
        if error.may_pass() { Self::Passing(error.to_string()) } else { Self::Final(error.into()) }
    }
}

impl Speaker {
    /// A participant or publisher of a bus.
    pub(super) fn of_bus<B: Bus>(role: Role, name: String, memory: Option<Memory>, options: PipeOptions) -> Self {
        let session = super::new_session();
        Self { options, name, role, bus: B::NAME.to_owned(), fingerprint: fingerprint::<B>(), session, memory }
    }

    /// A subscriber, who knows no bus.
    pub(super) fn subscriber(name: String, options: PipeOptions) -> Self {
        let (bus, fingerprint, session) = (String::new(), String::new(), super::new_session());
        Self { options, name, role: Role::Subscriber, bus, fingerprint, session, memory: None }
    }

    /// The hello of somebody who has nothing to go on with.
    pub(super) fn hello(&self) -> Hello {
        Hello {
            protocol: PROTOCOL,
            role: self.role,
            participant: self.name.clone(),
            bus: self.bus.clone(),
            fingerprint: self.fingerprint.clone(),
            session: self.session.clone(),
            memory: self.memory,
            acknowledged: 0,
            sent: 0,
            received: None,
            position: None,
            max_frame: self.options.max_frame,
        }
    }

    /// Connects and says hello; gives what came back, if that is welcome.
    pub(super) async fn introduce(&self, dial: &impl Dial, hello: Hello) -> Result<(Connection, Welcome), Setback> {
        let carrier = dial.dial().await?;
        if !carrier.peer.is_same_user {
            return Err(Setback::Final(ClientError::WrongUser));
        }
        let mut connection = Connection::new(carrier, &self.options);
        connection.push(&Frame::Hello(Box::new(hello)));
        let limit = self.options.handshake;
        let welcome = timeout(limit, self.first_frame(&mut connection))
            .await
            .unwrap_or_else(|_| Err(Setback::Passing(format!("no welcome came within {limit:?}"))))?;
        self.check(&welcome).map_err(Setback::Final)?;
        Ok((connection, welcome))
    }

    /// What to make of an error frame.
    pub(super) fn told(&self, error: &ErrorFrame<'_>) -> Setback {
        let message = error.message.clone().into_owned();
        if error.code.is_passing() {
            return Setback::Passing(message);
        }
        Setback::Final(ClientError::Refused { name: self.name.clone(), code: error.code, message })
    }

    /// The other end does not keep to the protocol: it is told, and not spoken to again.
    pub(super) async fn part(connection: Connection, fault: Fault) -> Setback {
        connection.dismiss(&fault).await;
        Setback::Final(ClientError::Protocol { reason: fault.message })
    }

    async fn first_frame(&self, connection: &mut Connection) -> Result<Welcome, Setback> {
        let broken = |reason| Setback::Final(ClientError::Protocol { reason });
        loop {
            match connection.next_frame().map_err(|error| broken(error.to_string()))? {
                Some(Frame::Welcome(welcome)) => return Ok(*welcome),
                Some(Frame::Error(error)) => return Err(self.told(&error)),
                Some(Frame::Ping(_)) => connection.answer_ping(),
                Some(other) => return Err(broken(Fault::unexpected(&other).message)),
                None => connection.turn(true).await?,
            }
        }
    }

    fn check(&self, welcome: &Welcome) -> Result<(), ClientError> {
        if welcome.protocol != PROTOCOL {
            let reason = format!("it speaks protocol {}, and this end {PROTOCOL}", welcome.protocol);
            return Err(ClientError::Protocol { reason });
        }
        let speaks_the_same = welcome.bus == self.bus && welcome.fingerprint == self.fingerprint;
        if !speaks_the_same && self.role != Role::Subscriber {
            return Err(ClientError::OtherBus {
                name: self.name.clone(),
                ours: format!("`{}` ({})", self.bus, self.fingerprint),
                theirs: format!("`{}` ({})", welcome.bus, welcome.fingerprint),
            });
        }
        if welcome.max_frame < self.options.max_frame && self.role != Role::Subscriber {
            return Err(ClientError::SmallerFrames { ours: self.options.max_frame, theirs: welcome.max_frame });
        }
        Ok(())
    }
}

/// How long to wait before connecting again: longer each time, and never the same for all.
#[derive(Debug)]
pub(super) struct Backoff {
    first: Duration,
    at_most: Duration,
    next: Duration,
}

impl Backoff {
    pub(super) fn new(options: &PipeOptions) -> Self {
        Self { first: options.reconnect, at_most: options.reconnect_at_most, next: options.reconnect }
    }

    /// The connection was made: begin again.
    pub(super) fn reset(&mut self) {
        self.next = self.first;
    }

    /// Between half and all of a wait that doubles.
    pub(super) fn wait(&mut self) -> Duration {
        let wait = self.next.min(self.at_most);
        self.next = wait.saturating_mul(2);
        wait.mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let mut backoff = Backoff::new(&PipeOptions::default());
        for longest in [50, 100, 200, 400, 800, 1600, 2000, 2000] {
            let wait = backoff.wait();
            let longest = Duration::from_millis(longest);
            assert!(longest / 2 <= wait && wait <= longest, "{wait:?} of {longest:?}");
        }
        backoff.reset();
        assert!(backoff.wait() <= Duration::from_millis(50));
    }
}
