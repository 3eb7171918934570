//! The emulated services as a client sees them: real SDKs against a real port, and machines that
//! do at once what they are told, so that every wait in a test is the service's own.

#[cfg(test)]
mod autoscaling;
#[cfg(test)]
mod broker;
#[cfg(test)]
mod cache;
#[cfg(test)]
mod database;
#[cfg(test)]
mod machines;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod tasks;
