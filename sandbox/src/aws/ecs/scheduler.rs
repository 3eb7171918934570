//! The scheduler's loop: look at all processes and targets, decide, act.

use super::Ecs;
use super::lifecycle::Effect;
use super::reconcile::{World, pass};
use crate::aws::machines::TaskSpec;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Between two passes: short against the seconds that a start takes.
const PERIOD: Duration = Duration::from_millis(200);

impl Ecs {
    /// Passes until `stop`. The processes are then left to their owner.
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
    }

    /// One look at everything, and what follows from it.
    pub async fn pass(&self) {
        let processes = self.processes.processes();
        let targets = self.balancer.targets().health();
        let zones = self.region.zones();
        let effects = {
            let world = World {
                processes: &processes,
                targets: &targets,
                zones: &zones,
                timing: &self.timing,
                now: (self.clock)(),
            };
            pass(&mut self.state(), &world)
        };
        for (id, effect) in effects {
            self.act(&id, effect).await;
        }
    }

    async fn act(&self, id: &str, effect: Effect) {
        match effect {
            Effect::Start => self.start(id).await,
            Effect::Register(port) => {
                let zone = self.state().tasks.get(id).map(|task| task.zone.clone());
                self.balancer.targets().register(port, &zone.unwrap_or_default());
            }
            Effect::Deregister(port) => self.balancer.deregister(port),
            Effect::Terminate => {
                let grace =
                    self.state().tasks.get(id).map(|task| task.container.stop_timeout_seconds);
                let grace = Duration::from_secs(grace.unwrap_or_default().into());
                self.processes.terminate(id, grace);
            }
            Effect::Forget => self.processes.forget(id),
        }
    }

    /// Starts the process; the next pass ends a task whose process cannot be started.
    async fn start(&self, id: &str) {
        let spec = self.state().tasks.get(id).map(|task| TaskSpec {
            id: task.id.clone(),
            zone: task.zone.clone(),
            image: task.container.image.clone(),
            command: task.container.command.clone(),
            environment: task.container.environment.clone(),
            cpu: task.cpu,
            memory_mib: task.memory_mib,
        });
        let Some(spec) = spec else { return };
        let Err(error) = self.processes.start(spec).await else { return };
        tracing::warn!(task.id = id, "starting task {id}: {error:#}");
        if let Some(task) = self.state().tasks.get_mut(id) {
            task.start_error = Some(format!("CannotStartContainerError: {error:#}"));
        }
    }
}
