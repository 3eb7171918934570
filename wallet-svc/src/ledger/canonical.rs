//! The canonical form of a command, hashed: what its key stands for.
//!
//! The forms of what was ever recorded must not change: a key is compared with it for ever.

use super::command::{CommandKind, Payment};
use super::money::{Amount, Currency};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Hashes the canonical form: lengths before texts, so that no two bodies run together.
pub(super) fn request_hash(wallet_id: Uuid, kind: &CommandKind) -> u64 {
    let mut form = Form(Sha256::new());
    form.0.update(wallet_id.as_bytes());
    let (tag, other) = match kind {
        CommandKind::CreateWallet { user_id, currency } => {
            form.text(0, Some(user_id));
            form.text(0, Some(currency.code()));
            (0, None)
        }
        CommandKind::Deposit(payment) => form.payment(1, None, payment),
        CommandKind::Withdraw(payment) => form.payment(2, None, payment),
        CommandKind::Transfer { to, payment } => form.payment(3, Some(*to), payment),
        // Who gives the order is not part of it: a colleague may ask what became of it.
        CommandKind::Freeze(order) => form.reason(4, None, &order.reason),
        CommandKind::Unfreeze(order) => form.reason(5, None, &order.reason),
        CommandKind::Close(order) => form.reason(6, None, &order.reason),
        CommandKind::Authorize(hold) => {
            form.0.update(hold.lifetime_seconds.to_be_bytes());
            form.payment(8, hold.to, &hold.payment)
        }
        CommandKind::Capture(capture) => {
            // The receiver is the hold's, and was not said by the client.
            form.text(3, capture.description.as_deref());
            form.0.update([u8::from(capture.is_final), u8::from(capture.amount.is_some())]);
            if let Some(amount) = capture.amount {
                form.amount(amount);
            }
            (9, Some(capture.hold_id))
        }
        CommandKind::Void { hold_id, order } => form.reason(10, Some(*hold_id), &order.reason),
        CommandKind::Expire { hold_id } => (11, Some(*hold_id)),
        CommandKind::Limit(limiting) => {
            // The note is written from the limits and the reason.
            form.reason(13, None, &limiting.note)
        }
        CommandKind::Post(posting) => {
            form.text(1, posting.currency.map(Currency::code));
            form.text(2, posting.reference.as_deref());
            form.text(3, posting.description.as_deref());
            for leg in &posting.legs {
                form.0.update(leg.wallet_id.as_bytes());
                form.0.update([u8::from(leg.pays)]);
                form.amount(leg.amount);
            }
            (12, None)
        }
        CommandKind::Reverse(reversal) => {
            form.reason(7, Some(reversal.transaction_id), &reversal.order.reason)
        }
    };
    form.0.update([tag]);
    form.0.update(other.unwrap_or_default().as_bytes());
    u64::from_be_bytes(form.0.finalize()[..8].try_into().expect("a SHA-256 has 32 bytes"))
}

/// The form while it is being written.
struct Form(Sha256);

impl Form {
    fn text(&mut self, tag: u8, text: Option<&str>) {
        self.0.update([tag, u8::from(text.is_some())]);
        self.0.update(text.map_or(0, str::len).to_be_bytes());
        self.0.update(text.unwrap_or_default());
    }

    fn payment(&mut self, tag: u8, other: Option<Uuid>, payment: &Payment) -> (u8, Option<Uuid>) {
        self.text(1, payment.currency.map(Currency::code));
        self.text(2, payment.reference.as_deref());
        self.text(3, payment.description.as_deref());
        self.amount(payment.amount);
        (tag, other)
    }

    /// The value decides, not how it is written.
    fn amount(&mut self, amount: Amount) {
        let (digits, decimals) = amount.canonical();
        self.0.update(digits.to_be_bytes());
        self.0.update([decimals]);
    }

    fn reason(&mut self, tag: u8, other: Option<Uuid>, reason: &str) -> (u8, Option<Uuid>) {
        self.text(3, Some(reason));
        (tag, other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payment(amount: &str) -> Payment {
        let amount = Amount::parse(amount).expect("an amount");
        let (currency, reference) = (Some(Currency::Brl), Some("r".into()));
        Payment { amount, currency, reference, description: Some("d".into()) }
    }

    /// As the first version hashed them. They stand in the table `idem` of running systems.
    #[test]
    fn what_was_recorded_long_ago_is_still_recognised() {
        let (id, to) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let currency = Currency::Jpy;
        let kinds = [
            CommandKind::CreateWallet { user_id: "ana".into(), currency },
            CommandKind::Deposit(payment("10.50")),
            CommandKind::Withdraw(payment("10.5")),
            CommandKind::Transfer { to, payment: payment("1") },
        ];
        let hashes = kinds.map(|kind| request_hash(id, &kind));
        assert_eq!(hashes, OLD);
    }

    const OLD: [u64; 4] = [
        0x4e53_3b26_50a6_5371,
        0x5f8e_d565_d947_5c9b,
        0x887e_a12b_fd61_0d4f,
        0x53a2_92cf_93ae_df09,
    ];
}
