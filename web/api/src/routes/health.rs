//! `/livez`, `/readyz` and `/health`. They are open on every listener, and say nothing of the data.

use super::{Answer, Call, Route, Shared, get, json};
use crate::backend::{Backend, Check};
use crate::problem::Problem;
use serde_json::{Value, json};
use warp::Filter as _;
use warp::http::StatusCode;

pub(super) fn routes<B: Backend>(app: &Shared<B>) -> Route {
    get(app, "/livez", livez)
        .or(get(app, "/readyz", readyz))
        .unify()
        .or(get(app, "/health", health))
        .unify()
        .or(get(app, "/health/db", store))
        .unify()
        .or(get(app, "/health/ml", model))
        .unify()
        .boxed()
}

async fn livez<B: Backend>(_app: Shared<B>, _call: Call) -> Answer {
    json(&json!({ "status": "ok" }))
}

async fn readyz<B: Backend>(app: Shared<B>, _call: Call) -> Answer {
    if *app.stopping.borrow() {
        return Err(Problem::unavailable("The process is stopping."));
    }
    if app.answered(app.backend.health()).await?.ready {
        json(&json!({ "status": "ok" }))
    } else {
        Err(Problem::unavailable("The journal is being replayed."))
    }
}

async fn health<B: Backend>(app: Shared<B>, _call: Call) -> Answer {
    let health = app.answered(app.backend.health()).await?;
    let stopping = *app.stopping.borrow();
    let web = Check { ok: !stopping, detail: if stopping { "stopping" } else { "serving" }.to_owned() };
    // Before the first training there is no model, and nothing is wrong with that.
    let status = match (health.ready, health.store.ok && health.pipeline.ok && web.ok) {
        (false, _) => "starting",
        (true, true) => "ok",
        (true, false) => "degraded",
    };
    let checks = json!({
        "store": shown(&health.store), "pipeline": shown(&health.pipeline), "model": shown(&health.model), "web": shown(&web),
    });
    json(&json!({ "status": status, "checks": checks }))
}

async fn store<B: Backend>(app: Shared<B>, _call: Call) -> Answer {
    one(&app.answered(app.backend.health()).await?.store)
}

async fn model<B: Backend>(app: Shared<B>, _call: Call) -> Answer {
    one(&app.answered(app.backend.health()).await?.model)
}

fn shown(check: &Check) -> Value {
    json!({ "status": if check.ok { "ok" } else { "failing" }, "detail": check.detail })
}

fn one(check: &Check) -> Answer {
    let mut response = json(&shown(check))?;
    if !check.ok {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    Ok(response)
}
