//! Every action that a runbook may name: what repeating it does, and what it needs.

use crate::{
    aws::{Change, Effect},
    hold::{Direction, HOLD_MAX},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, time::Duration};

/// Something a step can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// RDS FailoverDBCluster towards a named instance.
    FailoverDatabase,
    /// Keeps control from scaling the wallet in, until it expires.
    HoldScaling,
    /// Ends the hold that the same run took.
    ReleaseScaling,
}

/// What the file's author must know of an action.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    pub action: Action,
    pub name: &'static str,
    pub effect: Effect,
    /// Arguments, all of them required.
    pub with: &'static [&'static str],
}

/// The table of actions. A new one is a row here, a variant and an arm in [`Action::call`].
pub const ACTIONS: &[Spec] = &[
    Spec {
        action: Action::FailoverDatabase,
        name: "rds.failover_db_cluster",
        effect: Effect::Once,
        with: &["cluster", "target"],
    },
    Spec {
        action: Action::HoldScaling,
        name: "scaling.hold",
        effect: Effect::Convergent,
        with: &["direction", "expires"],
    },
    Spec {
        action: Action::ReleaseScaling,
        name: "scaling.release",
        effect: Effect::Convergent,
        with: &[],
    },
];

/// A rule that picks one of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The reader to promote: available, not lagging, lowest promotion tier.
    FailoverTarget,
}

/// The table of choices, by name.
pub const CHOICES: &[(&str, Choice)] = &[("aurora.failover_target", Choice::FailoverTarget)];

/// An action with everything resolved: what will be done, word for word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "on", rename_all = "snake_case")]
pub enum Call {
    /// A change asked of AWS.
    Cloud { change: Change },
    /// Holds scaling under this id; taking the same hold again moves its expiry.
    Hold { id: String, direction: Direction, expires_at: DateTime<Utc>, reason: String },
    /// Releases the hold with this id, if it still stands.
    Release { id: String },
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cloud { change } => write!(f, "{change}"),
            Self::Hold { direction, expires_at, .. } => {
                let until = expires_at.format("%H:%M:%S");
                write!(f, "hold scaling ({direction:?}) until {until} UTC")
            }
            Self::Release { .. } => f.write_str("release the hold on scaling"),
        }
    }
}

/// Who acts, for calls that leave a trace of it.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    pub run_id: &'a str,
    pub runbook: &'a str,
    pub now: DateTime<Utc>,
}

impl Action {
    /// Its row in the table.
    #[must_use]
    pub fn spec(self) -> &'static Spec {
        ACTIONS
            .iter()
            .find(|spec| spec.action == self)
            .expect("the table has a row for each action, which a test checks")
    }

    /// The call that it comes to.
    ///
    /// # Errors
    ///
    /// In words, when an argument is missing or cannot be used.
    pub fn call(
        self,
        with: &BTreeMap<String, String>,
        caller: &Caller<'_>,
    ) -> Result<Call, String> {
        let argument = |name: &str| {
            let value = with.get(name).filter(|value| !value.is_empty());
            value.ok_or_else(|| format!("`{name}` has no value"))
        };
        match self {
            Self::FailoverDatabase => {
                let (cluster, target) = (argument("cluster")?.clone(), argument("target")?.clone());
                Ok(Call::Cloud { change: Change::FailoverDatabase { cluster, target } })
            }
            Self::HoldScaling => {
                let direction = argument("direction")?;
                let direction = Direction::read(direction)
                    .ok_or_else(|| format!("`{direction}` is none of in, out, both"))?;
                let expires = argument("expires")?;
                let lasts = crate::document::parse_duration(expires)
                    .filter(|lasts| (Duration::from_secs(1)..=HOLD_MAX).contains(lasts))
                    .ok_or_else(|| format!("`{expires}` is not a duration from 1s to 4h"))?;
                Ok(Call::Hold {
                    id: hold_id(caller.run_id),
                    direction,
                    expires_at: caller.now + lasts,
                    reason: format!("runbook {}", caller.runbook),
                })
            }
            Self::ReleaseScaling => Ok(Call::Release { id: hold_id(caller.run_id) }),
        }
    }
}

/// The hold that a run takes. One a run, so that taking and releasing it are convergent.
#[must_use]
pub fn hold_id(run_id: &str) -> String {
    format!("run-{run_id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_a_row_and_aws_agrees_on_its_effect() {
        let caller = Caller { run_id: "r1", runbook: "book", now: DateTime::<Utc>::UNIX_EPOCH };
        for spec in ACTIONS {
            assert_eq!(spec.action.spec().name, spec.name);
            let value = |name: &str| match name {
                "direction" => "in".to_owned(),
                "expires" => "20m".to_owned(),
                other => other.to_owned(),
            };
            let with = spec.with.iter().map(|name| ((*name).to_owned(), value(name))).collect();
            let call = spec.action.call(&with, &caller).unwrap();
            if let Call::Cloud { change } = &call {
                assert_eq!(change.effect(), spec.effect, "{}", spec.name);
            }
            for missing in spec.with {
                let mut with: BTreeMap<_, _> = with.clone();
                with.remove(*missing);
                assert!(
                    spec.action.call(&with, &caller).is_err(),
                    "{} without {missing}",
                    spec.name
                );
            }
        }
    }
}
