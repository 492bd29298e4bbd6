//! Which setting wins, and which are refused.

use std::path::Path;

use clap::Parser;
use holdfast_formats::key::SigningKey;
use holdfast_formats::note::{NoteKey, SignatureType};

use super::*;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    flags: ServeFlags,
}

fn config(flags: &[&str], file: &str) -> Result<ServeConfig, ConfigError> {
    let command = Command::parse_from([&["serve"], flags].concat());
    ServeConfig::merge(command.flags, FileSettings::parse(file, Path::new("holdfast.toml"))?)
}

#[test]
fn nothing_said_is_an_embedded_registry_on_loopback() -> Result<(), ConfigError> {
    let config = config(&[], "")?;
    assert_eq!(config.listen.to_string(), "127.0.0.1:7420");
    assert_eq!(config.store, StoreLocation::Directory("./holdfast-data/objects".into()));
    assert_eq!(config.keys, Path::new("./holdfast-data/keys"));
    assert_eq!(config.limits.connections_max.get(), 10_240);
    assert_eq!(config.tls, None);
    Ok(())
}

#[test]
fn flag_wins_over_file_and_file_over_default() -> Result<(), ConfigError> {
    let file =
        "listen = '127.0.0.1:1'\nlog-format = 'json'\n[limits]\nmemory-mib = 7\ndrain-deadline-s = 3\n";
    let config = config(&["--listen", "127.0.0.1:2", "--drain-deadline-s", "4"], file)?;
    assert_eq!(config.listen.port(), 2);
    assert_eq!(config.log_format, LogFormat::Json);
    assert_eq!(config.limits.memory_bytes, 7 * 1024 * 1024);
    assert_eq!(config.limits.drain_deadline.as_secs(), 4);
    Ok(())
}

#[test]
fn unknown_key_in_the_file_is_refused_by_name() {
    let refused = config(&[], "[limits]\nmemory-gib = 7\n").expect_err("the key does not exist");
    let source = std::error::Error::source(&refused).map(ToString::to_string).unwrap_or_default();
    assert!(
        refused.to_string().contains("holdfast.toml") && source.contains("memory-gib"),
        "{refused}: {source}"
    );
}

#[test]
fn settings_that_do_not_go_together_are_refused() {
    assert!(matches!(config(&["--tls-cert", "c.pem"], ""), Err(ConfigError::HalfOfTls)));
    assert!(matches!(config(&["--store", "s3://bucket"], ""), Err(ConfigError::NoKeys)));
    let inside = config(&["--store", "/d/objects", "--keys", "/d/objects/keys"], "");
    assert!(matches!(inside, Err(ConfigError::KeysInStore { .. })));
    assert!(matches!(config(&["--memory-mib", "0"], ""), Err(ConfigError::ZeroLimit { name: "memory-mib" })));
    assert!(matches!(config(&["--store", "ftp://x"], ""), Err(ConfigError::Store(_))));
}

#[test]
fn external_url_is_a_base_url() -> Result<(), ConfigError> {
    let given = config(&["--external-url", "https://holdfast.example/r/"], "")?;
    assert_eq!(given.external_url.as_deref(), Some("https://holdfast.example/r"));
    for bad in ["holdfast.example", "https://", "ftp://x", "https://x/?q", "https://u:p@x", "https://x y"] {
        assert!(config(&["--external-url", bad], "").is_err(), "{bad}");
    }
    Ok(())
}

fn witness(seed: u8, kind: SignatureType) -> String {
    let name = format!("witness.example/w{seed}").parse().expect("it is a name");
    NoteKey::new(name, kind, SigningKey::from_seed([seed; 32]).public()).to_string()
}

#[test]
fn witnesses_are_a_list_in_the_file_and_flags_replace_it() -> Result<(), ConfigError> {
    let (one, two) = (witness(1, SignatureType::Cosignature), witness(2, SignatureType::Cosignature));
    let file = format!("witness = ['https://a.example/w/ {one}', 'http://127.0.0.1:1 {two}']\n");
    let both = config(&[], &file)?;
    let urls: Vec<&str> = both.witnesses.iter().map(|witness| witness.url.as_str()).collect();
    assert_eq!(urls, ["https://a.example/w", "http://127.0.0.1:1"]);
    assert_eq!(both.witnesses.first().map(|witness| witness.key.to_string()), Some(one.clone()));
    let given = config(&["--witness", &format!("https://b.example {two},https://c.example {one}")], &file)?;
    assert_eq!(given.witnesses.len(), 2);
    assert_eq!(given.witnesses.first().map(|witness| witness.url.as_str()), Some("https://b.example"));
    assert!(config(&[], "")?.witnesses.is_empty());
    Ok(())
}

#[test]
fn witnesses_that_cannot_be_asked_or_believed_are_refused() {
    let (one, log) = (witness(1, SignatureType::Cosignature), witness(1, SignatureType::Ed25519));
    for wrong in
        [one.clone(), format!("ftp://a {one}"), format!("https://a {log}"), "https://a key".to_owned()]
    {
        let refused = config(&["--witness", &wrong], "");
        assert!(matches!(refused, Err(ConfigError::Witness(_))), "{wrong}: {refused:?}");
    }
    let twice =
        config(&["--witness", &format!("https://a {one}"), "--witness", &format!("https://b {one}")], "");
    assert!(matches!(twice, Err(ConfigError::WitnessTwice { .. })), "{twice:?}");
}
