//! What happens to every request before and after its route: request id, host, origin, CORS, panics, headers.

use crate::config::CheckedConfig;
use crate::problem::Problem;
use crate::routes;
use futures_util::FutureExt as _;
use hyper::service::Service;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use warp::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use warp::http::{Method, Request, StatusCode};
use warp::reply::Response;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID_MAX: usize = 64;

/// Where a request's page came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// No browser, or a plain read of our own page.
    Absent,
    /// Our own page.
    Own,
    /// A site that the settings allow.
    Allowed,
    /// Any other site.
    Foreign,
}

/// A request's head, looked through once.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) peer: SocketAddr,
    pub(crate) origin: Origin,
    /// Whether the browser reached us through TLS, which then ends in front of us.
    pub(crate) secure: bool,
    pub(crate) request_id: HeaderValue,
}

/// The rules at the edge.
#[derive(Debug)]
pub(crate) struct Edge {
    /// Names that a `Host` may carry; none: any.
    hosts: Vec<String>,
    cors_origins: Vec<String>,
    requests: AtomicU64,
    /// Tells this run's request ids from another run's.
    run: u32,
}

impl Edge {
    pub(crate) fn new(config: &CheckedConfig) -> Self {
        let mut hosts = config.web.hosts.clone();
        if config.is_loopback() {
            hosts.extend(["localhost", "127.0.0.1", "[::1]"].map(str::to_owned));
        }
        let run = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs() as u32);
        Self { hosts, cors_origins: config.web.cors_origins.clone(), requests: AtomicU64::new(0), run }
    }

    /// Answers a request. A panic in a route becomes a 500 that says nothing of it.
    pub(crate) async fn serve<S, B>(&self, router: S, mut request: Request<B>, peer: SocketAddr) -> Response
    where
        S: Service<Request<B>, Response = Response, Error = Infallible>,
    {
        let began = Instant::now();
        let method = request.method().clone();
        let head = Arc::new(self.head(&request, peer));
        let mut response = match self.refuse(&head, &method) {
            Some(response) => response,
            None => {
                if method == Method::HEAD {
                    // hyper remembers the method and leaves the body out.
                    *request.method_mut() = Method::GET;
                }
                request.extensions_mut().insert(head.clone());
                match AssertUnwindSafe(async { router.call(request).await }).catch_unwind().await {
                    Ok(Ok(response)) => response,
                    Ok(Err(never)) => match never {},
                    Err(_) => {
                        tracing::error!(request_id = ?head.request_id, path = head.path, "a route panicked");
                        Problem::internal().into_response()
                    }
                }
            }
        };
        self.finish(&head, &mut response);
        let (status, micros) = (response.status().as_u16(), began.elapsed().as_micros());
        tracing::debug!(request_id = ?head.request_id, %method, path = head.path, status, micros, %peer, "answered");
        response
    }

    fn head<B>(&self, request: &Request<B>, peer: SocketAddr) -> Head {
        let headers = request.headers().clone();
        let request_id = headers.get(REQUEST_ID).filter(|id| is_request_id(id.as_bytes())).cloned().unwrap_or_else(|| {
            let number = self.requests.fetch_add(1, Ordering::Relaxed);
            HeaderValue::try_from(format!("{:08x}-{number}", self.run)).unwrap_or_else(|_| HeaderValue::from_static("-"))
        });
        let origin = self.origin(&headers);
        let secure = text(&headers, header::ORIGIN).is_some_and(|o| o.starts_with("https://"));
        let path = request.uri().path().to_owned();
        let query = request.uri().query().unwrap_or_default().to_owned();
        Head { path, query, headers, peer, origin, secure, request_id }
    }

    fn origin(&self, headers: &HeaderMap) -> Origin {
        if !headers.contains_key(header::ORIGIN) {
            return Origin::Absent;
        }
        let Some(origin) = text(headers, header::ORIGIN) else { return Origin::Foreign };
        let bare = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        let host = text(headers, header::HOST);
        if bare.zip(host).is_some_and(|(origin, host)| origin.eq_ignore_ascii_case(host)) {
            Origin::Own
        } else if self.cors_origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin)) {
            Origin::Allowed
        } else {
            Origin::Foreign
        }
    }

    /// The answer to a request that no route gets to see.
    fn refuse(&self, head: &Head, method: &Method) -> Option<Response> {
        if !self.hosts.is_empty() && !text(&head.headers, header::HOST).is_some_and(|host| self.is_our_name(host)) {
            return Some(Problem::forbidden_host().into_response());
        }
        if *method == Method::OPTIONS && head.origin == Origin::Allowed {
            let mut response = Response::default();
            *response.status_mut() = StatusCode::NO_CONTENT;
            for (name, value) in [
                (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, idempotency-key, x-request-id"),
                (header::ACCESS_CONTROL_MAX_AGE, "600"),
            ] {
                response.headers_mut().insert(name, HeaderValue::from_static(value));
            }
            return Some(response);
        }
        // A page may send some requests to any server without asking first (CORS "simple requests"), so a changing call
        // from a page that is neither ours nor allowed ends here, whatever token it shows.
        let changes = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        (changes && head.origin == Origin::Foreign).then(|| Problem::forbidden_origin().into_response())
    }

    /// Whether a `Host` value, its port aside, is one of our names. A page on another name that was made to resolve to
    /// this machine (DNS rebinding) shows its own name there.
    fn is_our_name(&self, host: &str) -> bool {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => host,
        };
        self.hosts.iter().any(|ours| ours.eq_ignore_ascii_case(name))
    }

    fn finish(&self, head: &Head, response: &mut Response) {
        let status = response.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, content_security_policy(&head.headers));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        headers.insert(REQUEST_ID, head.request_id.clone());
        if status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(header::ALLOW, HeaderValue::from_static(routes::methods_of(&head.path)));
        }
        if !self.cors_origins.is_empty() {
            headers.append(header::VARY, HeaderValue::from_static("origin"));
            if let Some(origin) = head.headers.get(header::ORIGIN).filter(|_| head.origin == Origin::Allowed) {
                headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
                headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after, x-request-id"));
            }
        }
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn is_request_id(id: &[u8]) -> bool {
    (1..=REQUEST_ID_MAX).contains(&id.len()) && id.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// Our own files only. The WebSocket is named too, since not every browser counts it as `'self'`.
fn content_security_policy(headers: &HeaderMap) -> HeaderValue {
    let harmless = |host: &&str| host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']'));
    let sockets =
        text(headers, header::HOST).filter(harmless).map(|host| format!(" ws://{host} wss://{host}")).unwrap_or_default();
    let policy = format!(
        "default-src 'self'; script-src 'self'; style-src 'self'; connect-src 'self'{sockets}; img-src 'self' data:; \
         object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    );
    HeaderValue::try_from(policy).unwrap_or_else(|_| HeaderValue::from_static("default-src 'self'"))
}
