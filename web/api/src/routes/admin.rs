//! `/api/admin/…`.

use super::training::Nothing;
use super::{Answer, Call, Route, Shared, json, post};
use crate::backend::{Backend, Command};
use crate::problem::Problem;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use trustfold_event::control::MarkScope;
use trustfold_event::documents::Disposition;
use warp::Filter as _;
use warp::http::StatusCode;

const COMMENT_CHARACTERS_MAX: usize = 2000;

pub(super) fn routes<B: Backend>(app: &Shared<B>) -> Route {
    post(app, "admin/mark_normal", mark_normal)
        .or(post(app, "admin/marks/{}/undo", undo))
        .unify()
        .or(post(app, "admin/label", label))
        .unify()
        .or(post(app, "admin/sessions/{}/close", close))
        .unify()
        .or(post(app, "admin/reset", reset))
        .unify()
        .boxed()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MarkNormal {
    anomaly_id: String,
    #[serde(default)]
    scope: MarkScope,
    #[serde(default)]
    comment: String,
    #[serde(default)]
    preview: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Label {
    anomaly_id: String,
    /// Null takes a judgement back; leaving it out is an error, since that could be an oversight.
    #[serde(deserialize_with = "present")]
    disposition: Option<Disposition>,
    #[serde(default)]
    comment: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reset {
    #[serde(default)]
    confirm: String,
    #[serde(default)]
    preview: bool,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Disposition>, D::Error> {
    Option::deserialize(deserializer)
}

fn short(comment: String) -> Result<String, Problem> {
    if comment.chars().nth(COMMENT_CHARACTERS_MAX).is_some() {
        return Err(Problem::bad_request(format!("comment has at most {COMMENT_CHARACTERS_MAX} characters")));
    }
    Ok(comment)
}

async fn mark_normal<B: Backend>(app: Shared<B>, mut call: Call) -> Answer {
    call.admin(&app)?;
    let MarkNormal { anomaly_id, scope, comment, preview } = call.json(&app).await?;
    let command = Command::MarkNormal { anomaly: anomaly_id.parse()?, scope, comment: short(comment)?, preview };
    json(&app.command(&call.head, command).await?)
}

async fn undo<B: Backend>(app: Shared<B>, mut call: Call) -> Answer {
    call.admin(&app)?;
    let mark = call.id()?;
    let Nothing {} = call.json(&app).await?;
    json(&app.command(&call.head, Command::UndoMark(mark)).await?)
}

async fn label<B: Backend>(app: Shared<B>, mut call: Call) -> Answer {
    call.admin(&app)?;
    let Label { anomaly_id, disposition, comment } = call.json(&app).await?;
    let anomaly = anomaly_id.parse()?;
    if disposition == Some(Disposition::FalsePositive) {
        return Err(Problem::bad_request("A false positive is marked normal: POST /api/admin/mark_normal."));
    }
    json(&app.command(&call.head, Command::Label { anomaly, disposition, comment: short(comment)? }).await?)
}

async fn close<B: Backend>(app: Shared<B>, mut call: Call) -> Answer {
    call.admin(&app)?;
    let session = call.id()?;
    let Nothing {} = call.json(&app).await?;
    json(&app.command(&call.head, Command::SessionClose(session)).await?)
}

async fn reset<B: Backend>(app: Shared<B>, mut call: Call) -> Answer {
    call.admin(&app)?;
    let Reset { confirm, preview } = call.json(&app).await?;
    let confirmed = confirm == "RESET" && !preview;
    let answer = app.command(&call.head, Command::Reset { confirmed }).await?;
    if confirmed || preview {
        return json(&answer);
    }
    let members = if let Value::Object(members) = answer { members } else { serde_json::Map::new() };
    let detail = "This would remove everything but the audit trail. To confirm, send {\"confirm\":\"RESET\"}.";
    Err(Problem::new(StatusCode::BAD_REQUEST, "confirmation_needed", detail).beside(members))
}
