//! The daemon's stream, from bytes to messages. Nothing here knows the screen.

pub mod backoff;
pub mod sse;
pub mod stream;
