//! Which lines must answer a lookup: one that the channel follows, one that was asked for, or all there are.

use holdfast_formats::name::ArtifactName;
use holdfast_formats::policy::ChannelRule;
use holdfast_formats::wire::v1::KnownGoodQuery;

/// Why the lines of a lookup cannot be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LinesError {
    /// The channel has no such line.
    Unknown(ArtifactName),
    /// `not` or `back` over several lines.
    NeedsComponent(usize),
}

/// The lines that must answer, by name. `pinned` says which names have pins; it is asked only when no rule says it.
pub(super) fn wanted_lines<E: From<LinesError>>(
    rule: &ChannelRule,
    query: &KnownGoodQuery,
    pinned: impl FnOnce() -> Result<Vec<ArtifactName>, E>,
) -> Result<Vec<ArtifactName>, E> {
    let mut lines = match (&rule.follows, &rule.members) {
        (Some(line), _) => vec![line.clone()],
        (None, Some(members)) => members.clone(),
        (None, None) => pinned()?,
    };
    lines.sort();
    lines.dedup();
    if let Some(line) = &query.component {
        return if lines.contains(line) {
            Ok(vec![line.clone()])
        } else {
            Err(LinesError::Unknown(line.clone()).into())
        };
    }
    let about_one = query.not.is_some() || query.back.is_some_and(|back| back > 0);
    if about_one && lines.len() > 1 { Err(LinesError::NeedsComponent(lines.len()).into()) } else { Ok(lines) }
}
