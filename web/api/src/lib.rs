//! The HTTP API, the WebSocket and the dashboard, on one port.
//!
//! ```text
//! socket ─ server ─ edge ─────────────── router ─ one route ─ Backend
//!          limits   host, origin, CORS   warp     who may,
//!                   request id, headers           body, answer
//! ```
//!
//! **Invariants:** web knows the inside only as [`Backend`]. Whatever a client sends is bounded in bytes, in number and in
//! time. Every answer that is no success is `application/problem+json` with a stable code, except those that hyper gives
//! to heads it cannot read. No secret is logged, and none is kept but as its SHA-256.

pub mod auth;
pub mod backend;
mod budget;
pub mod config;
mod edge;
mod problem;
mod routes;
mod server;
mod split;

#[cfg(test)]
mod tests;

pub use auth::{Auth, OneTimeLinks, Secret};
pub use backend::Backend;
pub use config::{CheckedConfig, ConfigError, WebConfig};
pub use server::{Bound, Web, WebError};
