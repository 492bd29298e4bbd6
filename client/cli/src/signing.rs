//! What every signing command has in common: it signs and submits, or leaves the statement to be signed by several.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use holdfast_client::keys::Signer;
use holdfast_client::{Draft, Registry, Submitted};
use holdfast_formats::statement::{Annotations, Context};
use holdfast_formats::text::{Label, Text};

use crate::failure::Failure;
use crate::moment::parse_duration;
use crate::pipeline::Pipeline;
use crate::session::Session;

/// How long a statement that is signed and sent at once may take.
const AT_ONCE: Duration = Duration::from_mins(10);
/// How long people may take who sign one after the other.
const AMONG_SEVERAL: Duration = Duration::from_hours(24);

/// Options of every command that signs.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Signing")]
pub(crate) struct Signing {
    /// Write the unsigned statement to FILE instead, for `holdfast sign` and `holdfast submit`
    #[arg(long, value_name = "FILE")]
    prepare: Option<PathBuf>,
    /// How long the statement may be submitted; 10m, with --prepare 1d, at most 7d
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    valid_for: Option<Duration>,
    /// Attach a note; it never affects anything
    #[arg(long = "note", value_name = "KEY=VALUE", value_parser = parse_note)]
    notes: Vec<(Label, Text<4096>)>,
    /// Name the incident this belongs to
    #[arg(long = "incident", value_name = "ID")]
    incidents: Vec<Label>,
    /// Leave out which run of which commit this is, which the environment of GitHub Actions and GitLab CI says
    #[arg(long)]
    no_pipeline: bool,
}

impl Signing {
    /// The draft with notes, context and time to live as the options say.
    pub(crate) fn completed(&self, mut draft: Draft) -> Draft {
        draft.valid_for =
            self.valid_for.unwrap_or(if self.prepare.is_some() { AMONG_SEVERAL } else { AT_ONCE });
        if !self.notes.is_empty() {
            draft.annotations = Some(self.notes.iter().cloned().collect::<Annotations>());
        }
        let (run, source) = self.pipeline().map_or((None, None), |pipeline| (pipeline.run, pipeline.source));
        if !self.incidents.is_empty() || run.is_some() || source.is_some() {
            let context = draft.context.get_or_insert(Context {
                incident: None,
                traceparent: None,
                run: None,
                runbook: None,
                source: None,
            });
            context.incident = (!self.incidents.is_empty()).then(|| self.incidents.clone());
            context.run = context.run.take().or(run);
            context.source = context.source.take().or(source);
        }
        draft
    }

    /// The pipeline that this is part of, unless it is to be left out.
    pub(crate) fn pipeline(&self) -> Option<Pipeline> {
        if self.no_pipeline { None } else { Pipeline::of_environment() }
    }

    /// Whether the statement is only prepared, for others to sign.
    pub(crate) const fn is_prepared(&self) -> bool {
        self.prepare.is_some()
    }

    /// The same as [`Signing::log`], signed with more keys of this user besides.
    pub(crate) async fn log_also_by(
        &self,
        draft: Draft,
        keys: &[PathBuf],
        registry: &Registry,
        session: &Session,
    ) -> anyhow::Result<Option<Submitted>> {
        if keys.is_empty() {
            return self.log(draft, registry, session).await;
        }
        let mut prepared = registry.prepare(self.completed(draft))?.signed_by(registry.signer()?).await?;
        for file in keys {
            prepared = prepared.signed_by(&Signer::open(file)?).await?;
        }
        Ok(Some(registry.submit_prepared(&prepared).await?))
    }

    /// Signs and submits the draft; with `--prepare` writes it, says so, and gives nothing.
    pub(crate) async fn log(
        &self,
        draft: Draft,
        registry: &Registry,
        session: &Session,
    ) -> anyhow::Result<Option<Submitted>> {
        let draft = self.completed(draft);
        let Some(file) = &self.prepare else { return Ok(Some(registry.submit(draft).await?)) };
        write_new(file, &registry.prepare(draft)?.to_json()?)?;
        let shown = file.display();
        session.output().note(format!(
            "nothing is signed yet: run `holdfast sign {shown}`, then `holdfast submit {shown}`"
        ));
        Ok(None)
    }
}

/// Writes a file that must not exist yet.
pub(crate) fn write_new(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut out = std::fs::File::create_new(file).map_err(|e| {
        Failure::usage(format!("cannot create {}: {e}", file.display()))
            .with_hint("name a file that does not exist yet")
    })?;
    out.write_all(bytes).with_context(|| format!("cannot write {}", file.display()))
}

fn parse_note(text: &str) -> Result<(Label, Text<4096>), String> {
    parse_pair(text)
}

/// Reads `KEY=VALUE`.
pub(crate) fn parse_pair<K, V>(text: &str) -> Result<(K, V), String>
where
    K: std::str::FromStr<Err: std::fmt::Display>,
    V: std::str::FromStr<Err: std::fmt::Display>,
{
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
    Ok((key.parse().map_err(|e| format!("{e}"))?, value.parse().map_err(|e| format!("{e}"))?))
}
