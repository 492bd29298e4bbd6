//! Signing what is sent, as <https://www.standardwebhooks.com> says: HMAC-SHA256 over id, time and body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use holdfast_formats::time::Timestamp;
use ring::hmac;

use super::WebhookError;

const PREFIX: &str = "whsec_";

/// A secret that the receiver knows too.
#[derive(Clone)]
pub(super) struct Secret(hmac::Key);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// Reads `whsec_` and the secret in base64.
    pub(super) fn parse(text: &str) -> Result<Self, WebhookError> {
        let encoded = text.trim().strip_prefix(PREFIX).ok_or(WebhookError::Secret)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| WebhookError::Secret)?;
        if !(24..=64).contains(&bytes.len()) {
            return Err(WebhookError::Secret);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// The headers that go with a body.
    pub(super) fn headers(&self, id: &str, now: Timestamp, body: &str) -> [(&'static str, String); 3] {
        let seconds = now.as_ms() / 1000;
        let tag = hmac::sign(&self.0, format!("{id}.{seconds}.{body}").as_bytes());
        [
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", seconds.to_string()),
            ("webhook-signature", format!("v1,{}", STANDARD.encode(tag.as_ref()))),
        ]
    }
}
