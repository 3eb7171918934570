//! Tokens for the next page: a place, bound to the request that it belongs to.

use crate::aws::wire::AwsError;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A token that opens at `place` for the same request only.
pub(super) fn token<T: Serialize>(place: &T, request: &Value) -> String {
    let bound = serde_json::to_vec(&(place, mark(request))).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(bound)
}

/// The place that a token stands for.
///
/// # Errors
/// It is no token of ours, or belongs to another request.
pub(super) fn open<T: DeserializeOwned>(token: &str, request: &Value) -> Result<T, AwsError> {
    let invalid = || AwsError::refused("InvalidNextToken", "The next token is invalid.");
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid())?;
    let (place, bound): (T, String) = serde_json::from_slice(&bytes).map_err(|_| invalid())?;
    if bound == mark(request) { Ok(place) } else { Err(invalid()) }
}

/// What a request asks, without where it continues and how much it wants at once.
fn mark(request: &Value) -> String {
    let mut asked = request.clone();
    if let Some(fields) = asked.as_object_mut() {
        for field in ["NextToken", "MaxDatapoints", "MaxRecords"] {
            fields.remove(field);
        }
    }
    hex::encode(&Sha256::digest(asked.to_string())[..8])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_token_opens_for_its_own_request_only() {
        let request = json!({"Namespace": "Wallet"});
        let token = token(&7_usize, &request);
        let next = json!({"Namespace": "Wallet", "NextToken": token});
        assert_eq!(open::<usize>(&token, &next), Ok(7));
        assert!(open::<usize>(&token, &json!({"Namespace": "Other"})).is_err());
        assert!(open::<usize>("nonsense", &request).is_err());
    }
}
