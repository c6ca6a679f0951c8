//! One request, as a route sees it: who calls, the query, the body.

use super::{App, Shared};
use crate::auth::{Auth, Role};
use crate::backend::{Backend, PageRequest};
use crate::budget::Held;
use crate::edge::{Head, Origin};
use crate::problem::Problem;
use bytes::{Buf, Bytes, BytesMut};
use futures_util::stream::{Stream, StreamExt as _};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use trustfold_event::EventId;
use warp::http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};

/// The largest body of a control call, in bytes.
const CONTROL_BYTES_MAX: usize = 64 << 10;

type BodyStream = Pin<Box<dyn Stream<Item = Result<Bytes, warp::Error>> + Send>>;

pub(crate) struct Call {
    pub(crate) head: Arc<Head>,
    segment: Option<String>,
    body: Option<BodyStream>,
}

impl Call {
    pub(super) fn new(segment: Option<String>, head: Arc<Head>) -> Self {
        Self { head, segment, body: None }
    }

    pub(super) fn with_body<D: Buf>(self, body: impl Stream<Item = Result<D, warp::Error>> + Send + 'static) -> Self {
        let body = body.map(|chunk| chunk.map(|mut data| data.copy_to_bytes(data.remaining())));
        Self { body: Some(Box::pin(body)), ..self }
    }

    /// The id in the path.
    pub(super) fn id(&self) -> Result<EventId, Problem> {
        Ok(self.segment.as_deref().unwrap_or_default().parse()?)
    }

    /// Who reads. A cookie counts unless another site's page sent it.
    pub(super) fn role<B: Backend>(&self, app: &App<B>) -> Result<Role, Problem> {
        let ours = matches!(self.head.origin, Origin::Absent | Origin::Own);
        app.auth.role(&self.head.headers, self.head.peer.ip(), ours)
    }

    /// Reading is open where only this machine can reach us.
    pub(super) fn reader<B: Backend>(&self, app: &App<B>) -> Result<(), Problem> {
        if app.config.is_loopback() { Ok(()) } else { self.admin_reader(app) }
    }

    /// A read that shows what only the admin may see.
    pub(super) fn admin_reader<B: Backend>(&self, app: &App<B>) -> Result<(), Problem> {
        match self.role(app)? {
            Role::Admin => Ok(()),
            Role::Viewer => Err(Problem::unauthenticated("This needs the admin token, or a session from the one-time link.")),
        }
    }

    /// A call that changes something: the admin's, and with a cookie from our own page only.
    pub(super) fn admin<B: Backend>(&self, app: &App<B>) -> Result<(), Problem> {
        let by_cookie = !self.head.headers.contains_key(AUTHORIZATION) && Auth::has_cookie(&self.head.headers);
        if by_cookie && self.head.origin != Origin::Own {
            return Err(Problem::forbidden_origin());
        }
        self.admin_reader(app)
    }

    /// The query's parameters; others than `known` are refused, so that a typing error does not widen a question.
    pub(super) fn query(&self, known: &[&str]) -> Result<Query, Problem> {
        let mut found = Vec::new();
        for (name, value) in form_urlencoded::parse(self.head.query.as_bytes()) {
            if !known.contains(&name.as_ref()) {
                let name: String = name.chars().take(64).collect();
                return Err(Problem::bad_request(format!("\"{name}\" is not a parameter here; known are: {}", known.join(", "))));
            }
            if !value.is_empty() {
                found.push((name.into_owned(), value.into_owned()));
            }
        }
        Ok(Query(found))
    }

    /// The body, and the hold on the memory that it takes.
    pub(super) async fn body<B: Backend>(&mut self, app: &Shared<B>, most: usize) -> Result<(Bytes, Held), Problem> {
        let headers = &self.head.headers;
        if headers.get(CONTENT_ENCODING).is_some_and(|e| !e.as_bytes().eq_ignore_ascii_case(b"identity")) {
            return Err(Problem::unsupported_media_type("A body is read as it is; send it without Content-Encoding."));
        }
        let announced = headers.get(CONTENT_LENGTH).and_then(|l| l.to_str().ok()?.parse().ok()).unwrap_or(0usize);
        let too_large = || Problem::too_large(format!("A body here has at most {most} bytes."));
        if announced > most {
            return Err(too_large());
        }
        let mut held = app.budget.none_held();
        let Some(mut stream) = self.body.take() else { return Ok((Bytes::new(), held)) };
        let collect = async {
            let (mut first, mut rest) = (Bytes::new(), BytesMut::new());
            while let Some(chunk) = stream.next().await {
                let chunk = chunk.map_err(|_| Problem::bad_request("The body broke off."))?;
                if first.len() + rest.len() + chunk.len() > most {
                    return Err(too_large());
                }
                if !held.grow(chunk.len()) {
                    return Err(Problem::overloaded(1, "Too many bodies are under way; try again."));
                }
                // A small body comes whole, and is then used where it stands.
                if first.is_empty() && rest.is_empty() {
                    first = chunk;
                } else {
                    if rest.is_empty() {
                        rest.reserve(announced.min(1 << 20).max(first.len() + chunk.len()));
                        rest.extend_from_slice(&first);
                        first = Bytes::new();
                    }
                    rest.extend_from_slice(&chunk);
                }
            }
            Ok(if rest.is_empty() { first } else { rest.freeze() })
        };
        let body = tokio::time::timeout(app.config.body_time(), collect).await.map_err(|_| Problem::request_timeout())??;
        Ok((body, held))
    }

    /// The body of a control call. An empty one is taken for `{}`.
    pub(super) async fn json<B: Backend, T: DeserializeOwned>(&mut self, app: &Shared<B>) -> Result<T, Problem> {
        let media = media_type(&self.head.headers);
        let (body, _held) = self.body(app, CONTROL_BYTES_MAX).await?;
        if body.trim_ascii().is_empty() {
            return serde_json::from_slice(b"{}").map_err(|error| Problem::bad_request(format!("A body is needed: {error}")));
        }
        if media.as_deref().is_some_and(|m| !is_json(m)) {
            return Err(Problem::unsupported_media_type("A body here is application/json."));
        }
        // serde takes an array for an object's fields in their order; the contract does not.
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Err(match serde_json::from_slice::<serde::de::IgnoredAny>(&body) {
                Ok(_) => Problem::bad_request("A body here is a JSON object."),
                Err(error) => Problem::bad_json(error.to_string()),
            });
        }
        serde_json::from_slice(&body).map_err(|error| match error.classify() {
            Category::Data => Problem::bad_request(error.to_string()),
            _ => Problem::bad_json(error.to_string()),
        })
    }
}

/// The media type without its parameters, in lower case.
pub(super) fn media_type(headers: &warp::http::HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?;
    let essence = value.to_str().unwrap_or("?").split(';').next().unwrap_or_default();
    Some(essence.trim().to_ascii_lowercase())
}

/// JSON by its own name, or by a suffix (RFC 6839 §3.1).
pub(super) fn is_json(media: &str) -> bool {
    media == "application/json" || (media.starts_with("application/") && media.ends_with("+json"))
}

/// The parameters of a query that are not empty.
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn parsed<T: FromStr>(&self, name: &str, must: &str) -> Result<Option<T>, Problem> {
        let parse = |text: &str| text.parse().map_err(|_| Problem::bad_request(format!("{name} must be {must}")));
        self.text(name).map(parse).transpose()
    }

    pub(super) fn id(&self, name: &str) -> Result<Option<EventId>, Problem> {
        Ok(self.text(name).map(str::parse).transpose()?)
    }

    pub(super) fn limit(&self, default: usize) -> Result<usize, Problem> {
        let must = "a whole number from 1 to 1000";
        match self.parsed("limit", must)? {
            None => Ok(default),
            Some(limit) if (1..=1000).contains(&limit) => Ok(limit),
            Some(_) => Err(Problem::bad_request(format!("limit must be {must}"))),
        }
    }

    pub(super) fn page(&self) -> Result<PageRequest, Problem> {
        Ok(PageRequest { limit: self.limit(100)?, cursor: self.text("cursor").map(str::to_owned) })
    }
}
