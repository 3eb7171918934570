//! What one batch costs in the pure core: 128 commands on as many wallets, and on one.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::collections::BTreeSet;
use std::hint::black_box;
use uuid::Uuid;
use wallet_svc::ledger::batch::decide;
use wallet_svc::ledger::command::{Actor, Command, Payment};
use wallet_svc::ledger::fee::Schedules;
use wallet_svc::ledger::id::TransactionIds;
use wallet_svc::ledger::locked::{Locked, Stripes};
use wallet_svc::ledger::money::{Amount, Currency};
use wallet_svc::ledger::wallet::{Kind, Wallet};

const COMMANDS: u64 = 128;
const NOW_US: i64 = 1_800_000_000_000_000;

/// Of five commands two deposit, two withdraw and one transfers, as in the operations mix.
fn commands(wallets: u64) -> Vec<Command> {
    let payment = Payment {
        amount: Amount::parse("1.00").expect("an amount"),
        currency: None,
        reference: None,
        description: None,
    };
    let wallet = |number: u64| Uuid::from_u128(u128::from(number % wallets) << 64);
    (0..COMMANDS)
        .map(|number| {
            let (id, key) = (wallet(number), format!("key {number}"));
            let actor = Actor::User("user".into());
            match number % 5 {
                0 | 1 => Command::deposit(id, actor, &key, payment.clone()),
                2 | 3 => Command::withdraw(id, actor, &key, payment.clone()),
                _ => Command::transfer(id, wallet(number + 1), actor, &key, payment.clone()),
            }
        })
        .collect()
}

fn locked(stripes: &Stripes, wallets: u64) -> Locked {
    let mut ids: BTreeSet<Uuid> =
        (0..wallets).map(|n| Uuid::from_u128(u128::from(n) << 64)).collect();
    let settlement = stripes.of(Currency::Brl);
    let sum = i64::try_from(wallets).expect("few") * 1_000_000;
    let rows: Vec<Wallet> = ids
        .iter()
        .map(|id| Wallet {
            available: 1_000_000,
            version: 1,
            ..Wallet::unopened(*id, "user", Currency::Brl, Kind::Customer, 1)
        })
        .chain([Wallet {
            available: -sum,
            version: 1,
            ..Wallet::unopened(settlement, "", Currency::Brl, Kind::Settlement, 1)
        }])
        .collect();
    ids.insert(settlement);
    let mut locked = Locked::new(&ids.into_iter().collect::<Vec<_>>());
    rows.into_iter().for_each(|wallet| locked.put_wallet(wallet));
    locked
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decide");
    group.throughput(Throughput::Elements(COMMANDS));
    for (name, wallets) in [("as many wallets", COMMANDS), ("one hot wallet", 2)] {
        let stripes = Stripes::new(0);
        let commands = commands(wallets);
        let commands: Vec<&[Command]> = commands.iter().map(std::slice::from_ref).collect();
        let locked = locked(&stripes, wallets);
        let mut ids = TransactionIds::new(1);
        group.bench_function(format!("{COMMANDS} commands on {name}"), |bencher| {
            bencher.iter_batched(
                || locked.clone(),
                |mut locked| {
                    let decision = decide(
                        &mut locked,
                        &commands,
                        &stripes,
                        &Schedules::default(),
                        NOW_US,
                        &mut ids,
                    );
                    black_box(decision.expect("the stripes are locked").outcomes.len())
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
