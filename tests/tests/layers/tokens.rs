//! Cuts Rust source into words and punctuation; drops comments, strings, characters and lifetimes.

/// A word or one punctuation character, and its line.
pub(crate) type Token = (String, usize);

pub(crate) fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// Words and punctuation without comments, strings, characters and lifetimes.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = Vec::new();
    let (mut at, mut line) = (0, 1);
    while let Some(&c) = chars.get(at) {
        let end = literal_end(&chars, at).unwrap_or(at);
        if end > at {
            line += chars[at..end].iter().filter(|c| **c == '\n').count();
            at = end;
        } else if c.is_alphanumeric() || c == '_' {
            let length = chars[at..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').count();
            out.push((chars[at..at + length].iter().collect(), line));
            at += length;
        } else {
            line += usize::from(c == '\n');
            if !c.is_whitespace() {
                out.push((c.to_string(), line));
            }
            at += 1;
        }
    }
    out
}

/// Where the comment, string, character or lifetime that begins at `at` ends, if one does.
fn literal_end(chars: &[char], at: usize) -> Option<usize> {
    let rest = &chars[at..];
    let find = |from: usize, end: &[char]| {
        let found = rest.get(from..)?.windows(end.len()).position(|window| window == end)?;
        Some(at + from + found + end.len())
    };
    match (rest.first()?, rest.get(1).copied().unwrap_or(' ')) {
        ('/', '/') => find(2, &['\n']).or(Some(chars.len())),
        ('/', '*') => Some(at + block_comment_length(rest)),
        ('"', _) => Some(at + quoted_length(rest, '"')),
        ('\'', '\\') => Some(at + quoted_length(rest, '\'')),
        ('\'', _) if rest.get(2) == Some(&'\'') => Some(at + 3),
        ('\'', _) => {
            Some(at + 1 + rest[1..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').count())
        }
        ('r', '"' | '#') => {
            let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
            let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
            if rest.get(1 + hashes) == Some(&'"') { find(2 + hashes, &end) } else { None }
        }
        ('b' | 'c', 'r') if matches!(rest.get(2), Some('"' | '#')) => literal_end(chars, at + 1),
        _ => None,
    }
}

fn block_comment_length(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        let pair = (rest[at], rest.get(at + 1).copied().unwrap_or(' '));
        depth = match pair {
            ('/', '*') => depth + 1,
            ('*', '/') => depth - 1,
            _ => {
                at += 1;
                continue;
            }
        };
        at += 2;
        if depth == 0 {
            break;
        }
    }
    at
}

fn quoted_length(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    while let Some(c) = rest.get(at) {
        match c {
            '\\' => at += 2,
            c if *c == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}
