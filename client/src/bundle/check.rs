//! Believing a bundle's answer: by a trust.json, by the newest policies known here, and by what this machine saw of the
//! log. Nothing that was seen can be taken back by a file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use holdfast_formats::name::ArtifactName;
use holdfast_formats::number::PinNumber;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{TreeHash, TreeSize};
use holdfast_formats::trust::Trust;
use holdfast_verify::known_good::{
    AnswerError, Asked, KnownGoodAnswer, Mode, TrustedState, verify_known_good,
};
use holdfast_verify::logged::LoggedStatement;
use holdfast_verify::policy_chain::PolicyChain;
use holdfast_verify::verified::Verified;

use super::{BundleError, Header};
use crate::error::ClientError;
use crate::lookup::answer_error;
use crate::session::quorum;

/// What a bundle is held against.
pub(super) struct Known {
    pub(super) trust: Trust,
    /// The policies that were followed before; they may distrust keys that the bundle still goes by.
    pub(super) policies: Option<Arc<PolicyChain>>,
    /// The largest state of the log that was seen.
    pub(super) seen: Option<(TreeSize, TreeHash)>,
    /// The newest pin of each line of the channel that was seen.
    pub(super) issued: BTreeMap<ArtifactName, PinNumber>,
}

impl Known {
    /// A trust, and nothing seen.
    pub(super) const fn nothing_but(trust: Trust) -> Self {
        Self { trust, policies: None, seen: None, issued: BTreeMap::new() }
    }
}

/// Checks the answer of a bundle.
pub(super) fn check_answer(
    path: &Path,
    header: &Header,
    known: &Known,
    now: Timestamp,
) -> Result<Verified<KnownGoodAnswer>, ClientError> {
    let (wanted, found) = (&known.trust.origin, &header.trust.origin);
    if wanted != found {
        return Err(ClientError::OtherLog { wanted: wanted.clone(), found: found.clone() });
    }
    let chain = match &known.policies {
        Some(chain) => Arc::clone(chain),
        None => Arc::new(own_chain(header, &known.trust)?),
    };
    let witnesses = quorum(&known.trust, Path::new("trust.json"))?;
    let trusted = TrustedState {
        policies: &chain,
        seen: known.seen,
        issued: &known.issued,
        head_max_age: known.trust.head_max_age_s,
        witnesses: witnesses.as_ref(),
    };
    let asked = Asked { channel: &header.channel, query: &header.query, now, mode: Mode::Offline };
    verify_known_good(&header.answer, &asked, &trusted).map_err(|error| match error {
        AnswerError::WentBack { line, issued, seen } => {
            BundleError::WentBack { path: path.to_owned(), line, issued, seen }.into()
        }
        other => answer_error(other),
    })
}

/// The policies that came along, from the trusted one on.
fn own_chain(header: &Header, trust: &Trust) -> Result<PolicyChain, ClientError> {
    let sent: Vec<LoggedStatement> = header
        .answer
        .policies
        .iter()
        .map(LoggedStatement::of_proven)
        .collect::<Result<_, _>>()
        .map_err(|e| ClientError::untrue("chain of policies", e))?;
    PolicyChain::from_trust(trust, &sent).map_err(|e| ClientError::untrue("chain of policies", e))
}
