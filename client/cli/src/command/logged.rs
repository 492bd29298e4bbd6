//! The answer of every command that logged a statement.

use holdfast_client::Submitted;
use holdfast_formats::statement::Artifact;
use serde::Serialize;

use crate::output::{Answer, Variables};

#[derive(Serialize)]
struct LoggedView<'a> {
    index: u64,
    time: String,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    artifact: Option<&'a Artifact>,
}

/// What was logged and where, in all forms; `done` says it to a person.
pub(crate) fn logged(
    done: &str,
    artifact: Option<&Artifact>,
    submitted: &Submitted,
) -> anyhow::Result<Answer> {
    let view = LoggedView { index: submitted.index.get(), time: submitted.time.to_string(), artifact };
    let mut variables = Variables::none().with("HOLDFAST_INDEX", submitted.index.to_string())?;
    if let Some(artifact) = artifact {
        variables = variables
            .with("HOLDFAST_REF", artifact.r#ref.to_string())?
            .with("HOLDFAST_DIGEST", format!("blake3:{}", artifact.digests.blake3))?;
    }
    Ok(Answer::new(&view)?.text(format!("{done} (entry {})", submitted.index)).with_variables(variables))
}
