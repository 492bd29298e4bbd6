//! Statements of the right shape with one value that is none.

use holdfast_formats::statement::{STATEMENT_TYPE, StatementType};

use super::case::Cases;
use super::samples;
use super::statements::{payload, pin, swap};
use super::synthesis::Full;

type Wrong = (&'static str, String, &'static str);

/// Adds them all, and the one of the largest annotations that are not too large.
pub(crate) fn add(cases: &mut Cases) {
    let json = pin();
    let publish = payload(StatementType::Publish, &mut Full).text;
    cases.accept("pin-annotations-4096", annotated(&json, 4095), "annotations of exactly 4,096 bytes");
    let of_pin = annotations_and_subjects(&json)
        .into_iter()
        .chain(numbers(&json))
        .chain(texts(&json))
        .chain(types(&json));
    for (name, bytes, why) in of_pin.chain(of_publish(&publish)) {
        cases.reject(name, bytes, why);
    }
}

/// The statement with one annotation of so many bytes under a key of one byte.
fn annotated(json: &str, size: usize) -> String {
    let note = format!("\"annotations\":{{\"a\":\"{}\"", "x".repeat(size));
    swap(json, "\"annotations\":{\"annotations-0\":\"plain text\"", &note)
}

fn annotations_and_subjects(json: &str) -> Vec<Wrong> {
    vec![
        ("pin-annotations-4097", annotated(json, 4096), "annotations of 4,097 bytes"),
        (
            "pin-annotation-twice",
            swap(json, "\"annotations-0\":", "\"annotations-0\":\"other\",\"annotations-0\":"),
            "one annotation twice",
        ),
        (
            "pin-annotation-twice-escaped",
            swap(json, "\"annotations-0\":", "\"\\u0061nnotations-0\":\"other\",\"annotations-0\":"),
            "one annotation twice, once with an escape",
        ),
        (
            "pin-annotation-number",
            swap(json, "\"annotations-0\":\"plain text\"", "\"annotations-0\":1"),
            "an annotation that is no string",
        ),
        (
            "pin-subject-extra",
            swap(json, "\"name\":\"shop/web\",\"digest\"", "\"name\":\"shop/web\",\"uri\":\"x\",\"digest\""),
            "a subject with a further field",
        ),
        (
            "pin-subject-digest-extra",
            swap(json, "\"digest\":{", "\"digest\":{\"sha512\":\"00\","),
            "a subject with a further digest",
        ),
        (
            "pin-subject-without-blake3",
            swap(json, &format!("\"blake3\":\"{}\",", samples::BLAKE3), ""),
            "a subject with one digest only",
        ),
    ]
}

fn numbers(json: &str) -> Vec<Wrong> {
    vec![
        ("pin-number-plus", swap(json, "\"number\":1", "\"number\":+1"), "a number with a plus sign"),
        ("pin-number-exponent", swap(json, "\"number\":1", "\"number\":1e0"), "a number with an exponent"),
        (
            "pin-number-leading-zero",
            swap(json, "\"number\":1", "\"number\":01"),
            "a number with a leading zero",
        ),
        (
            "pin-number-huge",
            swap(json, "\"number\":1", "\"number\":1000000000000000000000000000000"),
            "a number that no machine word holds",
        ),
        ("pin-number-string", swap(json, "\"number\":1", "\"number\":\"1\""), "a number as a string"),
        ("pin-number-not-a-number", swap(json, "\"number\":1", "\"number\":NaN"), "not a number"),
    ]
}

fn texts(json: &str) -> Vec<Wrong> {
    vec![
        (
            "pin-digest-upper-case",
            swap(json, samples::SHA256, &samples::SHA256.to_uppercase()),
            "a digest in upper case",
        ),
        ("pin-digest-short", swap(json, samples::SHA256, &samples::SHA256[..62]), "a digest of 31 bytes"),
        (
            "pin-id-upper-case",
            swap(json, "000102030405060708090a0b0c0d0e0f", "000102030405060708090A0B0C0D0E0F"),
            "an id in upper case",
        ),
        ("pin-time-without-ms", swap(json, "07:00:00.000Z", "07:00:00Z"), "a time without milliseconds"),
        ("pin-time-offset", swap(json, "07:00:00.000Z", "07:00:00.000+00:00"), "a time with an offset"),
        ("pin-time-lower-case", swap(json, "07:00:00.000Z", "07:00:00.000z"), "a time with a small z"),
        (
            "pin-time-impossible",
            swap(json, "2026-11-21T07", "2026-02-30T07"),
            "a day that is not in the calendar",
        ),
        ("pin-reason-empty", swap(json, "smoke tests passed", ""), "a reason without a word"),
        ("pin-reason-2049", swap(json, "smoke tests passed", &"x".repeat(2049)), "a reason of 2,049 bytes"),
        ("pin-reason-nul", swap(json, "smoke tests passed", "smoke\\u0000tests"), "NUL in a reason"),
    ]
}

fn types(json: &str) -> Vec<Wrong> {
    vec![
        (
            "pin-type-other",
            swap(json, STATEMENT_TYPE, "https://in-toto.io/Statement/v0.1"),
            "another version of in-toto",
        ),
        (
            "pin-predicate-type-unknown",
            swap(json, "urn:holdfast:pin:v1", "urn:holdfast:pin:v2"),
            "a statement type of the future",
        ),
        (
            "pin-predicate-type-case",
            swap(json, "urn:holdfast:pin:v1", "urn:holdfast:Pin:v1"),
            "a statement type in another case",
        ),
        (
            "pin-predicate-twice",
            swap(json, "\"predicate\":{", "\"predicate\":{},\"predicate\":{"),
            "two predicates",
        ),
        ("pin-origin-space", swap(json, samples::ORIGIN, "registry.example log"), "an origin with a space"),
    ]
}

fn of_publish(publish: &str) -> Vec<Wrong> {
    vec![
        (
            "publish-version-plus",
            swap(publish, "\"version\":\"1.4.2\"", "\"version\":\"1.4.2+5\""),
            "`+` is no letter of an OCI tag",
        ),
        (
            "publish-version-reserved",
            swap(publish, "\"version\":\"1.4.2\"", "\"version\":\"prod.known-good\""),
            "a version that is reserved for lookups",
        ),
        (
            "publish-name-upper-case",
            swap(publish, "\"name\":\"shop/web\",\"version\"", "\"name\":\"shop/Web\",\"version\""),
            "a name in upper case",
        ),
        (
            "publish-name-parent",
            swap(publish, "\"name\":\"shop/web\",\"version\"", "\"name\":\"shop/../web\",\"version\""),
            "a name that climbs",
        ),
    ]
}
