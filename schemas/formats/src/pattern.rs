//! Name patterns of policies and grants: what a role or a token covers.

use crate::name::{Namespace, is_segment};
use crate::strict::text_type;
use crate::text::TextError;

text_type!(
    /// A name whose segments may be `*`: in the middle it stands for one segment, at the end for one or more.
    /// `*` alone covers everything, `shop/*` everything below `shop`.
    pub struct NamePattern,
    "^(\\*|[a-z0-9._-]+)(/(\\*|[a-z0-9._-]+))*$",
    |text| {
        TextError::check_size("a pattern", text, 200)?;
        if text.split('/').all(|s| s == "*" || is_segment(s)) {
            return Ok(());
        }
        Err(TextError::grammar("a pattern", text, "write a name like shop/web, shop/* for all below it, or * for all"))
    }
);

impl NamePattern {
    /// Whether a name (of an artifact, channel or namespace) is covered.
    pub fn covers(&self, name: &str) -> bool {
        let mut pattern = self.as_str().split('/').peekable();
        let mut segments = name.split('/');
        while let Some(want) = pattern.next() {
            let Some(have) = segments.next() else { return false };
            if want == "*" && pattern.peek().is_none() {
                return true;
            }
            if want != "*" && want != have {
                return false;
            }
        }
        segments.next().is_none()
    }

    /// Whether every name is covered.
    pub fn is_everything(&self) -> bool {
        self.as_str() == "*"
    }

    /// What the text of every name that is covered begins with, before a version is put behind it.
    pub fn prefix(&self) -> String {
        match self.as_str().split_once('*') {
            Some((prefix, _)) => prefix.to_owned(),
            None => format!("{self}@"),
        }
    }

    /// Whether some name inside the namespace could be covered.
    pub fn reaches(&self, namespace: &Namespace) -> bool {
        self.as_str().split('/').next().is_some_and(|first| first == "*" || first == namespace.as_str())
    }

    /// Whether every name that `narrower` covers is covered by this pattern too.
    pub fn includes(&self, narrower: &Self) -> bool {
        // A `*` is no segment of a name, so a pattern may be asked about like a name; only a final `*`, which stands
        // for many segments, must meet a final `*` at the same place or earlier.
        let many = |p: &Self| p.as_str().ends_with('*');
        self.covers(narrower.as_str()) && (!many(narrower) || many(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> NamePattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_star_covers_one_segment_inside_and_many_at_the_end() {
        assert!(pattern("*").covers("shop/team/web"));
        assert!(pattern("shop/*").covers("shop/team/web"));
        assert!(!pattern("shop/*").covers("shop"));
        assert!(!pattern("shop/*").covers("shopping/web"));
        assert!(pattern("shop/*/web").covers("shop/team/web"));
        assert!(!pattern("shop/*/web").covers("shop/a/b/web"));
        assert!(pattern("shop/web").covers("shop/web"));
        assert!(!pattern("shop/web").covers("shop/web/x"));
    }

    #[test]
    fn what_a_pattern_covers_begins_with_its_prefix() {
        for (text, prefix) in
            [("*", ""), ("shop/*", "shop/"), ("shop/*/web", "shop/"), ("shop/web", "shop/web@")]
        {
            assert_eq!(pattern(text).prefix(), prefix);
        }
        assert!(pattern("*").is_everything() && !pattern("shop/*").is_everything());
    }

    #[test]
    fn a_pattern_includes_only_what_it_wholly_covers() {
        assert!(pattern("shop/*").includes(&pattern("shop/team/*")));
        assert!(!pattern("shop/*/web").includes(&pattern("shop/*")));
        assert!(!pattern("shop/team").includes(&pattern("shop/*")));
        assert!(pattern("*").includes(&pattern("*")));
    }
}
