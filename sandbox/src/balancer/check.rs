//! Health checks: one request on a connection of its own to each target, each interval.

use super::{Settings, Shared};
use futures::FutureExt;
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use std::sync::{Arc, PoisonError};
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior};

/// Checks every target until cancelled.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut tick = tokio::time::interval(shared.settings.check_interval);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let targets = shared.targets.read().unwrap_or_else(PoisonError::into_inner).clone();
        let checks = targets.iter().map(|target| check(&shared.settings, target.port).boxed());
        let results = futures::future::join_all(checks).await;
        for (target, result) in targets.iter().zip(results) {
            let mut health = target.health.lock().unwrap_or_else(PoisonError::into_inner);
            *health = health.next(result, shared.settings.thresholds);
        }
        shared.refresh(Instant::now());
    }
}

/// One check. The error is what AWS puts into a target's description.
async fn check(settings: &Settings, port: u16) -> Result<(), String> {
    match tokio::time::timeout(settings.check_limit, ask(&settings.check_path, port)).await {
        Ok(Ok(StatusCode::OK)) => Ok(()),
        Ok(Ok(status)) => Err(status.as_u16().to_string()),
        Ok(Err(_)) => Err("connection".to_owned()),
        Err(_) => Err("timeout".to_owned()),
    }
}

async fn ask(path: &str, port: u16) -> anyhow::Result<StatusCode> {
    let address = crate::port::address(port);
    let stream = TcpStream::connect(address).await?;
    let (mut connection, driver) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::get(path)
        .header(header::HOST, address.to_string())
        .header(header::USER_AGENT, "ELB-HealthChecker/2.0")
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())?;
    // The driver ends with the connection, which is dropped when the answer is here.
    let answer = async {
        let answer = connection.send_request(request).await;
        drop(connection);
        answer
    };
    let (answer, _) = futures::future::join(answer, driver).await;
    Ok(answer?.status())
}
