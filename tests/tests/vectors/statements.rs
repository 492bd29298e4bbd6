//! Golden statements: of every type one with every field and one with none that may be left out, and each of them with
//! one thing wrong.

use std::ops::Range;

use holdfast_formats::statement::{STATEMENT_TYPE, Statement, StatementType};
use serde_json::{Value, json};

use super::case::{Case, Cases};
use super::golden::folder;
use super::samples;
use super::spans::{Member, members, replaced};
use super::synthesis::{Chooser, Full, Minimal, synthesize};
use super::wrong_values;

/// A payload, with the places of its closed words.
pub(crate) struct Payload {
    pub(crate) text: String,
    pub(crate) words: Vec<String>,
}

/// The checked-in schema of a type.
pub(crate) fn schema(kind: StatementType) -> Value {
    let path = folder("json").join(format!("statement-{kind}.schema.json"));
    serde_json::from_slice(&std::fs::read(path).expect("the schemas are checked in"))
        .expect("a schema is JSON")
}

/// Makes a payload of a type, in the form that our writer gives it.
pub(crate) fn payload(kind: StatementType, chooser: &mut dyn Chooser) -> Payload {
    let document = synthesize(
        &schema(kind)["properties"]["predicate"].as_object().map_or(Value::Null, |predicate| {
            let mut root = Value::Object(predicate.clone());
            root["$defs"] = schema(kind)["$defs"].clone();
            root
        }),
        chooser,
    );
    let statement = json!({
        "_type": STATEMENT_TYPE,
        "subject": [{ "name": "shop/web", "digest": { "blake3": samples::BLAKE3, "sha256": samples::SHA256 } }],
        "predicateType": kind.urn(),
        "predicate": document.json,
    });
    let parsed = Statement::parse(statement.to_string().as_bytes());
    let parsed = parsed.unwrap_or_else(|error| unreachable!("{kind}: {error}: {statement}"));
    let text =
        String::from_utf8(parsed.to_payload().expect("a statement can be written")).expect("JSON is UTF-8");
    let words = document.words.iter().map(|at| format!("/predicate{at}")).collect();
    Payload { text, words }
}

/// All cases.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Cases::of("statement", "json");
    for kind in StatementType::ALL {
        let full = payload(*kind, &mut Full);
        cases.accept(&format!("{kind}-full"), &full.text, "every field there is");
        cases.accept(
            &format!("{kind}-minimal"),
            payload(*kind, &mut Minimal).text,
            "no field that may be left out",
        );
        broken(&mut cases, *kind, &full);
    }
    other_spellings(&mut cases);
    not_one_document(&mut cases);
    wrong_values::add(&mut cases);
    cases.all()
}

/// What can be wrong with a statement of any type.
fn broken(cases: &mut Cases, kind: StatementType, full: &Payload) {
    let json = &full.text;
    let members = members(json);
    let own: Vec<&Member> = members
        .iter()
        .filter(|m| m.path.matches('/').count() == 2 && m.path.starts_with("/predicate/"))
        .collect();
    let (Some(log), Some(last)) = (own.first(), own.last()) else {
        unreachable!("every predicate has a header")
    };
    let mut reject =
        |what: &str, bytes: String, why: &str| cases.reject(&format!("{kind}-{what}"), bytes, why);
    reject("unknown-key", log.joined_by(json, "\"surprise\":1"), "a key that its type does not have");
    reject("duplicate-key", log.joined_by(json, log.text(json)), "`log` is given twice");
    reject(
        "escaped-duplicate-key",
        log.joined_by(json, &log.text_with_escaped_key(json)),
        "`log` is given twice, once with an escape",
    );
    let context = own.iter().find(|m| m.path.ends_with("/context")).expect("a full statement has a context");
    reject(
        "null-for-absent",
        replaced(json, context.value.clone(), "null"),
        "an absent field is left out, never null",
    );
    reject(
        "array-for-object",
        replaced(json, context.value.clone(), "[[]]"),
        "a record as an array of its fields in their order",
    );
    reject("missing-key", last_required(kind, &own).removed(json), "a required key is not there");
    reject("wrong-type", replaced(json, last.value.clone(), "[[]]"), "its last field is an array of arrays");
    if let Some(word) = members.iter().find(|m| full.words.contains(&m.path)) {
        reject(
            "object-for-word",
            replaced(json, word.value.clone(), &format!("{{{}:null}}", word.value_text(json))),
            "a word as the key of an object",
        );
        reject(
            "unknown-word",
            replaced(json, word.value.clone(), "\"perhaps\""),
            "a word that its enumeration does not have",
        );
    }
    if let Some(number) = members.iter().find(|m| is_integer(m.value_text(json))) {
        reject(
            "integer-2-53",
            replaced(json, number.value.clone(), "9007199254740992"),
            "2^53, which other readers round",
        );
        reject(
            "float-for-integer",
            replaced(json, number.value.clone(), "1.0"),
            "a float where an integer is wanted",
        );
        reject("negative-integer", replaced(json, number.value.clone(), "-1"), "a number below 0");
    }
}

fn last_required<'a>(kind: StatementType, own: &[&'a Member]) -> &'a Member {
    let schema = schema(kind);
    let required = schema["properties"]["predicate"]["required"]
        .as_array()
        .expect("every predicate has required fields");
    let required = |m: &&&Member| {
        required.iter().any(|name| m.path == format!("/predicate/{}", name.as_str().unwrap_or_default()))
    };
    own.iter().rfind(required).expect("every predicate has required fields")
}

/// Whether JSON text is an integer.
pub(crate) fn is_integer(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

pub(crate) fn pin() -> String {
    payload(StatementType::Pin, &mut Full).text
}

/// What is signed is bytes: another spelling of the same statement is read as the same.
fn other_spellings(cases: &mut Cases) {
    let json = pin();
    let pretty: Value = serde_json::from_str(&json).expect("a payload is JSON");
    let pretty = serde_json::to_string_pretty(&pretty).expect("a value is JSON");
    cases.accept_rewritten("pin-spread-out", pretty, "white space, and keys in another order");
    cases.accept_rewritten(
        "pin-escaped",
        json.replace("smoke tests", "smoke\\u0020tests"),
        "an escape for a letter that needs none",
    );
    cases.accept_rewritten(
        "pin-escaped-key",
        json.replace("\"reason\"", "\"\\u0072eason\""),
        "an escape in a key that is given once",
    );
}

/// Bytes that are no JSON document, or more than one.
fn not_one_document(cases: &mut Cases) {
    let json = pin();
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    let annotations = "\"annotations\":{";
    for (name, bytes, why) in [
        ("trailing-byte", [json.as_bytes(), b"x"].concat(), "a byte behind the document"),
        ("trailing-nul", [json.as_bytes(), b"\0"].concat(), "a NUL behind the document"),
        ("two-documents", [json.as_bytes(), json.as_bytes()].concat(), "a second document behind the first"),
        (
            "byte-order-mark",
            [b"\xef\xbb\xbf", json.as_bytes()].concat(),
            "a byte order mark before the document",
        ),
        (
            "invalid-utf-8",
            json.replace("smoke tests", "smoke \u{7}tests")
                .replace('\u{7}', "\u{1}")
                .into_bytes()
                .iter()
                .map(|b| if *b == 1 { 0xff } else { *b })
                .collect(),
            "a byte that is not UTF-8",
        ),
        (
            "control-character",
            json.replace("smoke tests", "smoke\ntests").into_bytes(),
            "a raw line feed inside a string",
        ),
        (
            "lone-surrogate",
            json.replace("smoke tests", "smoke\\ud800tests").into_bytes(),
            "half a surrogate pair",
        ),
        ("utf-16", json.encode_utf16().flat_map(u16::to_le_bytes).collect(), "UTF-16"),
        ("cut", json.as_bytes()[..json.len() - 1].to_vec(), "the last brace is not there"),
        ("empty", Vec::new(), "no bytes"),
        ("comment", json.replacen('{', "{/* good */", 1).into_bytes(), "a comment"),
        (
            "trailing-comma",
            format!("{},}}", &json[..json.len() - 1]).into_bytes(),
            "a comma behind the last member",
        ),
        ("single-quotes", json.replace('"', "'").into_bytes(), "single quotes"),
        (
            "fields-in-order",
            in_order(&json, &(0..json.len())).into_bytes(),
            "the whole statement as an array of its fields in their order",
        ),
        ("array", format!("[{json}]").into_bytes(), "an array around the statement"),
        (
            "depth-200",
            json.replacen(annotations, &format!("{annotations}\"deep\":{deep},"), 1).into_bytes(),
            "arrays 200 deep",
        ),
        (
            "depth-200-outside",
            json.replacen('{', &format!("{{\"deep\":{deep},"), 1).into_bytes(),
            "arrays 200 deep beside the predicate",
        ),
    ] {
        cases.reject(&format!("pin-{name}"), bytes, why);
    }
}

/// The object at a place of a document as an array of its values in their order.
pub(crate) fn in_order(json: &str, object: &Range<usize>) -> String {
    let all = members(json);
    let values: Vec<&str> = all.iter().filter(|m| m.object == *object).map(|m| m.value_text(json)).collect();
    format!("[{}]", values.join(","))
}

/// The text with one part of it, which must be there, replaced where it stands first.
pub(crate) fn swap(text: &str, part: &str, with: &str) -> String {
    assert!(text.contains(part), "{part} is not in {text}");
    text.replacen(part, with, 1)
}
