//! The bodies that name several wallets or commands, read into what the ledger takes.

use super::{
    body::{
        Movement, Requested, read_amount, read_description, read_key, require_key, take_currency,
    },
    fields::Fields,
    params::read_uuid,
};
use crate::ledger::{
    command::{Actor, Command, Payment},
    posting::{LEGS_MAX, Posting, PostingLeg},
};
use protocol::wallet::{BatchMode, Code};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Most commands of one batch.
const COMMANDS_MAX: usize = 1_000;

/// `POST …/transactions`.
pub struct NewPosting {
    pub key: String,
    pub posting: Posting,
}

/// `POST …/batches`.
pub struct NewBatch {
    pub key: String,
    pub mode: BatchMode,
    pub items: Vec<Item>,
}

/// One command of a batch.
pub struct Item {
    operation: Operation,
    wallet_id: Uuid,
    payment: Payment,
}

#[derive(Clone, Copy)]
enum Operation {
    Deposit,
    Withdraw,
    Transfer { to: Uuid },
}

impl NewBatch {
    /// The commands as `actor`'s, each with a key of its own: the batch's and its place. No client
    /// can send such a key, since a header has no NUL.
    pub fn commands(self, actor: &Actor) -> Vec<Command> {
        let command = |(place, item): (usize, Item)| {
            let (key, actor) = (format!("{}\0{place}", self.key), actor.clone());
            let Item { operation, wallet_id, payment } = item;
            match operation {
                Operation::Deposit => Command::deposit(wallet_id, actor, &key, payment),
                Operation::Withdraw => Command::withdraw(wallet_id, actor, &key, payment),
                Operation::Transfer { to } => {
                    Command::transfer(wallet_id, to, actor, &key, payment)
                }
            }
        };
        let commands = self.items.into_iter().enumerate().map(command).collect();
        match self.mode {
            BatchMode::Atomic => Command::atomic(commands),
            BatchMode::Independent => commands,
        }
    }
}

impl Requested for NewPosting {
    /// A hundred legs of 100 bytes, spaces and the longest texts.
    const BYTES_MAX: usize = 64 * 1024;

    fn take(fields: &mut Fields<'_>, key: Option<String>) -> Option<Self> {
        let currency = take_currency(fields);
        let reference = fields.text("referenceId");
        let reference = fields.read((Code::InvalidRequest, "referenceId"), reference, read_key);
        let description = fields.text("description");
        let description =
            fields.read((Code::InvalidRequest, "description"), description, read_description);
        let legs = fields.list("legs", LEGS_MAX, |leg| {
            let wallet_id = wallet_id(leg, "walletId");
            let pays = choice(leg, "direction", &[("DEBIT", true), ("CREDIT", false)]);
            let digits = leg.digits("amount", Code::InvalidAmount);
            let amount = leg
                .read((Code::InvalidAmount, "amount"), digits, |text| read_amount(text, currency));
            let amount = leg.required(Code::InvalidAmount, "amount", amount);
            Some(PostingLeg { wallet_id: wallet_id?, pays: pays?, amount: amount? })
        });
        let legs = fields.required(Code::InvalidRequest, "legs", legs);
        if let Some(fault) = legs.as_deref().and_then(fault_of) {
            fields.blame(Code::InvalidTransfer, "legs", fault);
        }
        let key = require_key(fields, key.or_else(|| reference.clone()));
        let reference = reference.map(String::into_boxed_str);
        let posting = Posting { legs: legs?.into(), currency, reference, description };
        Some(Self { key: key?, posting })
    }
}

/// What is wrong with legs that are each right.
fn fault_of(legs: &[PostingLeg]) -> Option<&'static str> {
    let wallets: BTreeSet<Uuid> = legs.iter().map(|leg| leg.wallet_id).collect();
    let payers = legs.iter().filter(|leg| leg.pays).count();
    if wallets.len() < legs.len() {
        Some("must name each wallet once")
    } else if payers == 0 || payers == legs.len() {
        Some("must have at least one debit and one credit")
    } else {
        None
    }
}

impl Requested for NewBatch {
    /// A thousand commands of 300 bytes, or fewer with the longest texts.
    const BYTES_MAX: usize = 1024 * 1024;

    fn take(fields: &mut Fields<'_>, key: Option<String>) -> Option<Self> {
        let modes = [("atomic", BatchMode::Atomic), ("independent", BatchMode::Independent)];
        let mode = choice(fields, "mode", &modes);
        let items = fields.list("commands", COMMANDS_MAX, item);
        let items = fields.required(Code::InvalidRequest, "commands", items);
        let key = require_key(fields, key);
        Some(Self { key: key?, mode: mode?, items: items? })
    }
}

fn item(fields: &mut Fields<'_>) -> Option<Item> {
    const TO: &str = "destinationWalletId";
    #[derive(Clone, Copy, PartialEq)]
    enum What {
        Deposit,
        Withdraw,
        Transfer,
    }
    let all =
        [("deposit", What::Deposit), ("withdraw", What::Withdraw), ("transfer", What::Transfer)];
    let what = choice(fields, "operation", &all);
    let wallet_id = wallet_id(fields, "walletId");
    let to = (what == Some(What::Transfer)).then(|| self::wallet_id(fields, TO));
    // Its key is the batch's, so none is missing here.
    let movement = Movement::take(fields, Some(String::new()));
    let operation = match (what?, to) {
        (What::Deposit, _) => Operation::Deposit,
        (What::Withdraw, _) => Operation::Withdraw,
        (What::Transfer, to) => Operation::Transfer { to: to.flatten()? },
    };
    Some(Item { operation, wallet_id: wallet_id?, payment: movement?.payment })
}

fn wallet_id(fields: &mut Fields<'_>, name: &str) -> Option<Uuid> {
    let id = fields.text(name);
    let id = fields.read((Code::InvalidRequest, name), id, read_uuid);
    fields.required(Code::InvalidRequest, name, id)
}

/// Takes one of several words.
fn choice<T: Copy>(fields: &mut Fields<'_>, name: &str, all: &[(&str, T)]) -> Option<T> {
    let word = fields.text(name);
    let chosen = fields.read((Code::InvalidRequest, name), word, |word| {
        let chosen = all.iter().find(|(known, _)| *known == word).map(|(_, value)| *value);
        chosen.ok_or_else(|| {
            let known: Vec<&str> = all.iter().map(|(known, _)| *known).collect();
            format!("must be one of {}", known.join(", "))
        })
    });
    fields.required(Code::InvalidRequest, name, chosen)
}
