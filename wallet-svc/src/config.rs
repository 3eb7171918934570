//! The service's settings: the only reader of the environment.
//!
//! Everything is read before a port opens, and all faults are reported together, so that a wrong
//! deployment is repaired in one round. Defaults stand in the calls below, each with its range.
//! What the AWS SDK reads itself (`AWS_*`) is only looked at to tell whether there is a CloudWatch.

use std::{fmt, net::SocketAddr, path::PathBuf, time::Duration};

/// A value that must not be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps `value`.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the one call that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Where the ledger is. All that `wallet-svc migrate` needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DbConfig {
    /// `mysql://user@host:port/wallet`, the cluster's writer.
    pub writer_url: String,
    /// The same form, the cluster's readers. The writer when not set.
    pub reader_url: String,
    pub password: Secret,
}

/// Whom to believe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthConfig {
    /// A JWK set; read again when a token names a key that it lacks.
    pub jwks_file: PathBuf,
    pub issuer: String,
    pub audience: String,
}

/// What one task takes on before it refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections accepted at once; more wait in the kernel's backlog.
    pub connections: usize,
    /// Requests in work at once; more are answered 503.
    pub requests: usize,
    /// From the request's head to its answer.
    pub request_timeout: Duration,
    /// From SIGTERM to the closed port, for the load balancer to notice.
    pub drain: Duration,
}

/// What of the traffic is logged. The hot path is silent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessLog {
    /// Answers slower than this are logged.
    pub slow: Duration,
    /// One of this many ordinary answers is logged; 0 logs none.
    pub sample_every: u64,
}

/// CloudWatch publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudWatchConfig {
    pub namespace: String,
    pub period: Duration,
    /// False when the environment names neither a region nor an endpoint.
    pub enabled: bool,
}

/// A name and password for brokers that speak TLS with SCRAM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaLogin {
    pub username: String,
    pub password: Secret,
    /// Who may vouch for the brokers; without it, whom the system trusts.
    pub ca_file: Option<PathBuf>,
}

/// Everything that `wallet-svc serve` needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    pub environment: String,
    pub task_id: String,
    pub listen: SocketAddr,
    pub db: DbConfig,
    /// `redis://host:port` or `rediss://user:password@host:port`; no cache when absent.
    pub redis_url: Option<Secret>,
    /// `host:port,…`
    pub kafka_brokers: String,
    /// Who we are to the brokers. Without it they are spoken to in plain text.
    pub kafka_login: Option<KafkaLogin>,
    pub kafka_topic: String,
    /// Group commit lanes, one writer connection each.
    pub lanes: usize,
    pub auth: AuthConfig,
    pub limits: Limits,
    pub access_log: AccessLog,
    pub cloudwatch: CloudWatchConfig,
    /// What payments cost; nothing when absent.
    pub fees_file: Option<PathBuf>,
}

/// Why the settings cannot be used: one line a fault.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} of the settings cannot be used:{}", .0.len(), list(.0))]
pub struct ConfigError(pub Vec<String>);

fn list(faults: &[String]) -> String {
    faults.iter().fold(String::new(), |text, fault| text + "\n  - " + fault)
}

/// Reads one variable of the process's environment.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this file is the reader of the environment")]
pub fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl DbConfig {
    /// Reads what a migration needs.
    ///
    /// # Errors
    ///
    /// Every fault found, together.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut settings = Settings::new(&get);
        let db = settings.db();
        settings.finish(db)
    }
}

impl Config {
    /// Reads all settings of the service.
    ///
    /// # Errors
    ///
    /// Every fault found, together.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut s = Settings::new(&get);
        let config = Self {
            environment: s.required("WALLET_ENVIRONMENT", "a name such as `staging`"),
            task_id: s.optional("WALLET_TASK_ID").unwrap_or_else(task_id),
            listen: s.listen(),
            db: s.db(),
            redis_url: s.redis(),
            kafka_brokers: s.brokers(),
            kafka_login: s.kafka_login(),
            kafka_topic: s.text("WALLET_KAFKA_TOPIC", "wallet.events"),
            lanes: s.number("WALLET_LANES", 4, 1..=64),
            auth: s.auth(),
            limits: s.limits(),
            access_log: AccessLog {
                slow: Duration::from_millis(s.number("WALLET_LOG_SLOW_MS", 1_000, 1..=60_000)),
                sample_every: s.number("WALLET_LOG_SAMPLE_EVERY", 0, 0..=1_000_000_000),
            },
            cloudwatch: s.cloudwatch(),
            fees_file: s.optional("WALLET_FEES_FILE").map(PathBuf::from),
        };
        s.finish(config)
    }
}

/// The host's name, which in a container names the task, else a name of our own.
fn task_id() -> String {
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let host = host.trim();
    if host.is_empty() { uuid::Uuid::new_v4().to_string() } else { host.to_owned() }
}

/// The variables, and the faults found in them so far.
struct Settings<'a> {
    get: &'a dyn Fn(&str) -> Option<String>,
    faults: Vec<String>,
}

impl<'a> Settings<'a> {
    fn new(get: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { get, faults: Vec::new() }
    }

    fn finish<T>(self, settings: T) -> Result<T, ConfigError> {
        if self.faults.is_empty() { Ok(settings) } else { Err(ConfigError(self.faults)) }
    }

    /// Set and not blank.
    fn optional(&self, name: &str) -> Option<String> {
        (self.get)(name).map(|v| v.trim().to_owned()).filter(|v| !v.is_empty())
    }

    fn text(&self, name: &str, default: &str) -> String {
        self.optional(name).unwrap_or_else(|| default.to_owned())
    }

    fn required(&mut self, name: &str, form: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.faults.push(format!("{name} is not set; give {form}"));
            String::new()
        })
    }

    fn number<N>(&mut self, name: &str, default: N, range: std::ops::RangeInclusive<N>) -> N
    where
        N: std::str::FromStr + PartialOrd + fmt::Display + Copy,
    {
        let Some(text) = self.optional(name) else { return default };
        match text.parse() {
            Ok(n) if range.contains(&n) => n,
            _ => {
                let (low, high) = (range.start(), range.end());
                self.faults.push(format!("{name} is `{text}`; give a number from {low} to {high}"));
                default
            }
        }
    }

    fn listen(&mut self) -> SocketAddr {
        const FORM: &str = "an address such as `0.0.0.0:8080`";
        let text = self.required("WALLET_LISTEN", FORM);
        text.parse().unwrap_or_else(|_| {
            if !text.is_empty() {
                self.faults.push(format!("WALLET_LISTEN is `{text}`; give {FORM}"));
            }
            SocketAddr::from(([127, 0, 0, 1], 0))
        })
    }

    /// A URL of `scheme` without a password in it, which would end up in logs.
    fn url(&mut self, name: &str, scheme: &str, url: String) -> String {
        let rest = url.strip_prefix(scheme).and_then(|rest| rest.strip_prefix("://"));
        let authority = rest.and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        if !url.is_empty() && (rest.is_none() || host.is_empty()) {
            self.faults.push(format!("{name} is not a URL of the form {scheme}://host:port/…"));
        }
        if user.contains(':') && scheme == "mysql" {
            self.faults.push(format!("{name} holds a password; move it to WALLET_DB_PASSWORD"));
        }
        url
    }

    fn db(&mut self) -> DbConfig {
        let writer = self.required("WALLET_DB_WRITER_URL", "mysql://user@host:port/wallet");
        let writer_url = self.url("WALLET_DB_WRITER_URL", "mysql", writer);
        let reader = self.optional("WALLET_DB_READER_URL");
        let reader_url = reader.map(|url| self.url("WALLET_DB_READER_URL", "mysql", url));
        let reader_url = reader_url.unwrap_or_else(|| writer_url.clone());
        let password = Secret((self.get)("WALLET_DB_PASSWORD").unwrap_or_else(|| {
            self.faults.push("WALLET_DB_PASSWORD is not set; it may be empty".to_owned());
            String::new()
        }));
        DbConfig { writer_url, reader_url, password }
    }

    fn redis(&mut self) -> Option<Secret> {
        let url = self.optional("WALLET_REDIS_URL")?;
        let scheme = if url.starts_with("rediss:") { "rediss" } else { "redis" };
        Some(Secret(self.url("WALLET_REDIS_URL", scheme, url)))
    }

    /// A name without a password, or a password without a name, is a setting that was forgotten.
    fn kafka_login(&mut self) -> Option<KafkaLogin> {
        let ca_file = self.optional("WALLET_KAFKA_CA_FILE").map(PathBuf::from);
        let username = self.optional("WALLET_KAFKA_USERNAME");
        let password = self.optional("WALLET_KAFKA_PASSWORD").map(Secret);
        let (set, missing) = match (username, password) {
            (Some(username), Some(password)) => {
                return Some(KafkaLogin { username, password, ca_file });
            }
            (Some(_), None) => ("WALLET_KAFKA_USERNAME", "WALLET_KAFKA_PASSWORD"),
            (None, Some(_)) => ("WALLET_KAFKA_PASSWORD", "WALLET_KAFKA_USERNAME"),
            (None, None) if ca_file.is_some() => ("WALLET_KAFKA_CA_FILE", "WALLET_KAFKA_USERNAME"),
            (None, None) => return None,
        };
        self.faults.push(format!("{set} is set, but {missing} is not; they go together"));
        None
    }

    fn brokers(&mut self) -> String {
        let brokers = self.required("WALLET_KAFKA_BROKERS", "host:port,…");
        let bad = |broker: &str| {
            let port = broker.trim().rsplit_once(':').filter(|(host, _)| !host.is_empty());
            port.is_none_or(|(_, port)| port.parse::<u16>().is_err())
        };
        if !brokers.is_empty() && brokers.split(',').any(bad) {
            self.faults.push(format!("WALLET_KAFKA_BROKERS is `{brokers}`; give host:port,…"));
        }
        brokers
    }

    fn auth(&mut self) -> AuthConfig {
        let file = self.required("WALLET_JWKS_FILE", "the path of a JWK set");
        AuthConfig {
            jwks_file: PathBuf::from(file),
            issuer: self.required("WALLET_JWT_ISSUER", "the `iss` of the tokens to accept"),
            audience: self.text("WALLET_JWT_AUDIENCE", "wallet"),
        }
    }

    /// The longest drain and the longest request, 16 s together, end before `app` gives up on
    /// connections 17 s after the signal.
    fn limits(&mut self) -> Limits {
        let millis = self.number("WALLET_REQUEST_TIMEOUT_MS", 5_000, 100..=6_000);
        Limits {
            connections: self.number("WALLET_CONNECTIONS_MAX", 8_192, 1..=65_536),
            requests: self.number("WALLET_REQUESTS_MAX", 4_096, 1..=65_536),
            request_timeout: Duration::from_millis(millis),
            drain: Duration::from_secs(self.number("WALLET_DRAIN_SECONDS", 3, 0..=10)),
        }
    }

    fn cloudwatch(&mut self) -> CloudWatchConfig {
        let named = ["AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"]
            .into_iter()
            .chain(["AWS_ENDPOINT_URL_CLOUDWATCH"])
            .any(|name| self.optional(name).is_some());
        CloudWatchConfig {
            namespace: self.text("WALLET_METRICS_NAMESPACE", "Wallet"),
            period: Duration::from_secs(self.number("WALLET_METRICS_PERIOD_SECONDS", 10, 1..=60)),
            enabled: named,
        }
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
