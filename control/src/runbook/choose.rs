//! Picks the reader to promote. Pure: instances and their lag in, one instance and why out.

use super::world::World;
use crate::fleet::DatabaseInstance;
use chrono::{DateTime, Utc};
use std::time::Duration;

/// Picks among `candidates` (instance ids): available, lag known and at most `lag_max`; then the
/// lowest promotion tier, the smallest lag, the first name.
///
/// # Errors
///
/// In words, why none can be promoted now. What is not known does not qualify.
pub fn failover_target(
    world: &World,
    candidates: &[&str],
    lag_max: Duration,
    after: DateTime<Utc>,
) -> Result<(String, String), String> {
    let Some(seen) = world.database.as_ref().filter(|seen| seen.at >= after) else {
        return Err("the cluster was not seen yet".to_owned());
    };
    let mut refused = Vec::new();
    let mut eligible = Vec::new();
    for id in candidates {
        match judge(world, seen.value.instances.iter().find(|one| one.id == *id), lag_max) {
            Ok((tier, lag_ms)) => eligible.push((tier, lag_ms, *id)),
            Err(why) => refused.push(format!("{id} {why}")),
        }
    }
    eligible.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(b.2)));
    match eligible.first() {
        Some((tier, lag_ms, id)) => {
            let mut why = format!("{id}: promotion tier {tier}, {lag_ms:.0} ms behind");
            for (tier, lag_ms, id) in &eligible[1..] {
                why.push_str(&format!("; not {id} (tier {tier}, {lag_ms:.0} ms)"));
            }
            for refused in &refused {
                why.push_str(&format!("; not {refused}"));
            }
            Ok(((*id).to_owned(), why))
        }
        None if refused.is_empty() => Err("there is no reader".to_owned()),
        None => Err(format!("no reader can be promoted: {}", refused.join(", "))),
    }
}

fn judge(
    world: &World,
    instance: Option<&DatabaseInstance>,
    lag_max: Duration,
) -> Result<(u32, f64), String> {
    let instance = instance.ok_or("is gone")?;
    if instance.writer {
        return Err("is the writer".to_owned());
    }
    if instance.status != "available" {
        return Err(format!("is {}", instance.status));
    }
    let lag = world.replica_lag_ms.get(&instance.id).and_then(|reading| reading.fresh());
    let lag_ms = lag.ok_or("has no fresh reading of its lag")?;
    if lag_ms > lag_max.as_secs_f64() * 1_000.0 {
        return Err(format!("is {lag_ms:.0} ms behind"));
    }
    Ok((instance.promotion_tier, lag_ms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{Database, Seen};
    use protocol::control::Reading;

    const NOW: DateTime<Utc> = DateTime::<Utc>::UNIX_EPOCH;

    fn world(instances: &[(&str, &str, bool, u32, Option<f64>)]) -> World {
        let mut world = World::default();
        let mut database = Database {
            cluster: "c".into(),
            status: "available".into(),
            writer_endpoint: "c.local".into(),
            reader_endpoint: "c-ro.local".into(),
            port: 3306,
            instances: vec![],
        };
        for (id, status, writer, promotion_tier, lag) in instances {
            database.instances.push(DatabaseInstance {
                id: (*id).into(),
                zone: "a".into(),
                status: (*status).into(),
                writer: *writer,
                promotion_tier: *promotion_tier,
                class: "db.r6g.large".into(),
            });
            let reading = lag.map_or(Reading::Absent, |value| Reading::Fresh { value, at: NOW });
            world.replica_lag_ms.insert((*id).into(), reading);
        }
        world.database = Some(Seen { value: database, at: NOW });
        world
    }

    #[test]
    fn the_lowest_tier_then_the_least_lag_then_the_first_name() {
        let up = "available";
        let ok = |id: &str| Ok(id.to_owned());
        let none = |why: &str| Err(format!("no reader can be promoted: {why}"));
        #[rustfmt::skip]
        let table = [
            (vec![("b", up, false, 1, Some(20.0)), ("c", up, false, 0, Some(90.0))], ok("c")),
            (vec![("b", up, false, 1, Some(20.0)), ("c", up, false, 1, Some(10.0))], ok("c")),
            (vec![("b", up, false, 1, Some(20.0)), ("c", up, false, 1, Some(20.0))], ok("b")),
            (vec![("b", "rebooting", false, 0, Some(0.0)), ("c", up, false, 1, Some(1.0))], ok("c")),
            (vec![("b", up, false, 0, None), ("c", up, false, 15, Some(1.0))], ok("c")),
            (vec![("b", up, true, 0, Some(0.0))],      none("b is the writer, c is gone")),
            (vec![("b", up, false, 0, Some(1001.0))],  none("b is 1001 ms behind, c is gone")),
            (vec![("b", up, false, 0, None)],
                none("b has no fresh reading of its lag, c is gone")),
        ];
        for (instances, want) in table {
            let got = failover_target(&world(&instances), &["b", "c"], Duration::from_secs(1), NOW);
            assert_eq!(got.map(|(id, _)| id), want, "{instances:?}");
        }
        let old = failover_target(
            &world(&[]),
            &["b"],
            Duration::from_secs(1),
            NOW + chrono::TimeDelta::seconds(1),
        );
        assert_eq!(old, Err("the cluster was not seen yet".to_owned()));
    }
}
