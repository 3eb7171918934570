//! Reads rows by column number into the ledger's types.

use crate::ledger::entry::kind_from_number;
use crate::ledger::money::Currency;
use crate::ledger::wallet::{Kind, Status, Wallet};
use protocol::wallet::EntryKind;
use sqlx::Row;
use sqlx::mysql::MySqlRow;
use uuid::Uuid;

/// The columns that [`wallet`] reads, in its order.
pub(super) const WALLET: &str = "wallet_id,user_id,currency,kind,status,available,held,floor,\
    version,last_at_us,last_hash,created_us";

/// Reads a row of the columns [`WALLET`].
pub(super) fn wallet(row: &MySqlRow) -> Result<Wallet, sqlx::Error> {
    Ok(Wallet {
        id: uuid(row, 0)?,
        user_id: text(row, 1)?.into(),
        currency: currency(row, 2)?,
        kind: if int(row, 3)? == 0 { Kind::Customer } else { Kind::Settlement },
        status: match int(row, 4)? {
            0 => Status::Active,
            1 => Status::Frozen,
            _ => Status::Closed,
        },
        available: int(row, 5)?,
        held: int(row, 6)?,
        floor: int(row, 7)?,
        version: count(row, 8)?,
        last_at_us: int(row, 9)?,
        last_hash: array(row, 10)?,
        created_us: int(row, 11)?,
    })
}

/// What `wallet.status` says.
pub(super) fn status_number(status: Status) -> u8 {
    match status {
        Status::Active => 0,
        Status::Frozen => 1,
        Status::Closed => 2,
    }
}

/// What `wallet.kind` says.
pub(super) fn wallet_kind_number(kind: Kind) -> u8 {
    match kind {
        Kind::Customer => 0,
        Kind::Settlement => 1,
    }
}

pub(super) fn bytes(row: &MySqlRow, column: usize) -> Result<&[u8], sqlx::Error> {
    row.try_get_unchecked(column)
}

pub(super) fn bytes_or_null(row: &MySqlRow, column: usize) -> Result<Option<&[u8]>, sqlx::Error> {
    row.try_get_unchecked(column)
}

pub(super) fn int(row: &MySqlRow, column: usize) -> Result<i64, sqlx::Error> {
    row.try_get_unchecked(column)
}

pub(super) fn count(row: &MySqlRow, column: usize) -> Result<u64, sqlx::Error> {
    u64::try_from(int(row, column)?).map_err(|e| decode(column, e))
}

pub(super) fn text(row: &MySqlRow, column: usize) -> Result<&str, sqlx::Error> {
    std::str::from_utf8(bytes(row, column)?).map_err(|e| decode(column, e))
}

pub(super) fn array<const N: usize>(row: &MySqlRow, column: usize) -> Result<[u8; N], sqlx::Error> {
    bytes(row, column)?.try_into().map_err(|e| decode(column, e))
}

pub(super) fn uuid(row: &MySqlRow, column: usize) -> Result<Uuid, sqlx::Error> {
    array(row, column).map(Uuid::from_bytes)
}

pub(super) fn uuid_or_null(row: &MySqlRow, column: usize) -> Result<Option<Uuid>, sqlx::Error> {
    bytes_or_null(row, column)?
        .map(|bytes| Uuid::from_slice(bytes).map_err(|e| decode(column, e)))
        .transpose()
}

pub(super) fn currency(row: &MySqlRow, column: usize) -> Result<Currency, sqlx::Error> {
    let code = text(row, column)?;
    Currency::from_code(code).ok_or_else(|| decode(column, format!("no currency: {code}")))
}

pub(super) fn entry_kind(row: &MySqlRow, column: usize) -> Result<EntryKind, sqlx::Error> {
    let number = int(row, column)?;
    u8::try_from(number)
        .ok()
        .and_then(kind_from_number)
        .ok_or_else(|| decode(column, format!("no kind of entry: {number}")))
}

pub(super) fn decode(
    column: usize,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_string(), source: source.into() }
}
