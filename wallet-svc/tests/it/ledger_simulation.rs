//! The pure core against a model that is as simple as can be: one command after the other, on plain
//! maps. The seed is printed; build with it as
//! `LEDGER_SEED` to see a failure again.

use protocol::wallet::{EntryKind, HoldState, WalletStatus};
use rand::seq::{IndexedRandom, IteratorRandom};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;
use wallet_svc::ledger::batch::{StripeNotLocked, decide};
use wallet_svc::ledger::command::{
    Actor, Authorization, Capture, Command, Done, Order, Outcome, Payment, Refusal, Transaction,
};
use wallet_svc::ledger::fee::Schedules;
use wallet_svc::ledger::hold::Hold;
use wallet_svc::ledger::id::TransactionIds;
use wallet_svc::ledger::locked::{Locked, Recorded, Stripes};
use wallet_svc::ledger::money::{Amount, Currency};
use wallet_svc::ledger::reversal::{Reversal, Undone};
use wallet_svc::ledger::wallet::{BALANCE_MAX, Kind, Wallet};

const COMMANDS: usize = 200_000;
const USERS: usize = 12;
const CURRENCIES: [Currency; 3] = [Currency::Brl, Currency::Jpy, Currency::Kwd];

/// What a wallet is to the model.
#[derive(Clone, Debug)]
struct Purse {
    user: usize,
    currency: Currency,
    status: WalletStatus,
    money: i64,
    held: i64,
    entries: u64,
}

/// What a hold is to the model.
#[derive(Clone, Debug)]
struct Pledge {
    wallet: Uuid,
    to: Option<Uuid>,
    left: i64,
    state: HoldState,
    expires_us: i64,
}

/// Money and version after a command, or why there was none.
type Answer = Result<(i64, u64), Refusal>;

#[derive(Default)]
struct Model {
    purses: BTreeMap<Uuid, Purse>,
    /// The bodies that keys stand for, and what came of them.
    keys: BTreeMap<(Uuid, u8), (String, Answer)>,
    /// What each transaction did to whom.
    past: BTreeMap<Uuid, Past>,
    holds: BTreeMap<Uuid, Pledge>,
    now_us: i64,
}

#[derive(Clone, Debug)]
struct Past {
    changes: Vec<(Uuid, i64)>,
    reversible: bool,
    reversed: bool,
}

/// A command as the simulation draws it, before it becomes one.
#[derive(Clone, Debug)]
struct Draw {
    what: What,
    wallet: Uuid,
    to: Uuid,
    user: usize,
    admin: bool,
    key: u8,
    /// In thousandths of the currency's unit, always written with `decimals`.
    thousandths: i64,
    decimals: u8,
    currency: Option<Currency>,
    /// A transaction to reverse, as the database would show it.
    target: Option<(Uuid, Vec<Undone>)>,
    /// A hold, and who gets what is captured.
    hold: Option<(Uuid, Option<Uuid>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Open,
    Deposit,
    Withdraw,
    Transfer,
    Freeze,
    Unfreeze,
    Close,
    Reverse,
    Authorize,
    Capture,
    Void,
    Expire,
}

impl Draw {
    fn text(&self) -> String {
        let unit = self.thousandths / 1_000;
        let rest = self.thousandths % 1_000;
        match self.decimals {
            0 => format!("{unit}"),
            2 => format!("{unit}.{:02}", rest / 10),
            _ => format!("{unit}.{rest:03}"),
        }
    }

    fn command(&self) -> Command {
        let key = format!("key {}", self.key);
        let amount = Amount::parse(&self.text()).expect("a good amount");
        let payment =
            Payment { amount, currency: self.currency, reference: None, description: None };
        let user = format!("user{}", self.user);
        let actor = if self.admin { Actor::Admin } else { Actor::User(user.as_str().into()) };
        match self.what {
            What::Open => {
                let currency = self.currency.unwrap_or(Currency::Brl);
                Command::create_wallet(&user, &key, currency)
            }
            What::Deposit => Command::deposit(self.wallet, actor, &key, payment),
            What::Withdraw => Command::withdraw(self.wallet, actor, &key, payment),
            What::Transfer => Command::transfer(self.wallet, self.to, actor, &key, payment),
            What::Freeze => Command::freeze(self.wallet, &key, self.order()),
            What::Unfreeze => Command::unfreeze(self.wallet, &key, self.order()),
            What::Close => Command::close(self.wallet, actor, &key, self.order()),
            What::Reverse => {
                let (transaction_id, undone) = self.target.clone().expect("a target");
                let (undone, order) = (undone.into(), self.order());
                Command::reverse(&key, Reversal { transaction_id, undone, order })
            }
            What::Authorize => {
                let (to, lifetime_seconds) = (self.receiver(), self.lifetime_seconds());
                let hold = Authorization { to, lifetime_seconds, payment };
                Command::authorize(self.wallet, actor, &key, hold)
            }
            What::Capture => {
                let (hold_id, to) = self.hold.expect("a hold");
                let amount = self.takes_a_part().then_some(amount);
                let (is_final, description, by) = (self.is_last(), None, None);
                let capture = Capture { hold_id, to, amount, is_final, description, by };
                Command::capture(self.wallet, &key, capture)
            }
            What::Void => {
                Command::void(self.wallet, &key, self.hold.expect("a hold").0, self.order())
            }
            What::Expire => Command::expire(self.wallet, self.hold.expect("a hold").0),
        }
    }

    fn minor_in(&self, currency: Currency) -> Result<i64, Refusal> {
        if self.decimals > currency.decimals() {
            return Err(Refusal::TooManyDecimals);
        }
        Ok(match currency.decimals() {
            0 => self.thousandths / 1_000,
            2 if self.decimals == 0 => self.thousandths / 1_000 * 100,
            2 => self.thousandths / 10,
            _ if self.decimals == 0 => self.thousandths / 1_000 * 1_000,
            _ if self.decimals == 2 => self.thousandths / 10 * 10,
            _ => self.thousandths,
        })
    }

    fn order(&self) -> Order {
        Order { reason: format!("reason {}", self.decimals).into(), by: Some("clara".into()) }
    }

    fn receiver(&self) -> Option<Uuid> {
        (self.thousandths % 2 == 0).then_some(self.to)
    }

    fn lifetime_seconds(&self) -> u32 {
        1 + u32::from(self.decimals)
    }

    fn takes_a_part(&self) -> bool {
        self.thousandths % 3 != 0
    }

    fn is_last(&self) -> bool {
        self.thousandths % 5 == 0
    }

    /// Freezing needs an administrator, whom the edge has recognised.
    fn is_admin(&self) -> bool {
        self.admin
            || !matches!(
                self.what,
                What::Deposit | What::Withdraw | What::Transfer | What::Close | What::Authorize
            )
    }

    /// The amount's value decides, not how it is written.
    fn body(&self) -> String {
        if let (What::Reverse, Some((id, _))) = (self.what, &self.target) {
            return format!("reverse {id} {}", self.decimals);
        }
        if let (What::Void, Some((id, _))) = (self.what, &self.hold) {
            return format!("void {id} {}", self.decimals);
        }
        if matches!(self.what, What::Freeze | What::Unfreeze | What::Close) {
            return format!("{:?} {}", self.what, self.decimals);
        }
        let thousandths = match self.decimals {
            _ if self.what == What::Capture && !self.takes_a_part() => 0,
            0 => self.thousandths / 1_000 * 1_000,
            2 => self.thousandths / 10 * 10,
            _ => self.thousandths,
        };
        format!(
            "{:?} {thousandths} {:?} {}",
            self.what,
            self.currency.filter(|_| self.what != What::Capture),
            match self.what {
                What::Transfer => format!("{}", self.to),
                What::Authorize => format!("{:?} {}", self.receiver(), self.lifetime_seconds()),
                What::Capture => format!(
                    "{:?} {} {}",
                    self.hold.map(|(id, _)| id),
                    self.takes_a_part(),
                    self.is_last()
                ),
                _ => String::new(),
            }
        )
    }
}

impl Model {
    /// What must come of it: balance and version of the asked wallet, and whether it is a replay.
    fn expect(&mut self, draw: &Draw, id: Uuid) -> (bool, Answer) {
        if draw.what == What::Open {
            let currency = draw.currency.unwrap_or(Currency::Brl);
            return match self.purses.get(&id) {
                Some(purse) if purse.currency != currency => (false, Err(Refusal::KeyReused)),
                Some(_) => (true, Ok((0, 1))),
                None => {
                    let status = WalletStatus::Active;
                    let (user, money, held, entries) = (draw.user, 0, 0, 1);
                    let purse = Purse { user, currency, status, money, held, entries };
                    self.purses.insert(id, purse);
                    (false, Ok((0, 1)))
                }
            };
        }
        let Some(purse) = self.purses.get(&id) else {
            return (false, Err(Refusal::WalletNotFound));
        };
        if !draw.is_admin() && purse.user != draw.user {
            return (false, Err(Refusal::WalletForbidden));
        }
        if draw.what == What::Expire {
            return (false, self.end(draw, id));
        }
        if let Some((body, result)) = self.keys.get(&(id, draw.key)) {
            let same = *body == draw.body();
            return if same { (true, *result) } else { (false, Err(Refusal::KeyReused)) };
        }
        let result = match draw.what {
            What::Freeze | What::Unfreeze | What::Close => self.turn(draw.what, id),
            What::Reverse => self.reverse(draw, id),
            What::Capture => self.capture(draw, id),
            What::Void => self.end(draw, id),
            _ => self.apply(draw, id),
        };
        if result != Err(Refusal::HoldNotFound) {
            self.keys.insert((id, draw.key), (draw.body(), result));
        }
        (false, result)
    }

    fn turn(&mut self, what: What, id: Uuid) -> Answer {
        use WalletStatus::{Active, Closed, Frozen};
        let purse = self.purses.get_mut(&id).expect("it was found");
        purse.status = match (what, purse.status) {
            (_, Closed) => return Err(Refusal::WalletClosed),
            (What::Freeze | What::Close, Frozen) => return Err(Refusal::WalletFrozen),
            (What::Unfreeze, Active) => return Err(Refusal::WalletNotFrozen),
            (What::Close, Active) if purse.money + purse.held != 0 => {
                return Err(Refusal::WalletNotEmpty);
            }
            (What::Close, _) => Closed,
            (What::Freeze, _) => Frozen,
            _ => Active,
        };
        purse.entries += 1;
        Ok((purse.money, purse.entries))
    }

    /// Of the asked wallet, and not over.
    fn open_hold(&self, draw: &Draw, id: Uuid) -> Result<Pledge, Refusal> {
        let hold = draw.hold.and_then(|(hold, _)| self.holds.get(&hold));
        let hold = hold.filter(|hold| hold.wallet == id).ok_or(Refusal::HoldNotFound)?;
        let late = self.now_us >= hold.expires_us;
        match hold.state {
            HoldState::Open if draw.what == What::Expire && late => Ok(hold.clone()),
            _ if draw.what == What::Expire => Err(Refusal::HoldNotOpen),
            HoldState::Open if !late => Ok(hold.clone()),
            HoldState::Open | HoldState::Expired => Err(Refusal::HoldExpired),
            HoldState::Captured | HoldState::Voided => Err(Refusal::HoldNotOpen),
        }
    }

    fn put_hold(&mut self, draw: &Draw, hold: Pledge) {
        self.holds.insert(draw.hold.expect("a hold").0, hold);
    }

    fn end(&mut self, draw: &Draw, id: Uuid) -> Answer {
        let mut hold = self.open_hold(draw, id)?;
        let purse = self.purses.get_mut(&id).expect("it was found");
        purse.money += hold.left;
        purse.held -= hold.left;
        purse.entries += 1;
        let answer = Ok((purse.money, purse.entries));
        hold.left = 0;
        hold.state = if draw.what == What::Void { HoldState::Voided } else { HoldState::Expired };
        self.put_hold(draw, hold);
        answer
    }

    fn capture(&mut self, draw: &Draw, id: Uuid) -> Answer {
        let mut hold = self.open_hold(draw, id)?;
        let currency = self.purses[&id].currency;
        let mut amount = hold.left;
        if draw.takes_a_part() {
            amount = draw.minor_in(currency)?;
        }
        if amount > hold.left {
            return Err(Refusal::HoldExceeded);
        }
        self.may_move([Some(id), hold.to].into_iter().flatten())?;
        hold.left -= amount;
        let released = if draw.is_last() { std::mem::take(&mut hold.left) } else { 0 };
        if hold.left == 0 {
            hold.state = HoldState::Captured;
        }
        if let Some(purse) = hold.to.and_then(|to| self.purses.get_mut(&to)) {
            purse.money += amount;
            purse.entries += 1;
        }
        let purse = self.purses.get_mut(&id).expect("it was found");
        purse.held -= amount + released;
        purse.money += released;
        purse.entries += 1;
        let answer = Ok((purse.money, purse.entries));
        self.put_hold(draw, hold);
        answer
    }

    fn may_move(&self, ids: impl Iterator<Item = Uuid> + Clone) -> Result<(), Refusal> {
        for (status, refusal) in [
            (WalletStatus::Closed, Refusal::WalletClosed),
            (WalletStatus::Frozen, Refusal::WalletFrozen),
        ] {
            if ids.clone().any(|id| self.purses[&id].status == status) {
                return Err(refusal);
            }
        }
        Ok(())
    }

    fn reverse(&mut self, draw: &Draw, id: Uuid) -> Answer {
        let (target, _) = draw.target.as_ref().expect("a target");
        let past = self.past[target].clone();
        if !past.reversible {
            return Err(Refusal::NotReversible);
        }
        if past.reversed {
            return Err(Refusal::AlreadyReversed);
        }
        let purse = |id: &Uuid| &self.purses[id];
        self.may_move(past.changes.iter().map(|(id, _)| *id))?;
        if past.changes.iter().any(|(id, change)| purse(id).money < *change) {
            return Err(Refusal::InsufficientFunds);
        }
        for (id, change) in &past.changes {
            let purse = self.purses.get_mut(id).expect("it was there");
            purse.money -= change;
            purse.entries += 1;
        }
        self.past.get_mut(target).expect("it was found").reversed = true;
        let purse = &self.purses[&id];
        Ok((purse.money, purse.entries))
    }

    /// Notes what a transaction did, under the name that the ledger gave it.
    fn remember(&mut self, draw: &Draw, id: Uuid, done: &Transaction) {
        let (own, other) = match draw.what {
            What::Deposit => (done.amount, None),
            What::Withdraw => (-done.amount, None),
            What::Transfer => (-done.amount, Some((draw.to, done.amount))),
            What::Capture => {
                let to = draw.hold.expect("a hold").1;
                (-done.amount, to.map(|to| (to, done.amount)))
            }
            What::Authorize => {
                let hold = Pledge {
                    wallet: id,
                    to: draw.receiver(),
                    left: done.amount,
                    state: HoldState::Open,
                    expires_us: done.at_us + i64::from(draw.lifetime_seconds()) * 1_000_000,
                };
                self.holds.insert(done.id, hold);
                (0, None)
            }
            _ => (0, None),
        };
        let reversible = own != 0;
        let changes = std::iter::once((id, own)).chain(other).collect();
        self.past.insert(done.id, Past { changes, reversible, reversed: false });
    }

    fn apply(&mut self, draw: &Draw, id: Uuid) -> Answer {
        let purse = self.purses[&id].clone();
        let other = match draw.what {
            What::Transfer => Some(draw.to),
            What::Authorize => draw.receiver(),
            _ => None,
        };
        if other == Some(id) {
            return Err(Refusal::SameWallet);
        }
        let receiver = match other {
            Some(to) => Some(self.purses.get(&to).ok_or(Refusal::ReceiverNotFound)?.clone()),
            None => None,
        };
        let wanted = [draw.currency, receiver.as_ref().map(|r| r.currency)];
        if wanted.iter().flatten().any(|currency| *currency != purse.currency) {
            return Err(Refusal::CurrencyMismatch);
        }
        let minor = draw.minor_in(purse.currency)?;
        self.may_move([Some(id), other].into_iter().flatten())?;
        let change = if draw.what == What::Deposit { minor } else { -minor };
        if purse.money + change < 0 {
            return Err(Refusal::InsufficientFunds);
        }
        if draw.what == What::Authorize {
            let purse = self.purses.get_mut(&id).expect("it was found");
            purse.money -= minor;
            purse.held += minor;
            purse.entries += 1;
            return Ok((purse.money, purse.entries));
        }
        let grows = receiver.as_ref().map_or(purse.money + change, |r| r.money + minor);
        if draw.what != What::Withdraw && grows > BALANCE_MAX {
            return Err(Refusal::BalanceLimit);
        }
        for (id, change) in [(Some(id), change), (other, minor)] {
            if let Some(purse) = id.and_then(|id| self.purses.get_mut(&id)) {
                purse.money += change;
                purse.entries += 1;
            }
        }
        let purse = &self.purses[&id];
        Ok((purse.money, purse.entries))
    }
}

/// What a database would hold.
#[derive(Default)]
struct Tables {
    wallets: BTreeMap<Uuid, Wallet>,
    keys: BTreeMap<(Uuid, [u8; 16]), Recorded>,
    transactions: BTreeMap<Uuid, Vec<Undone>>,
    reversals: BTreeMap<Uuid, Uuid>,
    holds: BTreeMap<(Uuid, Uuid), Hold>,
}

impl Tables {
    /// One of all transactions, and not always an old one.
    fn a_transaction(&self, rng: &mut ChaCha8Rng) -> Option<(Uuid, Vec<Undone>)> {
        let from = Uuid::from_u128(rng.random());
        let (first, last) =
            (self.transactions.first_key_value()?, self.transactions.last_key_value()?);
        let (first, last) = (first.0.as_u128(), last.0.as_u128());
        let from = if last > first { first + from.as_u128() % (last - first) } else { first };
        let mut found = self.transactions.range(Uuid::from_u128(from)..);
        found.next().map(|(id, undone)| (*id, undone.clone()))
    }

    /// Mostly one that is still open.
    fn a_hold(&self, rng: &mut ChaCha8Rng) -> Option<Hold> {
        let open = |hold: &&Hold| hold.state == HoldState::Open;
        let all = self.holds.values();
        if rng.random_ratio(9, 10) {
            all.filter(open).choose(rng).cloned()
        } else {
            all.choose(rng).cloned()
        }
    }
}

fn draw(rng: &mut ChaCha8Rng, known: &[Uuid], tables: &Tables) -> Draw {
    let target = tables.a_transaction(rng);
    let one = if rng.random_ratio(1, 4) { tables.a_hold(rng) } else { None };
    let what = match rng.random_range(0..100) {
        0..2 => What::Open,
        2..40 => What::Deposit,
        40..70 => What::Withdraw,
        70 => What::Freeze,
        71..74 => What::Unfreeze,
        74 => What::Close,
        75..80 if target.is_some() => What::Reverse,
        80..86 => What::Authorize,
        // One draw in four has a hold.
        _ if one.is_some() => match rng.random_range(0..4) {
            0 => What::Void,
            1 => What::Expire,
            _ => What::Capture,
        },
        _ => What::Transfer,
    };
    let nobody = Uuid::from_u128(rng.random());
    let mut wallet = || match rng.random_range(0..200) {
        0 => nobody,
        _ => known.choose(rng).copied().unwrap_or(nobody),
    };
    let (mut wallet, to) = (wallet(), wallet());
    let steps = matches!(what, What::Capture | What::Void | What::Expire);
    let mut hold = one.as_ref().map(|hold| (hold.id, hold.to));
    if let Some(one) = one.filter(|_| steps) {
        wallet = one.wallet_id;
        if rng.random_ratio(1, 100) {
            hold = Some((nobody, None));
        }
    }
    let decimals = *[0, 2, 2, 2, 3].choose(rng).expect("five");
    // At least one of the smallest unit that is written.
    let least = match decimals {
        0 => 1_000,
        2 => 10,
        _ => 1,
    };
    let most = if rng.random_ratio(1, 50) { 1_000_000_000 } else { 20_000 };
    Draw {
        what,
        wallet,
        to,
        user: rng.random_range(0..USERS),
        admin: rng.random_ratio(9, 10),
        key: rng.random(),
        thousandths: rng.random_range(least..=most),
        decimals,
        currency: rng.random_ratio(1, 4).then(|| *CURRENCIES.choose(rng).expect("three")),
        target,
        hold,
    }
}

#[test]
fn the_core_agrees_with_a_simple_model() {
    let seed = match option_env!("LEDGER_SEED").map(str::parse) {
        Some(Ok(seed)) => seed,
        _ => rand::rng().random::<u64>(),
    };
    println!("LEDGER_SEED={seed}");
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut model, mut tables) = (Model::default(), Tables::default());
    let mut ids = TransactionIds::new(rng.random());
    let mut now_us = 1_800_000_000_000_000i64;
    let (mut done, mut refusals) = (0, BTreeSet::new());
    let mut commands = 0;
    while commands < COMMANDS {
        // A clock that mostly goes forward.
        now_us += rng.random_range(-2_000..10_000);
        change_a_status(&mut rng, &mut model, &mut tables);
        let known: Vec<Uuid> = model.purses.keys().copied().collect();
        let draws: Vec<Draw> =
            (0..rng.random_range(1..=128)).map(|_| draw(&mut rng, &known, &tables)).collect();
        commands += draws.len();
        model.now_us = now_us;
        let outcomes = batch(&mut tables, &draws, &mut ids, now_us, rng.random_range(0..4));
        for (draw, (id, outcome)) in draws.iter().zip(outcomes) {
            let want = model.expect(draw, id);
            let got = outcome.result.clone().map(|done| match done {
                Done::Wallet(wallet) => (wallet.available, wallet.version),
                Done::Transaction(done) => (done.available_after, done.version),
            });
            assert_eq!((outcome.replayed, got), want, "seed {seed}: {draw:?}");
            if let (Ok(Done::Transaction(done)), false) = (&outcome.result, outcome.replayed) {
                model.remember(draw, id, done);
            }
            match got {
                Ok(_) => done += 1,
                Err(refusal) => drop(refusals.insert(refusal)),
            }
        }
        for (id, purse) in &model.purses {
            let wallet = &tables.wallets[id];
            let row = (wallet.available, wallet.held, wallet.version, wallet.status);
            assert_eq!(row, (purse.money, purse.held, purse.entries, purse.status), "{seed}");
        }
    }
    assert!(done > COMMANDS / 4, "seed {seed}: most of it was refused");
    for refusal in Refusal::ALL {
        // A balance limit takes more deposits than fit the time; the rest is not drawn.
        let elsewhere = matches!(
            refusal,
            Refusal::BalanceLimit
                | Refusal::Unbalanced
                | Refusal::BatchRefused
                | Refusal::VelocityLimit
                | Refusal::DailyLimit
        );
        let seen = refusals.contains(&refusal) || elsewhere;
        assert!(seen, "seed {seed}: {refusal:?} was never told");
    }
    for (id, purse) in &model.purses {
        let open = tables.holds.values().filter(|hold| hold.wallet_id == *id);
        assert_eq!(open.map(Hold::remaining).sum::<i64>(), purse.held, "seed {seed}: {id}");
    }
}

fn change_a_status(rng: &mut ChaCha8Rng, model: &mut Model, tables: &mut Tables) {
    let known: Vec<Uuid> = model.purses.keys().copied().collect();
    let Some(id) = known.choose(rng) else { return };
    let status = match rng.random_range(0..20) {
        0 => WalletStatus::Closed,
        1 | 2 => WalletStatus::Frozen,
        _ => WalletStatus::Active,
    };
    model.purses.get_mut(id).expect("known").status = status;
    tables.wallets.get_mut(id).expect("the same wallets").status = status;
}

/// Does what the store does, with maps for tables, and checks all that must hold of one batch.
fn batch(
    tables: &mut Tables,
    draws: &[Draw],
    ids: &mut TransactionIds,
    now_us: i64,
    stripe: u8,
) -> Vec<(Uuid, Outcome)> {
    let commands: Vec<Command> = draws.iter().map(Draw::command).collect();
    let groups: Vec<&[Command]> = commands.iter().map(std::slice::from_ref).collect();
    let commands: Vec<&Command> = commands.iter().collect();
    let stripes = Stripes::new(stripe);
    let mut currencies = BTreeSet::new();
    let (locked, decision) = loop {
        let mut locked = lock(tables, &commands, currencies.iter().map(|c| stripes.of(*c)));
        match decide(&mut locked, &groups, &stripes, &Schedules::default(), now_us, ids) {
            Ok(decision) => break (locked, decision),
            Err(StripeNotLocked(currency)) => assert!(currencies.insert(currency)),
        }
    };
    let mut sums: BTreeMap<Currency, i64> = BTreeMap::new();
    for entry in &decision.entries {
        *sums.entry(entry.currency).or_default() += entry.amount;
        let unopened = || {
            let (user, kind) = ("", Kind::Settlement);
            Wallet::unopened(entry.wallet_id, user, entry.currency, kind, now_us)
        };
        let wallet = tables.wallets.entry(entry.wallet_id).or_insert_with(unopened);
        assert_eq!(entry.version, wallet.version + 1);
        assert!(entry.at_us > wallet.last_at_us && entry.at_us >= now_us);
        assert_eq!(entry.held_after, wallet.held + entry.held_change);
        assert_eq!(entry.available_after, wallet.available + entry.amount - entry.held_change);
        // Hashing is most of the time of an unoptimised build.
        if entry.version % 16 == 0 {
            assert_eq!(entry.hash, entry.link(&wallet.last_hash));
        }
        wallet.version = entry.version;
        wallet.last_at_us = entry.at_us;
        wallet.available = entry.available_after;
        wallet.held = entry.held_after;
        wallet.last_hash = entry.hash;
    }
    assert!(sums.values().all(|sum| *sum == 0), "a batch sums to zero: {sums:?}");
    let settlements = decision.entries.iter().filter(|e| e.kind == EntryKind::Settlement);
    assert!(settlements.count() <= CURRENCIES.len(), "one aggregated entry per currency");
    for wallet in locked.opened().chain(locked.updated()) {
        let row = tables.wallets.insert(wallet.id, wallet.clone()).expect("it has an entry");
        assert_eq!((row.available, row.version), (wallet.available, wallet.version));
    }
    for hold in locked.changed_holds() {
        tables.holds.insert((hold.wallet_id, hold.id), hold.clone());
    }
    let total: i128 = tables.wallets.values().map(|w| i128::from(w.available + w.held)).sum();
    assert_eq!(total, 0, "all wallets sum to zero at every commit");
    for entry in decision.entries.iter().filter(|e| e.kind != EntryKind::Settlement) {
        let (wallet_id, kind, amount) = (entry.wallet_id, entry.kind, entry.amount);
        if kind != EntryKind::WalletCreated {
            let undone = Undone { wallet_id, kind, amount, fee: entry.fee };
            tables.transactions.entry(entry.txn_id).or_default().push(undone);
        }
    }
    for row in &decision.reversals {
        let before = tables.reversals.insert(row.transaction_id, row.reversal_id);
        assert!(before.is_none(), "a transaction is reversed once");
    }
    for row in &decision.keys {
        let recorded = locked.recorded(row.wallet_id, row.key).expect("it was recorded");
        let before = tables.keys.insert((row.wallet_id, row.key), recorded.clone());
        assert!(before.is_none(), "a key is written once");
    }
    commands.iter().map(|c| c.wallet_id).zip(decision.outcomes).collect()
}

fn lock(tables: &Tables, commands: &[&Command], also: impl Iterator<Item = Uuid>) -> Locked {
    let mut ids: BTreeSet<Uuid> = also.collect();
    for command in commands {
        ids.extend(command.wallets());
    }
    let mut locked = Locked::new(&ids.iter().copied().collect::<Vec<_>>());
    for wallet in ids.iter().filter_map(|id| tables.wallets.get(id)) {
        locked.put_wallet(wallet.clone());
    }
    for command in commands {
        if let Some(id) = command.hold_id()
            && let Some(hold) = tables.holds.get(&(command.wallet_id, id))
        {
            locked.put_hold(hold.clone());
        }
        if let Some(id) = command.reverses()
            && let Some(reversal) = tables.reversals.get(&id)
        {
            locked.put_reversal(id, *reversal);
        }
        if let Some(recorded) = tables.keys.get(&(command.wallet_id, command.key())) {
            locked.put_recorded(command.wallet_id, command.key(), recorded.clone());
        }
    }
    locked
}
