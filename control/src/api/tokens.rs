//! Who may ask: the tokens file. It holds hashes only, so that reading it lets nobody in.
//!
//! A token is 256 random bits, so a plain SHA-256 is as good as a slow hash: there is nothing to
//! guess, and a slow one would let strangers spend our time.

use super::{
    access::{Caller, Proof},
    error::Error,
};
use crate::document::{Faults, Field, decode};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use protocol::control::Role;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// More people and machines than will ever ask.
const TOKENS_MAX: usize = 200;
/// Environments that one token may be limited to.
const ENVIRONMENTS_MAX: usize = 200;

/// One who may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Under this name the journal knows whoever holds the token.
    pub name: String,
    pub role: Role,
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// From here on it lets nobody in.
    pub expires_at: Option<DateTime<Utc>>,
    /// The only environments that there are for its holder; `None` is all of them.
    pub environments: Option<Arc<[String]>>,
    /// May act in production without a second factor: for the night on which the identity
    /// provider is down. Each use is an event.
    pub break_glass: bool,
}

/// All who may ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens(Vec<Token>);

/// Reads a tokens file: a list of `{ name, role, sha256 }`, and if wanted `expires`,
/// `environments` and `break_glass`.
///
/// # Errors
///
/// Every fault of the file.
pub fn tokens(file: &str, text: &str) -> Result<Tokens, Faults> {
    decode(file, text, |root| {
        let mut names = Vec::new();
        let tokens = root.list(TOKENS_MAX, |item| {
            let token = token(&item)?;
            if names.contains(&token.name) {
                return item.fault(format!("`{}` has a token already", token.name));
            }
            names.push(token.name.clone());
            Some(token)
        })?;
        Some(Tokens(tokens))
    })
}

fn token(item: &Field<'_>) -> Option<Token> {
    let map = item.map(&["name", "role", "sha256", "expires", "environments", "break_glass"])?;
    let name = map.required("name").and_then(|f| {
        let name = f.name()?;
        // The journal's own name, and the one for nobody.
        let taken = ["control", "anonymous"].contains(&name.as_str());
        if taken { f.fault(format!("`{name}` is not for people")) } else { Some(name) }
    });
    let role = map.required("role").and_then(|f| {
        f.choice(&[
            ("viewer", Role::Viewer),
            ("operator", Role::Operator),
            ("approver", Role::Approver),
            ("admin", Role::Admin),
        ])
    });
    let hash = map.required("sha256").and_then(|f| {
        let mut hash = [0; 32];
        match hex::decode_to_slice(f.text()?, &mut hash) {
            Ok(()) => Some(hash),
            Err(_) => f.fault("must be the token's SHA-256 in 64 hex digits"),
        }
    });
    let expires_at = map.or("expires", None, |f| expiry(f).map(Some));
    let environments = map.or("environments", None, |f| {
        f.list(ENVIRONMENTS_MAX, |item| item.name()).map(|names| Some(names.into()))
    });
    let break_glass = map.or("break_glass", false, Field::boolean);
    Some(Token {
        name: name?,
        role: role?,
        hash: hash?,
        expires_at: expires_at?,
        environments: environments?,
        break_glass: break_glass?,
    })
}

/// A day, at whose beginning in UTC the token ends.
fn expiry(field: &Field<'_>) -> Option<DateTime<Utc>> {
    let text = field.text()?;
    match text.parse::<NaiveDate>() {
        Ok(day) => Some(day.and_time(NaiveTime::MIN).and_utc()),
        Err(_) => field.fault(format!("`{text}` must be a day, as 2027-03-01")),
    }
}

impl Tokens {
    /// Whoever holds this token at `now`.
    ///
    /// # Errors
    ///
    /// When nobody does, or the token has expired.
    pub(super) fn caller(&self, token: &str, now: DateTime<Utc>) -> Result<Caller, Error> {
        let known = self.holder(token).ok_or(Error::Unauthenticated)?;
        if let Some(at) = known.expires_at.filter(|at| now >= *at) {
            let why = format!("the token of {} expired on {}", known.name, at.date_naive());
            return Err(Error::Token { why });
        }
        Ok(Caller {
            name: known.name.clone(),
            role: known.role,
            proof: if known.break_glass { Proof::BreakGlass } else { Proof::Token },
            environments: known.environments.clone(),
        })
    }

    /// Whoever holds this token. Takes the same time for every token, known or not.
    #[must_use]
    pub fn holder(&self, token: &str) -> Option<&Token> {
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let mut found = 0_u64;
        for (place, known) in (1_u64..).zip(&self.0) {
            let same: Choice = known.hash.ct_eq(&hash);
            found.conditional_assign(&place, same);
        }
        let place = usize::try_from(found).ok()?.checked_sub(1)?;
        self.0.get(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIEWER: &str = "b3eacd33433b31b5252351032c9b3e7a2e7aa7738d5decdf0dd6c62680853c06";

    #[test]
    fn a_token_is_found_by_its_hash_alone() {
        let hash = hex::encode(Sha256::digest(b"secret-1"));
        let text = format!(
            "- {{ name: lead, role: admin, sha256: {hash} }}\n\
             - {{ name: eye, role: viewer, sha256: {VIEWER} }}\n"
        );
        let tokens = tokens("tokens.yaml", &text).unwrap();
        let lead = tokens.holder("secret-1").unwrap();
        assert_eq!((lead.name.as_str(), lead.role), ("lead", Role::Admin));
        for wrong in ["", "secret-2", "secret-1 ", &hash] {
            assert_eq!(tokens.holder(wrong), None, "{wrong}");
        }
        assert_eq!(Tokens::default().holder("secret-1"), None);
    }

    #[test]
    fn a_token_lets_nobody_in_from_its_last_day_on() {
        let hash = hex::encode(Sha256::digest(b"secret-1"));
        let text = format!(
            "- {{ name: lead, role: admin, sha256: {hash}, expires: 2027-03-01, \
             environments: [staging], break_glass: true }}\n"
        );
        let tokens = tokens("tokens.yaml", &text).unwrap();
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let caller = tokens.caller("secret-1", at("2027-02-28T23:59:59Z")).unwrap();
        assert_eq!(caller.proof, Proof::BreakGlass);
        assert!(caller.sees("staging") && !caller.sees("production"));
        assert!(caller.sees_subject("staging/run/1") && !caller.sees_subject("control/api"));
        let error = tokens.caller("secret-1", at("2027-03-01T00:00:00Z")).unwrap_err();
        assert_eq!(error.to_string(), "the token of lead expired on 2027-03-01");
    }

    #[test]
    fn what_limits_a_token_is_checked_too() {
        let text = format!(
            "- {{ name: a, role: viewer, sha256: {VIEWER}, expires: tomorrow, environments: [], \
             break_glass: maybe }}\n"
        );
        let faults = tokens("t.yaml", &text).unwrap_err();
        let found: Vec<&str> = faults.0.iter().map(|fault| fault.message.as_str()).collect();
        assert_eq!(
            found,
            [
                "`tomorrow` must be a day, as 2027-03-01",
                "must be a list of 1 to 200",
                "must be true or false",
            ]
        );
    }

    #[test]
    fn faults_of_a_tokens_file_are_named_with_their_lines() {
        let text = "\
- { name: a, role: root, sha256: 00 }
- { name: control, role: viewer, sha256: b3eacd33433b31b5252351032c9b3e7a2e7aa7738d5decdf0dd6c62680853c06 }
- { name: b, role: viewer, sha256: b3eacd33433b31b5252351032c9b3e7a2e7aa7738d5decdf0dd6c62680853c06 }
- { name: b, role: viewer, sha256: b3eacd33433b31b5252351032c9b3e7a2e7aa7738d5decdf0dd6c62680853c06 }
";
        let faults = tokens("t.yaml", text).unwrap_err();
        let found: Vec<(usize, &str)> =
            faults.0.iter().map(|fault| (fault.line, fault.message.as_str())).collect();
        assert_eq!(
            found,
            [
                (1, "`root` is none of viewer, operator, approver, admin"),
                (1, "must be the token's SHA-256 in 64 hex digits"),
                (2, "`control` is not for people"),
                (4, "`b` has a token already"),
            ]
        );
    }
}
