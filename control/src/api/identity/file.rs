//! `kind: IdentityProvider`: whom we trust to say who somebody is, and what its groups may do.

use crate::document::{Faults, Field, Map, decode};
use chrono::TimeDelta;
use protocol::control::Role;
use std::{collections::BTreeMap, time::Duration};

/// Groups that one role may be given to.
const GROUPS_MAX: usize = 50;
/// Ways of proving a second factor that a provider may name.
const FACTORS_MAX: usize = 20;
/// Further apart, one of the clocks is wrong, and that is what should be mended.
const SKEW_MAX: Duration = Duration::from_secs(120);

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What a token's `iss` must be, to the letter.
    pub issuer: String,
    /// What a token's `aud` must be or hold.
    pub audience: String,
    /// Where the provider publishes its keys.
    pub keys: String,
    /// The claim that names somebody in the journal.
    pub name: String,
    /// The claim that holds somebody's groups.
    pub roles_claim: String,
    /// By group.
    pub roles: BTreeMap<String, Role>,
    pub second_factor: SecondFactor,
    /// How far the provider's clock and ours may be apart.
    pub skew: TimeDelta,
}

/// How a token says that a second factor was asked for: by its `amr` (RFC 8176) or its `acr`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondFactor {
    pub amr: Vec<String>,
    pub acr: Vec<String>,
}

/// Reads the file.
///
/// # Errors
///
/// Every fault of it.
pub fn read(file: &str, text: &str) -> Result<Policy, Faults> {
    decode(file, text, |root| policy(&root))
}

fn policy(root: &Field<'_>) -> Option<Policy> {
    let map = root.map(&[
        "kind",
        "issuer",
        "audience",
        "keys",
        "name",
        "roles",
        "second_factor",
        "skew",
    ])?;
    let kind = map.required("kind").and_then(|f| f.choice(&[("IdentityProvider", ())]));
    let issuer = map.required("issuer").and_then(|f| url(&f));
    let audience = map.required("audience").and_then(|f| word(&f));
    let keys = map.required("keys").and_then(|f| url(&f));
    let name = map.or("name", "sub".to_owned(), word);
    let roles = map.required("roles").and_then(|f| roles(&f));
    let default = SecondFactor { amr: vec!["mfa".to_owned()], acr: vec![] };
    let second_factor = map.or("second_factor", default, second_factor);
    let skew = map.or("skew", Duration::from_secs(30), |f| f.duration(Duration::ZERO..=SKEW_MAX));
    kind?;
    let (roles_claim, roles) = roles?;
    Some(Policy {
        issuer: issuer?,
        audience: audience?,
        keys: keys?,
        name: name?,
        roles_claim,
        roles,
        second_factor: second_factor?,
        skew: TimeDelta::from_std(skew?).expect("two minutes at most"),
    })
}

fn roles(field: &Field<'_>) -> Option<(String, BTreeMap<String, Role>)> {
    let map = field.map(&["claim", "viewer", "operator", "approver", "admin"])?;
    let claim = map.required("claim").and_then(|f| word(&f));
    let mut roles = BTreeMap::new();
    let named = [
        ("viewer", Role::Viewer),
        ("operator", Role::Operator),
        ("approver", Role::Approver),
        ("admin", Role::Admin),
    ];
    let mut sound = true;
    for (key, role) in named {
        sound &= groups(&map, key, role, &mut roles).is_some();
    }
    if sound && roles.is_empty() {
        return field.fault("gives no group a role, so that nobody could come in");
    }
    sound.then_some(())?;
    Some((claim?, roles))
}

fn groups(map: &Map<'_>, key: &str, role: Role, roles: &mut BTreeMap<String, Role>) -> Option<()> {
    let Some(field) = map.optional(key) else { return Some(()) };
    let groups = field.list(GROUPS_MAX, |item| {
        let group = word(&item)?;
        if roles.insert(group.clone(), role).is_some() {
            return item.fault(format!("`{group}` has a role already"));
        }
        Some(())
    })?;
    Some(()).filter(|()| !groups.is_empty())
}

fn second_factor(field: &Field<'_>) -> Option<SecondFactor> {
    let map = field.map(&["amr", "acr"])?;
    let read = |key: &str| map.or(key, vec![], |f| f.list(FACTORS_MAX, |item| word(&item)));
    let (amr, acr) = (read("amr"), read("acr"));
    let (amr, acr) = (amr?, acr?);
    if amr.is_empty() && acr.is_empty() {
        return field.fault("names no way of proving a second factor");
    }
    Some(SecondFactor { amr, acr })
}

/// Keys that came over a wire that anybody can write on would let anybody in.
fn url(field: &Field<'_>) -> Option<String> {
    let text = field.text()?;
    let host = |rest: &str| rest.split(['/', ':']).next().map(str::to_owned).unwrap_or_default();
    let sound = match text.split_once("://") {
        Some(("https", rest)) => !host(rest).is_empty(),
        Some(("http", rest)) => ["127.0.0.1", "localhost"].contains(&host(rest).as_str()),
        _ => false,
    };
    if sound && text.len() <= 500 && !text.contains(char::is_whitespace) {
        Some(text)
    } else {
        field.fault(format!("`{text}` must be an https:// address"))
    }
}

fn word(field: &Field<'_>) -> Option<String> {
    let text = field.text()?;
    if text.len() <= 200 && !text.contains(char::is_control) {
        Some(text)
    } else {
        field.fault("must be one line of at most 200 bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = "\
kind: IdentityProvider
issuer: https://id.example/
audience: wallet-control
keys: https://id.example/keys
name: email
roles: { claim: groups, viewer: [eyes], operator: [hands, feet], approver: [heads] }
second_factor: { amr: [mfa, hwk] }
skew: 10s
";

    #[test]
    fn a_sound_file_is_read() {
        let policy = read("id.yaml", SOUND).unwrap();
        assert_eq!(policy.roles["feet"], Role::Operator);
        assert_eq!((policy.name.as_str(), policy.roles_claim.as_str()), ("email", "groups"));
        assert_eq!(policy.second_factor.amr, ["mfa", "hwk"]);
        let short: String = SOUND
            .lines()
            .take(4)
            .chain(SOUND.lines().skip(5).take(1))
            .fold(String::new(), |text, line| text + line + "\n");
        let policy = read("id.yaml", &short).unwrap();
        assert_eq!(
            (policy.name.as_str(), policy.second_factor.amr.as_slice()),
            ("sub", &["mfa".to_owned()][..])
        );
    }

    #[test]
    fn faults_are_named_with_their_lines() {
        let text = "\
kind: IdentityProvider
issuer: http://id.example/
audience: wallet-control
keys: file:///keys
roles: { claim: groups, viewer: [eyes], admin: [eyes] }
second_factor: {}
skew: 10m
client_secret: x
";
        let found: Vec<(usize, String)> =
            read("id.yaml", text).unwrap_err().0.into_iter().map(|f| (f.line, f.message)).collect();
        let want = [
            (2, "`http://id.example/` must be an https:// address"),
            (4, "`file:///keys` must be an https:// address"),
            (5, "`eyes` has a role already"),
            (6, "names no way of proving a second factor"),
            (7, "must be a duration from 0ms to 2m, written as 250ms, 90s, 5m, 2h or 30d"),
            (8, "unknown key `client_secret`"),
        ];
        assert_eq!(found.len(), want.len(), "{found:?}");
        for ((line, message), (want_line, want)) in found.iter().zip(want) {
            assert_eq!(*line, want_line, "{message}");
            assert!(message.starts_with(want), "{message}");
        }
        let nobody =
            SOUND.replace("viewer: [eyes], operator: [hands, feet], approver: [heads]", "");
        let nobody = nobody.replace("groups, }", "groups }");
        assert!(read("id.yaml", &nobody).unwrap_err().to_string().contains("nobody could come in"));
    }
}
