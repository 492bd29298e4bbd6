//! Makes untrusted text harmless before a person reads it: nothing in a name, reason or message may move the cursor,
//! change colours, break a line or turn the reading direction round. Everything written to a terminal goes through here.

use std::fmt;

/// A text whose control, line-breaking, invisible and direction-changing characters are shown as `\u{…}`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Escaped<'a>(&'a str);

/// Shows a text with everything dangerous in it escaped.
pub(crate) const fn escaped(text: &str) -> Escaped<'_> {
    Escaped(text)
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(is_dangerous) {
            let (harmless, from_there) = rest.split_at(at);
            f.write_str(harmless)?;
            let mut characters = from_there.chars();
            if let Some(c) = characters.next() {
                write!(f, "\\u{{{:x}}}", u32::from(c))?;
            }
            rest = characters.as_str();
        }
        f.write_str(rest)
    }
}

/// Escapes inside a finished JSON document what JSON itself leaves alone. Such characters stand only inside strings, where
/// `\uXXXX` means the same.
pub(crate) fn json_escaped(json: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || !is_dangerous(c) {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

/// Controls (C0, DEL, C1), line and paragraph separators, and the characters that are invisible or set the direction.
pub(crate) fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t36_what_could_command_a_terminal_is_shown_and_not_obeyed() {
        for (given, shown) in [
            ("\u{1b}[2Jgone", "\\u{1b}[2Jgone"),
            ("a\rb\nc", "a\\u{d}b\\u{a}c"),
            ("user\u{202e}txt.exe", "user\\u{202e}txt.exe"),
            ("\u{2066}x\u{2069}", "\\u{2066}x\\u{2069}"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("\u{7f}\u{200b}\u{2028}", "\\u{7f}\\u{200b}\\u{2028}"),
            ("tab\there", "tab\\u{9}here"),
        ] {
            assert_eq!(escaped(given).to_string(), shown, "{given:?}");
        }
    }

    #[test]
    fn ordinary_text_of_any_language_stays_as_it_is() {
        for text in ["smoke passed", "Größe geprüft ✓", "確認済み", "=cmd|' /C calc'!A0", ""] {
            assert_eq!(escaped(text).to_string(), text);
        }
    }

    #[test]
    fn t36_json_keeps_its_meaning_when_it_is_escaped() {
        let text = "a\u{202e}b\u{9b}c\u{e0041}\n";
        let json = serde_json::to_string_pretty(&[text]).unwrap();
        let safe = json_escaped(&json);
        assert!(!safe.chars().any(|c| c != '\n' && is_dangerous(c)), "{safe}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&safe).unwrap(), [text]);
    }
}
