//! Watches the brokers and restarts those that [`State`](super::state::State) names.

use super::Msk;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Between two looks at the brokers.
const PERIOD: Duration = Duration::from_millis(500);

impl Msk {
    /// Passes until `stop`, then waits for restarts under way.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let passes = async {
            loop {
                ticks.tick().await;
                self.pass().await;
            }
        };
        stop.run_until_cancelled(passes).await;
        self.restarts.close();
        self.restarts.wait().await;
    }

    /// One look at the brokers, and what follows from it.
    pub async fn pass(self: &Arc<Self>) {
        let nodes = self.brokers.nodes().await;
        let restart = self.state().pass(nodes, &self.timing, (self.clock)());
        for broker in restart {
            let msk = Arc::clone(self);
            self.restarts.spawn(async move {
                let outcome = msk.brokers.restart(broker).await;
                let now = (msk.clock)();
                msk.state().started(broker, outcome.is_ok(), now);
                if let Err(error) = outcome {
                    tracing::warn!(broker.id = broker, "restarting broker {broker}: {error:#}");
                }
            });
        }
    }
}
