//! What the claims of a verified token prove. Pure.

use super::Policy;
use crate::api::{Caller, Proof};
use chrono::{DateTime, Utc};
use protocol::control::Role;
use serde_json::{Map, Value};

/// Longest name that the journal keeps of somebody.
const NAME_CHARS_MAX: usize = 100;

/// Why a verified token lets nobody in. The texts are for its bearer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Denied {
    #[error("the token is from another issuer than {wanted}")]
    Issuer { wanted: String },
    #[error("the token is for another audience than {wanted}")]
    Audience { wanted: String },
    #[error("the token has no `exp`")]
    Endless,
    #[error("the token expired at {at}; sign in again")]
    Expired { at: DateTime<Utc> },
    #[error("the token is not valid before {at}")]
    TooEarly { at: DateTime<Utc> },
    #[error("the token's `{claim}` names nobody")]
    Nameless { claim: String },
    #[error("nothing in the token's `{claim}` has a role here; ask for a group that has")]
    NoRole { claim: String },
}

/// Who the token proves somebody to be, and what they may do.
pub(super) fn admit(
    policy: &Policy,
    claims: &Map<String, Value>,
    now: DateTime<Utc>,
) -> Result<Caller, Denied> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(&policy.issuer) {
        return Err(Denied::Issuer { wanted: policy.issuer.clone() });
    }
    if !words(claims, "aud").any(|one| one == policy.audience) {
        return Err(Denied::Audience { wanted: policy.audience.clone() });
    }
    let expires_at = instant(claims, "exp").ok_or(Denied::Endless)?;
    if now >= expires_at + policy.skew {
        return Err(Denied::Expired { at: expires_at });
    }
    for begins in ["nbf", "iat"] {
        if let Some(at) = instant(claims, begins).filter(|at| now + policy.skew < *at) {
            return Err(Denied::TooEarly { at });
        }
    }
    let nameless = || Denied::Nameless { claim: policy.name.clone() };
    let name = text(&policy.name).filter(|name| named(name)).ok_or_else(nameless)?;
    let no_role = || Denied::NoRole { claim: policy.roles_claim.clone() };
    let role = words(claims, &policy.roles_claim).filter_map(|group| policy.role(group)).max();
    let factor = &policy.second_factor;
    let second = words(claims, "amr").any(|one| factor.amr.iter().any(|known| known == one))
        || text("acr").is_some_and(|one| factor.acr.iter().any(|known| known == one));
    Ok(Caller {
        // Apart from the names of the tokens file, whoever the provider lets name themselves.
        name: format!("oidc:{name}"),
        role: role.ok_or_else(no_role)?,
        proof: if second { Proof::SecondFactor } else { Proof::Token },
        environments: None,
    })
}

impl Policy {
    fn role(&self, group: &str) -> Option<Role> {
        self.roles.get(group).copied()
    }
}

/// A claim that is one text or a list of them.
fn words<'c>(claims: &'c Map<String, Value>, name: &str) -> impl Iterator<Item = &'c str> {
    let claim = claims.get(name);
    let one = claim.and_then(Value::as_str);
    let many = claim.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    one.into_iter().chain(many)
}

/// Seconds since 1970, with or without a fraction. What is no time is none.
fn instant(claims: &Map<String, Value>, name: &str) -> Option<DateTime<Utc>> {
    let claim = claims.get(name)?;
    let whole = claim.as_i64().or_else(|| claim.as_f64().and_then(whole))?;
    DateTime::from_timestamp(whole, 0)
}

#[expect(clippy::cast_possible_truncation, reason = "checked to be far within 64 bits")]
fn whole(seconds: f64) -> Option<i64> {
    (0.0..1e12).contains(&seconds).then_some(seconds as i64)
}

fn named(name: &str) -> bool {
    let length = name.chars().count();
    (1..=NAME_CHARS_MAX).contains(&length) && name.chars().all(|c| !c.is_control() && c != ' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::identity::SecondFactor;
    use chrono::TimeDelta;
    use serde_json::json;
    use std::collections::BTreeMap;

    const NOW: i64 = 1_800_000_000;

    fn policy() -> Policy {
        let roles = [("wallet-eyes", Role::Viewer), ("wallet-hands", Role::Operator)];
        Policy {
            issuer: "https://id.example".to_owned(),
            audience: "wallet-control".to_owned(),
            keys: "https://id.example/keys".to_owned(),
            name: "email".to_owned(),
            roles_claim: "groups".to_owned(),
            roles: BTreeMap::from(roles.map(|(group, role)| (group.to_owned(), role))),
            second_factor: SecondFactor {
                amr: vec!["mfa".to_owned(), "hwk".to_owned()],
                acr: vec!["urn:two".to_owned()],
            },
            skew: TimeDelta::seconds(30),
        }
    }

    /// Good claims, with some members replaced or (null) taken away.
    fn claims(changes: Value) -> Map<String, Value> {
        let mut claims = json!({
            "iss": "https://id.example", "aud": "wallet-control", "exp": NOW + 60, "iat": NOW,
            "email": "ana@example.com", "groups": ["other", "wallet-eyes"],
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object().unwrap().clone()
    }

    fn outcome(changes: Value) -> Result<Caller, Denied> {
        admit(&policy(), &claims(changes), DateTime::from_timestamp(NOW, 0).unwrap())
    }

    #[test]
    fn each_claim_that_is_wrong_denies() {
        let issuer = Denied::Issuer { wanted: "https://id.example".to_owned() };
        let audience = Denied::Audience { wanted: "wallet-control".to_owned() };
        let at = |second| DateTime::from_timestamp(NOW + second, 0).unwrap();
        let nameless = Denied::Nameless { claim: "email".to_owned() };
        let no_role = Denied::NoRole { claim: "groups".to_owned() };
        #[rustfmt::skip]
        let table = [
            (json!({ "iss": "https://id.example/" }),       issuer.clone()),
            (json!({ "iss": null }),                         issuer),
            (json!({ "aud": "wallet" }),                     audience.clone()),
            (json!({ "aud": ["a", "b"] }),                   audience.clone()),
            (json!({ "aud": null }),                         audience),
            (json!({ "exp": null }),                         Denied::Endless),
            (json!({ "exp": "tomorrow" }),                   Denied::Endless),
            (json!({ "exp": 1e300 }),                        Denied::Endless),
            (json!({ "exp": NOW - 30 }),                     Denied::Expired { at: at(-30) }),
            (json!({ "nbf": NOW + 31 }),                     Denied::TooEarly { at: at(31) }),
            (json!({ "iat": NOW + 3600 }),                   Denied::TooEarly { at: at(3600) }),
            (json!({ "email": null }),                       nameless.clone()),
            (json!({ "email": "" }),                         nameless.clone()),
            (json!({ "email": "ana\ncontrol" }),             nameless.clone()),
            (json!({ "email": "x".repeat(101) }),            nameless),
            (json!({ "groups": null }),                      no_role.clone()),
            (json!({ "groups": ["wallet-eyes-not"] }),       no_role),
        ];
        for (changes, want) in table {
            assert_eq!(outcome(changes.clone()), Err(want), "{changes}");
        }
    }

    #[test]
    fn the_clocks_may_be_a_little_apart() {
        for changes in [json!({ "exp": NOW - 29 }), json!({ "nbf": NOW + 30, "iat": NOW + 30 })] {
            assert!(outcome(changes.clone()).is_ok(), "{changes}");
        }
        assert!(outcome(json!({ "exp": 1_800_000_060.5 })).is_ok(), "a fraction is a time too");
    }

    #[test]
    fn the_highest_role_counts_and_names_cannot_be_taken_for_tokens() {
        let caller = outcome(json!({ "groups": ["wallet-hands", "wallet-eyes"] })).unwrap();
        assert_eq!((caller.name.as_str(), caller.role), ("oidc:ana@example.com", Role::Operator));
        assert_eq!(outcome(json!({ "groups": "wallet-eyes" })).unwrap().role, Role::Viewer);
    }

    #[test]
    fn a_second_factor_is_one_that_the_policy_names() {
        #[rustfmt::skip]
        let table = [
            (json!({}),                              Proof::Token),
            (json!({ "amr": ["pwd"] }),              Proof::Token),
            (json!({ "amr": ["pwd", "mfa"] }),       Proof::SecondFactor),
            (json!({ "amr": "hwk" }),                Proof::SecondFactor),
            (json!({ "acr": "urn:one" }),            Proof::Token),
            (json!({ "acr": "urn:two" }),            Proof::SecondFactor),
            (json!({ "amr": { "mfa": true } }),      Proof::Token),
        ];
        for (changes, want) in table {
            assert_eq!(outcome(changes.clone()).unwrap().proof, want, "{changes}");
        }
    }
}
