//! What must hold of whatever a parser accepts.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Text of a type with one form: what is read is written as it was.
pub(crate) fn one_form<T: FromStr + Display + PartialEq + Debug>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        assert_eq!(value.to_string(), text, "another form of {value:?} was accepted");
        assert!(text.parse::<T>().is_ok_and(|again| again == value), "{text:?} is read in two ways");
    }
}

/// Bytes of a format with one form.
pub(crate) fn same_bytes(written: &[u8], read: &[u8]) {
    assert!(written == read, "what was read is written as other bytes: {written:02x?} for {read:02x?}");
}

/// What the strict reader made of a document is what any other reader sees in it: the same keys, the same values.
pub(crate) fn seen_alike<T: Serialize>(accepted: &T, bytes: &[u8]) {
    seen_alike_written(&serde_json::to_vec(accepted).expect("what was read can be written"), bytes);
}

/// The same of what was written already.
pub(crate) fn seen_alike_written(written: &[u8], bytes: &[u8]) {
    let ours: Value = serde_json::from_slice(written).expect("what we write is JSON");
    let theirs: Value = serde_json::from_slice(bytes).expect("what the strict reader accepts is JSON");
    assert!(is_alike(&ours, &theirs), "two readers differ: {ours} and {theirs}");
}

/// Equal, but for the form of base64: several are read, one is written.
fn is_alike(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| is_alike(value, other)))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_alike(a, b))
        }
        (Value::String(a), Value::String(b)) => a == b || *a.trim_end_matches('=') == standard_base64(b),
        (a, b) => a == b,
    }
}

fn standard_base64(text: &str) -> String {
    text.trim_end_matches('=').replace('-', "+").replace('_', "/")
}

/// A strict record of JSON: read alike by others, and read again from what is written.
pub(crate) fn strict_record<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let record: T = holdfast_formats::from_json(bytes, bytes.len()).ok()?;
    seen_alike(&record, bytes);
    let written = serde_json::to_vec(&record).expect("what was read can be written");
    let again: T =
        holdfast_formats::from_json(&written, written.len()).expect("what was written can be read");
    same_bytes(&serde_json::to_vec(&again).expect("it was written before"), &written);
    Some(record)
}
