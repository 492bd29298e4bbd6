//! Whether witnesses vouch for everything that an answer rests on.

use holdfast_formats::channel_head::ChannelHead;
use holdfast_formats::checkpoint::Checkpoint;
use holdfast_formats::tree::{LeafIndex, TreeSize};
use holdfast_formats::wire::v1::{KnownGood, ProvenEntry};

use super::error::AnswerError;
use super::freshness::Mode;
use super::verify::{Asked, TrustedState};
use crate::policy_chain::PolicyChain;
use crate::witness::{Demand, Witnessed, verify_witnessed};

/// Demands the quorum that the client trusts, when it trusts one.
///
/// Every entry shown must be inside the cosigned tree: the pin answered, whatever ended newer ones, what was deployed,
/// published and scrubbed, grants, policies. So must the policy in force and the newest entry that touches the channel,
/// whether they are shown or not. What is logged after the cosigned tree is not witnessed yet, and a registry could show it
/// to one client only: a pin on such a private end, or the lack of a deny there, is what a fork is good for. So a pin that
/// was just made is not answered until the witnesses saw it. Online the cosignatures must be of now; those of an answer
/// that was kept must be of its own time.
pub(super) fn check(
    answer: &KnownGood,
    asked: &Asked<'_>,
    trust: &TrustedState<'_>,
    policies: &PolicyChain,
    checkpoint: &Checkpoint,
    head: &ChannelHead,
) -> Result<Option<Witnessed>, AnswerError> {
    let Some(quorum) = trust.witnesses else { return Ok(None) };
    let in_force = policies.in_force_of(checkpoint.size()).map(|policy| policy.entry.index);
    let newest = entries(answer).map(|entry| entry.index).chain(head.newest_entry).chain(in_force).max();
    // What is in no tree at all is refused where its proof is checked, as a lie and not as something to wait for.
    let covers = newest.map_or(Ok(TreeSize::ZERO), LeafIndex::size_through);
    let covers = covers.unwrap_or(checkpoint.size()).min(checkpoint.size());
    let at = match asked.mode {
        Mode::Online => asked.now,
        Mode::Offline => head.time,
    };
    let demand = Demand { covers, at, max_age: trust.head_max_age };
    Ok(Some(verify_witnessed(&answer.cosigned, checkpoint, policies, quorum, demand)?))
}

/// Every entry in an answer.
fn entries(answer: &KnownGood) -> impl Iterator<Item = &ProvenEntry> {
    let passed = answer.lines.iter().flat_map(|line| &line.passed_over);
    (answer.policies.iter())
        .chain(answer.grants.iter().flat_map(|shown| std::iter::once(&shown.grant).chain(&shown.revoke)))
        .chain(answer.lines.iter().map(|line| &line.pin))
        .chain(passed.flat_map(|passed| std::iter::once(&passed.pin).chain(&passed.ended_by)))
        .chain(answer.artifacts.iter().flat_map(|held| std::iter::once(&held.publish).chain(&held.scrub)))
        .chain(&answer.deploys)
}
