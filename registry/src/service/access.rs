//! Who asks, and what they may read. Absent and forbidden look the same.

use std::sync::Arc;

use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::name::{ArtifactName, ChannelName, Namespace};
use holdfast_formats::pattern::NamePattern;
use holdfast_formats::policy::Policy;
use holdfast_formats::statement::Action;
use holdfast_formats::token::Token;
use holdfast_formats::tree::TreeSize;
use holdfast_formats::wire::v1::ProblemCode;
use holdfast_verify::facts::{Facts as _, GrantFact};
use quick_cache::sync::Cache;

use super::{Failure, Service};

/// How many tokens are kept in memory.
const CACHED_TOKENS: usize = 4096;

/// A bounded memory of tokens, by hash and by the size of the log they were looked up in: a revoke makes the log grow,
/// and so ends every answer in it.
pub(super) struct TokenCache(Cache<(Sha256Digest, TreeSize), Option<Arc<GrantFact>>>);

impl TokenCache {
    pub(super) fn new() -> Self {
        Self(Cache::new(CACHED_TOKENS))
    }
}

/// Who asks.
#[derive(Debug, Clone)]
pub enum Identity {
    /// Nobody known.
    Anonymous,
    /// The bearer of a token that is valid now.
    Bearer(Arc<GrantFact>),
}

impl Identity {
    /// Whether an action on an artifact name is granted.
    pub fn may(&self, action: Action, name: &ArtifactName) -> bool {
        self.granted(action, |grant| grant.grant.names.iter().any(|p| p.covers(name.as_str())))
    }

    /// Whether an action on a channel is granted.
    pub fn may_on_channel(&self, action: Action, channel: &ChannelName) -> bool {
        self.granted(action, |grant| grant.grant.channels.iter().any(|p| p.covers(channel.as_str())))
    }

    /// Whether an action on some name of a namespace is granted.
    pub fn may_in(&self, action: Action, namespace: &Namespace) -> bool {
        self.granted(action, |grant| grant.grant.names.iter().any(|p| p.reaches(namespace)))
    }

    /// Lets whoever may upload into a namespace pass.
    pub fn require_upload(&self, namespace: &Namespace) -> Result<(), Failure> {
        let may = self.may_in(Action::Publish, namespace) || self.may_in(Action::Attest, namespace);
        if may { Ok(()) } else { Err(self.refused()) }
    }

    /// Lets auditors pass. The log is one for all namespaces, so only a grant over all of them opens it.
    pub fn require_audit(&self) -> Result<(), Failure> {
        if self.is_auditor() { Ok(()) } else { Err(self.refused()) }
    }

    /// Whether the whole log may be read.
    pub fn is_auditor(&self) -> bool {
        let whole = |patterns: &[NamePattern]| patterns.iter().any(NamePattern::is_everything);
        self.granted(Action::Audit, |grant| whole(&grant.grant.names) && whole(&grant.grant.channels))
    }

    /// What every reference that may be read through a grant begins with.
    fn readable_prefixes(&self) -> Vec<String> {
        match self {
            Self::Bearer(grant) if grant.grant.actions.contains(&Action::Read) => {
                grant.grant.names.iter().map(NamePattern::prefix).collect()
            }
            Self::Bearer(_) | Self::Anonymous => Vec::new(),
        }
    }

    /// Whether an action is granted on anything at all.
    pub fn may_somewhere(&self, action: Action) -> bool {
        self.granted(action, |_| true)
    }

    fn granted(&self, action: Action, covers: impl FnOnce(&GrantFact) -> bool) -> bool {
        match self {
            Self::Anonymous => false,
            Self::Bearer(grant) => grant.grant.actions.contains(&action) && covers(grant),
        }
    }

    /// The answer to whoever may not: a stranger is asked for a token, everybody else finds nothing.
    pub fn refused(&self) -> Failure {
        match self {
            Self::Anonymous => Failure::new(
                ProblemCode::Unauthorized,
                "send a token (Authorization: Bearer hft_…); `holdfast login` or `holdfast token grant` makes one",
            ),
            Self::Bearer(_) => Failure::not_found(),
        }
    }
}

impl Service {
    /// Who bears this token. An unknown, expired or revoked one is refused, whatever is asked.
    pub async fn identify(&self, token: Option<&str>) -> Result<Identity, Failure> {
        let Some(text) = token else { return Ok(Identity::Anonymous) };
        let refused = || {
            Failure::new(
                ProblemCode::Unauthorized,
                "the token is unknown, expired or revoked; get a new one with `holdfast token grant`",
            )
        };
        let token: Token = text.parse().map_err(|_| refused())?;
        let head = self.log().head();
        let grant = self.grant_of(token.sha256(), head.size()).await?.ok_or_else(refused)?;
        let trusted = head.policy().is_none_or(|policy| grant.stands_under(policy));
        if trusted && grant.is_valid_at(self.now()) { Ok(Identity::Bearer(grant)) } else { Err(refused()) }
    }

    /// The index finds a token by the SHA-256 of its 256 random bits, so a comparison that leaks time leaks nothing
    /// that helps to guess one.
    async fn grant_of(&self, token: Sha256Digest, size: TreeSize) -> Result<Option<Arc<GrantFact>>, Failure> {
        let key = (token, size);
        if let Some(known) = self.inner.tokens.0.get(&key) {
            return Ok(known);
        }
        let found =
            self.log().index().read(move |view| view.grant_by_token(&token).map_err(Failure::from)).await?;
        let found = found.map(Arc::new);
        self.inner.tokens.0.insert(key, found.clone());
        Ok(found)
    }

    fn policy(&self) -> Option<Arc<Policy>> {
        self.log().head().policy().cloned()
    }

    fn is_public(&self, namespace: &Namespace) -> bool {
        self.policy().is_some_and(|p| p.namespace(namespace).is_some_and(|rule| rule.public_read))
    }

    /// Lets whoever may read an artifact name pass.
    pub(super) fn require_read(&self, who: &Identity, name: &ArtifactName) -> Result<(), Failure> {
        if who.may(Action::Read, name) || self.is_public(&name.namespace()) {
            Ok(())
        } else {
            Err(who.refused())
        }
    }

    /// What every reference that may be read begins with: sorted, none the beginning of another.
    pub(super) fn readable_prefixes(&self, who: &Identity) -> Vec<String> {
        let policy = self.policy();
        let open = policy.iter().flat_map(|p| &p.namespaces).filter(|rule| rule.public_read);
        let mut prefixes = who.readable_prefixes();
        prefixes.extend(
            open.map(
                |rule| {
                    if rule.name.is_everything() { String::new() } else { format!("{}/", rule.name) }
                },
            ),
        );
        prefixes.sort();
        prefixes.dedup_by(|later, earlier| later.starts_with(earlier.as_str()));
        prefixes
    }

    /// Lets whoever may read a channel pass.
    pub(super) fn require_channel(&self, who: &Identity, channel: &ChannelName) -> Result<(), Failure> {
        let may = who.may_on_channel(Action::Read, channel) || self.is_public(&channel.namespace());
        if may { Ok(()) } else { Err(who.refused()) }
    }

    /// Lets every reader pass: whoever has any grant, and everybody where some namespace is public.
    pub fn require_reader(&self, who: &Identity) -> Result<(), Failure> {
        let public = || self.policy().is_some_and(|p| p.namespaces.iter().any(|rule| rule.public_read));
        match who {
            Identity::Bearer(_) => Ok(()),
            Identity::Anonymous if public() => Ok(()),
            Identity::Anonymous => Err(who.refused()),
        }
    }
}
