//! The region's own services through the unmodified AWS SDK, over the real wire.
//!
//! No server but the endpoint runs here. What the emulated fleet does is tested elsewhere.

mod alarms;
mod bill;
mod harness;
mod metrics;
mod queries;
mod topics;
mod wire;
