//! Golden leaves of the log, and the envelopes that they are made of.

use base64::Engine as _;
use base64::engine::general_purpose::{
    STANDARD as BASE64, STANDARD_NO_PAD as BASE64_NOPAD, URL_SAFE as BASE64URL,
    URL_SAFE_NO_PAD as BASE64URL_NOPAD,
};
use holdfast_formats::entry::{Entry, EntryPayload};
use holdfast_formats::envelope::{CanonicalSignature, Envelope, PAYLOAD_TYPE, pre_authentication_encoding};
use holdfast_formats::key::SigningKey;
use holdfast_formats::limits::INLINE_PAYLOAD_BYTES_MAX;
use holdfast_formats::statement::StatementType;
use holdfast_formats::time::Timestamp;

use super::case::{Case, Cases};
use super::keys::{second_signer, signer};
use super::statements::{in_order, payload, swap};
use super::synthesis::{Full, Minimal};

/// A leaf for a payload, signed by some keys.
pub(crate) fn leaf(payload: &[u8], keys: &[SigningKey]) -> String {
    let pae = pre_authentication_encoding(PAYLOAD_TYPE, payload);
    let mut signatures: Vec<_> =
        keys.iter().map(|key| CanonicalSignature { keyid: key.public().id(), sig: key.sign(&pae) }).collect();
    signatures.sort();
    let time = Timestamp::from_ms(1_795_244_400_000);
    let entry = Entry { time, rules: 1, payload: EntryPayload::place(payload), signatures };
    String::from_utf8(entry.encode().expect("it fits into a leaf")).expect("JSON is UTF-8")
}

fn swept() -> Vec<u8> {
    payload(StatementType::Swept, &mut Minimal).text.into_bytes()
}

/// A payload of exactly so many bytes. Entries do not look into payloads.
fn long(size: usize) -> Vec<u8> {
    vec![b'x'; size]
}

/// Leaves.
pub(crate) fn entries() -> Vec<Case> {
    let mut cases = Cases::of("entry", "json");
    let pin = payload(StatementType::Pin, &mut Full).text.into_bytes();
    let (one, max) = (leaf(&swept(), &[signer()]), INLINE_PAYLOAD_BYTES_MAX);
    let two = leaf(&pin, &[signer(), second_signer()]);
    let attached = leaf(&long(max + 1), &[signer()]);
    cases.accept("inline", &one, "a small payload with one signature");
    cases.accept("two-signatures", &two, "two signatures, sorted by key");
    cases.accept("inline-32-kib", leaf(&long(max), &[signer()]), "the largest payload that stays inside");
    cases.accept("attached", &attached, "a payload one byte larger: named by digest");
    for (name, bytes, why) in
        broken(&one).into_iter().chain(broken_signatures(&one, &two)).chain(broken_attached(&attached))
    {
        cases.reject(name, bytes, why);
    }
    cases.all()
}

type Broken = (&'static str, String, &'static str);

fn broken(one: &str) -> Vec<Broken> {
    vec![
        ("white-space", format!(" {one}"), "a space before the leaf"),
        ("trailing-line-feed", format!("{one}\n"), "a line feed behind the leaf"),
        ("unknown-key", swap(one, "\"rules\":1", "\"rules\":1,\"more\":1"), "a key that leaves do not have"),
        ("duplicate-key", swap(one, "\"v\":1", "\"v\":1,\"v\":1"), "a key twice"),
        ("escaped-key", swap(one, "\"rules\"", "\"\\u0072ules\""), "an escape where none is needed"),
        (
            "other-order",
            swap(one, "\"v\":1,", "").replacen("\"rules\":1", "\"rules\":1,\"v\":1", 1),
            "keys in another order",
        ),
        ("version-2", swap(one, "\"v\":1", "\"v\":2"), "a leaf of the future"),
        ("version-float", swap(one, "\"v\":1", "\"v\":1.0"), "a float"),
        ("rules-leading-zero", swap(one, "\"rules\":1", "\"rules\":01"), "a leading zero"),
        ("time-negative", swap(one, "\"time_ms\":", "\"time_ms\":-"), "a time before 1970"),
        (
            "time-huge",
            swap(one, "\"time_ms\":1795244400000", "\"time_ms\":18446744073709551615"),
            "a time after the year 9999",
        ),
        (
            "null-attached",
            swap(one, "\"rules\":1", "\"rules\":1,\"attached\":null"),
            "null for an absent field",
        ),
        ("payload-type-other", swap(one, PAYLOAD_TYPE, "application/json"), "another payload type"),
        ("neither", swap(one, "\"envelope\":", "\"envelop\":"), "no envelope"),
    ]
}

fn broken_signatures(one: &str, two: &str) -> Vec<Broken> {
    let list = |leaf: &str| {
        leaf.split("\"signatures\":[")
            .nth(1)
            .and_then(|rest| rest.split(']').next())
            .unwrap_or_default()
            .to_owned()
    };
    let (single, both) = (list(one), list(two));
    let cut = both.find("},{").expect("there are two signatures");
    let reversed = format!("{},{}", &both[cut + 2..], &both[..=cut]);
    let sig = single
        .split("\"sig\":\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .unwrap_or_default()
        .to_owned();
    let short = BASE64.encode([7; 63]);
    vec![
        (
            "signatures-out-of-order",
            two.replacen(&both, &reversed, 1),
            "signatures that are not sorted by key",
        ),
        (
            "signature-twice",
            one.replacen(&single, &format!("{single},{single}"), 1),
            "two signatures of one key",
        ),
        ("no-signature", one.replacen(&single, "", 1), "no signature"),
        ("signature-short", swap(one, &sig, &short), "a signature of 63 bytes"),
        ("signature-url-safe", swap(one, &sig, &BASE64URL.encode([0xff; 64])), "URL-safe base64"),
        ("signature-unpadded", swap(one, "==\"", "\""), "base64 without padding"),
        (
            "key-id-upper-case",
            swap(
                one,
                &signer().public().id().to_string(),
                &signer().public().id().to_string().to_uppercase(),
            ),
            "a key id in upper case",
        ),
    ]
}

fn broken_attached(attached: &str) -> Vec<Broken> {
    let inside = leaf(&long(INLINE_PAYLOAD_BYTES_MAX), &[signer()]);
    let payload = BASE64.encode(long(INLINE_PAYLOAD_BYTES_MAX));
    let larger = BASE64.encode(long(INLINE_PAYLOAD_BYTES_MAX + 1));
    vec![
        (
            "attached-though-small",
            swap(attached, "\"size\":32769", "\"size\":32768"),
            "an attachment that would have fitted",
        ),
        ("attached-size-2-53", swap(attached, "\"size\":32769", "\"size\":9007199254740992"), "2^53"),
        (
            "inline-though-large",
            swap(&inside, &payload, &larger),
            "a payload inside that must be an attachment",
        ),
        (
            "both",
            swap(
                attached,
                "\"attached\":",
                "\"envelope\":{\"payload\":\"\",\"payloadType\":\"\",\"signatures\":[]},\"attached\":",
            ),
            "inside and attached",
        ),
    ]
}

/// Envelopes.
pub(crate) fn envelopes() -> Vec<Case> {
    let mut cases = Cases::of("envelope", "json");
    let written = |envelope: &Envelope| serde_json::to_string(envelope).expect("an envelope is JSON");
    // Bytes whose base64 has both letters that the URL-safe alphabet writes differently.
    let body = [b"\xfb\xff\xfe".as_slice(), &swept()].concat();
    let one = Envelope::sign(swept(), &signer());
    let json = written(&one);
    cases.accept("one-signature", &json, "one signature");
    cases.accept("two-signatures", written(&one.clone().signed_also_by(&second_signer())), "two signatures");
    cases.accept(
        "no-key-id",
        json.replacen(&format!("\"keyid\":\"{}\",", signer().public().id()), "", 1),
        "a key id is only a hint",
    );
    let odd = written(&Envelope::sign(body.clone(), &signer()));
    let with = |text: String| swap(&odd, &BASE64.encode(&body), &text);
    cases.accept_rewritten("url-safe", with(BASE64URL.encode(&body)), "URL-safe base64");
    cases.accept_rewritten(
        "url-safe-unpadded",
        with(BASE64URL_NOPAD.encode(&body)),
        "URL-safe base64 without padding",
    );
    let short = [b"x".as_slice(), &body].concat();
    let unpadded = swap(&odd, &BASE64.encode(&body), &BASE64_NOPAD.encode(&short));
    cases.accept_rewritten("unpadded", unpadded, "standard base64 without padding");
    for (name, bytes, why) in
        broken_envelopes(&json, &with(format!("{}{}", "-_", &BASE64.encode(&body)[2..])))
    {
        cases.reject(name, bytes, why);
    }
    cases.all()
}

fn broken_envelopes(json: &str, mixed: &str) -> Vec<Broken> {
    let sig = json
        .split("\"sig\":\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .unwrap_or_default()
        .to_owned();
    let signature =
        json.split("\"signatures\":[").nth(1).and_then(|rest| rest.split(']').next()).unwrap_or_default();
    let many = vec![signature; 65].join(",");
    vec![
        ("mixed-base64", mixed.to_owned(), "standard and URL-safe base64 in one text"),
        ("base64-line-feed", swap(json, "\"payload\":\"", "\"payload\":\"\\n"), "a line feed in base64"),
        (
            "base64-trailing-bits",
            swap(json, "\"sig\":\"", "\"sig\":\"AB==").replacen(&sig, "", 1),
            "base64 whose last letter has bits that mean nothing",
        ),
        ("no-signature", json.replacen(signature, "", 1), "no signature"),
        ("65-signatures", json.replacen(signature, &many, 1), "more signatures than are looked at"),
        ("signature-63-bytes", swap(json, &sig, &BASE64.encode([7; 63])), "a signature of 63 bytes"),
        ("signature-65-bytes", swap(json, &sig, &BASE64.encode([7; 65])), "a signature of 65 bytes"),
        ("payload-type-other", swap(json, PAYLOAD_TYPE, "application/json"), "another payload type"),
        (
            "array-for-object",
            in_order(json, &(0..json.len())),
            "an envelope as an array of its fields in their order",
        ),
        ("unknown-key", swap(json, "{", "{\"extra\":1,"), "a key that envelopes do not have"),
        ("duplicate-payload", swap(json, "{", "{\"payload\":\"e30=\","), "two payloads"),
        (
            "escaped-duplicate-payload",
            swap(json, "{", "{\"\\u0070ayload\":\"e30=\","),
            "two payloads, one with an escape in its key",
        ),
        (
            "null-key-id",
            swap(json, &format!("\"{}\"", signer().public().id()), "null"),
            "null for an absent key id",
        ),
        (
            "signature-unknown-key",
            swap(json, "\"sig\":", "\"cert\":\"x\",\"sig\":"),
            "a key that signatures do not have",
        ),
        ("trailing-byte", format!("{json}x"), "a byte behind the envelope"),
    ]
}
