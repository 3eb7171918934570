//! One machine as an AWS region: real servers behind an AWS-compatible endpoint on loopback.
//!
//! For demonstrations, drills and tests; never ships. [`data`] and [`child`] are fixtures of every
//! crate's integration tests: private servers on free ports, gone when dropped. [`Sandbox`] is a
//! whole region.

pub mod aws;
pub mod balancer;
pub mod child;
pub mod data;
pub mod demo;
mod fixture;
pub mod forwarder;
pub mod kafka;
pub mod manifest;
pub mod poll;
pub mod port;
pub mod process;
pub mod program;
pub mod task;
pub mod up;

pub use fixture::Sandbox;
