//! One row per refusal, by descending precedence: each row has the fault it tells and all that come
//! after it.

use super::*;
use crate::ledger::command::{Actor, Order, Payment};
use crate::ledger::money::Amount;
use crate::ledger::wallet::{BALANCE_MAX, Status};

const NOW_US: i64 = 1_800_000_000_000_000;

/// A small world: Ana's wallet, what may be wrong with it, and others.
struct World {
    wallets: Vec<Wallet>,
    stripes: Stripes,
    ids: TransactionIds,
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn wallet(number: u128, user: &str, currency: Currency, available: i64, status: Status) -> Wallet {
    let unopened = Wallet::unopened(id(number), user, currency, Kind::Customer, 5);
    Wallet { available, status, version: 3, last_at_us: 5, ..unopened }
}

fn payment(amount: &str, currency: Option<Currency>) -> Payment {
    let amount = Amount::parse(amount).expect("an amount");
    Payment { amount, currency, reference: None, description: None }
}

fn order() -> Order {
    Order { reason: "a judge's letter".into(), by: Some("clara".into()) }
}

fn user(name: &str) -> Actor {
    Actor::User(name.into())
}

impl World {
    fn new(wallets: Vec<Wallet>) -> Self {
        Self { wallets, stripes: Stripes::new(0), ids: TransactionIds::new(1) }
    }

    fn locked(&self, also: &[Uuid]) -> Locked {
        let mut ids: Vec<Uuid> = self.wallets.iter().map(|w| w.id).collect();
        ids.extend([Currency::Brl, Currency::Jpy].map(|currency| self.stripes.of(currency)));
        ids.extend(also);
        ids.sort_unstable();
        ids.dedup();
        let mut locked = Locked::new(&ids);
        for wallet in &self.wallets {
            locked.put_wallet(wallet.clone());
        }
        locked
    }

    fn one(&mut self, command: &Command) -> Result<Done, Refusal> {
        let mut locked = self.locked(&[command.wallet_id]);
        let decision = decide(
            &mut locked,
            &[std::slice::from_ref(command)],
            &self.stripes,
            &Schedules::default(),
            NOW_US,
            &mut self.ids,
        );
        let mut decision = decision.expect("the stripes are locked");
        let outcome = decision.outcomes.pop().expect("one command, one outcome");
        let changed_nothing = outcome.result.is_err() || outcome.replayed;
        assert_eq!(changed_nothing, decision.entries.is_empty());
        outcome.result
    }
}

/// Ana's wallet is sound, each of Bia's has another fault.
fn faulty_world() -> World {
    use Currency::{Brl, Jpy};
    use Status::{Active, Closed, Frozen};
    let mut world = World::new(vec![
        wallet(1, "ana", Brl, 100, Active),
        wallet(2, "bia", Brl, BALANCE_MAX, Active),
        wallet(3, "bia", Brl, 0, Frozen),
        wallet(4, "bia", Brl, 0, Closed),
        wallet(5, "bia", Jpy, 0, Active),
    ]);
    world.wallets.push(Wallet {
        available: -100 - BALANCE_MAX,
        version: 1,
        ..Wallet::unopened(world.stripes.of(Brl), "", Brl, Kind::Settlement, 1)
    });
    world
}

#[test]
fn refusals_by_descending_precedence() {
    use Currency::{Brl, Jpy};
    use EntryKind::{Deposit, TransferOut, Withdrawal};
    use Refusal::{
        BalanceLimit, CurrencyMismatch, InsufficientFunds, ReceiverNotFound, SameWallet,
        TooManyDecimals, WalletClosed, WalletForbidden, WalletFrozen, WalletNotFound,
    };
    let (ana, bia, eve) = (|| user("ana"), || user("bia"), || user("eve"));
    let mut world = faulty_world();
    let settlement = world.stripes.of(Brl);
    let pay = |amount: &str| payment(amount, Some(Brl));
    let (yen, odd) = (|| payment("9", Some(Jpy)), || payment("9.001", Some(Brl)));
    let transfer = |from, to, actor, payment| Command::transfer(id(from), to, actor, "k", payment);
    let deposit = |to, actor, payment| Command::deposit(id(to), actor, "k", payment);
    let withdraw = |from, actor, payment| Command::withdraw(id(from), actor, "k", payment);
    #[rustfmt::skip]
    let table = [
        (transfer(9, id(9), eve(), odd()),           Err(WalletNotFound)),
        (Command::deposit(settlement, Actor::Admin, "k", pay("1")), Err(WalletNotFound)),
        (transfer(3, id(3), eve(), odd()),           Err(WalletForbidden)),
        (deposit(4, eve(), yen()),                   Err(WalletForbidden)),
        (withdraw(4, eve(), yen()),                  Err(WalletForbidden)),
        (transfer(3, id(3), bia(), odd()),           Err(SameWallet)),
        (transfer(3, id(9), bia(), odd()),           Err(ReceiverNotFound)),
        (transfer(3, settlement, bia(), odd()),      Err(ReceiverNotFound)),
        (transfer(3, id(5), bia(), odd()),           Err(CurrencyMismatch)),
        (transfer(3, id(4), bia(), yen()),           Err(CurrencyMismatch)),
        (deposit(4, bia(), yen()),                   Err(CurrencyMismatch)),
        (withdraw(4, bia(), yen()),                  Err(CurrencyMismatch)),
        (transfer(3, id(4), bia(), odd()),           Err(TooManyDecimals)),
        (deposit(4, bia(), odd()),                   Err(TooManyDecimals)),
        (withdraw(4, bia(), odd()),                  Err(TooManyDecimals)),
        (deposit(5, bia(), payment("9.0", None)),    Err(TooManyDecimals)),
        (transfer(3, id(4), bia(), pay("9")),        Err(WalletClosed)),
        (transfer(4, id(3), bia(), pay("9")),        Err(WalletClosed)),
        (deposit(4, bia(), pay("9")),                Err(WalletClosed)),
        (withdraw(4, bia(), pay("9")),               Err(WalletClosed)),
        (transfer(3, id(2), bia(), pay("9")),        Err(WalletFrozen)),
        (transfer(1, id(3), ana(), pay("9")),        Err(WalletFrozen)),
        (deposit(3, bia(), pay("9")),                Err(WalletFrozen)),
        (withdraw(3, bia(), pay("9")),               Err(WalletFrozen)),
        (transfer(1, id(2), ana(), pay("1.01")),     Err(InsufficientFunds)),
        (withdraw(1, ana(), pay("1.01")),            Err(InsufficientFunds)),
        (transfer(1, id(2), ana(), pay("1")),        Err(BalanceLimit)),
        (deposit(2, bia(), pay("0.01")),             Err(BalanceLimit)),
        (withdraw(1, ana(), pay("1")),               Ok((Withdrawal, 100, 0))),
        (withdraw(2, Actor::Admin, pay("0.01")),     Ok((Withdrawal, 1, BALANCE_MAX - 1))),
        (deposit(1, ana(), payment("0.01", None)),   Ok((Deposit, 1, 101))),
        (deposit(5, bia(), payment("9", None)),      Ok((Deposit, 9, 9))),
        (transfer(2, id(1), bia(), pay("7.5")),      Ok((TransferOut, 750, BALANCE_MAX - 750))),
    ];
    for (command, want) in table {
        let got = world.one(&command).map(|done| match done {
            Done::Transaction(done) => {
                assert_eq!((done.version, done.at_us), (4, NOW_US));
                (done.kind, done.amount, done.available_after)
            }
            Done::Wallet(wallet) => panic!("{wallet:?} opened by {command:?}"),
        });
        assert_eq!(got, want, "{command:?}");
    }
}

#[test]
fn a_status_changes_by_order_and_only_along_its_ways() {
    use Refusal::{WalletClosed, WalletForbidden, WalletFrozen, WalletNotEmpty, WalletNotFrozen};
    use Status::{Active, Closed, Frozen};
    let close = |actor| Command::close(id(1), actor, "k", order());
    let ana = || user("ana");
    #[rustfmt::skip]
    let table = [
        (Active, 0, Command::freeze(id(1), "k", order()),   Ok((EntryKind::WalletFrozen, Frozen))),
        (Active, 7, Command::freeze(id(1), "k", order()),   Ok((EntryKind::WalletFrozen, Frozen))),
        (Frozen, 0, Command::freeze(id(1), "k", order()),   Err(WalletFrozen)),
        (Closed, 0, Command::freeze(id(1), "k", order()),   Err(WalletClosed)),
        (Active, 0, Command::unfreeze(id(1), "k", order()), Err(WalletNotFrozen)),
        (Frozen, 7, Command::unfreeze(id(1), "k", order()), Ok((EntryKind::WalletUnfrozen, Active))),
        (Closed, 0, Command::unfreeze(id(1), "k", order()), Err(WalletClosed)),
        (Frozen, 0, close(user("eve")),                     Err(WalletForbidden)),
        (Closed, 0, close(ana()),                           Err(WalletClosed)),
        (Frozen, 7, close(ana()),                           Err(WalletFrozen)),
        (Active, 7, close(ana()),                           Err(WalletNotEmpty)),
        (Active, 0, close(ana()),                           Ok((EntryKind::WalletClosed, Closed))),
        (Active, 0, close(Actor::Admin),                    Ok((EntryKind::WalletClosed, Closed))),
    ];
    for (status, available, command, want) in table {
        let world = World::new(vec![wallet(1, "ana", Currency::Brl, available, status)]);
        let commands = [command];
        let (decision, locked) = run(&world, &commands);
        let got = decision.outcomes[0].result.clone().map(|done| {
            let Done::Transaction(done) = done else { panic!("a wallet was opened") };
            let [entry] = &decision.entries[..] else { panic!("one entry, no settlement") };
            assert_eq!((done.amount, entry.amount, entry.available_after), (0, 0, available));
            assert_eq!((entry.actor, entry.description), (Some("clara"), Some("a judge's letter")));
            assert_ne!(Entry { actor: None, ..entry.clone() }.link(&[0; 32]), entry.hash);
            (done.kind, locked.wallet(id(1)).expect("locked").status)
        });
        assert_eq!(got, want, "{status:?} {available} {:?}", commands[0]);
    }
}

#[test]
fn a_wallet_that_holds_something_for_others_is_not_empty() {
    let mut ana = wallet(1, "ana", Currency::Brl, 0, Status::Active);
    ana.held = 1;
    let mut world = World::new(vec![ana]);
    let command = Command::close(id(1), Actor::Admin, "k", order());
    assert_eq!(world.one(&command), Err(Refusal::WalletNotEmpty));
}

#[test]
fn what_follows_a_freeze_in_the_same_batch_is_refused() {
    let world = World::new(vec![wallet(1, "ana", Currency::Brl, 100, Status::Active)]);
    let commands = [
        Command::withdraw(id(1), user("ana"), "a", payment("0.10", None)),
        Command::freeze(id(1), "b", order()),
        Command::withdraw(id(1), user("ana"), "c", payment("0.10", None)),
        Command::freeze(id(1), "b", Order { by: Some("davi".into()), ..order() }),
        Command::unfreeze(id(1), "d", order()),
        Command::withdraw(id(1), user("ana"), "e", payment("0.10", None)),
    ];
    let (decision, _) = run(&world, &commands);
    let seen: Vec<_> =
        decision.outcomes.iter().map(|o| (o.replayed, o.result.as_ref().err().copied())).collect();
    let frozen = Some(Refusal::WalletFrozen);
    assert_eq!(
        seen,
        [(false, None), (false, None), (false, frozen), (true, None), (false, None), (false, None)]
    );
}

#[test]
fn a_refusal_touches_no_other_command_of_the_batch() {
    let world = World::new(vec![wallet(1, "ana", Currency::Brl, 100, Status::Active)]);
    let commands = [
        Command::withdraw(id(1), user("ana"), "a", payment("0.60", None)),
        Command::withdraw(id(1), user("ana"), "b", payment("0.60", None)),
        Command::withdraw(id(1), user("ana"), "c", payment("0.40", None)),
    ];
    let (decision, locked) = run(&world, &commands);
    let results: Vec<_> = decision.outcomes.iter().map(|o| o.result.as_ref().err()).collect();
    assert_eq!(results, [None, Some(&Refusal::InsufficientFunds), None]);
    // Two withdrawals, and one settlement entry for both.
    let amounts: Vec<i64> = decision.entries.iter().map(|e| e.amount).collect();
    assert_eq!(amounts, [-60, -40, 100]);
    assert_eq!(decision.keys.len(), 3, "the refusal is remembered too");
    assert_eq!(locked.updated().count(), 1);
    assert_eq!(locked.opened().count(), 1, "the settlement wallet");
}

#[test]
fn a_key_stands_for_its_first_body_for_ever() {
    let world = World::new(vec![wallet(1, "ana", Currency::Brl, 100, Status::Active)]);
    let command =
        |key: &str, amount: &str| Command::withdraw(id(1), user("ana"), key, payment(amount, None));
    let first = [
        command("a", "0.60"),
        command("a", "0.60"),
        command("a", "0.6"),
        command("a", "0.61"),
        command("b", "5"),
        command("b", "5"),
        command("b", "0.01"),
    ];
    let (decision, _) = run(&world, &first);
    let seen: Vec<_> =
        decision.outcomes.iter().map(|o| (o.replayed, o.result.as_ref().err().copied())).collect();
    let funds = Some(Refusal::InsufficientFunds);
    let reused = Some(Refusal::KeyReused);
    #[rustfmt::skip]
    assert_eq!(seen, [
        (false, None), (true, None), (true, None), (false, reused),
        (false, funds), (true, funds), (false, reused),
    ]);
    assert_eq!(decision.outcomes[0].result, decision.outcomes[2].result);
    assert_eq!(decision.keys.len(), 2);
}

#[test]
fn instants_ascend_though_the_clock_goes_back() {
    let mut ahead = wallet(1, "ana", Currency::Brl, 100, Status::Active);
    ahead.last_at_us = NOW_US + 1_000;
    let world = World::new(vec![ahead, wallet(2, "bia", Currency::Brl, 0, Status::Active)]);
    let commands = [
        Command::withdraw(id(1), user("ana"), "a", payment("0.10", None)),
        Command::transfer(id(1), id(2), user("ana"), "b", payment("0.10", None)),
        Command::deposit(id(2), user("bia"), "c", payment("0.10", None)),
    ];
    let (decision, _) = run(&world, &commands);
    let instants: Vec<i64> = decision.entries.iter().map(|e| e.at_us - NOW_US).collect();
    assert_eq!(instants[..4], [1_001, 1_002, 1_002, 1_003]);
}

#[test]
fn each_entry_is_chained_to_the_one_before() {
    let world = World::new(vec![wallet(1, "ana", Currency::Brl, 100, Status::Active)]);
    let described = Payment { description: Some("rent".into()), ..payment("0.10", None) };
    let commands = [
        Command::withdraw(id(1), user("ana"), "a", described),
        Command::withdraw(id(1), user("ana"), "b", payment("0.10", None)),
    ];
    let (decision, locked) = run(&world, &commands);
    let [first, second, _settlement] = &decision.entries[..] else { panic!("three entries") };
    assert_eq!(first.hash, first.link(&[0; 32]));
    assert_eq!(second.hash, second.link(&first.hash));
    assert_eq!(locked.wallet(id(1)).map(|w| w.last_hash), Some(second.hash));
    let other = Entry { description: Some("food"), ..first.clone() };
    assert_ne!(other.link(&[0; 32]), first.hash);
}

#[test]
fn a_settlement_wallet_that_was_not_locked_is_asked_for() {
    let world = World::new(vec![wallet(1, "ana", Currency::Kwd, 100, Status::Active)]);
    let command = Command::deposit(id(1), user("ana"), "a", payment("1", None));
    let mut ids = TransactionIds::new(1);
    let groups = [std::slice::from_ref(&command)];
    let decided = decide(
        &mut world.locked(&[]),
        &groups,
        &world.stripes,
        &Schedules::default(),
        NOW_US,
        &mut ids,
    );
    assert_eq!(decided.expect_err("not locked"), StripeNotLocked(Currency::Kwd));
}

#[test]
fn a_wallet_is_opened_once_per_user_and_key() {
    let mut world = World::new(Vec::new());
    let command = Command::create_wallet("ana", "k", Currency::Brl);
    let Ok(Done::Wallet(opened)) = world.one(&command) else { panic!("not opened") };
    assert_eq!((opened.version, opened.available, opened.created_us), (1, 0, NOW_US));
    assert_eq!(opened.last_at_us, NOW_US);

    // Later, with money in it: the answer is the same.
    world.wallets.push(Wallet { available: 7, version: 9, ..opened.clone() });
    let Ok(Done::Wallet(again)) = world.one(&command) else { panic!("not answered") };
    assert_eq!(again, Wallet { last_hash: again.last_hash, ..opened });
    let other = Command::create_wallet("ana", "k", Currency::Jpy);
    assert_eq!(world.one(&other), Err(Refusal::KeyReused));
}

fn run<'a>(world: &World, commands: &'a [Command]) -> (Decision<'a>, Locked) {
    let mut locked = world.locked(&[]);
    let groups: Vec<&[Command]> = commands.iter().map(std::slice::from_ref).collect();
    let mut ids = TransactionIds::new(1);
    let decision =
        decide(&mut locked, &groups, &world.stripes, &Schedules::default(), NOW_US, &mut ids);
    (decision.expect("the stripes are locked"), locked)
}
