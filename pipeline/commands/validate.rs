//! `trustfold validate`.

use crate::commands::{Failure, say};
use crate::settings::Settings;
use std::process::ExitCode;

/// Prints the settings as they would be used; they are checked already.
///
/// # Errors
/// Where they cannot be printed.
pub fn validate(settings: &Settings) -> Result<ExitCode, Failure> {
    let text = toml::to_string_pretty(settings).map_err(Failure::settings)?;
    say(text.trim_end());
    say("# These settings can be used.");
    Ok(ExitCode::SUCCESS)
}
