//! Who asks, and which service: both stand in the credential scope of a version 4 signature.

use super::AwsError;
use crate::aws::Region;

/// The service that a request is signed for, such as `monitoring`.
///
/// # Errors
/// There is no signature, it is none of version 4, or it names another key or region.
pub(super) fn scope<'a>(
    authorization: Option<&'a str>,
    region: &Region,
) -> Result<&'a str, AwsError> {
    let credential = authorization
        .and_then(|header| header.strip_prefix("AWS4-HMAC-SHA256 "))
        .and_then(|fields| fields.split(',').find_map(|f| f.trim().strip_prefix("Credential=")))
        .ok_or_else(AwsError::unsigned)?;
    let parts: Vec<&str> = credential.split('/').collect();
    let [key, _date, signed_region, service, "aws4_request"] = parts[..] else {
        return Err(AwsError::refused(
            "IncompleteSignature",
            "Credential must be of the form key/date/region/service/aws4_request.",
        ));
    };
    if key != region.access_key {
        return Err(AwsError::unknown_key());
    }
    // Cost Explorer is one service for all regions and is signed for us-east-1.
    if signed_region != region.name && service != "ce" {
        return Err(AwsError::refused(
            "SignatureDoesNotMatch",
            format!("Credential should be scoped to a valid region, not '{signed_region}'."),
        )
        .with_status(403));
    }
    Ok(service)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(credential: &str) -> String {
        format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0")
    }

    #[test]
    fn the_scope_names_the_service_or_the_request_is_refused() {
        let region = Region::default();
        let good = header("sandbox/20260101/sa-east-1/ecs/aws4_request");
        assert_eq!(scope(Some(&good), &region), Ok("ecs"));
        let ce = header("sandbox/20260101/us-east-1/ce/aws4_request");
        assert_eq!(scope(Some(&ce), &region), Ok("ce"));
        for bad in [
            None,
            Some("Bearer abc".to_owned()),
            Some("AWS4-HMAC-SHA256 SignedHeaders=host".to_owned()),
            Some(header("sandbox/20260101/sa-east-1")),
            Some(header("another/20260101/sa-east-1/ecs/aws4_request")),
            Some(header("sandbox/20260101/eu-west-1/ecs/aws4_request")),
        ] {
            assert!(scope(bad.as_deref(), &region).is_err(), "{bad:?}");
        }
    }
}
