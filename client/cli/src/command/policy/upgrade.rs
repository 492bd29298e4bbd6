//! `policy upgrade team`: from the rules of one person to those of several.

use holdfast_client::keys::public_of;
use holdfast_client::policy::{Member, Team, upgrade};
use holdfast_formats::name::PrincipalId;

use super::change::Changing;
use crate::session::Session;

const TEAM_HELP: &str = "\
People are named as NAME=KEY. A key is ed25519:... as `holdfast key show` prints it, or a file with that, with an ssh-ed25519 \
line, or with a PEM public key. Owners hold a root key and every role; releasers pin, deny and freeze; publishers (often \
pipelines) push, attest and report deployments. Unless it is said otherwise two owners change the policy, two releasers pin, and \
who published an artifact does not release it. Whoever has a role keeps it. New owners sign, too, once their keys are needed to \
reach the new threshold: then use --prepare, `holdfast sign` and `holdfast submit`.

Examples:
  holdfast policy upgrade team --owner bob=ed25519:... --owner cleo=cleo.pub --prepare team.json
  holdfast policy upgrade team --releaser bob=bob.pub --releaser cleo=cleo.pub --publisher ci=ci.pub --root-threshold 1";

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Args {
    /// Add people, ask for two where one was enough, and keep publishing and releasing apart
    Team(Box<TeamArgs>),
}

#[derive(Debug, clap::Args)]
#[command(after_help = TEAM_HELP)]
pub(crate) struct TeamArgs {
    /// Somebody with a root key and every role
    #[arg(long, value_name = "NAME=KEY")]
    owner: Vec<String>,
    /// Somebody who pins, denies and freezes
    #[arg(long, value_name = "NAME=KEY")]
    releaser: Vec<String>,
    /// Somebody or a pipeline that pushes, attests and reports deployments
    #[arg(long, value_name = "NAME=KEY")]
    publisher: Vec<String>,
    /// How many root keys change the policy; 2
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    root_threshold: Option<u16>,
    /// How many releasers it takes to pin; 2
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pin_threshold: Option<u16>,
    /// Who published an artifact may release it, too
    #[arg(long)]
    may_release_own: bool,
    #[command(flatten)]
    changing: Changing,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let Self::Team(args) = self;
        let team = Team {
            owners: members(&args.owner)?,
            releasers: members(&args.releaser)?,
            publishers: members(&args.publisher)?,
            root_threshold: args.root_threshold,
            pin_threshold: args.pin_threshold,
            may_release_own: args.may_release_own,
        };
        let registry = session.registry()?;
        let (index, current) = registry.policy().await?;
        let mut wanted = current.clone();
        upgrade(&mut wanted, &team)?;
        args.changing.log(&registry, (index, current), wanted, session).await
    }
}

fn members(texts: &[String]) -> anyhow::Result<Vec<Member>> {
    texts.iter().map(|text| member(text)).collect()
}

fn member(text: &str) -> anyhow::Result<Member> {
    let (id, key) = text
        .split_once('=')
        .ok_or_else(|| crate::failure::Failure::usage(format!("{text:?} is not of the form NAME=KEY")))?;
    let id: PrincipalId = id.parse()?;
    Ok(Member { id, key: public_of(key)? })
}
