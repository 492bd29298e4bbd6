//! Private keys in files: PKCS#8 PEM and OpenSSH.

pub(crate) const EXAMPLES: &[&[u8]] = &[
    b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJ\n-----END PRIVATE KEY-----\n",
    b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZWQyNTUxOQAAACA=\n-----END OPENSSH PRIVATE KEY-----\n",
];

pub(crate) fn run(data: &[u8]) {
    let path = super::bundle::in_memory("key");
    std::fs::write(&path, data).expect("memory can be written to");
    if let Ok(key) = holdfast_client::keys::load(&path) {
        let pem = key.to_pkcs8_pem().expect("what was read can be written");
        std::fs::write(&path, pem.as_bytes()).expect("memory can be written to");
        let again = holdfast_client::keys::load(&path).expect("what was written can be read");
        assert!(again.public() == key.public());
    }
}
