//! The command that proves that what came back works.

use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;

use super::not_shown;
use crate::moment::shown_duration;
use crate::output::Variables;

/// Runs it to its end, at most so long. What it prints goes to standard error, because standard output is for the answer.
pub(super) async fn run(
    words: &[String],
    variables: &Variables,
    limit: Option<Duration>,
) -> anyhow::Result<()> {
    let [program, arguments @ ..] = words else { anyhow::bail!("there is no command") };
    let mut child = tokio::process::Command::new(program)
        .args(arguments)
        .envs(variables.iter())
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| not_shown(format!("{program} cannot be started: {error}")))?;
    let waited = match limit {
        Some(limit) => tokio::time::timeout(limit, child.wait()).await,
        None => Ok(child.wait().await),
    };
    let Ok(status) = waited else {
        child.kill().await.with_context(|| format!("cannot end {program}"))?;
        let limit = limit.map_or(0, |limit| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX));
        return Err(not_shown(format!("{program} took longer than {} and was ended", shown_duration(limit))));
    };
    let status = status.with_context(|| format!("cannot wait for {program}"))?;
    if status.success() { Ok(()) } else { Err(not_shown(format!("{program} ended with {status}"))) }
}
