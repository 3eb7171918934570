//! Every runbook in the repository is sound, and every way to break one is found with its line.

use control::{drill, runbook::library::Library, runbook::parse};
use std::{fs, path::Path};

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../runbooks")
}

fn failover() -> String {
    fs::read_to_string(folder().join("aurora-writer-failover.yaml")).unwrap()
}

#[test]
fn every_file_in_the_repository_is_sound() {
    let library = Library::load(&folder()).unwrap_or_else(|faults| panic!("{faults}"));
    assert!(library.runbooks.contains_key("aurora-writer-failover"));
    assert!(library.drills.contains_key("aurora-failover-gameday"));
}

#[test]
fn each_way_to_break_a_runbook_is_found_with_its_line() {
    #[rustfmt::skip]
    let table = [
        // what is written,            instead of,                      the fault
        ("revision: 1",                "revision: one",                 "must be a whole number"),
        ("kind: Runbook",              "kind: Runbok",                  "`Runbok` is none of Runbook"),
        ("owner: platform",            "ownr: platform",                "unknown key `ownr`; did you mean `owner`?"),
        ("lock: { on: \"${cluster}\"", "lock: { on: \"${clustr}\"",     "unknown name `${clustr}`; did you mean `${cluster}`?"),
        ("lock: { on: \"${cluster}\"", "lock: { on: \"wallet-local\"",  "must be one parameter of type resource"),
        ("deadline: 15m",              "deadline: 15",                  "must be a duration from 1s to 1d"),
        ("rto: 60s, rpo: 0",           "rto: 60s, rpo: 5",              "must be a whole number from 0 to 0"),
        ("field: readers_available, is: \">= 1\"", "field: readers_up, is: \">= 1\"", "no field `readers_up` here"),
        ("is: \"= available\" }\nsteps", "is: \"available\" }\nsteps",  "must be a comparison and a value"),
        ("is: \">= 1\"",               "is: \">= many\"",               "compares with something that is no number"),
        ("check: aurora.describe",     "check: redis.describe",         "is none of aurora.describe"),
        ("save: [writer, readers,",    "save: [writter, readers,",      "cannot save `writter`"),
        ("from: \"${before.readers}\"", "from: \"${pick.instance}\"",   "unknown name `${pick.instance}`"),
        ("    lag_max: 1s\n",          "",                              "`lag_max` is missing"),
        ("need: 1, role",              "need: 0, role",                 "must be a whole number from 1 to 5"),
        ("act: scaling.hold",          "act: scaling.hald",             "unknown action `scaling.hald`; did you mean `scaling.hold`?"),
        ("direction: in, expires",     "direction: down, expires",      "`down` is not a direction"),
        ("expires: 20m }",             "expires: 20d }",                "`20d` is not a expires"),
        ("with: { direction: in, expires: 20m }", "with: { expires: 20m }", "`direction` is missing"),
        ("undo: { act: scaling.release }", "undo: { act: rds.failover_db_cluster }", "an undo must need no arguments"),
        ("effect: once",               "effect: convergent",            "`rds.failover_db_cluster` is Once by nature"),
        ("target: \"${pick.instance}\" }", "target: \"${pick.instanse}\" }", "did you mean `${pick.instance}`?"),
        ("on_unknown: { observe: 3m, then: pause }", "on_unknown: { observe: 3m, then: retry }", "`retry` is none of pause"),
        ("    timeout: 3m\n",          "",                              "`timeout` is missing"),
        ("probe: wallet.deposit, is: ok, for: 5 consecutive", "probe: wallet.deposit, is: ok, for: 5s", "as `5 consecutive`"),
        ("probe: wallet.deposit, is: ok, for: 5 consecutive", "signal: p95, is: \"< 100\", max_age: 60s", "no signal `p95`; did you mean `p95_ms`?"),
        ("probe: wallet.deposit, is: ok, for: 5 consecutive", "signal: p95_ms, is: \"< 100\"", "`max_age` is missing"),
        ("- id: report",               "- id: promote",                 "`promote` is taken"),
        ("  - id: report\n",           "  - id: report\n    when: { step: writer_up, is: timed_out }\n", "can never be reached"),
        ("  - id: report\n",           "  - id: report\n    when: { step: nowhere, is: done }\n",        "no step `nowhere` stands above"),
        ("measure: [rto, phases]",     "measure: [rto, phases]\n    every: 1s", "`every` has no meaning for this kind of step"),
        ("measure: [rto, phases]",     "measure: [rto, phases]\n    check: aurora.describe", "exactly one of check, choose"),
        ("always: [ hold_scaling.undo ]", "always: [ promote.undo ]",   "step `promote` has no undo"),
        ("always: [ hold_scaling.undo ]", "always: [ hold_scaling ]",   "must be a step's undo"),
        ("on_failure: pause",          "on_failure: retry",             "`retry` is none of pause"),
    ];
    let sound = failover();
    for (from, to, message) in table {
        assert!(sound.contains(from), "the corpus is behind the runbook: {from}");
        let broken = sound.replacen(from, to, 1);
        let faults = parse::runbook("book.yaml", &broken).expect_err(to);
        let found = faults.0.iter().find(|fault| fault.message.contains(message));
        let fault = found.unwrap_or_else(|| panic!("{to}: {faults}"));
        let changed = sound.lines().zip(broken.lines()).position(|(a, b)| a != b).unwrap();
        assert!(fault.line <= broken.lines().count(), "{fault}");
        // The fault stands at the change, or at the step or map that lacks something.
        assert!(fault.line.abs_diff(changed + 1) <= 8, "{to}: line {} for {fault}", changed + 1);
    }
}

#[test]
fn a_once_step_without_a_way_to_observe_it_is_refused() {
    let sound = failover();
    let start = sound.find("    observe:").unwrap();
    let end = sound.find("    on_unknown:").unwrap();
    let broken = format!("{}{}", &sound[..start], &sound[end..]);
    let faults = parse::runbook("book.yaml", &broken).unwrap_err().to_string();
    assert!(faults.contains("a `once` step needs `observe`"), "{faults}");
}

#[test]
fn an_approval_after_the_first_act_is_refused() {
    let sound = failover();
    let start = sound.find("  - id: approve").unwrap();
    let end = sound.find("  - id: hold_scaling").unwrap();
    let approve = &sound[start..end];
    let moved = format!("{}{}", &sound[..start], &sound[end..]);
    let broken = moved.replace("  - id: writer_up", &format!("{approve}  - id: writer_up"));
    let faults = parse::runbook("book.yaml", &broken).unwrap_err().to_string();
    assert!(faults.contains("an approval must come before the first `act`"), "{faults}");
}

#[test]
fn steps_of_one_stage_cannot_use_each_other() {
    let sound = failover();
    let parallel = "  - parallel:
      - id: before
        check: aurora.describe
        save: [writer, readers, readers_count, endpoint]
      - id: pick
        choose: aurora.failover_target
        from: \"${before.readers}\"
        lag_max: 1s
        save: [instance]

";
    let start = sound.find("  - id: before").unwrap();
    let end = sound.find("  - id: approve").unwrap();
    let broken = format!("{}{parallel}{}", &sound[..start], &sound[end..]);
    let faults = parse::runbook("book.yaml", &broken).unwrap_err();
    assert!(faults.0[0].message.contains("unknown name `${before.readers}`"), "{faults}");
}

#[test]
fn several_faults_are_reported_at_once_in_the_order_of_their_lines() {
    let broken = failover()
        .replace("deadline: 15m", "deadline: soon")
        .replace("effect: once", "effect: twice")
        .replace("measure: [rto, phases]", "measure: [rto, fun]");
    let faults = parse::runbook("book.yaml", &broken).unwrap_err();
    let lines: Vec<usize> = faults.0.iter().map(|fault| fault.line).collect();
    assert_eq!(faults.0.len(), 3, "{faults}");
    assert!(lines.is_sorted(), "{faults}");
    assert!(faults.to_string().starts_with("book.yaml:"), "{faults}");
}

#[test]
fn a_drill_without_an_abort_or_with_another_runbook_is_refused() {
    let file = folder().join("drills/aurora-failover-gameday.yaml");
    let sound = fs::read_to_string(file).unwrap();
    #[rustfmt::skip]
    let table = [
        ("  probe_failing_for: 120s\n", "",                   "`abort` is missing"),
        ("probe_failing_for: 120s",     "probe_failing: 1s",  "did you mean `probe_failing_for`?"),
        ("  rto: 60s",                  "  rto: 0s",          "must be a duration from 1s"),
        ("tiers: [local, staging]",     "tiers: [lokal]",     "`lokal` is none of local, staging, production"),
        ("severity: P2",                "severity: P9",       "`P9` is none of P1, P2, P3, P4"),
    ];
    for (from, to, message) in table {
        assert!(sound.contains(from), "{from}");
        let faults = drill::parse("drill.yaml", &sound.replacen(from, to, 1)).expect_err(to);
        assert!(faults.to_string().contains(message), "{to}: {faults}");
    }

    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("drills")).unwrap();
    fs::write(folder.path().join("drills/d.yaml"), &sound).unwrap();
    let faults = Library::load(folder.path()).unwrap_err().to_string();
    assert!(faults.contains("rehearses `aurora-writer-failover`, which is not among"), "{faults}");
}
