use super::*;
use crate::progress::Quiet;
use holdfast_formats::digest::Digests;
use holdfast_formats::manifest::{Body, Kind};
use holdfast_formats::number::ByteSize;
use holdfast_formats::wire::v1::ExitCode;

fn manifest(files: &[(&str, &[u8])]) -> Manifest {
    let file = |(path, bytes): &(&str, &[u8])| File {
        path: path.parse().unwrap(),
        size: ByteSize::of(bytes),
        digests: Digests::of(bytes),
        mode: None,
        media_type: None,
        stored: None,
    };
    Manifest::of_files(files.iter().map(file).collect(), Body::None(Kind::Build))
}

#[test]
fn a_folder_is_right_when_every_listed_file_is_and_others_are_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("sub")).unwrap();
    std::fs::write(folder.path().join("sub/a"), b"one").unwrap();
    std::fs::write(folder.path().join("notes"), b"mine").unwrap();
    let found = compare(&manifest(&[("sub/a", b"one")]), folder.path(), &Quiet).unwrap();
    assert_eq!(found, LocalVerification { files: 1, bytes: 3, extra: vec!["notes".to_owned()] });
}

#[test]
fn t8_a_changed_or_missing_file_is_an_integrity_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a"), b"one").unwrap();
    for (files, name) in [
        ([("a", b"two".as_slice())], "a"),
        ([("a", b"longer".as_slice())], "a"),
        ([("b", b"x".as_slice())], "b"),
    ] {
        let error = compare(&manifest(&files), folder.path(), &Quiet).unwrap_err();
        assert_eq!(error.exit(), ExitCode::Integrity);
        assert!(error.to_string().starts_with(name), "{error}");
    }
}

#[test]
fn one_file_is_compared_with_an_artifact_of_one_file_only() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("renamed");
    std::fs::write(&place, b"one").unwrap();
    assert!(compare(&manifest(&[("a", b"one")]), &place, &Quiet).is_ok());
    assert!(compare(&manifest(&[("a", b"one"), ("b", b"one")]), &place, &Quiet).is_err());
}
