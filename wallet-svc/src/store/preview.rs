//! What would become of commands, decided on what is read without a lock, and written nowhere.
//!
//! The same function decides as in a lane. What it says holds for the instant of the reading and
//! promises nothing.

use super::history::unreadable;
use super::lane::wallets_of;
use super::sql::Sql;
use super::transaction::{Found, write_preview};
use super::{Ledger, ReadError};
use crate::ledger::batch;
use crate::ledger::command::{Command, Outcome};
use crate::ledger::id::TransactionIds;
use crate::ledger::locked::Stripes;
use std::collections::BTreeSet;

impl Ledger {
    /// One outcome for each command of each group, in order, as if all had been submitted now. The
    /// transactions' ids are invented.
    ///
    /// # Errors
    ///
    /// When the database cannot be asked.
    pub async fn preview(&self, groups: &[&[Command]]) -> Result<Vec<Outcome>, ReadError> {
        let commands: Vec<&Command> = groups.iter().copied().flatten().collect();
        let (stripes, mut currencies) = (Stripes::new(0), BTreeSet::new());
        let mut sql = Sql::default();
        loop {
            let ids = wallets_of(&commands, &stripes, &currencies);
            let reads = write_preview(&mut sql, &ids, &commands);
            let rows = self.rows("what would be changed", &sql).await?;
            let mut found = Found::new(&ids);
            for (statement, row) in &rows {
                let put = found.put(reads.get(*statement), row);
                put.map_err(|e| unreadable("what would be changed", e))?;
            }
            let Found { mut locked, now_us } = found;
            let mut ids = TransactionIds::new(0);
            let fees = &*self.shared.fees;
            match batch::decide(&mut locked, groups, &stripes, fees, now_us, &mut ids) {
                Ok(decision) => return Ok(decision.outcomes),
                // At most once per currency.
                Err(batch::StripeNotLocked(currency)) => drop(currencies.insert(currency)),
            }
        }
    }
}
