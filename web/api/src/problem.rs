//! Answers that are no success: `application/problem+json` (RFC 9457) with a stable code.

use crate::backend::{CommandError, IntakeError, ReadError};
use serde_json::{Map, Value, json};
use trustfold_event::NotAnId;
use warp::http::StatusCode;
use warp::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use warp::reply::Response;

/// What went wrong, for programs (`code`) and for people (`detail`).
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    retry_after_secs: Option<u64>,
    beside: Map<String, Value>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), retry_after_secs: None, beside: Map::new() }
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", detail)
    }

    pub(crate) fn bad_json(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_json", detail)
    }

    pub(crate) fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
    }

    pub(crate) fn forbidden_origin() -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden_origin", "This call must come from trustfold's own pages.")
    }

    pub(crate) fn forbidden_host() -> Self {
        let detail = "The Host header names another server. Names beside localhost are allowed in web.hosts.";
        Self::new(StatusCode::FORBIDDEN, "forbidden_host", detail)
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// The edge adds which methods the path takes.
    pub(crate) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "This path does not take that method.")
    }

    pub(crate) fn request_timeout() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", "The body did not arrive in time.")
    }

    pub(crate) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
    }

    pub(crate) fn unsupported_media_type(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
    }

    pub(crate) fn overloaded(retry_after_secs: u64, detail: impl Into<String>) -> Self {
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "overloaded", detail);
        Self { retry_after_secs: Some(retry_after_secs.max(1)), ..problem }
    }

    pub(crate) fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
    }

    /// A fault of ours. What it was stands in the log and not in the answer.
    pub(crate) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong inside; the log has more.")
    }

    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// Further members beside the standard ones.
    pub(crate) fn beside(mut self, members: Map<String, Value>) -> Self {
        self.beside = members;
        self
    }

    pub(crate) fn into_response(self) -> Response {
        let mut body = self.beside;
        for (name, value) in [
            ("type", json!("about:blank")),
            ("title", json!(self.status.canonical_reason().unwrap_or("Error"))),
            ("status", json!(self.status.as_u16())),
            ("detail", json!(self.detail)),
            ("code", json!(self.code)),
        ] {
            body.insert(name.to_owned(), value);
        }
        let mut response = Response::new(Value::Object(body).to_string().into());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(secs) = self.retry_after_secs {
            headers.insert(RETRY_AFTER, HeaderValue::from(secs));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"trustfold\""));
        }
        response
    }
}

impl From<NotAnId> for Problem {
    fn from(error: NotAnId) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_id", error.to_string())
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::BadCursor(_) => Self::new(StatusCode::BAD_REQUEST, "bad_cursor", error.to_string()),
            ReadError::Unavailable(detail) => Self::unavailable(detail),
        }
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Conflict { code, detail } => Self::new(StatusCode::CONFLICT, code, detail),
            CommandError::NotFound(detail) => Self::not_found(detail),
            CommandError::Unavailable(detail) => Self::unavailable(detail),
        }
    }
}

impl From<IntakeError> for Problem {
    fn from(error: IntakeError) -> Self {
        match error {
            IntakeError::Overloaded { retry_after_secs } => Self::overloaded(retry_after_secs, error.to_string()),
            IntakeError::Unavailable(_) => Self::unavailable(error.to_string()),
        }
    }
}

/// What the router refused, in our words.
pub(crate) fn of_rejection(rejection: &warp::Rejection) -> Problem {
    use warp::reject::{InvalidHeader, MethodNotAllowed, MissingHeader};
    if rejection.is_not_found() {
        return Problem::not_found("There is nothing at this path.");
    }
    let half_a_socket = rejection.find::<warp::ws::MissingConnectionUpgrade>().is_some()
        || rejection.find::<MissingHeader>().is_some()
        || rejection.find::<InvalidHeader>().is_some();
    if half_a_socket {
        return Problem::bad_request("This path takes a WebSocket upgrade (RFC 6455).");
    }
    if rejection.find::<MethodNotAllowed>().is_some() {
        return Problem::method_not_allowed();
    }
    tracing::error!(?rejection, "a rejection that nothing answers");
    Problem::internal()
}
