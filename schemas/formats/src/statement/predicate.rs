//! All statement types in one table: their names, and which record each one's predicate is.

use serde_json::value::RawValue;

use super::header::Header;
use super::{access, attest, deploy, known_good, publish, retention, rollback, upkeep};
use crate::limits::ATTACHMENT_BYTES_MAX;
use crate::policy;
use crate::strict::{JsonError, from_json, word};

/// Declares a predicate twice: as the record the code works with, and as the flat JSON that stands in the payload,
/// where the header's fields come first.
macro_rules! predicate {
    ($(#[$m:meta])* pub struct $name:ident as $wire:ident { $($(#[$f:meta])* $kind:ident $field:ident: $t:ty,)* }) => {
        crate::strict::record! { $(#[$m])* pub struct $name { $($(#[$f])* $kind $field: $t,)* } }

        crate::strict::record! {
            $(#[$m])*
            pub struct $wire {
                /// The log this statement is for; no other log accepts it.
                req log: crate::origin::Origin,
                /// 128 random bits.
                req id: crate::id::RandomId,
                /// When it was signed, by the signer's clock; at most 5 minutes ahead of the entry's time.
                req issued_at: crate::time::Timestamp,
                /// When a log stops accepting it: at most 7 days after `issued_at`.
                req not_after: crate::time::Timestamp,
                /// Where it came from.
                opt context: crate::statement::header::Context,
                /// Free notes, never affecting state.
                opt annotations: crate::statement::header::Annotations,
                $($(#[$f])* $kind $field: $t,)*
            }
        }

        impl $wire {
            pub(crate) fn split(self) -> (crate::statement::header::Header, $name) {
                let Self { log, id, issued_at, not_after, context, annotations, $($field),* } = self;
                (crate::statement::header::Header { log, id, issued_at, not_after, context, annotations }, $name { $($field),* })
            }

            pub(crate) fn join(header: &crate::statement::header::Header, own: &$name) -> Self {
                let crate::statement::header::Header { log, id, issued_at, not_after, context, annotations } = header.clone();
                let $name { $($field),* } = own.clone();
                Self { log, id, issued_at, not_after, context, annotations, $($field),* }
            }
        }
    };
}
pub(crate) use predicate;

/// A function that gives the JSON Schema of one predicate.
pub type PredicateSchema = fn(&mut schemars::SchemaGenerator) -> schemars::Schema;

macro_rules! statement_types {
    ($($(#[$m:meta])* $variant:ident $text:literal $record:path, $wire:path;)*) => {
        word! {
            /// The statement types.
            pub enum StatementType { $($(#[$m])* $variant = $text,)* }
        }

        /// What a statement says, by type.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Predicate { $($(#[$m])* $variant(Box<$record>),)* }

        impl StatementType {
            /// The `predicateType` of this type.
            pub const fn urn(self) -> &'static str {
                match self { $(Self::$variant => concat!("urn:holdfast:", $text, ":v1")),* }
            }

            /// The type with this `predicateType`.
            pub fn from_urn(urn: &str) -> Option<Self> {
                match urn { $(concat!("urn:holdfast:", $text, ":v1") => Some(Self::$variant),)* _ => None }
            }

            /// How to make the JSON Schema of this type's predicate.
            pub const fn schema(self) -> PredicateSchema {
                match self { $(Self::$variant => <$wire as schemars::JsonSchema>::json_schema),* }
            }
        }

        impl Predicate {
            /// Which type it is of.
            pub const fn kind(&self) -> StatementType {
                match self { $(Self::$variant(_) => StatementType::$variant),* }
            }

            pub(super) fn parse(kind: StatementType, json: &[u8]) -> Result<(Header, Self), JsonError> {
                match kind {
                    $(StatementType::$variant => {
                        let (header, own) = from_json::<$wire>(json, ATTACHMENT_BYTES_MAX)?.split();
                        Ok((header, Self::$variant(Box::new(own))))
                    })*
                }
            }

            pub(super) fn to_raw(&self, header: &Header) -> Result<Box<RawValue>, serde_json::Error> {
                match self { $(Self::$variant(own) => serde_json::value::to_raw_value(&<$wire>::join(header, own))),* }
            }
        }

        $(impl From<$record> for Predicate {
            fn from(own: $record) -> Self {
                Self::$variant(Box::new(own))
            }
        })*
    };
}

statement_types! {
    /// The rules.
    Policy "policy" policy::Policy, policy::PolicyPredicate;
    /// This name@version is this manifest.
    Publish "publish" publish::Publish, publish::PublishPredicate;
    /// This envelope is about these digests.
    Attest "attest" attest::Attest, attest::AttestPredicate;
    /// A moving tag points here.
    Tag "tag" attest::Tag, attest::TagPredicate;
    /// This artifact went to this channel.
    Deploy "deploy" deploy::Deploy, deploy::DeployPredicate;
    /// Known-good on a line.
    Pin "pin" known_good::Pin, known_good::PinPredicate;
    /// Never answer this digest.
    Deny "deny" known_good::Deny, known_good::DenyPredicate;
    /// The end of one deny.
    Lift "lift" known_good::Lift, known_good::LiftPredicate;
    /// The channel takes no deploys.
    Freeze "freeze" known_good::Freeze, known_good::FreezePredicate;
    /// The end of one freeze.
    Thaw "thaw" known_good::Thaw, known_good::ThawPredicate;
    /// A legal hold.
    Hold "hold" retention::Hold, retention::HoldPredicate;
    /// The end of one hold.
    Unhold "unhold" retention::Unhold, retention::UnholdPredicate;
    /// A longer window.
    Extend "extend" retention::Extend, retention::ExtendPredicate;
    /// The logical end of an artifact.
    Delete "delete" retention::Delete, retention::DeletePredicate;
    /// A token.
    Grant "grant" access::Grant, access::GrantPredicate;
    /// The end of one token.
    Revoke "revoke" access::Revoke, access::RevokePredicate;
    /// A rollback or a drill.
    Rollback "rollback" rollback::Rollback, rollback::RollbackPredicate;
    /// What was read back and how it was.
    Scrub "scrub" upkeep::Scrub, upkeep::ScrubPredicate;
    /// What ends now.
    Sweep "sweep" upkeep::Sweep, upkeep::SweepPredicate;
    /// What is gone.
    Swept "swept" upkeep::Swept, upkeep::SweptPredicate;
}
