//! Holds the ledger and the topic to what the clients were told.
//!
//! `judge` decides from plain rows and is pure; `tables` reads them from the database in one
//! consistent snapshot, `topic` from the brokers. No rule here is taken from the ledger's own code.

pub mod judge;
pub mod tables;
pub mod topic;

use crate::{config::AuditTarget, run::Writes};
use judge::Judge;
use serde::Serialize;
use std::{fmt, time::Duration};

/// What the audit found. Every counter of a fault must be 0.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Verdict {
    /// False when no database was given: then nothing below was looked at.
    pub ledger_audited: bool,
    /// False when no brokers were given.
    pub topic_audited: bool,
    pub wallets: u64,
    pub entries: u64,
    pub events: u64,
    /// Events seen again: allowed, delivery is at least once.
    pub events_redelivered: u64,
    /// Acknowledged writes that the ledger does not hold as acknowledged.
    pub lost: u64,
    /// Writes that the ledger holds twice, or holds though no client was told.
    pub doubled: u64,
    /// Wallets whose entries are not 1..n, or do not add up to the balance.
    pub broken_wallets: u64,
    /// Sum of all wallets in minor units, by currency, where it is not zero.
    pub unbalanced_minor: Vec<(String, i128)>,
    /// Wallets with a hole, a wrong order or a wrong content on the topic.
    pub broken_streams: u64,
    /// The first faults in words, at most [`judge::FAULTS_TOLD_MAX`].
    pub faults: Vec<String>,
}

impl Verdict {
    /// True when no fault was found in what was audited.
    #[must_use]
    pub fn clean(&self) -> bool {
        self.lost + self.doubled + self.broken_wallets + self.broken_streams == 0
            && self.unbalanced_minor.is_empty()
            && self.faults.is_empty()
    }
}

/// Audits `target`; with `writes`, also that each of them is there once and nothing else is.
///
/// # Errors
///
/// The database or the brokers could not be read: then there is no verdict.
pub async fn audit(target: &AuditTarget, writes: Option<&Writes>) -> anyhow::Result<Verdict> {
    let mut judge = Judge::new(writes);
    let Some(url) = &target.audit_db else {
        return Ok(judge.verdict());
    };
    tables::read(url, target.audit_db_password.as_deref(), &mut judge).await?;
    judge.close_ledger();
    if let Some(brokers) = &target.audit_kafka {
        let within = Duration::from_secs(target.audit_topic_seconds);
        topic::read(brokers, &target.audit_topic, within, &mut judge).await?;
        judge.close_topic();
    }
    Ok(judge.verdict())
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.ledger_audited {
            return writeln!(f, "audit      not done: no database was given");
        }
        let verdict = if self.clean() { "CLEAN" } else { "FAULTS" };
        writeln!(
            f,
            "audit      {verdict}: {} wallets, {} entries, acknowledged lost {}, doubled {}, \
             broken wallets {}",
            self.wallets, self.entries, self.lost, self.doubled, self.broken_wallets
        )?;
        if self.unbalanced_minor.is_empty() {
            writeln!(f, "           all wallets sum to zero")?;
        }
        for (currency, sum) in &self.unbalanced_minor {
            writeln!(f, "           all {currency} wallets sum to {sum} minor units, not to zero")?;
        }
        if self.topic_audited {
            writeln!(
                f,
                "           {} events gap-free and in order for all but {} wallets, {} redelivered",
                self.events, self.broken_streams, self.events_redelivered
            )?;
        } else {
            writeln!(f, "           topic not audited: no brokers were given")?;
        }
        for fault in &self.faults {
            writeln!(f, "  fault    {fault}")?;
        }
        Ok(())
    }
}
