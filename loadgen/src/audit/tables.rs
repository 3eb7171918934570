//! Reads the ledger's tables in one consistent snapshot. The only module that names `sqlx`.

use super::judge::{EntryRow, Judge, WalletRow};
use anyhow::Context;
use futures::TryStreamExt;
use sqlx::{
    Connection, MySqlConnection, Row,
    mysql::{MySqlConnectOptions, MySqlRow},
};
use std::str::FromStr;
use uuid::Uuid;

/// Feeds every wallet and every entry of the ledger at `url` to `judge`.
///
/// # Errors
///
/// The database cannot be reached or a table is not as expected.
pub async fn read(url: &str, password: Option<&str>, judge: &mut Judge<'_>) -> anyhow::Result<()> {
    let mut options = MySqlConnectOptions::from_str(url).context("reading the database's URL")?;
    if let Some(password) = password {
        options = options.password(password);
    }
    let mut connection =
        MySqlConnection::connect_with(&options).await.context("connecting to the ledger")?;
    sqlx::raw_sql(
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ; \
         START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    )
    .execute(&mut connection)
    .await
    .context("opening a snapshot of the ledger")?;
    wallets(&mut connection, judge).await.context("reading the wallets")?;
    entries(&mut connection, judge).await.context("reading the entries")?;
    connection.close().await.context("leaving the ledger")
}

async fn wallets(from: &mut MySqlConnection, judge: &mut Judge<'_>) -> anyhow::Result<()> {
    let mut rows = sqlx::query(
        "SELECT wallet_id, CAST(currency AS CHAR) AS currency, available, held, version, kind \
         FROM wallet",
    )
    .fetch(from);
    while let Some(row) = rows.try_next().await? {
        judge.wallet(WalletRow {
            id: id(&row, "wallet_id")?,
            currency: row.try_get("currency")?,
            available_minor: row.try_get("available")?,
            held_minor: row.try_get("held")?,
            version: count(&row, "version")?,
            settlement: row.try_get_unchecked::<i64, _>("kind")? != 0,
        });
    }
    Ok(())
}

async fn entries(from: &mut MySqlConnection, judge: &mut Judge<'_>) -> anyhow::Result<()> {
    let mut rows = sqlx::query(
        "SELECT wallet_id, at_us, version, amount, available_after, held_after, txn_id \
         FROM entry ORDER BY wallet_id, at_us",
    )
    .fetch(from);
    while let Some(row) = rows.try_next().await? {
        judge.entry(&EntryRow {
            wallet: id(&row, "wallet_id")?,
            at_us: row.try_get("at_us")?,
            version: count(&row, "version")?,
            amount_minor: row.try_get("amount")?,
            available_after_minor: row.try_get("available_after")?,
            held_after_minor: row.try_get("held_after")?,
            transaction: id(&row, "txn_id")?,
        });
    }
    Ok(())
}

fn id(row: &MySqlRow, column: &str) -> anyhow::Result<Uuid> {
    let bytes: &[u8] = row.try_get(column)?;
    Uuid::from_slice(bytes).with_context(|| format!("{column} is not 16 bytes"))
}

fn count(row: &MySqlRow, column: &str) -> anyhow::Result<u64> {
    row.try_get_unchecked::<u64, _>(column).with_context(|| format!("reading {column}"))
}
