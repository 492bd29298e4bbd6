//! `thaw`: the end of one freeze.

use std::collections::BTreeSet;

use holdfast_client::{Draft, Registry};
use holdfast_formats::name::ChannelName;
use holdfast_formats::statement::{EntryIndex, Predicate, Thaw};
use holdfast_formats::text::Reason;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::ExitCode;

use super::logged::logged;
use super::recent::Recent;
use crate::failure::Failure;
use crate::session::Session;
use crate::signing::Signing;

const AFTER_HELP: &str = "\
Examples:
  holdfast thaw shop/prod -m \"incident 4711 is over\"
  holdfast thaw shop/prod --entry 812 -m \"the sale is over, the other freeze stays\"";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The channel
    channel: ChannelName,
    /// Why
    #[arg(long, short = 'm', value_name = "REASON")]
    reason: Reason,
    /// Which freeze, where several are in force
    #[arg(long, value_name = "ENTRY")]
    entry: Option<LeafIndex>,
    #[command(flatten)]
    signing: Signing,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        let index = match self.entry {
            Some(index) => index,
            None => only_freeze(&registry, &self.channel).await?,
        };
        let draft = Draft::new(Thaw { freeze: EntryIndex { index }, reason: self.reason });
        let Some(submitted) = self.signing.log(draft, &registry, session).await? else { return Ok(()) };
        session.output().answer(&logged(&format!("thawed {}", self.channel), None, &submitted)?)
    }
}

async fn only_freeze(registry: &Registry, channel: &ChannelName) -> anyhow::Result<LeafIndex> {
    let recent = Recent::read(registry, channel, |_| false).await?;
    match freezes_in_force(&recent, Session::now()).as_slice() {
        [only] => Ok(*only),
        [] => Err(Failure::new(ExitCode::NotFound, format!("no freeze of {channel} is in force")).into()),
        several => {
            let entries: Vec<String> = several.iter().map(ToString::to_string).collect();
            let message = format!("{channel} is frozen by the entries {}", entries.join(", "));
            Err(Failure::usage(message).with_hint("name one of them with --entry").into())
        }
    }
}

fn freezes_in_force(recent: &Recent, now: Timestamp) -> Vec<LeafIndex> {
    let predicates = || recent.entries().iter().map(|entry| (entry.index, &entry.statement.predicate));
    let thawed: BTreeSet<LeafIndex> = predicates()
        .filter_map(|(_, predicate)| match predicate {
            Predicate::Thaw(thaw) => Some(thaw.freeze.index),
            _ => None,
        })
        .collect();
    predicates()
        .filter(|(index, predicate)| match predicate {
            Predicate::Freeze(freeze) => {
                freeze.until.is_none_or(|until| until > now) && !thawed.contains(index)
            }
            _ => false,
        })
        .map(|(index, _)| index)
        .collect()
}

#[cfg(test)]
mod tests {
    use holdfast_formats::statement::Freeze;

    use super::*;
    use crate::command::recent::tests::recent_of;

    #[test]
    fn only_freezes_that_are_neither_over_nor_thawed_are_in_force() {
        let freeze = |until: Option<u64>| {
            let until = until.map(Timestamp::from_ms);
            Predicate::from(Freeze {
                channel: "shop/prod".parse().unwrap(),
                reason: "sale".parse().unwrap(),
                until,
            })
        };
        let thaw = Thaw {
            freeze: EntryIndex { index: LeafIndex::new(0).unwrap() },
            reason: "over".parse().unwrap(),
        };
        let recent = recent_of(vec![thaw.into(), freeze(Some(30)), freeze(Some(10)), freeze(None)]);
        let in_force: Vec<u64> =
            freezes_in_force(&recent, Timestamp::from_ms(20)).into_iter().map(LeafIndex::get).collect();
        assert_eq!(in_force, [2]);
    }
}
