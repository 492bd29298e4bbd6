//! Writing a bundle: ask, check, then fetch every byte of the closure through the artifacts that hold it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::manifest;
use holdfast_formats::name::ChannelName;
use holdfast_formats::number::PolicyNumber;
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::wire::v1::KnownGoodQuery;
use holdfast_verify::known_good::KnownGoodAnswer;
use tempfile::NamedTempFile;

use super::{BundleSummary, FIRST_LINE, Header};
use crate::blocking;
use crate::download::{Download, Sink};
use crate::error::{ClientError, FileAction};
use crate::progress::{Activity, Running};
use crate::session::Registry;

impl Registry {
    /// Writes what is known-good, with its proofs and bytes, into one file. A file that is there is replaced at the end.
    pub async fn bundle(
        &self,
        channel: &ChannelName,
        query: &KnownGoodQuery,
        out: &Path,
    ) -> Result<BundleSummary, ClientError> {
        // Whoever reads the bundle knows nothing but a trust.json: the answer must carry the trusted policy itself and all later ones.
        let before_trusted = PolicyNumber::new(self.trust().policy.number.get().saturating_sub(1)).ok();
        let query = KnownGoodQuery { min_size: None, policy: before_trusted, ..query.clone() };
        let (answer, wire) = self.ask_from_nothing(channel, &query).await?;
        let header = Header { trust: self.trust().clone(), channel: channel.clone(), query, answer: wire };
        let blobs = blobs(answer.get());
        let bytes = blobs.values().map(|(_, file)| file.size.get()).sum();
        let _running = Running::begin(self.progress(), Activity::Download, bytes);

        let place = out.to_owned();
        let temporary = blocking::run(move || begin(&place, &header)).await?;
        for (artifact, file) in blobs.values() {
            self.append(&temporary, artifact, file, out).await?;
        }
        let place = out.to_owned();
        blocking::run(move || finish(temporary, &place)).await?;
        Ok(BundleSummary { answer, files: blobs.len() as u64, bytes })
    }

    async fn append(
        &self,
        bundle: &NamedTempFile,
        artifact: &ArtifactRef,
        file: &manifest::File,
        out: &Path,
    ) -> Result<(), ClientError> {
        let failed = |e| ClientError::file(FileAction::Write, out, e);
        let mut handle = bundle.as_file().try_clone().map_err(failed)?;
        handle.write_all(file.digests.blake3.as_bytes()).map_err(failed)?;
        handle.write_all(&file.size.get().to_be_bytes()).map_err(failed)?;
        let download = Download { transport: self.transport(), progress: self.progress(), artifact };
        let sink = download.fill(file, Sink::append(handle)).await?;
        sink.finish(file).map(drop)
    }
}

/// Every different file of the closure, and an artifact through which it can be read.
fn blobs(answer: &KnownGoodAnswer) -> BTreeMap<Blake3Digest, (ArtifactRef, manifest::File)> {
    let files = answer.closure.iter().flat_map(|artifact| {
        artifact
            .manifest
            .files
            .iter()
            .map(|file| (file.digests.blake3, (artifact.artifact.r#ref.clone(), file.clone())))
    });
    files.collect()
}

fn begin(out: &Path, header: &Header) -> Result<NamedTempFile, ClientError> {
    let failed = |e| ClientError::file(FileAction::Write, out, e);
    let json = serde_json::to_vec(header).map_err(|source| ClientError::Encode { what: "bundle", source })?;
    let folder =
        out.parent().filter(|p| !p.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), Path::to_owned);
    let mut file = tempfile::Builder::new().prefix(".holdfast-").tempfile_in(folder).map_err(failed)?;
    file.write_all(FIRST_LINE).map_err(failed)?;
    file.write_all(&(json.len() as u64).to_be_bytes()).map_err(failed)?;
    file.write_all(Blake3Digest::of(&json).as_bytes()).map_err(failed)?;
    file.write_all(&json).map_err(failed)?;
    Ok(file)
}

fn finish(temporary: NamedTempFile, out: &Path) -> Result<(), ClientError> {
    let failed = |e| ClientError::file(FileAction::Write, out, e);
    let file: File = temporary.persist(out).map_err(|e| failed(e.error))?;
    file.sync_all().map_err(failed)
}
