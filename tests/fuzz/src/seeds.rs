//! The first inputs of a target: the golden vectors of its kinds, to accept and to reject.

use std::io;
use std::path::Path;

use serde::Deserialize;

use crate::targets::Target;

#[derive(Deserialize)]
struct Case {
    #[serde(alias = "format")]
    kind: String,
    file: String,
}

/// Fills `folder` with the vectors of a target's kinds.
pub(crate) fn write(target: &Target, folder: &Path) -> io::Result<()> {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/vectors");
    std::fs::create_dir_all(folder)?;
    let mut count = 0;
    let mut add = |bytes: &[u8]| {
        count += 1;
        std::fs::write(folder.join(format!("seed-{count}")), bytes)
    };
    for group in std::fs::read_dir(&vectors)? {
        let group = group?.path();
        let Ok(index) = std::fs::read(group.join("index.json")) else { continue };
        let cases: Vec<Case> = serde_json::from_slice(&index)?;
        for case in cases.iter().filter(|case| target.kinds.contains(&case.kind.as_str())) {
            let bytes = std::fs::read(group.join(&case.file))?;
            if case.kind.starts_with("texts:") {
                let texts: Vec<String> = serde_json::from_slice(&bytes)?;
                texts.iter().try_for_each(|text| add(text.as_bytes()))?;
            } else if case.kind == "tile-paths" || case.kind == "verifier-keys" {
                bytes.split(|byte| *byte == b'\n').try_for_each(&mut add)?;
            } else if case.file.ends_with(".hex") {
                add(&data_encoding::HEXLOWER.decode(bytes.trim_ascii_end()).map_err(io::Error::other)?)?;
            } else {
                add(&bytes)?;
            }
        }
    }
    target.examples.iter().try_for_each(|example| add(example))
}
