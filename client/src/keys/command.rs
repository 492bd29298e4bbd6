//! Keys behind a command: a key management service, a hardware token, whatever a program can ask to sign.
//!
//! The command reads the bytes to sign on standard input (the DSSE pre-authentication encoding of the statement) and
//! writes a pure Ed25519 signature of exactly these bytes on standard output: 64 bytes as they are, or in base64. Called
//! with the word `public` it writes the public key. It is not believed: whoever asks verifies what comes.

use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use holdfast_formats::key::PublicKey;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use super::error::SignerError;
use super::public::parse_public;

/// A person may have to enter something, or to touch something.
const DEADLINE: Duration = Duration::from_mins(2);
/// More than any signature or public key.
const OUTPUT_BYTES_MAX: u64 = 16 * 1024;
/// What the command must not see: a token is none of its business.
const HIDDEN: &str = "HOLDFAST_TOKEN";

/// A command that signs. No shell takes part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningCommand {
    words: Vec<String>,
    deadline: Duration,
}

impl SigningCommand {
    /// The command with these words: a program and its arguments.
    pub fn new(words: Vec<String>) -> Self {
        Self { words, deadline: DEADLINE }
    }

    pub(super) fn words(&self) -> &[String] {
        &self.words
    }

    /// Its name, for messages.
    pub(super) fn program(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// The public key that it says it signs with.
    pub async fn public(&self) -> Result<PublicKey, SignerError> {
        let output = self.run(&["public"], &[]).await?;
        let key = std::str::from_utf8(&output).ok().and_then(parse_public);
        key.ok_or_else(|| self.wrong_output("Ed25519 public key (ed25519:…, ssh-ed25519 … or PEM)"))
    }

    /// Its signature over these bytes. Not verified.
    pub(super) async fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignerError> {
        let output = self.run(&[], message).await?;
        read_signature(&output)
            .ok_or_else(|| self.wrong_output("Ed25519 signature (64 bytes, or the same in base64)"))
    }

    fn wrong_output(&self, wanted: &'static str) -> SignerError {
        SignerError::CommandOutput { program: self.program().to_owned(), wanted }
    }

    async fn run(&self, more: &[&str], input: &[u8]) -> Result<Vec<u8>, SignerError> {
        match tokio::time::timeout(self.deadline, self.run_to_end(more, input)).await {
            Ok(output) => output,
            Err(_) => Err(SignerError::Deadline {
                who: format!("the signing command {:?}", self.program()),
                seconds: self.deadline.as_secs(),
            }),
        }
    }

    async fn run_to_end(&self, more: &[&str], input: &[u8]) -> Result<Vec<u8>, SignerError> {
        let program = || self.program().to_owned();
        let failed = |source| SignerError::CommandStart { program: program(), source };
        let mut command = Command::new(self.program());
        command.args(self.words.iter().skip(1)).args(more).env_remove(HIDDEN).kill_on_drop(true);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
        let (written, read) = tokio::join!(write(&mut child, input), read(&mut child));
        let status = child.wait().await.map_err(failed)?;
        if !status.success() {
            return Err(SignerError::CommandFailed { program: program(), status });
        }
        written.map_err(failed)?;
        read.map_err(failed)
    }
}

/// Gives the command its input. One that ends without reading all of it shows by its answer whether that was right.
fn write(child: &mut Child, input: &[u8]) -> impl Future<Output = std::io::Result<()>> + use<> {
    let (stdin, input) = (child.stdin.take(), input.to_vec());
    async move {
        let Some(mut stdin) = stdin else { return Ok(()) };
        match stdin.write_all(&input).await {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }
}

fn read(child: &mut Child) -> impl Future<Output = std::io::Result<Vec<u8>>> + use<> {
    let stdout = child.stdout.take();
    async move {
        let mut output = Vec::new();
        if let Some(stdout) = stdout {
            stdout.take(OUTPUT_BYTES_MAX).read_to_end(&mut output).await?;
        }
        Ok(output)
    }
}

fn read_signature(output: &[u8]) -> Option<[u8; 64]> {
    if let Ok(raw) = output.try_into() {
        return Some(raw);
    }
    let text: String = std::str::from_utf8(output).ok()?.split_whitespace().collect();
    let bytes = STANDARD.decode(&text).or_else(|_| STANDARD_NO_PAD.decode(&text)).ok()?;
    bytes.try_into().ok()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn shell(script: &str) -> SigningCommand {
        SigningCommand::new(vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()])
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_signature_comes_raw_or_in_base64_and_nothing_else_is_one() {
        let raw = shell("cat >/dev/null; printf '%064d' 0").sign(b"message").await.unwrap();
        assert_eq!(raw, [b'0'; 64]);
        let base64 = shell("head -c 64 | base64").sign(&[7; 100]).await.unwrap();
        assert_eq!(base64, [7; 64]);
        for script in ["printf ''", "printf '%063d' 0", "printf '%065d' 0", "head -c 5000 /dev/zero"] {
            let refused = shell(script).sign(b"message").await;
            assert!(matches!(refused, Err(SignerError::CommandOutput { .. })), "{script}: {refused:?}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_command_that_fails_hangs_or_is_not_there_is_told_apart() {
        let failed = shell("head -c 64; exit 3").sign(&[7; 100]).await.unwrap_err();
        assert!(failed.to_string().contains("exit status: 3"), "{failed}");
        let absent = SigningCommand::new(vec!["/there/is/no/signer".to_owned()]);
        assert!(matches!(absent.sign(b"m").await, Err(SignerError::CommandStart { .. })));
        let slow = SigningCommand { deadline: Duration::from_millis(50), ..shell("sleep 60") };
        assert!(matches!(slow.sign(b"m").await, Err(SignerError::Deadline { .. })));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn its_public_key_is_asked_for_by_one_word() {
        let key = holdfast_formats::key::SigningKey::from_seed([4; 32]).public();
        let mut command = shell(&format!("test \"$1\" = public && echo {key}"));
        command.words.push("signer".to_owned());
        assert_eq!(command.public().await.unwrap(), key);
        assert!(matches!(shell("echo no").public().await, Err(SignerError::CommandOutput { .. })));
    }
}
