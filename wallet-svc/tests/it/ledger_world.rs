//! A database server of its own and ledgers upon it, as several tasks would have; and an audit of
//! the tables that shares no code with the ledger.

use loadgen::config::AuditTarget;
use sandbox::data::mariadb::{Options, Server};
use sqlx::{Connection, MySqlConnection, Row};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;
use wallet_svc::ledger::command::{Actor, Command, Done, Outcome, Payment, Refusal, Transaction};
use wallet_svc::ledger::money::{Amount, Currency};
use wallet_svc::store::{Ledger, Settings, SubmitError};

/// Long enough for a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) tracker: TaskTracker,
    pub(crate) stop: CancellationToken,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::on(Server::start(Options::default()).await.expect("mariadbd starts")).await
    }

    pub(crate) async fn on(server: Server) -> Self {
        let world = Self { server, tracker: TaskTracker::new(), stop: CancellationToken::new() };
        Ledger::migrate(&world.settings("migration")).await.expect("migrating an empty database");
        world
    }

    pub(crate) fn settings(&self, task_id: &str) -> Settings {
        Settings {
            writer_url: self.server.url_without_password(),
            reader_url: None,
            password: self.server.password.clone(),
            lanes: 4,
            queue_per_lane_max: 2_000,
            task_id: task_id.to_owned(),
            fees: std::sync::Arc::default(),
        }
    }

    /// A ledger as the task `task_id` would have it, ready to write.
    pub(crate) async fn ledger(&self, task_id: &str) -> Ledger {
        self.ledger_with(&self.settings(task_id)).await
    }

    pub(crate) async fn ledger_with(&self, settings: &Settings) -> Ledger {
        let ledger =
            Ledger::start(settings, None, &self.tracker, &self.stop).expect("good settings");
        tokio::time::timeout(PATIENCE, ledger.writable())
            .await
            .expect("the probe finds the server");
        ledger
    }

    pub(crate) async fn database(&self) -> MySqlConnection {
        MySqlConnection::connect(&self.server.url).await.expect("connecting to the test's server")
    }

    /// Ends all ledgers, audits the tables, and says how many entries there are.
    pub(crate) async fn finish(self) -> u64 {
        self.stop.cancel();
        self.tracker.close();
        tokio::time::timeout(PATIENCE, self.tracker.wait()).await.expect("all tasks end");
        audit_as_loadgen(&self.server.url).await;
        audit(&mut self.database().await).await
    }
}

/// The auditor that judges runs under load finds nothing either.
pub(crate) async fn audit_as_loadgen(url: &str) {
    let target = AuditTarget {
        audit_db: Some(url.to_owned()),
        audit_db_password: None,
        audit_kafka: None,
        audit_topic: String::new(),
        audit_topic_seconds: 1,
    };
    let verdict = loadgen::audit::audit(&target, None).await.expect("reading the ledger");
    assert!(verdict.ledger_audited && verdict.clean(), "{verdict}");
}

/// A fault, and the query that finds nothing while it is not there.
const NOTHING: &[(&str, &str)] = &[
    ("money was made or lost", "SELECT 1 FROM wallet HAVING SUM(available + held) <> 0"),
    (
        "a batch does not sum to zero",
        "SELECT batch_id FROM entry GROUP BY batch_id HAVING SUM(amount) <> 0",
    ),
    (
        "a wallet is not the sum of its entries, or its versions have a gap",
        "SELECT w.wallet_id FROM wallet w JOIN entry e USING (wallet_id) GROUP BY w.wallet_id \
         HAVING MAX(w.available + w.held) <> SUM(e.amount) OR MAX(w.version) <> COUNT(*) \
         OR MAX(e.version) <> COUNT(*) OR MIN(e.version) <> 1 \
         OR COUNT(DISTINCT e.version) <> COUNT(*) \
         OR MAX(w.last_at_us) <> MAX(e.at_us)",
    ),
    (
        "a wallet without entries",
        "SELECT w.wallet_id FROM wallet w LEFT JOIN entry e USING (wallet_id) \
         WHERE e.wallet_id IS NULL",
    ),
    (
        "an order of instants that is not the order of versions",
        "SELECT 1 FROM (SELECT version, LAG(version) OVER \
         (PARTITION BY wallet_id ORDER BY at_us) AS before_it FROM entry) v \
         WHERE version <> COALESCE(before_it, 0) + 1",
    ),
    (
        "a balance after that is not the running sum",
        "SELECT 1 FROM (SELECT available_after + held_after AS after, SUM(amount) OVER \
         (PARTITION BY wallet_id ORDER BY version) AS running FROM entry) v \
         WHERE after <> running",
    ),
    (
        "revenue that is not what customers were charged",
        "SELECT 1 FROM (SELECT COALESCE((SELECT SUM(available) FROM wallet WHERE kind = 2), 0) \
         AS had, COALESCE((SELECT SUM(fee) FROM entry), 0) AS charged) v WHERE had <> charged",
    ),
    (
        "a wallet that holds other than its open holds say",
        "SELECT w.wallet_id FROM wallet w LEFT JOIN hold h \
         ON h.wallet_id = w.wallet_id AND h.state = 0 GROUP BY w.wallet_id \
         HAVING MAX(w.held) <> COALESCE(SUM(h.amount - h.captured), 0)",
    ),
    (
        "what is held after an entry is not the running sum",
        "SELECT 1 FROM (SELECT held_after, SUM(COALESCE(held_change, 0)) OVER \
         (PARTITION BY wallet_id ORDER BY version) AS running FROM entry) v \
         WHERE held_after <> running",
    ),
    (
        "a hold captured otherwise than its entries say",
        "SELECT h.hold_id FROM hold h LEFT JOIN entry e \
         ON e.wallet_id = h.wallet_id AND e.about = h.hold_id AND e.kind = 12 \
         GROUP BY h.wallet_id, h.hold_id HAVING MAX(h.captured) <> COALESCE(-SUM(e.amount), 0)",
    ),
    (
        "a capture that does not have its sides",
        "SELECT c.txn_id FROM entry c JOIN hold h \
         ON h.wallet_id = c.wallet_id AND h.hold_id = c.about LEFT JOIN entry r \
         ON r.txn_id = c.txn_id AND r.kind = 13 AND r.at_us = c.at_us \
         AND r.amount = -c.amount AND r.wallet_id = h.to_wallet WHERE c.kind = 12 \
         AND (h.to_wallet IS NOT NULL) <> (r.txn_id IS NOT NULL)",
    ),
    (
        "a transaction reversed twice, or a reversal that is not noted",
        "SELECT e.about FROM entry e LEFT JOIN reversal r \
         ON r.txn_id = e.about AND r.reversal_id = e.txn_id AND r.at_us = e.at_us \
         WHERE e.kind IN (9, 10) GROUP BY e.about \
         HAVING COUNT(DISTINCT e.txn_id) <> 1 OR COUNT(r.txn_id) <> COUNT(*)",
    ),
    (
        "a reversal noted that is not there",
        "SELECT r.txn_id FROM reversal r LEFT JOIN entry e ON e.txn_id = r.reversal_id \
         WHERE e.txn_id IS NULL",
    ),
    (
        "a reversal that is not the opposite of what it reverses",
        "SELECT r.txn_id FROM reversal r JOIN entry e ON e.txn_id IN (r.txn_id, r.reversal_id) \
         WHERE e.kind NOT IN (5, 17) GROUP BY r.txn_id, e.wallet_id HAVING SUM(e.amount) <> 0",
    ),
    (
        "a status that is not what the last order said",
        "SELECT w.wallet_id FROM wallet w LEFT JOIN entry e ON e.wallet_id = w.wallet_id \
         AND e.version = (SELECT MAX(version) FROM entry l \
         WHERE l.wallet_id = w.wallet_id AND l.kind IN (6, 7, 8)) \
         WHERE w.status <> CASE COALESCE(e.kind, 7) WHEN 6 THEN 1 WHEN 8 THEN 2 ELSE 0 END",
    ),
    (
        "a closed wallet with money",
        "SELECT 1 FROM wallet WHERE status = 2 AND available + held <> 0",
    ),
    (
        "a customer below zero",
        "SELECT wallet_id FROM wallet WHERE kind = 0 AND (available < 0 OR held < 0)",
    ),
    (
        "a transaction that does not have its sides",
        "SELECT txn_id FROM entry WHERE kind IN (3, 4) GROUP BY txn_id \
         HAVING COUNT(*) < 2 OR SUM(amount + COALESCE(fee, 0)) <> 0 OR MIN(at_us) <> MAX(at_us)",
    ),
    (
        "a key that stands for an entry that is not there",
        "SELECT 1 FROM idem i LEFT JOIN entry e \
         ON e.wallet_id = i.wallet_id AND e.at_us = i.at_us \
         WHERE i.outcome = 0 AND e.wallet_id IS NULL",
    ),
    (
        "a movement without a key",
        "SELECT 1 FROM entry e LEFT JOIN idem i \
         ON e.wallet_id = i.wallet_id AND e.at_us = i.at_us AND i.outcome = 0 \
         WHERE e.kind IN (1, 2, 3, 6, 7, 8, 11, 12, 14) AND i.wallet_id IS NULL \
         AND NOT (e.kind = 3 AND e.counterparty IS NULL)",
    ),
    (
        "a posting of several legs without its one key",
        "SELECT e.txn_id FROM entry e LEFT JOIN idem i \
         ON e.wallet_id = i.wallet_id AND e.at_us = i.at_us AND i.outcome = 0 \
         WHERE e.kind = 3 AND e.counterparty IS NULL GROUP BY e.txn_id \
         HAVING COUNT(i.wallet_id) <> 1",
    ),
];

/// Checks every row against every other. Returns the number of entries.
pub(crate) async fn audit(database: &mut MySqlConnection) -> u64 {
    for (fault, query) in NOTHING {
        let found = sqlx::query(query).fetch_all(&mut *database).await.expect(query);
        assert!(found.is_empty(), "{fault}: {} rows", found.len());
    }
    let row = sqlx::query("SELECT COUNT(*) FROM entry").fetch_one(&mut *database).await;
    u64::try_from(row.expect("counting entries").get::<i64, _>(0)).expect("a count")
}

pub(crate) fn payment(amount: &str) -> Payment {
    let amount = Amount::parse(amount).expect("a good amount");
    Payment { amount, currency: None, reference: None, description: None }
}

pub(crate) async fn submit(ledger: &Ledger, command: Command) -> Result<Outcome, SubmitError> {
    ledger.submit(command, Instant::now() + PATIENCE).await
}

/// Opens a wallet of `user` and puts `amount` into it.
pub(crate) async fn wallet_with(ledger: &Ledger, user: &str, amount: &str) -> Uuid {
    let id = open(ledger, user, Currency::Brl).await;
    if amount != "0" {
        let command = Command::deposit(id, Actor::Admin, "first deposit", payment(amount));
        done(submit(ledger, command).await);
    }
    id
}

pub(crate) async fn open(ledger: &Ledger, user: &str, currency: Currency) -> Uuid {
    let outcome = submit(ledger, Command::create_wallet(user, "the wallet", currency)).await;
    match outcome.expect("the ledger answers").result.expect("opened") {
        Done::Wallet(wallet) => wallet.id,
        Done::Transaction(done) => panic!("a wallet was to be opened, not {done:?}"),
    }
}

pub(crate) fn done(outcome: Result<Outcome, SubmitError>) -> Transaction {
    match outcome.expect("the ledger answers").result.expect("carried out") {
        Done::Transaction(done) => done,
        Done::Wallet(wallet) => panic!("money was to be moved, not {wallet:?} opened"),
    }
}

pub(crate) fn refused(outcome: Result<Outcome, SubmitError>) -> Refusal {
    outcome.expect("the ledger answers").result.expect_err("refused")
}
