//! The tasks of a simulated service: some run, some are still starting, all are paid for.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Tasks by the second, counted from the start of the trace, from which on they serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tasks {
    /// Ascending.
    ready_at: Vec<i64>,
    start_s: (i64, i64),
}

impl Tasks {
    /// A service whose tasks all run.
    #[must_use]
    pub fn running_from(count: u32, start_s: (i64, i64)) -> Self {
        Self { ready_at: (0..count).map(|_| i64::MIN).collect(), start_s }
    }

    /// How many there shall be.
    #[must_use]
    pub fn desired(&self) -> u32 {
        count(self.ready_at.len())
    }

    /// How many serve at this second.
    #[must_use]
    pub fn running(&self, second: i64) -> u32 {
        count(self.ready_at.partition_point(|ready| *ready <= second))
    }

    /// When tasks began to serve, after `from` and up to `to`.
    pub fn started(&self, from: i64, to: i64) -> impl Iterator<Item = i64> {
        let first = self.ready_at.partition_point(|ready| *ready <= from);
        self.ready_at[first..].iter().copied().take_while(move |ready| *ready <= to)
    }

    /// Makes it so many: new ones take their time to start, and those that would have served last
    /// go first.
    pub fn set(&mut self, desired: u32, second: i64, chance: &mut ChaCha8Rng) {
        let wanted = usize::try_from(desired).unwrap_or(usize::MAX);
        while self.ready_at.len() < wanted {
            let ready = second + chance.random_range(self.start_s.0..=self.start_s.1);
            let place = self.ready_at.partition_point(|other| *other <= ready);
            self.ready_at.insert(place, ready);
        }
        self.ready_at.truncate(wanted);
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).expect("a service has at most 5,000 tasks")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn new_tasks_start_in_their_time_and_leave_before_older_ones() {
        let mut chance = ChaCha8Rng::seed_from_u64(1);
        let mut tasks = Tasks::running_from(3, (20, 60));
        tasks.set(6, 100, &mut chance);
        assert_eq!((tasks.desired(), tasks.running(119)), (6, 3));
        assert_eq!(tasks.running(160), 6);
        assert_eq!(tasks.started(100, 160).count(), 3);
        tasks.set(4, 110, &mut chance);
        assert_eq!((tasks.running(110), tasks.running(160)), (3, 4));
    }
}
