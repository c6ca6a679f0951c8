//! `/api/events`: events in, and out again.

use super::call::{is_json, media_type};
use super::{Answer, Call, Route, Shared, get, json, post};
use crate::backend::{Backend, PageRequest, Receipt};
use crate::problem::Problem;
use crate::split::{self, NotItems};
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};
use trustfold_event::Stamp;
use trustfold_event::hash::HashKeys;
use trustfold_event::parse;
use trustfold_event::raw::{Batch, Format};
use trustfold_event::reject::Reject;
use warp::Filter as _;
use warp::http::{HeaderMap, StatusCode};

/// Scope of an identity that the event itself carries, and of one that stands in `Idempotency-Key`.
const BY_EVENT_ID: u8 = 1;
const BY_REQUEST: u8 = 2;
/// Bodies up to this size are looked at where they arrive; larger ones would hold up other requests.
const INLINE_BYTES_MAX: usize = 64 << 10;
const IDEMPOTENCY_KEY_MAX: usize = 255;
const REASON_CHARACTERS_MAX: usize = 256;
/// Past so many bytes of rejected items the rest of a request's is answered but not kept.
const REFUSED_BYTES_MAX: usize = 1 << 20;

pub(super) fn routes<B: Backend>(app: &Shared<B>) -> Route {
    post(app, "events", take).or(get(app, "events", page)).unify().or(get(app, "events/recent", recent)).unify().boxed()
}

/// Says of a record whether it is an event: its identity (0 where its sender gave none), or why it is none.
pub(crate) type Identify = fn(&[u8], Stamp, &HashKeys) -> Result<u128, Reject>;

/// [`Identify`] by the parser that the pipeline uses, too.
pub(crate) fn identify(record: &[u8], received: Stamp, keys: &HashKeys) -> Result<u128, Reject> {
    let parsed = parse::parse(Format::Json, record, received)?;
    Ok(parsed.id.as_deref().filter(|id| !id.is_empty()).map_or(0, |id| keys.identity(BY_EVENT_ID, id.as_bytes(), 0)))
}

#[derive(Debug, Serialize)]
struct Rejected {
    index: usize,
    code: Cow<'static, str>,
    reason: String,
}

/// A body's items, sorted into those that are events and those that are not.
struct Sorted {
    batch: Batch,
    rejected: Vec<Rejected>,
    /// The rejected items, for the dead letters.
    refused: Batch,
}

struct Intake {
    body: Bytes,
    lines: bool,
    items_max: usize,
    peer: String,
    idempotency_key: Option<Vec<u8>>,
    keys: HashKeys,
    identify: Identify,
}

impl Intake {
    fn sort(self) -> Result<Sorted, NotItems> {
        let received = now();
        let mut batch = Batch::new("http", self.peer, Format::Json);
        let mut rejected = Vec::new();
        let mut refused = Batch::new("http", batch.peer.clone(), Format::Refused);
        for (index, range) in split::items(&self.body, self.lines, self.items_max)?.into_iter().enumerate() {
            let item = &self.body[range];
            match (self.identify)(item, received, &self.keys) {
                Ok(0) => {
                    let by_request = |key: &Vec<u8>| self.keys.identity(BY_REQUEST, key, index as u32);
                    batch.push_identified(item, self.idempotency_key.as_ref().map_or(0, by_request));
                }
                Ok(identity) => batch.push_identified(item, identity),
                Err(Reject { code, reason }) => {
                    let reason: String = reason.chars().take(REASON_CHARACTERS_MAX).collect();
                    if refused.bytes().len() < REFUSED_BYTES_MAX {
                        refused.push_refused(&code, &reason, item);
                    }
                    rejected.push(Rejected { index, code, reason });
                }
            }
        }
        Ok(Sorted { batch, rejected, refused })
    }
}

async fn take<B: Backend>(app: Shared<B>, mut call: Call) -> Answer {
    let headers = &call.head.headers;
    if let Some(keys) = &app.config.ingest_keys {
        app.auth.sender(keys, headers, call.head.peer.ip())?;
    }
    let lines = is_lines(headers)?;
    let idempotency_key = idempotency_key(headers)?;
    let (body, _held) = call.body(&app, app.config.web.body_bytes_max).await?;
    let large = body.len() > INLINE_BYTES_MAX;
    let intake = Intake {
        body,
        lines,
        items_max: app.config.web.events_batch_records_max,
        peer: call.head.peer.ip().to_string(),
        idempotency_key,
        keys: app.backend.keys(),
        identify: app.identify,
    };
    let sorted =
        if large { tokio::task::spawn_blocking(|| intake.sort()).await.map_err(|_| Problem::internal())? } else { intake.sort() };
    let Sorted { batch, rejected, refused } = sorted.map_err(|error| match error {
        NotItems::Empty | NotItems::Array(_) => Problem::bad_json(error.to_string()),
        NotItems::TooMany(_) => Problem::too_large(error.to_string()),
    })?;
    let nothing_good = batch.is_empty() && !rejected.is_empty();
    let receipt = if batch.is_empty() { Receipt::default() } else { app.answered(app.backend.submit(batch)).await?? };
    // Kept only now: a batch that was not taken comes again, with the same rejects.
    if !refused.is_empty() {
        app.backend.keep_refused(refused);
    }
    let body = json!({ "accepted": receipt.accepted, "duplicates": receipt.duplicates, "rejected": rejected });
    if nothing_good { Err(all_refused(&rejected, body)) } else { accepted(&body) }
}

fn accepted(body: &Value) -> Answer {
    let mut response = json(body)?;
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

fn all_refused(rejected: &[Rejected], body: Value) -> Problem {
    let detail = match rejected {
        [one] => format!("The event was refused: {}", one.reason),
        many => format!("All {} events were refused.", many.len()),
    };
    let members = if let Value::Object(members) = body { members } else { Map::new() };
    let unreadable = rejected.iter().all(|r| r.code.starts_with("json."));
    if unreadable { Problem::bad_json(detail) } else { Problem::bad_request(detail) }.beside(members)
}

/// True for NDJSON, false for JSON or where nothing is said.
fn is_lines(headers: &HeaderMap) -> Result<bool, Problem> {
    match media_type(headers).as_deref() {
        None => Ok(false),
        Some(media) if is_json(media) => Ok(false),
        Some("application/x-ndjson" | "application/ndjson" | "application/jsonl") => Ok(true),
        Some(_) => Err(Problem::unsupported_media_type("Events are application/json or application/x-ndjson.")),
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<Vec<u8>>, Problem> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    if (1..=IDEMPOTENCY_KEY_MAX).contains(&key.len()) {
        Ok(Some(key.as_bytes().to_vec()))
    } else {
        Err(Problem::bad_request(format!("Idempotency-Key has 1 to {IDEMPOTENCY_KEY_MAX} bytes.")))
    }
}

/// Only the validation sees this stamp; the journal gives events theirs.
fn now() -> Stamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Stamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

async fn page<B: Backend>(app: Shared<B>, call: Call) -> Answer {
    call.reader(&app)?;
    let query = call.query(&["session_id", "limit", "cursor"])?;
    json(&app.answered(app.backend.events(query.id("session_id")?, query.page()?)).await??)
}

async fn recent<B: Backend>(app: Shared<B>, call: Call) -> Answer {
    call.reader(&app)?;
    let limit = call.query(&["limit"])?.limit(100)?;
    json(&app.answered(app.backend.events(None, PageRequest { limit, cursor: None })).await??)
}
