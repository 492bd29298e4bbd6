//! Tokens: which grants there are, and how an outside identity gets one.

use super::known_good::ShownGrant;
use crate::digest::Sha256Digest;
use crate::id_token::IdToken;
use crate::key::PublicKey;
use crate::pattern::NamePattern;
use crate::statement::Action;
use crate::strict::record;
use crate::tree::LeafIndex;

record! {
    /// `GET /v1/grants?after=&limit=&ended=`
    pub struct GrantQuery {
        /// Only grants after this entry.
        opt after: LeafIndex,
        /// How many at most.
        opt limit: u32,
        /// Whether those that were revoked or have expired are wanted too.
        opt ended: bool,
    }
}

record! {
    /// Grants by their place in the log, all proven against one checkpoint. That none is left out is not proven.
    pub struct GrantList {
        /// The signed checkpoint.
        req checkpoint: String,
        /// This page.
        req grants: Vec<ShownGrant>,
        /// What to give as `after` for the next page.
        opt next: LeafIndex,
    }
}

record! {
    /// `POST /v1/grants/oidc`: an outside identity asks for a short-lived grant. What is left out is as much as the policy
    /// allows.
    pub struct OidcExchange {
        /// What the issuer signed.
        req id_token: IdToken,
        /// SHA-256 of a fresh token.
        req token_sha256: Sha256Digest,
        /// A fresh key that is to sign under the grant.
        opt key: PublicKey,
        /// What it should allow.
        opt actions: Vec<Action>,
        /// On which artifact names.
        opt names: Vec<NamePattern>,
        /// On which channels.
        opt channels: Vec<NamePattern>,
    }
}
