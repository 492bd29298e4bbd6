//! The key that signs: in a file of its own, in an ssh-agent, or behind a command.
//!
//! Owns where it is looked for and the one check on whatever comes back: no signature leaves this module that does not
//! verify strictly. A key file is readable by its owner only, and never overwritten.

mod agent;
mod command;
mod error;
mod openssh;
mod public;
mod record;
mod wire;

use std::path::Path;

use holdfast_formats::key::{PublicKey, SigningKey};

use crate::atomic_file::{self, Secrecy};
use crate::error::ClientError;
use crate::randomness::random_array;
pub use agent::{Agent, Identity};
pub use command::SigningCommand;
pub use error::SignerError;
pub use public::{parse_public, public_of};
pub use record::{KeyRecord, KeySource};

const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Whatever signs for the user.
#[derive(Debug, Clone)]
pub enum Signer {
    /// A key in this process's memory.
    Held(SigningKey),
    /// A key in an ssh-agent.
    Agent(Agent, PublicKey),
    /// A key behind a command.
    Command(SigningCommand, PublicKey),
}

impl From<SigningKey> for Signer {
    fn from(key: SigningKey) -> Self {
        Self::Held(key)
    }
}

impl Signer {
    /// Opens what a file says: a private key, or a record of where one lives. Asks neither agent nor command yet.
    pub fn open(path: &Path) -> Result<Self, ClientError> {
        let bytes = read(path)?;
        if !KeyRecord::is_in(&bytes) {
            return Ok(Self::Held(parse(path, bytes)?));
        }
        Self::of_record(KeyRecord::parse(path, &bytes)?)
    }

    /// Opens what a record says.
    pub fn of_record(KeyRecord { public, source }: KeyRecord) -> Result<Self, ClientError> {
        match source {
            KeySource::SshAgent => Ok(Self::Agent(Agent::of_environment()?, public)),
            KeySource::Command(words) => Ok(Self::Command(SigningCommand::new(words), public)),
            KeySource::File(path) => {
                let key = load(&path)?;
                let found = key.public();
                if found == public {
                    return Ok(Self::Held(key));
                }
                let (found, wanted) = (Box::new(found), Box::new(public));
                Err(SignerError::OtherKey { path, found, wanted }.into())
            }
        }
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        match self {
            Self::Held(key) => key.public(),
            Self::Agent(_, public) | Self::Command(_, public) => public.clone(),
        }
    }

    /// An Ed25519 signature over exactly these bytes, which verifies.
    pub async fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignerError> {
        let (signature, key, who) = match self {
            Self::Held(key) => return Ok(key.sign(message)),
            Self::Agent(agent, key) => (agent.sign(key, message).await?, key, "the ssh-agent".to_owned()),
            Self::Command(command, key) => {
                let who = format!("the signing command {:?}", command.program());
                (command.sign(message).await?, key, who)
            }
        };
        match key.verify(message, &signature) {
            Ok(()) => Ok(signature),
            Err(_) => Err(SignerError::Unverified { who, key: Box::new(key.clone()) }),
        }
    }

    /// Where the private half is, in words.
    pub fn whereabouts(&self) -> String {
        match self {
            Self::Held(_) => "a key file".to_owned(),
            Self::Agent(..) => "the ssh-agent".to_owned(),
            Self::Command(command, _) => format!("the command `{}`", command.words().join(" ")),
        }
    }
}

/// Reads a key: PKCS#8 PEM as OpenSSL writes it, or an OpenSSH `ssh-ed25519` key without passphrase.
pub fn load(path: &Path) -> Result<SigningKey, ClientError> {
    parse(path, read(path)?)
}

fn read(path: &Path) -> Result<Vec<u8>, ClientError> {
    atomic_file::read(path, FILE_BYTES_MAX)?.ok_or_else(|| ClientError::NoKey { path: path.to_owned() })
}

fn parse(path: &Path, bytes: Vec<u8>) -> Result<SigningKey, ClientError> {
    let refused = |rule: &str| ClientError::FileMalformed { path: path.to_owned(), rule: rule.to_owned() };
    let pem = String::from_utf8(bytes).map_err(|_| refused("it is not a PEM file"))?;
    if openssh::is_openssh(&pem) {
        return openssh::parse(&pem).map_err(refused);
    }
    if pem.trim_start().starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----") {
        return Err(refused(
            "it is encrypted; decrypt it with `openssl pkey`, or let a program that asks for the passphrase sign, with `holdfast key from --signer`",
        ));
    }
    SigningKey::from_pkcs8_pem(&pem).map_err(|source| ClientError::Key { path: path.to_owned(), source })
}

/// Makes a new key. A key that is there is left alone.
pub fn generate(path: &Path) -> Result<SigningKey, ClientError> {
    if path.exists() {
        return Err(ClientError::FileExists { path: path.to_owned() });
    }
    let key = SigningKey::from_seed(random_array());
    let pem = key.to_pkcs8_pem().map_err(|source| ClientError::Key { path: path.to_owned(), source })?;
    atomic_file::write(path, pem.as_bytes(), Secrecy::Secret)?;
    Ok(key)
}

/// Opens the key that is there, or makes one.
pub fn open_or_generate(path: &Path) -> Result<Signer, ClientError> {
    if path.exists() { Signer::open(path) } else { generate(path).map(Signer::Held) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_key_is_read_again_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        let key = open_or_generate(&path).unwrap();
        assert_eq!(load(&path).unwrap().public(), key.public());
        assert!(matches!(generate(&path), Err(ClientError::FileExists { .. })));
        assert_eq!(open_or_generate(&path).unwrap().public(), key.public());
    }

    #[test]
    fn a_missing_key_and_a_file_that_is_no_key_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        assert!(matches!(load(&path), Err(ClientError::NoKey { .. })));
        std::fs::write(&path, "-----BEGIN RSA PRIVATE KEY-----\n").unwrap();
        assert!(matches!(load(&path), Err(ClientError::Key { .. })));
    }

    fn record(folder: &Path, source: KeySource, key: &SigningKey) -> std::path::PathBuf {
        let path = folder.join("key.json");
        KeyRecord { public: key.public(), source }.write(&path).unwrap();
        path
    }

    #[test]
    fn a_record_leads_to_the_key_file_that_it_names_as_long_as_it_has_the_same_key() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("elsewhere.pem");
        let key = generate(&file).unwrap();
        let path = record(folder.path(), KeySource::File(file.clone()), &key);
        assert_eq!(Signer::open(&path).unwrap().public(), key.public());
        std::fs::remove_file(&file).unwrap();
        assert!(matches!(Signer::open(&path), Err(ClientError::NoKey { .. })));
        generate(&file).unwrap();
        let swapped = Signer::open(&path);
        assert!(matches!(swapped, Err(ClientError::Signer(SignerError::OtherKey { .. }))), "{swapped:?}");
    }

    #[cfg(unix)]
    #[tokio::test(flavor = "multi_thread")]
    async fn a_signature_that_does_not_verify_is_never_used() {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::from_seed([4; 32]);
        let script = "cat > /dev/null; printf '%064d' 0";
        let words = ["sh", "-c", script].map(ToOwned::to_owned).to_vec();
        let signer = Signer::open(&record(folder.path(), KeySource::Command(words), &key)).unwrap();
        let refused = signer.sign(b"message").await.unwrap_err();
        assert!(matches!(refused, SignerError::Unverified { .. }), "{refused}");
        assert_eq!(refused.exit(), holdfast_formats::wire::v1::ExitCode::Integrity);
    }

    #[test]
    fn a_malformed_record_and_an_encrypted_key_say_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        let key = SigningKey::from_seed([4; 32]).public();
        for (text, wanted) in [
            ("{}".to_owned(), "public"),
            (format!("{{\"public\":\"{key}\",\"source\":{{\"command\":[]}}}}"), "empty"),
            (format!("{{\"public\":\"{key}\",\"source\":\"ssh_agent\",\"x\":1}}"), "unknown"),
            ("-----BEGIN ENCRYPTED PRIVATE KEY-----\n".to_owned(), "openssl pkey"),
        ] {
            std::fs::write(&path, text).unwrap();
            let refused = Signer::open(&path).unwrap_err().to_string();
            assert!(refused.contains(wanted), "{refused}");
        }
    }
}
