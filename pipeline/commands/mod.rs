//! One file a command.

pub mod score;
