use holdfast_formats::digest::{Blake3Digest, Sha256Digest};
use holdfast_formats::key::SigningKey;
use holdfast_formats::number::{PolicyNumber, Seconds};
use holdfast_formats::policy::RootKeys;
use holdfast_formats::trust::TrustedPolicy;
use holdfast_formats::wire::v1::ExitCode;

use super::*;
use crate::error::ClientError;
use crate::places::Places;
use crate::progress::Quiet;
use crate::session::{OpenOptions, Registry};

fn trust(origin: &str) -> Trust {
    let key = SigningKey::from_seed([3; 32]).public();
    Trust {
        origin: origin.parse().unwrap(),
        url: "http://127.0.0.1:7420".parse().unwrap(),
        log_keys: vec![key.clone()],
        head_keys: vec![key.clone()],
        root: RootKeys { keys: vec![key], threshold: 1 },
        policy: TrustedPolicy { number: PolicyNumber::FIRST, sha256: Sha256Digest::of(b"policy") },
        witnesses: None,
        head_max_age_s: Seconds::new(300).unwrap(),
    }
}

/// A bundle with an empty answer that nobody signed, and these files.
fn bundle(files: &[&[u8]]) -> Vec<u8> {
    let channel: ChannelName = "shop/prod".parse().unwrap();
    let answer = KnownGood {
        channel: channel.clone(),
        head: String::new(),
        checkpoint: String::new(),
        consistency: None,
        cosigned: Vec::new(),
        policies: Vec::new(),
        grants: Vec::new(),
        lines: Vec::new(),
        artifacts: Vec::new(),
        deploys: Vec::new(),
        plan: Vec::new(),
        schedules: None,
        warnings: Vec::new(),
    };
    let query = KnownGoodQuery::EVERYTHING;
    let header = serde_json::to_vec(&Header { trust: trust("example/log"), channel, query, answer }).unwrap();
    let length = (header.len() as u64).to_be_bytes();
    let mut bytes = [FIRST_LINE, &length, Blake3Digest::of(&header).as_bytes(), &header].concat();
    for file in files {
        bytes.extend_from_slice(Blake3Digest::of(file).as_bytes());
        bytes.extend_from_slice(&(file.len() as u64).to_be_bytes());
        bytes.extend_from_slice(file);
    }
    bytes
}

fn check(bytes: &[u8], trust: Option<&Trust>) -> ClientError {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b");
    std::fs::write(&path, bytes).unwrap();
    let now = Timestamp::from_ms(1_795_000_000_000);
    let Some(trust) = trust else { return Bundle::open_by_itself(&path, now).unwrap_err() };
    let home = Places::under(folder.path());
    home.write_trust(trust).unwrap();
    let registry = Registry::open(&home, OpenOptions::new()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    runtime.block_on(registry.open_bundle(&path)).unwrap_err()
}

fn read_files(bytes: &[u8]) -> Result<usize, ClientError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let mut reader = reader::Reader::open(file.path())?;
    reader.header()?;
    let wanted = WANTED.iter().map(|file| (Blake3Digest::of(file), file.len() as u64)).collect();
    let (_, places) = reader.files(&wanted, &Quiet)?;
    Ok(places.len())
}

/// Two files of a closure.
const WANTED: [&[u8]; 2] = [b"first", b"second"];

#[test]
fn t32_a_bundle_whose_answer_nobody_signed_is_refused_whatever_trust_it_brings() {
    for trust in [None, Some(trust("example/log")), Some(trust("other/log"))] {
        assert_eq!(check(&bundle(&[b"x"]), trust.as_ref()).exit(), ExitCode::Integrity);
    }
}

#[test]
fn t8_a_file_that_does_not_hash_to_its_address_is_refused() {
    let mut bytes = bundle(&[b"first", b"second"]);
    assert_eq!(read_files(&bytes).unwrap(), 2);
    *bytes.last_mut().unwrap() ^= 1;
    assert!(matches!(read_files(&bytes), Err(ClientError::Bundle(BundleError::Broken { .. }))));
}

#[test]
fn a_bundle_that_is_cut_anywhere_is_refused() {
    let bytes = bundle(&[b"first", b"second"]);
    for cut in 0..bytes.len() {
        assert!(read_files(&bytes[..cut]).is_err(), "{cut}");
    }
}

#[test]
fn t8_a_bundle_of_which_any_byte_changed_is_refused() {
    let bytes = bundle(&WANTED);
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x20;
        assert!(read_files(&damaged).is_err(), "byte {at}");
    }
}

#[test]
fn what_the_closure_does_not_name_is_refused_and_so_is_a_file_that_comes_twice() {
    for files in [
        vec![b"first".as_slice()],
        vec![b"first", b"first", b"second"],
        vec![b"first", b"second", b"third"],
        vec![b"first", b"second", b""],
    ] {
        assert!(read_files(&bundle(&files)).is_err(), "{files:?}");
    }
}

#[test]
fn a_length_beyond_the_file_takes_no_memory_and_is_refused() {
    let mut bytes = bundle(&[b"second"]);
    let at = bytes.len() - 6 - 8;
    bytes[at..at + 8].copy_from_slice(&u64::MAX.to_be_bytes());
    assert!(matches!(read_files(&bytes), Err(ClientError::Bundle(BundleError::Broken { .. }))));
    let mut header = [FIRST_LINE, &u64::MAX.to_be_bytes(), [0; 32].as_slice()].concat();
    header.extend_from_slice(b"{}");
    assert!(matches!(check(&header, None), ClientError::Bundle(BundleError::Broken { .. })));
}

#[test]
fn only_a_bundle_looks_like_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b");
    for (bytes, wanted) in
        [(bundle(&[]), true), (b"holdfast/bundle/v1\n".to_vec(), false), (b"x".to_vec(), false)]
    {
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(is_bundle(&path), wanted);
    }
}
