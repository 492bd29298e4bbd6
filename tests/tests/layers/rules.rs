//! The layers themselves: which crate may name what, and which module of the registry stands above which.

use std::collections::BTreeSet;

use super::source::{PathUse, SourceFile};

/// The registry's modules from the bottom up. Neighbours on one level may know each other in one direction.
const REGISTRY_LEVELS: [&[&str]; 7] = [
    &["config", "clock", "telemetry", "randomness", "blocking", "folder_lock"],
    &["objects", "index"],
    &["log", "blobs", "retention", "oidc", "witness"],
    &["service"],
    &["http"],
    &["node"],
    &["command"],
];

/// What the pure crates must not name: input, output, clocks, threads, async.
const IMPURE: [&str; 12] = [
    "tokio",
    "object_store",
    "rusqlite",
    "axum",
    "hyper",
    "reqwest",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::SystemTime",
    "std::time::Instant",
];

/// The paths that a module of this crate must not name.
fn forbidden(file: &SourceFile) -> Vec<&'static str> {
    match file.krate.as_str() {
        "holdfast_formats" => {
            [&["holdfast_verify", "holdfast_registry", "holdfast_client", "clap"], &IMPURE[..]].concat()
        }
        "holdfast_verify" => [&["holdfast_registry", "holdfast_client", "clap"], &IMPURE[..]].concat(),
        "holdfast_client" => {
            let buckets: &[&str] =
                if file.top_module() == Some("audit") { &[] } else { &["object_store", "redb"] };
            [&["holdfast_registry", "holdfast_cli", "clap", "rusqlite", "axum"], buckets].concat()
        }
        "holdfast_cli" => vec!["holdfast_registry", "object_store", "rusqlite", "axum"],
        "holdfast_registry" => {
            let owned = [("object_store", "objects"), ("rusqlite", "index")];
            let others =
                owned.iter().filter(|(_, owner)| file.top_module() != Some(*owner)).map(|(name, _)| *name);
            others.chain(["holdfast_client", "holdfast_cli"]).collect()
        }
        other => unreachable!("{other} has no rule: add it here"),
    }
}

fn names(path: &PathUse, forbidden: &str) -> bool {
    let wanted: Vec<&str> = forbidden.split("::").collect();
    let clock_type = forbidden == "std::time::SystemTime" && path.segments.iter().any(|s| s == "SystemTime");
    clock_type
        || (path.segments.len() > 1 && path.segments.iter().map(String::as_str).take(wanted.len()).eq(wanted))
}

fn level(module: &str) -> Option<usize> {
    REGISTRY_LEVELS.iter().position(|names| names.contains(&module))
}

/// Every violation in these files of one crate, as one line a person can act on.
pub(crate) fn violations(files: &[SourceFile]) -> Vec<String> {
    let mut found = Vec::new();
    let mut sideways = BTreeSet::new();
    for file in files {
        let forbidden = forbidden(file);
        for path in &file.paths {
            let hit = forbidden.iter().find(|name| names(path, name));
            found.extend(hit.map(|name| format!("{file}:{}: must not name {name}", path.line)));
        }
        if file.krate == "holdfast_registry" {
            found.extend(modules_without_level(file));
            found.extend(file.paths.iter().filter_map(|path| upward(file, path, &mut sideways)));
        }
    }
    for (from, to) in &sideways {
        if from < to && sideways.contains(&(to.clone(), from.clone())) {
            found.push(format!(
                "holdfast_registry: {from} and {to} import each other: one of them must not know the other"
            ));
        }
    }
    found
}

fn modules_without_level(file: &SourceFile) -> Vec<String> {
    if file.name != "lib.rs" {
        return Vec::new();
    }
    let unknown = file.modules.iter().filter(|module| level(module).is_none());
    unknown.map(|module| format!("{file}: module {module} has no layer: add it to REGISTRY_LEVELS")).collect()
}

/// Says why this path points upwards, or remembers that it points sideways.
fn upward(file: &SourceFile, path: &PathUse, sideways: &mut BTreeSet<(String, String)>) -> Option<String> {
    let from = file.top_module()?;
    let target = path.resolve()?;
    let to = target.first().map_or("*", String::as_str);
    if to == from {
        return None;
    }
    let at = format!("{file}:{}", path.line);
    match (level(from), level(to)) {
        (Some(own), Some(other)) if other > own => {
            Some(format!("{at}: {from} must not import {to}, which is above it"))
        }
        (Some(own), Some(other)) if other == own => {
            sideways.insert((from.to_owned(), to.to_owned()));
            None
        }
        (Some(_), Some(_)) => None,
        (None, _) => Some(format!("{at}: module {from} has no layer: add it to REGISTRY_LEVELS")),
        (Some(_), None) => {
            Some(format!("{at}: crate::{to} has no layer: import it from the module that owns it"))
        }
    }
}
