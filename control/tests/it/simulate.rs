//! Simulated worlds by seed, with the invariants checked at each tick; a smaller run of what
//! `control simulate --seeds 1000 --days 10` does in release.

use control::simulate::scenario::{Scenario, play, read, shipped};

fn scenario(name: &str) -> Scenario {
    read(&shipped(&format!("{name}.yaml"))).unwrap_or_else(|faults| panic!("{faults}"))
}

/// Plays seeds and panics with every fault of the first broken one.
fn sound(name: &str, seeds: std::ops::Range<u64>, days: u32) -> Vec<play::Played> {
    let scenario = scenario(name);
    let played: Vec<_> = seeds.map(|seed| play::play(&scenario, seed, days)).collect();
    for one in &played {
        let faults = one.faults.join("\n");
        assert!(one.faults.is_empty(), "{name} with --seed {}:\n{faults}", one.seed);
    }
    played
}

#[test]
fn nothing_breaks_in_any_weather() {
    let played = sound("everything", 1..3, 1);
    let changes: u32 = played.iter().map(|one| one.ours.outs + one.ours.ins).sum();
    assert!(changes > 20, "only {changes} changes: the worlds are too quiet to show anything");
    let fired: u32 = played.iter().flat_map(|one| &one.fired).map(|(_, times)| times).sum();
    assert!(fired > 2, "only {fired} alerts: the worlds are too quiet to show anything");
}

/// Ten minutes without a metric at four fifths of what the fleet can do: nobody is removed, and
/// somebody is told.
#[test]
fn silence_removes_nothing_and_is_told() {
    let played = sound("metrics-outage", 1..2, 1);
    for one in &played {
        assert!(one.fired.iter().any(|(rule, _)| rule == "no-traffic-data"), "{:?}", one.fired);
    }
}

#[test]
fn each_trouble_alone_is_lived_through() {
    for name in ["deployment-in-a-rise", "aws-throttled", "writer-failover", "lost-replies"] {
        sound(name, 1..2, 1);
    }
}

#[test]
fn a_seed_is_a_world_that_can_be_played_again() {
    let scenario = scenario("everything");
    let (once, again) = (play::play(&scenario, 7, 1), play::play(&scenario, 7, 1));
    assert_eq!(once.ours, again.ours);
    assert_ne!(scenario.trace(7, 1), scenario.trace(8, 1));
}
