//! One row per kind of plan.

use super::*;

const LIMITS: Limits = Limits {
    minimum_healthy_percent: 100,
    maximum_percent: 200,
    circuit_breaker: true,
    rollback: false,
};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).expect("a time in range")
}

/// Words such as `h:a` (healthy, primary, zone a), `C:b` (coming, old deployment, zone b),
/// `u:c` (unhealthy). Ids count from 1; later tasks are newer.
fn tasks(picture: &str) -> Vec<TaskSeen> {
    let words = (0..).zip(picture.split_whitespace());
    let tasks = words.map(|(index, word): (u32, &str)| {
        let (condition, zone) = word.split_once(':').expect("condition:zone");
        TaskSeen {
            id: format!("{}", index + 1),
            zone: zone.to_owned(),
            primary: condition.to_lowercase() == condition,
            condition: match condition.to_lowercase().as_str() {
                "h" => Condition::Healthy,
                "c" => Condition::Coming,
                _ => Condition::Unhealthy,
            },
            created_at: now() - TimeDelta::hours(1) + TimeDelta::seconds(index.into()),
        }
    });
    tasks.collect()
}

fn seen<'a>(desired: u32, picture: &str, zones: &'a [String]) -> ServiceSeen<'a> {
    let (failed_tasks, last_failure_at) = (0, None);
    let (limits, tasks) = (LIMITS, tasks(picture));
    ServiceSeen { desired, limits, failed: false, failed_tasks, last_failure_at, zones, tasks }
}

/// The plan as text: `+zone` for a start, `-id cause` for a stop.
fn words(plan: &Plan) -> String {
    let starts = plan.start.iter().map(|zone| format!("+{zone}"));
    let stops = plan.stop.iter().map(|(id, cause)| format!("-{id} {cause:?}"));
    starts.chain(stops).collect::<Vec<_>>().join(", ")
}

fn zones() -> Vec<String> {
    ["a", "b", "c"].map(String::from).to_vec()
}

#[test]
fn each_situation_has_its_plan() {
    let zones = zones();
    let rows = [
        ("an empty service fills all zones", 3, "", "+a, +b, +c"),
        ("more tasks than zones go round", 5, "", "+a, +b, +c, +a, +b"),
        ("what is coming counts", 3, "c:a h:b c:c", ""),
        ("a lost task is replaced in its zone", 3, "h:a h:c", "+b"),
        ("scaling out goes to the emptiest zone", 4, "h:a h:b h:b", "+c"),
        (
            "scaling in takes the newest of the fullest zone",
            3,
            "h:a h:b h:c h:a h:a",
            "-5 ScaleIn, -4 ScaleIn",
        ),
        ("scaling in prefers one that does not serve", 2, "h:a h:a c:b", "-3 ScaleIn"),
        ("an unhealthy task is replaced", 3, "h:a u:b h:c", "+b, -2 Unhealthy"),
        ("a deployment starts a whole new set first", 3, "H:a H:b H:c", "+a, +b, +c"),
        ("old tasks stay until the new ones are healthy", 3, "H:a H:b H:c c:a c:b c:c", ""),
        (
            "each healthy new task lets the oldest one go",
            3,
            "H:a H:b H:c h:a h:b c:c",
            "-1 Replaced, -2 Replaced",
        ),
        ("an old task that never served goes at once", 2, "C:a H:b H:c", "+a, -1 Replaced"),
        ("desired zero stops everything", 0, "h:a c:b", "-2 ScaleIn, -1 ScaleIn"),
    ];
    for (name, desired, picture, want) in rows {
        assert_eq!(words(&plan(&seen(desired, picture, &zones), now())), want, "{name}");
    }
}

#[test]
fn a_deployment_within_a_hundred_percent_stops_before_it_starts() {
    let zones = zones();
    let limits = Limits { minimum_healthy_percent: 50, maximum_percent: 100, ..LIMITS };
    let mut service = seen(4, "H:a H:b H:c H:a", &zones);
    service.limits = limits;
    assert_eq!(words(&plan(&service, now())), "-1 Replaced, -2 Replaced");
    let mut service = seen(4, "H:c H:a", &zones);
    service.limits = limits;
    assert_eq!(words(&plan(&service, now())), "+b, +a");
}

#[test]
fn a_failed_deployment_starts_nothing_and_keeps_the_old_tasks() {
    let zones = zones();
    let mut service = seen(2, "H:a H:b", &zones);
    service.failed = true;
    assert_eq!(words(&plan(&service, now())), "");
}

#[test]
fn repeated_failures_slow_the_starts_down() {
    let zones = zones();
    for (failures, age_seconds, starts) in
        [(2, 0, true), (3, 0, false), (3, 1, true), (5, 3, false), (5, 4, true), (90, 60, true)]
    {
        let mut service = seen(1, "", &zones);
        service.failed_tasks = failures;
        service.last_failure_at = Some(now() - TimeDelta::seconds(age_seconds));
        let started = !plan(&service, now()).start.is_empty();
        assert_eq!(started, starts, "{failures} failures, the last {age_seconds} s ago");
    }
}

#[test]
fn steady_means_all_wanted_and_only_wanted_tasks_are_healthy() {
    let zones = zones();
    for (picture, steady) in
        [("h:a h:b", true), ("h:a", false), ("h:a c:b", false), ("h:a h:b H:c", false)]
    {
        assert_eq!(plan(&seen(2, picture, &zones), now()).steady, steady, "{picture}");
    }
}

#[test]
fn the_circuit_breaker_counts_half_of_the_tasks_between_3_and_200() {
    for (desired, allowed) in [(0, 3), (1, 3), (6, 3), (7, 4), (20, 10), (1_000, 200)] {
        assert_eq!(failures_allowed(desired), allowed, "{desired} tasks");
    }
}
