//! `trustfold validate`.

use crate::commands::{Failure, say};
use crate::settings::Settings;
use std::process::ExitCode;

/// Prints the settings as they would be used; they are checked already.
///
/// # Errors
/// Where they cannot be printed.
pub fn validate(settings: &Settings, as_json: bool) -> Result<ExitCode, Failure> {
    if as_json {
        say(serde_json::to_string(settings).map_err(Failure::settings)?);
        return Ok(ExitCode::SUCCESS);
    }
    let text = toml::to_string_pretty(settings).map_err(Failure::settings)?;
    say(text.trim_end());
    say("# These settings can be used.");
    Ok(ExitCode::SUCCESS)
}
