//! The golden vectors under `schemas/vectors`: they are what the generator here makes, every one of them is read or
//! refused as its index says, and what holds of them holds of random documents too.
//!
//! `HOLDFAST_BLESS=1 cargo test -p holdfast-tests --test vectors` writes them anew, from the checked-in schemas.

#[path = "vectors/binaries.rs"]
mod binaries;
#[path = "vectors/case.rs"]
mod case;
#[path = "vectors/catalogs.rs"]
mod catalogs;
#[path = "vectors/entries.rs"]
mod entries;
mod golden;
#[path = "vectors/keys.rs"]
mod keys;
#[path = "vectors/manifests.rs"]
mod manifests;
#[path = "vectors/names.rs"]
mod names;
#[path = "vectors/properties.rs"]
mod properties;
#[path = "vectors/reading.rs"]
mod reading;
#[path = "vectors/samples.rs"]
mod samples;
#[path = "vectors/separation.rs"]
mod separation;
#[path = "vectors/signatures.rs"]
mod signatures;
#[path = "vectors/spans.rs"]
mod spans;
#[path = "vectors/statements.rs"]
mod statements;
#[path = "vectors/synthesis.rs"]
mod synthesis;
#[path = "vectors/validation.rs"]
mod validation;
#[path = "vectors/wrong_values.rs"]
mod wrong_values;

use case::{Case, Expect, load};
use holdfast_formats::statement::StatementType;
use reading::read;

/// Every generated folder.
fn folders() -> Vec<(&'static str, Vec<Case>)> {
    vec![
        ("statements", statements::cases()),
        ("manifests", manifests::cases()),
        ("entries", entries::entries()),
        ("envelopes", entries::envelopes()),
        ("commits", binaries::commits()),
        ("heads", binaries::heads()),
        ("names", names::cases()),
        ("blobs", binaries::blobs()),
        ("catalogs", catalogs::cases()),
    ]
}

#[test]
fn the_checked_in_vectors_are_those_of_the_generator() {
    for (name, cases) in folders() {
        golden::settle(&format!("vectors/{name}"), &case::files(&cases));
    }
}

/// What is wrong with how a case is read, if anything.
fn verdict(case: &Case, kind: &str, bytes: &[u8]) -> Option<String> {
    let shown = String::from_utf8_lossy(bytes);
    match (case.expect, read(kind, bytes)) {
        (Expect::Accept, Err(why)) => Some(format!("{} was refused: {why}: {shown}", case.file)),
        (Expect::Reject, Ok(_)) => Some(format!("{} was accepted ({}): {shown}", case.file, case.why)),
        (Expect::Accept, Ok(again)) if case.canonical != (again == bytes) => {
            Some(format!("{} was written as {}", case.file, String::from_utf8_lossy(&again)))
        }
        (Expect::Reject, Err(_)) | (Expect::Accept, Ok(_)) => None,
    }
}

#[test]
fn t20_t26_every_golden_case_is_read_or_refused_as_its_index_says() {
    let mut wrong = Vec::new();
    for (name, _) in folders() {
        for case in load(name) {
            let Some(kind) = case.kind.strip_prefix("texts:") else {
                wrong.extend(verdict(&case, &case.kind, &case.bytes));
                continue;
            };
            let texts: Vec<String> = serde_json::from_slice(&case.bytes).expect("a list of texts");
            assert!(!texts.is_empty(), "{}", case.file);
            wrong.extend(texts.iter().filter_map(|text| verdict(&case, kind, text.as_bytes())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_statement_type_has_its_full_and_minimal_case_and_some_to_refuse() {
    let cases = load("statements");
    for kind in StatementType::ALL {
        let named = |what: &str| cases.iter().any(|case| case.name == format!("{kind}-{what}"));
        for what in ["full", "minimal", "unknown-key", "duplicate-key", "null-for-absent", "missing-key"] {
            assert!(named(what), "{kind}-{what}");
        }
    }
}

#[test]
fn what_the_parsers_accept_satisfies_the_checked_in_schemas() {
    for (name, _) in folders() {
        for case in load(name).iter().filter(|case| case.expect == Expect::Accept) {
            let Some(schema) = validation::schema_of(case) else { continue };
            let document = serde_json::from_slice(&case.bytes).expect("it is JSON");
            assert_eq!(validation::violations(&schema, &document), Vec::<String>::new(), "{}", case.file);
        }
    }
}

#[test]
fn the_schemas_refuse_what_a_schema_can_see() {
    let seen = [
        "unknown-key",
        "null-for-absent",
        "missing-key",
        "wrong-type",
        "unknown-word",
        "integer-2-53",
        "negative-integer",
    ];
    for case in load("statements").iter().filter(|case| seen.iter().any(|what| case.name.ends_with(what))) {
        let schema = validation::schema_of(case).expect("every statement names its type");
        let document = serde_json::from_slice(&case.bytes).expect("it is JSON");
        assert_ne!(validation::violations(&schema, &document), Vec::<String>::new(), "{}", case.file);
    }
}
