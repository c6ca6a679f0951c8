//! What pam_unix says about an authentication that failed.

use crate::parse::ip::is_ip;

/// The user, and where they came from, of "pam_unix(SERVICE:auth): authentication failure; … rhost=HOST  user=NAME".
/// `None` for every other line.
pub(super) fn failure<'a>(message: &'a str, service: &str) -> Option<(Option<&'a str>, Option<&'a str>)> {
    let (module, rest) = message.strip_prefix("pam_")?.split_once('(')?;
    let rest = rest.strip_prefix(service)?.strip_prefix(":auth): authentication failure;")?;
    if module != "unix" {
        return None;
    }
    // The user comes last, so that a name in another field cannot stand in for it.
    let (before, user) = rest.rsplit_once(" user=").unwrap_or((rest, ""));
    let user = user.trim_matches(' ');
    let host = before.rsplit_once(" rhost=").map(|(_, host)| host.trim_matches(' ')).filter(|host| is_ip(host));
    Some(((!user.is_empty()).then_some(user), host))
}
