//! `/api/train/…`.

use super::call::Call;
use super::{Answer, Route, Shared, get, json, post};
use crate::backend::{Backend, Command};
use serde::Deserialize;
use warp::Filter as _;

pub(super) fn routes<B: Backend>(app: &Shared<B>) -> Route {
    get(app, "train/status", status).or(post(app, "train/start", start)).unify().or(post(app, "train/stop", stop)).unify().boxed()
}

/// The body of a call that needs nothing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

async fn status<B: Backend>(app: Shared<B>, call: Call) -> Answer {
    call.reader(&app)?;
    call.query(&[])?;
    json(&app.backend.train_status())
}

async fn start<B: Backend>(app: Shared<B>, mut call: Call) -> Answer {
    call.admin(&app)?;
    let Nothing {} = call.json(&app).await?;
    json(&app.command(&call.head, Command::TrainStart).await?)
}

async fn stop<B: Backend>(app: Shared<B>, mut call: Call) -> Answer {
    call.admin(&app)?;
    let Nothing {} = call.json(&app).await?;
    json(&app.command(&call.head, Command::TrainStop).await?)
}
