//! Scenario files: those that ship are sound, and every fault of a wrong one is named.

use super::read;

const SOUND: &str = "\
kind: Scenario
name: story
summary: A story
environment: ENVIRONMENT
start: 2026-03-02T00:00:00Z
days: 1
load: { sustained: 800, peak: 1600 }
";

fn faults(text: &str) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.yaml");
    let local = concat!(env!("CARGO_MANIFEST_DIR"), "/environments/local.yaml");
    std::fs::write(&path, text.replace("ENVIRONMENT", local)).unwrap();
    let faults = read(&path).err().map(|faults| faults.0).unwrap_or_default();
    faults.iter().map(|one| format!("{}: {}: {}", one.line, one.field, one.message)).collect()
}

#[test]
fn every_shipped_scenario_is_sound() {
    let folder = super::shipped("");
    let mut read_files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let scenario = read(&path).unwrap_or_else(|faults| panic!("{faults}"));
        assert_eq!(path.file_stem().unwrap().to_str(), Some(scenario.name.as_str()));
        read_files += 1;
    }
    assert!(read_files >= 9, "{read_files} files: some are missing");
}

#[test]
fn every_fault_of_a_scenario_is_named_with_its_line_and_limit() {
    assert_eq!(faults(SOUND), [""; 0]);
    let text = SOUND
        .replace("days: 1", "days: 0")
        .replace("2026-03-02T00:00:00Z", "tomorrow")
        .replace("sustained: 800, peak: 1600", "sustained: 800, peak: 160, nigth: 20%");
    let text = format!(
        "{text}service: {{ service_ms: 60 }}\ntroubles:\n  - {{ kind: flood, per_day: 1, \
         for: {{ from: 1m, to: 1m }} }}\n  - {{ kind: held, at: 1h, per_day: 1, for: {{ from: 2m, \
         to: 1m }} }}\nexpect: {{ availability: 99.9 }}\n"
    );
    assert_eq!(
        faults(&text),
        [
            "5: start: `tomorrow` must be an instant as 2026-03-02T00:00:00Z",
            "6: days: must be a whole number from 1 to 366",
            "7: load: unknown key `nigth`; did you mean `night`?",
            "7: load: peak 160 is below sustained 800",
            "8: service: service_ms: an idle service would need 180 ms for its p95, beyond 100 ms",
            "10: troubles[0].kind: `flood` is none of metrics_silent, metrics_partial, \
             aws_throttled, reply_lost, request_lost, deployment, writer_failover, held",
            "11: troubles[1].for: from must not be above to",
            "11: troubles[1]: must say exactly one of at, per_day",
            "12: expect.availability: must be a share from 0% to 100%, written with the percent \
             sign",
        ]
    );
}

#[test]
fn a_fault_of_the_environment_is_told_too() {
    let text = SOUND.replace("ENVIRONMENT", "nowhere.yaml").replace("days: 1", "days: 400");
    let told = faults(&text);
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(told[0], "4: environment: `nowhere.yaml` has faults of its own");
    assert!(told[2].contains("cannot be read"), "{told:?}");
}
