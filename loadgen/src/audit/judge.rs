//! The rules of the audit, over plain rows fed in order. Pure.

use super::Verdict;
use crate::run::{Acknowledged, Writes};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Faults told in words; the counters go on.
pub const FAULTS_TOLD_MAX: usize = 20;

/// A wallet as its row says.
#[derive(Clone, Debug)]
pub struct WalletRow {
    pub id: Uuid,
    pub currency: String,
    pub available_minor: i64,
    pub held_minor: i64,
    pub version: u64,
    /// True for the service's own counter-wallets, which are not on the topic.
    pub settlement: bool,
}

/// One line of the ledger. Fed wallet by wallet, in the order of time.
#[derive(Clone, Copy, Debug)]
pub struct EntryRow {
    pub wallet: Uuid,
    pub at_us: i64,
    pub version: u64,
    pub amount_minor: i64,
    pub available_after_minor: i64,
    pub held_after_minor: i64,
    pub transaction: Uuid,
}

/// One record of the topic. Fed in the order of delivery within its partition.
#[derive(Clone, Copy, Debug)]
pub struct EventRow {
    pub wallet: Uuid,
    pub version: u64,
    pub available_after_minor: i64,
    pub held_after_minor: i64,
    pub transaction: Uuid,
}

/// Where a wallet's chain stands while its entries are read.
#[derive(Clone, Copy, Debug, Default)]
struct Chain {
    version: u64,
    at_us: i64,
    available_minor: i64,
    held_minor: i64,
    digest: u64,
    broken: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Stream {
    version: u64,
    digest: u64,
    broken: bool,
}

/// Collects rows and their faults.
#[derive(Debug)]
pub struct Judge<'a> {
    writes: Option<&'a Writes>,
    ours: BTreeSet<Uuid>,
    /// By transaction: what was acknowledged, and how many of its entries were found.
    acknowledged: BTreeMap<Uuid, (&'a Acknowledged, u32)>,
    wallets: BTreeMap<Uuid, WalletRow>,
    chains: BTreeMap<Uuid, Chain>,
    streams: BTreeMap<Uuid, Stream>,
    verdict: Verdict,
}

impl<'a> Judge<'a> {
    /// A judge of the whole ledger and, when given, of these writes.
    #[must_use]
    pub fn new(writes: Option<&'a Writes>) -> Self {
        let mut judge = Self {
            writes,
            ours: BTreeSet::new(),
            acknowledged: BTreeMap::new(),
            wallets: BTreeMap::new(),
            chains: BTreeMap::new(),
            streams: BTreeMap::new(),
            verdict: Verdict::default(),
        };
        let Some(writes) = writes else { return judge };
        judge.ours.extend(&writes.wallets);
        for write in &writes.acknowledged {
            let id = write.receipt.transaction_id;
            if judge.acknowledged.insert(id, (write, 0)).is_some() {
                judge.verdict.doubled += 1;
                judge.tell(format!("transaction {id} was acknowledged to two writes"));
            }
            if write.receipt.amount_minor != write.amount_minor {
                judge.tell(format!("transaction {id} was acknowledged with another amount"));
            }
        }
        for fault in &writes.unreadable {
            judge.tell(format!("an acknowledgement could not be read: {fault}"));
        }
        judge
    }

    /// Takes a wallet's row. All wallets come before the first entry.
    pub fn wallet(&mut self, row: WalletRow) {
        self.wallets.insert(row.id, row);
    }

    /// Takes the next entry.
    pub fn entry(&mut self, entry: &EntryRow) {
        self.verdict.entries += 1;
        let chain = self.chains.entry(entry.wallet).or_default();
        let delta = entry.available_after_minor.checked_sub(chain.available_minor);
        // What is held is still the wallet's: money moves when both together change.
        let all = |available: i64, held: i64| i128::from(available) + i128::from(held);
        let moved = all(entry.available_after_minor, entry.held_after_minor)
            - all(chain.available_minor, chain.held_minor);
        let first = chain.version == 0;
        let sound = entry.version == chain.version + 1
            && (first || entry.at_us > chain.at_us)
            && entry.held_after_minor >= 0
            && moved == i128::from(entry.amount_minor);
        let was_broken = chain.broken;
        chain.broken |= !sound;
        chain.version = entry.version;
        chain.at_us = entry.at_us;
        chain.available_minor = entry.available_after_minor;
        chain.held_minor = entry.held_after_minor;
        let after = (entry.available_after_minor, entry.held_after_minor);
        chain.digest ^= digest(entry.version, after, entry.transaction);
        if !sound && !was_broken {
            self.verdict.broken_wallets += 1;
            self.tell(format!(
                "wallet {}: entry {} does not follow the one before it",
                entry.wallet, entry.version
            ));
        }
        // Version 1 is the wallet's own creation, which moves nothing.
        if self.ours.contains(&entry.wallet) && entry.version > 1 {
            // A broken link says nothing about the size of this step; it has been told already.
            self.match_write(entry, delta.filter(|_| sound));
        }
    }

    fn match_write(&mut self, entry: &EntryRow, delta: Option<i64>) {
        let Some((write, found)) = self.acknowledged.get_mut(&entry.transaction) else {
            self.verdict.doubled += 1;
            self.tell(format!(
                "wallet {}: entry {} of transaction {} was never acknowledged",
                entry.wallet, entry.version, entry.transaction
            ));
            return;
        };
        *found += 1;
        let write = *write;
        let (at_source, at_destination) =
            (entry.wallet == write.wallet, Some(entry.wallet) == write.destination);
        let into = match write.operation {
            crate::mix::Operation::Transfer => at_destination,
            operation => operation == crate::mix::Operation::Deposit,
        };
        let receipt = &write.receipt;
        let cost = write.amount_minor + receipt.fee_minor;
        let want = if into { write.amount_minor } else { -cost };
        let as_told = !at_source
            || (entry.version == receipt.version
                && entry.available_after_minor == receipt.new_balance_minor);
        if !(at_source || at_destination) || delta.is_some_and(|delta| delta != want) || !as_told {
            self.verdict.lost += 1;
            self.tell(format!(
                "transaction {}: wallet {} holds {delta:?} at version {}, \
                 acknowledged was {write:?}",
                entry.transaction, entry.wallet, entry.version
            ));
        }
    }

    /// All entries were read: compares them with the wallets' rows and the acknowledged writes.
    pub fn close_ledger(&mut self) {
        self.verdict.ledger_audited = true;
        self.verdict.wallets = self.wallets.len() as u64;
        let mut faults = Vec::new();
        let mut sums: BTreeMap<String, i128> = BTreeMap::new();
        for wallet in self.wallets.values() {
            let sum = sums.entry(wallet.currency.clone()).or_default();
            *sum += i128::from(wallet.available_minor) + i128::from(wallet.held_minor);
            let chain = self.chains.get(&wallet.id).copied().unwrap_or_default();
            let agrees = chain.version == wallet.version
                && chain.available_minor == wallet.available_minor
                && chain.held_minor == wallet.held_minor;
            if !agrees && !chain.broken {
                self.verdict.broken_wallets += 1;
                faults.push(format!(
                    "wallet {}: the row says {} and {} held at version {}, \
                     the entries say {} and {} held at version {}",
                    wallet.id,
                    wallet.available_minor,
                    wallet.held_minor,
                    wallet.version,
                    chain.available_minor,
                    chain.held_minor,
                    chain.version
                ));
            }
        }
        self.verdict.unbalanced_minor = sums.into_iter().filter(|(_, sum)| *sum != 0).collect();
        for id in self.chains.keys().filter(|id| !self.wallets.contains_key(*id)) {
            self.verdict.broken_wallets += 1;
            faults.push(format!("wallet {id} has entries and no row"));
        }
        for (id, (write, found)) in &self.acknowledged {
            let want = if write.destination.is_some() { 2 } else { 1 };
            if *found < want {
                self.verdict.lost += 1;
                faults.push(format!("transaction {id}: {found} of {want} entries: {write:?}"));
            } else if *found > want {
                self.verdict.doubled += 1;
                faults.push(format!("transaction {id}: {found} entries instead of {want}"));
            }
        }
        faults.into_iter().for_each(|fault| self.tell(fault));
    }

    /// Takes the next event.
    pub fn event(&mut self, event: &EventRow) {
        self.verdict.events += 1;
        let stream = self.streams.entry(event.wallet).or_default();
        if event.version <= stream.version {
            self.verdict.events_redelivered += 1;
            return;
        }
        if event.version > stream.version + 1 && !stream.broken {
            stream.broken = true;
            let (wallet, after, version) = (event.wallet, stream.version, event.version);
            self.verdict.broken_streams += 1;
            self.tell(format!("wallet {wallet}: event {version} came after {after}"));
        }
        let Some(stream) = self.streams.get_mut(&event.wallet) else { return };
        stream.version = event.version;
        // The ledger was read at one instant; what came later has nothing to be compared with.
        if self.chains.get(&event.wallet).is_some_and(|chain| event.version <= chain.version) {
            let after = (event.available_after_minor, event.held_after_minor);
            stream.digest ^= digest(event.version, after, event.transaction);
        }
    }

    /// Wallets whose last ledger entry has not been seen on the topic yet.
    #[must_use]
    pub fn streams_behind(&self) -> usize {
        let behind = |(id, chain): &(&Uuid, &Chain)| {
            self.published(id) && self.streams.get(*id).is_none_or(|s| s.version < chain.version)
        };
        self.chains.iter().filter(behind).count()
    }

    /// All events were read: compares them with the entries.
    pub fn close_topic(&mut self) {
        self.verdict.topic_audited = true;
        let mut faults = Vec::new();
        for (id, chain) in self.chains.iter().filter(|(id, _)| self.published(id)) {
            let stream = self.streams.get(id).copied().unwrap_or_default();
            if stream.broken {
                continue;
            }
            if stream.version < chain.version {
                faults.push(format!(
                    "wallet {id}: {} entries in the ledger, {} on the topic",
                    chain.version, stream.version
                ));
            } else if stream.digest != chain.digest {
                faults.push(format!("wallet {id}: the topic tells another story than the ledger"));
            }
        }
        self.verdict.broken_streams += faults.len() as u64;
        faults.into_iter().for_each(|fault| self.tell(fault));
    }

    /// What was found so far.
    #[must_use]
    pub fn verdict(mut self) -> Verdict {
        if let Some(writes) = self.writes
            && !writes.unsettled.is_empty()
        {
            self.tell(format!("{} writes were never settled", writes.unsettled.len()));
        }
        self.verdict
    }

    fn published(&self, id: &Uuid) -> bool {
        self.wallets.get(id).is_some_and(|wallet| !wallet.settlement)
    }

    fn tell(&mut self, fault: String) {
        if self.verdict.faults.len() < FAULTS_TOLD_MAX {
            self.verdict.faults.push(fault);
        }
    }
}

/// Mixes one entry into 64 bits (FNV-1a), so that two histories can be compared by one number.
fn digest(version: u64, (available, held): (i64, i64), transaction: Uuid) -> u64 {
    let bytes = version.to_le_bytes().into_iter().chain(available.to_le_bytes());
    bytes
        .chain(held.to_le_bytes())
        .chain(transaction.into_bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
}

#[cfg(test)]
mod tests;
