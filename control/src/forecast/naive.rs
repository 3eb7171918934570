//! The forecast to beat: each hour as the same hour of the week before. Pure.

/// Hours of a week.
pub(super) const WEEK: usize = 168;
/// Weeks that are looked back for an hour that is known.
const WEEKS_MAX: usize = 4;

/// The hours after `history`; unknown where no week knows.
pub(super) fn forecast(history: &[Option<f64>], horizon: usize) -> Vec<Option<f64>> {
    let at = |ahead: usize| {
        (1..=WEEKS_MAX).find_map(|weeks| {
            let index = (history.len() + ahead).checked_sub(weeks * WEEK)?;
            history.get(index).copied().flatten()
        })
    };
    (0..horizon).map(at).collect()
}

/// The history without holes: an unknown hour is the mean of the same hour of the weeks around
/// it, or of its known neighbours. `None` when nothing is known at all.
pub(super) fn without_holes(history: &[Option<f64>]) -> Option<Vec<f64>> {
    let mean = |values: &mut dyn Iterator<Item = f64>| {
        let (mut sum, mut count) = (0.0, 0.0);
        for value in values {
            sum += value;
            count += 1.0;
        }
        (count > 0.0).then(|| sum / count)
    };
    let all = mean(&mut history.iter().flatten().copied())?;
    let fill = |index: usize| {
        let same = (index % WEEK..history.len()).step_by(WEEK);
        let weekly = mean(&mut same.filter_map(|other| history[other]));
        let around = index.saturating_sub(1)..(index + 2).min(history.len());
        weekly.or_else(|| mean(&mut around.filter_map(|other| history[other])))
    };
    let filled = history
        .iter()
        .enumerate()
        .map(|(index, value)| value.or_else(|| fill(index)).unwrap_or(all));
    Some(filled.collect())
}
