//! `/api/stream`: the frames of `/ws` as server-sent events, for clients behind something that does not pass WebSockets.

use super::feed::{Feed, resume};
use super::ws::admit;
use super::{Answer, Call, Route, Shared, get};
use crate::backend::Backend;
use crate::server::stopped;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use warp::reply::Reply as _;
use warp::sse::Event;

const COMMENT_EVERY: Duration = Duration::from_secs(20);
const SEND_TIME: Duration = Duration::from_secs(10);

pub(super) fn routes<B: Backend>(app: &Shared<B>) -> Route {
    get(app, "stream", stream)
}

async fn stream<B: Backend>(app: Shared<B>, call: Call) -> Answer {
    let permit = admit(&app, &call)?;
    // A browser that lost the stream names the last id that it has; ours are `stream:seq`.
    let resume = match call.head.headers.get("last-event-id").and_then(|id| id.to_str().ok()?.rsplit_once(':')) {
        Some((stream, seq)) => seq.parse().ok().map(|seq| (stream.to_owned(), seq)),
        None => resume(&call)?,
    };
    let (events, taken) = mpsc::channel(1);
    let (backend, mut stopping, alive) = (app.backend.clone(), app.stopping.clone(), app.alive.clone());
    tokio::spawn(async move {
        let mut feed = Feed::new(backend, resume);
        loop {
            let frame = tokio::select! {
                frame = feed.next() => frame,
                () = events.closed() => None,
                () = stopped(&mut stopping) => None,
            };
            let Some(frame) = frame else { break };
            let event = Event::default().id(format!("{}:{}", feed.stream(), feed.seq())).data(&*frame);
            if events.send_timeout(Ok::<_, Infallible>(event), SEND_TIME).await.is_err() {
                break;
            }
        }
        drop((permit, alive));
    });
    Ok(warp::sse::reply(warp::sse::keep_alive().interval(COMMENT_EVERY).stream(ReceiverStream::new(taken))).into_response())
}
