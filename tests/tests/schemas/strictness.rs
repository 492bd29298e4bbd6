//! Makes schemas as strict as the parsers: an absent field is left out and never null, numbers have their bounds.

use serde_json::{Map, Value};

/// Removes every way to say null, and what only says how a reader fills a gap.
pub(crate) fn strict(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            without_null(object);
            bounded(object);
            object.values_mut().for_each(strict);
        }
        Value::Array(items) => items.iter_mut().for_each(strict),
        _ => {}
    }
}

fn is_null(schema: &Value) -> bool {
    schema.is_null() || schema == "null" || schema.get("type").is_some_and(|kind| kind == "null")
}

fn without_null(object: &mut Map<String, Value>) {
    if object.get("default").is_some_and(Value::is_null) {
        object.remove("default");
    }
    for key in ["type", "enum", "anyOf", "oneOf"] {
        let Some(Value::Array(choices)) = object.get_mut(key) else { continue };
        let before = choices.len();
        choices.retain(|choice| !is_null(choice));
        if choices.len() == before {
            continue;
        }
        if let [only] = choices.as_slice() {
            let only = only.clone();
            object.remove(key);
            match only {
                Value::Object(inner) => object.extend(inner),
                other => {
                    object.insert(key.to_owned(), other);
                }
            }
        }
    }
}

/// `format` says how Rust holds a number; readers in other languages want the bounds.
fn bounded(object: &mut Map<String, Value>) {
    let (Some(Value::String(kind)), Some(Value::String(format))) = (object.get("type"), object.get("format"))
    else {
        return;
    };
    if kind != "integer" {
        return;
    }
    let max = match format.as_str() {
        "uint16" => Value::from(u16::MAX),
        "uint32" => Value::from(u32::MAX),
        "uint64" => Value::from(u64::MAX),
        _ => return,
    };
    object.remove("format");
    object.insert("maximum".to_owned(), max);
}

/// Every object of a schema that names properties and lets others in, by its path.
pub(crate) fn open_objects(schema: &Value, path: &str) -> Vec<String> {
    match schema {
        Value::Object(object) => {
            let open = object.contains_key("properties")
                && object.contains_key("type")
                && object.get("additionalProperties") != Some(&false.into());
            let below = object.iter().flat_map(|(key, value)| open_objects(value, &format!("{path}/{key}")));
            open.then(|| path.to_owned()).into_iter().chain(below).collect()
        }
        Value::Array(items) => items.iter().flat_map(|item| open_objects(item, path)).collect(),
        _ => Vec::new(),
    }
}

/// Every place of a schema that lets null in.
pub(crate) fn nullable(schema: &Value, path: &str) -> Vec<String> {
    let below = |key: &str, value: &Value| nullable(value, &format!("{path}/{key}"));
    match schema {
        Value::Null => vec![path.to_owned()],
        Value::String(word) if word == "null" => vec![path.to_owned()],
        Value::Object(object) => object.iter().flat_map(|(key, value)| below(key, value)).collect(),
        Value::Array(items) => items.iter().flat_map(|item| below("", item)).collect(),
        _ => Vec::new(),
    }
}
