//! Environment files: the shipped ones are right, and wrong ones are refused with every fault.

use std::path::{Path, PathBuf};

use protocol::control::{Mode, Tier};

use super::{read_environments, read_prices};
use crate::cost::Item;

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[test]
fn the_shipped_environment_is_without_fault() {
    let read = read_environments(&[shipped("environments/local.yaml")]);
    let environment = read.unwrap_or_else(|faults| panic!("{faults}")).remove(0);
    assert_eq!(environment.name, "local");
    assert_eq!((environment.tier, environment.mode), (Tier::Local, Mode::Act));
    assert_eq!((environment.scaling.tasks_min, environment.scaling.tasks_max), (3, 9));
    assert_eq!(environment.prices.items[&Item::FargateVcpu].micros, 69_600);
    assert_eq!(environment.routes.topics.len(), 3);
    assert_eq!(environment.slos.len(), 1);
}

/// Each row breaks the shipped file in one place; the fault names the line, the field, the limit.
#[test]
fn a_fault_is_named_with_its_line_its_field_and_its_limit() {
    #[rustfmt::skip]
    let table = [
        ("tasks: { min: 3, max: 9 }", "tasks: { min: 0, max: 9 }", "scaling.tasks.min: must be a whole number from 1 to 5000"),
        ("tasks: { min: 3, max: 9 }", "tasks: { min: 10, max: 9 }", "scaling.tasks: min 10 is above max 9"),
        ("cpu_percent: 60,", "cpu_percent: 99,", "scaling.targets.cpu_percent: must be a number from 1 to 95"),
        ("band: 10%", "band: 0%", "scaling.band: must be from 1% to 50%"),
        ("points: 9,", "points: 60,", "scaling.in: points: 60 periods reach back further than 900 s; 44 at most"),
        ("points: 9,", "points: 1,", "scaling: in.points must be at least out.points: adding is the safe direction"),
        ("mode: own", "mode: yolo", "scaling.mode: `yolo` is none of own, floor"),
        ("mode: act", "mode: atc", "mode: `atc` is none of observe, advise, act"),
        ("scaling:", "scalin:", "unknown key `scalin`; did you mean `scaling`?"),
        ("\"000000000000\"", "\"12\"", "account: `12` must be the 12 digits of an AWS account, in quotes"),
        ("zero_if: requests", "zero_if: request", "signals.errors: absent: zero_if: `request` is no signal here"),
        ("zero_if: requests", "zero_if: cpu_percent", "signals.errors: absent: zero_if: `cpu_percent` has another period"),
        ("statistic: p95, period: 10s", "statistic: q95, period: 10s", "signals.p95_ms.statistic: `q95` is none of Average, Sum, Minimum, Maximum, SampleCount and p0 to p100"),
        ("statistic: p95, period: 10s", "statistic: p95, period: 7s", "signals.p95_ms.period: must be 1s, 5s, 10s, 20s, 30s or whole minutes"),
        ("statistic: p95, period: 10s, max_age: 45s", "statistic: p95, period: 10s, max_age: 15s", "signals.p95_ms.max_age: must be at least two periods, or a reading is stale before the next"),
        ("above: { p95_ms: 100 }", "above: { p96_ms: 100 }", "alerts[2].when.above.p96_ms: `p96_ms` is no signal here; did you mean `p95_ms`?"),
        ("name: errors-high", "name: latency-high", "alerts[2]: `latency-high` is the name of another rule"),
        ("  P3: { email:", "  # P3: { email:", "alerts[3].severity: topics has none for P3"),
        ("P1: { sms: \"arn:aws:sns:sa-east-1:000000000000:wallet-local-p1-sms\", ", "P1: { ", "topics.P1: `sms` is missing"),
        ("sms: \"arn:aws:sns:sa-east-1:000000000000:wallet-local-second-sms\", email: \"arn:aws:sns:sa-east-1:000000000000:wallet-local-second\"", "", "notify.next_in_line[0]: must name a topic for sms, for email, or for both"),
        ("ack_timeout: 1h", "ack_timeout: 1s", "notify.ack_timeout: must be a duration from 5m to 1d"),
        ("symptom_of: [aurora-writer-down], expected", "symptom_of: [aurora-down], expected", "alerts[1]: symptom_of: `aurora-down` is no rule here"),
        ("symptom_of: [aurora-writer-down], expected", "symptom_of: [no-cpu-data], expected", "alerts[1]: symptom_of: `no-cpu-data` is only P3 and must not keep a P1 quiet"),
        ("symptom_of: [aurora-writer-down], expected", "symptom_of: [budget-burns-fast], expected", "alerts[1]: symptom_of: leads back to the rule itself, so none would be told"),
        ("factor: 14.4, long: 1h, short: 5m", "factor: 14.4, long: 1h, short: 1h", "alerts[6].when.burn: short must be half of long at most"),
        ("slo: availability, factor: 14.4", "slo: available, factor: 14.4", "alerts[6].when.burn.slo: `available` is no objective here"),
        ("total: requests, bad: errors", "total: requests, bad: p95_ms", "slos[0].bad: `p95_ms` is a p95; only a Sum can be counted"),
        ("objective: 99.99%", "objective: 100%", "slos[0].objective: must be from 50% to 99.9999%"),
        ("{ anomaly: requests }", "{ anomaly: tps }", "alerts[9].when.anomaly: `tps` is made by control and has no past to compare with"),
        ("usd_per_month: 9050", "usd_per_month: 0", "budget.usd_per_month: must be a whole number from 1 to 10000000"),
        ("region: sa-east-1", "region: us-east-1", "prices: holds the prices of sa-east-1, not of us-east-1"),
        ("prices: ../prices/sa-east-1.yaml", "prices: nowhere.yaml", "prices: `nowhere.yaml` has faults of its own"),
    ];
    for (right, wrong, want) in table {
        let text = std::fs::read_to_string(shipped("environments/local.yaml")).unwrap();
        let at = text.find(right).unwrap_or_else(|| panic!("{right} is not in the file"));
        let line = text[..at].lines().count().max(1);
        let faults = faults_of(&text.replacen(right, wrong, 1));
        let found = faults.iter().find(|fault| fault.contains(want));
        let found = found.unwrap_or_else(|| panic!("{wrong}: {faults:#?}"));
        let named: usize = found.split(':').nth(1).unwrap().parse().unwrap();
        assert!(named >= 1, "{found}");
        if !want.contains("alerts[")
            && !want.starts_with("scaling:")
            && !right.starts_with("region")
        {
            assert!(named.abs_diff(line) <= 1, "{found}, expected about line {line}");
        }
    }
}

#[test]
fn all_faults_of_a_file_are_told_at_once() {
    let text = std::fs::read_to_string(shipped("environments/local.yaml")).unwrap();
    let text = text
        .replacen("tier: local", "tier: locale", 1)
        .replacen("min: 3", "min: three", 1)
        .replacen("metric: Errors,", "metrics: Errors,", 1)
        .replacen("severity: P2", "severity: P9", 1);
    let faults = faults_of(&text);
    for want in [
        "tier: `locale` is none of local, staging, production",
        "scaling.tasks.min: must be a whole number",
        "unknown key `metrics`; did you mean `metric`?",
        "`metric` is missing",
        "severity: `P9` is none of P1, P2, P3, P4",
    ] {
        assert!(faults.iter().any(|fault| fault.contains(want)), "{want} in {faults:#?}");
    }
}

/// The parts that say who hears of what are read to their end, too.
#[test]
fn faults_of_topics_windows_and_objectives_are_told_at_once() {
    let text = std::fs::read_to_string(shipped("environments/local.yaml")).unwrap();
    let window = "maintenance:\n  - { name: patching, weekday: sunday, at: 6, lasts: 2d, \
                  until: never, match: {}, reason: patches }\n\nbudget:";
    let text = text
        .replacen("budget:", window, 1)
        .replacen("digest_every: 15m", "digest_every: 1s", 1)
        .replacen("requests_min: 1000", "requests_min: 0", 1);
    let faults = faults_of(&text);
    for want in [
        "maintenance[0].weekday: `sunday` is none of mon, tue",
        "maintenance[0].at: `6` must be a time of day in UTC",
        "maintenance[0].lasts: must be a duration from 1m to 1d",
        "maintenance[0].until: `never` must be a date",
        "maintenance[0].match: must name a rule, a resource or a severity",
        "notify.digest_every: must be a duration from 1m to 1d",
        "slos[0].requests_min: must be a number from 1 to",
    ] {
        assert!(faults.iter().any(|fault| fault.contains(want)), "{want} in {faults:#?}");
    }
}

#[test]
fn a_faulty_price_file_is_named_with_its_own_line() {
    let dir = tempfile::tempdir().unwrap();
    let prices = std::fs::read_to_string(shipped("prices/sa-east-1.yaml")).unwrap();
    let prices = prices.replacen("0.0696", "-1", 1).replacen("2026-09-01", "yesterday", 1);
    std::fs::write(dir.path().join("prices.yaml"), prices).unwrap();
    let text = std::fs::read_to_string(shipped("environments/local.yaml")).unwrap();
    let path = dir.path().join("local.yaml");
    std::fs::write(&path, text.replacen("../prices/sa-east-1.yaml", "prices.yaml", 1)).unwrap();
    let faults = read_environments(&[path]).unwrap_err().to_string();
    assert!(
        faults.contains("prices.yaml:18: hourly.fargate_vcpu.usd: must be a number from 0 to 1000"),
        "{faults}"
    );
    assert!(faults.contains("prices.yaml:5: as_of: `yesterday` must be a date"), "{faults}");
}

#[test]
fn two_files_may_not_name_the_same_environment() {
    let path = shipped("environments/local.yaml");
    let faults = read_environments(&[path.clone(), path]).unwrap_err().to_string();
    assert!(faults.contains("name: `local` is the name of"), "{faults}");
}

/// Each row breaks the shipped prices in one place.
#[test]
fn a_fault_of_the_prices_is_named_with_its_line_its_field_and_its_limit() {
    let shipped = std::fs::read_to_string(shipped("prices/sa-east-1.yaml")).unwrap();
    #[rustfmt::skip]
    let table = [
        ("kind: Prices", "kind: Price", "3: kind: `Price` is none of Prices"),
        ("{ usd: 0.0076, source: pages-2026-09 }", "{ usd: 0.0076 }", "19: hourly.fargate_gb: `source` is missing"),
        ("{ usd: 0.0076, source: pages-2026-09 }", "{ usd: 0.0076, source: pages-2026-9 }", "19: hourly.fargate_gb.source: `pages-2026-9` is none of the sources above; did you mean `pages-2026-09`?"),
        ("{ usd: 0.0076, source: pages-2026-09 }", "{ usd: 0.00760001, source: pages-2026-09 }", "19: hourly.fargate_gb.usd: must have six decimals at most"),
        ("fargate_gb:  ", "fargate_tb:  ", "19: hourly.fargate_tb: unknown item `fargate_tb`; did you mean `fargate_gb`?"),
        ("fargate_gb:  ", "fargate_tb:  ", "18: hourly: `fargate_gb` is missing"),
        ("dated: \"2021-08-03\"", "dated: 2021", "sources.table-2021-08.dated: `2021` must be a date as 2026-09-01"),
        ("trust: list,", "trust: full,", "sources.list-2026-08.trust: `full` is none of list, copied, derived"),
        ("covers: tasks, ", "covers: task, ", "commitments[0].covers: `task` is none of tasks, database, cache, spot_tasks"),
        ("off: 20%", "off: 99%", "commitments[0].off: must be from 1% to 95%"),
        ("by_use:", "by_user:", "unknown key `by_user`; did you mean `by_use`?"),
    ];
    for (right, wrong, want) in table {
        assert!(shipped.contains(right), "{right} is not in the file");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("prices.yaml");
        std::fs::write(&path, shipped.replacen(right, wrong, 1)).unwrap();
        let faults = read_prices(&path).expect_err(wrong).to_string();
        assert!(faults.contains(want), "{wrong}: {faults}");
    }
}

#[test]
fn all_faults_of_what_is_declared_are_told_at_once() {
    let text = std::fs::read_to_string(shipped("environments/local.yaml")).unwrap();
    let (text, _) = text.split_once("cost:\n").unwrap();
    let cost = "\
cost:
  counts: { nat_gatway: 1, alarm: -1 }
  batch: { task_hours_per_month: 730001, cpu_units: 0, memory_mib: 2048 }
  logs: { kept: 7d, archive_after: 30d }
  backups: { kept: 1h, needed: 7d }
  bakups: {}
";
    let faults = faults_of(&format!("{text}\n{cost}"));
    for want in [
        "cost.counts.nat_gatway: unknown item `nat_gatway`; did you mean `nat_gateway`?",
        "cost.counts.alarm: must be a whole number from 0 to 100000",
        "cost.batch.task_hours_per_month: must be a whole number from 0 to 730000",
        "cost.batch.cpu_units: must be a whole number from 1 to 16384",
        "cost.logs: archive_after must be shorter than kept, or nothing is archived",
        "cost.backups.kept: must be a duration from 1d to 3653d",
        "cost: unknown key `bakups`; did you mean `backups`?",
    ] {
        assert!(faults.iter().any(|fault| fault.contains(want)), "{want} in {faults:#?}");
    }
}

fn faults_of(text: &str) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("environments")).unwrap();
    std::fs::create_dir(dir.path().join("prices")).unwrap();
    std::fs::copy(shipped("prices/sa-east-1.yaml"), dir.path().join("prices/sa-east-1.yaml"))
        .unwrap();
    let path = dir.path().join("environments/local.yaml");
    std::fs::write(&path, text).unwrap();
    let faults = read_environments(&[path]).expect_err("the file has a fault");
    faults.0.iter().map(ToString::to_string).collect()
}
