//! `/api/stats`, `/api/trust` and `/api/trust/entities`.

use super::{Answer, Call, Route, Shared, get, json};
use crate::backend::Backend;
use warp::Filter as _;

const HISTORY_DEFAULT: usize = 500;

pub(super) fn routes<B: Backend>(app: &Shared<B>) -> Route {
    get(app, "stats", stats).or(get(app, "trust", history)).unify().or(get(app, "trust/entities", entities)).unify().boxed()
}

async fn stats<B: Backend>(app: Shared<B>, call: Call) -> Answer {
    call.reader(&app)?;
    call.query(&[])?;
    json(&app.backend.stats())
}

async fn history<B: Backend>(app: Shared<B>, call: Call) -> Answer {
    call.reader(&app)?;
    let query = call.query(&["entity", "limit"])?;
    let entity = query.parsed("entity", "user:NAME, host:NAME, ip:ADDRESS or session:ID")?;
    json(&app.answered(app.backend.trust(entity, query.limit(HISTORY_DEFAULT)?)).await??)
}

async fn entities<B: Backend>(app: Shared<B>, call: Call) -> Answer {
    call.reader(&app)?;
    let limit = call.query(&["limit"])?.limit(100)?;
    json(&app.backend.trust_entities(limit))
}
