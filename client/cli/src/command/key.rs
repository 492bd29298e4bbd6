//! `key generate|show`: the key that signs.

use std::path::PathBuf;

use holdfast_client::keys;
use holdfast_formats::key::{PublicKey, SigningKey};
use serde_json::json;

use crate::output::{Answer, Variables};
use crate::session::Session;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Args {
    /// Make a new Ed25519 key; a key that exists is never overwritten
    #[command(after_help = "Examples:\n  holdfast key generate\n  holdfast key generate --out release.pem")]
    Generate {
        /// Where to write it; your own key when left out
        #[arg(long, short, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Show the public half of your key, as a policy names it
    #[command(after_help = "Examples:\n  holdfast key show\n  holdfast --key release.pem key show")]
    Show,
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> anyhow::Result<()> {
        let (file, key): (PathBuf, SigningKey) = match self {
            Self::Generate { out } => {
                let file = out.map_or_else(|| session.key_file(), Ok)?;
                let key = keys::generate(&file)?;
                session.output().note(format!("the private key is in {}; keep it secret", file.display()));
                (file, key)
            }
            Self::Show => {
                let file = session.key_file()?;
                let key = keys::load(&file)?;
                (file, key)
            }
        };
        session.output().answer(&answer(&key.public(), &file)?)
    }
}

fn answer(key: &PublicKey, file: &std::path::Path) -> anyhow::Result<Answer> {
    let variables = Variables::none()
        .with("HOLDFAST_PUBLIC_KEY", key.to_string())?
        .with("HOLDFAST_KEY_ID", key.id().to_string())?;
    let view = json!({ "key": key, "id": key.id(), "file": file.display().to_string() });
    Ok(Answer::new(&view)?.text(key.to_string()).with_variables(variables))
}
