//! `/api/sessions`.

use super::{Answer, Call, Route, Shared, get, json};
use crate::backend::Backend;
use crate::problem::Problem;
use trustfold_event::documents::Mode;
use warp::Filter as _;

pub(super) fn routes<B: Backend>(app: &Shared<B>) -> Route {
    get(app, "sessions", page).or(get(app, "sessions/{}", one)).unify().boxed()
}

async fn page<B: Backend>(app: Shared<B>, call: Call) -> Answer {
    call.reader(&app)?;
    let query = call.query(&["mode", "limit", "cursor"])?;
    let mode = match query.text("mode") {
        None => None,
        Some("training") => Some(Mode::Training),
        Some("live") => Some(Mode::Live),
        Some(_) => return Err(Problem::bad_request("mode must be training or live")),
    };
    json(&app.answered(app.backend.sessions(mode, query.page()?)).await??)
}

async fn one<B: Backend>(app: Shared<B>, call: Call) -> Answer {
    call.reader(&app)?;
    let id = call.id()?;
    let session = app.answered(app.backend.session(id)).await??;
    json(&session.ok_or_else(|| Problem::not_found(format!("There is no session {id}.")))?)
}
