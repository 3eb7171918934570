//! `wallet-svc` as a process: its settings, its exit codes, its signals, its log.

use crate::app::{Keys, Settings, answer, client, eventually, settings};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sandbox::data::mariadb::{Options, Server};
use serde_json::Value;
use std::process::{Output, Stdio};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, Command},
};

/// The program with these settings and nothing else in its environment.
fn program(argument: &str, settings: &Settings) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wallet-svc"));
    command.arg(argument).env_clear().envs(settings).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub(crate) async fn run(argument: &str, settings: &Settings) -> (Option<i32>, String) {
    let Output { status, stderr, .. } =
        program(argument, settings).output().await.expect("the program starts");
    (status.code(), String::from_utf8(stderr).expect("UTF-8"))
}

pub(crate) async fn database() -> Server {
    let options = Options { durable: false, ..Options::default() };
    Server::start(options).await.expect("mariadbd starts")
}

/// A serving process, and where.
pub(crate) async fn serve(
    settings: &Settings,
) -> (Child, BufReader<tokio::process::ChildStdout>, String) {
    let mut child = program("serve", settings).spawn().expect("the program starts");
    let mut log = BufReader::new(child.stdout.take().expect("a pipe"));
    loop {
        let mut line = String::new();
        let read = log.read_line(&mut line).await.expect("UTF-8");
        assert!(read > 0, "the log ended before there was an address");
        let line: Value = serde_json::from_str(&line).expect("a line is JSON");
        if let Some(address) = line["address"].as_str() {
            return (child, log, format!("http://{address}"));
        }
    }
}

pub(crate) fn signal(child: &Child, signal: Signal) {
    let pid = child.id().expect("it runs").cast_signed();
    kill(Pid::from_raw(pid), signal).expect("signalling our own child");
}

#[tokio::test]
async fn wrong_settings_are_named_all_and_end_with_64() {
    let (code, text) = run("serve", &Settings::new()).await;
    assert_eq!(code, Some(64), "{text}");
    for name in ["WALLET_ENVIRONMENT", "WALLET_LISTEN", "WALLET_DB_WRITER_URL", "WALLET_JWKS_FILE"]
    {
        assert!(text.contains(name), "{name} is not in {text}");
    }
    let (code, text) = run("migrate", &Settings::new()).await;
    assert_eq!(code, Some(64), "{text}");
    assert!(text.contains("WALLET_DB_WRITER_URL") && !text.contains("WALLET_LISTEN"), "{text}");
    assert_eq!(run("dance", &Settings::new()).await.0, Some(64));
}

#[tokio::test]
async fn a_key_file_that_cannot_be_used_ends_with_64() {
    let keys = Keys::new();
    let mut settings: Settings = [
        ("WALLET_ENVIRONMENT", "test"),
        ("WALLET_LISTEN", "127.0.0.1:0"),
        ("WALLET_DB_WRITER_URL", "mysql://wallet@127.0.0.1:1/wallet"),
        ("WALLET_DB_PASSWORD", ""),
        ("WALLET_KAFKA_BROKERS", "127.0.0.1:1"),
        ("WALLET_JWT_ISSUER", "https://issuer.test"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into();
    for (file, want) in [("/nowhere/jwks.json", "reading the key file"), ("/dev/null", "JWK set")] {
        settings.insert("WALLET_JWKS_FILE", file.to_owned());
        let (code, text) = run("serve", &settings).await;
        assert_eq!(code, Some(64), "{text}");
        assert!(text.contains(file) && text.contains(want), "{text}");
    }

    // A port that is taken is no wrong setting: the next start may find it free.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    settings.insert("WALLET_JWKS_FILE", keys.file());
    settings.insert("WALLET_LISTEN", taken.local_addr().expect("bound").to_string());
    let (code, text) = run("serve", &settings).await;
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("binding 127.0.0.1:"), "{text}");
}

#[tokio::test]
async fn a_process_migrates_serves_and_ends_when_asked() {
    let (server, keys) = (database().await, Keys::new());
    let settings = settings(&server, &keys);
    for time in ["first", "second"] {
        assert_eq!(run("migrate", &settings).await.0, Some(0), "the {time} time");
    }
    let (mut child, mut log, url) = serve(&settings).await;
    let client = client();
    eventually("readiness", async || {
        (answer(client.get(format!("{url}/readyz"))).await.status == 200).then_some(())
    })
    .await;
    let token = keys.token("somebody@example.com", "wallet:read");
    let path = format!("{url}/api/v1/users/somebody@example.com/wallets");
    assert_eq!(answer(client.get(path).bearer_auth(&token)).await.status, 200);

    signal(&child, Signal::SIGTERM);
    let mut rest = String::new();
    log.read_to_string(&mut rest).await.expect("UTF-8");
    assert_eq!(child.wait().await.expect("it ends").code(), Some(0), "{rest}");
    for line in rest.lines() {
        serde_json::from_str::<Value>(line).expect("every line is JSON");
    }
    for secret in [token.as_str(), "somebody", server.password.as_str()] {
        assert!(!rest.contains(secret), "{secret} is in {rest}");
    }
}

#[tokio::test]
async fn a_second_signal_ends_a_process_at_once() {
    let (server, keys) = (database().await, Keys::new());
    let mut settings = settings(&server, &keys);
    settings.insert("WALLET_DRAIN_SECONDS", "10".to_owned());
    let (mut child, mut log, _) = serve(&settings).await;
    signal(&child, Signal::SIGTERM);
    let mut line = String::new();
    while !line.contains("drains") {
        line.clear();
        assert!(log.read_line(&mut line).await.expect("UTF-8") > 0, "it says that it drains");
    }
    signal(&child, Signal::SIGINT);
    assert_eq!(child.wait().await.expect("it ends").code(), Some(143));
}

#[tokio::test]
async fn a_process_starts_without_a_database_and_is_not_ready() {
    let keys = Keys::new();
    let server = database().await;
    let mut settings = settings(&server, &keys);
    settings.insert("WALLET_DB_WRITER_URL", "mysql://wallet@127.0.0.1:1/wallet".to_owned());
    let (mut child, _log, url) = serve(&settings).await;
    let client = client();
    assert_eq!(answer(client.get(format!("{url}/healthz"))).await.status, 200);
    assert_eq!(answer(client.get(format!("{url}/readyz"))).await.status, 503);
    signal(&child, Signal::SIGTERM);
    assert_eq!(child.wait().await.expect("it ends").code(), Some(0));
}
