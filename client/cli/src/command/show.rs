//! `show`: one artifact, verified.

use holdfast_client::ArtifactRecord;
use holdfast_formats::manifest::{Body, Component, File, ManifestDocument, SnapshotBody};
use holdfast_formats::reference::Reference;
use holdfast_formats::statement::{Predicate, Publish};
use indicatif::HumanBytes;
use serde_json::{Value, json};

use crate::output::{Answer, Line, Variables};
use crate::session::Session;

const AFTER_HELP: &str = "\
Examples:
  holdfast show shop/web@1.4.2
  holdfast show channel:shop/prod
  holdfast show shop/web@1.4.2 --format oci-ref";

/// Files that a person is shown; programs get all of them.
const FILES_SHOWN: usize = 40;

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Which artifact
    #[arg(value_name = "REF")]
    reference: Reference,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        let record = registry.artifact(&self.reference).await?;
        let artifact = record.artifact();
        let variables = Variables::none()
            .with("HOLDFAST_REF", artifact.r#ref.to_string())?
            .with("HOLDFAST_DIGEST", format!("blake3:{}", artifact.digests.blake3))?
            .with("HOLDFAST_SHA256", artifact.digests.sha256.to_string())?
            .with("HOLDFAST_KIND", record.kind().to_string())?;
        let answer = Answer::new(&view(&record)?)?
            .with_lines(head(&record))
            .with_lines(standing(&record))
            .with_lines(origin(&record))
            .with_lines(body(&record.manifest().body))
            .with_lines(files(&record.manifest().files))
            .with_lines(said(&record))
            .with_variables(variables)
            .with_oci_refs(vec![oci_ref(&registry.url(), artifact)]);
        session.output().answer(&answer)
    }
}

/// The artifact as an OCI client names it: by the SHA-256 of its manifest.
pub(super) fn oci_ref(url: &str, artifact: &holdfast_formats::statement::Artifact) -> String {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest).trim_end_matches('/');
    format!("{host}/{}@sha256:{}", artifact.r#ref.name(), artifact.digests.sha256)
}

fn view(record: &ArtifactRecord) -> anyhow::Result<Value> {
    let manifest: ManifestDocument = serde_json::from_slice(record.manifest_bytes())?;
    let denies: Vec<Value> =
        record.denies().iter().map(|(index, deny)| json!({ "index": index, "deny": deny })).collect();
    let attests: Vec<Value> =
        record.attests().iter().map(|(index, attest)| json!({ "index": index, "attest": attest })).collect();
    let holds: Vec<Value> =
        record.holds().iter().map(|(index, hold)| json!({ "index": index, "hold": hold })).collect();
    Ok(json!({
        "ref": record.artifact().r#ref,
        "digests": record.artifact().digests,
        "kind": record.kind(),
        "published_at": record.published_at(),
        "index": record.receipt().index,
        "scrubbed": record.scrub().is_some(),
        "denies": denies,
        "attests": attests,
        "holds": holds,
        "until": record.until(),
        "ended": record.ended(),
        "deleted": record.deleted(),
        "build": published(record).and_then(|publish| publish.build.as_ref()),
        "keep": published(record).and_then(|publish| publish.keep.as_ref()),
        "context": record.publish().get().statement().header.context,
        "manifest": manifest,
    }))
}

fn published(record: &ArtifactRecord) -> Option<&Publish> {
    match &record.publish().get().statement().predicate {
        Predicate::Publish(publish) => Some(publish),
        _ => None,
    }
}

/// Which run of which commit it came from, as its publisher says.
fn origin(record: &ArtifactRecord) -> Vec<Line> {
    let context = record.publish().get().statement().header.context.as_ref();
    let commit = context
        .and_then(|context| context.source.as_ref())
        .map(|source| format!("  commit     {} of {} ({})", source.git_commit, source.repo, source.r#ref));
    let run = context
        .and_then(|context| context.run.as_ref())
        .map(|run| format!("  run        {} ({}, attempt {})", run.url, run.system, run.attempt));
    let built = published(record)
        .and_then(|publish| publish.build.as_ref())
        .map(|build| format!("  built by   {}", build.builder_id));
    let class = record.manifest().data_class.as_ref().map(|class| format!("  data       {class}"));
    [commit, run, built, class].into_iter().flatten().map(Line::plain).collect()
}

fn head(record: &ArtifactRecord) -> Vec<Line> {
    let artifact = record.artifact();
    let manifest = record.manifest();
    let mut lines = vec![
        Line::heading(artifact.r#ref.to_string()),
        Line::plain(format!("  kind       {}", record.kind())),
        Line::plain(format!("  blake3     {}", artifact.digests.blake3)),
        Line::plain(format!("  sha256     {}", artifact.digests.sha256)),
        Line::plain(format!("  published  {} as entry {}", record.published_at(), record.receipt().index)),
        Line::plain(format!("  size       {}", HumanBytes(manifest.size_bytes()))),
        Line::plain(match record.scrub() {
            Some(_) => "  read back  yes".to_owned(),
            None => "  read back  not yet; a pin waits for it".to_owned(),
        }),
    ];
    lines.extend(
        manifest.labels.iter().map(|(key, value)| Line::plain(format!("  label      {key}={value}"))),
    );
    lines.extend(
        manifest
            .needs
            .iter()
            .flatten()
            .map(|need| Line::plain(format!("  needs      {} {}", need.name, need.range))),
    );
    lines
}

/// Until when it stays, or how it ended.
fn standing(record: &ArtifactRecord) -> Vec<Line> {
    if let Some(ended) = record.ended() {
        let why = match record.deleted() {
            Some(delete) => format!("deleted by entry {} at {}: {}", ended.entry, ended.time, delete.reason),
            None => format!("swept by entry {} at {}, because nothing kept it", ended.entry, ended.time),
        };
        return vec![Line::alarm(format!("  ended      {why}"))];
    }
    let until = record.until().map_or_else(|| "somebody deletes it".to_owned(), |until| until.to_string());
    let holds = record.holds().iter().map(|(index, hold)| {
        Line::caution(format!("  held       by entry {index} for {}: {}", hold.case, hold.reason))
    });
    let kept = Line::plain(format!("  kept       until {until} at least; `holdfast retention` says why"));
    std::iter::once(kept).chain(holds).collect()
}

fn body(body: &Body) -> Vec<Line> {
    match body {
        Body::Release(release) => {
            let order = release.deployment_order().unwrap_or_default();
            std::iter::once(Line::heading("components, in the order they are deployed"))
                .chain(order.into_iter().map(component))
                .collect()
        }
        Body::Schema(schema) => vec![Line::plain(format!(
            "  schema     {} from {} to {}, {} migration(s), for applications {}",
            schema.engine,
            schema.from_state,
            schema.to_state,
            schema.migrations.len(),
            schema.app_range
        ))],
        Body::Flags(flags) => {
            vec![Line::plain(format!(
                "  flags      {} {} {} at {}",
                flags.provider, flags.project, flags.environment, flags.revision
            ))]
        }
        Body::Snapshot(snapshot) => snapshot_lines(snapshot),
        Body::None(_) => Vec::new(),
    }
}

fn component(component: &Component) -> Line {
    let (name, role, undo) = (component.name.as_str(), component.role.as_str(), component.undo.mode);
    let digest: String = component.digest.to_string().chars().take("blake3:".len() + 16).collect();
    let (reference, custody) = (&component.r#ref, component.custody);
    Line::plain(format!(
        "  {:>3}  {name:<12} {role:<8} {reference}  {digest}  {custody}, undo by {undo}",
        component.stage
    ))
}

fn snapshot_lines(snapshot: &SnapshotBody) -> Vec<Line> {
    let source = &snapshot.source;
    let as_of = &snapshot.data_as_of;
    vec![
        Line::plain(format!(
            "  source     {} {} {}: {}",
            source.system_id, source.engine, source.version, source.dataset
        )),
        Line::plain(format!(
            "  data as of {} to {}, {} consistent",
            as_of.not_before, as_of.not_after, snapshot.consistency
        )),
    ]
}

fn files(files: &[File]) -> Vec<Line> {
    if files.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![Line::heading(format!("{} file(s)", files.len()))];
    lines.extend(files.iter().take(FILES_SHOWN).map(|file| {
        let digest: String = file.digests.blake3.to_string().chars().take(16).collect();
        Line::plain(format!(
            "  {:04o}  {digest}  {:>11}  {}",
            file.mode.unwrap_or(0o644),
            HumanBytes(file.size.get()).to_string(),
            file.path
        ))
    }));
    if files.len() > FILES_SHOWN {
        lines.push(Line::plain(format!(
            "  … and {} more; --format json lists all",
            files.len() - FILES_SHOWN
        )));
    }
    lines
}

fn said(record: &ArtifactRecord) -> Vec<Line> {
    let denies = record
        .denies()
        .iter()
        .map(|(index, deny)| Line::alarm(format!("denied by entry {index}: {}", deny.reason)));
    let attests = record
        .attests()
        .iter()
        .map(|(index, a)| Line::plain(format!("attested by entry {index}: {}", a.envelope.predicate_type)));
    denies.chain(attests).collect()
}

#[cfg(test)]
mod tests {
    use holdfast_formats::digest::Digests;
    use holdfast_formats::statement::Artifact;

    use super::*;

    #[test]
    fn an_oci_reference_names_the_manifest_by_its_sha256() {
        let artifact = Artifact { r#ref: "shop/web@1.4.2".parse().unwrap(), digests: Digests::of(b"{}") };
        let wanted = format!("127.0.0.1:7420/shop/web@sha256:{}", artifact.digests.sha256);
        assert_eq!(oci_ref("http://127.0.0.1:7420/", &artifact), wanted);
    }
}
