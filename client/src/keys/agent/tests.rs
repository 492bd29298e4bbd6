//! Against a small agent that speaks the protocol by its document, and against ones that do not.

use holdfast_formats::key::SigningKey;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;

use super::*;

/// An agent that gives every request to a function and sends what it returns.
fn agent(answer: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> (tempfile::TempDir, Agent) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("agent");
    let listener = UnixListener::bind(&socket).unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let length = stream.read_u32().await.unwrap();
            let mut request = vec![0; usize::try_from(length).unwrap()];
            stream.read_exact(&mut request).await.unwrap();
            drop(stream.write_all(&answer(&request)).await);
        }
    });
    (folder, Agent { socket })
}

fn framed(kind: u8, body: &[u8]) -> Vec<u8> {
    string(&[&[kind], body].concat()).unwrap()
}

/// The answer of an honest agent with these keys.
fn honest(keys: &[(&str, SigningKey)], request: &[u8]) -> Vec<u8> {
    let (kind, body) = request.split_first().unwrap();
    if *kind == REQUEST_IDENTITIES {
        let mut out = u32::try_from(keys.len() + 1).unwrap().to_be_bytes().to_vec();
        out.extend([string(&string(b"ssh-rsa").unwrap()).unwrap(), string(b"old").unwrap()].concat());
        for (comment, key) in keys {
            out.extend(string(&write_public(&key.public())).unwrap());
            out.extend(string(comment.as_bytes()).unwrap());
        }
        return framed(IDENTITIES_ANSWER, &out);
    }
    let mut fields = Reader(body);
    let (blob, data) = (fields.string().unwrap(), fields.string().unwrap());
    assert_eq!((fields.number(), fields.is_at_end()), (Ok(0), true));
    let Some((_, key)) = keys.iter().find(|(_, key)| write_public(&key.public()) == blob) else {
        return framed(FAILURE, &[]);
    };
    let signature = [string(ED25519).unwrap(), string(&key.sign(data)).unwrap()].concat();
    framed(SIGN_RESPONSE, &string(&signature).unwrap())
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_chosen_by_comment_or_fingerprint_and_signs() {
    let keys = [("work", key(1)), ("home", key(2))];
    let (_folder, agent) = agent(move |request| honest(&keys, request));
    let work = agent.choose(Some("work")).await.unwrap();
    assert_eq!(work.key, key(1).public());
    assert_eq!(agent.choose(Some(&work.fingerprint())).await.unwrap(), work);
    for wanted in [None, Some("nobody's")] {
        let refused = agent.choose(wanted).await.unwrap_err().to_string();
        assert!(
            refused.contains("work") && refused.contains("home") && !refused.contains("old"),
            "{refused}"
        );
    }
    let signature = agent.sign(&work.key, b"message").await.unwrap();
    assert_eq!(work.key.verify(b"message", &signature), Ok(()));
    let absent = agent.sign(&key(3).public(), b"message").await.unwrap_err();
    assert!(matches!(absent, SignerError::AgentWithoutKey(_)), "{absent}");
    let large = agent.sign(&work.key, &vec![0; MESSAGE_BYTES_MAX]).await.unwrap_err();
    assert!(matches!(large, SignerError::TooLarge(_)), "{large}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_locked_or_no_agent_is_told_apart() {
    let keys = [("work", key(1))];
    let (_folder, locked) = agent(move |request| match request.first() {
        Some(&SIGN_REQUEST) => framed(FAILURE, &[]),
        _ => honest(&keys, request),
    });
    let refused = locked.sign(&key(1).public(), b"message").await.unwrap_err();
    assert!(matches!(refused, SignerError::AgentRefused(_)), "{refused}");
    for answer in [
        framed(99, b"what?"),
        framed(IDENTITIES_ANSWER, &[0, 0, 0, 9, 0]),
        u32::MAX.to_be_bytes().to_vec(),
        framed(SIGN_RESPONSE, &string(&[0, 0, 0, 3]).unwrap()),
    ] {
        let (_folder, odd) = agent(move |_| answer.clone());
        assert!(matches!(odd.identities().await, Err(SignerError::AgentAnswer(_))));
        assert!(matches!(odd.sign(&key(1).public(), b"m").await, Err(SignerError::AgentAnswer(_))));
    }
    let (_folder, silent) = agent(|_| Vec::new());
    assert!(matches!(silent.identities().await, Err(SignerError::AgentUnreachable { .. })));
}
