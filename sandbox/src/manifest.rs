//! `sandbox.json`: where everything of a running region is. Written by `sandbox up`, read by
//! whoever wants to talk to it: `sandbox status`, the demo, tests, people.

use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};

/// A process of the region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// `sandbox`, `task`, `writer`, `reader`, `primary`, `replica` or `brokers`.
    pub role: String,
    /// Its name in AWS: of the task, the instance, the cache node or the cluster.
    pub id: String,
    pub pid: u32,
}

/// Addresses, credentials and processes of a region. All hosts are 127.0.0.1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub environment: String,
    pub region: String,
    /// `http://127.0.0.1:PORT`, for every AWS service.
    pub aws_endpoint: String,
    pub aws_access_key_id: String,
    pub aws_secret_access_key: String,
    /// `http://127.0.0.1:PORT`, the load balancer.
    pub wallet_url: String,
    pub database_writer_port: u16,
    pub database_reader_port: u16,
    pub database_user: String,
    pub database_password: String,
    pub redis_port: u16,
    pub redis_reader_port: u16,
    /// `127.0.0.1:PORT,…`
    pub kafka_bootstrap: String,
    pub kafka_topic: String,
    /// Public keys that the wallet believes, a JWK set.
    pub jwks_file: PathBuf,
    /// Private key that tokens are signed with, ES256 in PEM; its key id is the file's stem.
    pub signing_key_file: PathBuf,
    pub jwt_issuer: String,
    pub jwt_audience: String,
    /// A bearer token with every scope, valid for thirty days.
    pub operator_token_file: PathBuf,
    /// Who lives, as of at most two seconds ago.
    pub processes: Vec<Process>,
}

impl Manifest {
    /// Where the manifest of a region's folder is.
    #[must_use]
    pub fn path(dir: &Path) -> PathBuf {
        dir.join("sandbox.json")
    }

    /// Reads the manifest; none while there is no region in `dir`.
    ///
    /// # Errors
    ///
    /// It is there and cannot be read.
    pub fn read(dir: &Path) -> anyhow::Result<Option<Manifest>> {
        let path = Manifest::path(dir);
        match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => Err(error).with_context(|| format!("reading {}", path.display()))?,
        }
        .with_context(|| format!("reading {}", path.display()))
    }

    /// Writes the manifest so that a reader sees all of it or what was before.
    ///
    /// # Errors
    ///
    /// The file system refuses.
    pub fn write(&self, dir: &Path) -> anyhow::Result<()> {
        let (path, beside) = (Manifest::path(dir), dir.join("sandbox.json.new"));
        super::up::secret(&beside, &serde_json::to_string_pretty(self)?)
            .and_then(|()| std::fs::rename(&beside, &path))
            .with_context(|| format!("writing {}", path.display()))
    }

    /// Whether a process of this region has, or had, this id.
    #[must_use]
    pub fn names(&self, pid: u32) -> bool {
        self.processes.iter().any(|process| process.pid == pid)
    }

    /// `mysql://wallet@127.0.0.1:PORT/wallet`, the writer, without the password.
    #[must_use]
    pub fn database_url(&self) -> String {
        format!("mysql://{}@127.0.0.1:{}/wallet", self.database_user, self.database_writer_port)
    }

    /// The same for the readers.
    #[must_use]
    pub fn database_reader_url(&self) -> String {
        format!("mysql://{}@127.0.0.1:{}/wallet", self.database_user, self.database_reader_port)
    }

    /// `redis://127.0.0.1:PORT`, the primary.
    #[must_use]
    pub fn redis_url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.redis_port)
    }

    /// The variables by which an AWS SDK or the `aws` command finds this region.
    #[must_use]
    pub fn aws_environment(&self) -> BTreeMap<String, String> {
        [
            ("AWS_ENDPOINT_URL", &self.aws_endpoint),
            ("AWS_REGION", &self.region),
            ("AWS_DEFAULT_REGION", &self.region),
            ("AWS_ACCESS_KEY_ID", &self.aws_access_key_id),
            ("AWS_SECRET_ACCESS_KEY", &self.aws_secret_access_key),
        ]
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .into()
    }

    /// Where everything is, with commands to paste.
    #[must_use]
    pub fn addresses(&self) -> String {
        let Manifest { environment, database_user: user, database_password: password, .. } = self;
        let aws: Vec<_> =
            self.aws_environment().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mysql = format!("mysql -h127.0.0.1 -u{user} -p{password}");
        let token = self.operator_token_file.display();
        let broker = self.kafka_bootstrap.split(',').next().unwrap_or_default();
        let rows = [
            ("wallet", self.wallet_url.clone()),
            (
                "",
                format!(
                    "curl -H \"Authorization: Bearer $(cat {token})\" {}/readyz",
                    self.wallet_url
                ),
            ),
            ("aws", self.aws_endpoint.clone()),
            ("", format!("export {}", aws.join(" "))),
            (
                "",
                format!(
                    "aws ecs describe-services --cluster wallet-{environment} --services wallet-svc"
                ),
            ),
            ("", "aws rds describe-db-clusters".to_owned()),
            ("writer", format!("{mysql} -P{} wallet", self.database_writer_port)),
            ("readers", format!("{mysql} -P{} wallet", self.database_reader_port)),
            ("cache", format!("redis-cli -p {}", self.redis_port)),
            ("events", format!("kcat -b {broker} -t {} -C -o -10 -e", self.kafka_topic)),
        ];
        rows.iter().fold(String::new(), |mut text, (name, value)| {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{name:<10} {value}");
            text
        })
    }

    /// The processes, a line each: what to `kill -9` to see what happens.
    #[must_use]
    pub fn roles(&self) -> String {
        self.processes.iter().fold(String::new(), |mut text, process| {
            let _ = writeln!(text, "{:>8}  {:<8} {}", process.pid, process.role, process.id);
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        Manifest {
            environment: "local".into(),
            region: "sa-east-1".into(),
            aws_endpoint: "http://127.0.0.1:1".into(),
            aws_access_key_id: "sandbox".into(),
            aws_secret_access_key: "sandbox".into(),
            wallet_url: "http://127.0.0.1:2".into(),
            database_writer_port: 3,
            database_reader_port: 4,
            database_user: "wallet".into(),
            database_password: "secret".into(),
            redis_port: 5,
            redis_reader_port: 6,
            kafka_bootstrap: "127.0.0.1:7,127.0.0.1:8".into(),
            kafka_topic: "wallet.events".into(),
            jwks_file: "keys/jwks.json".into(),
            signing_key_file: "keys/signing.pem".into(),
            jwt_issuer: "issuer".into(),
            jwt_audience: "wallet".into(),
            operator_token_file: "keys/operator.token".into(),
            processes: vec![Process {
                role: "writer".into(),
                id: "wallet-local-1".into(),
                pid: 42,
            }],
        }
    }

    #[test]
    fn a_manifest_is_read_as_written_and_by_nobody_else() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Manifest::read(dir.path()).unwrap(), None);
        manifest().write(dir.path()).unwrap();
        assert_eq!(Manifest::read(dir.path()).unwrap(), Some(manifest()));
        let mode = std::fs::metadata(Manifest::path(dir.path())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(Manifest::path(dir.path()), "{").unwrap();
        let error = Manifest::read(dir.path()).unwrap_err().to_string();
        assert!(error.contains("sandbox.json"), "{error}");
    }

    #[test]
    fn a_person_finds_commands_to_paste_and_processes_to_kill() {
        let manifest = manifest();
        for expected in [
            "mysql -h127.0.0.1 -uwallet -psecret -P3 wallet",
            "redis-cli -p 5",
            "kcat -b 127.0.0.1:7 -t wallet.events",
            "AWS_ENDPOINT_URL=http://127.0.0.1:1",
        ] {
            assert!(manifest.addresses().contains(expected), "{}", manifest.addresses());
        }
        assert_eq!(manifest.roles(), "      42  writer   wallet-local-1\n");
        assert!(manifest.names(42) && !manifest.names(43));
    }
}
