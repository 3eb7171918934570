//! The bodies of the writes, read into what the ledger takes.
//!
//! A body is bounded, is JSON, has no unknown field, and names its idempotency key or carries it in
//! the header. All of that is decided here, before anything is asked of the ledger.

use super::{
    Edge,
    error::Error,
    fields::Fields,
    params::{read_user_id, read_uuid},
};
use crate::ledger::{
    command::{Authorization, DESCRIPTION_BYTES_MAX, Payment},
    hold::LIFETIME_SECONDS_MAX,
    money::{Amount, AmountError, Currency},
};
use axum::{
    body::{Bytes, to_bytes},
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use protocol::wallet::Code;
use uuid::Uuid;

/// A movement with the longest texts has under 4 KiB, escapes included.
pub(super) const BODY_BYTES_MAX: usize = 16 * 1024;
/// Bytes of an idempotency key or a reference.
const KEY_BYTES_MAX: usize = 100;
const DESCRIPTION_CHARS_MAX: usize = 500;
const MINUTE_COUNT_MAX: u32 = 1_000_000;
/// A week.
const LIFETIME_SECONDS_DEFAULT: u32 = 7 * 24 * 60 * 60;
const KEY_HEADER: &str = "Idempotency-Key";

/// A request's body, as `T`.
pub struct Body<T>(pub T);

/// Something that a body can be read as.
pub trait Requested: Sized {
    /// Longer bodies are refused.
    const BYTES_MAX: usize = BODY_BYTES_MAX;

    /// Takes its fields and the key of the header. `None` only after having noted a fault.
    fn take(fields: &mut Fields<'_>, key: Option<String>) -> Option<Self>;
}

/// `POST /api/v1/wallets`.
pub struct NewWallet {
    pub user_id: String,
    pub currency: Currency,
    /// Without one, each request opens another wallet.
    pub key: Option<String>,
}

/// `POST …/deposit` and `…/withdraw`.
pub struct Movement {
    pub key: String,
    pub payment: Payment,
}

/// `POST …/transfer`.
pub struct Transfer {
    pub to: Uuid,
    pub movement: Movement,
}

/// `POST …/freeze`, `…/unfreeze`, `…/close` and `…/reversal`.
pub struct Reason {
    pub key: String,
    pub reason: Box<str>,
}

/// `PUT …/limits`.
pub struct NewLimits {
    pub key: String,
    pub day_out: Option<Amount>,
    pub minute_count: Option<u32>,
    /// What is to be kept with the wallet's history.
    pub note: Box<str>,
}

/// `POST …/holds`.
pub struct NewHold {
    pub key: String,
    pub authorization: Authorization,
}

/// `POST …/holds/{holdId}/capture`.
pub struct NewCapture {
    pub key: String,
    pub amount: Option<Amount>,
    pub is_final: bool,
    pub description: Option<Box<str>>,
}

impl<T: Requested> FromRequest<Edge> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &Edge) -> Result<Self, Error> {
        let key = header_key(request.headers())?;
        let body = read(request, T::BYTES_MAX).await?;
        let mut fields = Fields::of_json(&body)?;
        let requested = T::take(&mut fields, key);
        fields.finish()?;
        Ok(Self(requested.expect("an absent field is a noted fault")))
    }
}

async fn read(request: Request, bytes_max: usize) -> Result<Bytes, Error> {
    let (parts, body) = request.into_parts();
    let media_type = parts.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let media_type = media_type.and_then(|v| v.split(';').next()).unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(Error::new(
            Code::UnsupportedMediaType,
            "send the body as JSON, with `Content-Type: application/json`",
        ));
    }
    let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok());
    if length.and_then(|v| v.parse().ok()).is_some_and(|length: usize| length > bytes_max) {
        return Err(too_large(bytes_max));
    }
    to_bytes(body, bytes_max).await.map_err(|error| {
        let limit_passed = std::error::Error::source(&error)
            .is_some_and(|source| source.is::<http_body_util::LengthLimitError>());
        if limit_passed { too_large(bytes_max) } else { incomplete() }
    })
}

fn too_large(bytes_max: usize) -> Error {
    Error::new(Code::BodyTooLarge, format!("the body may have {bytes_max} bytes at most"))
}

fn incomplete() -> Error {
    Error::new(Code::InvalidRequest, "the body ended before it was complete")
}

fn header_key(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let Some(value) = headers.get(KEY_HEADER) else { return Ok(None) };
    let key = value.to_str().map_err(|_| KEY_FORM.to_owned()).and_then(read_key);
    let key = key.map_err(|form| Error::field(Code::IdempotencyKeyRequired, KEY_HEADER, form))?;
    Ok(Some(key))
}

const KEY_FORM: &str = "must be 1 to 100 printable ASCII characters";

pub(super) fn read_key(text: &str) -> Result<String, String> {
    let printable = text.bytes().all(|b| (0x20..0x7f).contains(&b));
    let long_enough = !text.trim().is_empty() && text.len() <= KEY_BYTES_MAX;
    if printable && long_enough { Ok(text.to_owned()) } else { Err(KEY_FORM.to_owned()) }
}

impl Requested for NewWallet {
    fn take(fields: &mut Fields<'_>, key: Option<String>) -> Option<Self> {
        let user_id = fields.text("userId");
        let user_id = fields.read((Code::InvalidRequest, "userId"), user_id, |text| {
            read_user_id(text).map(|()| text.to_owned())
        });
        let user_id = fields.required(Code::InvalidRequest, "userId", user_id);
        let currency = take_currency(fields).unwrap_or(Currency::Brl);
        Some(Self { user_id: user_id?, currency, key })
    }
}

impl Requested for Movement {
    fn take(fields: &mut Fields<'_>, key: Option<String>) -> Option<Self> {
        let currency = take_currency(fields);
        let digits = fields.digits("amount", Code::InvalidAmount);
        let amount = fields
            .read((Code::InvalidAmount, "amount"), digits, |text| read_amount(text, currency));
        let amount = fields.required(Code::InvalidAmount, "amount", amount);
        let reference = fields.text("referenceId");
        let reference = fields.read((Code::InvalidRequest, "referenceId"), reference, read_key);
        let description = fields.text("description");
        let description =
            fields.read((Code::InvalidRequest, "description"), description, read_description);
        let key = key.or_else(|| reference.clone());
        if key.is_none() && !fields.is_blamed("referenceId") {
            let way_out = "is required, so that a repeated request moves the money once; \
                           `referenceId` in the body stands in for it";
            fields.blame(Code::IdempotencyKeyRequired, KEY_HEADER, way_out);
        }
        let reference = reference.map(String::into_boxed_str);
        let payment = Payment { amount: amount?, currency, reference, description };
        Some(Self { key: key?, payment })
    }
}

impl Requested for Reason {
    fn take(fields: &mut Fields<'_>, key: Option<String>) -> Option<Self> {
        const NAME: &str = "reason";
        let reason = fields.text(NAME);
        let reason = fields.read((Code::InvalidRequest, NAME), reason, |text| {
            if text.trim().is_empty() {
                return Err("must say why".to_owned());
            }
            read_description(text)
        });
        let reason = fields.required(Code::InvalidRequest, NAME, reason);
        let key = require_key(fields, key);
        Some(Self { key: key?, reason: reason? })
    }
}

/// The header's key where nothing stands in for it.
pub(super) fn require_key(fields: &mut Fields<'_>, key: Option<String>) -> Option<String> {
    if key.is_none() {
        let way_out = "is required, so that a repeated request is carried out once";
        fields.blame(Code::IdempotencyKeyRequired, KEY_HEADER, way_out);
    }
    key
}

impl Requested for NewLimits {
    fn take(fields: &mut Fields<'_>, key: Option<String>) -> Option<Self> {
        const DAY: &str = "dailyDebit";
        const MINUTE: &str = "debitsPerMinute";
        let digits = fields.digits(DAY, Code::InvalidAmount);
        let day = digits.as_deref().unwrap_or("none").to_owned();
        let day_out =
            fields.read((Code::InvalidAmount, DAY), digits, |text| read_amount(text, None));
        let count = fields.digits(MINUTE, Code::InvalidRequest);
        let minute_count = fields.read((Code::InvalidRequest, MINUTE), count, |text| {
            let count = text.parse().ok().filter(|count| (1..=MINUTE_COUNT_MAX).contains(count));
            count.ok_or_else(|| format!("must be a whole number from 1 to {MINUTE_COUNT_MAX}"))
        });
        let Reason { key, reason } = Reason::take(fields, key)?;
        let minute = minute_count.map_or_else(|| "none".to_owned(), |count| count.to_string());
        let note = format!("daily debit {day}, debits per minute {minute}: {reason}");
        // Only a reason of 500 of the widest characters is cut, by a few.
        let note = note[..note.floor_char_boundary(DESCRIPTION_BYTES_MAX)].into();
        Some(Self { key, day_out, minute_count, note })
    }
}

impl Requested for NewHold {
    fn take(fields: &mut Fields<'_>, key: Option<String>) -> Option<Self> {
        const TO: &str = "destinationWalletId";
        const LIFETIME: &str = "expiresInSeconds";
        let to = fields.text(TO);
        let to = fields.read((Code::InvalidRequest, TO), to, read_uuid);
        let seconds = fields.digits(LIFETIME, Code::InvalidRequest);
        let seconds = fields.read((Code::InvalidRequest, LIFETIME), seconds, |text| {
            let seconds = text.parse().ok().filter(|s| (1..=LIFETIME_SECONDS_MAX).contains(s));
            seconds.ok_or_else(|| {
                format!("must be a whole number from 1 to {LIFETIME_SECONDS_MAX}, which is 30 days")
            })
        });
        let lifetime_seconds = seconds.unwrap_or(LIFETIME_SECONDS_DEFAULT);
        let Movement { key, payment } = Movement::take(fields, key)?;
        Some(Self { key, authorization: Authorization { to, lifetime_seconds, payment } })
    }
}

impl Requested for NewCapture {
    fn take(fields: &mut Fields<'_>, key: Option<String>) -> Option<Self> {
        let amount = fields.digits("amount", Code::InvalidAmount);
        let amount =
            fields.read((Code::InvalidAmount, "amount"), amount, |text| read_amount(text, None));
        let is_final = fields.flag("final").unwrap_or(false);
        let description = fields.text("description");
        let description =
            fields.read((Code::InvalidRequest, "description"), description, read_description);
        let key = require_key(fields, key);
        Some(Self { key: key?, amount, is_final, description })
    }
}

impl Requested for Transfer {
    fn take(fields: &mut Fields<'_>, key: Option<String>) -> Option<Self> {
        const NAME: &str = "destinationWalletId";
        let (to, alias) = (fields.text(NAME), fields.text("toWalletId"));
        if to.is_some() && alias.is_some() {
            fields.blame(
                Code::InvalidRequest,
                "toWalletId",
                "is another name of destinationWalletId; give one",
            );
        }
        let to = fields.read((Code::InvalidRequest, NAME), to.or(alias), read_uuid);
        let to = fields.required(Code::InvalidRequest, NAME, to);
        let movement = Movement::take(fields, key);
        Some(Self { to: to?, movement: movement? })
    }
}

pub(super) fn take_currency(fields: &mut Fields<'_>) -> Option<Currency> {
    let code = fields.text("currency");
    fields.read((Code::InvalidCurrency, "currency"), code, |code| {
        Currency::from_code(code).ok_or_else(|| {
            let known: Vec<_> = Currency::all().map(Currency::code).collect();
            format!("must be one of {}", known.join(", "))
        })
    })
}

pub(super) fn read_amount(text: &str, currency: Option<Currency>) -> Result<Amount, String> {
    let checked = Amount::parse(text).and_then(|amount| {
        currency.map_or(Ok(0), |currency| amount.minor_in(currency)).map(|_| amount)
    });
    checked.map_err(|error| amount_message(error, text.starts_with('-'), currency))
}

/// What is wrong with an amount, the limit and the way out.
fn amount_message(error: AmountError, negative: bool, currency: Option<Currency>) -> String {
    match error {
        AmountError::NotDecimal if negative => {
            "must be above zero; to take money out, withdraw or transfer it".to_owned()
        }
        AmountError::NotDecimal => {
            "must be plain decimal digits such as 10.50, without sign, exponent, space or comma"
                .to_owned()
        }
        AmountError::NotPositive => "must be above zero; the least is 0.01".to_owned(),
        AmountError::TooLarge => "must be at most 1000000.00; split it".to_owned(),
        AmountError::TooManyDecimals => too_many_decimals(currency),
    }
}

/// What is wrong with an amount like 0.015 when the currency is known, and when it is not.
pub(super) fn too_many_decimals(currency: Option<Currency>) -> String {
    currency.map_or_else(
        || {
            "has more decimals than the wallet's currency; BRL has 2, as most, JPY 0, KWD 3"
                .to_owned()
        },
        |currency| format!("has more decimals than {currency}, which has {}", currency.decimals()),
    )
}

pub(super) fn read_description(text: &str) -> Result<Box<str>, String> {
    if text.chars().count() <= DESCRIPTION_CHARS_MAX {
        Ok(text.into())
    } else {
        Err(format!("must have {DESCRIPTION_CHARS_MAX} characters at most"))
    }
}
