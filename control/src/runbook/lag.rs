//! How far each database instance is behind the writer, as CloudWatch says. Asked only while a
//! plan or a run needs to know, and not more often than the answer can change.

use crate::{
    aws::{Cloud, Completeness, MetricQuery},
    fleet::Database,
};
use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::Reading;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// RDS publishes once a minute.
const PERIOD_S: u32 = 60;
/// A point is stamped with the start of its minute and appears after its end.
const AGE_MAX: TimeDelta = TimeDelta::seconds(180);
/// Between two questions.
const REPEAT: TimeDelta = TimeDelta::seconds(10);
/// An answer that takes longer is no answer.
const DEADLINE: Duration = Duration::from_secs(5);

/// The newest answer. A clone is another handle on the same one.
#[derive(Clone, Default)]
pub struct Lag {
    newest: Arc<Mutex<Option<Answer>>>,
}

struct Answer {
    asked_at: DateTime<Utc>,
    instances: Vec<String>,
    readings: BTreeMap<String, Reading>,
}

impl Lag {
    /// Readings by instance, in milliseconds. The writer has none.
    pub(super) async fn read(
        &self,
        cloud: &dyn Cloud,
        database: &Database,
        now: DateTime<Utc>,
    ) -> BTreeMap<String, Reading> {
        let instances: Vec<String> = database.instances.iter().map(|one| one.id.clone()).collect();
        let mut newest = self.newest.lock().await;
        let known = newest
            .as_ref()
            .filter(|answer| answer.instances == instances && now - answer.asked_at < REPEAT);
        if let Some(known) = known {
            return known.readings.clone();
        }
        let readings = ask(cloud, &instances, now).await;
        *newest = Some(Answer { asked_at: now, instances, readings: readings.clone() });
        readings
    }
}

async fn ask(
    cloud: &dyn Cloud,
    instances: &[String],
    now: DateTime<Utc>,
) -> BTreeMap<String, Reading> {
    let queries: Vec<MetricQuery> = instances
        .iter()
        .enumerate()
        .map(|(index, id)| MetricQuery {
            id: format!("lag{index}"),
            namespace: "AWS/RDS".to_owned(),
            metric: "AuroraReplicaLag".to_owned(),
            dimensions: vec![("DBInstanceIdentifier".to_owned(), id.clone())],
            statistic: "Maximum".to_owned(),
            period_s: PERIOD_S,
        })
        .collect();
    // Whole minutes, the open one included: a lag is a level, not a count that still grows.
    let to = DateTime::from_timestamp(now.timestamp().div_euclid(60) * 60 + 60, 0).unwrap_or(now);
    let answer = cloud.metrics(&queries, to - TimeDelta::minutes(6), to);
    let answer = tokio::time::timeout(DEADLINE, answer).await;
    let Ok(Ok(metrics)) = answer else {
        return instances.iter().map(|id| (id.clone(), Reading::Error)).collect();
    };
    let reading = |(query, id): (&MetricQuery, &String)| {
        let series = metrics.series.iter().find(|series| series.id == query.id);
        let newest = series.and_then(|series| Some((series, *series.points.last()?)));
        let reading = match newest {
            None => Reading::Absent,
            Some((series, (at, value))) => match series.completeness {
                Completeness::Failed => Reading::Error,
                Completeness::Partial => Reading::Partial { value, at },
                Completeness::Complete if now - at > AGE_MAX => Reading::Stale { value, at },
                Completeness::Complete => Reading::Fresh { value, at },
            },
        };
        (id.clone(), reading)
    };
    queries.iter().zip(instances).map(reading).collect()
}
