//! The Kafka broker against the real client library: nothing acknowledged is ever lost or doubled.

mod durability;
mod fixture;
mod groups;
mod protocol;
mod transactions;
