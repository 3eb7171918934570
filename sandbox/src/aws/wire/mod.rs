//! Carries operations over AWS's protocols: awsQuery, awsJson 1.0/1.1, restJson1, rpcv2Cbor.
//!
//! A service sees none of them. It gets JSON with the wire's own field names, answers JSON, and
//! declares in its [`Interface`] what a protocol needs besides: list element names for XML and
//! routes for REST. Times are [`timestamp`] values, which each protocol writes in its own way.
//! A `Double` of AWS must be answered as `f64`, because CBOR tells 1 from 1.0.
//!
//! Not here: checking signatures. The access key id and the credential scope are checked, so a
//! client that does not sign is refused as AWS refuses it, but any secret is believed.

mod auth;
mod cbor;
mod endpoint;
mod error;
mod form;
mod input;
mod reply;
mod rest;
mod time;
mod xml;

pub use endpoint::Endpoint;
pub use error::AwsError;
pub use input::Input;
pub use rest::Route;
pub use time::timestamp;

use futures::{FutureExt, future::BoxFuture};
use serde_json::Value;

/// An operation's answer on its way.
pub type Answer<'a> = BoxFuture<'a, Result<Value, AwsError>>;

/// One emulated AWS service.
pub trait Service: Send + Sync {
    /// What the protocols need to know of it.
    fn interface(&self) -> &'static Interface;

    /// Answers one operation.
    fn call<'a>(&'a self, operation: &'a str, input: Input<'a>) -> Answer<'a>;
}

/// How a service looks on the wire.
#[derive(Debug)]
pub struct Interface {
    /// The name in the credential scope of a signature: `monitoring`, `ecs`, `rds`, ….
    pub scope: &'static str,
    /// Namespace of its XML, empty when it speaks no XML.
    pub namespace: &'static str,
    /// For XML: names of list fields and of their elements. A list that is not named here has
    /// elements called `member`.
    pub lists: &'static [(&'static str, &'static str)],
    /// For XML: names of map fields (written as `entry`, `key`, `value`).
    pub maps: &'static [&'static str],
    /// For REST: where its operations are.
    pub routes: &'static [Route],
}

/// A function that answers one operation of `S`.
pub type Handler<S> = for<'a> fn(&'a S, Input<'a>) -> Answer<'a>;

/// Answers by a table of operations: the body of most implementations of [`Service::call`].
pub fn dispatch<'a, S: Sync>(
    table: &[(&str, Handler<S>)],
    service: &'a S,
    operation: &str,
    input: Input<'a>,
) -> Answer<'a> {
    match table.iter().find(|(name, _)| *name == operation) {
        Some((_, handler)) => handler(service, input),
        None => ready(Err(AwsError::unknown_operation(operation))),
    }
}

/// An answer that needs no waiting.
pub fn ready<'a>(answer: Result<Value, AwsError>) -> Answer<'a> {
    futures::future::ready(answer).boxed()
}
