//! What could be had by knowing the future: the fewest task-hours with which nothing is lost that
//! need not be. Not a way of scaling, but the line against which ways of scaling are measured.

use super::engine::Game;
use super::tally::Tally;
use super::trace::SLICE_S;

/// Tasks are there when they are needed and not a slice longer; each was started in time, even if
/// it took the longest to start, and is paid for from then on.
#[must_use]
pub fn oracle(game: &Game<'_>) -> Tally {
    let mut tally = Tally::new("oracle");
    let ahead = usize::try_from(game.service.start_s.1.div_euclid(SLICE_S) + 1).unwrap_or(1);
    let needed = |rate: f64| game.limits.needed(rate).unwrap_or(game.tasks_max);
    let needs: Vec<u32> =
        game.trace.slices.iter().map(|one| needed(one.rate).max(game.tasks_min)).collect();
    let mut before = None;
    for (index, offered) in game.trace.slices.iter().enumerate() {
        let until = needs.len().min(index + ahead + 1);
        let paid = needs[index..until].iter().copied().max().unwrap_or(game.tasks_min);
        let lost = game.limits.exceeded(offered.rate, needs[index]);
        let busy = game.service.utilisation(offered.rate, needs[index]);
        tally.slice(paid, offered.known, lost, busy > game.target);
        tally.change(before.unwrap_or(paid), paid);
        before = Some(paid);
    }
    tally
}
