//! One line of one wallet's history, chained to the line before.

use super::money::Currency;
use protocol::wallet::EntryKind;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// What happened to one wallet: event and posting in one. Amounts are minor units of `currency`,
/// `at_us` is microseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    pub wallet_id: Uuid,
    pub at_us: i64,
    /// 1, 2, 3, … for each wallet.
    pub version: u64,
    pub kind: EntryKind,
    pub currency: Currency,
    /// Negative when money left the wallet.
    pub amount: i64,
    pub available_after: i64,
    pub held_after: i64,
    /// Positive when money was reserved. Follows from `held_after` of the entry before.
    pub held_change: i64,
    /// The same on both sides of a transfer.
    pub txn_id: Uuid,
    /// The other wallet of a transfer.
    pub counterparty: Option<Uuid>,
    pub description: Option<&'a str>,
    /// Of `amount`, what went to us; negative when it was given back.
    pub fee: i64,
    /// Who acted, when it was not the wallet's user.
    pub actor: Option<&'a str>,
    /// Of a reversal: the transaction that it reverses. Of a hold's entry: the hold.
    pub about: Option<Uuid>,
    /// Of this entry and, through `previous`, of all before.
    pub hash: [u8; 32],
}

impl Entry<'_> {
    /// The link of the chain: SHA-256 over the previous link and every field of this entry. What
    /// follows the description begins with bytes that no UTF-8 text has, and is left out when there
    /// is none, so that older entries keep their link.
    #[must_use]
    pub fn link(&self, previous: &[u8; 32]) -> [u8; 32] {
        let mut bytes = [0u8; 150];
        let mut at = 0;
        let mut put = |part: &[u8]| {
            bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        };
        put(previous);
        put(self.wallet_id.as_bytes());
        put(&self.at_us.to_be_bytes());
        put(&self.version.to_be_bytes());
        put(&[kind_number(self.kind)]);
        put(self.currency.code().as_bytes());
        put(&self.amount.to_be_bytes());
        put(&self.available_after.to_be_bytes());
        put(&self.held_after.to_be_bytes());
        put(self.txn_id.as_bytes());
        put(self.counterparty.unwrap_or_default().as_bytes());
        let mut sha = Sha256::new();
        sha.update(&bytes[..at]);
        sha.update(self.description.unwrap_or_default());
        if self.fee != 0 {
            sha.update([0xfd]);
            sha.update(self.fee.to_be_bytes());
        }
        if let Some(about) = self.about {
            sha.update([0xfe]);
            sha.update(about.as_bytes());
        }
        if let Some(actor) = self.actor {
            sha.update([0xff]);
            sha.update(actor);
        }
        sha.finalize().into()
    }
}

/// What `entry.kind` says. Never renumber.
#[must_use]
pub fn kind_number(kind: EntryKind) -> u8 {
    match kind {
        EntryKind::WalletCreated => 0,
        EntryKind::Deposit => 1,
        EntryKind::Withdrawal => 2,
        EntryKind::TransferOut => 3,
        EntryKind::TransferIn => 4,
        EntryKind::Settlement => 5,
        EntryKind::WalletFrozen => 6,
        EntryKind::WalletUnfrozen => 7,
        EntryKind::WalletClosed => 8,
        EntryKind::ReversalOut => 9,
        EntryKind::ReversalIn => 10,
        EntryKind::HoldAuthorized => 11,
        EntryKind::HoldCaptured => 12,
        EntryKind::HoldReceived => 13,
        EntryKind::HoldVoided => 14,
        EntryKind::HoldExpired => 15,
        EntryKind::LimitsChanged => 16,
        EntryKind::Revenue => 17,
    }
}

/// The kind with this number.
#[must_use]
pub fn kind_from_number(number: u8) -> Option<EntryKind> {
    EntryKind::ALL.into_iter().find(|kind| kind_number(*kind) == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_number() {
        for (kind, number) in EntryKind::ALL.into_iter().zip(0..) {
            assert_eq!((kind_number(kind), kind_from_number(number)), (number, Some(kind)));
        }
        assert_eq!(kind_from_number(255), None);
    }
}
