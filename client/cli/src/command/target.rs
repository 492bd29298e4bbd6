//! A name with a version that may be left to the clock: `NAME@now`.

use holdfast_formats::name::ArtifactName;
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::time::Timestamp;

use crate::moment::version_of;

/// How many seconds after now are tried before somebody must choose.
const SECONDS_MAX: u64 = 60;

/// What something is published as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// This version.
    Fixed(ArtifactRef),
    /// The time, to the second.
    Now(ArtifactName),
}

impl Target {
    /// Its name.
    pub(super) const fn name(&self) -> &ArtifactName {
        match self {
            Self::Fixed(artifact) => artifact.name(),
            Self::Now(name) => name,
        }
    }

    /// The versions that it may become, in the order in which they are tried: each when the one before is taken.
    pub(super) fn versions(&self, now: Timestamp) -> Vec<ArtifactRef> {
        match self {
            Self::Fixed(artifact) => vec![artifact.clone()],
            Self::Now(name) => (0..SECONDS_MAX)
                .map(|second| {
                    let version = version_of(now.plus_ms(second * 1000));
                    let version = version.parse().expect("a time in these characters is a version");
                    ArtifactRef::new(name.clone(), version)
                })
                .collect(),
        }
    }
}

/// Reads `NAME@VERSION` or `NAME@now`.
pub(super) fn parse_target(text: &str) -> Result<Target, String> {
    match text.strip_suffix("@now") {
        Some(name) => name.parse().map(Target::Now).map_err(|e| format!("{e}")),
        None => text.parse().map(Target::Fixed).map_err(|e| format!("{e}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn now_becomes_a_version_of_the_clock_and_then_of_the_next_second() {
        let target = parse_target("shop/db@now").unwrap();
        assert_eq!(target.name().as_str(), "shop/db");
        let now = "2026-11-21T07:00:59.900Z".parse().unwrap();
        let versions: Vec<_> = target.versions(now).iter().take(2).map(ToString::to_string).collect();
        assert_eq!(versions, ["shop/db@2026-11-21T070059Z", "shop/db@2026-11-21T070100Z"]);
    }

    #[test]
    fn a_version_that_was_given_is_the_only_one() {
        let target = parse_target("shop/db@1").unwrap();
        assert_eq!(target.versions(Timestamp::from_ms(0)).len(), 1);
        assert!(parse_target("shop@now").is_err() && parse_target("shop/db").is_err());
    }
}
