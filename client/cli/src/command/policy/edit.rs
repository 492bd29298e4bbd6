//! `policy edit`: any change, in an editor or from a file.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use holdfast_formats::policy::Policy;
use holdfast_formats::wire::v1::ExitCode;

use super::change::Changing;
use super::text;
use crate::failure::Failure;
use crate::session::Session;

const AFTER_HELP: &str = "\
Lengths of time may be written as 400d or 12h, as they stand in the editor. A window that gets shorter holds for what is \
published from then on; what is there keeps its own. Number and predecessor are filled in. The difference is shown and, on a terminal, confirmed before it is signed; --yes leaves \
the question out. The threshold of the current and of the new root keys must sign; with more than one, use --prepare.

Examples:
  holdfast policy edit
  holdfast policy edit --file policy.json
  holdfast policy edit --file policy.json --prepare p2.json";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Take the new policy from a file, in the form of `policy show --format json`
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    changing: Changing,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        let (index, current) = registry.policy().await?;
        let text = match self.file {
            Some(file) => std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?,
            None => in_editor(&current)?,
        };
        let wanted = text::read(&text)?;
        check_base(&current, &wanted)?;
        self.changing.log(&registry, (index, current), wanted, session).await
    }
}

/// A policy that was written from another one than that in force would undo what came in between.
fn check_base(current: &Policy, wanted: &Policy) -> Result<(), Failure> {
    if wanted.number == current.number {
        return Ok(());
    }
    let (from, now) = (wanted.number, current.number);
    let message = format!("the new policy was written from policy {from}, but policy {now} is in force");
    Err(Failure::new(ExitCode::Conflict, message)
        .with_hint("begin with `holdfast policy show --format json` again"))
}

/// Lets a person change the policy in their editor.
fn in_editor(current: &Policy) -> anyhow::Result<Vec<u8>> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("there is no terminal to edit in")
            .with_hint("give the new policy with --file FILE")
            .into());
    }
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let editor = set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_else(|| "vi".to_owned());
    let file = Scratch::with(&text::written(current)?)?;
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let ended = Command::new(program)
        .args(words)
        .arg(file.path())
        .status()
        .with_context(|| format!("cannot start {program}"))?;
    if !ended.success() {
        return Err(Failure::usage(format!("{program} ended with {ended}; nothing was changed")).into());
    }
    std::fs::read(file.path()).context("cannot read what was edited")
}

/// A file that only this user sees and that is gone afterwards.
struct Scratch(PathBuf);

impl Scratch {
    fn with(bytes: &[u8]) -> anyhow::Result<Self> {
        let file = std::env::temp_dir().join(format!("holdfast-policy-{}.json", holdfast_client::new_id()));
        crate::signing::write_new(&file, bytes)?;
        Ok(Self(file))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A policy is no secret: a file that stays behind does no harm.
        let _ = std::fs::remove_file(&self.0);
    }
}
