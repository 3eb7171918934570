//! A policy and what it sees, for tests.

use chrono::TimeDelta;

use super::decide::Observed;
use super::{Metric, Policy, ScalingMode, Target, Unit};
use crate::fleet::samples::second;
use crate::readings::{Sample, Window};

pub(super) fn policy() -> Policy {
    Policy {
        unit: Unit::Tasks,
        mode: ScalingMode::Own,
        tasks_min: 3,
        tasks_max: 20,
        targets: vec![
            Target { metric: Metric::Cpu, value: 60.0 },
            Target { metric: Metric::RequestsPerTask, value: 300.0 },
        ],
        band: 0.1,
        points_out: 2,
        points_in: 4,
        step_out: 1.0,
        step_in: 0.1,
        cooldown_in: TimeDelta::seconds(300),
        reversals_max: 3,
        boost: None,
        schedules: vec![],
        fallback: None,
        period: TimeDelta::seconds(10),
    }
}

/// Values newest first; NaN is an unknown period.
pub(super) fn window(values: &[f64], tasks: u32) -> Window {
    let sample = |value: &f64| (!value.is_nan()).then_some(Sample { value: *value, tasks });
    Window { slots: values.iter().map(sample).collect() }
}

pub(super) fn observed(current: u32, cpu: &[f64], requests: &[f64]) -> Observed {
    Observed {
        current: Some(current),
        seen_at: Some(second(0)),
        windows: [
            ("cpu_percent".to_owned(), window(cpu, current)),
            ("requests_per_task".to_owned(), window(requests, current)),
        ]
        .into(),
        ..Observed::default()
    }
}
