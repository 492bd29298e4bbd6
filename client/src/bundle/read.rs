//! Reading a bundle: no network, nothing believed before it is checked, nothing written before everything was.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::from_json;
use holdfast_formats::manifest;
use holdfast_formats::path::FilePath;
use holdfast_formats::time::Timestamp;
use holdfast_formats::trust::Trust;
use holdfast_verify::known_good::{
    AnsweredArtifact, Asked, KnownGoodAnswer, Mode, TrustedState, verify_known_good,
};
use holdfast_verify::logged::LoggedStatement;
use holdfast_verify::policy_chain::PolicyChain;
use holdfast_verify::verified::Verified;

use super::{FIRST_LINE, HEADER_BYTES_MAX, Header, VerifiedBundle};
use crate::download::Target;
use crate::error::{ClientError, FileAction};
use crate::lookup::answer_error;

const BLOCK_BYTES: usize = 1024 * 1024;

/// Where the bytes of each file stand, by digest.
type Places = BTreeMap<Blake3Digest, (u64, u64)>;

pub(super) fn verify(
    path: &Path,
    trust: Option<&Trust>,
    now: Timestamp,
) -> Result<VerifiedBundle, ClientError> {
    open(path, trust, now).map(|(verified, _)| verified)
}

pub(super) fn extract(
    path: &Path,
    trust: Option<&Trust>,
    now: Timestamp,
    target: &Path,
) -> Result<VerifiedBundle, ClientError> {
    let (verified, places) = open(path, trust, now)?;
    let mut file = File::open(path).map_err(|e| ClientError::file(FileAction::Read, path, e))?;
    let answer = verified.answer.get();
    for artifact in &answer.closure {
        let target = Target::open(&target.join(folder_of(answer, artifact)?))?;
        crate::download::collide(&artifact.manifest.files)?;
        for (at, wanted) in artifact.manifest.files.iter().enumerate() {
            restore(path, &mut file, &places, &target, at, wanted)?;
        }
    }
    Ok(verified)
}

/// Reads a bundle's files without believing its header; how many there are.
#[cfg(test)]
pub(super) fn files(path: &Path) -> Result<usize, ClientError> {
    let mut reader = Reader::open(path)?;
    reader.header()?;
    Ok(reader.files()?.len())
}

/// Checks everything in a bundle.
fn open(path: &Path, trust: Option<&Trust>, now: Timestamp) -> Result<(VerifiedBundle, Places), ClientError> {
    let mut reader = Reader::open(path)?;
    let header = reader.header()?;
    let answer = check_answer(&header, trust.unwrap_or(&header.trust), now)?;
    let places = reader.files()?;
    let wanted: BTreeMap<Blake3Digest, u64> =
        files_of(answer.get()).map(|f| (f.digests.blake3, f.size.get())).collect();
    for (digest, size) in &wanted {
        if places.get(digest).map(|(_, length)| length) != Some(size) {
            return Err(reader.broken("a file of the closure is not in it"));
        }
    }
    if places.len() != wanted.len() {
        return Err(reader.broken("it has files that the closure does not name"));
    }
    let bytes = wanted.values().sum();
    let verified =
        VerifiedBundle { answer, files: wanted.len() as u64, bytes, trusted_by_itself: trust.is_none() };
    Ok((verified, places))
}

fn check_answer(
    header: &Header,
    trust: &Trust,
    now: Timestamp,
) -> Result<Verified<KnownGoodAnswer>, ClientError> {
    if header.trust.origin != trust.origin {
        return Err(ClientError::OtherLog {
            wanted: trust.origin.clone(),
            found: header.trust.origin.clone(),
        });
    }
    let sent: Vec<LoggedStatement> = header
        .answer
        .policies
        .iter()
        .map(LoggedStatement::of_proven)
        .collect::<Result<_, _>>()
        .map_err(|e| ClientError::untrue("chain of policies", e))?;
    let chain =
        PolicyChain::from_trust(trust, &sent).map_err(|e| ClientError::untrue("chain of policies", e))?;
    let none = BTreeMap::new();
    let witnesses = crate::session::quorum(trust, Path::new("trust.json"))?;
    let trusted = TrustedState {
        policies: &chain,
        seen: None,
        issued: &none,
        head_max_age: trust.head_max_age_s,
        witnesses: witnesses.as_ref(),
    };
    let asked = Asked { channel: &header.channel, query: &header.query, now, mode: Mode::Offline };
    verify_known_good(&header.answer, &asked, &trusted).map_err(answer_error)
}

fn files_of(answer: &KnownGoodAnswer) -> impl Iterator<Item = &manifest::File> {
    answer.closure.iter().flat_map(|artifact| &artifact.manifest.files)
}

/// The folder of an artifact below the target: its component's name, else the last part of its own; under the line's name
/// where there are several lines.
fn folder_of(answer: &KnownGoodAnswer, artifact: &AnsweredArtifact) -> Result<PathBuf, ClientError> {
    let name = artifact.artifact.r#ref.name().as_str();
    let own = artifact
        .component
        .as_ref()
        .map_or_else(|| name.rsplit('/').next().unwrap_or(name), |component| component.as_str());
    // A component's name is free text; as a folder it must be one plain segment.
    let plain = own.parse::<FilePath>().is_ok_and(|path| !path.as_str().contains('/'));
    if !plain {
        return Err(ClientError::Target {
            path: own.to_owned(),
            rule: "the component's name is no folder name",
        });
    }
    let single = answer.lines.len() == 1;
    Ok(if single {
        PathBuf::from(own)
    } else {
        artifact.line.as_str().split('/').collect::<PathBuf>().join(own)
    })
}

fn restore(
    path: &Path,
    bundle: &mut File,
    places: &Places,
    target: &Target,
    at: usize,
    wanted: &manifest::File,
) -> Result<(), ClientError> {
    let failed = |e| ClientError::file(FileAction::Read, path, e);
    let Some(mut sink) = target.begin(at, wanted)? else { return Ok(()) };
    let (offset, length) = places.get(&wanted.digests.blake3).copied().unwrap_or((0, 0));
    let done = sink.length();
    bundle.seek(SeekFrom::Start(offset + done)).map_err(failed)?;
    let mut rest = bundle.take(length.saturating_sub(done));
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        let read = rest.read(&mut block).map_err(failed)?;
        let Some(bytes) = block.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        sink = sink.write(&[Bytes::copy_from_slice(bytes)])?;
    }
    target.finish(at, wanted, sink)
}

/// Reads the parts of a bundle in order.
struct Reader<'a> {
    path: &'a Path,
    inner: BufReader<File>,
    at: u64,
}

impl<'a> Reader<'a> {
    fn open(path: &'a Path) -> Result<Self, ClientError> {
        let file = File::open(path).map_err(|e| ClientError::file(FileAction::Read, path, e))?;
        Ok(Self { path, inner: BufReader::with_capacity(BLOCK_BYTES, file), at: 0 })
    }

    fn broken(&self, rule: &'static str) -> ClientError {
        ClientError::Bundle { path: self.path.to_owned(), rule }
    }

    fn exactly<const N: usize>(&mut self) -> Result<[u8; N], ClientError> {
        let mut bytes = [0; N];
        self.inner.read_exact(&mut bytes).map_err(|_| self.broken("it is cut short"))?;
        self.at += N as u64;
        Ok(bytes)
    }

    fn header(&mut self) -> Result<Header, ClientError> {
        if self.exactly::<{ FIRST_LINE.len() }>()?.as_slice() != FIRST_LINE {
            return Err(self.broken("it does not begin with holdfast/bundle/v1"));
        }
        let length = u64::from_be_bytes(self.exactly()?);
        if length > HEADER_BYTES_MAX {
            return Err(self.broken("its header is larger than any answer"));
        }
        let mut json = Vec::new();
        let read = self.inner.by_ref().take(length).read_to_end(&mut json);
        let read = read.map_err(|e| ClientError::file(FileAction::Read, self.path, e))?;
        self.at += read as u64;
        if read as u64 != length {
            return Err(self.broken("it is cut short"));
        }
        from_json(&json, json.len()).map_err(|e| ClientError::malformed("bundle's header", e))
    }

    /// Hashes every file, and says where each stands.
    fn files(&mut self) -> Result<Places, ClientError> {
        let mut places = Places::new();
        while !std::io::BufRead::fill_buf(&mut self.inner)
            .map_err(|e| ClientError::file(FileAction::Read, self.path, e))?
            .is_empty()
        {
            let digest = Blake3Digest::from_bytes(self.exactly()?);
            let length = u64::from_be_bytes(self.exactly()?);
            let mut hasher = blake3::Hasher::new();
            let outcome = hasher.update_reader(self.inner.by_ref().take(length));
            outcome.map_err(|e| ClientError::file(FileAction::Read, self.path, e))?;
            if hasher.count() != length {
                return Err(self.broken("it is cut short"));
            }
            let found = Blake3Digest::from_bytes(*hasher.finalize().as_bytes());
            if found != digest {
                return Err(ClientError::Digest {
                    path: self.path.display().to_string(),
                    wanted: digest,
                    found,
                });
            }
            if places.insert(digest, (self.at, length)).is_some() {
                return Err(self.broken("it has a file twice"));
            }
            self.at += length;
        }
        Ok(places)
    }
}
