//! The routes, one file for each group, and what they share: the path helper, the call, the answers.

mod admin;
mod anomalies;
mod auth;
mod call;
mod events;
mod feed;
mod health;
mod lists;
mod live;
mod sessions;
mod sse;
mod training;
mod trust;
pub(crate) mod ui;
mod ws;

pub(crate) use call::Call;
pub(crate) use events::{Identify, identify};

use crate::auth::Auth;
use crate::backend::{Backend, Command};
use crate::budget::Budget;
use crate::config::CheckedConfig;
use crate::edge::Head;
use crate::problem::{self, Problem};
use serde::Serialize;
use serde_json::Value;
use std::convert::Infallible;
use std::future::{Future, ready};
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc, watch};
use warp::Filter as _;
use warp::filters::BoxedFilter;
use warp::http::header::{CONTENT_TYPE, HeaderValue};
use warp::reply::Response;

/// What every route works on.
pub(crate) struct App<B> {
    pub(crate) backend: Arc<B>,
    pub(crate) config: CheckedConfig,
    pub(crate) auth: Auth,
    pub(crate) budget: Budget,
    /// A permit for each WebSocket and event stream.
    pub(crate) live_clients: Arc<Semaphore>,
    /// True once the process stops.
    pub(crate) stopping: watch::Receiver<bool>,
    /// Held by whatever outlives its request, so that stopping can wait for it.
    pub(crate) alive: mpsc::Sender<Infallible>,
    pub(crate) identify: Identify,
    pub(crate) dashboard: ui::Dashboard,
}

pub(crate) type Shared<B> = Arc<App<B>>;
type Route = BoxedFilter<(Response,)>;
type Answer = Result<Response, Problem>;

/// All routes. The order is by how often they are called.
pub(crate) fn router<B: Backend>(app: &Shared<B>) -> Route {
    events::routes(app)
        .or(trust::routes(app))
        .unify()
        .or(anomalies::routes(app))
        .unify()
        .or(sessions::routes(app))
        .unify()
        .or(training::routes(app))
        .unify()
        .or(live::routes(app))
        .unify()
        .or(health::routes(app))
        .unify()
        .or(lists::routes(app))
        .unify()
        .or(admin::routes(app))
        .unify()
        .or(auth::routes(app))
        .unify()
        .or(ws::routes(app))
        .unify()
        .or(sse::routes(app))
        .unify()
        .or(ui::routes(app))
        .unify()
        .recover(|rejection| async move { Ok::<_, Infallible>(problem::of_rejection(&rejection).into_response()) })
        .unify()
        .boxed()
}

/// Paths that are posted to. `/api/events` is read, too.
const POSTED: [&str; 12] = [
    "events",
    "train/start",
    "train/stop",
    "live/start",
    "live/stop",
    "admin/sessions/{}/close",
    "admin/mark_normal",
    "admin/marks/{}/undo",
    "admin/label",
    "admin/reset",
    "auth/link",
    "auth/logout",
];

/// What a 405 names in `Allow` (RFC 9110 §15.5.6).
pub(crate) fn methods_of(path: &str) -> &'static str {
    match POSTED.iter().find(|pattern| matched(pattern, path).is_some()) {
        Some(&"events") => "GET, HEAD, POST",
        Some(_) => "POST",
        None => "GET, HEAD",
    }
}

/// Matches a path: `/livez` as it stands; `train/start` under `/api/` and under `/api/v1/`. `{}` stands for one segment,
/// which is given back.
fn matched<'p>(pattern: &str, path: &'p str) -> Option<Option<&'p str>> {
    let (pattern, rest) = match pattern.strip_prefix('/') {
        Some(rooted) => (rooted, path.strip_prefix('/')?),
        None => {
            let rest = path.strip_prefix("/api/")?;
            (pattern, rest.strip_prefix("v1/").unwrap_or(rest))
        }
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    match pattern.split_once("{}") {
        None => (pattern == rest).then_some(None),
        Some((before, after)) => {
            let segment = rest.strip_prefix(before)?.strip_suffix(after)?;
            (!segment.is_empty() && !segment.contains('/')).then_some(Some(segment))
        }
    }
}

fn at(pattern: &'static str) -> BoxedFilter<(Option<String>, Arc<Head>)> {
    warp::path::full()
        .and_then(move |full: warp::path::FullPath| {
            let segment = matched(pattern, full.as_str()).map(|segment| segment.map(str::to_owned));
            ready(segment.ok_or_else(warp::reject::not_found))
        })
        .and(warp::ext::get::<Arc<Head>>())
        .boxed()
}

fn get<B, H, F>(app: &Shared<B>, pattern: &'static str, handler: H) -> Route
where
    B: Backend,
    H: Fn(Shared<B>, Call) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send,
{
    let app = app.clone();
    at(pattern)
        .and(warp::get())
        .then(move |segment, head| {
            let answer = handler(app.clone(), Call::new(segment, head));
            async move { answer.await.unwrap_or_else(Problem::into_response) }
        })
        .boxed()
}

fn post<B, H, F>(app: &Shared<B>, pattern: &'static str, handler: H) -> Route
where
    B: Backend,
    H: Fn(Shared<B>, Call) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send,
{
    debug_assert!(POSTED.contains(&pattern));
    let app = app.clone();
    at(pattern)
        .and(warp::post())
        .and(warp::body::stream())
        .then(move |segment, head, body| {
            let answer = handler(app.clone(), Call::new(segment, head).with_body(body));
            async move { answer.await.unwrap_or_else(Problem::into_response) }
        })
        .boxed()
}

/// A 200 with a JSON body.
fn json(body: &impl Serialize) -> Answer {
    let text = serde_json::to_string(body).map_err(|error| {
        tracing::error!(%error, "an answer could not be written as JSON");
        Problem::internal()
    })?;
    let mut response = Response::new(text.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

impl<B: Backend> App<B> {
    /// Waits for the backend, but not for ever.
    async fn answered<T>(&self, asked: impl Future<Output = T>) -> Result<T, Problem> {
        tokio::time::timeout(self.config.answer_time(), asked)
            .await
            .map_err(|_| Problem::unavailable("There was no answer from inside in time."))
    }

    /// Gives a command, as the admin. It runs to its end even if the caller hangs up.
    async fn command(&self, head: &Head, command: Command) -> Result<Value, Problem> {
        let name = command_name(&command);
        let backend = self.backend.clone();
        let run = tokio::spawn(async move { backend.command("admin", command).await });
        let result = match self.answered(run).await {
            Ok(Ok(answer)) => answer.map_err(Problem::from),
            Ok(Err(_)) => Err(Problem::internal()),
            Err(late) => Err(late),
        };
        let refused = result.as_ref().err().map(Problem::code);
        tracing::info!(actor = "admin", command = name, refused, peer = %head.peer, request_id = ?head.request_id, "control call");
        result
    }
}

fn command_name(command: &Command) -> &'static str {
    match command {
        Command::TrainStart => "train_start",
        Command::TrainStop => "train_stop",
        Command::LiveStart => "live_start",
        Command::LiveStop => "live_stop",
        Command::SessionClose(_) => "session_close",
        Command::MarkNormal { .. } => "mark_normal",
        Command::UndoMark(_) => "undo_mark",
        Command::Label { .. } => "label",
        Command::Reset { .. } => "reset",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_match_with_and_without_a_version() {
        assert_eq!(matched("train/start", "/api/train/start"), Some(None));
        assert_eq!(matched("train/start", "/api/v1/train/start/"), Some(None));
        assert_eq!(matched("train/start", "/api/v1/v1/train/start"), None);
        assert_eq!(matched("/livez", "/livez"), Some(None));
        assert_eq!(matched("/livez", "/api/livez"), None);
        assert_eq!(matched("admin/marks/{}/undo", "/api/admin/marks/x/undo"), Some(Some("x")));
        for path in ["/api/admin/marks//undo", "/api/admin/marks/x/y/undo", "/api/admin/marks/undo"] {
            assert_eq!(matched("admin/marks/{}/undo", path), None, "{path}");
        }
    }
}
