//! Reads of wallets as they stand, gathered like commands in a lane: whoever asks while a read is
//! under way shares the next one.
//!
//! First the cache, if it has at least the version asked for, then the writer. While the writer
//! cannot be asked, the cache or a replica answers, labelled stale.

use super::pool::{Pool, PoolError, Rows};
use super::row;
use super::shared::Shared;
use super::sql::Sql;
use super::{Balance, Mode, ReadError};
use crate::cache::Cache;
use crate::ledger::wallet::{Kind, Wallet};
use crate::vital::or_abort;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// Most wallets in one read; see [`super::lane`] for why 200.
const WALLETS_MAX: usize = 200;

/// Questions that may wait for each reader.
const QUEUE_MAX: usize = 4_000;

/// Tasks that read from the database, each with one connection: one works while the other's reply
/// is on its way.
const READERS: usize = 2;

/// A question.
#[derive(Debug)]
struct Ask {
    id: Uuid,
    min_version: u64,
    reply: oneshot::Sender<Result<Option<Balance>, ReadError>>,
}

/// The way in. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Balances {
    cache: Option<mpsc::Sender<Ask>>,
    database: Vec<mpsc::Sender<Ask>>,
}

impl Balances {
    /// Starts the readers on `tracker`.
    pub(super) fn start(
        shared: &Arc<Shared>,
        tracker: &TaskTracker,
        stop: &CancellationToken,
    ) -> Self {
        let mut database = Vec::with_capacity(READERS);
        for _ in 0..READERS {
            let (sender, queue) = mpsc::channel(QUEUE_MAX);
            let reader = Reader {
                shared: Arc::clone(shared),
                writer: Pool::writer(shared.writer.clone(), 1),
                replica: shared.reader.clone().map(|options| Pool::replicas(options, 1)),
                sql: Sql::default(),
            };
            tracker.spawn(or_abort("reader of balances", reader.run(queue, stop.clone())));
            database.push(sender);
        }
        let cache = shared.cache.as_ref().map(|cache| {
            let (sender, queue) = mpsc::channel(QUEUE_MAX);
            let cached = Cached { shared: Arc::clone(shared), cache: cache.clone() };
            let answering = cached.answer(queue, database.clone(), stop.clone());
            tracker.spawn(or_abort("reader of the cache", answering));
            sender
        });
        Self { cache, database }
    }

    /// The wallet with at least `min_version`, if it ever had that, from the cache or the ledger.
    pub(super) async fn balance(
        &self,
        id: Uuid,
        min_version: u64,
    ) -> Result<Option<Balance>, ReadError> {
        let queue = self.cache.as_ref().unwrap_or_else(|| self.database_for(id));
        ask(queue, id, min_version).await
    }

    /// The wallet from the ledger.
    pub(super) async fn wallet(&self, id: Uuid) -> Result<Option<Balance>, ReadError> {
        ask(self.database_for(id), id, 0).await
    }

    fn database_for(&self, id: Uuid) -> &mpsc::Sender<Ask> {
        pick(&self.database, id)
    }
}

fn pick(queues: &[mpsc::Sender<Ask>], id: Uuid) -> &mpsc::Sender<Ask> {
    &queues[usize::from(id.as_bytes()[15]) % queues.len()]
}

async fn ask(
    queue: &mpsc::Sender<Ask>,
    id: Uuid,
    min_version: u64,
) -> Result<Option<Balance>, ReadError> {
    let (reply, answer) = oneshot::channel();
    queue.try_send(Ask { id, min_version, reply }).map_err(|_| ReadError::Overloaded)?;
    answer.await.unwrap_or(Err(ReadError::Overloaded))
}

/// Answers what the cache can, and passes on the rest.
struct Cached {
    shared: Arc<Shared>,
    cache: Cache,
}

impl Cached {
    async fn answer(
        self,
        mut queue: mpsc::Receiver<Ask>,
        database: Vec<mpsc::Sender<Ask>>,
        stop: CancellationToken,
    ) {
        while let Some(asks) = next(&mut queue, &stop).await {
            let ids: Vec<Uuid> = asks.iter().map(|ask| ask.id).collect();
            let found = self.cache.get(&ids).await;
            // While the writer is gone nobody can say that what is cached is the last word.
            let stale = self.shared.mode() == Mode::Unreachable;
            for (ask, found) in asks.into_iter().zip(found) {
                let balance = found.map(|(wallet, as_of_us)| Balance { wallet, as_of_us, stale });
                match balance {
                    Some(balance) if balance.wallet.version >= ask.min_version => {
                        let _left = ask.reply.send(Ok(Some(balance)));
                    }
                    _ => {
                        if let Err(unsent) = pick(&database, ask.id).try_send(ask) {
                            let _left = unsent.into_inner().reply.send(Err(ReadError::Overloaded));
                        }
                    }
                }
            }
        }
    }
}

/// Everything that waits, at least one; `None` once stopped and empty.
async fn next(queue: &mut mpsc::Receiver<Ask>, stop: &CancellationToken) -> Option<Vec<Ask>> {
    let mut asks = Vec::with_capacity(16);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled(), if !queue.is_closed() => queue.close(),
            n = queue.recv_many(&mut asks, WALLETS_MAX) => return (n > 0).then_some(asks),
        }
    }
}

struct Reader {
    shared: Arc<Shared>,
    writer: Pool,
    replica: Option<Pool>,
    sql: Sql,
}

impl Reader {
    async fn run(mut self, mut queue: mpsc::Receiver<Ask>, stop: CancellationToken) {
        while let Some(asks) = next(&mut queue, &stop).await {
            self.answer(asks).await;
        }
    }

    async fn answer(&mut self, asks: Vec<Ask>) {
        write_read(&mut self.sql, &asks);
        let epoch = self.shared.writer_epoch();
        // A writer known to be gone is not waited for; the probe will tell when it is back.
        let asked = if self.shared.mode() == Mode::Unreachable && self.replica.is_some() {
            Err(PoolError::Busy)
        } else {
            self.writer.rows(&self.sql, epoch).await
        };
        match asked.and_then(|rows| wallets(&rows).map_err(PoolError::Database)) {
            Ok((wallets, now_us)) => self.answer_fresh(asks, wallets, now_us),
            Err(error) => {
                let replica = match &self.replica {
                    Some(pool) => pool.rows(&self.sql, 0).await,
                    None => Err(error),
                };
                let found = replica.and_then(|rows| wallets(&rows).map_err(PoolError::Database));
                answer_stale(asks, found);
            }
        }
    }

    fn answer_fresh(&self, asks: Vec<Ask>, wallets: BTreeMap<Uuid, Wallet>, now_us: i64) {
        for ask in asks {
            let wallet = wallets.get(&ask.id).cloned();
            let balance = wallet.map(|wallet| Balance { wallet, as_of_us: now_us, stale: false });
            let _left = ask.reply.send(Ok(balance));
        }
        if let Some(cache) = &self.shared.cache {
            cache.put(wallets.into_values().map(|wallet| (wallet, now_us)).collect());
        }
    }
}

/// What a replica knows is better than nothing, if it is new enough. A wallet that it does not know
/// may only be too new for it.
fn answer_stale(asks: Vec<Ask>, found: Result<(BTreeMap<Uuid, Wallet>, i64), PoolError>) {
    let (wallets, as_of_us, error) = match found {
        Ok((wallets, now_us)) => (wallets, now_us, None),
        Err(error) => (BTreeMap::new(), 0, Some(ReadError::from_pool("wallets", error))),
    };
    for ask in asks {
        let answer = match wallets.get(&ask.id) {
            Some(wallet) if wallet.version >= ask.min_version => {
                Ok(Some(Balance { wallet: wallet.clone(), as_of_us, stale: true }))
            }
            _ => Err(error.clone().unwrap_or(ReadError::NotYet)),
        };
        let _left = ask.reply.send(answer);
    }
}

fn write_read(sql: &mut Sql, asks: &[Ask]) {
    let mut ids: Vec<Uuid> = asks.iter().map(|ask| ask.id).collect();
    ids.sort_unstable();
    ids.dedup();
    // The clock first: what is read afterwards holds at least until then.
    sql.clear().put("SELECT CAST(UNIX_TIMESTAMP(NOW(6))*1000000 AS SIGNED);SELECT ");
    sql.put(row::WALLET).put(" FROM wallet FORCE INDEX(PRIMARY) WHERE wallet_id IN (");
    sql.list(&ids, |sql, id| {
        sql.hex(id.as_bytes());
    });
    sql.put(")");
}

fn wallets(rows: &Rows) -> Result<(BTreeMap<Uuid, Wallet>, i64), sqlx::Error> {
    let (mut wallets, mut now_us) = (BTreeMap::new(), 0);
    for (statement, row) in rows {
        if *statement == 0 {
            now_us = row::int(row, 0)?;
            continue;
        }
        let wallet = row::wallet(row)?;
        if wallet.kind == Kind::Customer {
            wallets.insert(wallet.id, wallet);
        }
    }
    Ok((wallets, now_us))
}
