//! Keeps the service at the size that its load asks for.
//!
//! Owns: the desired count (mode `own`) or the minimum capacity (mode `floor`).
//! Never touches: task definitions, deployments, the maximum.
//! Gives up: never; says why it waits.

mod policy;

pub use policy::{Metric, Policy, ScalingMode, Target};
