//! Checks the source text itself: the rules that the compiler and clippy cannot express.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Code under a path that must not name what follows it: it decides, others do.
const PURE: &[(&str, &[&str])] = &[
    ("protocol/src/", &["tokio", "axum", "sqlx", "aws_sdk", "reqwest", "std::fs", "std::env"]),
    (
        "wallet-svc/src/ledger/",
        &["tokio", "axum", "sqlx", "redis::", "rdkafka", "tracing", "async fn", "::now("],
    ),
    ("/decide.rs", &["tokio", "axum", "sqlx", "aws_sdk", "tracing", "async fn", "::now("]),
    ("reconcile/capacity/decide/", &["tokio", "sqlx", "aws_sdk", "tracing", "async fn", "::now("]),
    ("control/src/calendar", &["tokio", "sqlx", "aws_sdk", "tracing", "async fn", "::now("]),
    ("runbook/machine", &["tokio", "axum", "sqlx", "aws_sdk", "async fn", "::now("]),
    ("tui/src/view/", &["tokio", "reqwest", "crossterm::event", "Color::", "::now("]),
    ("loadgen/src/audit/judge", &["tokio", "sqlx", "rdkafka", "async fn", "::now("]),
];

/// A foreign crate, and the only places that may name it.
const GATEWAYS: &[(&str, &[&str])] = &[
    ("aws_sdk_", &["control/src/aws/", "wallet-svc/src/cloudwatch"]),
    (
        "sqlx::",
        &[
            "wallet-svc/src/store/",
            "control/src/journal/",
            "loadgen/src/audit/tables",
            "sandbox/src/",
        ],
    ),
    ("augurs", &["control/src/forecast/model"]),
    ("redis::", &["wallet-svc/src/cache", "sandbox/src/"]),
    ("rdkafka::", &["wallet-svc/src/relay", "loadgen/src/audit/topic"]),
];

/// The longest a file may be, without its tests.
const LINES_MAX: usize = 400;
const COLUMNS_MAX: usize = 100;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("sandbox/ is in the workspace")
}

#[test]
fn the_source_is_tidy() {
    let mut faults = Vec::new();
    for path in files(root(), &["rs"]) {
        let name = path.strip_prefix(root()).expect("the file is under the root");
        let text = fs::read_to_string(&path).expect("source is readable UTF-8");
        if !name.ends_with("tidy.rs") {
            faults.extend(check(&name.display().to_string(), &text)); // It must spell what it bans.
        }
    }
    assert!(faults.is_empty(), "untidy:\n{}", faults.join("\n"));
}

#[test]
fn no_path_of_one_machine_is_written_down() {
    let mut faults = Vec::new();
    for path in files(root(), &["rs", "md", "yaml", "sh", "toml", "sql", "tf"]) {
        let text = fs::read_to_string(&path).expect("text is readable UTF-8");
        for (number, line) in text.lines().enumerate() {
            if ["/root/", "/home/", "/work/"].iter().any(|home| line.contains(home))
                && !path.ends_with("tidy.rs")
            {
                faults.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(faults.is_empty(), "paths of one machine:\n{}", faults.join("\n"));
}

fn check(name: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if !text.starts_with("//!") {
        faults.push(format!("{name}:1: no //! header that says what this file is for"));
    }
    let live = text.split("#[cfg(test)]\nmod").next().unwrap_or_default();
    let test = name.contains("/tests/") || name.contains("tests.rs") || name.contains("/benches/");
    if !test && live.lines().count() > LINES_MAX {
        faults.push(format!("{name}: {} lines; at most {LINES_MAX}", live.lines().count()));
    }
    for (number, line) in text.lines().enumerate() {
        let at = format!("{name}:{}", number + 1);
        // A table in a test may be as wide as it must.
        let table = test || number >= live.lines().count();
        if !table && line.chars().count() > COLUMNS_MAX && !line.contains("http") {
            faults.push(format!("{at}: longer than {COLUMNS_MAX} columns"));
        }
        if ["FIXME", "TODO", "XXX"].iter().any(|word| line.contains(word)) {
            faults.push(format!("{at}: work left open in the code"));
        }
    }
    if test {
        return faults;
    }
    for (scope, banned) in PURE.iter().filter(|(scope, _)| name.contains(scope)) {
        for word in banned.iter().filter(|word| code(live).any(|line| line.contains(**word))) {
            faults.push(format!("{name}: names `{word}`, but {scope} is pure"));
        }
    }
    for (word, homes) in GATEWAYS {
        if !homes.iter().any(|home| name.contains(home))
            && code(live).any(|line| line.contains(word))
        {
            faults.push(format!("{name}: names `{word}`, which belongs in {}", homes.join(" or ")));
        }
    }
    faults
}

/// The lines that are not comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//"))
}

fn files(dir: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("the directory is readable") {
        let path = entry.expect("the entry is readable").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            if name != "target" && name != "var" && !name.starts_with('.') {
                found.extend(files(&path, endings));
            }
        } else if path.extension().is_some_and(|e| endings.iter().any(|want| e == *want)) {
            found.push(path);
        }
    }
    found
}

#[test]
fn each_check_can_fail() {
    let long = format!("//! x\n// {}\n", "x".repeat(COLUMNS_MAX));
    let tall = format!("//! x\n{}", "\n".repeat(LINES_MAX));
    for (name, text, part) in [
        ("control/src/x.rs", "fn x() {}\n", "header"),
        ("control/src/x.rs", long.as_str(), "columns"),
        ("control/src/x.rs", tall.as_str(), "at most"),
        ("control/src/x.rs", "//! x\n// TODO later\n", "left open"),
        ("control/src/reconcile/capacity/decide.rs", "//! x\nuse tokio::time;\n", "pure"),
        ("wallet-svc/src/http/mod.rs", "//! x\nuse sqlx::query;\n", "belongs in"),
    ] {
        let faults = check(name, text);
        assert!(faults.len() == 1 && faults[0].contains(part), "{name}: {faults:?}");
    }
}
