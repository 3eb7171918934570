//! Several wallets at once, several commands at once, and what would happen, through the API.

use crate::app::{Answer, TestApp};
use serde_json::{Value, json};
use uuid::Uuid;

const POST: &str = "/api/v1/transactions";
const BATCH: &str = "/api/v1/batches";

fn path(wallet: Uuid, operation: &str) -> String {
    format!("/api/v1/wallets/{wallet}/{operation}")
}

fn leg(wallet: Uuid, direction: &str, amount: &str) -> Value {
    json!({"walletId": wallet, "direction": direction, "amount": amount})
}

fn command(operation: &str, wallet: Uuid, amount: &str) -> Value {
    json!({"operation": operation, "walletId": wallet, "amount": amount})
}

fn refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[track_caller]
fn check(got: &Answer, status: u16, want: &Value) {
    assert_eq!(got.status, status, "{got:?}");
    let body = got.json();
    for (name, value) in want.as_object().expect("an object") {
        assert_eq!(&body[name], value, "{name} of {body}");
    }
}

#[tokio::test]
async fn one_transaction_changes_several_wallets_at_one_instant() {
    let app = TestApp::start().await;
    let (ana, own) = (app.wallet("ana", "50.00").await, app.wallet("ana", "20.00").await);
    let (bia, caio) = (app.wallet("bia", "").await, app.wallet("caio", "").await);
    let (token, admin) = (app.token("ana"), app.keys.token("clara", "wallet:admin"));
    let legs = json!({
        "legs": [
            leg(ana, "DEBIT", "50.00"), leg(own, "DEBIT", "10.00"),
            leg(bia, "CREDIT", "45.50"), leg(caio, "CREDIT", "14.50"),
        ],
        "description": "a shared bill",
    });
    let posted = app.post(POST, &token, "bill", &legs).await;
    let want = json!({
        "type": "TRANSFER_OUT", "walletId": ana, "amount": "50.00", "newBalance": "0.00",
        "toWalletId": null,
    });
    check(&posted, 200, &want);
    let again = app.post(POST, &token, "bill", &legs).await;
    assert_eq!((again.json(), again.header("idempotency-replayed")), (posted.json(), Some("true")));
    let location = posted.header("location").unwrap();
    let received = json!({"type": "TRANSFER_IN", "walletId": caio, "newBalance": "14.50"});
    check(&app.get(location, &app.token("caio")).await, 200, &received);
    assert_eq!(app.balance("ana", own).await, (1_000, 3));

    let because = json!({"reason": "wrong bill"});
    let undone = app.post(&format!("{location}/reversal"), &admin, "undo", &because).await;
    check(&undone, 200, &json!({"type": "REVERSAL_IN"}));
    for (user, id, want) in [
        ("ana", ana, (5_000, 4)),
        ("ana", own, (2_000, 4)),
        ("bia", bia, (0, 3)),
        ("caio", caio, (0, 3)),
    ] {
        assert_eq!(app.balance(user, id).await, want, "{user}");
    }
    app.finish().await;
}

#[tokio::test]
async fn legs_that_do_not_fit_change_nothing() {
    let app = TestApp::start().await;
    let (ana, bia) = (app.wallet("ana", "50.00").await, app.wallet("bia", "50.00").await);
    let token = app.token("ana");
    let before = app.ledger_size().await;
    let two = |a: Value, b: Value| json!({"legs": [a, b]});
    let many: Vec<Value> = (0..101).map(|_| leg(Uuid::new_v4(), "CREDIT", "1")).collect();
    #[rustfmt::skip]
    let table = [
        (json!({}),                                                      400, "INVALID_REQUEST", "legs"),
        (json!({"legs": []}),                                            400, "INVALID_REQUEST", "legs"),
        (json!({"legs": many}),                                          400, "INVALID_REQUEST", "legs"),
        (two(json!(7), leg(bia, "CREDIT", "1")),                         400, "INVALID_REQUEST", "legs[0]"),
        (two(leg(ana, "debit", "1"), leg(bia, "CREDIT", "1")),           400, "INVALID_REQUEST", "legs[0].direction"),
        (two(leg(ana, "DEBIT", "1"), leg(bia, "CREDIT", "0.001")),       400, "INVALID_AMOUNT", "amount"),
        (two(leg(ana, "DEBIT", "1"), leg(bia, "CREDIT", "0")),           400, "INVALID_AMOUNT", "legs[1].amount"),
        (two(leg(ana, "DEBIT", "1"), leg(ana, "CREDIT", "1")),           400, "INVALID_TRANSFER", "legs"),
        (two(leg(ana, "CREDIT", "1"), leg(bia, "CREDIT", "1")),          400, "INVALID_TRANSFER", "legs"),
        (two(leg(ana, "DEBIT", "1"), leg(bia, "CREDIT", "1.01")),        400, "UNBALANCED", "legs"),
        (two(leg(ana, "DEBIT", "50.01"), leg(bia, "CREDIT", "50.01")),   400, "INSUFFICIENT_FUNDS", "amount"),
        (two(leg(bia, "DEBIT", "1"), leg(ana, "CREDIT", "1")),           403, "WALLET_FORBIDDEN", "walletId"),
        (two(leg(ana, "DEBIT", "1"), leg(Uuid::nil(), "CREDIT", "1")),   404, "WALLET_NOT_FOUND", "legs"),
    ];
    for (body, status, code, field) in table {
        let got = app.post(POST, &token, &Uuid::new_v4().to_string(), &body).await;
        assert_eq!(got.problem(), refusal(status, code), "{body}");
        assert_eq!(got.json()["errors"][0]["field"], field, "{body}");
    }
    assert_eq!(app.ledger_size().await, before);
    app.finish().await;
}

#[tokio::test]
async fn an_atomic_batch_is_done_whole_or_refused_by_the_one_to_blame() {
    let app = TestApp::start().await;
    let (ana, bia) = (app.wallet("ana", "10.00").await, app.wallet("bia", "").await);
    let token = app.token("ana");
    let mut pay = command("transfer", ana, "4.00");
    pay["destinationWalletId"] = json!(bia);
    let with = |last: &str| {
        json!({"mode": "atomic", "commands": [
            command("deposit", ana, "1.00"), pay.clone(), command("withdraw", ana, last),
        ]})
    };
    let before = app.ledger_size().await;
    let refused = app.post(BATCH, &token, "first", &with("7.01")).await;
    assert_eq!(refused.problem(), refusal(400, "INSUFFICIENT_FUNDS"));
    assert_eq!(refused.json()["errors"][0]["field"], "commands[2].amount");
    assert_eq!(app.ledger_size().await, before);
    let again = app.post(BATCH, &token, "first", &with("7.01")).await;
    assert_eq!(again.problem(), refused.problem());
    assert_eq!(again.json()["errors"], refused.json()["errors"]);
    let other = app.post(BATCH, &token, "first", &with("7.00")).await;
    assert_eq!(other.problem(), refusal(422, "IDEMPOTENCY_KEY_REUSED"));

    let done = app.post(BATCH, &token, "second", &with("7.00")).await;
    assert_eq!(done.status, 200, "{done:?}");
    let balances = |answer: &Answer| {
        let results = answer.json()["results"].as_array().unwrap().clone();
        results.iter().map(|r| r["transaction"]["newBalanceMinor"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(balances(&done), [json!(1_100), json!(700), json!(0)]);
    let again = app.post(BATCH, &token, "second", &with("7.00")).await;
    let of = |answer: &Answer, n: usize, name: &str| answer.json()["results"][n][name].clone();
    for n in 0..3 {
        assert_eq!(of(&again, n, "transaction"), of(&done, n, "transaction"));
        assert_eq!(
            (of(&done, n, "replayed"), of(&again, n, "replayed")),
            (json!(false), json!(true))
        );
    }
    assert_eq!((app.balance("ana", ana).await, app.balance("bia", bia).await), ((0, 5), (400, 2)));
    app.finish().await;
}

#[tokio::test]
async fn an_independent_batch_tells_what_became_of_each() {
    let app = TestApp::start().await;
    let (ana, bia) = (app.wallet("ana", "10.00").await, app.wallet("bia", "10.00").await);
    let token = app.token("ana");
    let body = json!({"mode": "independent", "commands": [
        command("withdraw", ana, "3.00"),
        command("withdraw", ana, "999.00"),
        command("withdraw", bia, "1.00"),
        command("deposit", Uuid::nil(), "1.00"),
        command("deposit", ana, "0.50"),
    ]});
    let done = app.post(BATCH, &token, "k", &body).await;
    assert_eq!(done.status, 200, "{done:?}");
    let told = |answer: &Answer| {
        let results = answer.json()["results"].as_array().unwrap().clone();
        results
            .iter()
            .map(|r| r["problem"]["code"].as_str().unwrap_or("done").to_owned())
            .collect::<Vec<_>>()
    };
    let want = ["done", "INSUFFICIENT_FUNDS", "WALLET_FORBIDDEN", "WALLET_NOT_FOUND", "done"];
    assert_eq!(told(&done), want);
    assert_eq!(done.json()["results"][1]["problem"]["status"], 400);
    let again = app.post(BATCH, &token, "k", &body).await;
    assert_eq!(told(&again), want);
    assert_eq!(again.json()["results"][0]["transaction"], done.json()["results"][0]["transaction"]);
    assert_eq!(app.balance("ana", ana).await, (750, 4));
    app.finish().await;
}

#[tokio::test]
async fn a_batch_has_bounds_and_its_commands_are_checked_before_any_is_done() {
    let app = TestApp::start().await;
    let ana = app.wallet("ana", "").await;
    let token = app.token("ana");
    let all = |mode: &str, commands: Vec<Value>| json!({"mode": mode, "commands": commands});
    let before = app.ledger_size().await;
    let deposit = || command("deposit", ana, "0.01");
    let mut odd = deposit();
    odd["destinationWalletId"] = json!(ana);
    #[rustfmt::skip]
    let table = [
        (json!({"mode": "atomic"}),                                   "commands"),
        (all("atomic", vec![]),                                       "commands"),
        (all("atomic", (0..1_001).map(|_| deposit()).collect()),      "commands"),
        (all("both", vec![deposit()]),                                "mode"),
        (all("atomic", vec![deposit(), command("steal", ana, "1")]),  "commands[1].operation"),
        (all("independent", vec![deposit(), odd]),                    "commands[1].destinationWalletId"),
        (all("atomic", vec![command("transfer", ana, "1")]),          "commands[0].destinationWalletId"),
    ];
    for (body, field) in table {
        let got = app.post(BATCH, &token, "k", &body).await;
        assert_eq!(got.problem(), refusal(400, "INVALID_REQUEST"), "{field}");
        assert_eq!(got.json()["errors"][0]["field"], field);
    }
    assert_eq!(app.ledger_size().await, before);
    for (mode, cents) in [("atomic", 1_000), ("independent", 2_000)] {
        let body = all(mode, (0..1_000).map(|_| deposit()).collect());
        let done = app.post(BATCH, &token, mode, &body).await;
        assert_eq!(done.status, 200, "{mode}");
        let results = done.json()["results"].as_array().unwrap().clone();
        assert!(results.iter().all(|result| result["problem"].is_null()), "{mode}");
        assert_eq!(app.balance("ana", ana).await.0, cents);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_dry_run_answers_as_if_and_writes_nothing() {
    let app = TestApp::start().await;
    let (ana, bia) = (app.wallet("ana", "10.00").await, app.wallet("bia", "").await);
    let (token, admin) = (app.token("ana"), app.keys.token("clara", "wallet:admin"));
    let hold = app.post(&path(ana, "holds"), &token, "h", &json!({"amount": "2.00"})).await;
    let hold = hold.header("location").unwrap().to_owned();
    let spent = app.post(&path(ana, "withdraw"), &token, "w", &json!({"amount": "1.00"})).await;
    let spent = spent.header("location").unwrap().to_owned();
    let to_bia = json!({"amount": "3.00", "destinationWalletId": bia});
    let legs = json!({"legs": [leg(ana, "DEBIT", "3.00"), leg(bia, "CREDIT", "3.00")]});
    let batch = |mode: &str| json!({"mode": mode, "commands": [command("deposit", ana, "1.00")]});
    let because = json!({"reason": "just asking"});
    let cases = [
        (path(ana, "deposit"), json!({"amount": "3.00"})),
        (path(ana, "withdraw"), json!({"amount": "3.00"})),
        (path(ana, "transfer"), to_bia.clone()),
        (path(ana, "holds"), json!({"amount": "3.00"})),
        (format!("{hold}/capture"), json!({"amount": "1.00"})),
        (format!("{hold}/void"), because.clone()),
        (format!("{spent}/reversal"), because.clone()),
        (path(ana, "freeze"), because.clone()),
        (path(bia, "close"), because.clone()),
        (POST.to_owned(), legs),
        (BATCH.to_owned(), batch("atomic")),
        (BATCH.to_owned(), batch("independent")),
    ];
    let before = app.ledger_size().await;
    for (path, body) in &cases {
        let got = app.post(&format!("{path}?dryRun=true"), &admin, "dry", body).await;
        assert_eq!(got.status, 200, "{path}: {got:?}");
        assert_eq!(got.header("location"), None, "{path}");
        let body = got.json();
        let answer = body["results"].get(0).map_or(&body, |result| &result["transaction"]);
        assert_eq!(answer["dryRun"], true, "{path}: {body}");
        assert_eq!(answer["transactionId"], json!(Uuid::nil()), "{path}");
    }
    assert_eq!(app.ledger_size().await, before, "nothing was written, no key either");

    // What is then done is what was said.
    let dry =
        app.post(&format!("{}?dryRun=true", path(ana, "transfer")), &token, "t", &to_bia).await;
    let done = app.post(&path(ana, "transfer"), &token, "t", &to_bia).await;
    for name in ["type", "amount", "newBalance", "newHeld", "version", "fromWalletId", "toWalletId"]
    {
        assert_eq!(dry.json()[name], done.json()[name], "{name}");
    }
    assert_eq!(done.json()["dryRun"], Value::Null);
    // Of what was done before, a dry run tells what became of it.
    let again =
        app.post(&format!("{}?dryRun=true", path(ana, "transfer")), &token, "t", &to_bia).await;
    assert_eq!((again.json(), again.header("idempotency-replayed")), (done.json(), Some("true")));
    for (query, code) in [("dryRun=yes", "INVALID_REQUEST"), ("dry=true", "INVALID_REQUEST")] {
        let got =
            app.post(&format!("{}?{query}", path(ana, "transfer")), &token, "u", &to_bia).await;
        assert_eq!(got.problem(), refusal(400, code));
    }
    let dry = app
        .post(
            &format!("{}?dryRun=true", path(ana, "withdraw")),
            &token,
            "x",
            &json!({"amount": "99.00"}),
        )
        .await;
    assert_eq!(dry.problem(), refusal(400, "INSUFFICIENT_FUNDS"));
    app.finish().await;
}
