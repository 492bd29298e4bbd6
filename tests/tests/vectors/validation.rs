//! A validator for as much of JSON Schema as our schemas use, so that parsers and schemas are held to each other.

use regex_automata::meta::Regex;
use serde_json::Value;

use super::case::Case;
use super::golden::folder;

/// The checked-in schema that a case must satisfy.
pub(crate) fn schema_of(case: &Case) -> Option<Value> {
    let name = match case.kind.as_str() {
        "statement" => format!("statement-{}", case.name.split('-').next()?),
        "manifest" | "trust" | "entry" | "envelope" => case.kind.clone(),
        _ => return None,
    };
    let bytes = std::fs::read(folder("json").join(format!("{name}.schema.json")))
        .expect("the schemas are checked in");
    Some(serde_json::from_slice(&bytes).expect("a schema is JSON"))
}

/// Everything about a document that its schema refuses.
pub(crate) fn violations(schema: &Value, document: &Value) -> Vec<String> {
    let mut validation = Validation { root: schema, found: Vec::new() };
    validation.check(schema, document, "");
    validation.found
}

struct Validation<'a> {
    root: &'a Value,
    found: Vec<String>,
}

impl<'a> Validation<'a> {
    fn check(&mut self, schema: &'a Value, value: &Value, at: &str) {
        let Some(rules) = schema.as_object() else { return };
        for (rule, want) in rules {
            let holds = match rule.as_str() {
                "$ref" => {
                    self.check(self.target(want), value, at);
                    true
                }
                "type" => has_type(want, value),
                "const" => want == value,
                "enum" => want.as_array().is_some_and(|all| all.contains(value)),
                "oneOf" => self.satisfied(want, value) == 1,
                "anyOf" => self.satisfied(want, value) > 0,
                "allOf" => {
                    want.as_array().into_iter().flatten().for_each(|each| self.check(each, value, at));
                    true
                }
                "if" => {
                    if self.accepts(want, value) {
                        self.check(&schema["then"], value, at);
                    }
                    true
                }
                "minimum" => !value.is_number() || value.as_u64() >= want.as_u64(),
                "maximum" => !value.is_number() || value.as_u64() <= want.as_u64(),
                "minItems" | "maxItems" => within_items(rule, want, value),
                "minLength" => value
                    .as_str()
                    .is_none_or(|text| text.chars().count() as u64 >= want.as_u64().unwrap_or(0)),
                "maxLength" => value
                    .as_str()
                    .is_none_or(|text| text.chars().count() as u64 <= want.as_u64().unwrap_or(0)),
                "pattern" => value.as_str().is_none_or(|text| matches(want, text)),
                "required" => {
                    want.as_array().into_iter().flatten().all(|name| {
                        !value.is_object() || value.get(name.as_str().unwrap_or_default()).is_some()
                    })
                }
                "properties" | "additionalProperties" | "propertyNames" | "items" | "prefixItems" => {
                    self.inside(rule, schema, value, at);
                    true
                }
                "then" | "title" | "description" | "$schema" | "$id" | "$defs" | "contentEncoding" => true,
                other => unreachable!("the validator does not know {other}"),
            };
            if !holds {
                self.found.push(format!("{at}: {rule} {want}"));
            }
        }
    }

    fn target(&self, reference: &Value) -> &'a Value {
        let pointer = reference
            .as_str()
            .and_then(|text| text.strip_prefix('#'))
            .expect("a reference inside the document");
        self.root.pointer(pointer).expect("a reference leads somewhere")
    }

    fn accepts(&self, schema: &'a Value, value: &Value) -> bool {
        let mut inner = Validation { root: self.root, found: Vec::new() };
        inner.check(schema, value, "");
        inner.found.is_empty()
    }

    fn satisfied(&self, choices: &'a Value, value: &Value) -> usize {
        choices.as_array().into_iter().flatten().filter(|choice| self.accepts(choice, value)).count()
    }

    /// The rules about what stands inside objects and arrays.
    fn inside(&mut self, rule: &str, schema: &'a Value, value: &Value, at: &str) {
        let want = &schema[rule];
        let members = value.as_object().into_iter().flatten();
        let items = value.as_array().into_iter().flatten().enumerate();
        match rule {
            "properties" => {
                for (name, inner) in members {
                    self.check(&want[name], inner, &format!("{at}/{name}"));
                }
            }
            "additionalProperties" => {
                for (name, inner) in
                    members.filter(|(name, _)| schema["properties"].get(name.as_str()).is_none())
                {
                    if *want == Value::Bool(false) {
                        self.found.push(format!("{at}: {name} is not known"));
                    }
                    self.check(want, inner, &format!("{at}/{name}"));
                }
            }
            "propertyNames" => {
                for (name, _) in members {
                    self.check(want, &Value::from(name.as_str()), at);
                }
            }
            "items" => items.for_each(|(n, item)| self.check(want, item, &format!("{at}/{n}"))),
            _ => items.for_each(|(n, item)| self.check(&want[n], item, &format!("{at}/{n}"))),
        }
    }
}

fn has_type(want: &Value, value: &Value) -> bool {
    match want.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64() || value.is_i64(),
        Some("boolean") => value.is_boolean(),
        _ => unreachable!("the validator does not know the type {want}"),
    }
}

fn within_items(rule: &str, want: &Value, value: &Value) -> bool {
    let Some(items) = value.as_array() else { return true };
    let bound = want.as_u64().unwrap_or_default();
    if rule == "minItems" { items.len() as u64 >= bound } else { items.len() as u64 <= bound }
}

fn matches(pattern: &Value, text: &str) -> bool {
    let pattern = pattern.as_str().expect("a pattern is text");
    Regex::new(pattern).expect("the pattern is well-formed").is_match(text)
}
