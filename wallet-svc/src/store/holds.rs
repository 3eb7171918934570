//! Reads of holds: one, a wallet's, and those whose time is over.

use super::history::{unreadable, wallet_and_clock, write_wallet_and_clock};
use super::pool::Rows;
use super::row;
use super::sql::Sql;
use super::{Holds, Ledger, ReadError};
use uuid::Uuid;

impl Ledger {
    /// A hold and its wallet; no hold in it when there is none, `None` when there is no such
    /// wallet.
    ///
    /// # Errors
    ///
    /// When the database cannot be asked.
    pub async fn hold(&self, wallet_id: Uuid, hold_id: Uuid) -> Result<Option<Holds>, ReadError> {
        let mut sql = Sql::default();
        write_hold(&mut sql, wallet_id, hold_id);
        let rows = self.rows("a hold", &sql).await?;
        holds(&rows)
    }

    /// The `limit` newest holds of a wallet that are older than `before`; `None` when there is no
    /// such wallet.
    ///
    /// # Errors
    ///
    /// When the database cannot be asked.
    pub async fn holds(
        &self,
        wallet_id: Uuid,
        before: Option<Uuid>,
        limit: u16,
    ) -> Result<Option<Holds>, ReadError> {
        let mut sql = Sql::default();
        write_holds_of(&mut sql, wallet_id, before.unwrap_or(Uuid::max()), limit);
        let rows = self.rows("holds", &sql).await?;
        let Some(mut page) = holds(&rows)? else {
            return Ok(None);
        };
        let more = page.holds.len() > usize::from(limit);
        page.holds.truncate(usize::from(limit));
        page.next = page.holds.last().filter(|_| more).map(|hold| hold.id);
        Ok(Some(page))
    }
}

fn holds(rows: &Rows) -> Result<Option<Holds>, ReadError> {
    let Some((wallet, now_us)) = wallet_and_clock(rows)? else {
        return Ok(None);
    };
    let found = rows.iter().filter(|(statement, _)| *statement == 2);
    let holds = found.map(|(_, row)| row::hold(row).map_err(|e| unreadable("a hold", e)));
    let holds = holds.collect::<Result<_, _>>()?;
    Ok(Some(Holds { wallet, holds, as_of_us: now_us, next: None }))
}

pub(super) fn write_hold(sql: &mut Sql, wallet_id: Uuid, hold_id: Uuid) {
    write_wallet_and_clock(sql, wallet_id);
    write_holds(sql, wallet_id);
    sql.put(" AND hold_id=").hex(hold_id.as_bytes());
}

/// One more than asked for, to know whether there are more. Ids ascend with time.
pub(super) fn write_holds_of(sql: &mut Sql, wallet_id: Uuid, before: Uuid, limit: u16) {
    write_wallet_and_clock(sql, wallet_id);
    write_holds(sql, wallet_id);
    sql.put(" AND hold_id<").hex(before.as_bytes()).put(" ORDER BY hold_id DESC LIMIT ");
    sql.int(i64::from(limit) + 1);
}

/// Open holds whose time is over, the longest overdue first.
pub(super) fn write_due(sql: &mut Sql, limit: u16) {
    sql.clear().put("SELECT wallet_id,hold_id FROM hold FORCE INDEX(hold_expiry) ");
    sql.put("WHERE state=0 AND expires_us<=CAST(UNIX_TIMESTAMP(NOW(6))*1000000 AS SIGNED) ");
    sql.put("ORDER BY expires_us LIMIT ").int(limit);
}

fn write_holds(sql: &mut Sql, wallet_id: Uuid) {
    sql.put("SELECT ").put(row::HOLD).put(" FROM hold FORCE INDEX(PRIMARY) WHERE wallet_id=");
    sql.hex(wallet_id.as_bytes());
}
