//! What came of playing a trace with one way of scaling.

use super::trace::SLICE_S;

/// Sums over all slices that were played. Seconds of a gap are paid for and not judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub name: String,
    pub seconds: i64,
    /// Seconds of which the load is known.
    pub judged_s: i64,
    /// Judged seconds in which the tasks' processors were busier than the target.
    pub above_target_s: i64,
    /// Judged seconds in which the promise was broken.
    pub lost_s: i64,
    /// Each task for each second, starting ones included: they are paid for.
    pub task_s: u64,
    pub tasks_min: u32,
    pub tasks_max: u32,
    /// Changes that added tasks, and changes that removed some.
    pub outs: u32,
    pub ins: u32,
}

impl Tally {
    /// Nothing was played yet.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), tasks_min: u32::MAX, ..Self::default() }
    }

    /// Adds one slice in which `paid` tasks were paid for.
    pub fn slice(&mut self, paid: u32, known: bool, lost: bool, above_target: bool) {
        let counted = |yes: bool| if yes && known { SLICE_S } else { 0 };
        self.seconds += SLICE_S;
        self.judged_s += counted(true);
        self.lost_s += counted(lost);
        self.above_target_s += counted(above_target);
        self.task_s += u64::from(paid) * SLICE_S.unsigned_abs();
        self.tasks_min = self.tasks_min.min(paid);
        self.tasks_max = self.tasks_max.max(paid);
    }

    /// Notes a change of the number of tasks.
    pub fn change(&mut self, from: u32, to: u32) {
        self.outs += u32::from(to > from);
        self.ins += u32::from(to < from);
    }

    /// Adds what another trace came to.
    pub fn add(&mut self, other: &Self) {
        self.seconds += other.seconds;
        self.judged_s += other.judged_s;
        self.above_target_s += other.above_target_s;
        self.lost_s += other.lost_s;
        self.task_s += other.task_s;
        self.tasks_min = self.tasks_min.min(other.tasks_min);
        self.tasks_max = self.tasks_max.max(other.tasks_max);
        self.outs += other.outs;
        self.ins += other.ins;
    }

    /// Tasks on average.
    #[must_use]
    pub fn tasks_mean(&self) -> f64 {
        ratio(self.task_s, self.seconds.unsigned_abs())
    }

    /// Hours of tasks.
    #[must_use]
    pub fn task_hours(&self) -> f64 {
        ratio(self.task_s, 3600)
    }

    /// Minutes in which the promise was broken.
    #[must_use]
    pub fn lost_minutes(&self) -> f64 {
        ratio(self.lost_s.unsigned_abs(), 60)
    }

    /// Minutes above the target.
    #[must_use]
    pub fn minutes_above_target(&self) -> f64 {
        ratio(self.above_target_s.unsigned_abs(), 60)
    }

    /// The share of judged time in which the promise held, in percent.
    #[must_use]
    pub fn availability_percent(&self) -> f64 {
        100.0 - 100.0 * ratio(self.lost_s.unsigned_abs(), self.judged_s.unsigned_abs())
    }

    /// What the tasks cost at this price of one for an hour, in millionths of a dollar.
    #[must_use]
    pub fn cost_micros(&self, task_micros_per_hour: u64) -> Option<u64> {
        self.task_s.checked_mul(task_micros_per_hour).map(|product| product / 3600)
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds of a century fit 53 bits")]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
