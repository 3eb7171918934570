//! The only module that names `augurs`: daily and weekly seasons by MSTL, the rest by ETS.
//!
//! Seasons are found by repeated smoothing (Bandara, Hyndman and Bergmeir, 2021), and what they
//! leave is continued by the exponential smoothing that fits it best. It needs a history without
//! holes and at least two of its longest season.

use augurs_core::{Fit, Predict};
use augurs_ets::AutoETS;
use augurs_mstl::MSTLModel;

use super::naive::WEEK;

/// Hours of a day.
const DAY: usize = 24;
/// A season can be told from chance only when it was seen twice.
pub(super) const HOURS_MIN: usize = 2 * WEEK + 1;

/// Why there is no forecast.
#[derive(Debug, thiserror::Error)]
pub(super) enum ModelError {
    #[error("{hours} hours of history are too few for a model; it takes {HOURS_MIN}")]
    TooShort { hours: usize },
    #[error("fitting the model")]
    Fit(#[source] augurs_mstl::Error),
    #[error("continuing the model")]
    Predict(#[source] augurs_mstl::Error),
    #[error("the model continues to a value that is no load")]
    NotFinite,
}

/// The hours after `history`. Never negative.
pub(super) fn forecast(history: &[f64], horizon: usize) -> Result<Vec<f64>, ModelError> {
    if history.len() < HOURS_MIN {
        return Err(ModelError::TooShort { hours: history.len() });
    }
    let trend = AutoETS::non_seasonal().into_trend_model();
    let model = MSTLModel::new(vec![DAY, WEEK], trend);
    let fitted = model.fit(history).map_err(ModelError::Fit)?;
    let forecast = fitted.predict(horizon, None).map_err(ModelError::Predict)?;
    if forecast.point.len() != horizon || forecast.point.iter().any(|value| !value.is_finite()) {
        return Err(ModelError::NotFinite);
    }
    Ok(forecast.point.into_iter().map(|value| value.max(0.0)).collect())
}
