//! `submit`: a prepared statement, once enough people have signed it.

use std::path::PathBuf;

use holdfast_client::{Approvals, ClientError, Prepared, Registry};
use holdfast_formats::wire::v1::{ExitCode, ProblemCode};

use super::logged::logged;
use super::sign::merged;
use crate::describe::{described, missing_line};
use crate::failure::Failure;
use crate::session::Session;

const AFTER_HELP: &str = "\
Copies of one file that several people signed are merged. When signatures are missing it says whose, and ends with 6. Submitting \
twice does no harm: the answer is the first receipt.

Examples:
  holdfast submit pin.json
  holdfast submit pin.json from-bob.json from-cleo.json";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The file that --prepare wrote and `holdfast sign` signed
    file: PathBuf,
    /// Copies of it that others signed
    copies: Vec<PathBuf>,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let prepared = merged(&self.file, &self.copies)?;
        let done = described(&prepared.statement()?);
        let registry = session.registry()?;
        match registry.submit_prepared(&prepared).await {
            Ok(submitted) => session.output().answer(&logged(&format!("logged {done}"), None, &submitted)?),
            Err(refused) => Err(explained(refused, &registry, &prepared).await),
        }
    }
}

/// A refusal for want of signatures, with whose they are.
async fn explained(refused: ClientError, registry: &Registry, prepared: &Prepared) -> anyhow::Error {
    let code = refused.problem().map(|problem| problem.code);
    let of_signers = [ProblemCode::ThresholdNotMet, ProblemCode::Forbidden, ProblemCode::SignatureInvalid];
    if !code.is_some_and(|code| of_signers.contains(&code)) {
        return refused.into();
    }
    match registry.approvals(prepared).await {
        Ok(Some(approvals)) if approvals.missing() > 0 => {
            Failure::new(ExitCode::Refused, refused.to_string()).with_hint(hint(&approvals)).into()
        }
        _ => refused.into(),
    }
}

fn hint(approvals: &Approvals) -> String {
    let missing: Vec<String> = approvals.wanted.iter().filter_map(missing_line).collect();
    let unknown = match approvals.unknown.len() {
        0 => String::new(),
        some => {
            format!("; {some} signature(s) are by keys that policy {} does not name", approvals.policy.number)
        }
    };
    format!("{}{unknown}", missing.join("; "))
}
