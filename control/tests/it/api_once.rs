//! A change is done once, however often it is asked for, and by whomever it is interrupted.

use crate::api_app::TestApp;
use protocol::{control::HoldView, problem::Problem};
use serde_json::{Value, json};

fn hold(reason: &str) -> Value {
    json!({ "environment": "local", "direction": "in", "reason": reason, "expires": "5m" })
}

#[tokio::test]
async fn the_same_key_gets_the_first_answer_again_also_after_a_restart() {
    let app = TestApp::start().await;
    let first = app.post_as("ana", "/v1/holds", &hold("deploy"), "k").await;
    assert_eq!(first.status(), 201);
    assert!(!first.headers().contains_key("idempotency-replayed"));
    let first: HoldView = first.json().await.unwrap();
    let again = app.post_as("ana", "/v1/holds", &hold("deploy"), "k").await;
    assert_eq!(again.json::<HoldView>().await.unwrap(), first);
    let app = app.restart().await;
    let again = app.post_as("ana", "/v1/holds", &hold("deploy"), "k").await;
    assert_eq!(again.status(), 201);
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(again.json::<HoldView>().await.unwrap(), first);
    assert_eq!(app.events("hold.taken").await.len(), 1);
    let answered = app.events("request.answered").await;
    assert_eq!(answered.len(), 1);
    assert_eq!(
        (answered[0].actor.as_str(), answered[0].summary.as_str()),
        ("ana", "POST /v1/holds answered 201")
    );
}

#[tokio::test]
async fn a_key_names_one_request_of_one_caller() {
    let app = TestApp::start().await;
    app.post_as("ana", "/v1/holds", &hold("deploy"), "k").await;
    let other = app.post_as("ana", "/v1/holds", &hold("another thing"), "k").await;
    assert_eq!(other.status(), 422);
    assert_eq!(other.json::<Problem>().await.unwrap().code, "IDEMPOTENCY_KEY_REUSED");
    let bob = app.post_as("bob", "/v1/holds", &hold("another thing"), "k").await;
    assert_eq!(bob.status(), 201, "bob's keys are his own");
    assert_eq!(app.events("hold.taken").await.len(), 2);
}

#[tokio::test]
async fn a_refusal_does_not_use_a_key_up() {
    let app = TestApp::start().await;
    let wrong = json!({ "environment": "moon", "direction": "in", "reason": "r", "expires": "5m" });
    assert_eq!(app.post_as("ana", "/v1/holds", &wrong, "k").await.status(), 404);
    assert_eq!(app.post_as("ana", "/v1/holds", &hold("deploy"), "k").await.status(), 201);
}

#[tokio::test]
async fn the_same_request_many_times_at_once_is_done_once() {
    let app = TestApp::start().await;
    let body = hold("deploy");
    let asked = (0..20).map(|_| app.post_as("ana", "/v1/holds", &body, "k"));
    let mut done = 0;
    for response in futures::future::join_all(asked).await {
        match response.status().as_u16() {
            201 => done += 1,
            status => {
                assert_eq!(status, 409);
                let problem: Problem = response.json().await.unwrap();
                assert_eq!(
                    (problem.code.as_str(), problem.retryable),
                    ("REQUEST_IN_PROGRESS", true)
                );
            }
        }
    }
    assert!(done >= 1);
    assert_eq!(app.events("hold.taken").await.len(), 1);
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_nothing_half_done() {
    let app = TestApp::start().await;
    let body = hold("deploy");
    for key in ["a", "b", "c", "d", "e"] {
        // Gone before there can be an answer; whether the daemon read it is another matter.
        let gone = app.post_as("ana", "/v1/holds", &body, key);
        let _ = tokio::time::timeout(std::time::Duration::from_millis(2), gone).await;
    }
    for key in ["a", "b", "c", "d", "e"] {
        loop {
            let response = app.post_as("ana", "/v1/holds", &body, key).await;
            if response.status() == 201 {
                break;
            }
            assert_eq!(response.status(), 409, "still being done");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
    let taken = app.events("hold.taken").await.len();
    assert_eq!((taken, app.events("request.answered").await.len()), (5, 5));
}
