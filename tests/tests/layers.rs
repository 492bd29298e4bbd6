//! Fails on an import that points upwards. The layers are those of ARCHITECTURE.md:
//! `formats ← verify ← {registry, client} ← cli`, and inside the registry
//! `main → http → service → {log, blobs, retention} → {objects, index} → {config, clock}`.
//!
//! It reads source text only: no crate needs to compile for it. Code under `#[cfg(test)]` may import what it likes.

#[path = "layers/rules.rs"]
mod rules;
#[path = "layers/source.rs"]
mod source;
#[path = "layers/tokens.rs"]
mod tokens;

use std::path::{Path, PathBuf};

use rules::violations;
use source::SourceFile;

/// Every crate with layers: its name and its source folder below the workspace root.
const CRATES: [(&str, &str); 5] = [
    ("holdfast_formats", "schemas/formats/src"),
    ("holdfast_verify", "schemas/verify/src"),
    ("holdfast_registry", "registry/src"),
    ("holdfast_client", "client/src"),
    ("holdfast_cli", "client/cli/src"),
];

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for item in std::fs::read_dir(folder).expect("every folder of CRATES exists") {
        let path = item.expect("it is listable").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn crate_sources(krate: &str, folder: &str) -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let parse = |path: &PathBuf| {
        let relative = path.strip_prefix(&root).expect("it was listed below root");
        SourceFile::parse(krate, relative, &std::fs::read_to_string(path).expect("source is UTF-8"))
    };
    source::without_test_files(rust_files(&root).iter().map(parse).collect())
}

#[test]
fn no_import_points_upwards() {
    let mut found = Vec::new();
    for (krate, folder) in CRATES {
        let files = crate_sources(krate, folder);
        assert!(!files.is_empty(), "{folder} has no source files: has it moved?");
        found.extend(violations(&files));
    }
    assert!(found.is_empty(), "imports against the layers:\n{}", found.join("\n"));
}

fn planted(krate: &str, file: &str, text: &str) -> Vec<String> {
    violations(&[SourceFile::parse(krate, Path::new(file), text)])
}

#[test]
fn a_planted_upward_import_is_found_in_every_disguise() {
    for text in [
        "use crate::http::Router;",
        "use crate::{objects::Store, http::{self, Router}};",
        "fn f() -> u8 { crate::service::push() }",
        "use super::service;",
        "mod inner { fn f() { super::super::http::run() } }",
        "use super::{*, index};",
        "fn f(c: char) -> bool { c == '\"' || c == '\\'' } use crate::http::X;",
        "/* \" */ use r#crate::x; use crate::http::X;",
    ] {
        assert!(!planted("holdfast_registry", "log.rs", text).is_empty(), "{text}");
    }
    assert_eq!(planted("holdfast_registry", "log/commit.rs", "use super::super::service::X;").len(), 1);
    assert_eq!(planted("holdfast_registry", "objects/mod.rs", "use super::log::X;").len(), 1);
    assert_eq!(planted("holdfast_registry", "clock.rs", "pub use crate::objects::Store;").len(), 1);
}

#[test]
fn a_module_without_a_layer_is_found() {
    let found = planted("holdfast_registry", "lib.rs", "pub mod misc; pub mod log;");
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("misc"), "{found:?}");
}

#[test]
fn a_planted_cycle_between_neighbours_is_found() {
    let file = |name: &str, text: &str| SourceFile::parse("holdfast_registry", Path::new(name), text);
    let sideways = [file("log.rs", "use crate::blobs::B;"), file("blobs.rs", "fn f() {}")];
    assert!(violations(&sideways).is_empty());
    let cycle = [file("log.rs", "use crate::blobs::B;"), file("blobs.rs", "use crate::log::L;")];
    assert_eq!(violations(&cycle).len(), 1);
}

#[test]
fn a_crate_that_names_what_it_must_not_know_is_found() {
    for (krate, file, text) in [
        ("holdfast_formats", "digest.rs", "use holdfast_verify::Verified;"),
        ("holdfast_formats", "digest.rs", "use std::{fmt, fs::File};"),
        ("holdfast_verify", "judge.rs", "fn f() { let t = time::SystemTime::now(); }"),
        ("holdfast_verify", "judge.rs", "#[tokio::main] async fn f() {}"),
        ("holdfast_client", "lib.rs", "#[derive(clap::Parser)] struct A;"),
        ("holdfast_client", "lib.rs", "use holdfast_registry::log;"),
        ("holdfast_cli", "main.rs", "use holdfast_registry::log;"),
        ("holdfast_registry", "log/commit.rs", "use object_store::ObjectStore;"),
        ("holdfast_registry", "service/list.rs", "fn f(c: &rusqlite::Connection) {}"),
        ("holdfast_registry", "objects/mod.rs", "use rusqlite::Connection;"),
    ] {
        assert_eq!(planted(krate, file, text).len(), 1, "{krate} {file}: {text}");
    }
}

#[test]
fn what_the_layers_allow_is_not_reported() {
    for (krate, file, text) in [
        ("holdfast_registry", "log.rs", "use crate::{objects::Store, index::Index, clock::Clock};"),
        (
            "holdfast_registry",
            "log/commit.rs",
            "use super::{entry::Entry, queue}; use super::super::log::Log;",
        ),
        ("holdfast_registry", "objects/local.rs", "use object_store::local::LocalFileSystem;"),
        ("holdfast_registry", "index/mod.rs", "use rusqlite::Connection;"),
        (
            "holdfast_registry",
            "log.rs",
            "// use crate::http::X;\nconst S: &str = \"crate::http\"; fn f<'a>(x: &'a u8) {}",
        ),
        ("holdfast_registry", "log.rs", "#[cfg(test)] mod tests { use super::*; use crate::http::X; }"),
        (
            "holdfast_registry",
            "log.rs",
            "/* crate::http /* nested */ crate::http */ const R: &str = r#\"crate::http\"#;",
        ),
        (
            "holdfast_formats",
            "time.rs",
            "use std::time::Duration; #[cfg(test)] fn f() { std::fs::read(\"x\"); }",
        ),
    ] {
        let found = planted(krate, file, text);
        assert!(found.is_empty(), "{krate} {file}: {text}: {found:?}");
    }
}

#[test]
fn code_after_a_test_field_is_still_read() {
    for field in ["x: crate::http::X", "x: crate::http::X, y: u8"] {
        let text = format!("mod a {{ struct S {{ #[cfg(test)] {field} }} fn f() {{ super::http::run() }}");
        assert_eq!(planted("holdfast_registry", "log.rs", &text).len(), 0, "super is log here: {field}");
        let text = format!("{text} }} fn g() {{ super::http::run() }}");
        assert_eq!(planted("holdfast_registry", "log.rs", &text).len(), 1, "super is the root here: {field}");
    }
}

#[test]
fn the_file_of_a_test_module_is_left_out() {
    let parse = |name: &str, text: &str| SourceFile::parse("holdfast_formats", Path::new(name), text);
    let files = vec![
        parse("digest.rs", "#[cfg(test)]\nmod tests;"),
        parse("digest/tests.rs", "use std::fs::File;"),
        parse("name.rs", "use std::fs::File;"),
    ];
    let left = source::without_test_files(files);
    assert_eq!(violations(&left).len(), 1);
}
