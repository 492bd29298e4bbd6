//! Where the members of a compact JSON document stand, so that a test can break exactly one thing of it.

use std::ops::Range;

/// One member of one object.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// The path to its value, as a JSON pointer without escapes.
    pub(crate) path: String,
    /// The object that it is a member of, with its braces.
    pub(crate) object: Range<usize>,
    /// The key with its quotes.
    pub(crate) key: Range<usize>,
    /// The value.
    pub(crate) value: Range<usize>,
}

/// Every member of every object of a document without white space.
pub(crate) fn members(json: &str) -> Vec<Member> {
    let mut scan = Scan { json: json.as_bytes(), at: 0, found: Vec::new() };
    scan.value("");
    assert_eq!(scan.at, json.len(), "the document is compact JSON");
    scan.found
}

struct Scan<'a> {
    json: &'a [u8],
    at: usize,
    found: Vec<Member>,
}

impl Scan<'_> {
    fn value(&mut self, path: &str) {
        match self.json[self.at] {
            b'{' => self.object(path),
            b'[' => self.array(path),
            b'"' => self.string(),
            _ => {
                while self.at < self.json.len() && !b",]}".contains(&self.json[self.at]) {
                    self.at += 1;
                }
            }
        }
    }

    fn object(&mut self, path: &str) {
        let (start, first) = (self.at, self.found.len());
        self.at += 1;
        let mut own = Vec::new();
        while self.json[self.at] != b'}' {
            let key = self.at;
            self.string();
            let key = key..self.at;
            let name = String::from_utf8_lossy(&self.json[key.start + 1..key.end - 1]).into_owned();
            let path = format!("{path}/{name}");
            self.at += 1;
            let value = self.at;
            self.value(&path);
            own.push(Member { path, object: start..start, key, value: value..self.at });
            self.at += usize::from(self.json[self.at] == b',');
        }
        self.at += 1;
        for member in &mut own {
            member.object.end = self.at;
        }
        self.found.splice(first..first, own);
    }

    fn array(&mut self, path: &str) {
        self.at += 1;
        let mut n = 0;
        while self.json[self.at] != b']' {
            self.value(&format!("{path}/{n}"));
            self.at += usize::from(self.json[self.at] == b',');
            n += 1;
        }
        self.at += 1;
    }

    fn string(&mut self) {
        self.at += 1;
        while self.json[self.at] != b'"' {
            self.at += 1 + usize::from(self.json[self.at] == b'\\');
        }
        self.at += 1;
    }
}

/// The document with one part replaced.
pub(crate) fn replaced(json: &str, part: Range<usize>, with: &str) -> String {
    let mut out = json.to_owned();
    out.replace_range(part, with);
    out
}

impl Member {
    /// The document with a further first member in this one's object.
    pub(crate) fn joined_by(&self, json: &str, member: &str) -> String {
        replaced(json, self.object.start + 1..self.object.start + 1, &format!("{member},"))
    }

    /// This member as it is written.
    pub(crate) fn text<'a>(&self, json: &'a str) -> &'a str {
        &json[self.key.start..self.value.end]
    }

    /// The value as it is written.
    pub(crate) fn value_text<'a>(&self, json: &'a str) -> &'a str {
        &json[self.value.clone()]
    }

    /// This member with the first letter of its key as an escape.
    pub(crate) fn text_with_escaped_key(&self, json: &str) -> String {
        let first = json.as_bytes()[self.key.start + 1];
        format!("\"\\u{:04x}{}", first, &json[self.key.start + 2..self.value.end])
    }

    /// The document without this member.
    pub(crate) fn removed(&self, json: &str) -> String {
        let text = self.text(json);
        let (before, after) = (format!(",{text}"), format!("{text},"));
        let part = if json[..self.key.start].ends_with(',') {
            self.key.start - 1..self.key.start - 1 + before.len()
        } else if json[self.value.end..].starts_with(',') {
            self.key.start..self.key.start + after.len()
        } else {
            self.key.start..self.value.end
        };
        replaced(json, part, "")
    }
}
