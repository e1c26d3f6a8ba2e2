//! The line to a participant in the coordinator's own process: always connected, and nothing is lost on the way.

use std::collections::VecDeque;

use tokio::sync::mpsc;

use crate::bus::{FromParticipant, SessionId, ToParticipant};
use crate::message::{Bus, ParticipantCommand};

use super::serving::Drive;
use super::{ParticipantOptions, ServedBus, Serves};

/// How many wishes of the coordinator are taken at once.
const BATCH: usize = 64;

/// Runs the participant in this process until the sender that this returns is dropped.
///
/// Then what runs may end, up to [`ParticipantOptions::grace`]. All that it says comes over `reports` with its name;
/// when it has stopped, its clone of that sender is gone.
///
/// # Panics
/// Outside of a tokio runtime.
pub fn spawn<P: Serves>(
    participant: P,
    options: ParticipantOptions,
    reports: mpsc::Sender<(&'static str, FromParticipant<ServedBus<P>>)>,
) -> mpsc::UnboundedSender<ToParticipant<ServedBus<P>>> {
    let (line, asked) = mpsc::unbounded_channel();
    let outlet = Outlet { participant: P::Command::PARTICIPANT, session: new_session(), number: 0, reports };
    tokio::spawn(run(participant.driver(options), asked, outlet));
    line
}

/// Random text.
fn new_session() -> SessionId {
    format!("{:032x}", fastrand::u128(..))
}

async fn run<B: Bus>(
    mut driver: impl Drive<B>,
    asked: mpsc::UnboundedReceiver<ToParticipant<B>>,
    mut outlet: Outlet<B>,
) {
    outlet.say(FromParticipant::Connected { session: outlet.session.clone(), resumed: false }).await;
    outlet.say(FromParticipant::CaughtUp).await;
    serve(&mut driver, asked, &mut outlet).await;
    if let Some(reason) = driver.failure() {
        outlet.say(FromParticipant::Disconnected { reason: reason.to_owned() }).await;
        return;
    }
    driver.stop();
    while driver.hear_last().await {
        outlet.pass_on(&mut driver).await;
    }
}

/// Serves until either end is gone. Wishes are taken as they come, and are few: no more deliveries are out than the
/// coordinator's window allows. What is recorded need not be told to anyone: no report is kept for another try. What is
/// withdrawn has left already.
async fn serve<B: Bus>(
    driver: &mut impl Drive<B>,
    mut asked: mpsc::UnboundedReceiver<ToParticipant<B>>,
    outlet: &mut Outlet<B>,
) {
    let (mut wishes, mut deliveries) = (Vec::with_capacity(BATCH), VecDeque::new());
    while driver.failure().is_none() {
        tokio::select! {
            biased;
            () = driver.hear() => {}
            count = asked.recv_many(&mut wishes, BATCH) => if count == 0 { return },
            () = outlet.reports.closed() => return,
        }
        deliveries.extend(wishes.drain(..).filter_map(|wish| match wish {
            ToParticipant::Deliver(delivery, horizon) => Some((delivery, horizon)),
            ToParticipant::Recorded(_) | ToParticipant::Withdraw(_) => None,
        }));
        let mut taken = 0;
        while driver.has_room()
            && let Some((delivery, horizon)) = deliveries.pop_front()
        {
            driver.take(delivery, &horizon);
            taken += 1;
        }
        if taken > 0 {
            outlet.say(FromParticipant::Taken(taken)).await;
        }
        outlet.pass_on(driver).await;
    }
}

/// The way to the coordinator.
struct Outlet<B: Bus> {
    participant: &'static str,
    session: SessionId,
    /// Of the last report.
    number: u64,
    reports: mpsc::Sender<(&'static str, FromParticipant<B>)>,
}

impl<B: Bus> Outlet<B> {
    /// A coordinator that is gone hears nothing, and [`serve`] ends.
    async fn say(&self, said: FromParticipant<B>) {
        let _ = self.reports.send((self.participant, said)).await;
    }

    /// Numbers what the driver says.
    async fn pass_on(&mut self, driver: &mut impl Drive<B>) {
        while let Some(report) = driver.next_report() {
            self.number += 1;
            let (session, number) = (self.session.clone(), self.number);
            self.say(FromParticipant::Report { session, number, report }).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;
    use crate::bus::{Delivery, Horizon, Payload, Report};
    use crate::message::{Answer, Fate};
    use crate::participant::test_bus::{AgentMux, Command, How, Srv, key};

    type Said = mpsc::Receiver<(&'static str, FromParticipant<AgentMux>)>;

    fn line() -> (mpsc::UnboundedSender<ToParticipant<AgentMux>>, Said, &'static Semaphore) {
        let gate: &'static Semaphore = Box::leak(Box::new(Semaphore::new(0)));
        let (reports, said) = mpsc::channel(64);
        let srv = Srv { gate, reporters: mpsc::unbounded_channel().0 };
        (spawn(srv, ParticipantOptions::default(), reports), said, gate)
    }

    fn act(saga: u64, how: How) -> ToParticipant<AgentMux> {
        let command = Payload::Typed(Command::Act(how));
        let delivery =
            Delivery::Command { key: key(saga), attempt: 1, saga: "test".into(), step: "act".into(), command };
        ToParticipant::Deliver(delivery, Horizon::ALL)
    }

    async fn next(said: &mut Said) -> FromParticipant<AgentMux> {
        let (participant, said) = said.recv().await.expect("the line is there");
        assert_eq!(participant, "srv");
        said
    }

    /// What is said next beside how much was taken over.
    async fn next_report(said: &mut Said, taken: &mut usize) -> (String, u64, Report<AgentMux>) {
        loop {
            match next(said).await {
                FromParticipant::Taken(more) => *taken += more,
                FromParticipant::Report { session, number, report } => return (session, number, report),
                other => panic!("{other:?} is no report"),
            }
        }
    }

    #[tokio::test]
    async fn it_connects_at_once_and_numbers_its_reports() {
        let (asked, mut said, _) = line();
        let FromParticipant::Connected { session, resumed: false } = next(&mut said).await else {
            panic!("it connects first")
        };
        assert!(matches!(next(&mut said).await, FromParticipant::CaughtUp));
        let mut taken = 0;
        for number in 1..=3 {
            asked.send(act(number, How::Nothing)).expect("the line is there");
            let answered = Report::Answered { key: key(number), attempt: 1, answer: Answer::Handled(vec![]) };
            let report = next_report(&mut said, &mut taken).await;
            assert_eq!(report, (session.clone(), number, answered));
            asked.send(ToParticipant::Recorded(number)).expect("the line is there");
        }
        drop(asked);
        while let Some((_, FromParticipant::Taken(more))) = said.recv().await {
            taken += more;
        }
        assert_eq!(taken, 3);
    }

    #[tokio::test]
    async fn each_line_is_a_life_of_its_own() {
        let session = async || {
            let (_asked, mut said, _) = line();
            match next(&mut said).await {
                FromParticipant::Connected { session, .. } => session,
                other => panic!("{other:?} is no connection"),
            }
        };
        assert_ne!(session().await, session().await);
    }

    #[tokio::test]
    async fn what_runs_ends_before_the_line_does() {
        let (asked, mut said, gate) = line();
        next(&mut said).await;
        next(&mut said).await;
        asked.send(act(1, How::WaitForGate)).expect("the line is there");
        asked.send(ToParticipant::Deliver(Delivery::Settle { key: key(1) }, Horizon::ALL)).expect("the line is there");
        let running = Report::Fate { key: key(1), fate: Fate::Running };
        assert_eq!(next_report(&mut said, &mut 0).await.2, running);
        drop(asked);
        gate.add_permits(1);
        let answered = Report::Answered { key: key(1), attempt: 1, answer: Answer::Handled(vec![]) };
        assert_eq!(next_report(&mut said, &mut 0).await.2, answered);
        while let Some((_, more)) = said.recv().await {
            assert!(matches!(more, FromParticipant::Taken(_)), "{more:?} comes after the last answer");
        }
    }

    #[tokio::test]
    async fn a_coordinator_that_is_gone_ends_the_line() {
        let (asked, said, _) = line();
        drop(said);
        asked.closed().await;
    }
}
