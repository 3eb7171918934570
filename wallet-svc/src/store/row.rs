//! Reads rows by column number into the ledger's types.

use crate::ledger::entry::kind_from_number;
use crate::ledger::hold::{Hold, State as HoldState};
use crate::ledger::limit::{Limits, Usage};
use crate::ledger::money::Currency;
use crate::ledger::wallet::{Kind, Status, Wallet};
use protocol::wallet::EntryKind;
use sqlx::Row;
use sqlx::mysql::MySqlRow;
use uuid::Uuid;

/// The columns that [`wallet`] reads, in its order.
pub(super) const WALLET: &str = "wallet_id,user_id,currency,kind,status,available,held,floor,\
    version,last_at_us,last_hash,created_us,day_no,day_out,minute_no,minute_count,day_out_max,\
    minute_count_max";

/// How many these are.
pub(super) const WALLET_COLUMNS: usize = 18;

/// Reads a row of the columns [`WALLET`].
pub(super) fn wallet(row: &MySqlRow) -> Result<Wallet, sqlx::Error> {
    Ok(Wallet {
        id: uuid(row, 0)?,
        user_id: text(row, 1)?.into(),
        currency: currency(row, 2)?,
        kind: match int(row, 3)? {
            0 => Kind::Customer,
            1 => Kind::Settlement,
            _ => Kind::Revenue,
        },
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
        usage: Usage {
            day: small(row, 12)?,
            day_out: int(row, 13)?,
            minute: small(row, 14)?,
            minute_count: small(row, 15)?,
        },
        limits: Limits {
            day_out_max: row.try_get_unchecked(16)?,
            minute_count_max: row
                .try_get_unchecked::<Option<i64>, _>(17)?
                .map(|max| u32::try_from(max).map_err(|e| decode(17, e)))
                .transpose()?,
        },
    })
}

fn small<N: TryFrom<i64>>(row: &MySqlRow, column: usize) -> Result<N, sqlx::Error>
where
    N::Error: std::error::Error + Send + Sync + 'static,
{
    N::try_from(int(row, column)?).map_err(|e| decode(column, e))
}

/// The columns that [`hold`] reads, in its order.
pub(super) const HOLD: &str =
    "wallet_id,hold_id,to_wallet,amount,captured,state,expires_us,created_us";

/// Reads a row of the columns [`HOLD`].
pub(super) fn hold(row: &MySqlRow) -> Result<Hold, sqlx::Error> {
    let number = int(row, 5)?;
    let state = HOLD_STATES.iter().find(|(_, of)| i64::from(*of) == number);
    let (state, _) = state.ok_or_else(|| decode(5, format!("no state of a hold: {number}")))?;
    Ok(Hold {
        wallet_id: uuid(row, 0)?,
        id: uuid(row, 1)?,
        to: uuid_or_null(row, 2)?,
        amount: int(row, 3)?,
        captured: int(row, 4)?,
        state: *state,
        expires_us: int(row, 6)?,
        created_us: int(row, 7)?,
    })
}

const HOLD_STATES: [(HoldState, u8); 4] = [
    (HoldState::Open, 0),
    (HoldState::Captured, 1),
    (HoldState::Voided, 2),
    (HoldState::Expired, 3),
];

/// What `hold.state` says.
pub(super) fn hold_state_number(state: HoldState) -> u8 {
    let row = HOLD_STATES.iter().find(|(of, _)| *of == state);
    row.expect("every state has a row").1
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
        Kind::Revenue => 2,
    }
}

pub(super) fn bytes(row: &MySqlRow, column: usize) -> Result<&[u8], sqlx::Error> {
    row.try_get_unchecked(column)
}

pub(super) fn bytes_or_null(row: &MySqlRow, column: usize) -> Result<Option<&[u8]>, sqlx::Error> {
    row.try_get_unchecked(column)
}

/// An integer, 0 for `NULL`.
pub(super) fn int_or_zero(row: &MySqlRow, column: usize) -> Result<i64, sqlx::Error> {
    Ok(row.try_get_unchecked::<Option<i64>, _>(column)?.unwrap_or(0))
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
