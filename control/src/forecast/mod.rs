//! What the load will be in the hours to come, and the floor that is made of it.
//!
//! A forecast only ever raises the floor: what it promises too little, target tracking adds. The
//! week before is the forecast that must be beaten; a library's model is used only where it was
//! better on days that neither had seen. Incidents, drills and gaps are left out of the history,
//! because one spike in it would be planned for again. A report card says how well it has done,
//! and a forecast that does badly is not used at all.

mod backtest;
mod history;
pub mod learn;
#[cfg(test)]
mod learn_tests;
mod mask;
mod model;
mod naive;
mod plan;
#[cfg(test)]
mod tests;

pub use history::{Hourly, Interval, Load};
pub use learn::Learn;
pub use mask::{AllMasks, Masks};
pub use plan::{Choice, Forecast, Hour, Settings, forecast};
