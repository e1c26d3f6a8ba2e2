//! What a coordinator does for operators who come over their socket.

use tokio::sync::broadcast;

use super::Coordinator;
use crate::message::Bus;
use crate::notice::Notice;
use crate::operator::Desk;
use crate::operator::{Request, Response};

impl<B: Bus> Desk for Coordinator<B> {
    async fn request(&self, request: Request) -> Response {
        let response = match request {
            Request::Start { name, input, key } => {
                let started = self.start_named(&name, &input.to_string(), key).await;
                started.map(|saga| Response::Started { saga })
            }
            Request::Cancel { saga, by } => {
                self.cancel_by(saga, Some(by)).await.map(|reply| Response::Cancelled { reply })
            }
            Request::Operate { saga, action, by } => self.operate(saga, action, by).await.map(|()| Response::Operated),
            Request::Participants => {
                self.participants().await.map(|participants| Response::Participants { participants })
            }
            Request::Prune { what } => self.prune(what).await.map(|removed| Response::Pruned { removed }),
            Request::Follow { .. } => Ok(Response::Following),
        };
        response.unwrap_or_else(|error| Response::Error { message: error.to_string() })
    }

    fn follow(&self) -> broadcast::Receiver<Notice> {
        self.watch()
    }
}
