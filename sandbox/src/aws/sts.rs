//! STS: who am I. One identity, the sandbox's own; roles are not assumed here.

use super::{
    Region,
    wire::{Answer, Handler, Input, Interface, Service, dispatch, ready},
};
use serde_json::json;

/// The service.
pub struct Sts {
    region: Region,
}

impl Sts {
    /// The identity of the region's one access key.
    #[must_use]
    pub fn new(region: Region) -> Self {
        Self { region }
    }
}

const OPERATIONS: &[(&str, Handler<Sts>)] = &[("GetCallerIdentity", |sts, _| {
    let account = &sts.region.account;
    ready(Ok(json!({
        "Account": account,
        "UserId": "AIDASANDBOX",
        "Arn": format!("arn:aws:iam::{account}:user/sandbox"),
    })))
})];

impl Service for Sts {
    fn interface(&self) -> &'static Interface {
        &Interface {
            scope: "sts",
            namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
            lists: &[],
            maps: &[],
            routes: &[],
        }
    }

    fn call<'a>(&'a self, operation: &'a str, input: Input<'a>) -> Answer<'a> {
        dispatch(OPERATIONS, self, operation, input)
    }
}
