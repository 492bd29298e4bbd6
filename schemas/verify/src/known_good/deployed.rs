//! The deployments that an answer shows: what runs on each line, and what the way back undoes.

use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::statement::{Artifact, Deploy};
use holdfast_formats::wire::v1::ProvenEntry;

use super::error::AnswerError;
use super::evidence::{Proofs, Said};
use crate::entitlement::EntitlementError;
use crate::evidence::EvidenceError;
use crate::reach::Ask;

/// Believed deployments of one channel, newest first.
pub(super) struct Deployed(Vec<Said<Deploy>>);

impl Deployed {
    /// Reads and checks every deployment of an answer.
    pub(super) fn read(
        proofs: Proofs<'_>,
        channel: &ChannelName,
        sent: &[ProvenEntry],
    ) -> Result<Self, AnswerError> {
        let mut all: Vec<Said<Deploy>> = Vec::with_capacity(sent.len());
        for entry in sent {
            let what = format!("the deployment at entry {}", entry.index);
            let said: Said<Deploy> = proofs.said(&what, entry)?;
            let descends = all.last().is_none_or(|newer| newer.logged.index() > entry.index);
            if said.what.channel != *channel || !descends {
                return Err(AnswerError::Deployments);
            }
            let name = said.what.artifact.r#ref.name();
            let ask = Ask::deployers(name, channel);
            if !proofs.still_counts(&ask, &said.logged) {
                let source = EvidenceError::Entitlement(EntitlementError::NoRole { role: ask.role });
                return Err(AnswerError::Entry { what, source });
            }
            all.push(said);
        }
        Ok(Self(all))
    }

    /// The newest thing deployed on a line.
    pub(super) fn current<'a>(&'a self, line: &ArtifactName) -> Option<&'a Artifact> {
        self.of(line).next()
    }

    /// What was deployed on a line after the target, newest first, each artifact once.
    pub(super) fn undone<'a>(&'a self, line: &ArtifactName, target: &Artifact) -> Vec<&'a Artifact> {
        let mut undone: Vec<&'a Artifact> = Vec::new();
        for artifact in self.of(line).take_while(|artifact| *artifact != target) {
            if !undone.contains(&artifact) {
                undone.push(artifact);
            }
        }
        undone
    }

    fn of<'a, 'b>(&'a self, line: &'b ArtifactName) -> impl Iterator<Item = &'a Artifact> + use<'a, 'b> {
        let artifacts = self.0.iter().map(|said| &said.what.artifact);
        artifacts.filter(move |artifact| artifact.r#ref.name() == line)
    }
}
