//! The dashboard: files that are part of the binary.

use super::{Answer, Route, Shared};
use crate::backend::Backend;
use crate::edge::Head;
use crate::problem::Problem;
use bytes::Bytes;
use rust_embed::RustEmbed;
use std::borrow::Cow;
use std::future::ready;
use std::sync::Arc;
use warp::Filter as _;
use warp::http::StatusCode;
use warp::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH};
use warp::reply::Response;

#[derive(RustEmbed)]
#[folder = "$TRUSTFOLD_DASHBOARD"]
struct Embedded;

/// A file of the dashboard.
pub(crate) struct Asset {
    pub(crate) bytes: Bytes,
    /// Its content's hash, quoted.
    pub(crate) tag: String,
}

/// Finds a file by its exact name, for instance `assets/index-1a2b.js`. There is no file system behind it to climb in.
pub(crate) type Dashboard = fn(&str) -> Option<Asset>;

/// The files that were embedded when the binary was built.
pub(crate) fn embedded(name: &str) -> Option<Asset> {
    let file = Embedded::get(name)?;
    let bytes = match file.data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    let hash = file.metadata.sha256_hash();
    let tag = hash.iter().take(16).fold(String::from("\""), |tag, b| tag + &format!("{b:02x}")) + "\"";
    Some(Asset { bytes, tag })
}

/// First segments of paths that are not the dashboard's.
const RESERVED: [&str; 5] = ["api", "ws", "livez", "readyz", "health"];

pub(super) fn routes<B: Backend>(app: &Shared<B>) -> Route {
    let dashboard = app.dashboard;
    warp::path::full()
        .and_then(|path: warp::path::FullPath| {
            let first = path.as_str().trim_start_matches('/').split('/').next().unwrap_or_default();
            ready(if RESERVED.contains(&first) { Err(warp::reject::not_found()) } else { Ok(()) })
        })
        .untuple_one()
        .and(warp::get())
        .and(warp::ext::get::<Arc<Head>>())
        .map(move |head: Arc<Head>| serve(dashboard, &head).unwrap_or_else(Problem::into_response))
        .boxed()
}

fn serve(dashboard: Dashboard, head: &Head) -> Answer {
    let name = head.path.trim_start_matches('/');
    let hashed = name.starts_with("assets/");
    let (name, asset) = match dashboard(name).filter(|_| !name.is_empty()) {
        Some(asset) => (name, asset),
        // A script that is gone must not be answered by a page: the browser would run neither and say something odd.
        None if hashed => return Err(Problem::not_found("There is no such file.")),
        // Any other path is a place inside the dashboard, which finds its own way.
        None => ("index.html", dashboard("index.html").ok_or_else(|| Problem::not_found("There is no dashboard."))?),
    };
    let known = head.headers.get(IF_NONE_MATCH).is_some_and(|tags| tags.as_bytes() == asset.tag.as_bytes());
    let mut response = if known { Response::default() } else { Response::new(asset.bytes.into()) };
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let cache = if hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(name)));
    if let Ok(tag) = HeaderValue::try_from(asset.tag) {
        headers.insert(ETAG, tag);
    }
    Ok(response)
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_embedded_and_nothing_beside_it() {
        let index = embedded("index.html").unwrap();
        assert!(index.bytes.starts_with(b"<!") && index.tag.len() == 34);
        for outside in ["../Cargo.toml", "/etc/passwd", "assets/../../Cargo.toml", ""] {
            assert!(embedded(outside).is_none(), "{outside}");
        }
    }
}
