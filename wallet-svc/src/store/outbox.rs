//! What is committed and not yet published.
//!
//! A marker that is in the table is not published; publishing ends by deleting it. Nothing is
//! remembered as "published up to here", because lower markers may be committed later than higher
//! ones, and a reader that only goes forward would lose them.

use super::Ledger;
use super::connection::{Connection, Fault};
use super::row;
use super::shared::Shared;
use super::sql::Sql;
use crate::ledger::money::Currency;
use protocol::event::{SCHEMA, WalletEvent};
use protocol::wallet::EntryKind;
use sqlx::mysql::MySqlRow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Of the lock that the one active publisher holds.
const LOCK: &str = "'wallet.relay'";

/// How often one connection waits for the lock. A new one finds a new writer.
const ROUNDS_MAX: u32 = 10;

/// Most markers in one page.
const MARKERS_MAX: i64 = 512;

/// Most entries in one page, unless the first batch alone has more. At 300 bytes each, one or two
/// megabytes.
const ENTRIES_MAX: i64 = 4_096;

/// Why the outbox could not be read or cleared.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    #[error("{doing} the outbox")]
    Database {
        doing: &'static str,
        #[source]
        source: sqlx::Error,
    },
    #[error("the writer takes no writes at the moment")]
    ReadOnly,
}

impl OutboxError {
    fn doing(doing: &'static str) -> impl Fn(sqlx::Error) -> Self {
        move |source| match Fault::of(&source) {
            Fault::ReadOnly => Self::ReadOnly,
            Fault::Conflict | Fault::Lost | Fault::Refused => Self::Database { doing, source },
        }
    }
}

/// The outbox's address.
#[derive(Clone, Debug)]
pub struct Outbox {
    shared: Arc<Shared>,
}

impl Ledger {
    /// Where the relay publishes from.
    #[must_use]
    pub fn outbox(&self) -> Outbox {
        Outbox { shared: Arc::clone(&self.shared) }
    }
}

/// The right to publish, held as long as its connection lives. Everything goes through that one
/// connection, so whoever lost the right can delete nothing.
#[derive(Debug)]
pub struct Publisher {
    shared: Arc<Shared>,
    connection: Connection,
    sql: Sql,
}

/// The oldest markers and their entries, in the order to publish.
#[derive(Debug, Default)]
pub struct Page {
    batches: Vec<u64>,
    /// Of customers' wallets; ascending by batch and index.
    pub events: Vec<WalletEvent>,
}

impl Page {
    /// How many batches it completes.
    #[must_use]
    pub fn batches_count(&self) -> usize {
        self.batches.len()
    }

    /// True when everything is published.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }
}

impl Outbox {
    /// Takes the right to publish, waiting some times `wait` (whole seconds, below the limit of a
    /// round trip) for another to lose it.
    ///
    /// # Errors
    ///
    /// When the writer cannot be asked.
    pub async fn acquire(&self, wait: Duration) -> Result<Option<Publisher>, OutboxError> {
        let fail = OutboxError::doing("locking");
        let mut connection = Connection::open_writer(&self.shared.writer)
            .await
            .map_err(&fail)?
            .ok_or(OutboxError::ReadOnly)?;
        let mut sql = Sql::default();
        let seconds = i64::try_from(wait.as_secs()).unwrap_or(0);
        sql.put("SELECT COALESCE(GET_LOCK(").put(LOCK).put(",").int(seconds).put("),0)");
        for _ in 0..ROUNDS_MAX {
            let mut held = 0;
            let asking = connection.run(&sql, |_, row| {
                held = row::int(&row, 0)?;
                Ok(())
            });
            asking.await.map_err(&fail)?;
            if held == 1 {
                let shared = Arc::clone(&self.shared);
                return Ok(Some(Publisher { shared, connection, sql }));
            }
        }
        connection.close().await;
        Ok(None)
    }
}

impl Publisher {
    /// The oldest markers with their entries.
    ///
    /// # Errors
    ///
    /// When the connection is lost, and with it the right to publish.
    pub async fn page(&mut self) -> Result<Page, OutboxError> {
        let fail = OutboxError::doing("reading");
        self.sql
            .clear()
            .put("SELECT batch_id,n,min_at_us,max_at_us FROM outbox ORDER BY batch_id ");
        self.sql.put("LIMIT ").int(MARKERS_MAX);
        let mut page = Page::default();
        let (mut entries, mut first_us, mut last_us) = (0i64, i64::MAX, i64::MIN);
        let reading = self.connection.run(&self.sql, |_, row| {
            entries = entries.saturating_add(row::int(&row, 1)?);
            if entries <= ENTRIES_MAX || page.batches.is_empty() {
                page.batches.push(row::count(&row, 0)?);
                first_us = first_us.min(row::int(&row, 2)?);
                last_us = last_us.max(row::int(&row, 3)?);
            }
            Ok(())
        });
        reading.await.map_err(&fail)?;
        if page.is_empty() {
            return Ok(page);
        }
        write_entries(&mut self.sql, &page.batches, first_us, last_us);
        let reading = self.connection.run(&self.sql, |_, row| {
            page.events.push(event(&row)?);
            Ok(())
        });
        reading.await.map_err(&fail)?;
        Ok(page)
    }

    /// Deletes the markers of a page of which every event has been acknowledged.
    ///
    /// # Errors
    ///
    /// When the connection is lost, and with it the right to publish. The page will be published
    /// again, by whoever holds the right then.
    pub async fn published(&mut self, page: &Page) -> Result<(), OutboxError> {
        if page.is_empty() {
            return Ok(());
        }
        self.sql.clear().put("DELETE FROM outbox WHERE batch_id IN (");
        write_batches(&mut self.sql, &page.batches);
        self.sql.put(")");
        let deleting = self.connection.run(&self.sql, |_, _| Ok(()));
        deleting.await.map_err(OutboxError::doing("clearing"))?;
        let count = u64::try_from(page.events.len()).expect("a page is small");
        self.shared.meters.published.fetch_add(count, Ordering::Relaxed);
        Ok(())
    }

    /// Gives the right back.
    pub async fn release(self) {
        self.connection.close().await;
    }
}

/// Limited by the markers' instants, so that one or two partitions are read.
pub(super) fn write_entries(sql: &mut Sql, batches: &[u64], first_us: i64, last_us: i64) {
    sql.clear().put(
        "SELECT batch_id,idx,wallet_id,version,kind,txn_id,currency,amount,available_after,\
         held_after,counterparty,at_us,about,held_change,fee FROM entry \
         FORCE INDEX(entry_batch) WHERE batch_id IN (",
    );
    write_batches(sql, batches);
    sql.put(") AND at_us BETWEEN ").int(first_us).put(" AND ").int(last_us);
    sql.put(" AND kind NOT IN (5,17) ORDER BY batch_id,idx");
}

fn write_batches(sql: &mut Sql, batches: &[u64]) {
    sql.list(batches, |sql, batch| {
        sql.int(i64::try_from(*batch).expect("read from a BIGINT that began at 1"));
    });
}

fn event(row: &MySqlRow) -> Result<WalletEvent, sqlx::Error> {
    let kind: EntryKind = row::entry_kind(row, 4)?;
    let currency: Currency = row::currency(row, 6)?;
    let at_us = row::int(row, 11)?;
    let about = row::uuid_or_null(row, 12)?;
    Ok(WalletEvent {
        schema: SCHEMA,
        event_id: format!("{}:{}", row::int(row, 0)?, row::int(row, 1)?),
        kind,
        wallet_id: row::uuid(row, 2)?,
        version: row::count(row, 3)?,
        transaction_id: row::uuid(row, 5)?,
        currency: currency.code().to_owned(),
        amount_minor: row::int(row, 7)?,
        fee_minor: row::int_or_zero(row, 14)?,
        available_after_minor: row::int(row, 8)?,
        held_after_minor: row::int(row, 9)?,
        held_change_minor: row::int_or_zero(row, 13)?,
        counterparty_wallet_id: row::uuid_or_null(row, 10)?,
        reverses_transaction_id: about.filter(|_| kind.is_of_reversal()),
        hold_id: about.filter(|_| kind.is_of_hold()),
        at: chrono::DateTime::from_timestamp_micros(at_us)
            .ok_or_else(|| row::decode(11, format!("no instant: {at_us}")))?,
    })
}
