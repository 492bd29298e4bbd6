//! The part of a manifest that depends on the kind: read from a file, or filled with what can be known without asking.

use std::path::Path;

use holdfast_formats::from_json;
use holdfast_formats::limits::ATTACHMENT_BYTES_MAX;
use holdfast_formats::manifest::{Body, FlagsBody, Kind, SchemaBody};
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::text::Label;
use holdfast_formats::time::Timestamp;
use serde::de::DeserializeOwned;

use super::content::{content_digest, modified};
use super::read_text;
use super::snapshot::{label, snapshot_of_files};
use crate::failure::Failure;
use crate::toml_text::from_toml;

/// Files in a pushed schema folder that hold its body.
const LEDGERS: [&str; 2] = ["ledger.json", "schema.toml"];

/// What a body is made from when no file gives it.
#[derive(Debug)]
pub(crate) struct BodySource<'a> {
    /// What is pushed as.
    pub(crate) artifact: &'a ArtifactRef,
    /// The pushed file or folder.
    pub(crate) path: &'a Path,
    /// Where a snapshot comes from, when the person said so.
    pub(crate) system: Option<&'a Label>,
    /// Now.
    pub(crate) now: Timestamp,
}

/// A body and what the person should know about how it was made.
#[derive(Debug)]
pub(crate) struct Filled {
    /// The body.
    pub(crate) body: Body,
    /// What had to be guessed.
    pub(crate) warning: Option<String>,
}

/// Reads the body of a kind from a TOML or JSON file.
pub(crate) fn read_body(kind: Kind, file: &Path) -> anyhow::Result<Body> {
    Ok(match kind {
        Kind::Schema => Body::Schema(Box::new(parsed(file)?)),
        Kind::Flags => Body::Flags(Box::new(parsed(file)?)),
        Kind::Snapshot => Body::Snapshot(Box::new(parsed(file)?)),
        Kind::Release => {
            return Err(Failure::usage("a release is not pushed")
                .with_hint("use `holdfast release REF release.toml`")
                .into());
        }
        Kind::Build | Kind::Config | Kind::Runbook | Kind::Image => {
            let hint = "leave --body out; schema, flags and snapshot have one";
            return Err(Failure::usage(format!("artifacts of kind {kind} have no body"))
                .with_hint(hint)
                .into());
        }
    })
}

/// Makes the body of a kind from what is pushed.
pub(crate) fn body_of(kind: Kind, source: &BodySource<'_>) -> anyhow::Result<Filled> {
    let known = |body| Ok(Filled { body, warning: None });
    match kind {
        Kind::Flags => known(Body::Flags(Box::new(flags(source)?))),
        Kind::Snapshot => {
            let body = snapshot_of_files(source.path, source.system, "holdfast push", source.now)?;
            known(Body::Snapshot(Box::new(body)))
        }
        Kind::Schema => schema(source),
        Kind::Release => read_body(kind, source.path).and_then(known),
        Kind::Build | Kind::Config | Kind::Runbook | Kind::Image => known(Body::None(kind)),
    }
}

fn parsed<T: DeserializeOwned>(file: &Path) -> anyhow::Result<T> {
    let text = read_text(file)?;
    let read = if file.extension().is_some_and(|e| e == "toml") {
        from_toml(&text)
    } else {
        from_json(text.as_bytes(), ATTACHMENT_BYTES_MAX).map_err(|e| e.to_string())
    };
    Ok(read.map_err(|wrong| Failure::usage(format!("{}: {wrong}", file.display())))?)
}

fn schema(source: &BodySource<'_>) -> anyhow::Result<Filled> {
    if source.path.is_dir()
        && let Some(ledger) = LEDGERS.iter().map(|name| source.path.join(name)).find(|file| file.is_file())
    {
        return Ok(Filled { body: read_body(Kind::Schema, &ledger)?, warning: None });
    }
    let unknown = || label("unknown");
    let body = SchemaBody {
        engine: unknown()?,
        from_state: unknown()?,
        to_state: label(source.artifact.version().as_str())?,
        app_range: label("*")?,
        migrations: Vec::new(),
    };
    let warning = format!(
        "{} has neither ledger.json nor schema.toml, so the schema's engine and migrations are recorded as unknown; give --body FILE",
        source.path.display()
    );
    Ok(Filled { body: Body::Schema(Box::new(body)), warning: Some(warning) })
}

fn flags(source: &BodySource<'_>) -> anyhow::Result<FlagsBody> {
    let revision: String = content_digest(source.path)?.to_string().chars().take(12).collect();
    Ok(FlagsBody {
        provider: label("file")?,
        project: label(source.artifact.name().namespace().as_str())?,
        environment: label("default")?,
        revision: label(&revision)?,
        exported_at: modified(source.path, source.now)?.not_after,
    })
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use holdfast_formats::digest::Blake3Digest;
    use holdfast_formats::manifest::Consistency;

    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_ms(4_000_000_000_000)
    }

    fn filled(kind: Kind, path: &Path) -> Filled {
        let artifact = "shop/thing@1.0.0".parse().unwrap();
        body_of(kind, &BodySource { artifact: &artifact, path, system: None, now: now() }).unwrap()
    }

    const LEDGER: &str =
        r#"{"engine":"sqlite","from_state":"0","to_state":"1","app_range":"^1","migrations":[]}"#;

    #[test]
    fn a_snapshot_without_a_body_is_dated_by_its_files_so_that_a_second_push_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("old"), b"data").unwrap();
        std::fs::write(folder.path().join("new"), b"data").unwrap();
        let long_ago = UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
        std::fs::File::options()
            .write(true)
            .open(folder.path().join("old"))
            .unwrap()
            .set_modified(long_ago)
            .unwrap();
        let first = filled(Kind::Snapshot, folder.path()).body;
        assert_eq!(first, filled(Kind::Snapshot, folder.path()).body);
        let Body::Snapshot(body) = first else { panic!("a snapshot was wanted") };
        assert_eq!(body.data_as_of.not_before, Timestamp::from_ms(1_000_000_000));
        assert!(body.data_as_of.not_before < body.data_as_of.not_after);
        assert_eq!((body.consistency, body.tool.as_str()), (Consistency::Crash, "holdfast push"));
    }

    #[test]
    fn flags_without_a_body_are_named_by_their_content() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("flags.json");
        std::fs::write(&file, b"{}").unwrap();
        let Body::Flags(of_file) = filled(Kind::Flags, &file).body else { panic!("flags were wanted") };
        let Body::Flags(of_folder) = filled(Kind::Flags, folder.path()).body else {
            panic!("flags were wanted")
        };
        assert_eq!(of_file.revision, of_folder.revision);
        assert_eq!(of_file.revision.as_str(), &Blake3Digest::of(b"{}").to_string()[..12]);
        assert_eq!(of_file.project.as_str(), "shop");
    }

    #[test]
    fn a_schema_folder_brings_its_ledger_and_a_bare_one_a_warning() {
        let folder = tempfile::tempdir().unwrap();
        assert!(filled(Kind::Schema, folder.path()).warning.is_some());
        std::fs::write(folder.path().join("ledger.json"), LEDGER).unwrap();
        let with_ledger = filled(Kind::Schema, folder.path());
        assert!(with_ledger.warning.is_none());
        let Body::Schema(body) = with_ledger.body else { panic!("a schema was wanted") };
        assert_eq!(body.engine.as_str(), "sqlite");
    }

    #[test]
    fn a_body_is_read_strictly_from_json_and_toml() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let file = folder.path().join(name);
            std::fs::write(&file, text).unwrap();
            file
        };
        let toml = "engine = \"sqlite\"\nfrom_state = \"0\"\nto_state = \"1\"\napp_range = \"^1\"\nmigrations = []\n";
        assert!(read_body(Kind::Schema, &write("a.json", LEDGER)).is_ok());
        assert!(read_body(Kind::Schema, &write("a.toml", toml)).is_ok());
        assert!(read_body(Kind::Schema, &write("b.toml", &format!("{toml}more = 1\n"))).is_err());
        let twice = LEDGER.replacen('{', r#"{"engine":"x","#, 1);
        assert!(read_body(Kind::Schema, &write("b.json", &twice)).is_err());
        assert!(read_body(Kind::Build, &write("c.json", LEDGER)).is_err());
    }
}
