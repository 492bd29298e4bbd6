use super::*;
use bytes::Bytes;
use holdfast_formats::digest::Digests;
use holdfast_formats::number::ByteSize;

fn file(path: &str, bytes: &[u8], mode: Option<u16>) -> File {
    let path = path.parse().unwrap();
    File {
        path,
        size: ByteSize::of(bytes),
        digests: Digests::of(bytes),
        mode,
        media_type: None,
        stored: None,
    }
}

fn restore(target: &Target, file: &File, bytes: &'static [u8]) -> Result<(), ClientError> {
    match target.begin(0, file)? {
        Some(sink) => target.finish(0, file, sink.write(&[Bytes::from_static(bytes)])?),
        None => Ok(()),
    }
}

#[cfg(unix)]
#[test]
fn t25_a_link_out_of_the_target_is_not_written_through() {
    let (outside, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::os::unix::fs::symlink(outside.path(), folder.path().join("sub")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("file"), folder.path().join("run")).unwrap();
    std::fs::write(outside.path().join("file"), b"mine").unwrap();
    let target = Target::open(folder.path()).unwrap();
    for path in ["sub/evil", "sub/deep/evil", "run"] {
        assert!(restore(&target, &file(path, b"evil", None), b"evil").is_err(), "{path}");
    }
    assert_eq!(std::fs::read(outside.path().join("file")).unwrap(), b"mine");
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn t25_a_link_in_the_place_of_the_partial_file_is_refused() {
    let (outside, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let wanted = file("run", b"good", None);
    std::os::unix::fs::symlink(outside.path().join("x"), folder.path().join(partial_name(0, &wanted)))
        .unwrap();
    let target = Target::open(folder.path()).unwrap();
    assert!(matches!(restore(&target, &wanted, b"good"), Err(ClientError::Target { .. })));
    assert!(!outside.path().join("x").exists());
}

#[test]
fn t25_a_folder_in_the_place_of_a_file_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("run")).unwrap();
    let target = Target::open(folder.path()).unwrap();
    assert!(matches!(restore(&target, &file("run", b"x", None), b"x"), Err(ClientError::Target { .. })));
}

#[cfg(unix)]
#[test]
fn permission_bits_come_back_and_set_user_id_does_not() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let target = Target::open(folder.path()).unwrap();
    for (mode, wanted) in [(Some(0o755), 0o755), (None, 0o644), (Some(0o4755), 0o755)] {
        let file = file("run", b"x", mode);
        restore(&target, &file, b"x").unwrap();
        let bits = std::fs::metadata(folder.path().join("run")).unwrap().permissions().mode();
        assert_eq!(bits & 0o7777, wanted);
    }
}

#[test]
fn a_partial_file_of_an_earlier_run_is_used_and_a_wrong_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let target = Target::open(folder.path()).unwrap();
    let wanted = file("run", b"good bytes", None);
    let partial = folder.path().join(partial_name(0, &wanted));
    std::fs::write(&partial, b"good ").unwrap();
    assert_eq!(target.begin(0, &wanted).unwrap().unwrap().length(), 5);
    for wrong in [b"evil bytes".as_slice(), b"far more bytes than it has"] {
        std::fs::write(&partial, wrong).unwrap();
        assert_eq!(target.begin(0, &wanted).unwrap().unwrap().length(), 0);
    }
    restore(&target, &wanted, b"good bytes").unwrap();
    assert_eq!(std::fs::read(folder.path().join("run")).unwrap(), b"good bytes");
}

#[test]
fn t25_a_file_below_another_file_is_refused_before_anything_is_written() {
    assert!(collide(&[file("a", b"x", None), file("a/b", b"y", None)]).is_err());
    assert!(collide(&[file("a-b", b"x", None), file("a/b", b"y", None)]).is_ok());
}
