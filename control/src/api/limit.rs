//! How often one caller may ask, and how often a denial is worth a line in the journal.

use chrono::{DateTime, Utc};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Requests that one token may make at once.
const BURST: f64 = 100.0;
/// And then in every second.
const PER_SECOND: f64 = 20.0;
/// Callers remembered: tokens, and one for all who have none.
const CALLERS_MAX: usize = 256;
/// The same denial of the same caller is written down once in this time.
const DENIAL_EVERY: chrono::TimeDelta = chrono::TimeDelta::seconds(10);

/// What is known of the callers.
#[derive(Debug, Default)]
pub(super) struct Limits {
    buckets: Mutex<BTreeMap<String, Bucket>>,
    denials: Mutex<BTreeMap<String, DateTime<Utc>>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: DateTime<Utc>,
}

impl Limits {
    /// Takes one request from the caller's allowance, or says how long to wait for the next.
    pub(super) fn take(&self, caller: &str, now: DateTime<Utc>) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= CALLERS_MAX && !buckets.contains_key(caller) {
            // Names come from the tokens file; whoever was quiet longest has a full bucket anyway.
            let quiet = buckets.iter().min_by_key(|(_, bucket)| bucket.at);
            let quiet = quiet.map(|(name, _)| name.clone()).unwrap_or_default();
            buckets.remove(&quiet);
        }
        let bucket = buckets.entry(caller.to_owned()).or_insert(Bucket { left: BURST, at: now });
        let passed = (now - bucket.at).to_std().unwrap_or_default();
        bucket.left = (bucket.left + passed.as_secs_f64() * PER_SECOND).min(BURST);
        bucket.at = now;
        if bucket.left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - bucket.left) / PER_SECOND));
        }
        bucket.left -= 1.0;
        Ok(())
    }

    /// True when this denial was not written down a moment ago.
    pub(super) fn denial_is_news(&self, denial: &str, now: DateTime<Utc>) -> bool {
        let mut denials = self.denials.lock().unwrap_or_else(PoisonError::into_inner);
        denials.retain(|_, at| now - *at < DENIAL_EVERY);
        if denials.contains_key(denial) || denials.len() >= CALLERS_MAX {
            return false;
        }
        denials.insert(denial.to_owned(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn a_burst_is_allowed_and_then_a_steady_rate() {
        let limits = Limits::default();
        let now = DateTime::<Utc>::UNIX_EPOCH;
        assert_eq!((0..200).filter(|_| limits.take("a", now).is_ok()).count(), 100);
        assert_eq!(limits.take("a", now), Err(Duration::from_millis(50)));
        assert_eq!(limits.take("b", now), Ok(()), "each caller has its own allowance");
        let later = now + TimeDelta::seconds(1);
        assert_eq!((0..200).filter(|_| limits.take("a", later).is_ok()).count(), 20);
    }

    #[test]
    fn the_same_denial_is_news_once_in_a_while() {
        let limits = Limits::default();
        let now = DateTime::<Utc>::UNIX_EPOCH;
        assert!(limits.denial_is_news("a /x", now));
        assert!(!limits.denial_is_news("a /x", now + TimeDelta::seconds(9)));
        assert!(limits.denial_is_news("b /x", now));
        assert!(limits.denial_is_news("a /x", now + TimeDelta::seconds(10)));
    }
}
