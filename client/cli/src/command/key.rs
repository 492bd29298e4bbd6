//! `key generate|show|from`: the key that signs, and where it lives.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use holdfast_client::keys::{self, Agent, KeyRecord, KeySource, Signer, SigningCommand};
use holdfast_formats::key::PublicKey;
use serde_json::json;

use crate::failure::Failure;
use crate::output::{Answer, Variables};
use crate::session::Session;

/// What stands for the ssh-agent on the command line.
const SSH_AGENT: &str = "ssh-agent";
/// What is signed to see that a key signs: no statement, so the signature is of no use to anybody.
const TRIAL: &[u8] = b"holdfast key from: does this key sign?";

const FROM_HELP: &str = "\
From then on every command that signs uses that key. Where it lives is written to key.json beside key.pem, and wins over it; \
the private key is not copied. FILE is an OpenSSH private key (ssh-keygen -t ed25519) or PKCS#8 PEM, without passphrase; one \
with a passphrase goes into the ssh-agent.

--signer COMMAND is for a key management service or a hardware token. COMMAND is split at spaces and run without a shell. It \
gets the bytes to sign on standard input (the DSSE pre-authentication encoding, PAE, of the statement: sign them as they are, \
with pure Ed25519) and writes the signature to standard output: 64 bytes, raw or in base64. `COMMAND public` writes the public \
key (ed25519:..., an ssh-ed25519 line, or PEM); --public-key says it instead. It has two minutes, and ends with another status \
than 0 when it does not sign. Every signature is verified before it is used.

Examples:
  holdfast key from ssh-agent
  holdfast key from ssh-agent me@laptop
  holdfast key from ~/.ssh/id_ed25519
  holdfast key from --signer \"/usr/local/bin/kms-sign --key release\"";

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Args {
    /// Make a new Ed25519 key; a key that exists is never overwritten
    #[command(after_help = "Examples:\n  holdfast key generate\n  holdfast key generate --out release.pem")]
    Generate {
        /// Where to write it; your own key when left out
        #[arg(long, short, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Show the public half of your key, as a policy names it, and where the key lives
    #[command(after_help = "Examples:\n  holdfast key show\n  holdfast --key release.pem key show")]
    Show,
    /// Sign with a key that lives elsewhere: in the ssh-agent, in another file, behind a command
    #[command(after_help = FROM_HELP)]
    From(From),
}

/// Where the key lives.
#[derive(Debug, clap::Args)]
pub(crate) struct From {
    /// ssh-agent, or a file with a private key
    #[arg(value_name = "ssh-agent|FILE", required_unless_present = "signer", conflicts_with = "signer")]
    source: Option<String>,
    /// Which of the agent's keys, when it has several
    #[arg(value_name = "FINGERPRINT|COMMENT")]
    which: Option<String>,
    /// A command that signs
    #[arg(long, value_name = "COMMAND")]
    signer: Option<String>,
    /// The public key of --signer; else `COMMAND public` is asked
    #[arg(long, value_name = "KEY|FILE", requires = "signer")]
    public_key: Option<String>,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        match self {
            Self::Generate { out } => {
                let file = out.map_or_else(|| session.key_file(), Ok)?;
                let key = keys::generate(&file)?;
                session.output().note(format!("the private key is in {}; keep it secret", file.display()));
                session.output().answer(&answer(&Signer::from(key), &file)?)
            }
            Self::Show => {
                let file = session.key_file()?;
                session.output().answer(&answer(&Signer::open(&file)?, &file)?)
            }
            Self::From(from) => from.run(session).await,
        }
    }
}

impl From {
    async fn run(self, session: &Session) -> anyhow::Result<()> {
        let record = self.record().await?;
        let signer = Signer::of_record(record.clone())?;
        signer.sign(TRIAL).await.map_err(holdfast_client::ClientError::from)?;
        let place = session.places()?.key_record_file();
        record.write(&place)?;
        session.output().note(format!("{} says where the key lives; remove it to go back", place.display()));
        if session.key_file()? != place {
            session
                .output()
                .warning("--key, HOLDFAST_KEY or holdfast.toml names another key, which is used instead");
        }
        session.output().answer(&answer(&signer, &place)?)
    }

    async fn record(self) -> anyhow::Result<KeyRecord> {
        match (self.signer, self.source.as_deref()) {
            (Some(command), _) => of_command(&command, self.public_key.as_deref()).await,
            (None, Some(SSH_AGENT)) => Ok(of_agent(self.which.as_deref()).await?),
            (None, Some(_)) if self.which.is_some() => {
                Err(Failure::usage("a file holds one key; FINGERPRINT or COMMENT is for the ssh-agent")
                    .into())
            }
            (None, source) => of_file(Path::new(source.unwrap_or_default())),
        }
    }
}

async fn of_agent(which: Option<&str>) -> Result<KeyRecord, holdfast_client::ClientError> {
    let chosen = Agent::of_environment()?.choose(which).await?;
    Ok(KeyRecord { public: chosen.key, source: KeySource::SshAgent })
}

fn of_file(file: &Path) -> anyhow::Result<KeyRecord> {
    let file =
        std::path::absolute(file).with_context(|| format!("cannot tell where {} is", file.display()))?;
    Ok(KeyRecord { public: keys::load(&file)?.public(), source: KeySource::File(file) })
}

async fn of_command(command: &str, public: Option<&str>) -> anyhow::Result<KeyRecord> {
    let mut words: Vec<String> = command.split_whitespace().map(ToOwned::to_owned).collect();
    let program = words.first_mut().ok_or_else(|| Failure::usage("--signer names no command"))?;
    // A path is meant from here, wherever the command is run from later; a bare name is looked up by the system.
    if Path::new(program.as_str()).components().count() > 1 {
        *program = std::path::absolute(program.as_str())?.to_string_lossy().into_owned();
    }
    let public = match public {
        Some(text) => keys::public_of(text)?,
        None => {
            SigningCommand::new(words.clone()).public().await.map_err(holdfast_client::ClientError::from)?
        }
    };
    Ok(KeyRecord { public, source: KeySource::Command(words) })
}

fn answer(signer: &Signer, file: &Path) -> anyhow::Result<Answer> {
    let key: PublicKey = signer.public();
    let variables = Variables::none()
        .with("HOLDFAST_PUBLIC_KEY", key.to_string())?
        .with("HOLDFAST_KEY_ID", key.id().to_string())?;
    let lives = signer.whereabouts();
    let view = json!({ "key": key, "id": key.id(), "file": file.display().to_string(), "lives": lives });
    Ok(Answer::new(&view)?.text(key.to_string()).with_variables(variables))
}
