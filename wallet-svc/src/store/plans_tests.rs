//! Every statement reads by the key that it was written for. A plan that scans would lock the wrong
//! rows and grow with the table.

use super::history;
use super::holds;
use super::sql::Sql;
use super::{Ledger, Settings, outbox, transaction};
use crate::ledger::command::{Actor, Command, Order, Payment};
use crate::ledger::money::Amount;
use crate::ledger::reversal::{Reversal, Undone};
use protocol::wallet::EntryKind;
use sandbox::data::mariadb::{Options, Server};
use sqlx::{Connection, Executor, MySqlConnection, Row};
use uuid::Uuid;

/// What EXPLAIN says of one table: how it is read and by which key.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    table: String,
    access: String,
    key: String,
    partitions: usize,
    extra: String,
}

async fn plans(database: &mut MySqlConnection, sql: &Sql) -> Vec<Plan> {
    let mut plans = Vec::new();
    let mut select = String::new();
    for statement in sql.text().split(';').filter(|statement| statement.contains(" FROM ")) {
        select.clear();
        select.push_str("EXPLAIN PARTITIONS ");
        select.push_str(statement);
        let rows = database.fetch_all(sqlx::raw_sql(&select)).await.expect(&select);
        for row in rows {
            let text = |name: &str| {
                row.try_get_unchecked::<Option<String>, _>(name).expect(name).unwrap_or_default()
            };
            let partitions = text("partitions");
            plans.push(Plan {
                table: text("table"),
                access: text("type"),
                key: text("key"),
                partitions: partitions.split(',').filter(|name| !name.is_empty()).count(),
                extra: text("Extra"),
            });
        }
    }
    plans
}

/// Enough rows that a scan would not be chosen for being small.
const FILL: &str = "INSERT INTO wallet SELECT UNHEX(MD5(seq)), 'ana', 'BRL', 0, 0, seq, 0, 0, 2, \
     9, UNHEX(SHA2('', 256)), 1, 0, 0, 0, 0, NULL, NULL FROM seq_1_to_5000;\
     INSERT INTO entry SELECT UNHEX(MD5(seq MOD 500)), 1800000000000000 + seq * 60000000, seq, 1, \
     'BRL', 1, 1, 0, UNHEX(MD5(seq)), NULL, seq DIV 10, seq MOD 10, UNHEX(SHA2('', 256)), NULL, \
     NULL, NULL, NULL, NULL \
     FROM seq_1_to_20000;\
     INSERT INTO idem SELECT UNHEX(MD5(seq MOD 500)), UNHEX(MD5(seq)), 'abcdefgh', \
     1800000000000000 + seq * 60000000, 0 FROM seq_1_to_20000;\
     INSERT INTO hold SELECT UNHEX(MD5(seq MOD 500)), UNHEX(MD5(seq)), NULL, 9, 0, seq MOD 4, \
     1800000000000000 + seq * 60000000, 1800000000000000 FROM seq_1_to_20000;\
     INSERT INTO reversal SELECT UNHEX(MD5(seq)), UNHEX(MD5(seq + 1)), 1800000000000000 \
     FROM seq_1_to_20000;\
     ANALYZE TABLE wallet, entry, idem, hold, reversal";

/// Commands that make a batch read all that it can.
fn commands() -> Vec<Command> {
    let payment = Payment {
        amount: Amount::parse("1").expect("an amount"),
        currency: None,
        reference: None,
        description: None,
    };
    let deposits = (0..128u128)
        .map(|n| Command::deposit(Uuid::from_u128(n), Actor::Admin, "k", payment.clone()));
    let others = (0..16u128).flat_map(|n| {
        let id = Uuid::from_u128(n);
        let order = || Order { reason: "r".into(), by: None };
        let undone = Undone { wallet_id: id, kind: EntryKind::Deposit, amount: 1, fee: 0 };
        let reversal = Reversal { transaction_id: id, undone: Box::new([undone]), order: order() };
        [Command::reverse("k", reversal), Command::void(id, "k", id, order())]
    });
    deposits.chain(others).collect()
}

#[tokio::test]
async fn every_read_goes_through_its_key() {
    let server = Server::start(Options::default()).await.expect("mariadbd starts");
    let settings = Settings {
        writer_url: server.url_without_password(),
        reader_url: None,
        password: server.password.clone(),
        lanes: 1,
        queue_per_lane_max: 1,
        task_id: "plans".to_owned(),
        fees: std::sync::Arc::default(),
    };
    Ledger::migrate(&settings).await.expect("migrating");
    let mut database = MySqlConnection::connect(&server.url).await.expect("connecting");
    database.execute(sqlx::raw_sql(FILL)).await.expect("filling");

    let id = Uuid::from_u128(1);
    // Of wallet and hold 1 in FILL: a row that is read by its whole key is only planned if it exists.
    let first = Uuid::from_u128(0xc4ca_4238_a0b9_2382_0dcc_509a_6f75_849b);
    let at_us = 1_800_000_000_000_000 + 3_000 * 60_000_000;
    let commands = commands();
    let commands: Vec<&Command> = commands.iter().collect();
    let ids: Vec<Uuid> = (0..200u128).map(Uuid::from_u128).collect();

    let mut sql = Sql::default();
    let mut seen = Vec::new();
    type Write<'a> = Box<dyn Fn(&mut Sql) + 'a>;
    let writes: [(&str, Write<'_>); 10] = [
        ("lock", Box::new(|sql| drop(transaction::write_lock(sql, &ids, &commands)))),
        ("balance at", Box::new(|sql| history::write_balance_at(sql, id, at_us))),
        ("older", Box::new(|sql| history::write_older(sql, id, at_us))),
        ("statement", Box::new(|sql| history::write_statement(sql, id, i64::MAX, 50))),
        ("wallets", Box::new(|sql| history::write_wallets_of(sql, "ana", id, 50))),
        ("transaction", Box::new(|sql| history::write_transaction(sql, id, at_us, at_us + 999))),
        ("hold", Box::new(|sql| holds::write_hold(sql, first, first))),
        ("holds", Box::new(|sql| holds::write_holds_of(sql, id, Uuid::max(), 50))),
        ("due", Box::new(|sql| holds::write_due(sql, 512))),
        (
            "outbox",
            Box::new(|sql| outbox::write_entries(sql, &[7, 8, 9], at_us, at_us + 1_000_000)),
        ),
    ];
    for (name, write) in writes {
        write(&mut sql);
        for plan in plans(&mut database, &sql).await {
            let scan = matches!(plan.access.as_str(), "ALL" | "index");
            assert!(!scan, "{name} scans: {plan:?}");
            assert!(!plan.extra.contains("filesort"), "{name} sorts: {plan:?}");
            // The clock is read from no table.
            if !plan.table.is_empty() {
                seen.push((name, plan.table, plan.key, plan.partitions));
            }
        }
    }
    let seen: Vec<(&str, &str, &str, usize)> =
        seen.iter().map(|(name, table, key, n)| (*name, &table[..], &key[..], *n)).collect();
    // The last number is of partitions. The entry that a key stands for is read by its whole
    // primary key, which prunes at run time.
    #[rustfmt::skip]
    assert_eq!(seen, [
        ("lock",        "wallet", "PRIMARY",      0),
        ("lock",        "i",      "PRIMARY",      0),
        ("lock",        "e",      "PRIMARY",     16),
        ("lock",        "reversal", "PRIMARY",    0),
        ("lock",        "hold",   "PRIMARY",      0),
        ("balance at",  "entry",  "PRIMARY",      2),
        ("older",       "entry",  "PRIMARY",      4),
        ("statement",   "entry",  "PRIMARY",     16),
        ("wallets",     "wallet", "wallet_user",  0),
        ("transaction", "e",      "entry_txn",    1),
        ("transaction", "w",      "PRIMARY",      0),
        ("transaction", "r",      "PRIMARY",      0),
        ("hold",        "wallet", "PRIMARY",      0),
        ("hold",        "hold",   "PRIMARY",      0),
        ("holds",       "hold",   "PRIMARY",      0),
        ("due",         "hold",   "hold_expiry",  0),
        ("outbox",      "entry",  "entry_batch",  1),
    ]);
}
