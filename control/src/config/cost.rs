//! `cost` of an environment: what people say of it because control does not see it.

use super::delta;
use crate::cost::{Backups, Batch, Declared, Item, Logs};
use crate::document::{Field, Map};

const KEYS: &[&str] = &["counts", "batch", "logs", "backups"];
/// What may be declared by its number.
const COUNTED: [Item; 9] = [
    Item::LoadBalancer,
    Item::NatGateway,
    Item::PublicAddress,
    Item::InterfaceEndpoint,
    Item::CustomMetric,
    Item::Alarm,
    Item::Dashboard,
    Item::Secret,
    Item::Key,
];
/// Beyond any account's quota of any of them.
const COUNT_MAX: u32 = 100_000;
const DAY: u64 = 86_400;
/// CloudWatch keeps logs for ten years at most.
const KEPT_MAX: u64 = 3_653 * DAY;
/// A thousand tasks all month.
const TASK_HOURS_MAX: u32 = 730_000;
/// The largest Fargate task: 16 vCPU and 120 GB.
const CPU_UNITS_MAX: u32 = 16 * 1024;
const MEMORY_MIB_MAX: u32 = 120 * 1024;

/// What is declared, with what the file leaves out as it is by default.
pub(super) fn read(field: &Field<'_>) -> Option<Declared> {
    let map = field.map(KEYS)?;
    let default = Declared::default();
    let counts = map.or("counts", default.counts.clone(), |f| counts(f, default.counts));
    let batch = map.or("batch", None, |f| batch(f).map(Some));
    let logs = map.or("logs", None, |f| logs(f).map(Some));
    let backups = map.or("backups", None, |f| backups(f).map(Some));
    Some(Declared { counts: counts?, batch: batch?, logs: logs?, backups: backups? })
}

fn counts(field: &Field<'_>, default: Vec<(Item, u32)>) -> Option<Vec<(Item, u32)>> {
    let map = field.open_map()?;
    let mut counts = default;
    let mut whole = true;
    for (name, field) in map.fields() {
        let Some(item) = COUNTED.iter().find(|item| item.key() == name) else {
            let keys = COUNTED.map(Item::key);
            let hint = crate::document::nearest(name, keys);
            let hint = hint.map_or_else(
                || format!("known here: {}", keys.join(", ")),
                |word| format!("did you mean `{word}`?"),
            );
            let _: Option<()> = field.fault(format!("unknown item `{name}`; {hint}"));
            whole = false;
            continue;
        };
        let Some(count) = field.count(0..=COUNT_MAX) else {
            whole = false;
            continue;
        };
        counts.retain(|(held, _)| held != item);
        counts.push((*item, count));
    }
    whole.then_some(counts)
}

fn batch(field: &Field<'_>) -> Option<Batch> {
    let map = field.map(&["task_hours_per_month", "cpu_units", "memory_mib"])?;
    let count = |map: &Map<'_>, key: &str, max| map.required(key).and_then(|f| f.count(1..=max));
    let hours = map.required("task_hours_per_month").and_then(|f| f.count(0..=TASK_HOURS_MAX));
    let cpu_units = count(&map, "cpu_units", CPU_UNITS_MAX);
    let memory_mib = count(&map, "memory_mib", MEMORY_MIB_MAX);
    Some(Batch { task_hours_per_month: hours?, cpu_units: cpu_units?, memory_mib: memory_mib? })
}

fn logs(field: &Field<'_>) -> Option<Logs> {
    let map = field.map(&["kept", "archive_after"])?;
    let kept = map.required("kept").and_then(|f| delta(&f, DAY..=KEPT_MAX));
    let archive_after = map.required("archive_after").and_then(|f| delta(&f, DAY..=KEPT_MAX));
    let (kept, archive_after) = (kept?, archive_after?);
    if archive_after >= kept {
        return field.fault("archive_after must be shorter than kept, or nothing is archived");
    }
    Some(Logs { kept, archive_after })
}

fn backups(field: &Field<'_>) -> Option<Backups> {
    let map = field.map(&["kept", "needed"])?;
    let kept = map.required("kept").and_then(|f| delta(&f, DAY..=KEPT_MAX));
    let needed = map.required("needed").and_then(|f| delta(&f, DAY..=KEPT_MAX));
    let (kept, needed) = (kept?, needed?);
    if needed > kept {
        return field.fault("needed must not be longer than kept");
    }
    Some(Backups { kept, needed })
}
