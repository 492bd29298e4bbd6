//! Makes JSON from a JSON Schema: documents with every field there is, with none that may be left out, or of any shape
//! between. What to take is asked of a [`Chooser`], so that golden cases and random ones come from one place.

use serde_json::{Map, Value, json};

use super::samples;

/// Decides what the schema leaves open.
pub(crate) trait Chooser {
    /// Whether an optional field is there.
    fn optional(&mut self) -> bool;
    /// Which of `count` possibilities is taken.
    fn pick(&mut self, count: usize) -> usize;
    /// How many items an array or map has.
    fn items(&mut self) -> usize;
}

/// Everything there is, once.
pub(crate) struct Full;
/// Nothing that may be left out.
pub(crate) struct Minimal;
/// Everything there is, with the n-th word of every enumeration.
pub(crate) struct NthWord(pub usize);
/// Whatever some bytes say; when they are used up, as little as possible.
pub(crate) struct Entropy<'a>(pub std::slice::Iter<'a, u8>);

impl Chooser for Full {
    fn optional(&mut self) -> bool {
        true
    }
    fn pick(&mut self, _: usize) -> usize {
        0
    }
    fn items(&mut self) -> usize {
        1
    }
}

impl Chooser for Minimal {
    fn optional(&mut self) -> bool {
        false
    }
    fn pick(&mut self, count: usize) -> usize {
        count - 1
    }
    fn items(&mut self) -> usize {
        0
    }
}

impl Chooser for NthWord {
    fn optional(&mut self) -> bool {
        true
    }
    fn pick(&mut self, count: usize) -> usize {
        self.0 % count
    }
    fn items(&mut self) -> usize {
        1
    }
}

impl Chooser for Entropy<'_> {
    fn optional(&mut self) -> bool {
        self.pick(2) == 1
    }
    fn pick(&mut self, count: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or_default()) % count
    }
    fn items(&mut self) -> usize {
        self.pick(4)
    }
}

/// A document, and where in it words of closed enumerations stand.
pub(crate) struct Document {
    pub(crate) json: Value,
    pub(crate) words: Vec<String>,
}

/// Makes a document of a schema.
pub(crate) fn synthesize(schema: &Value, chooser: &mut dyn Chooser) -> Document {
    let mut synthesis = Synthesis { root: schema, chooser, words: Vec::new() };
    let json = synthesis.value(schema, "");
    Document { json, words: synthesis.words }
}

struct Synthesis<'a> {
    root: &'a Value,
    chooser: &'a mut dyn Chooser,
    words: Vec<String>,
}

impl Synthesis<'_> {
    fn value(&mut self, schema: &Value, at: &str) -> Value {
        if let Some(reference) = schema["$ref"].as_str() {
            return self.referenced(reference, at);
        }
        if let Some(only) = schema.get("const") {
            return only.clone();
        }
        if let Some(choices) = schema["oneOf"].as_array().or_else(|| schema["enum"].as_array()) {
            self.words.push(at.to_owned());
            let chosen = &choices[self.chooser.pick(choices.len())];
            return chosen.get("const").unwrap_or(chosen).clone();
        }
        match schema["type"].as_str() {
            Some("object") => self.object(schema, at),
            Some("array") => self.array(schema, at),
            Some("integer") => self.integer(schema, at),
            Some("boolean") => Value::Bool(self.chooser.pick(2) == 0),
            _ => unreachable!("the schemas of signed records have no other form: {schema}"),
        }
    }

    fn referenced(&mut self, reference: &str, at: &str) -> Value {
        let name = reference.rsplit('/').next().unwrap_or_default();
        if let Some(texts) = samples::texts(name, field(at)) {
            return texts[self.chooser.pick(texts.len())].clone().into();
        }
        let pointer = reference.strip_prefix('#').expect("a reference stays inside its document");
        let root = self.root;
        self.value(root.pointer(pointer).expect("a reference leads somewhere"), at)
    }

    fn object(&mut self, schema: &Value, at: &str) -> Value {
        let Some(properties) = schema["properties"].as_object() else { return self.map(schema, at) };
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut out = Map::new();
        for (name, schema) in properties {
            if required.contains(&name.as_str()) || self.chooser.optional() {
                out.insert(name.clone(), self.value(schema, &format!("{at}/{name}")));
            }
        }
        out.into()
    }

    /// An open map, or the record without fields.
    fn map(&mut self, schema: &Value, at: &str) -> Value {
        let mut out = Map::new();
        if schema["additionalProperties"].is_object() {
            for n in 0..self.chooser.items() {
                let key = format!("{}-{n}", field(at));
                let value = self.value(&schema["additionalProperties"], &format!("{at}/{key}"));
                out.insert(key, value);
            }
        }
        out.into()
    }

    fn array(&mut self, schema: &Value, at: &str) -> Value {
        if let Some(items) = schema["prefixItems"].as_array() {
            return items
                .iter()
                .enumerate()
                .map(|(n, item)| self.value(item, &format!("{at}/{n}")))
                .collect();
        }
        (0..self.chooser.items()).map(|n| self.value(&schema["items"], &format!("{at}/{n}"))).collect()
    }

    fn integer(&mut self, schema: &Value, at: &str) -> Value {
        let min = schema["minimum"].as_u64().unwrap_or_default();
        let max = schema["maximum"].as_u64().expect("every number has its bound");
        let choices = [samples::number(field(at)).clamp(min, max), max, min];
        // The golden minimal case takes the last of each list, and a plain number reads better than a bound.
        let at = self.chooser.pick(choices.len() + 1) % choices.len();
        json!(choices[at])
    }
}

/// The name of the field that a pointer leads to or into.
fn field(at: &str) -> &str {
    at.rsplit('/').find(|part| !part.bytes().all(|b| b.is_ascii_digit())).unwrap_or_default()
}
