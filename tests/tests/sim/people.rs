//! Who signs: one person with every role, and the registry itself. And the rules that they agreed on.

use holdfast_formats::StrictMap;
use holdfast_formats::envelope::{Base64Bytes, Envelope};
use holdfast_formats::id::RandomId;
use holdfast_formats::key::SigningKey;
use holdfast_formats::number::{Count, Seconds};
use holdfast_formats::origin::Origin;
use holdfast_formats::policy::{Policy, Window};
use holdfast_formats::statement::{Action, Grant, Header, Predicate, WindowMode};
use holdfast_formats::time::Timestamp;
use holdfast_formats::token::Token;
use holdfast_formats::wire::v1::Submission;
use holdfast_registry::log::NodeKeys;
use holdfast_tests::of;
use holdfast_verify::policy_template::{RegistryKeys, solo_policy};
use holdfast_verify::subject::statement;

use super::time::{DAY_MS, HOUR_MS};

/// How long a statement may be on its way.
const LIFE_MS: u64 = 2 * HOUR_MS;
/// How long an answer can be gone back to after it was one.
pub(crate) const ROLLBACK_WINDOW_MS: u64 = DAY_MS;
/// How many last answerable pins stay.
pub(crate) const KEEP_PINS: u64 = 2;

/// How long artifacts of a class are kept, and how strictly; classes that are not here have no window.
pub(crate) const WINDOWS: [(&str, u64, WindowMode); 3] = [
    ("build", 2 * DAY_MS, WindowMode::Compliance),
    ("config", 3 * DAY_MS, WindowMode::Governance),
    ("release", 2 * DAY_MS, WindowMode::Compliance),
];

/// Somebody who signs.
#[derive(Debug, Clone)]
pub(crate) struct Signer {
    /// The key.
    pub(crate) key: SigningKey,
    /// The log.
    pub(crate) origin: Origin,
    /// How far the signer's clock is ahead.
    pub(crate) ahead_ms: u64,
}

impl Signer {
    /// The body of a submission.
    pub(crate) fn say(
        &self,
        truly: Timestamp,
        id: [u8; 16],
        what: impl Into<Predicate>,
        attachments: Vec<Vec<u8>>,
    ) -> anyhow::Result<Vec<u8>> {
        let now = truly.plus_ms(self.ahead_ms);
        let header = Header {
            log: self.origin.clone(),
            id: RandomId::from_bytes(id),
            issued_at: now,
            not_after: now.plus_ms(LIFE_MS),
            context: None,
            annotations: None,
        };
        let envelope = Envelope::sign(statement(header, what).to_payload()?, &self.key);
        let attachments = attachments.into_iter().map(Base64Bytes).collect();
        Ok(serde_json::to_vec(&Submission { envelope, attachments })?)
    }
}

/// Policy 1.
pub(crate) fn rules(keys: &NodeKeys, person: &SigningKey) -> anyhow::Result<Policy> {
    let [log, head, registry] = keys.public();
    let keys_named = RegistryKeys { log, head, registry };
    let mut policy = solo_policy(keys.origin.clone(), keys_named, person.public(), of("ana"));
    let window = |(class, keep_ms, mode): (&str, u64, WindowMode)| {
        anyhow::Ok((of(class), Window { keep_s: Seconds::new(keep_ms / 1000)?, mode }))
    };
    let windows: StrictMap<_, _> = WINDOWS.into_iter().map(window).collect::<anyhow::Result<_>>()?;
    for namespace in &mut policy.namespaces {
        namespace.windows = windows.clone();
    }
    for channel in &mut policy.channels {
        channel.rollback_window_s = Seconds::new(ROLLBACK_WINDOW_MS / 1000)?;
        channel.keep_pins = Count::new(KEEP_PINS)?;
    }
    Ok(policy)
}

/// A token for everything.
pub(crate) fn everything(token: &Token) -> Grant {
    Grant {
        token_sha256: token.sha256(),
        subject: of("ana"),
        actions: Action::ALL.to_vec(),
        names: vec![of("*")],
        channels: vec![of("*")],
        quotas: None,
        expires: None,
        key: None,
        oidc: None,
    }
}
