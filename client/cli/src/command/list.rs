//! `list`: which artifacts there are.

use holdfast_client::Registry;
use holdfast_formats::manifest::Kind;
use holdfast_formats::name::ArtifactName;
use holdfast_formats::text::Label;
use holdfast_formats::wire::v1::{ArtifactSummary, ExitCode, ListQuery};
use indicatif::HumanBytes;

use crate::failure::Failure;
use crate::output::{Answer, Line};
use crate::session::Session;

const AFTER_HELP: &str = "\
Examples:
  holdfast list
  holdfast list shop/ --kind release
  holdfast list shop/web@ --format json
  holdfast list shop/ --ended";

/// Artifacts asked for at a time.
const PAGE: u32 = 500;
/// Pages that bring nothing, because none of their artifacts may be read: beyond so many the list is given up.
const EMPTY_PAGES_MAX: u32 = 1000;

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Only names that begin so
    prefix: Option<Label>,
    /// Only this kind
    #[arg(long, value_name = "KIND")]
    kind: Option<Kind>,
    /// How many at most
    #[arg(long, short = 'n', default_value_t = 1000, value_name = "N")]
    limit: u32,
    /// Also what has ended
    #[arg(long)]
    ended: bool,
}

/// Every artifact of one name and kind that the caller may read.
pub(super) async fn all_of(
    registry: &Registry,
    name: &ArtifactName,
    kind: Kind,
) -> anyhow::Result<Vec<ArtifactSummary>> {
    let prefix = Some(format!("{name}@").parse()?);
    let (mut found, _) =
        Args { prefix, kind: Some(kind), limit: u32::MAX, ended: false }.read(registry).await?;
    found.retain(|summary| summary.artifact.r#ref.name() == name);
    Ok(found)
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let (artifacts, more) = self.read(&session.registry()?).await?;
        session.output().answer(&Answer::new(&artifacts)?.with_lines(artifacts.iter().map(line)))?;
        if more {
            session
                .output()
                .note(format!("there are more than {}: name a longer prefix, or raise --limit", self.limit));
        }
        Ok(())
    }

    async fn read(&self, registry: &Registry) -> anyhow::Result<(Vec<ArtifactSummary>, bool)> {
        let mut artifacts: Vec<ArtifactSummary> = Vec::new();
        let (mut after, mut empty) = (None, 0);
        loop {
            let left = self.limit.saturating_sub(u32::try_from(artifacts.len()).unwrap_or(u32::MAX));
            if left == 0 {
                return Ok((artifacts, after.is_some()));
            }
            let query = ListQuery {
                prefix: self.prefix.clone(),
                kind: self.kind,
                after,
                limit: Some(left.min(PAGE)),
                ended: self.ended.then_some(true),
            };
            let page = registry.list(&query).await?;
            empty += u32::from(page.artifacts.is_empty());
            if empty > EMPTY_PAGES_MAX {
                let why = "the registry goes on without naming an artifact; name a prefix that you may read";
                return Err(Failure::new(ExitCode::Integrity, why).into());
            }
            artifacts.extend(page.artifacts);
            after = page.next;
            if after.is_none() {
                return Ok((artifacts, false));
            }
        }
    }
}

fn line(summary: &ArtifactSummary) -> Line {
    let size = HumanBytes(summary.size_bytes.get()).to_string();
    let line = format!(
        "{}  {:<8}  {size:>11}  {}{}",
        summary.time,
        summary.kind.as_str(),
        summary.artifact.r#ref,
        standing(summary)
    );
    if summary.ended.is_some() { Line::caution(line) } else { Line::plain(line) }
}

/// Until when it stays, where somebody said so; how it ended.
fn standing(summary: &ArtifactSummary) -> String {
    if let Some(ended) = summary.ended {
        return format!("  ended by entry {ended}");
    }
    let until = summary.until.map_or_else(String::new, |until| format!("  kept until {until}"));
    let held =
        if summary.holds.get() > 0 { format!("  held {} time(s)", summary.holds) } else { String::new() };
    until + &held
}
