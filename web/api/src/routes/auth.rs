//! `/api/auth/…`: signing a browser in and out.

use super::training::Nothing;
use super::{Answer, Call, Route, Shared, get, json, post};
use crate::auth::Role;
use crate::backend::Backend;
use crate::edge::Origin;
use crate::problem::Problem;
use serde::Deserialize;
use serde_json::json;
use warp::Filter as _;
use warp::http::header::{HeaderValue, SET_COOKIE};

pub(super) fn routes<B: Backend>(app: &Shared<B>) -> Route {
    get(app, "auth/me", me).or(post(app, "auth/link", link)).unify().or(post(app, "auth/logout", logout)).unify().boxed()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Link {
    link: String,
}

fn role(role: Role) -> serde_json::Value {
    json!({ "role": match role { Role::Admin => "admin", Role::Viewer => "viewer" } })
}

async fn me<B: Backend>(app: Shared<B>, call: Call) -> Answer {
    call.query(&[])?;
    let caller = call.role(&app)?;
    if caller == Role::Viewer {
        call.reader(&app)?;
    }
    json(&role(caller))
}

async fn link<B: Backend>(app: Shared<B>, mut call: Call) -> Answer {
    let Link { link } = call.json(&app).await?;
    if call.head.origin == Origin::Allowed {
        return Err(Problem::forbidden_origin());
    }
    let cookie = app.auth.sign_in(&link, call.head.peer.ip(), call.head.secure)?;
    tracing::info!(peer = %call.head.peer, request_id = ?call.head.request_id, "signed in by a one-time link");
    with_cookie(json(&role(Role::Admin))?, &cookie)
}

async fn logout<B: Backend>(app: Shared<B>, mut call: Call) -> Answer {
    let Nothing {} = call.json(&app).await?;
    if call.head.origin != Origin::Own && crate::auth::Auth::has_cookie(&call.head.headers) {
        return Err(Problem::forbidden_origin());
    }
    let cookie = app.auth.sign_out(&call.head.headers, call.head.secure);
    with_cookie(json(&role(Role::Viewer))?, &cookie)
}

fn with_cookie(mut response: warp::reply::Response, cookie: &str) -> Answer {
    let value = HeaderValue::try_from(cookie).map_err(|_| Problem::internal())?;
    response.headers_mut().insert(SET_COOKIE, value);
    Ok(response)
}
