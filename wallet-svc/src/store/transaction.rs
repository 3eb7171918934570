//! The two round trips of a batch: lock and read, then write and commit.
//!
//! Every wallet row of the batch is locked by one ascending read of the primary key, before
//! anything is inserted. That order is the same for all batches everywhere, so none can deadlock.

use super::connection::Connection;
use super::row;
use super::sql::Sql;
use crate::ledger::batch::{Decision, KeyRow, ReversalRow};
use crate::ledger::command::{Command, Refusal, Transaction, amount_of};
use crate::ledger::entry::{Entry, kind_number};
use crate::ledger::locked::{Locked, Recorded};
use crate::ledger::wallet::Wallet;
use sqlx::mysql::MySqlRow;
use uuid::Uuid;

/// Most values in one IN list: beyond 200 MySQL stops looking at each, and from 1,000 on MariaDB
/// makes a table of them.
const LIST_MAX: usize = 200;

/// Begins a transaction, locks the wallets `ids` (ascending), and reads them, the clock and what
/// the commands' keys stand for. The clock is read after the lock, so that a long wait for it does
/// not date entries back.
pub(super) async fn lock(
    connection: &mut Connection,
    sql: &mut Sql,
    ids: &[Uuid],
    commands: &[&Command],
) -> Result<(Locked, i64), sqlx::Error> {
    let reads = write_lock(sql, ids, commands);
    let mut found = Found::new(ids);
    connection.run(sql, |statement, row| found.put(reads.get(statement), &row)).await?;
    Ok((found.locked, found.now_us))
}

/// What the first round trip has read so far.
pub(super) struct Found {
    pub(super) locked: Locked,
    pub(super) now_us: i64,
}

impl Found {
    pub(super) fn new(ids: &[Uuid]) -> Self {
        Self { locked: Locked::new(ids), now_us: 0 }
    }

    pub(super) fn put(&mut self, read: Option<&Read>, row: &MySqlRow) -> Result<(), sqlx::Error> {
        match read {
            Some(Read::Wallet) => self.locked.put_wallet(row::wallet(row)?),
            Some(Read::Clock) => self.now_us = row::int(row, 0)?,
            Some(Read::Key) => {
                let (wallet_id, key, recorded) = recorded(row)?;
                self.locked.put_recorded(wallet_id, key, recorded);
            }
            Some(Read::Reversal) => {
                self.locked.put_reversal(row::uuid(row, 0)?, row::uuid(row, 1)?);
            }
            Some(Read::Hold) => self.locked.put_hold(row::hold(row)?),
            Some(Read::Nothing) | None => {}
        }
        Ok(())
    }
}

/// What a statement reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    Nothing,
    Wallet,
    Clock,
    Key,
    Reversal,
    Hold,
}

/// Writes the first round trip, and says what each of its statements reads.
pub(super) fn write_lock(sql: &mut Sql, ids: &[Uuid], commands: &[&Command]) -> Vec<Read> {
    sql.clear().put("START TRANSACTION;");
    let mut reads = vec![Read::Nothing];
    write_reads(sql, &mut reads, (ids, " FOR UPDATE"), commands);
    reads
}

/// Writes the reads of a batch that is decided and not written, so that nothing is locked.
pub(super) fn write_preview(sql: &mut Sql, ids: &[Uuid], commands: &[&Command]) -> Vec<Read> {
    sql.clear();
    let mut reads = Vec::new();
    write_reads(sql, &mut reads, (ids, ""), commands);
    reads
}

/// The wallets, ascending through all lists, then the clock, then what the wallets' locks guard.
fn write_reads(
    sql: &mut Sql,
    reads: &mut Vec<Read>,
    (ids, lock): (&[Uuid], &'static str),
    commands: &[&Command],
) {
    for ids in ids.chunks(LIST_MAX) {
        sql.put("SELECT ").put(row::WALLET);
        sql.put(" FROM wallet FORCE INDEX(PRIMARY) WHERE wallet_id IN (");
        sql.list(ids, |sql, id| {
            sql.hex(id.as_bytes());
        });
        sql.put(") ORDER BY wallet_id").put(lock).put(";");
        reads.push(Read::Wallet);
    }
    sql.put("SELECT CAST(UNIX_TIMESTAMP(NOW(6))*1000000 AS SIGNED)");
    reads.push(Read::Clock);
    for commands in commands.chunks(LIST_MAX) {
        let mut keyed = commands.iter().filter(|command| command.is_keyed()).peekable();
        if keyed.peek().is_some() {
            sql.put(
                ";SELECT i.wallet_id,i.idem_key,i.request_hash,i.outcome,e.txn_id,e.kind,\
                 e.counterparty,e.currency,e.amount,e.available_after,e.version,e.at_us,e.about,\
                 e.held_after,e.held_change,e.fee \
                 FROM idem i LEFT JOIN entry e ON e.wallet_id=i.wallet_id AND e.at_us=i.at_us \
                 WHERE (i.wallet_id,i.idem_key) IN (",
            );
            sql.list(keyed, |sql, command| {
                sql.put("(").hex(command.wallet_id.as_bytes());
                sql.put(",").hex(&command.key).put(")");
            });
            sql.put(")");
            reads.push(Read::Key);
        }
        let mut reversed = commands.iter().filter_map(|command| command.reverses()).peekable();
        if reversed.peek().is_some() {
            sql.put(";SELECT txn_id,reversal_id FROM reversal WHERE txn_id IN (");
            sql.list(reversed, |sql, id| {
                sql.hex(id.as_bytes());
            });
            sql.put(")");
            reads.push(Read::Reversal);
        }
        write_read_holds(sql, reads, commands);
    }
}

fn write_read_holds(sql: &mut Sql, reads: &mut Vec<Read>, commands: &[&Command]) {
    let mut held = commands.iter().filter_map(|c| Some((c.wallet_id, c.hold_id()?))).peekable();
    if held.peek().is_none() {
        return;
    }
    sql.put(";SELECT ").put(row::HOLD).put(" FROM hold FORCE INDEX(PRIMARY) ");
    sql.put("WHERE (wallet_id,hold_id) IN (");
    sql.list(held, |sql, (wallet_id, hold_id)| {
        sql.put("(").hex(wallet_id.as_bytes()).put(",").hex(hold_id.as_bytes()).put(")");
    });
    sql.put(")");
    reads.push(Read::Hold);
}

fn recorded(row: &MySqlRow) -> Result<(Uuid, [u8; 16], Recorded), sqlx::Error> {
    let wallet_id = row::uuid(row, 0)?;
    let key = row::array(row, 1)?;
    let request_hash = u64::from_be_bytes(row::array(row, 2)?);
    let number = row::int(row, 3)?;
    let fee = row::int_or_zero(row, 15)?;
    let refusal = u8::try_from(number).ok().and_then(Refusal::from_number);
    let result = match (number, refusal) {
        (0, _) => Ok(Transaction {
            id: row::uuid(row, 4)?,
            kind: row::entry_kind(row, 5)?,
            wallet_id,
            to: row::uuid_or_null(row, 6)?,
            currency: row::currency(row, 7)?,
            amount: amount_of(row::int(row, 8)?, row::int_or_zero(row, 14)?, fee),
            fee,
            available_after: row::int(row, 9)?,
            held_after: row::int(row, 13)?,
            version: row::count(row, 10)?,
            at_us: row::int(row, 11)?,
            about: row::uuid_or_null(row, 12)?,
        }),
        (_, Some(refusal)) => Err(refusal),
        (_, None) => return Err(row::decode(3, format!("no refusal: {number}"))),
    };
    Ok((wallet_id, key, Recorded { request_hash, result }))
}

/// Writes what was decided and commits. When the error is a lost connection, it may have been done.
pub(super) async fn commit(
    connection: &mut Connection,
    sql: &mut Sql,
    locked: &Locked,
    decision: &Decision<'_>,
) -> Result<(), sqlx::Error> {
    sql.clear();
    write_opened(sql, locked);
    write_entries(sql, &decision.entries);
    write_keys(sql, &decision.keys);
    write_reversals(sql, &decision.reversals);
    write_holds(sql, locked);
    write_updated(sql, locked);
    sql.put("COMMIT");
    connection.run(sql, |_, _| Ok(())).await
}

/// A wallet that another task has opened since the lock makes this fail, and the batch is tried
/// again.
fn write_opened(sql: &mut Sql, locked: &Locked) {
    let mut opened = locked.opened().peekable();
    if opened.peek().is_some() {
        write_wallets(sql, opened);
        sql.put(";");
    }
}

fn write_wallets<'a>(sql: &mut Sql, wallets: impl Iterator<Item = &'a Wallet>) {
    sql.put("INSERT INTO wallet(").put(row::WALLET).put(")VALUES");
    sql.list(wallets, |sql, wallet: &Wallet| {
        sql.put("(").hex(wallet.id.as_bytes());
        sql.put(",").hex(wallet.user_id.as_bytes());
        sql.put(",").hex(wallet.currency.code().as_bytes());
        sql.put(",").int(row::wallet_kind_number(wallet.kind));
        sql.put(",").int(row::status_number(wallet.status));
        sql.put(",").int(wallet.available).put(",").int(wallet.held).put(",").int(wallet.floor);
        sql.put(",").int(version(wallet.version)).put(",").int(wallet.last_at_us);
        sql.put(",").hex(&wallet.last_hash).put(",").int(wallet.created_us);
        let (usage, limits) = (wallet.usage, wallet.limits);
        sql.put(",").int(usage.day).put(",").int(usage.day_out);
        sql.put(",").int(usage.minute).put(",").int(usage.minute_count);
        sql.put(",").int_or_null(limits.day_out_max);
        sql.put(",").int_or_null(limits.minute_count_max.map(i64::from)).put(")");
    });
}

/// The marker is taken here, after the locks. `LAST_INSERT_ID()` is its number for all entries,
/// because no other table that a batch writes counts by itself.
fn write_entries(sql: &mut Sql, entries: &[Entry<'_>]) {
    let instants = || entries.iter().map(|entry| entry.at_us);
    let (Some(first), Some(last)) = (instants().min(), instants().max()) else {
        return;
    };
    let entries_count = i64::try_from(entries.len()).expect("a batch is small");
    sql.put("INSERT INTO outbox(n,min_at_us,max_at_us)VALUES(").int(entries_count);
    sql.put(",").int(first).put(",").int(last).put(");");
    sql.put(
        "INSERT INTO entry(wallet_id,at_us,version,kind,currency,amount,available_after,\
         held_after,txn_id,counterparty,batch_id,idx,hash,description,actor,about,\
         held_change,fee)VALUES",
    );
    let mut index = 0i64;
    sql.list(entries, |sql, entry| {
        sql.put("(").hex(entry.wallet_id.as_bytes()).put(",").int(entry.at_us);
        sql.put(",").int(version(entry.version)).put(",").int(kind_number(entry.kind));
        sql.put(",").hex(entry.currency.code().as_bytes()).put(",").int(entry.amount);
        sql.put(",").int(entry.available_after).put(",").int(entry.held_after);
        sql.put(",").hex(entry.txn_id.as_bytes());
        sql.put(",").hex_or_null(entry.counterparty.as_ref().map(|id| id.as_bytes().as_slice()));
        sql.put(",LAST_INSERT_ID(),").int(index).put(",").hex(&entry.hash);
        sql.put(",").hex_or_null(entry.description.map(str::as_bytes));
        sql.put(",").hex_or_null(entry.actor.map(str::as_bytes));
        sql.put(",").hex_or_null(entry.about.as_ref().map(|id| id.as_bytes().as_slice()));
        let held_change = Some(entry.held_change).filter(|change| *change != 0);
        let fee = Some(entry.fee).filter(|fee| *fee != 0);
        sql.put(",").int_or_null(held_change).put(",").int_or_null(fee).put(")");
        index += 1;
    });
    sql.put(";");
}

fn write_keys(sql: &mut Sql, keys: &[KeyRow]) {
    if keys.is_empty() {
        return;
    }
    sql.put("INSERT INTO idem(wallet_id,idem_key,request_hash,at_us,outcome)VALUES");
    sql.list(keys, |sql, row| {
        sql.put("(").hex(row.wallet_id.as_bytes()).put(",").hex(&row.key);
        sql.put(",").hex(&row.request_hash.to_be_bytes()).put(",").int(row.at_us);
        sql.put(",").int(row.refusal.map_or(0, Refusal::number)).put(")");
    });
    sql.put(";");
}

fn write_reversals(sql: &mut Sql, reversals: &[ReversalRow]) {
    if reversals.is_empty() {
        return;
    }
    sql.put("INSERT INTO reversal(txn_id,reversal_id,at_us)VALUES");
    sql.list(reversals, |sql, row| {
        sql.put("(").hex(row.transaction_id.as_bytes());
        sql.put(",").hex(row.reversal_id.as_bytes()).put(",").int(row.at_us).put(")");
    });
    sql.put(";");
}

/// One statement for new holds and changed ones; the wallets' locks guard both.
fn write_holds(sql: &mut Sql, locked: &Locked) {
    let mut holds = locked.changed_holds().peekable();
    if holds.peek().is_none() {
        return;
    }
    sql.put("INSERT INTO hold(").put(row::HOLD).put(")VALUES");
    sql.list(holds, |sql, hold| {
        sql.put("(").hex(hold.wallet_id.as_bytes()).put(",").hex(hold.id.as_bytes());
        sql.put(",").hex_or_null(hold.to.as_ref().map(|id| id.as_bytes().as_slice()));
        sql.put(",").int(hold.amount).put(",").int(hold.captured);
        sql.put(",").int(row::hold_state_number(hold.state));
        sql.put(",").int(hold.expires_us).put(",").int(hold.created_us).put(")");
    });
    sql.put("ON DUPLICATE KEY UPDATE captured=VALUES(captured),state=VALUES(state);");
}

/// One statement for all wallets, with absolute values: they were computed under the lock. The rows
/// are there and locked, so each becomes an update. An UPDATE of a join with `UNION ALL` of the
/// same values took twice the server's time at five wallets, and a tenth more at 35.
fn write_updated(sql: &mut Sql, locked: &Locked) {
    let mut updated = locked.updated().peekable();
    if updated.peek().is_none() {
        return;
    }
    write_wallets(sql, updated);
    sql.put(
        "ON DUPLICATE KEY UPDATE status=VALUES(status),available=VALUES(available),\
         held=VALUES(held),version=VALUES(version),last_at_us=VALUES(last_at_us),\
         last_hash=VALUES(last_hash),\
         day_no=VALUES(day_no),day_out=VALUES(day_out),minute_no=VALUES(minute_no),\
         minute_count=VALUES(minute_count),day_out_max=VALUES(day_out_max),\
         minute_count_max=VALUES(minute_count_max);",
    );
}

/// As the column has it.
fn version(version: u64) -> i64 {
    i64::try_from(version).expect("one entry a nanosecond reaches this in 292 years")
}
