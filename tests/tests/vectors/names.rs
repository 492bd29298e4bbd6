//! Golden texts of the small types, as lists: what is a name, a version, a path, a time, and what only looks like one.

use super::case::{Case, Cases};
use super::samples::{BLAKE3, SHA256};

/// Lists of texts to accept and to reject, by kind.
pub(crate) fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    let mut kind = |kind: &str, accept: &[&str], reject: &[&str]| {
        let mut cases = Cases::of(&format!("texts:{kind}"), "json");
        cases.accept(&format!("{kind}-good"), list(accept), "each of them is one");
        cases.reject(&format!("{kind}-bad"), list(reject), "none of them is one");
        all.extend(cases.all());
    };
    names(&mut kind);
    references(&mut kind);
    other_texts(&mut kind);
    digests_and_keys(&mut kind);
    all
}

/// Takes a kind, what is one of it, and what is none.
type Taker<'a> = &'a mut dyn FnMut(&str, &[&str], &[&str]);

fn long(n: usize) -> String {
    "a".repeat(n)
}

fn names(kind: Taker<'_>) {
    kind(
        "namespace",
        &["shop", "a", "a.b", "a_b", "a__b", "a---b", "0", &long(64)],
        &["", "Shop", "shop/web", ".a", "a.", "a..b", "a___b", "-a", "a-", "a b", "ü", "*", &long(65)],
    );
    kind(
        "artifact-name",
        &["shop/web", "a/b.c", "a/b__c", "a/b---c", "team-1/x_y/z", &format!("a/{}", long(198))],
        &NAMES_BAD,
    );
    kind("channel-name", &["shop/prod", "shop/eu/west-1"], &NAMES_BAD);
    kind(
        "principal",
        &["ada@shop.example", "ci:shop/web", "a", &long(128)],
        &["", "Ada", "ada lovelace", "ada+ci", "ä", "a\n", &long(129)],
    );
    kind(
        "version",
        &["1.4.2", "v1", "_", "1", "2026-11-21_rc.1", "1.0.0-rc.1", &long(128)],
        &[
            "",
            ".1",
            "-1",
            "1.0.0+5",
            "1/2",
            "1@2",
            "a:b",
            "1 ",
            "ü",
            "known-good",
            "prod.known-good",
            "x-known-good-y",
            &long(129),
        ],
    );
}

fn references(kind: Taker<'_>) {
    kind(
        "artifact-ref",
        &["shop/web@1.4.2", "a/b/c@latest"],
        &[
            "shop/web",
            "shop/web@",
            "@1.4.2",
            "shop@1.4.2",
            "shop/web@1@2",
            "shop/web:1.4.2",
            "shop/web@1.4.2+5",
            " shop/web@1.4.2",
            "Shop/web@1.4.2",
        ],
    );
    kind(
        "reference",
        &[
            "shop/web@1.4.2",
            &format!("shop/web@blake3:{BLAKE3}"),
            &format!("shop/web@sha256:{SHA256}"),
            "channel:shop/prod",
        ],
        &[
            "shop/web",
            "channel:shop",
            "channel:",
            &format!("shop/web@blake3:{}", BLAKE3.to_uppercase()),
            &format!("shop/web@sha512:{SHA256}"),
            "shop/web@blake3:00",
        ],
    );
    kind(
        "pattern",
        &["*", "shop/*", "shop/*/web", "shop", "shop/web", "*/web"],
        &["", "**", "shop/w*", "shop/**", "shop//web", "/shop", "shop/", "Shop/*", "shop/../*"],
    );
}

fn other_texts(kind: Taker<'_>) {
    kind(
        "origin",
        &["registry.example/log", "x", "holdfast.local/0011", "räume", &long(128)],
        &["", "a b", "a+b", "a\n", "a\tb", "a\u{a0}b", "a\u{2003}b", "a\u{0}b", "a\u{85}b", &long(129)],
    );
    kind(
        "path",
        &["bin/web", "x", "a b/ü", "bin/..data/x", "...", &long(255)],
        &[
            "",
            "/x",
            "../x",
            "a/../b",
            "a/..",
            ".",
            "..",
            "./a",
            "a//b",
            "a/",
            "c:x",
            "C:\\x",
            "a\\b",
            "a\u{1b}[0m",
            "a\nb",
            "a\u{0}b",
            "a\u{7f}b",
            &long(256),
            &"a/".repeat(2049),
        ],
    );
    kind(
        "time",
        &[
            "2026-11-21T07:00:00.123Z",
            "1970-01-01T00:00:00.000Z",
            "9999-12-31T23:59:59.999Z",
            "2028-02-29T00:00:00.000Z",
        ],
        &[
            "2026-11-21T07:00:00Z",
            "2026-11-21T07:00:00.1Z",
            "2026-11-21T07:00:00.1234Z",
            "2026-11-21 07:00:00.123Z",
            "2026-11-21t07:00:00.123Z",
            "2026-11-21T07:00:00.123z",
            "2026-11-21T07:00:60.000Z",
            "2026-11-21T24:00:00.000Z",
            "2026-11-21T07:00:00.123+00:00",
            "2026-02-29T00:00:00.000Z",
            "1969-12-31T23:59:59.000Z",
            "2026-13-01T00:00:00.000Z",
            "1795244400000",
            "",
        ],
    );
}

fn digests_and_keys(kind: Taker<'_>) {
    kind(
        "digest",
        &[&format!("blake3:{BLAKE3}"), &format!("sha256:{SHA256}")],
        &[
            BLAKE3,
            &format!("blake3:{}", BLAKE3.to_uppercase()),
            &format!("BLAKE3:{BLAKE3}"),
            &format!("sha512:{SHA256}"),
            &format!("blake3:{}", &BLAKE3[1..]),
            &format!("blake3:{BLAKE3}0"),
            &format!("blake3: {BLAKE3}"),
            "blake3:",
            "",
        ],
    );
    kind(
        "public-key",
        &[KEY],
        &[
            "",
            &KEY[8..],
            &KEY.replace("ed25519", "Ed25519"),
            &KEY.replace('=', ""),
            &format!("{KEY}="),
            "ed25519:AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "ed25519:7v///////////////////////////////////////38=",
        ],
    );
}

const KEY: &str = "ed25519:A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";

const NAMES_BAD: [&str; 17] = [
    "", "shop", "Shop/web", "shop/", "/web", "a//b", "a/b..c", "a/b___c", "a/-b", "a/b-", "a/../b", "a/./b",
    "a/b+c", "a/ü", "a/b c", "a/b\n", "a/*",
];

fn list(texts: &[&str]) -> String {
    let lines: Vec<String> =
        texts.iter().map(|text| serde_json::to_string(text).expect("a text is JSON")).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}
