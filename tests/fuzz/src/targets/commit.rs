//! A commit. Only its writer can sign it, so it is signed again by one here and compared but for that.

use holdfast_formats::commit::Commit;
use holdfast_formats::key::SigningKey;

pub(crate) fn run(data: &[u8]) {
    let Ok(commit) = Commit::parse(data) else { return };
    let key = SigningKey::from_seed([3; 32]);
    let (written, hash) = commit.header.encode(&key, &commit.entries).expect("what was read can be written");
    assert_eq!(written.len(), data.len(), "one form");
    let again = Commit::parse(&written).expect("what was written can be read");
    assert!(again.header == commit.header && again.entries == commit.entries && again.hash == hash);
    if commit.verify(&key.public()).is_ok() {
        crate::rules::same_bytes(&written, data);
    }
}
