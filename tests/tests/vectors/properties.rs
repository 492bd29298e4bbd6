//! What must hold of every document: of random ones of every type, and of whatever is left after random damage.

use holdfast_formats::statement::{Statement, StatementType};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value;

use super::case::load;
use super::reading::read;
use super::spans::{members, replaced};
use super::statements::{in_order, is_integer, payload};
use super::synthesis::{Entropy, Full, NthWord};

fn any_type() -> impl Strategy<Value = StatementType> {
    select(StatementType::ALL)
}

/// A payload of any type and shape.
fn any_payload() -> impl Strategy<Value = String> {
    (any_type(), vec(any::<u8>(), 0..400))
        .prop_map(|(kind, bytes)| payload(kind, &mut Entropy(bytes.iter())).text)
}

/// One thing done to a document without knowing what it means.
#[derive(Debug, Clone)]
enum Damage {
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, Index),
    Copy(Index, Index, Index),
}

fn any_damage() -> impl Strategy<Value = Damage> {
    const TOKENS: &[&str] = &[
        "\"",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "null",
        "1e9",
        "-0",
        "\\u0061",
        "\\",
        "\"log\":1,",
        " ",
        "\0",
        "\u{feff}",
    ];
    let token = select(TOKENS).prop_map(|token| token.as_bytes().to_vec());
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, bits)| Damage::Flip(at, bits)),
        (any::<Index>(), token).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Damage::Remove(from, to)),
        (any::<Index>(), any::<Index>(), any::<Index>())
            .prop_map(|(from, to, at)| Damage::Copy(from, to, at)),
    ]
}

fn damaged(mut bytes: Vec<u8>, all: &[Damage]) -> Vec<u8> {
    for damage in all {
        let places = bytes.len() + 1;
        let span = |from: &Index, to: &Index| {
            let (a, b) = (from.index(places), to.index(places));
            a.min(b)..a.max(b).min(a.min(b) + 64)
        };
        match damage {
            Damage::Flip(at, bits) => {
                let at = at.index(places);
                bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= bits);
            }
            Damage::Insert(at, new) => drop(bytes.splice(at.index(places)..at.index(places), new.clone())),
            Damage::Remove(from, to) => drop(bytes.drain(span(from, to))),
            Damage::Copy(from, to, at) => {
                let copied = bytes[span(from, to)].to_vec();
                drop(bytes.splice(at.index(places)..at.index(places), copied));
            }
        }
    }
    bytes
}

/// What a reader that is not ours makes of a document.
fn generic(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("what we accept is JSON to everybody")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_statement_of_any_shape_survives_its_bytes(text in any_payload()) {
        let statement = Statement::parse(text.as_bytes()).expect("it was written by us");
        prop_assert_eq!(statement.to_payload().expect("it can be written"), text.as_bytes());
    }

    #[test]
    fn t20_two_parsers_never_differ_about_a_statement(text in any_payload(), damage in vec(any_damage(), 1..4)) {
        let bytes = damaged(text.into_bytes(), &damage);
        if let Ok(statement) = Statement::parse(&bytes) {
            let again = statement.to_payload().expect("it can be written");
            prop_assert_eq!(generic(&bytes), generic(&again));
        }
    }

    #[test]
    fn t20_no_damage_to_a_golden_case_makes_a_reader_panic_or_change_its_mind(
        at in any::<Index>(),
        damage in vec(any_damage(), 1..6),
    ) {
        let cases = golden();
        let case = &cases[at.index(cases.len())];
        let bytes = damaged(case.1.clone(), &damage);
        if let Ok(written) = read(&case.0, &bytes) {
            // What was read is written in a form that is read as the same.
            prop_assert_eq!(read(&case.0, &written), Ok(written.clone()), "{}", case.0);
        }
    }
}

/// Kind and bytes of every golden case that is not a list of texts.
fn golden() -> &'static [(String, Vec<u8>)] {
    static GOLDEN: std::sync::OnceLock<Vec<(String, Vec<u8>)>> = std::sync::OnceLock::new();
    GOLDEN.get_or_init(|| {
        let folders = ["statements", "manifests", "entries", "envelopes", "commits", "heads", "blobs"];
        let small = |case: &super::case::Case| case.bytes.len() < 16 * 1024;
        folders.into_iter().flat_map(load).filter(small).map(|case| (case.kind, case.bytes)).collect()
    })
}

#[test]
fn every_word_of_every_enumeration_is_read() {
    for kind in StatementType::ALL {
        // No enumeration has more words than this.
        for n in 0..16 {
            let text = payload(*kind, &mut NthWord(n)).text;
            assert!(Statement::parse(text.as_bytes()).is_ok(), "{text}");
        }
    }
}

#[test]
fn t20_every_single_wrong_member_of_every_statement_is_refused() {
    let mut tried = 0;
    for kind in StatementType::ALL {
        let full = payload(*kind, &mut Full);
        let json = &full.text;
        for member in members(json) {
            let mut wrong = vec![
                member.joined_by(json, "\"surprise\":1"),
                member.joined_by(json, member.text(json)),
                member.joined_by(json, &member.text_with_escaped_key(json)),
                replaced(json, member.value.clone(), "null"),
                replaced(json, member.value.clone(), "[[]]"),
                replaced(json, member.value.clone(), "{\"\":0}"),
            ];
            if member.value_text(json).starts_with('{') {
                wrong.push(replaced(json, member.value.clone(), &in_order(json, &member.value)));
            }
            if full.words.contains(&member.path) {
                wrong.push(replaced(json, member.value.clone(), "\"perhaps\""));
                let keyed = format!("{{{}:null}}", member.value_text(json));
                wrong.push(replaced(json, member.value.clone(), &keyed));
                wrong.push(replaced(json, member.value.clone(), &member.value_text(json).to_uppercase()));
            }
            if is_integer(member.value_text(json)) {
                for number in
                    ["9007199254740992", "18446744073709551616", "1.0", "1e0", "-1", "-0", "\"1\"", "true"]
                {
                    wrong.push(replaced(json, member.value.clone(), number));
                }
            }
            for text in wrong {
                assert!(Statement::parse(text.as_bytes()).is_err(), "{kind}{}: {text}", member.path);
                tried += 1;
            }
        }
    }
    assert!(tried > 2000, "only {tried} were tried");
}
