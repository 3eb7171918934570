//! How far beyond the usual a value must be to be rare. Pure.
//!
//! Peaks over threshold: what lies beyond the 98th percentile of all distances is fitted by a
//! generalised Pareto distribution, whose tail says which distance is exceeded with a given small
//! probability (Siffer et al., "Anomaly Detection in Streams with Extreme Value Theory", KDD
//! 2017). Parameters by the method of moments (Hosking and Wallis, Technometrics 1987): exact
//! enough for a limit, and without an iteration that might not end.

use std::collections::VecDeque;

/// Distances that are remembered: four weeks of five minutes.
const KEPT: usize = 28 * 288;
/// Peaks begin beyond this share of all distances.
const PEAK_SHARE: f64 = 0.98;
/// Fewer peaks than this have no shape.
const PEAKS_MIN: usize = 10;
/// Chance with which an ordinary distance is beyond the limit: one in 2,000 points, a week of
/// five minutes.
const RISK: f64 = 5e-4;
/// Moments know no heavier tail than 0.5, and a lighter one than -0.4 ends just behind the
/// largest peak, which a handful of peaks cannot tell.
const SHAPE: std::ops::RangeInclusive<f64> = -0.4..=0.5;
/// The limit moves slowly; it is computed again after this many distances.
const REFIT_EVERY: usize = 50;

/// The distances on one side of what is usual, and the limit that follows from them.
#[derive(Clone, Debug, Default)]
pub(super) struct Tail {
    /// Zero: within what is usual.
    distances: VecDeque<f64>,
    since_fit: usize,
    limit: Option<f64>,
}

impl Tail {
    /// Takes in one distance, zero included. A surprise counts as well: seen once, it is less of
    /// one the next time.
    pub(super) fn learn(&mut self, distance: f64, surprise: bool) {
        if self.distances.len() == KEPT {
            self.distances.pop_front();
        }
        self.distances.push_back(distance);
        self.since_fit += 1;
        if surprise {
            self.limit = None;
        }
    }

    /// Beyond this a distance is rare. `width` is how wide the usual is, for a series that has
    /// hardly ever left it.
    pub(super) fn limit(&mut self, width: f64) -> f64 {
        if self.since_fit >= REFIT_EVERY {
            self.limit = None;
        }
        if self.limit.is_none() {
            self.since_fit = 0;
            self.limit = Some(fit(&self.distances).unwrap_or(f64::NAN));
        }
        match self.limit {
            Some(limit) if limit.is_finite() => limit,
            _ => self.distances.iter().copied().fold(width / 2.0, f64::max),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.distances.len()
    }
}

/// The distance that is exceeded with probability [`RISK`]; `None` when there are too few peaks.
fn fit(distances: &VecDeque<f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = distances.iter().copied().collect();
    sorted.sort_by(f64::total_cmp);
    let start = *sorted.get(share(sorted.len()))?;
    let peaks: Vec<f64> = sorted.iter().filter(|d| **d > start).map(|d| d - start).collect();
    if peaks.len() < PEAKS_MIN {
        return None;
    }
    let count = float(peaks.len());
    let mean = peaks.iter().sum::<f64>() / count;
    let variance = peaks.iter().map(|peak| (peak - mean).powi(2)).sum::<f64>() / count;
    if variance <= 0.0 {
        return Some(start + mean);
    }
    let ratio = mean * mean / variance;
    let shape = ((1.0 - ratio) / 2.0).clamp(*SHAPE.start(), *SHAPE.end());
    let scale = mean * (ratio + 1.0) / 2.0;
    let rarity = RISK * float(sorted.len()) / count;
    Some(if shape.abs() < 1e-6 {
        start - scale * rarity.ln()
    } else {
        start + scale / shape * (rarity.powf(-shape) - 1.0)
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a length is not negative and fits a length"
)]
fn share(length: usize) -> usize {
    (float(length) * PEAK_SHARE) as usize
}

#[expect(clippy::cast_precision_loss, reason = "lengths here are thousands")]
fn float(length: usize) -> f64 {
    length as f64
}
