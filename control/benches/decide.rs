//! What one decision costs. A simulation makes tens of millions of them.

use chrono::{DateTime, TimeDelta, Utc};
use control::readings::{Sample, Window};
use control::reconcile::capacity::decide::{Observed, decide};
use control::reconcile::capacity::{
    Boost, Fallback, Metric, Policy, Rise, ScalingMode, Target, Unit,
};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

fn policy() -> Policy {
    let rise = Rise { share: 0.3, periods: 3.0 };
    Policy {
        unit: Unit::Tasks,
        mode: ScalingMode::Own,
        tasks_min: 3,
        tasks_max: 20,
        targets: vec![
            Target { metric: Metric::Cpu, value: 60.0 },
            Target { metric: Metric::Memory, value: 80.0 },
            Target { metric: Metric::RequestsPerTask, value: 300.0 },
        ],
        band: 0.1,
        points_out: 2,
        points_in: 9,
        step_out: 1.0,
        step_in: 0.1,
        cooldown_in: TimeDelta::seconds(300),
        reversals_max: 3,
        boost: Some(Boost {
            error_percent: Some(2.0),
            p95_ms: Some(200.0),
            add: 0.5,
            rise: Some(rise),
        }),
        schedules: Vec::new(),
        fallback: Some(Fallback { after: TimeDelta::minutes(5), tasks: Some(6) }),
        period: TimeDelta::seconds(10),
    }
}

fn observed(cpu: f64, now: DateTime<Utc>) -> Observed {
    let window = |value| Window { slots: vec![Some(Sample { value, tasks: 6 }); 45] };
    let windows = [("cpu_percent", cpu), ("memory_percent", 40.0), ("requests_per_task", 100.0)];
    Observed {
        current: Some(6),
        seen_at: Some(now),
        windows: windows.map(|(name, value)| (name.to_owned(), window(value))).into(),
        ..Observed::default()
    }
}

fn bench(criterion: &mut Criterion) {
    let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
    let policy = policy();
    let mut group = criterion.benchmark_group("decide");
    for (name, cpu) in [("steady", 55.0), ("out", 80.0), ("in", 20.0)] {
        let seen = observed(cpu, now);
        group.bench_function(name, |b| {
            b.iter(|| decide(black_box(&policy), black_box(&seen), black_box(now)));
        });
    }
    let seen = observed(20.0, now);
    group.bench_function("in, explained", |b| {
        b.iter(|| decide(&policy, &seen, now).explain(&policy, black_box(&seen), now));
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
