//! `/api/anomalies`.

use super::{Answer, Call, Route, Shared, get, json};
use crate::backend::Backend;
use crate::problem::Problem;
use warp::Filter as _;

pub(super) fn routes<B: Backend>(app: &Shared<B>) -> Route {
    get(app, "anomalies", page).or(get(app, "anomalies/{}", one)).unify().boxed()
}

async fn page<B: Backend>(app: Shared<B>, call: Call) -> Answer {
    call.reader(&app)?;
    let query = call.query(&["session_id", "limit", "cursor", "open"])?;
    let open = query.parsed("open", "true or false")?.unwrap_or(false);
    json(&app.answered(app.backend.anomalies(query.id("session_id")?, open, query.page()?)).await??)
}

async fn one<B: Backend>(app: Shared<B>, call: Call) -> Answer {
    call.reader(&app)?;
    let id = call.id()?;
    let anomaly = app.answered(app.backend.anomaly(id)).await??;
    json(&anomaly.ok_or_else(|| Problem::not_found(format!("There is no anomaly {id}.")))?)
}
