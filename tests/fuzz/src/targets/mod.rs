//! The targets, one file each. A target takes any bytes; it ends the process when a rule does not hold.

mod blob_record;
#[cfg(feature = "programs")]
mod bundle;
mod catalog;
mod checkpoint;
mod chunk;
mod commit;
mod entry;
mod entry_bundle;
mod envelope;
mod known_good;
mod manifest;
mod note;
#[cfg(feature = "programs")]
mod private_key;
mod problem;
#[cfg(feature = "programs")]
mod routes;
#[cfg(feature = "programs")]
mod settings;
mod statement;
#[cfg(feature = "programs")]
mod stored_chunk;
mod texts;
mod tlog_proof;
mod trust;
mod wire;

/// What is fuzzed, and from what on.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&[u8]),
    /// The kinds of golden vectors that it begins with.
    pub(crate) kinds: &'static [&'static str],
    /// Inputs that no vector has.
    pub(crate) examples: &'static [&'static [u8]],
}

const fn target(
    name: &'static str,
    run: fn(&[u8]),
    kinds: &'static [&'static str],
    examples: &'static [&'static [u8]],
) -> Target {
    Target { name, run, kinds, examples }
}

/// Every target.
pub(crate) const ALL: &[Target] = &[
    target("blob-record", blob_record::run, &["blob-record"], &[]),
    #[cfg(feature = "programs")]
    target("bundle", bundle::run, &[], bundle::EXAMPLES),
    target("catalog", catalog::run, &["catalog"], &[]),
    target("checkpoint", checkpoint::run, &["checkpoint", "note"], &[]),
    target("chunk", chunk::run, &["chunk"], &[]),
    target("commit", commit::run, &["commit"], &[]),
    target("entry", entry::run, &["entry"], &[]),
    target("entry-bundle", entry_bundle::run, &["bundle-of-3"], &[]),
    target("envelope", envelope::run, &["envelope"], &[]),
    target("known-good", known_good::run, &[], &[]),
    target("manifest", manifest::run, &["manifest"], &[]),
    target("note", note::run, &["note", "checkpoint"], &[]),
    #[cfg(feature = "programs")]
    target("private-key", private_key::run, &[], private_key::EXAMPLES),
    target("problem", problem::run, &[], problem::EXAMPLES),
    #[cfg(feature = "programs")]
    target("routes", routes::run, &[], routes::EXAMPLES),
    #[cfg(feature = "programs")]
    target("settings", settings::run, &[], settings::EXAMPLES),
    target("statement", statement::run, &["statement"], &[]),
    #[cfg(feature = "programs")]
    target("stored-chunk", stored_chunk::run, &["chunk"], stored_chunk::EXAMPLES),
    target("texts", texts::run, texts::KINDS, texts::EXAMPLES),
    target("tlog-proof", tlog_proof::run, &["tlog-proof"], &[]),
    target("trust", trust::run, &["trust"], &[]),
    target("wire", wire::run, &["envelope", "statement", "manifest"], wire::EXAMPLES),
];
