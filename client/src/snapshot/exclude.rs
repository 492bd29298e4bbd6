//! Patterns of what is left out: a small part of what `.gitignore` files take.
//!
//! `*.tmp` and `build/` mean whatever has that name anywhere; `/abs/from/root` and `a/b` mean a path from the root. A `/`
//! at the end means directories only. `*` and `?` stand for any bytes and one byte of a name, `[a-z]` and `[!a-z]` for
//! one of some, `**` for any number of names, and `\` makes the next character an ordinary one. What is below a directory
//! that is left out is never looked at.

use holdfast_formats::catalog::TreePath;

/// Why a pattern is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pattern:?} is no pattern of names: {rule}")]
pub struct ExcludeError {
    /// The pattern.
    pub pattern: String,
    /// What is wrong with it.
    pub rule: &'static str,
}

/// What is left out.
#[derive(Debug, Clone)]
pub(crate) struct Excludes(Vec<Rule>);

#[derive(Debug, Clone)]
struct Rule {
    /// From the root; else any name is compared with the one segment.
    from_root: bool,
    directories_only: bool,
    segments: Vec<Segment>,
}

#[derive(Debug, Clone)]
enum Segment {
    /// Any number of names.
    Names,
    Name(Vec<Sign>),
}

#[derive(Debug, Clone)]
enum Sign {
    Byte(u8),
    AnyByte,
    AnyBytes,
    Class { ranges: Vec<(u8, u8)>, negated: bool },
}

impl Excludes {
    /// Reads patterns.
    pub(crate) fn parse(patterns: &[String]) -> Result<Self, ExcludeError> {
        patterns.iter().map(|pattern| parse_rule(pattern)).collect::<Result<_, _>>().map(Self)
    }

    /// Whether something is left out.
    pub(crate) fn cover(&self, path: &TreePath, is_directory: bool) -> bool {
        self.0.iter().any(|rule| (is_directory || !rule.directories_only) && rule.matches(path))
    }
}

impl Rule {
    fn matches(&self, path: &TreePath) -> bool {
        if self.from_root {
            let names: Vec<&[u8]> = path.names().collect();
            return matches_run(&self.segments, &names, |s| matches!(s, Segment::Names), Segment::matches);
        }
        self.segments.iter().all(|segment| segment.matches(&path.name()))
    }
}

impl Segment {
    fn matches(&self, name: &&[u8]) -> bool {
        match self {
            Self::Names => true,
            Self::Name(signs) => {
                matches_run(signs, name, |s| matches!(s, Sign::AnyBytes), |s, byte| s.matches(*byte))
            }
        }
    }
}

impl Sign {
    fn matches(&self, byte: u8) -> bool {
        match self {
            Self::Byte(wanted) => *wanted == byte,
            Self::AnyByte | Self::AnyBytes => true,
            Self::Class { ranges, negated } => {
                ranges.iter().any(|(from, to)| (*from..=*to).contains(&byte)) != *negated
            }
        }
    }
}

/// Whether a pattern covers all of `found`, where some of its members stand for any number of them. Goes back to the
/// newest of those only, so that no pattern takes longer than pattern times name.
fn matches_run<P, T>(
    pattern: &[P],
    found: &[T],
    is_any: impl Fn(&P) -> bool,
    matches: impl Fn(&P, &T) -> bool,
) -> bool {
    let (mut at, mut here, mut back) = (0, 0, None);
    while let Some(item) = found.get(here) {
        match pattern.get(at) {
            Some(sign) if is_any(sign) => {
                back = Some((at + 1, here));
                at += 1;
            }
            Some(sign) if matches(sign, item) => (at, here) = (at + 1, here + 1),
            _ => {
                let Some((after, from)) = back else { return false };
                back = Some((after, from + 1));
                (at, here) = (after, from + 1);
            }
        }
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(is_any))
}

fn parse_rule(pattern: &str) -> Result<Rule, ExcludeError> {
    let wrong = |rule| ExcludeError { pattern: pattern.to_owned(), rule };
    if pattern.starts_with('!') {
        return Err(wrong("nothing can be taken back in; write \\! for a name that begins so"));
    }
    let directories_only = pattern.ends_with('/');
    let body = pattern.trim_end_matches('/');
    if body.is_empty() {
        return Err(wrong("it names nothing"));
    }
    let from_root = body.contains('/');
    let segments = body.trim_start_matches('/').split('/').map(|segment| match segment {
        "" => Err(wrong("it has two slashes in a row")),
        "**" => Ok(Segment::Names),
        name => parse_name(name.as_bytes()).map(Segment::Name).map_err(wrong),
    });
    Ok(Rule { from_root, directories_only, segments: segments.collect::<Result<_, _>>()? })
}

fn parse_name(mut rest: &[u8]) -> Result<Vec<Sign>, &'static str> {
    let mut signs = Vec::new();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        signs.push(match byte {
            b'*' => Sign::AnyBytes,
            b'?' => Sign::AnyByte,
            b'[' => parse_class(&mut rest)?,
            b'\\' => {
                let (byte, after) = rest.split_first().ok_or("a \\ at its end stands before nothing")?;
                rest = after;
                Sign::Byte(*byte)
            }
            byte => Sign::Byte(*byte),
        });
    }
    Ok(signs)
}

fn parse_class(rest: &mut &[u8]) -> Result<Sign, &'static str> {
    let negated = matches!(rest.first(), Some(b'!' | b'^'));
    let body = rest.get(usize::from(negated)..).unwrap_or_default();
    // A ] that comes first is one of the members.
    let end = body.iter().skip(1).position(|byte| *byte == b']').ok_or("a [ is never closed")? + 1;
    let (mut members, after) = body.split_at(end);
    *rest = after.get(1..).unwrap_or_default();
    let mut ranges = Vec::new();
    while let Some((from, after)) = members.split_first() {
        let (to, after) = if let [b'-', to, after @ ..] = after { (to, after) } else { (from, after) };
        ranges.push((*from, *to));
        members = after;
    }
    Ok(Sign::Class { ranges, negated })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(pattern: &str, path: &str, is_directory: bool) -> bool {
        let path = TreePath::new(path.as_bytes().to_vec()).unwrap();
        Excludes::parse(&[pattern.to_owned()]).unwrap().cover(&path, is_directory)
    }

    #[test]
    fn a_pattern_without_a_slash_means_a_name_anywhere() {
        for path in ["a.tmp", "x/y/a.tmp", ".tmp", "x.tmp.tmp"] {
            assert!(covers("*.tmp", path, false), "{path}");
        }
        for path in ["a.tmp2", "tmp", "a.tmp/x"] {
            assert!(!covers("*.tmp", path, false), "{path}");
        }
        assert!(covers("build/", "a/build", true) && !covers("build/", "a/build", false));
        assert!(covers("a?c", "abc", false) && !covers("a?c", "ac", false));
        assert!(covers("[a-c]x", "bx", false) && !covers("[!a-c]x", "bx", false));
        assert!(covers("[]x]", "]", false) && covers("[!]]", "a", false) && !covers("[!]]", "]", false));
        assert!(covers("\\*", "*", false) && !covers("\\*", "x", false));
        assert!(covers("*a*b*", "xxaxxbxx", false) && !covers("*a*b*", "xxbxxaxx", false));
    }

    #[test]
    fn a_pattern_with_a_slash_means_a_path_from_the_root() {
        assert!(covers("/top", "top", true) && !covers("/top", "a/top", true));
        assert!(covers("a/b", "a/b", false) && !covers("a/b", "x/a/b", false));
        assert!(covers("a/*/c", "a/x/c", false) && !covers("a/*/c", "a/x/y/c", false));
        assert!(covers("a/**/c", "a/c", false) && covers("a/**/c", "a/x/y/c", false));
        assert!(covers("**/c", "c", false) && covers("**/c", "x/c", false) && !covers("**/c", "x/cc", false));
        assert!(covers("a/**", "a/x", false) && !covers("a/**", "b/x", false));
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_the_reason() {
        for pattern in ["", "/", "//", "!x", "a//b", "x[", "x[a", "x\\"] {
            assert!(Excludes::parse(&[pattern.to_owned()]).is_err(), "{pattern}");
        }
    }

    #[test]
    fn t26_a_pattern_of_many_stars_takes_no_longer_for_a_long_name() {
        let pattern = "*a".repeat(60);
        assert!(!covers(&pattern, &"a".repeat(59), false));
        assert!(!covers(&pattern, &format!("{}b", "a".repeat(1000)), false));
    }
}
