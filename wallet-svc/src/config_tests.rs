//! Which settings are refused, and that all of them are named at once.

use super::*;
use std::collections::BTreeMap;

fn valid() -> BTreeMap<&'static str, &'static str> {
    BTreeMap::from([
        ("WALLET_ENVIRONMENT", "local"),
        ("WALLET_LISTEN", "127.0.0.1:0"),
        ("WALLET_DB_WRITER_URL", "mysql://wallet@127.0.0.1:3306/wallet"),
        ("WALLET_DB_PASSWORD", "hunter2"),
        ("WALLET_KAFKA_BROKERS", "127.0.0.1:9092,127.0.0.1:9093"),
        ("WALLET_JWKS_FILE", "/etc/wallet/jwks.json"),
        ("WALLET_JWT_ISSUER", "https://issuer.wallet.local"),
    ])
}

fn read(vars: &BTreeMap<&str, &str>) -> Result<Config, ConfigError> {
    Config::read(|name| vars.get(name).map(|&v| v.to_owned()))
}

#[test]
fn the_required_settings_are_enough() {
    let config = read(&valid()).unwrap();
    assert_eq!(config.db.reader_url, config.db.writer_url);
    assert_eq!((config.lanes, config.auth.audience.as_str()), (4, "wallet"));
    assert_eq!((config.redis_url, config.cloudwatch.enabled), (None, false));
    assert_eq!(config.limits.drain, Duration::from_secs(3));
}

#[test]
fn a_secret_is_not_printed() {
    let mut vars = valid();
    vars.insert("WALLET_REDIS_URL", "rediss://wallet:hunter2@cache:6379");
    vars.insert("WALLET_KAFKA_USERNAME", "wallet");
    vars.insert("WALLET_KAFKA_PASSWORD", "hunter2");
    let config = read(&vars).unwrap();
    assert_eq!(config.kafka_login.as_ref().unwrap().password.expose(), "hunter2");
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn one_wrong_setting_is_refused_by_name() {
    #[rustfmt::skip]
    let table = [
        ("WALLET_ENVIRONMENT",        "",                          "is not set"),
        ("WALLET_LISTEN",             "8080",                      "give an address"),
        ("WALLET_LISTEN",             " ",                         "is not set"),
        ("WALLET_DB_WRITER_URL",      "postgres://a@b/wallet",     "mysql://"),
        ("WALLET_DB_WRITER_URL",      "mysql://a:secret@b/wallet", "WALLET_DB_PASSWORD"),
        ("WALLET_DB_READER_URL",      "mysql:///wallet",           "mysql://"),
        ("WALLET_REDIS_URL",          "127.0.0.1:6379",            "redis://"),
        ("WALLET_KAFKA_BROKERS",      "127.0.0.1",                 "host:port"),
        ("WALLET_KAFKA_BROKERS",      "a:9092,b:x",                "host:port"),
        ("WALLET_KAFKA_USERNAME",     "wallet",                    "WALLET_KAFKA_PASSWORD"),
        ("WALLET_KAFKA_PASSWORD",     "hunter2",                   "WALLET_KAFKA_USERNAME"),
        ("WALLET_KAFKA_CA_FILE",      "/etc/ssl/ca.pem",           "WALLET_KAFKA_USERNAME"),
        ("WALLET_LANES",              "0",                         "1 to 64"),
        ("WALLET_LANES",              "four",                      "1 to 64"),
        ("WALLET_DRAIN_SECONDS",      "11",                        "0 to 10"),
        ("WALLET_REQUEST_TIMEOUT_MS", "-5",                        "100 to 6000"),
        ("WALLET_METRICS_PERIOD_SECONDS", "0",                     "1 to 60"),
    ];
    for (name, value, want) in table {
        let mut vars = valid();
        vars.insert(name, value);
        let ConfigError(faults) = read(&vars).unwrap_err();
        assert_eq!(faults.len(), 1, "{name}={value}: {faults:?}");
        let fault = &faults[0];
        assert!(fault.contains(name) && fault.contains(want), "{fault}");
        assert!(!fault.contains("secret"), "{fault}");
    }
}

#[test]
fn every_fault_is_named_at_once() {
    let ConfigError(faults) = read(&BTreeMap::from([("WALLET_LANES", "65")])).unwrap_err();
    for name in valid().keys().chain([&"WALLET_LANES"]) {
        assert!(faults.iter().any(|fault| fault.contains(name)), "{name}: {faults:?}");
    }
}

#[test]
fn a_region_or_an_endpoint_switches_cloudwatch_on() {
    for name in ["AWS_REGION", "AWS_ENDPOINT_URL"] {
        let mut vars = valid();
        vars.insert(name, "sa-east-1");
        assert!(read(&vars).unwrap().cloudwatch.enabled, "{name}");
    }
}
