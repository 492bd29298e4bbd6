//! Names of namespaces, artifacts and channels, all in the OCI repository grammar, and of principals.

use crate::strict::text_type;
use crate::text::TextError;

const NAME_RULE: &str =
    "lower-case letters and digits, single separators . _ __ or dashes inside, segments split by /";
const NAME_BYTES_MAX: usize = 200;

/// One segment: `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`.
pub(crate) fn is_segment(text: &str) -> bool {
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    let ends_well = |b: Option<&u8>| b.is_some_and(|b| alphanumeric(*b));
    if !ends_well(bytes.first()) || !ends_well(bytes.last()) {
        return false;
    }
    bytes
        .split(|b| alphanumeric(*b))
        .all(|run| matches!(run, b"" | b"." | b"_" | b"__") || run.iter().all(|b| *b == b'-'))
}

fn check_name(what: &'static str, text: &str, least_segments: usize) -> Result<(), TextError> {
    TextError::check_size(what, text, NAME_BYTES_MAX)?;
    if text.split('/').count() < least_segments {
        return Err(TextError::grammar(what, text, "it starts with its namespace, as in shop/web"));
    }
    if !text.split('/').all(is_segment) {
        return Err(TextError::grammar(what, text, NAME_RULE));
    }
    Ok(())
}

/// The first segment of a checked name.
fn namespace_of(name: &str) -> Namespace {
    Namespace(name.split('/').next().unwrap_or(name).to_owned())
}

text_type!(
    /// The first segment of a name: the tenant and the dedupe boundary.
    pub struct Namespace,
    "^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*$",
    |text| {
        TextError::check_size("a namespace", text, 64)?;
        if is_segment(text) { Ok(()) } else { Err(TextError::grammar("a namespace", text, NAME_RULE)) }
    }
);

text_type!(
    /// `namespace/name`: what versions are versions of.
    pub struct ArtifactName,
    "^[a-z0-9._-]+(/[a-z0-9._-]+)+$",
    |text| check_name("an artifact name", text, 2)
);

impl ArtifactName {
    /// The tenant that this name belongs to.
    pub fn namespace(&self) -> Namespace {
        namespace_of(self.as_str())
    }
}

text_type!(
    /// Where known-good is tracked, for example `shop/prod`.
    pub struct ChannelName,
    "^[a-z0-9._-]+(/[a-z0-9._-]+)+$",
    |text| check_name("a channel", text, 2)
);

impl ChannelName {
    /// The tenant that this channel belongs to.
    pub fn namespace(&self) -> Namespace {
        namespace_of(self.as_str())
    }
}

text_type!(
    /// The name of a person or machine in a policy: 1 to 128 of `a-z 0-9 . _ - @ / :`.
    pub struct PrincipalId,
    "^[a-z0-9._@/:-]{1,128}$",
    |text| {
        TextError::check_size("a principal", text, 128)?;
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._@/:-".contains(&b);
        if text.bytes().all(allowed) {
            return Ok(());
        }
        Err(TextError::grammar("a principal", text, "only a-z 0-9 . _ - @ / : are allowed"))
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_oci_grammar() {
        for good in ["shop/web", "a/b.c", "a/b__c", "a/b---c", "team-1/x_y/z"] {
            assert!(good.parse::<ArtifactName>().is_ok(), "{good}");
        }
        for bad in [
            "shop", "Shop/web", "shop/", "/web", "a//b", "a/b..c", "a/b___c", "a/-b", "a/b-", "a/../b",
            "a/b+c", "a/ü", "",
        ] {
            assert!(bad.parse::<ArtifactName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_namespace_is_the_first_segment() {
        let name: ArtifactName = "shop/team/web".parse().unwrap();
        assert_eq!(name.namespace().as_str(), "shop");
    }
}
