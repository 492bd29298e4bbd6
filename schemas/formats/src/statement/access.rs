//! `grant` and `revoke`: tokens.

use super::header::EntryIndex;
use super::predicate::predicate;
use crate::digest::Sha256Digest;
use crate::key::PublicKey;
use crate::number::{ByteSize, Count};
use crate::pattern::NamePattern;
use crate::strict::{record, word};
use crate::text::{Label, Reason, Uri};
use crate::time::Timestamp;

word! {
    /// What a token may do.
    pub enum Action {
        /// Read artifacts, channels and lookups.
        Read = "read",
        /// Upload, publish and tag.
        Publish = "publish",
        /// Submit attestations.
        Attest = "attest",
        /// Submit deploys.
        Deploy = "deploy",
        /// Submit pins, denies, lifts, freezes and thaws.
        Release = "release",
        /// Submit holds, unholds, extends and deletes.
        Hold = "hold",
        /// Submit rollbacks and drills.
        Operate = "operate",
        /// Submit grants, revokes and policies.
        Administer = "administer",
        /// Read every entry of the log.
        Audit = "audit",
    }
}

predicate! {
    /// A token, known by the hash of its 256 random bits.
    pub struct Grant as GrantPredicate {
        /// SHA-256 of the token.
        req token_sha256: Sha256Digest,
        /// Who or what the token is for.
        req subject: Label,
        /// What it may do.
        req actions: Vec<Action>,
        /// On which artifact names.
        req names: Vec<NamePattern>,
        /// On which channels.
        req channels: Vec<NamePattern>,
        /// How much.
        opt quotas: Quotas,
        /// Until when.
        opt expires: Timestamp,
        /// A short-lived key that may sign under this grant.
        opt key: PublicKey,
        /// The identity that the registry exchanged for this grant.
        opt oidc: GrantOidc,
    }
}

record! {
    /// How much a token may use.
    pub struct Quotas {
        /// Bytes uploaded and not yet published.
        opt bytes_unpublished: ByteSize,
        /// Entries a day.
        opt entries_per_day: Count,
    }
}

record! {
    /// An identity of an OIDC issuer.
    pub struct GrantOidc {
        /// The issuer.
        req issuer: Uri,
        /// The subject.
        req subject: Label,
        /// SHA-256 of all claims.
        req claims_sha256: Sha256Digest,
    }
}

predicate! {
    /// The end of one token.
    pub struct Revoke as RevokePredicate {
        /// Which grant ends.
        req grant: EntryIndex,
        /// Why.
        req reason: Reason,
    }
}
