//! Commands that are carried out together or not at all.
//!
//! Each has a key of its own, and all are remembered together: what the first one's key stands for,
//! the others' do. When one is refused, what the ones before it did is taken back before anybody
//! has seen it.

use super::batch::{KeyRow, Sitting, StripeNotLocked};
use super::command::{Command, Done, Outcome, Refusal};
use super::locked::Recorded;

impl<'a> Sitting<'a, '_> {
    /// One outcome for each. When one is refused, the others are refused by
    /// [`Refusal::BatchRefused`].
    pub(super) fn hear_together(
        &mut self,
        commands: &'a [Command],
    ) -> Result<Vec<Outcome>, StripeNotLocked> {
        if let Some(outcomes) = self.replay(commands) {
            return Ok(outcomes);
        }
        let before = (self.locked.clone(), self.inflow, self.revenue);
        let written = &self.decision;
        let (entries, keys) = (written.entries.len(), written.keys.len());
        let reversals = written.reversals.len();
        let mut outcomes = Vec::with_capacity(commands.len());
        for command in commands {
            let outcome = self.hear(command)?;
            let Err(refusal) = outcome.result else {
                outcomes.push(outcome);
                continue;
            };
            (*self.locked, self.inflow, self.revenue) = before;
            self.decision.entries.truncate(entries);
            self.decision.keys.truncate(keys);
            self.decision.reversals.truncate(reversals);
            return Ok(self.refuse(commands, outcomes.len(), refusal));
        }
        Ok(outcomes)
    }

    /// What became of them before, by what the first one's key stands for.
    fn replay(&self, commands: &[Command]) -> Option<Vec<Outcome>> {
        let first = commands.first()?;
        let (_, wallet) = self.locked.customer(first.wallet_id)?;
        if !first.actor.may_act_on(wallet) {
            return None;
        }
        let recorded = self.locked.recorded(first.wallet_id, first.key)?;
        if recorded.request_hash != first.request_hash {
            let reused = Outcome { result: Err(Refusal::KeyReused), replayed: false };
            return Some(vec![reused; commands.len()]);
        }
        let outcome = |command: &Command| {
            let recorded = self.locked.recorded(command.wallet_id, command.key);
            let result = recorded.map(|recorded| recorded.result.clone());
            // Only wallets that the actor may act on are remembered with.
            let result = result.unwrap_or(Err(Refusal::BatchRefused));
            Outcome { result: result.map(Done::Transaction), replayed: true }
        };
        Some(commands.iter().map(outcome).collect())
    }

    fn refuse(&mut self, commands: &[Command], blamed: usize, refusal: Refusal) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(commands.len());
        for place in 0..commands.len() {
            let refusal = if place == blamed { refusal } else { Refusal::BatchRefused };
            outcomes.push(Outcome { result: Err(refusal), replayed: false });
        }
        if !refusal.is_recorded() {
            return outcomes;
        }
        for (command, outcome) in commands.iter().zip(&outcomes) {
            let wallet = self.locked.customer(command.wallet_id);
            let own = wallet.is_some_and(|(_, wallet)| command.actor.may_act_on(wallet));
            let Some(refusal) = outcome.result.as_ref().err().copied().filter(|_| own) else {
                continue;
            };
            let (wallet_id, key, request_hash) =
                (command.wallet_id, command.key, command.request_hash);
            let (at_us, recorded) = (self.now_us, Recorded { request_hash, result: Err(refusal) });
            let refusal = Some(refusal);
            self.decision.keys.push(KeyRow { wallet_id, key, request_hash, at_us, refusal });
            self.locked.put_recorded(wallet_id, key, recorded);
        }
        outcomes
    }
}

#[cfg(test)]
#[path = "group_tests.rs"]
mod tests;
