//! Whether a deployment that somebody waits for is done, still on its way, or gone. Pure.
//!
//! A service that is stable again proves nothing: when a new task set fails, ECS rolls back to the
//! old one, and that is stable too. So the deployment is named by its id, and one that is no
//! longer the primary has been replaced, whatever the service looks like.

use super::condition::Verdict;
use crate::fleet::Service;

/// Judges one deployment of a service.
pub(super) fn judge(service: &Service, id: &str) -> Verdict {
    let primary = service.deployments.iter().find(|one| one.status == "PRIMARY");
    let replaced = |by: &str| Verdict::Never(format!("deployment replaced: {id} by {by}"));
    let Some(primary) = primary else {
        return Verdict::Unknown(format!("{} has no primary deployment now", service.name));
    };
    if primary.id != id {
        return replaced(&primary.id);
    }
    match primary.rollout.as_str() {
        "COMPLETED" if service.running == service.desired => {
            Verdict::Holds(format!("deployment {id} is complete with {} tasks", service.running))
        }
        "COMPLETED" => Verdict::Fails(format!(
            "deployment {id} is complete, but {} of {} tasks run",
            service.running, service.desired
        )),
        // The circuit breaker has tripped: ECS starts no task of it any more.
        "FAILED" => Verdict::Never(format!("deployment replaced: {id} failed and is rolled back")),
        other => Verdict::Fails(format!("deployment {id} is {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::Deployment;
    use crate::fleet::samples::{second, service};

    fn deployment(id: &str, status: &str, rollout: &str) -> Deployment {
        Deployment {
            id: id.to_owned(),
            status: status.to_owned(),
            rollout: rollout.to_owned(),
            created_at: None,
        }
    }

    /// The life of a deployment that fails its health checks, and of one that does not.
    #[test]
    fn a_rollback_is_a_deployment_replaced_and_not_a_stable_service() {
        let new = |status, rollout| deployment("new", status, rollout);
        let old = |status, rollout| deployment("old", status, rollout);
        #[rustfmt::skip]
        let table = [
            ("just begun", vec![new("PRIMARY", "IN_PROGRESS"), old("ACTIVE", "COMPLETED")], 6, 6,
                "fails: deployment new is IN_PROGRESS"),
            ("done", vec![new("PRIMARY", "COMPLETED")], 6, 6,
                "holds: deployment new is complete with 6 tasks"),
            ("done, while scaling out", vec![new("PRIMARY", "COMPLETED")], 6, 7,
                "fails: deployment new is complete, but 6 of 7 tasks run"),
            ("the breaker trips", vec![new("PRIMARY", "FAILED"), old("ACTIVE", "COMPLETED")], 6, 6,
                "never: deployment replaced: new failed and is rolled back"),
            ("rolling back", vec![deployment("back", "PRIMARY", "IN_PROGRESS"), new("ACTIVE", "FAILED")], 6, 6,
                "never: deployment replaced: new by back"),
            ("rolled back and stable again", vec![deployment("back", "PRIMARY", "COMPLETED")], 6, 6,
                "never: deployment replaced: new by back"),
            ("between two answers", vec![new("ACTIVE", "IN_PROGRESS")], 6, 6,
                "unknown: wallet-svc has no primary deployment now"),
        ];
        for (why, deployments, running, desired, want) in table {
            let service = Service { deployments, running, desired, ..service(6, second(0)) };
            let verdict = judge(&service, "new");
            let word = match &verdict {
                Verdict::Holds(_) => "holds",
                Verdict::Fails(_) => "fails",
                Verdict::Never(_) => "never",
                Verdict::Unknown(_) => "unknown",
            };
            assert_eq!(format!("{word}: {}", verdict.words()), want, "{why}");
        }
    }
}
