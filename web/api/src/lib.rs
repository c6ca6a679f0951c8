//! Placeholder until its step of the journey is written.
