//! The real program, from outside: its command line, its ports, its exit codes, and what is left after it was killed.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a helper that cannot go on fails the test")]

mod api;
mod conflicts;
mod crash;
mod experiments;
mod life;
mod live;
mod real;
mod reset;
mod score;
mod server;
mod startup;
mod syslog;
mod warning;
