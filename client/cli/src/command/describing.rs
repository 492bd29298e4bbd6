//! What `push` and `release` say of what they publish: labels, needs, windows, data class, and how it was built.

use std::path::PathBuf;

use anyhow::Context as _;
use holdfast_client::About;
use holdfast_formats::digest::Digests;
use holdfast_formats::manifest::Need;
use holdfast_formats::statement::{Build, Keep, WindowMode};
use holdfast_formats::text::Label;
use holdfast_formats::version::Version;

use crate::failure::Failure;
use crate::moment::Moment;
use crate::pipeline::Pipeline;
use crate::session::Session;
use crate::signing::{Signing, parse_pair};

/// Options that describe what is published.
#[derive(Debug, clap::Args)]
pub(super) struct Describing {
    /// A free label
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = parse_label)]
    labels: Vec<(Label, Label)>,
    /// Something that must be there for it to work, in a range of versions
    #[arg(long = "needs", value_name = "NAME=RANGE", value_parser = parse_need)]
    needs: Vec<Need>,
    /// How sensitive its data is, in your own words
    #[arg(long, value_name = "CLASS")]
    data_class: Option<Label>,
    /// Keep it at least so long: a duration from now such as 2y, or a time
    #[arg(long, value_name = "WHEN")]
    keep: Option<Moment>,
    /// Keep it by this retention class of the policy; the kind's own when left out
    #[arg(long, value_name = "CLASS")]
    keep_class: Option<Label>,
    /// How strictly, never less than the policy says: compliance or governance
    #[arg(long, value_name = "MODE")]
    keep_mode: Option<WindowMode>,
    /// The version that it takes the place of
    #[arg(long, value_name = "VERSION")]
    supersedes: Option<Version>,
    #[command(flatten)]
    building: Building,
}

/// How it was built. In GitHub Actions and GitLab CI the environment says so, unless an option does.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Build")]
struct Building {
    /// Who built it; in GitHub Actions and GitLab CI the runner
    #[arg(id = "build_by", long = "build-by", value_name = "ID")]
    by: Option<Label>,
    /// Which run built it; in GitHub Actions and GitLab CI this one
    #[arg(id = "build_run", long = "build-run", value_name = "ID")]
    run: Option<Label>,
    /// What kind of build it was
    #[arg(id = "build_type", long = "build-type", value_name = "TYPE")]
    kind: Option<Label>,
    /// An envelope with the build's provenance, which is named by its digests; `holdfast attest` stores it
    #[arg(id = "build_provenance", long = "build-provenance", value_name = "FILE")]
    provenance: Vec<PathBuf>,
}

impl Describing {
    /// What the options and the pipeline say.
    pub(super) fn about(&self, signing: &Signing) -> anyhow::Result<About> {
        let until = self.keep.map(|when| when.ahead_of(Session::now()));
        let keep = Keep { class: self.keep_class.clone(), until, mode: self.keep_mode };
        let says = keep.class.is_some() || keep.until.is_some() || keep.mode.is_some();
        Ok(About {
            labels: self.labels.clone(),
            needs: self.needs.clone(),
            data_class: self.data_class.clone(),
            keep: says.then_some(keep),
            build: self.building.build(signing.pipeline())?,
            supersedes: self.supersedes.clone(),
            ..About::nothing()
        })
    }
}

impl Building {
    fn build(&self, pipeline: Option<Pipeline>) -> anyhow::Result<Option<Build>> {
        let found = pipeline.and_then(|pipeline| pipeline.build);
        let of = |own: &Option<Label>, found: Option<Label>| own.clone().or(found);
        let by = of(&self.by, found.as_ref().map(|build| build.builder_id.clone()));
        let run = of(&self.run, found.as_ref().map(|build| build.invocation_id.clone()));
        let kind = of(&self.kind, found.map(|build| build.build_type));
        match (by, run, kind) {
            (Some(builder_id), Some(invocation_id), Some(build_type)) => {
                let provenance = self.provenance.iter().map(digests_of).collect::<Result<_, _>>()?;
                Ok(Some(Build { builder_id, invocation_id, build_type, provenance }))
            }
            _ if self.is_empty() => Ok(None),
            _ => Err(Failure::usage("how it was built is said in part only")
                .with_hint("give --build-by, --build-run and --build-type together")
                .into()),
        }
    }

    fn is_empty(&self) -> bool {
        let ids = [&self.by, &self.run, &self.kind];
        ids.iter().all(|id| id.is_none()) && self.provenance.is_empty()
    }
}

fn digests_of(file: &PathBuf) -> anyhow::Result<Digests> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(Digests::of(&bytes))
}

fn parse_label(text: &str) -> Result<(Label, Label), String> {
    parse_pair(text)
}

fn parse_need(text: &str) -> Result<Need, String> {
    parse_pair(text).map(|(name, range)| Need { name, range })
}
