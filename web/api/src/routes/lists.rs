//! Notices, models, the audit trail, dead letters.

use super::{Answer, Call, Route, Shared, get, json};
use crate::backend::Backend;
use warp::Filter as _;

const PAGE: [&str; 2] = ["limit", "cursor"];

pub(super) fn routes<B: Backend>(app: &Shared<B>) -> Route {
    get(app, "notices", notices)
        .or(get(app, "models", models))
        .unify()
        .or(get(app, "audit", audit))
        .unify()
        .or(get(app, "dead-letters", dead_letters))
        .unify()
        .boxed()
}

async fn notices<B: Backend>(app: Shared<B>, call: Call) -> Answer {
    call.reader(&app)?;
    json(&app.answered(app.backend.notices(call.query(&PAGE)?.page()?)).await??)
}

async fn models<B: Backend>(app: Shared<B>, call: Call) -> Answer {
    call.reader(&app)?;
    json(&app.answered(app.backend.models(call.query(&PAGE)?.page()?)).await??)
}

async fn audit<B: Backend>(app: Shared<B>, call: Call) -> Answer {
    call.admin_reader(&app)?;
    json(&app.answered(app.backend.audit(call.query(&PAGE)?.page()?)).await??)
}

async fn dead_letters<B: Backend>(app: Shared<B>, call: Call) -> Answer {
    call.admin_reader(&app)?;
    json(&app.answered(app.backend.dead_letters(call.query(&PAGE)?.page()?)).await??)
}
