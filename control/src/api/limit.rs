//! How often one address and one caller may ask, and how denials are counted.
//!
//! Each denial is in the journal, alone or in a sum, but nobody can fill the journal with them:
//! who has no token could otherwise buy a disk write with every packet.

use crate::journal::Entry;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// How many requests at once, and how many a second after that.
#[derive(Clone, Copy, Debug)]
struct Rate {
    burst: f64,
    per_second: f64,
}

/// A dashboard needs one stream and a handful of requests; a script that polls, one a second.
const BY_NAME: Rate = Rate { burst: 100.0, per_second: 20.0 };
/// An office behind one address: five of the above.
const BY_ADDRESS: Rate = Rate { burst: 500.0, per_second: 100.0 };
/// Denials of one name that are written down one by one: ten, and then six a minute. At 300 bytes
/// an event, a caller who is denied all day costs 3 MB.
const BY_DENIED: Rate = Rate { burst: 10.0, per_second: 0.1 };
/// Callers or addresses remembered at once; 100 bytes each.
const BUCKETS_MAX: usize = 1_024;
/// The same denial of the same caller is written down once in this time.
const DENIAL_EVERY: TimeDelta = TimeDelta::seconds(10);
/// Kinds of denials that are told apart at once: a caller and a route each.
const KINDS_MAX: usize = 256;
/// Names that are counted apart; the others are summed under one.
const NAMES_MAX: usize = 256;

/// What is known of the callers.
#[derive(Debug, Default)]
pub(super) struct Limits {
    addresses: Mutex<Buckets<IpAddr>>,
    names: Mutex<Buckets<String>>,
    denials: Mutex<Denials>,
}

impl Limits {
    /// Takes one request from an address's allowance, or says how long to wait for the next.
    pub(super) fn take_address(
        &self,
        address: Option<IpAddr>,
        now: DateTime<Utc>,
    ) -> Result<(), Duration> {
        let Some(address) = address else { return Ok(()) };
        let mut buckets = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.take(network(address), BY_ADDRESS, now)
    }

    /// As [`Limits::take_address`], of a caller.
    pub(super) fn take_name(&self, name: &str, now: DateTime<Utc>) -> Result<(), Duration> {
        let mut buckets = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.take(name.to_owned(), BY_NAME, now)
    }

    /// Counts a denial. Returns what to write down, if this one is written down by itself.
    pub(super) fn deny(
        &self,
        denial: &Denial,
        address: Option<IpAddr>,
        now: DateTime<Utc>,
    ) -> Option<Entry> {
        let mut denials = self.denials.lock().unwrap_or_else(PoisonError::into_inner);
        denials.count(denial, now).then(|| denial.entry(address))
    }

    /// What was counted and not written down yet: one event a caller.
    pub(super) fn uncounted(&self) -> Vec<Entry> {
        let mut denials = self.denials.lock().unwrap_or_else(PoisonError::into_inner);
        let silent = std::mem::take(&mut denials.silent);
        silent.into_iter().map(|(name, sum)| sum.entry(&name)).collect()
    }
}

/// Who owns an IPv6 network has 2^64 addresses, and one allowance.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(network))
        }
    }
}

/// Token buckets, by whatever is limited.
#[derive(Debug)]
struct Buckets<K>(BTreeMap<K, Bucket>);

impl<K> Default for Buckets<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: DateTime<Utc>,
}

impl<K: Ord + Clone> Buckets<K> {
    fn take(&mut self, key: K, rate: Rate, now: DateTime<Utc>) -> Result<(), Duration> {
        if self.0.len() >= BUCKETS_MAX && !self.0.contains_key(&key) {
            // Whoever was quiet longest has the fullest bucket, and loses least.
            let quiet = self.0.iter().min_by_key(|(_, bucket)| bucket.at);
            if let Some(quiet) = quiet.map(|(key, _)| key.clone()) {
                self.0.remove(&quiet);
            }
        }
        let full = Bucket { left: rate.burst, at: now };
        let bucket = self.0.entry(key).or_insert(full);
        let passed = (now - bucket.at).to_std().unwrap_or_default();
        bucket.left = (bucket.left + passed.as_secs_f64() * rate.per_second).min(rate.burst);
        bucket.at = now;
        if bucket.left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - bucket.left) / rate.per_second));
        }
        bucket.left -= 1.0;
        Ok(())
    }
}

/// One kind of denial: all members come from us and not from the client.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Denial {
    /// `anonymous`, or the name of whoever was recognised.
    pub(super) name: String,
    /// The route, as `POST /v1/holds`.
    pub(super) asked: String,
    pub(super) status: u16,
}

impl Denial {
    fn entry(&self, address: Option<IpAddr>) -> Entry {
        let Self { name, asked, status } = self;
        let summary = format!("{asked} denied to {name}: {status}");
        let address = address.map(|address| address.to_string());
        let data = json!({ "asked": asked, "status": status, "address": address, "count": 1 });
        Entry::by(name, "control/api", "access.denied", summary, data)
    }
}

/// Denials that are only counted.
#[derive(Debug)]
struct Sum {
    since: DateTime<Utc>,
    count: u64,
    /// One of them, so that the event says something.
    example: String,
}

impl Sum {
    fn entry(&self, name: &str) -> Entry {
        let Self { since, count, example } = self;
        let from = since.format("%H:%M:%S");
        let summary = format!("{count} more denied to {name} since {from}, such as {example}");
        let data = json!({ "count": count, "since": since, "example": example });
        Entry::by(name, "control/api", "access.denied", summary, data)
    }
}

#[derive(Debug, Default)]
struct Denials {
    recent: BTreeMap<Denial, DateTime<Utc>>,
    written: Buckets<String>,
    silent: BTreeMap<String, Sum>,
}

impl Denials {
    /// True when this one shall be written down by itself.
    fn count(&mut self, denial: &Denial, now: DateTime<Utc>) -> bool {
        self.recent.retain(|_, at| now - *at < DENIAL_EVERY);
        let news = !self.recent.contains_key(denial) && self.recent.len() < KINDS_MAX;
        if news && self.written.take(denial.name.clone(), BY_DENIED, now).is_ok() {
            self.recent.insert(denial.clone(), now);
            return true;
        }
        let known = self.silent.len() < NAMES_MAX || self.silent.contains_key(&denial.name);
        let name = if known { denial.name.as_str() } else { "others" };
        let none = || Sum { since: now, count: 0, example: denial.asked.clone() };
        let sum = self.silent.entry(name.to_owned()).or_insert_with(none);
        sum.count = sum.count.saturating_add(1);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(second: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    fn denial(name: &str, asked: &str) -> Denial {
        Denial { name: name.to_owned(), asked: asked.to_owned(), status: 403 }
    }

    #[test]
    fn a_burst_is_allowed_and_then_a_steady_rate() {
        let limits = Limits::default();
        let take = |name: &str, at| limits.take_name(name, second(at));
        assert_eq!((0..200).filter(|_| take("a", 0).is_ok()).count(), 100);
        assert_eq!(take("a", 0), Err(Duration::from_millis(50)));
        assert_eq!(take("b", 0), Ok(()), "each caller has its own allowance");
        assert_eq!((0..200).filter(|_| take("a", 1).is_ok()).count(), 20);
    }

    #[test]
    fn an_ipv6_network_and_a_mapped_address_have_one_allowance() {
        let limits = Limits::default();
        let taken = |address: String| {
            limits.take_address(Some(address.parse().unwrap()), second(0)).is_ok()
        };
        let network = (0..600).filter(|host| taken(format!("2001:db8::{host:x}"))).count();
        assert_eq!(network, 500);
        assert!(taken("2001:db8:0:1::1".to_owned()), "the next network");
        let mapped = (0..600).filter(|one| {
            taken(if one % 2 == 0 { "10.0.0.1" } else { "::ffff:10.0.0.1" }.to_owned())
        });
        assert_eq!(mapped.count(), 500);
    }

    #[test]
    fn buckets_are_bounded_and_the_quietest_goes_first() {
        let mut buckets = Buckets::default();
        for caller in 0..5_000_i64 {
            buckets.take(caller, BY_NAME, second(caller)).unwrap();
        }
        assert_eq!(buckets.0.len(), BUCKETS_MAX);
        assert_eq!(buckets.0.keys().next(), Some(&(5_000 - 1_024)));
    }

    #[test]
    fn every_denial_is_written_down_alone_or_in_a_sum() {
        let limits = Limits::default();
        let mut alone = 0;
        for at in 0..1_000 {
            for route in 0..40 {
                let denial = denial("anonymous", &format!("GET /{route}"));
                alone += u64::from(limits.deny(&denial, None, second(at)).is_some());
            }
        }
        // The burst, and then one each ten seconds.
        assert_eq!(alone, 10 + 99);
        let sums = limits.uncounted();
        assert_eq!(sums.len(), 1);
        assert_eq!(sums[0].data["count"], 40_000 - alone);
        assert!(limits.uncounted().is_empty(), "once");
    }

    #[test]
    fn a_flood_of_one_caller_does_not_hide_what_another_is_denied() {
        let limits = Limits::default();
        for name in 0..1_000 {
            limits.deny(&denial(&format!("n{name}"), "GET /x"), None, second(0));
        }
        let flood = (0..1_000).filter(|route| {
            let denial = denial("anonymous", &format!("GET /{route}"));
            limits.deny(&denial, None, second(20)).is_some()
        });
        assert_eq!(flood.count(), 10);
        assert!(limits.deny(&denial("eye", "POST /v1/holds"), None, second(20)).is_some());
        let sum: u64 = limits.uncounted().iter().filter_map(|sum| sum.data["count"].as_u64()).sum();
        assert_eq!(sum, (1_000 - 256) + (1_000 - 10));
    }
}
