//! Reads of the past: balance at an instant, statements, transactions, a user's wallets.
//!
//! Each is one or two range reads of a key, without sorting, counting or skipping.

use super::pool::{PoolError, Rows};
use super::row;
use super::sql::Sql;
use super::{BalanceAt, HistoryEntry, Ledger, Leg, Mode, ReadError, Statement, Wallets};
use crate::ledger::id;
use crate::ledger::wallet::{Kind, Wallet};
use sqlx::mysql::MySqlRow;
use uuid::Uuid;

/// An entry gets its instant before it is committed; after this long it is there or never will be.
const SETTLED_AFTER_US: i64 = 1_000_000;

/// How far back the entry before an instant is looked for at first, so that a read touches the one
/// or two partitions where it almost always is, and not all.
const NEAR_US: i64 = 32 * 86_400 * 1_000_000;

/// How many columns [`ENTRY`] has.
const ENTRY_COLUMNS: usize = 14;

/// More than any transaction has, settlement included.
const LEGS_MAX: i64 = 256;

const ENTRY: &str = "txn_id,wallet_id,kind,amount,available_after,held_after,version,at_us,\
    counterparty,description,actor,about,held_change,fee";

impl Ledger {
    /// The balance right after the last entry at or before `at_us`, in microseconds since 1970.
    /// `None` when there is no such wallet.
    ///
    /// # Errors
    ///
    /// When the database cannot be asked.
    pub async fn balance_at(&self, id: Uuid, at_us: i64) -> Result<Option<BalanceAt>, ReadError> {
        let mut sql = Sql::default();
        write_balance_at(&mut sql, id, at_us);
        let rows = self.rows("a balance of the past", &sql).await?;
        let Some((wallet, now_us)) = wallet_and_clock(&rows)? else {
            return Ok(None);
        };
        let is_final = at_us < now_us.saturating_sub(SETTLED_AFTER_US);
        if at_us >= wallet.last_at_us {
            let (available, held, version) = (wallet.available, wallet.held, wallet.version);
            return Ok(Some(BalanceAt { wallet, available, held, version, is_final }));
        }
        if at_us < wallet.created_us {
            return Ok(Some(BalanceAt { wallet, available: 0, held: 0, version: 0, is_final }));
        }
        let mut entry = entries(&rows, 2)?.pop();
        if entry.is_none() {
            write_older(&mut sql, id, at_us);
            entry = entries(&self.rows("a balance of the past", &sql).await?, 0)?.pop();
        }
        let found = entry.map(|e| (e.available_after, e.held_after, e.version));
        let (available, held, version) = found.unwrap_or_default();
        Ok(Some(BalanceAt { wallet, available, held, version, is_final }))
    }

    /// The `limit` newest entries older than `before`; `None` when there is no such wallet.
    ///
    /// # Errors
    ///
    /// When the database cannot be asked.
    pub async fn statement(
        &self,
        id: Uuid,
        before: Option<i64>,
        limit: u16,
    ) -> Result<Option<Statement>, ReadError> {
        let mut sql = Sql::default();
        write_statement(&mut sql, id, before.unwrap_or(i64::MAX), limit);
        let rows = self.rows("a statement", &sql).await?;
        let Some((wallet, _)) = wallet_and_clock(&rows)? else {
            return Ok(None);
        };
        let mut entries = entries(&rows, 2)?;
        let more = entries.len() > usize::from(limit);
        entries.truncate(usize::from(limit));
        let next = entries.last().filter(|_| more).map(|entry| entry.at_us);
        Ok(Some(Statement { wallet, entries, next }))
    }

    /// The first `limit` wallets of `user_id` after `after`, ascending by id.
    ///
    /// # Errors
    ///
    /// When the database cannot be asked.
    pub async fn wallets_of_user(
        &self,
        user_id: &str,
        after: Option<Uuid>,
        limit: u16,
    ) -> Result<Wallets, ReadError> {
        let mut sql = Sql::default();
        write_wallets_of(&mut sql, user_id, after.unwrap_or(Uuid::nil()), limit);
        let rows = self.rows("a user's wallets", &sql).await?;
        let mut wallets = Vec::with_capacity(rows.len());
        for (_, row) in &rows {
            wallets.push(row::wallet(row).map_err(|e| unreadable("a user's wallets", e))?);
        }
        wallets.retain(|wallet| wallet.kind == Kind::Customer);
        let more = wallets.len() > usize::from(limit);
        wallets.truncate(usize::from(limit));
        let next = wallets.last().filter(|_| more).map(|wallet| wallet.id);
        Ok(Wallets { wallets, next })
    }

    /// Both sides of a transfer, the paying one first, or the one side of a deposit or withdrawal;
    /// empty when there is no such transaction.
    ///
    /// # Errors
    ///
    /// When the database cannot be asked.
    pub async fn transaction(&self, id: Uuid) -> Result<Vec<Leg>, ReadError> {
        let Some((first_us, last_us)) = id::instants_of(id) else {
            return Ok(Vec::new());
        };
        let mut sql = Sql::default();
        write_transaction(&mut sql, id, first_us, last_us);
        let rows = self.rows("a transaction", &sql).await?;
        let mut legs = Vec::with_capacity(2);
        for (_, row) in &rows {
            let leg = leg(row).map_err(|e| unreadable("a transaction", e))?;
            if leg.wallet.kind == Kind::Customer {
                legs.push(leg);
            }
        }
        // Who pays before who receives, and always in the same order.
        legs.sort_by_key(|leg| (leg.entry.kind, leg.wallet.id));
        Ok(legs)
    }

    /// Asks the writer, or while it cannot be asked a replica: the past is the same there.
    pub(super) async fn rows(&self, what: &'static str, sql: &Sql) -> Result<Rows, ReadError> {
        let failed = |error| ReadError::from_pool(what, error);
        let replica = match (&self.replica_pool, self.shared.mode()) {
            (Some(replica), Mode::Unreachable) => {
                return replica.rows(sql, 0).await.map_err(failed);
            }
            (replica, _) => replica,
        };
        match (self.writer_pool.rows(sql, self.shared.writer_epoch()).await, replica) {
            (Err(PoolError::Database(_)), Some(replica)) => {
                replica.rows(sql, 0).await.map_err(failed)
            }
            (answer, _) => answer.map_err(failed),
        }
    }
}

/// The wallet, the clock, and the entry before `at_us` if it is near.
pub(super) fn write_balance_at(sql: &mut Sql, id: Uuid, at_us: i64) {
    write_wallet_and_clock(sql, id);
    write_entries_of(sql, id);
    sql.put(" AND at_us<=").int(at_us).put(" AND at_us>").int(at_us.saturating_sub(NEAR_US));
    sql.put(" ORDER BY at_us DESC LIMIT 1");
}

/// The entry before `at_us`, however old.
pub(super) fn write_older(sql: &mut Sql, id: Uuid, at_us: i64) {
    sql.clear();
    write_entries_of(sql, id);
    sql.put(" AND at_us<=").int(at_us).put(" ORDER BY at_us DESC LIMIT 1");
}

/// The wallet, the clock, and one entry more than asked for, to know whether there are more.
pub(super) fn write_statement(sql: &mut Sql, id: Uuid, before: i64, limit: u16) {
    write_wallet_and_clock(sql, id);
    write_entries_of(sql, id);
    sql.put(" AND at_us<").int(before).put(" ORDER BY at_us DESC LIMIT ");
    sql.int(i64::from(limit) + 1);
}

pub(super) fn write_wallets_of(sql: &mut Sql, user_id: &str, after: Uuid, limit: u16) {
    sql.clear().put("SELECT ").put(row::WALLET);
    sql.put(" FROM wallet FORCE INDEX(wallet_user) WHERE user_id=").hex(user_id.as_bytes());
    sql.put(" AND wallet_id>").hex(after.as_bytes()).put(" ORDER BY wallet_id LIMIT ");
    sql.int(i64::from(limit) + 1);
}

/// Limited by the instants that the id allows, so that one partition is read.
pub(super) fn write_transaction(sql: &mut Sql, id: Uuid, first_us: i64, last_us: i64) {
    sql.clear().put("SELECT ").put("w.wallet_id,w.user_id,w.currency,w.kind,w.status,w.available,");
    sql.put("w.held,w.floor,w.version,w.last_at_us,w.last_hash,w.created_us,w.day_no,w.day_out,");
    sql.put("w.minute_no,w.minute_count,w.day_out_max,w.minute_count_max,");
    sql.put("e.txn_id,e.wallet_id,e.kind,e.amount,e.available_after,e.held_after,e.version,");
    sql.put(
        "e.at_us,e.counterparty,e.description,e.actor,e.about,e.held_change,e.fee,r.reversal_id ",
    );
    sql.put("FROM entry e FORCE INDEX(entry_txn) ");
    sql.put("STRAIGHT_JOIN wallet w ON w.wallet_id=e.wallet_id ");
    sql.put("LEFT JOIN reversal r ON r.txn_id=e.txn_id WHERE e.txn_id=");
    sql.hex(id.as_bytes()).put(" AND e.at_us BETWEEN ").int(first_us);
    sql.put(" AND ").int(last_us).put(" LIMIT ").int(LEGS_MAX);
}

pub(super) fn write_wallet_and_clock(sql: &mut Sql, id: Uuid) {
    sql.clear().put("SELECT CAST(UNIX_TIMESTAMP(NOW(6))*1000000 AS SIGNED);SELECT ");
    sql.put(row::WALLET).put(" FROM wallet WHERE wallet_id=").hex(id.as_bytes()).put(";");
}

fn write_entries_of(sql: &mut Sql, id: Uuid) {
    sql.put("SELECT ").put(ENTRY).put(" FROM entry FORCE INDEX(PRIMARY) WHERE wallet_id=");
    sql.hex(id.as_bytes());
}

pub(super) fn wallet_and_clock(rows: &Rows) -> Result<Option<(Wallet, i64)>, ReadError> {
    let (mut found, mut now_us) = (None, 0);
    for (statement, row) in rows {
        match statement {
            0 => now_us = row::int(row, 0).map_err(|e| unreadable("the clock", e))?,
            1 => found = Some(row::wallet(row).map_err(|e| unreadable("a wallet", e))?),
            _ => {}
        }
    }
    let customer = found.filter(|wallet| wallet.kind == Kind::Customer);
    Ok(customer.map(|wallet| (wallet, now_us)))
}

fn entries(rows: &Rows, statement: usize) -> Result<Vec<HistoryEntry>, ReadError> {
    rows.iter()
        .filter(|(of, _)| *of == statement)
        .map(|(_, row)| entry(row, 0).map_err(|e| unreadable("an entry", e)))
        .collect()
}

/// Reads a row of the columns [`ENTRY`], which begin at column `at`.
fn entry(row: &MySqlRow, at: usize) -> Result<HistoryEntry, sqlx::Error> {
    let text = |bytes: Option<&[u8]>| bytes.map(|b| String::from_utf8_lossy(b).into_owned());
    Ok(HistoryEntry {
        txn_id: row::uuid(row, at)?,
        wallet_id: row::uuid(row, at + 1)?,
        kind: row::entry_kind(row, at + 2)?,
        amount: row::int(row, at + 3)?,
        available_after: row::int(row, at + 4)?,
        held_after: row::int(row, at + 5)?,
        version: row::count(row, at + 6)?,
        at_us: row::int(row, at + 7)?,
        counterparty: row::uuid_or_null(row, at + 8)?,
        description: text(row::bytes_or_null(row, at + 9)?),
        actor: text(row::bytes_or_null(row, at + 10)?),
        about: row::uuid_or_null(row, at + 11)?,
        held_change: row::int_or_zero(row, at + 12)?,
        fee: row::int_or_zero(row, at + 13)?,
    })
}

fn leg(row: &MySqlRow) -> Result<Leg, sqlx::Error> {
    let (wallet, entry) = (row::wallet(row)?, entry(row, row::WALLET_COLUMNS)?);
    let reversed_by = row::uuid_or_null(row, row::WALLET_COLUMNS + ENTRY_COLUMNS)?;
    Ok(Leg { wallet, entry, reversed_by })
}

pub(super) fn unreadable(what: &'static str, error: sqlx::Error) -> ReadError {
    ReadError::from_pool(what, PoolError::Database(error))
}
