//! Connections that break at every byte, and coordinators that restart: every report arrives once, and every command.

use std::collections::BTreeSet;

use super::bus::{PARTICIPANTS, Shop, key, promoted, spawn, spawned};
use super::ends::{quick, soon};
use super::memory::{Budget, Network};
use crate::bus::{Delivery, FromParticipant, Horizon, Report, ToParticipant};
use crate::log::ReceivedRow;
use crate::message::{ExchangeKey, Memory};
use crate::pipe::{Deliveries, Lines, PipeClient, PipeServer};

const SAGAS: u64 = 3;

/// A participant that does what it is told once, and says so.
async fn host(client: PipeClient<Shop>, mut deliveries: Deliveries<Shop>) -> Vec<ExchangeKey> {
    let mut seen = Vec::new();
    let _published = client.report(Report::Published(promoted("first"))).await.expect("queued");
    while let Some((delivery, _)) = deliveries.recv().await {
        let key = delivery.key();
        assert!(matches!(delivery, Delivery::Command { .. }));
        if !seen.contains(&key) {
            let _answered = client.report(spawned(key.saga.get())).await.expect("queued");
        }
        seen.push(key);
    }
    seen
}

/// What a coordinator keeps when it dies.
#[derive(Default)]
struct Log {
    reports: Vec<Report<Shop>>,
    received: Option<ReceivedRow>,
}

impl Log {
    fn open(&self) -> impl Iterator<Item = u64> {
        (1..=SAGAS).filter(|saga| !self.reports.contains(&spawned(*saga)))
    }

    fn record(&mut self, session: String, number: u64, report: Report<Shop>) {
        let before = self.received.as_ref().map_or(0, |row| row.number);
        assert_eq!(number, before + 1, "every report once, in order");
        self.received = Some(ReceivedRow { participant: "host".to_owned(), session, number });
        self.reports.push(report);
    }

    fn is_complete(&self) -> bool {
        self.reports.len() as u64 == SAGAS + 1
    }

    fn assert_whole(self) {
        let mut answers: Vec<_> = (1..=SAGAS).map(spawned).collect();
        answers.insert(0, Report::Published(promoted("first")));
        assert_eq!(self.reports, answers);
    }
}

/// Runs a coordinator until all is recorded, or so many reports have been seen of which the last is not recorded.
async fn coordinate(network: &Network, log: &mut Log, dies_at: usize) {
    let received = log.received.iter().cloned().collect();
    let (_server, mut lines) = PipeServer::serve::<Shop>(network.listen(), quick(), PARTICIPANTS, received);
    let mut seen = 0;
    while !log.is_complete() {
        match soon(lines.said.recv()).await.expect("the lines are there").1 {
            FromParticipant::Connected { resumed: false, .. } => deliver_all(&lines, log),
            FromParticipant::Report { session, number, report } => {
                seen += 1;
                if seen == dies_at {
                    return;
                }
                log.record(session, number, report);
                lines.participants["host"].send(ToParticipant::Recorded(number)).expect("the line is there");
            }
            _ => {}
        }
    }
}

fn deliver_all(lines: &Lines<Shop>, log: &Log) {
    for saga in log.open() {
        let delivery = ToParticipant::Deliver(spawn(saga), Horizon::ALL);
        lines.participants["host"].send(delivery).expect("the line is there");
    }
}

async fn converse(network: &Network, dies_at: impl IntoIterator<Item = usize>) -> Vec<ExchangeKey> {
    let mut log = Log::default();
    let (client, deliveries, task) =
        PipeClient::<Shop>::connect_over(network.clone(), "host", Memory::Volatile, quick());
    let host = tokio::spawn(host(client, deliveries));
    for dies_at in dies_at {
        coordinate(network, &mut log, dies_at).await;
    }
    coordinate(network, &mut log, usize::MAX).await;
    log.assert_whole();
    task.abort();
    soon(host).await.expect("no panic")
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_or_doubled_wherever_the_connection_breaks() {
    let calm = Network::new(1 << 16, []);
    converse(&calm, []).await;
    let whole = calm.used()[0];
    assert!(whole.read > 500 && whole.written > 500, "{whole:?}");
    // Every fifth byte, so that every frame is cut in many places.
    let reads = (0..whole.read).step_by(5).map(|read| Budget { read, ..Budget::ENDLESS });
    let writes = (0..whole.written).step_by(5).map(|written| Budget { written, ..Budget::ENDLESS });
    for budget in reads.chain(writes) {
        let network = Network::new(1 << 16, [budget]);
        let deliveries = converse(&network, []).await;
        assert_eq!(deliveries, [key(1), key(2), key(3)], "{budget:?}");
        assert!(network.used().len() > 1 || budget.read.min(budget.written) > 500, "{budget:?} broke nothing");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_when_connections_break_and_coordinators_die() {
    for seed in 0..50 {
        let mut random = fastrand::Rng::with_seed(seed);
        let budgets: Vec<_> =
            (0..8).map(|_| Budget { read: random.usize(0..2000), written: random.usize(0..2000) }).collect();
        let deaths: Vec<_> = (0..3).map(|_| random.usize(1..4)).collect();
        // A stream that holds little is one that takes frames in pieces.
        let network = Network::new(random.usize(16..2000), budgets);
        let deliveries = converse(&network, deaths).await;
        let distinct: BTreeSet<_> = deliveries.into_iter().collect();
        assert_eq!(distinct, (1..=SAGAS).map(key).collect(), "seed {seed}");
    }
}
