//! What a process uses, from `/proc`.

use std::fs;
use tokio::time::Instant;

/// The kernel's unit of CPU time in `/proc`: 1/100 s on every Linux that we run on.
const TICKS_PER_SECOND: f64 = 100.0;

/// Pages of 4 KiB, as on every machine that Debian calls amd64 or arm64.
const PAGE_BYTES: u64 = 4_096;

/// What a process used between two samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usage {
    /// Of one core; 200 on two busy ones.
    pub cpu_percent: f64,
    /// Resident memory, now.
    pub resident_bytes: u64,
}

/// Remembers the sample before. A new process begins anew.
#[derive(Debug, Default)]
pub struct Sampler {
    before: Option<(u32, Instant, u64)>,
}

impl Sampler {
    /// What `pid` used since the last call; none for the first one and for a dead process.
    pub fn sample(&mut self, pid: u32, now: Instant) -> Option<Usage> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (ticks, pages) = parse(&stat)?;
        let (pid_before, then, ticks_before) = self.before.replace((pid, now, ticks))?;
        let seconds = (now - then).as_secs_f64();
        if pid_before != pid || seconds <= 0.0 {
            return None;
        }
        // Ticks of one interval: far below the 2^53 up to which a float is exact.
        let used = u32::try_from(ticks.saturating_sub(ticks_before)).unwrap_or(u32::MAX);
        Some(Usage {
            cpu_percent: f64::from(used) / TICKS_PER_SECOND / seconds * 100.0,
            resident_bytes: pages.saturating_mul(PAGE_BYTES),
        })
    }
}

/// User and system ticks, and resident pages, of a line of `/proc/PID/stat`. The name, in
/// parentheses, may hold anything, parentheses included.
fn parse(stat: &str) -> Option<(u64, u64)> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<_> = fields.split_whitespace().collect();
    // Counted from the state, field 3 of proc(5): utime is 14, stime 15, rss 24.
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some((number(14)?.saturating_add(number(15)?), number(24)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_stat_line_with_a_hostile_name_is_read() {
        let stat =
            "7 (a) b) S 1 7 7 0 -1 4 5 0 0 0 30 12 0 0 20 0 3 0 99 1000 256 18446744073709551615 1";
        assert_eq!(parse(stat), Some((42, 256)));
        assert_eq!(parse("nonsense"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_sample_and_a_new_process_give_nothing() {
        let own = std::process::id();
        let now = Instant::now();
        let mut sampler = Sampler::default();
        assert_eq!(sampler.sample(own, now), None);
        let used = sampler.sample(own, now + Duration::from_secs(1)).unwrap();
        assert!(used.cpu_percent >= 0.0 && used.resident_bytes > 0);
        assert_eq!(sampler.sample(1, now + Duration::from_secs(2)), None);
    }
}
