//! Frames: which APIs are spoken in which versions, and bytes to requests and back. Pure.
//!
//! A client asks with `ApiVersions` first and then keeps to these ranges. Produce is advertised
//! from version 0 although 3 is the first one served: librdkafka before 2.12 takes a missing
//! version 0 as "this broker knows no compression" (KAFKA-18659), and never sends it.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{
    ApiKey, ApiVersionsResponse, RequestHeader, RequestKind, ResponseHeader, ResponseKind,
};
use kafka_protocol::protocol::{Decodable, Encodable};
use thiserror::Error;

use super::shape::{self, ShapeError};

/// One API as this broker speaks it.
#[derive(Debug)]
pub(super) struct Api {
    /// Which one.
    pub(super) key: ApiKey,
    /// First version served.
    pub(super) min: i16,
    /// Last version served.
    pub(super) max: i16,
    /// Shape of its requests, see `shape`.
    pub(super) shape: &'static str,
}

/// Every API that is served. Static membership begins after the last versions of the group APIs
/// here.
pub(super) const APIS: [Api; 23] = [
    api(ApiKey::Produce, 3, 9, "s h i [ s [ i y ] ]"),
    api(ApiKey::Fetch, 4, 11, "i i i i b 7+i 7+i [ s [ i 9+i l 5+l i ] ] 7+[ s ( i ) ] 11+s"),
    api(ApiKey::ListOffsets, 1, 6, "i 2+b [ s [ i 4+i l ] ]"),
    api(ApiKey::Metadata, 0, 9, "[ s ] 4+b 8+b 8+b"),
    api(ApiKey::OffsetCommit, 2, 6, "s i s 2-4l [ s [ i l 6+i s ] ]"),
    api(ApiKey::OffsetFetch, 1, 7, "s [ s ( i ) ] 7+b"),
    api(ApiKey::FindCoordinator, 0, 3, "s 1+b"),
    api(ApiKey::JoinGroup, 0, 4, "s i 1+i s s [ s y ]"),
    api(ApiKey::Heartbeat, 0, 2, "s i s"),
    api(ApiKey::LeaveGroup, 0, 2, "s s"),
    api(ApiKey::SyncGroup, 0, 2, "s i s [ s y ]"),
    api(ApiKey::DescribeGroups, 0, 5, "( s ) 3+b"),
    api(ApiKey::ListGroups, 0, 4, "4+( s )"),
    api(ApiKey::ApiVersions, 0, 3, "3+s 3+s"),
    api(ApiKey::CreateTopics, 2, 4, "[ s i h [ i ( i ) ] [ s s ] ] i b"),
    api(ApiKey::DeleteTopics, 1, 4, "( s ) i"),
    api(ApiKey::InitProducerId, 0, 4, "s i 3+l 3+h"),
    api(ApiKey::OffsetForLeaderEpoch, 2, 4, "3+i [ s [ i i i ] ]"),
    api(ApiKey::AddPartitionsToTxn, 0, 3, "s l h [ s ( i ) ]"),
    api(ApiKey::EndTxn, 0, 3, "s l h b"),
    api(ApiKey::DescribeConfigs, 1, 3, "[ b s ( s ) ] b 3+b"),
    api(ApiKey::DeleteGroups, 0, 2, "( s )"),
    api(ApiKey::DescribeCluster, 0, 0, "b"),
];

const fn api(key: ApiKey, min: i16, max: i16, shape: &'static str) -> Api {
    Api { key, min, max, shape }
}

/// Why a frame is no request that could be answered.
#[derive(Debug, Error)]
pub(super) enum WireError {
    /// Fewer bytes than a header has.
    #[error("the request is shorter than its header")]
    Short,
    /// An API or version that was not advertised.
    #[error("API {key} version {version} is not served")]
    Unserved {
        /// Number of the API.
        key: i16,
        /// Its version.
        version: i16,
    },
    /// A length or count that cannot be true.
    #[error("malformed {key:?} request")]
    Shape {
        /// Which API.
        key: ApiKey,
        /// What is wrong.
        #[source]
        source: ShapeError,
    },
    /// The codec refuses the bytes.
    #[error("undecodable request: {0:#}")]
    Decode(String),
    /// The codec refuses our own answer.
    #[error("unencodable answer: {0:#}")]
    Encode(String),
}

/// A request with what is needed to answer it.
#[derive(Debug)]
pub(super) struct Incoming {
    /// Returned with the answer.
    pub(super) correlation_id: i32,
    /// Version of the request, and of its answer.
    pub(super) version: i16,
    /// How the client calls itself.
    pub(super) client_id: String,
    /// What it wants. `None` for `ApiVersions` in a version that is not served.
    pub(super) request: Option<RequestKind>,
}

/// Reads one frame, without its length.
///
/// # Errors
/// The frame is malformed or asks for something that was not advertised.
pub(super) fn decode(mut frame: Bytes) -> Result<Incoming, WireError> {
    if frame.len() < 8 {
        return Err(WireError::Short);
    }
    let mut head = &frame[..8];
    let (key, version, correlation_id) = (head.get_i16(), head.get_i16(), head.get_i32());
    let api = APIS.iter().find(|api| api.key as i16 == key);
    let api = api.ok_or(WireError::Unserved { key, version })?;
    if !(api.min..=api.max).contains(&version) {
        if api.key == ApiKey::ApiVersions {
            let client_id = String::new();
            return Ok(Incoming { correlation_id, version: 0, client_id, request: None });
        }
        return Err(WireError::Unserved { key, version });
    }
    let header_version = api.key.request_header_version(version);
    let refused = |error: anyhow::Error| WireError::Decode(format!("{error:#}"));
    let header = RequestHeader::decode(&mut frame, header_version).map_err(refused)?;
    shape::walk(api.shape, version, header_version >= 2, &frame)
        .map_err(|source| WireError::Shape { key: api.key, source })?;
    let request = RequestKind::decode(api.key, &mut frame, version).map_err(refused)?;
    let client_id = header.client_id.map(|id| id.to_string()).unwrap_or_default();
    Ok(Incoming { correlation_id, version, client_id, request: Some(request) })
}

/// Writes one answer, with its length.
///
/// # Errors
/// The answer has a field that its version lacks: a mistake of ours.
pub(super) fn encode(
    correlation_id: i32,
    version: i16,
    response: &ResponseKind,
) -> Result<BytesMut, WireError> {
    let refused = |error: anyhow::Error| WireError::Encode(format!("{error:#}"));
    let mut bytes = BytesMut::with_capacity(256);
    bytes.put_i32(0);
    let header = ResponseHeader::default().with_correlation_id(correlation_id);
    header.encode(&mut bytes, response.header_version(version)).map_err(refused)?;
    response.encode(&mut bytes, version).map_err(refused)?;
    let length = i32::try_from(bytes.len() - 4).map_err(|error| refused(error.into()))?;
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    Ok(bytes)
}

/// The answer that tells a client what is served.
pub(super) fn api_versions(error_code: i16) -> ApiVersionsResponse {
    let advertised = |api: &Api| {
        let min = if api.key == ApiKey::Produce { 0 } else { api.min };
        let version = ApiVersion::default().with_api_key(api.key as i16);
        version.with_min_version(min).with_max_version(api.max)
    };
    ApiVersionsResponse::default()
        .with_error_code(error_code)
        .with_api_keys(APIS.iter().map(advertised).collect())
}
