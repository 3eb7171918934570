//! The control plane.

pub mod document;
