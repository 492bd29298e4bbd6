//! What a statement must name as its subject. One function for both sides: whoever builds a statement asks it, and the
//! rule book accepts exactly its answer.
//!
//! | type | subject name | digests |
//! |---|---|---|
//! | `publish` | artifact name | the manifest's |
//! | `tag` | artifact name | the target's |
//! | `deploy`, `pin`, `hold`, `extend`, `delete` | artifact name | the artifact's |
//! | `deny` | the name that answers for it | the denied ones |
//! | `attest` | `blake3:<hex>`, one subject per digest pair | the attested ones |
//! | `freeze`, `rollback` | channel | nominal |
//! | `policy`, `grant`, `revoke`, `lift`, `thaw`, `unhold`, `scrub`, `sweep`, `swept` | origin | nominal |
//!
//! Nominal digests are those of [`Subject::nominal`]: origin, type and name, each on its line. The version is left to the
//! predicate, because a name with a version may be longer than a subject's name.

use holdfast_formats::digest::{Digests, NamedDigest};
use holdfast_formats::statement::{Header, Predicate, Statement, Subject};
use holdfast_formats::text::Label;

/// The statement that says this, with the subjects that its type demands.
pub fn statement(header: Header, predicate: impl Into<Predicate>) -> Statement {
    let predicate = predicate.into();
    let subject = expected_subjects(&header, &predicate);
    Statement { subject, header, predicate }
}

/// The subjects that a statement must have, in this order.
pub fn expected_subjects(header: &Header, predicate: &Predicate) -> Vec<Subject> {
    let nominal = |name: &str| vec![Subject::nominal(&header.log, predicate.kind(), label(name))];
    match predicate {
        Predicate::Publish(p) => about(p.name.as_str(), p.manifest.digests),
        Predicate::Tag(p) => about(p.name.as_str(), p.target.digests),
        Predicate::Deploy(p) => about(p.artifact.r#ref.name().as_str(), p.artifact.digests),
        Predicate::Pin(p) => about(p.artifact.r#ref.name().as_str(), p.artifact.digests),
        Predicate::Hold(p) => about(p.artifact.r#ref.name().as_str(), p.artifact.digests),
        Predicate::Extend(p) => about(p.artifact.r#ref.name().as_str(), p.artifact.digests),
        Predicate::Delete(p) => about(p.artifact.r#ref.name().as_str(), p.artifact.digests),
        Predicate::Deny(p) => about(p.name.as_str(), p.digests),
        Predicate::Attest(p) => p.subjects.iter().map(|s| by_digest(s.digests)).collect(),
        Predicate::Freeze(p) => nominal(p.channel.as_str()),
        Predicate::Rollback(p) => nominal(p.channel.as_str()),
        Predicate::Policy(_)
        | Predicate::Lift(_)
        | Predicate::Thaw(_)
        | Predicate::Unhold(_)
        | Predicate::Grant(_)
        | Predicate::Revoke(_)
        | Predicate::Scrub(_)
        | Predicate::Sweep(_)
        | Predicate::Swept(_) => nominal(header.log.as_str()),
    }
}

fn about(name: &str, digest: Digests) -> Vec<Subject> {
    vec![Subject { name: label(name), digest }]
}

fn by_digest(digest: Digests) -> Subject {
    Subject { name: label(&NamedDigest::Blake3(digest.blake3).to_string()), digest }
}

fn label(name: &str) -> Label {
    name.parse().expect("names and origins have 1 to 200 bytes and no NUL, so each of them is a label")
}

#[cfg(test)]
mod tests;
