//! `policy rotate`: new keys in the place of old ones.

use holdfast_client::keys::public_of;
use holdfast_client::policy::{RegistryKey, rotate_registry_key, rotate_root_key};
use holdfast_formats::key::PublicKey;
use holdfast_formats::policy::Policy;

use super::change::Changing;
use crate::failure::Failure;
use crate::session::Session;

const AFTER_HELP: &str = "\
A registry's new key is made by `holdfast-registry keys --to DIR --add log` (head, registry) and put on every node before the \
policy names it; the node need not be stopped, and one that does not hold the key signs nothing more. From the entry of the new \
policy on only the new key counts; what was signed before stays valid. --keep-old lets both count until the next rotation.

A root key is signed for by the thresholds of the old and of the new root: with one owner by both keys, which --also-key does. \
A principal who has the old key gets the new one.

Examples:
  holdfast policy rotate log-key ed25519:...
  holdfast policy rotate registry-key ed25519:... --keep-old
  holdfast key generate --out new.pem && holdfast policy rotate root-key new.pem --also-key new.pem
  holdfast policy rotate root-key bob-new.pub --from bob --prepare rotate.json";

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    #[value(name = "log-key")]
    Log,
    #[value(name = "head-key")]
    Head,
    #[value(name = "registry-key")]
    Registry,
    #[value(name = "root-key")]
    Root,
}

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Which key
    #[arg(value_enum)]
    kind: Kind,
    /// The new key: ed25519:..., or a file that holds it
    #[arg(value_name = "KEY|FILE")]
    new: String,
    /// The root key that it replaces, by itself, by its principal's name, or by a file; your own when left out
    #[arg(long, value_name = "KEY|NAME|FILE")]
    from: Option<String>,
    /// Let the registry's old keys of this kind count beside the new one
    #[arg(long)]
    keep_old: bool,
    #[command(flatten)]
    changing: Changing,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        let new = public_of(&self.new)?;
        let (index, current) = registry.policy().await?;
        let mut wanted = current.clone();
        match self.kind {
            Kind::Log => self.rotate(&mut wanted, RegistryKey::Log, new)?,
            Kind::Head => self.rotate(&mut wanted, RegistryKey::Head, new)?,
            Kind::Registry => self.rotate(&mut wanted, RegistryKey::Registry, new)?,
            Kind::Root if self.keep_old => {
                let message = "a root key is replaced; to add one, use `holdfast policy edit`";
                return Err(Failure::usage(message).into());
            }
            Kind::Root => {
                let old = match &self.from {
                    Some(text) => key_of(&current, text)?,
                    None => registry.signer()?.public(),
                };
                rotate_root_key(&mut wanted, &old, &new)?;
                if registry.signer()?.public() == old {
                    session.output().note("your own key is replaced: from then on sign with the new one, by `holdfast key from FILE`");
                }
            }
        }
        self.changing.log(&registry, (index, current), wanted, session).await
    }

    fn rotate(&self, policy: &mut Policy, kind: RegistryKey, new: PublicKey) -> anyhow::Result<()> {
        if self.from.is_some() {
            return Err(
                Failure::usage("--from is for root-key; the registry's keys are replaced by kind").into()
            );
        }
        Ok(rotate_registry_key(policy, kind, new, self.keep_old)?)
    }
}

/// The key that is given, or that a principal of this name has.
pub(super) fn key_of(policy: &Policy, text: &str) -> anyhow::Result<PublicKey> {
    let principal = policy.principals.iter().find(|principal| principal.id.as_str() == text);
    match principal.and_then(|principal| principal.key.clone()) {
        Some(key) => Ok(key),
        None => Ok(public_of(text)?),
    }
}
