use holdfast_formats::digest::{Blake3Digest, Sha256Digest};
use holdfast_formats::key::SigningKey;
use holdfast_formats::number::{PolicyNumber, Seconds};
use holdfast_formats::policy::RootKeys;
use holdfast_formats::trust::TrustedPolicy;
use holdfast_formats::wire::v1::ExitCode;

use super::*;

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
        warnings: Vec::new(),
    };
    let query =
        KnownGoodQuery { component: None, not: None, at: None, back: None, min_size: None, policy: None };
    let header = serde_json::to_vec(&Header { trust: trust("example/log"), channel, query, answer }).unwrap();
    let mut bytes = [FIRST_LINE, &(header.len() as u64).to_be_bytes(), &header].concat();
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
    verify(&path, trust, Timestamp::from_ms(1_795_000_000_000)).unwrap_err()
}

fn read_files(bytes: &[u8]) -> Result<usize, ClientError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b");
    std::fs::write(&path, bytes).unwrap();
    read::files(&path)
}

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
    assert!(matches!(read_files(&bytes), Err(ClientError::Digest { .. })));
}

#[test]
fn a_bundle_that_is_cut_anywhere_is_refused() {
    let bytes = bundle(&[b"first", b"second"]);
    let whole_without_second = bytes.len() - (32 + 8 + 6);
    for cut in 1..bytes.len() {
        if cut != whole_without_second && cut != whole_without_second - (32 + 8 + 5) {
            assert!(read_files(&bytes[..cut]).is_err(), "{cut}");
        }
    }
}

#[test]
fn a_length_beyond_the_file_takes_no_memory_and_is_refused() {
    let mut bytes = bundle(&[b"first"]);
    let at = bytes.len() - 5 - 8;
    bytes[at..at + 8].copy_from_slice(&u64::MAX.to_be_bytes());
    assert!(matches!(read_files(&bytes), Err(ClientError::Bundle { .. })));
    let mut header = [FIRST_LINE, &u64::MAX.to_be_bytes()].concat();
    header.extend_from_slice(b"{}");
    assert!(matches!(check(&header, None), ClientError::Bundle { .. }));
}

#[test]
fn only_a_bundle_looks_like_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b");
    for (bytes, wanted) in
        [(bundle(&[]), true), (b"holdfast/bundle/v2\n".to_vec(), false), (b"x".to_vec(), false)]
    {
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(is_bundle(&path), wanted);
    }
}
