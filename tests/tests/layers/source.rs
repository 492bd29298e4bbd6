//! Reads Rust source into the paths it names. Knows tokens, `use` groups and inline modules; no types and no macros.

use std::fmt;
use std::path::Path;

use super::tokens::{Token, is_word, tokens};

/// One path as written, `use` groups unfolded: `a::{b, c::*}` is `a::b` and `a::c::*`.
#[derive(Debug)]
pub(crate) struct PathUse {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
    /// The module this path stands in, from the crate root.
    within: Vec<String>,
}

/// One source file with its place in its crate and the paths it names outside of `#[cfg(test)]`.
#[derive(Debug)]
pub(crate) struct SourceFile {
    pub(crate) krate: String,
    pub(crate) name: String,
    pub(crate) paths: Vec<PathUse>,
    /// Modules declared at the top of this file.
    pub(crate) modules: Vec<String>,
    module: Vec<String>,
    test_modules: Vec<Vec<String>>,
}

impl PathUse {
    /// Where a `crate::…`, `self::…` or `super::…` path leads, from the crate root; none for any other self.
    pub(crate) fn resolve(&self) -> Option<Vec<String>> {
        let supers = self.segments.iter().take_while(|segment| *segment == "super").count();
        let (mut base, skip) = match self.segments.first().map(String::as_str) {
            Some("crate") => (Vec::new(), 1),
            Some("self") if self.segments.len() > 1 => (self.within.clone(), 1),
            Some("super") => (self.within[..self.within.len().saturating_sub(supers)].to_vec(), supers),
            _ => return None,
        };
        base.extend(self.segments[skip..].iter().cloned());
        Some(base)
    }
}

impl fmt::Display for SourceFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.krate, self.name)
    }
}

impl SourceFile {
    pub(crate) fn parse(krate: &str, relative: &Path, text: &str) -> Self {
        let mut file = Self {
            krate: krate.to_owned(),
            name: relative.to_string_lossy().into_owned(),
            paths: Vec::new(),
            modules: Vec::new(),
            module: module_of(relative),
            test_modules: Vec::new(),
        };
        file.walk(&tokens(text));
        file
    }

    /// The module directly below the crate root that this file belongs to; none for the root itself.
    pub(crate) fn top_module(&self) -> Option<&str> {
        self.module.first().map(String::as_str)
    }

    fn walk(&mut self, tokens: &[Token]) {
        let mut inline: Vec<usize> = Vec::new();
        let mut within = self.module.clone();
        let mut depth = 0_usize;
        let mut at = 0;
        while let Some((word, line)) = tokens.get(at) {
            let next = |n: usize| tokens.get(at + n).map_or("", |token| token.0.as_str());
            if spells(&tokens[at..], &["#", "[", "cfg", "(", "test", ")", "]"]) {
                at = self.skip_test_item(tokens, at + 7, &within);
                continue;
            }
            match word.as_str() {
                // `pub(crate)` says who may see an item; it imports nothing.
                "pub" if next(1) == "(" => {
                    at += tokens[at..].iter().position(|token| token.0 == ")").map_or(1, |end| end + 1);
                    continue;
                }
                "mod" if matches!(next(2), "{" | ";") => {
                    if within == self.module {
                        self.modules.push(next(1).to_owned());
                    }
                    if next(2) == "{" {
                        within.push(next(1).to_owned());
                        depth += 1;
                        inline.push(depth);
                    }
                    at += 3;
                    continue;
                }
                "{" => depth += 1,
                "}" => {
                    if inline.last() == Some(&depth) {
                        inline.pop();
                        within.pop();
                    }
                    depth = depth.saturating_sub(1);
                }
                _ if is_word(word) => {
                    let mut found = Vec::new();
                    at = path_at(tokens, at, &[], &mut found);
                    let uses = found.into_iter().map(|segments| PathUse {
                        segments,
                        line: *line,
                        within: within.clone(),
                    });
                    self.paths.extend(uses);
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// Skips one item, field or statement under `#[cfg(test)]`: to its `;` or `,`, or to the end of its braces.
    fn skip_test_item(&mut self, tokens: &[Token], start: usize, within: &[String]) -> usize {
        let mut depth = 0_usize;
        for (at, (word, _)) in tokens.iter().enumerate().skip(start) {
            match word.as_str() {
                "mod" if depth == 0 && tokens.get(at + 2).is_some_and(|token| token.0 == ";") => {
                    self.test_modules.push([within, &[tokens[at + 1].0.clone()]].concat());
                }
                "{" | "(" | "[" => depth += 1,
                "}" if depth == 0 => return at,
                "}" | ")" | "]" => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 && word == "}" {
                        return at + 1;
                    }
                }
                ";" | "," if depth == 0 => return at + 1,
                _ => {}
            }
        }
        tokens.len()
    }
}

/// Leaves out the files of modules that were declared under `#[cfg(test)]`.
pub(crate) fn without_test_files(mut files: Vec<SourceFile>) -> Vec<SourceFile> {
    let tests: Vec<Vec<String>> = files.iter().flat_map(|file| file.test_modules.clone()).collect();
    files.retain(|file| !tests.iter().any(|test| file.module.starts_with(test)));
    files
}

/// `log/commit.rs` is `[log, commit]`, `log/mod.rs` is `[log]`, `lib.rs` and `main.rs` are the root.
fn module_of(relative: &Path) -> Vec<String> {
    let stem = relative.with_extension("");
    let mut names: Vec<String> = stem.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    names.pop_if(|last| matches!(last.as_str(), "mod" | "lib" | "main"));
    names
}

fn spells(tokens: &[Token], words: &[&str]) -> bool {
    tokens.len() >= words.len() && tokens.iter().zip(words).all(|(token, word)| token.0 == *word)
}

/// Reads the path that begins at `at`, groups included; returns where it ends.
fn path_at(tokens: &[Token], mut at: usize, prefix: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let mut path = prefix.to_vec();
    loop {
        match tokens.get(at).map(|token| token.0.as_str()) {
            Some("{") => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token.0 != "}") {
                    let begins = is_word(&tokens[at].0) || matches!(tokens[at].0.as_str(), "*" | "{");
                    at = if begins { path_at(tokens, at, &path, found) } else { at + 1 };
                }
                return at + 1;
            }
            Some(word) if word == "*" || is_word(word) => path.push(word.to_owned()),
            _ => break,
        }
        at += 1;
        let group_or_word = |token: &Token| matches!(token.0.as_str(), "{" | "*") || is_word(&token.0);
        if spells(&tokens[at..], &[":", ":"]) && tokens.get(at + 2).is_some_and(group_or_word) {
            at += 2;
        } else {
            break;
        }
    }
    found.push(path);
    at
}
