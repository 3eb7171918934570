//! A wallet's life: opened, frozen and unfrozen, closed for good.
//!
//! A frozen wallet pays nothing and receives nothing. Each change is an entry without an amount, so
//! that it has a version, an instant and an event like every other.

use super::batch::{Halt, Leg, Sitting};
use super::command::{Done, Order, Outcome, Refusal, Transaction};
use super::locked::Change;
use super::money::Currency;
use super::movement::may_move;
use super::wallet::{Kind, Status, Wallet};
use protocol::wallet::EntryKind;
use uuid::Uuid;

impl<'a> Sitting<'a, '_> {
    /// The wallet's own primary key is what makes this happen once.
    pub(super) fn open(&mut self, wallet_id: Uuid, user_id: &str, currency: Currency) -> Outcome {
        let place = self.locked.place(wallet_id).expect("every command's wallets have a slot");
        if let Some(wallet) = &self.locked.slots[place].wallet {
            if *wallet.user_id != *user_id || wallet.currency != currency {
                return Outcome { result: Err(Refusal::KeyReused), replayed: false };
            }
            let as_opened = Wallet {
                version: 1,
                last_at_us: wallet.created_us,
                ..Wallet::unopened(wallet_id, user_id, currency, Kind::Customer, wallet.created_us)
            };
            return Outcome { result: Ok(Done::Wallet(as_opened)), replayed: true };
        }
        let wallet = Wallet::unopened(wallet_id, user_id, currency, Kind::Customer, self.now_us);
        self.locked.slots[place].wallet = Some(wallet);
        self.locked.slots[place].change = Change::Opened;
        let txn_id = self.ids.next(self.now_us);
        self.post(place, Leg::new(EntryKind::WalletCreated, 0, txn_id, self.now_us));
        let wallet = self.locked.slots[place].wallet.clone().expect("opened just now");
        Outcome { result: Ok(Done::Wallet(wallet)), replayed: false }
    }

    pub(super) fn freeze(&mut self, place: usize, order: &'a Order) -> Result<Transaction, Halt> {
        may_move(self.wallet(place))?;
        Ok(self.turn(place, Status::Frozen, EntryKind::WalletFrozen, order))
    }

    pub(super) fn unfreeze(&mut self, place: usize, order: &'a Order) -> Result<Transaction, Halt> {
        match self.wallet(place).status {
            Status::Frozen => {
                Ok(self.turn(place, Status::Active, EntryKind::WalletUnfrozen, order))
            }
            Status::Closed => Err(Refusal::WalletClosed.into()),
            Status::Active => Err(Refusal::WalletNotFrozen.into()),
        }
    }

    pub(super) fn close(&mut self, place: usize, order: &'a Order) -> Result<Transaction, Halt> {
        let wallet = self.wallet(place);
        may_move(wallet)?;
        if wallet.available != 0 || wallet.held != 0 {
            return Err(Refusal::WalletNotEmpty.into());
        }
        Ok(self.turn(place, Status::Closed, EntryKind::WalletClosed, order))
    }

    fn turn(
        &mut self,
        place: usize,
        status: Status,
        kind: EntryKind,
        order: &'a Order,
    ) -> Transaction {
        let slot = &mut self.locked.slots[place];
        slot.wallet.as_mut().expect("the caller has seen it").status = status;
        let at_us = self.wallet(place).next_at_us(self.now_us);
        let leg = Leg::new(kind, 0, self.ids.next(at_us), at_us);
        let (description, actor) = (Some(&*order.reason), order.by.as_deref());
        self.post(place, Leg { description, actor, ..leg })
    }
}
