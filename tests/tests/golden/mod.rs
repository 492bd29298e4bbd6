//! Files under `schemas/` that code generates and people review: compared, or written anew with `HOLDFAST_BLESS=1`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A folder's files by their path inside it.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// A folder below `schemas/`.
pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas").join(name)
}

/// Fails when the checked-in files of a folder differ from those generated now, by name or by content. With
/// `HOLDFAST_BLESS=1` the folder is made equal instead; where `CI` is set that is refused, so that nobody's build
/// accepts what nobody reviewed.
pub(crate) fn settle(name: &str, generated: &Files) {
    let folder = folder(name);
    if std::env::var("HOLDFAST_BLESS").is_ok_and(|value| value == "1") {
        assert!(
            std::env::var_os("CI").is_none(),
            "HOLDFAST_BLESS writes files for review; it has no place in CI"
        );
        write(&folder, generated);
    }
    let stored = read(&folder, &folder);
    let mut wrong: Vec<String> = Vec::new();
    for (file, bytes) in generated {
        match stored.get(file) {
            None => wrong.push(format!("{file} is missing")),
            Some(found) if found != bytes => wrong.push(format!("{file} is stale")),
            Some(_) => {}
        }
    }
    wrong.extend(
        stored
            .keys()
            .filter(|file| !generated.contains_key(*file))
            .map(|file| format!("{file} is left over")),
    );
    assert!(
        wrong.is_empty(),
        "schemas/{name}: run the test with HOLDFAST_BLESS=1 and review the difference\n{}",
        wrong.join("\n")
    );
}

fn write(folder: &Path, generated: &Files) {
    for left_over in read(folder, folder).keys().filter(|file| !generated.contains_key(*file)) {
        fs::remove_file(folder.join(left_over)).expect("a left-over file can be removed");
    }
    for (file, bytes) in generated {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("the folder can be made");
        fs::write(path, bytes).expect("the file can be written");
    }
}

/// Every file below a folder but its README.
fn read(root: &Path, folder: &Path) -> Files {
    let mut files = Files::new();
    for item in fs::read_dir(folder).into_iter().flatten() {
        let path = item.expect("the folder is listable").path();
        if path.is_dir() {
            files.extend(read(root, &path));
        } else if path.file_name().is_some_and(|name| name != "README.md") {
            let name = path.strip_prefix(root).expect("it was listed below the root");
            let bytes = fs::read(&path).expect("the file is readable");
            files.insert(name.to_string_lossy().replace('\\', "/"), bytes);
        }
    }
    files
}
