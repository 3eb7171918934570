//! What a number of tasks can carry: a queue with many servers. Pure.
//!
//! The tasks share one queue, as behind a load balancer that prefers the least busy: M/M/c with
//! c = tasks × workers. The chance to wait is Erlang's C formula; who waits does so for an
//! exponential time of rate cμ − λ (Gross and Harris, Fundamentals of Queueing Theory, M/M/c).
//! The 95th percentile of the answer is bounded by the sum of those of waiting and of serving.
//! Above the saturation the model is not trusted: collectors, kernels and neighbours take their
//! share of a processor that is nearly full, so that alone counts as lost.

use crate::cost::PriceBook;

/// One task, and the promise that the service made.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Requests per second that fill a task's processors.
    pub capacity_per_task: f64,
    /// How long a request keeps a worker busy, in milliseconds, on average.
    pub service_ms: f64,
    /// The promised 95th percentile.
    pub p95_ms_max: f64,
    /// The share of the processors above which the service is taken to be failing.
    pub saturation: f64,
    /// A task takes this long to start, in seconds.
    pub start_s: (i64, i64),
    pub cpu_units: u32,
    pub memory_mib: u32,
}

impl Default for Service {
    /// The seed's task, at a load of which 100 requests a second are 60 % of its processors.
    fn default() -> Self {
        Self {
            capacity_per_task: 100.0 / 0.6,
            service_ms: 6.0,
            p95_ms_max: 100.0,
            saturation: 0.9,
            start_s: (20, 60),
            cpu_units: 4096,
            memory_mib: 8192,
        }
    }
}

/// The 95th percentile of an exponential time is this many means: ln 20.
const P95_MEANS: f64 = 2.995_732_273_553_991;
/// Halvings of the interval in which a limit is sought: to 1 / 2^30 of it.
const HALVINGS: u32 = 30;

impl Service {
    /// The share of the processors that this load takes. Above 1, it is more than there is.
    #[must_use]
    pub fn utilisation(&self, load: f64, tasks: u32) -> f64 {
        if tasks == 0 {
            return if load > 0.0 { f64::INFINITY } else { 0.0 };
        }
        load / (f64::from(tasks) * self.capacity_per_task)
    }

    /// The 95th percentile of the answer time in milliseconds; infinite beyond the capacity.
    #[must_use]
    pub fn p95_ms(&self, load: f64, tasks: u32) -> f64 {
        let served_ms = self.service_ms * P95_MEANS;
        if load <= 0.0 {
            return served_ms;
        }
        let rho = self.utilisation(load, tasks);
        if rho >= 1.0 {
            return f64::INFINITY;
        }
        let servers = self.servers(tasks);
        let waiting = erlang_c(servers, rho * f64::from(servers));
        let spare_per_ms = f64::from(tasks) * self.capacity_per_task * (1.0 - rho) / 1000.0;
        let waited_ms = (waiting / 0.05).ln().max(0.0) / spare_per_ms;
        waited_ms + served_ms
    }

    /// Workers of all tasks: as many as make `service_ms` and `capacity_per_task` agree.
    fn servers(&self, tasks: u32) -> u32 {
        let workers = (self.capacity_per_task * self.service_ms / 1000.0).round().max(1.0);
        let mut servers = tasks;
        // At most 64 workers a task: more would be a task that nobody can buy.
        for _ in 1..64 {
            if f64::from(servers) + 0.5 >= workers * f64::from(tasks) {
                break;
            }
            servers += tasks;
        }
        servers
    }

    /// The largest load that this many tasks carry as promised.
    #[must_use]
    pub fn sustainable(&self, tasks: u32) -> f64 {
        let most = f64::from(tasks) * self.capacity_per_task * self.saturation;
        if self.p95_ms(most, tasks) <= self.p95_ms_max {
            return most;
        }
        let (mut low, mut high) = (0.0, most);
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(low, high);
            if self.p95_ms(middle, tasks) <= self.p95_ms_max {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }

    /// What one task costs an hour, in millionths of a dollar.
    #[must_use]
    pub fn price(&self, prices: &PriceBook) -> Option<u64> {
        prices.task_of(self.cpu_units, self.memory_mib)
    }

    /// [`Service::sustainable`] of 0 to `tasks_max` tasks, because it is asked for all the time.
    #[must_use]
    pub fn limits(&self, tasks_max: u32) -> Limits {
        let sustainable = |tasks| if tasks == 0 { 0.0 } else { self.sustainable(tasks) };
        Limits((0..=tasks_max).map(sustainable).collect())
    }
}

/// The largest load that each number of tasks carries.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits(Vec<f64>);

impl Limits {
    /// Is this more than they carry?
    #[must_use]
    pub fn exceeded(&self, load: f64, tasks: u32) -> bool {
        let index = usize::try_from(tasks).unwrap_or(usize::MAX).min(self.0.len() - 1);
        load > self.0[index]
    }

    /// The fewest tasks that carry the load, or `None` when not even the most do.
    #[must_use]
    pub fn needed(&self, load: f64) -> Option<u32> {
        let tasks = self.0.partition_point(|limit| *limit < load);
        if tasks == self.0.len() { None } else { u32::try_from(tasks).ok() }
    }
}

/// The chance that all servers are busy, by the recursion for Erlang's B.
fn erlang_c(servers: u32, offered: f64) -> f64 {
    let mut blocked = 1.0;
    for n in 1..=servers {
        blocked = offered * blocked / (f64::from(n) + offered * blocked);
    }
    let rho = offered / f64::from(servers);
    blocked / (1.0 - rho * (1.0 - blocked))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of Erlang's C from published tables (two servers at half load: exactly one third).
    #[test]
    fn the_chance_to_wait_is_erlangs() {
        #[rustfmt::skip]
        let table = [
            (1, 0.5, 0.5),
            (2, 1.0, 1.0 / 3.0),
            (5, 4.0, 0.554),
            (10, 8.0, 0.409),
        ];
        for (servers, offered, want) in table {
            let got = erlang_c(servers, offered);
            assert!((got - want).abs() < 5e-4, "{servers} servers, {offered} Erlang: {got}");
        }
    }

    #[test]
    fn one_server_is_the_textbook_queue() {
        // M/M/1 at half load: answers take 12 ms on average, and the bound is above its 36 ms.
        let one = Service { capacity_per_task: 1000.0 / 6.0, ..Service::default() };
        let p95 = one.p95_ms(1000.0 / 12.0, 1);
        assert!((p95 - (18.0 + 12.0 * 10.0_f64.ln())).abs() < 0.1, "{p95}");
        assert!(one.p95_ms(170.0, 1).is_infinite());
        assert!(one.p95_ms(1.0, 0).is_infinite());
    }

    #[test]
    fn more_tasks_carry_more_and_what_they_carry_is_kept_within_the_promise() {
        let service = Service { service_ms: 24.0, ..Service::default() };
        let limits = service.limits(30);
        for tasks in 1..=30 {
            let limit = service.sustainable(tasks);
            assert!(service.p95_ms(limit, tasks) <= 100.0 + 1e-6);
            assert!(service.utilisation(limit, tasks) <= 0.9 + 1e-9);
            assert!(limit > service.sustainable(tasks - 1) || tasks == 1);
            assert_eq!(limits.needed(limit), Some(tasks));
            assert!(!limits.exceeded(limit, tasks) && limits.exceeded(limit + 1.0, tasks));
        }
        assert_eq!(limits.needed(1e9), None);
        assert_eq!(limits.needed(0.0), Some(0));
    }
}
