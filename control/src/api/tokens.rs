//! Who may ask: the tokens file. It holds hashes only, so that reading it lets nobody in.

use crate::document::{Faults, Field, decode};
use protocol::control::Role;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// More people and machines than will ever ask.
const TOKENS_MAX: usize = 200;

/// One who may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Under this name the journal knows whoever holds the token.
    pub name: String,
    pub role: Role,
    /// SHA-256 of the token.
    pub hash: [u8; 32],
}

/// All who may ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens(Vec<Token>);

/// Reads a tokens file: a list of `{ name, role, sha256 }`.
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
    let map = item.map(&["name", "role", "sha256"])?;
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
    Some(Token { name: name?, role: role?, hash: hash? })
}

impl Tokens {
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
