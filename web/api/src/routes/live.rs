//! `/api/live/…`.

use super::training::Nothing;
use super::{Answer, Call, Route, Shared, get, json, post};
use crate::backend::{Backend, Command};
use warp::Filter as _;

pub(super) fn routes<B: Backend>(app: &Shared<B>) -> Route {
    get(app, "live/status", status).or(post(app, "live/start", start)).unify().or(post(app, "live/stop", stop)).unify().boxed()
}

async fn status<B: Backend>(app: Shared<B>, call: Call) -> Answer {
    call.reader(&app)?;
    call.query(&[])?;
    json(&app.backend.live_status())
}

async fn start<B: Backend>(app: Shared<B>, mut call: Call) -> Answer {
    call.admin(&app)?;
    let Nothing {} = call.json(&app).await?;
    json(&app.command(&call.head, Command::LiveStart).await?)
}

async fn stop<B: Backend>(app: Shared<B>, mut call: Call) -> Answer {
    call.admin(&app)?;
    let Nothing {} = call.json(&app).await?;
    json(&app.command(&call.head, Command::LiveStop).await?)
}
