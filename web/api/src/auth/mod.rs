//! Who may: admin token, one-time links, session cookies, ingest keys.

mod attempts;
mod held;
mod ingest;
mod secret;

pub use secret::{NoRandomness, Secret};

pub(crate) use attempts::Attempts;
pub(crate) use ingest::IngestKeys;

#[cfg(test)]
pub(crate) use attempts::WRONG_MAX;

use crate::problem::Problem;
use held::HeldSecrets;
use secret::Digest;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use warp::http::HeaderMap;
use warp::http::header::{AUTHORIZATION, COOKIE};

const COOKIE_NAME: &str = "trustfold_session";
const LINK_LIFETIME: Duration = Duration::from_secs(10 * 60);
const LINKS_MAX: usize = 16;
const SESSION_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);
const SESSIONS_MAX: usize = 64;

/// Secrets of the links that sign an admin's browser in: each is good once, for 10 minutes. Only the newest 16 are kept.
#[derive(Clone, Debug)]
pub struct OneTimeLinks(Arc<HeldSecrets>);

impl OneTimeLinks {
    /// A new link secret, to be shown as `http://…/#link=SECRET` on the terminal and nowhere else.
    ///
    /// # Errors
    /// Where the system gives no randomness.
    pub fn issue(&self) -> Result<String, NoRandomness> {
        self.0.issue(Instant::now())
    }
}

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Admin,
    Viewer,
}

/// The admin's secrets. Clones share them.
#[derive(Clone, Debug)]
pub struct Auth {
    admin: Digest,
    links: OneTimeLinks,
    sessions: Arc<HeldSecrets>,
    admin_attempts: Arc<Attempts>,
    ingest_attempts: Arc<Attempts>,
}

impl Auth {
    /// Keeps the token's SHA-256, not the token. The caller sees to it that the token is long and random.
    pub fn new(admin_token: &Secret) -> Self {
        Self {
            admin: admin_token.digest(),
            links: OneTimeLinks(Arc::new(HeldSecrets::new(LINK_LIFETIME, LINKS_MAX))),
            sessions: Arc::new(HeldSecrets::new(SESSION_LIFETIME, SESSIONS_MAX)),
            admin_attempts: Arc::default(),
            ingest_attempts: Arc::default(),
        }
    }

    /// Where one-time links are issued.
    pub fn links(&self) -> &OneTimeLinks {
        &self.links
    }

    /// Who the headers say calls: by bearer token, else by cookie, else a viewer.
    ///
    /// A wrong token is an error rather than a viewer; a cookie that has ended is not, since browsers keep sending it.
    /// A cookie counts only where `cookie_counts`: the caller has looked at the origin.
    pub(crate) fn role(&self, headers: &HeaderMap, peer: IpAddr, cookie_counts: bool) -> Result<Role, Problem> {
        if headers.contains_key(AUTHORIZATION) {
            let token = bearer(headers).ok_or_else(|| Problem::unauthenticated("Authorization takes: Bearer TOKEN."))?;
            return self.guarded(peer, || self.admin.matches(&Digest::of(token.as_bytes()))).map(|()| Role::Admin);
        }
        let signed_in = cookie_counts && cookie(headers).is_some_and(|c| self.sessions.holds(c, Instant::now()));
        Ok(if signed_in { Role::Admin } else { Role::Viewer })
    }

    /// Whether a session cookie comes along, good or not.
    pub(crate) fn has_cookie(headers: &HeaderMap) -> bool {
        cookie(headers).is_some()
    }

    /// Trades a link secret for a `Set-Cookie` value.
    pub(crate) fn sign_in(&self, link: &str, peer: IpAddr, secure: bool) -> Result<String, Problem> {
        self.guarded(peer, || self.links.0.take(link, Instant::now()))?;
        let session = self.sessions.issue(Instant::now()).map_err(|error| Problem::unavailable(error.to_string()))?;
        Ok(set_cookie(&session, self.sessions.lifetime(), secure))
    }

    /// Ends the session of the cookie, and gives the `Set-Cookie` value that removes it.
    pub(crate) fn sign_out(&self, headers: &HeaderMap, secure: bool) -> String {
        if let Some(session) = cookie(headers) {
            self.sessions.take(session, Instant::now());
        }
        set_cookie("", Duration::ZERO, secure)
    }

    /// Checks a sender's key. A right one always passes, so that a sender with a stale key cannot shut out the others
    /// behind its address; keys are too long to be guessed in any number of attempts.
    pub(crate) fn sender(&self, keys: &IngestKeys, headers: &HeaderMap, peer: IpAddr) -> Result<(), Problem> {
        let key =
            bearer(headers).ok_or_else(|| Problem::unauthenticated("Events need an ingest key: Authorization: Bearer KEY."))?;
        if keys.hold(key) {
            return Ok(());
        }
        let now = Instant::now();
        if let Some(secs) = self.ingest_attempts.wait_secs(peer, now) {
            return Err(too_many(secs));
        }
        self.ingest_attempts.wrong(peer, now);
        Err(Problem::unauthenticated("That is not an ingest key of this server."))
    }

    /// Lets a right token pass always: behind one address, on loopback above all, somebody else's wrong ones must not lock
    /// the admin out, and 256 random bits are not guessed in any number of attempts. Wrong ones are counted, and slowed.
    fn guarded(&self, peer: IpAddr, check: impl FnOnce() -> bool) -> Result<(), Problem> {
        if check() {
            return Ok(());
        }
        let now = Instant::now();
        if let Some(secs) = self.admin_attempts.wait_secs(peer, now) {
            return Err(too_many(secs));
        }
        self.admin_attempts.wrong(peer, now);
        Err(Problem::unauthenticated("That token or link is wrong, used or too old."))
    }
}

fn too_many(secs: u64) -> Problem {
    Problem::overloaded(secs, "Too many wrong tokens came from this address.")
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim()).filter(|t| !t.is_empty())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == COOKIE_NAME).then_some(value))
}

fn set_cookie(value: &str, lifetime: Duration, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{COOKIE_NAME}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={}{secure}", lifetime.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_shows_a_secret() {
        let secret = Secret::new("  correct horse battery staple\n");
        let auth = Auth::new(&secret);
        let link = auth.links().issue().unwrap();
        let cookie = auth.sign_in(&link, [127, 0, 0, 1].into(), false).unwrap();
        let shown = format!("{secret:?} {auth:?} {:?}", auth.links());
        for hidden in ["correct", &link, cookie.split(';').next().unwrap()] {
            assert!(!shown.contains(hidden), "{shown}");
        }
        let digest = Sha256Hex::of(b"correct horse battery staple");
        assert!(!shown.contains(&digest.0));
    }

    struct Sha256Hex(String);

    impl Sha256Hex {
        fn of(bytes: &[u8]) -> Self {
            use sha2::{Digest as _, Sha256};
            Self(Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect())
        }
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, "a=b; trustfold_session=x; c=d".parse().unwrap());
        assert_eq!(cookie(&headers), Some("x"));
        headers.insert(COOKIE, "xtrustfold_session=x".parse().unwrap());
        assert_eq!(cookie(&headers), None);
    }
}
