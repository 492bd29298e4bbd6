//! Golden manifests: one of every kind, full and minimal where that differs, and what must be refused. And trust files,
//! the other JSON document that people keep.

use holdfast_formats::manifest::{Kind, Manifest};
use holdfast_formats::trust::Trust;
use serde_json::{Value, json};

use super::case::{Case, Cases};
use super::golden::folder;
use super::samples::{self, BLAKE3, SHA256};
use super::spans::{members, replaced};
use super::statements::swap;
use super::synthesis::{Chooser, Full, Minimal, synthesize};

/// All cases.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Cases::of("manifest", "json");
    for kind in Kind::ALL {
        cases.accept(&format!("{kind}-full"), written(&full(*kind)), "every field there is");
        cases.accept(
            &format!("{kind}-minimal"),
            written(&minimal(*kind)),
            "no file, nothing that may be left out",
        );
    }
    broken(&mut cases);
    broken_release(&mut cases);
    broken_snapshot(&mut cases);
    let mut all = cases.all();
    all.extend(trust());
    all
}

/// In the form that our writer gives it.
fn written(json: &Value) -> String {
    let manifest = Manifest::parse(json.to_string().as_bytes());
    let manifest = manifest.unwrap_or_else(|error| unreachable!("{error}: {json}"));
    String::from_utf8(manifest.to_bytes().expect("a manifest can be written")).expect("JSON is UTF-8")
}

/// A document of a schema that is checked in, or of one of its definitions.
fn of_schema(name: &str, definition: Option<&str>, chooser: &mut dyn Chooser) -> Value {
    let path = folder("json").join(format!("{name}.schema.json"));
    let root: Value = serde_json::from_slice(&std::fs::read(path).expect("the schemas are checked in"))
        .expect("a schema is JSON");
    let Some(definition) = definition else { return synthesize(&root, chooser).json };
    let mut schema = root["$defs"][definition].clone();
    schema["$defs"] = root["$defs"].clone();
    synthesize(&schema, chooser).json
}

fn minimal(kind: Kind) -> Value {
    manifest(kind, &mut Minimal)
}

fn full(kind: Kind) -> Value {
    let mut manifest = manifest(kind, &mut Full);
    let digests = json!({ "blake3": BLAKE3, "sha256": SHA256 });
    manifest["files"] = json!([
        { "path": "bin/web", "size": 0, "digests": digests, "mode": 493, "media_type": "application/octet-stream" },
        { "path": "etc/räume.toml", "size": 0, "digests": digests },
        { "path": "secret.age", "size": 0, "digests": digests, "stored": { "blob": BLAKE3, "scheme": "age", "key_id": SHA256 } },
    ]);
    manifest["labels"] = json!({ "team": "web" });
    manifest["links"] = json!([{ "rel": "source", "ref": "https://git.example/shop/web", "digest": format!("sha256:{SHA256}") }]);
    manifest["needs"] = json!([{ "name": "shop/db", "range": ">=3, <4" }]);
    manifest["data_class"] = json!("internal");
    if kind == Kind::Snapshot {
        manifest["files"] =
            json!([{ "path": "catalog", "size": 1, "digests": manifest["body"]["catalog"]["digest"] }]);
    }
    if kind == Kind::Release {
        let (mut db, mut web) = (component("db", 0), component("web", 1));
        db["after"] = json!([]);
        web["after"] = json!(["db"]);
        manifest["body"]["components"] = json!([db, web]);
    }
    manifest
}

fn manifest(kind: Kind, chooser: &mut dyn Chooser) -> Value {
    json!({
        "schema": kind.manifest_schema(),
        "files": [],
        "labels": {},
        "links": [],
        "body": body(kind, chooser),
    })
}

fn body(kind: Kind, chooser: &mut dyn Chooser) -> Value {
    let definition = match kind {
        Kind::Release => "ReleaseBody",
        Kind::Schema => "SchemaBody",
        Kind::Flags => "FlagsBody",
        Kind::Snapshot => "SnapshotBody",
        Kind::Build | Kind::Config | Kind::Runbook | Kind::Image => return json!({}),
    };
    let mut body = of_schema("manifest", Some(definition), chooser);
    if kind == Kind::Release {
        body["components"] = json!([]);
    }
    body
}

fn component(name: &str, stage: u32) -> Value {
    let mut component = of_schema("manifest", Some("Component"), &mut Full);
    component["name"] = json!(name);
    component["stage"] = json!(stage);
    component["ref"] = json!(format!("shop/{name}@1.4.2"));
    component["digest"] = json!(format!("blake3:{BLAKE3}"));
    component
}

fn broken(cases: &mut Cases) {
    let json = written(&full(Kind::Build));
    let file = |path: &str| swap(&json, "\"path\":\"bin/web\"", &format!("\"path\":\"{path}\""));
    for (name, bytes, why) in [
        (
            "unknown-key",
            swap(&json, "\"files\"", "\"extra\":1,\"files\""),
            "a key that manifests do not have",
        ),
        ("duplicate-key", swap(&json, "\"files\"", "\"files\":[],\"files\""), "two lists of files"),
        (
            "escaped-duplicate-key",
            swap(&json, "\"files\"", "\"\\u0066iles\":[],\"files\""),
            "two lists of files, one with an escape in its key",
        ),
        ("duplicate-label", swap(&json, "\"team\":", "\"team\":\"db\",\"team\":"), "one label twice"),
        (
            "null-for-absent",
            swap(&json, "\"data_class\":\"internal\"", "\"data_class\":null"),
            "null for an absent field",
        ),
        ("files-out-of-order", file("x/web"), "files that are not sorted by path"),
        ("file-twice", file("etc/räume.toml"), "one path twice"),
        ("path-absolute", file("/bin/web"), "an absolute path"),
        ("path-parent", file("../web"), "a path that leaves the folder"),
        ("path-dot", file("./bin/web"), "a path with a dot segment"),
        ("path-backslash", file("bin\\\\web"), "a backslash in a path"),
        ("path-drive", file("c:web"), "a colon in a path"),
        ("path-escape", file("bin/\\u001b[0mweb"), "a terminal escape in a path"),
        ("mode-large", swap(&json, "\"mode\":493", "\"mode\":65536"), "a mode of more than 16 bits"),
        ("size-float", swap(&json, "\"size\":0", "\"size\":0.0"), "a float for a size"),
        (
            "size-2-53",
            swap(&json, "\"size\":0", "\"size\":9007199254740992"),
            "2^53, which other readers round",
        ),
        ("digest-upper-case", swap(&json, SHA256, &SHA256.to_uppercase()), "a digest in upper case"),
        (
            "digest-other-algorithm",
            swap(&json, "\"sha256:", "\"sha512:"),
            "a digest of an algorithm that is not known",
        ),
        ("schema-unknown", swap(&json, ":build:v1", ":build:v2"), "a manifest of the future"),
        ("kind-unknown", swap(&json, ":build:v1", ":bundle:v1"), "a kind that is none"),
        (
            "body-unknown-key",
            swap(&json, "\"body\":{}", "\"body\":{\"x\":1}"),
            "a key in a body that has none",
        ),
        ("body-of-another-kind", swap(&json, ":build:v1", ":flags:v1"), "the body of another kind"),
        (
            "array-for-object",
            swap(
                &json,
                &format!("{{\"blake3\":\"{BLAKE3}\",\"sha256\":\"{SHA256}\"}}"),
                &format!("[\"{BLAKE3}\",\"{SHA256}\"]"),
            ),
            "a record as an array of its fields in their order",
        ),
        ("trailing-byte", format!("{json} x"), "a byte behind the document"),
        ("byte-order-mark", format!("\u{feff}{json}"), "a byte order mark before the document"),
        (
            "depth-200",
            swap(&json, "\"body\":{}", &format!("\"body\":{}{}", "[".repeat(200), "]".repeat(200))),
            "arrays 200 deep",
        ),
    ] {
        cases.reject(name, bytes, why);
    }
}

fn broken_snapshot(cases: &mut Cases) {
    let json = written(&full(Kind::Snapshot));
    let path = "\"path\":\"catalog\"";
    let files = members(&json).into_iter().find(|m| m.path == "/files").expect("it has files").value;
    let one = json[files.clone()].trim_matches(['[', ']']).to_owned();
    let other = swap(&one, path, "\"path\":\"data\"");
    for (name, files, why) in [
        ("snapshot-catalog-elsewhere", other.clone(), "a catalog under another name"),
        (
            "snapshot-catalog-other",
            swap(&one, SHA256, &"ab".repeat(32)),
            "a file that is not the catalog that the body names",
        ),
        ("snapshot-catalog-and-files", format!("{one},{other}"), "files besides a catalog"),
        ("snapshot-catalog-missing", String::new(), "a catalog that is no file"),
    ]
    .map(|(name, list, why)| (name, replaced(&json, files.clone(), &format!("[{list}]")), why))
    {
        cases.reject(name, files, why);
    }
}

fn broken_release(cases: &mut Cases) {
    let json = written(&full(Kind::Release));
    let first = members(&json)
        .into_iter()
        .find(|m| m.path == "/body/components/0/after")
        .expect("it is a full release");
    for (name, bytes, why) in [
        (
            "release-component-twice",
            swap(&json, "\"name\":\"web\"", "\"name\":\"db\""),
            "two components of one name",
        ),
        (
            "release-after-nothing",
            swap(&json, "\"after\":[\"db\"]", "\"after\":[\"api\"]"),
            "after a component that is not there",
        ),
        ("release-after-itself", swap(&json, "\"after\":[\"db\"]", "\"after\":[\"web\"]"), "after itself"),
        (
            "release-after-later-stage",
            replaced(&json, first.value, "[\"web\"]"),
            "after a component of a later stage",
        ),
        (
            "release-held-without-version",
            swap(&json, "\"ref\":\"shop/web@1.4.2\"", "\"ref\":\"shop/web\""),
            "a held component without its version",
        ),
        (
            "release-held-by-sha256",
            swap(&json, &format!("blake3:{BLAKE3}"), &format!("sha256:{SHA256}")),
            "a held component by its SHA-256",
        ),
        (
            "release-role-unknown",
            swap(&json, "\"role\":\"code\"", "\"role\":\"binary\""),
            "a role that is none",
        ),
        (
            "release-undo-unknown",
            swap(&json, "\"mode\":\"redeploy\"", "\"mode\":\"hope\""),
            "a way to undo that is none",
        ),
    ] {
        cases.reject(name, bytes, why);
    }
}

fn trust() -> Vec<Case> {
    let mut cases = Cases::of("trust", "json");
    let mut document = of_schema("trust", None, &mut Minimal);
    document["url"] = json!("https://registry.example");
    document["origin"] = json!(samples::ORIGIN);
    let file = |document: &Value| {
        let trust = Trust::parse(document.to_string().as_bytes()).expect("it is a trust file");
        String::from_utf8(trust.to_bytes().expect("it can be written")).expect("JSON is UTF-8")
    };
    let minimal = file(&document);
    cases.accept("trust-minimal", &minimal, "what a client starts from");
    document["witnesses"] = json!({
        "keys": ["registry.example/log+952bc5e7+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"], "quorum": 1,
    });
    let full = file(&document);
    cases.reject(
        "trust-unknown-key",
        swap(&full, "\"url\"", "\"extra\": 1, \"url\""),
        "a key that trust files do not have",
    );
    cases.reject(
        "trust-null-for-absent",
        swap(&minimal, "\"head_max_age_s\"", "\"witnesses\": null, \"head_max_age_s\""),
        "null for an absent field",
    );
    cases.reject(
        "trust-key-id-wrong",
        swap(&full, "+952bc5e7+", "+952bc5e8+"),
        "a witness key whose id is another's",
    );
    cases.accept("trust-full", full, "with witnesses");
    cases.all()
}
