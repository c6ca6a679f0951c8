//! `/ws`: frames of the hub, as they come.

use super::feed::{Feed, resume};
use super::{Answer, App, Call, Route, Shared, at};
use crate::backend::Backend;
use crate::edge::{Head, Origin};
use crate::problem::Problem;
use crate::server::stopped;
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, interval_at, timeout};
use warp::Filter as _;
use warp::http::header::{HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use warp::reply::Reply as _;
use warp::ws::{Message, Ws};

const PROTOCOL: &str = "trustfold.v1";
const PING_EVERY: Duration = Duration::from_secs(20);
/// A client is gone when so many pings stay unanswered.
const MISSED_MAX: u32 = 2;
/// A client that takes no bytes for so long is given up.
const SEND_TIME: Duration = Duration::from_secs(10);
const CLOSE_TIME: Duration = Duration::from_secs(1);
/// Clients have nothing to say.
const CLIENT_MESSAGE_BYTES_MAX: usize = 4096;

const GOING_AWAY: u16 = 1001;
const TRY_AGAIN_LATER: u16 = 1013;

pub(super) fn routes<B: Backend>(app: &Shared<B>) -> Route {
    let app = app.clone();
    at("/ws")
        .and(warp::ws())
        .map(move |segment, head: Arc<Head>, ws| join(&app, &Call::new(segment, head), ws).unwrap_or_else(Problem::into_response))
        .boxed()
}

/// Whether another live client may join: its permit.
pub(super) fn admit<B: Backend>(app: &App<B>, call: &Call) -> Result<OwnedSemaphorePermit, Problem> {
    // The browser lets any page open a socket to any server, and sends only the page's origin along (RFC 6455 §10.2).
    if call.head.origin == Origin::Foreign {
        return Err(Problem::forbidden_origin());
    }
    call.reader(app)?;
    if *app.stopping.borrow() {
        return Err(Problem::unavailable("The process is stopping."));
    }
    app.live_clients.clone().try_acquire_owned().map_err(|_| Problem::overloaded(10, "Too many live clients."))
}

fn join<B: Backend>(app: &Shared<B>, call: &Call, ws: Ws) -> Answer {
    let permit = admit(app, call)?;
    let resume = resume(call)?;
    let offered = call.head.headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|v| v.to_str().ok());
    let speaks = offered.flat_map(|v| v.split(',')).any(|protocol| protocol.trim() == PROTOCOL);
    let (backend, stopping, alive) = (app.backend.clone(), app.stopping.clone(), app.alive.clone());
    let reply = ws.max_message_size(CLIENT_MESSAGE_BYTES_MAX).max_frame_size(CLIENT_MESSAGE_BYTES_MAX).on_upgrade(
        move |socket| async move {
            pump(socket, Feed::new(backend, resume), stopping).await;
            drop((permit, alive));
        },
    );
    let mut response = reply.into_response();
    if speaks {
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
    }
    Ok(response)
}

/// Sends frames until the client leaves, stalls or falls silent, or the process stops.
async fn pump<S, E, B>(mut socket: S, mut feed: Feed<B>, mut stopping: watch::Receiver<bool>)
where
    S: Stream<Item = Result<Message, E>> + Sink<Message> + Unpin,
    B: Backend,
{
    let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    let mut missed = 0;
    loop {
        let message = tokio::select! {
            frame = feed.next() => match frame {
                Some(frame) => Message::text(&*frame),
                None => return close(&mut socket, TRY_AGAIN_LATER, "the stream has ended").await,
            },
            heard = socket.next() => match heard {
                Some(Ok(message)) if message.is_close() => return close(&mut socket, 1000, "").await,
                Some(Ok(message)) => {
                    if message.is_pong() {
                        missed = 0;
                    }
                    continue;
                }
                Some(Err(_)) | None => return,
            },
            _ = pings.tick() => {
                if missed == MISSED_MAX {
                    return close(&mut socket, GOING_AWAY, "no answer to pings").await;
                }
                missed += 1;
                Message::ping(Vec::new())
            }
            () = stopped(&mut stopping) => return close(&mut socket, GOING_AWAY, "stopping").await,
        };
        match timeout(SEND_TIME, socket.send(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return,
            Err(_) => return close(&mut socket, TRY_AGAIN_LATER, "too slow").await,
        }
    }
}

async fn close<S: Sink<Message> + Unpin>(socket: &mut S, code: u16, reason: &'static str) {
    // Whether the client still gets to know changes nothing for us.
    let _ = timeout(CLOSE_TIME, async {
        let _ = socket.send(Message::close_with(code, reason)).await;
        socket.close().await
    })
    .await;
}

#[cfg(test)]
#[path = "ws_tests.rs"]
mod tests;
