//! Where the objects of a log are read from without its registry: a folder, a static mirror over HTTPS, a bucket.
//!
//! Reads and never writes; what is read is not believed.

use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use futures::future::try_join_all;

#[cfg(feature = "buckets")]
use super::cloud::Bucket;
use crate::blocking;
use crate::error::{ClientError, FileAction};
use crate::transport::{Address, Request, Transport};

/// An object that was read, or why it is not there as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::audit) enum Object {
    /// Its bytes.
    Here(Vec<u8>),
    /// There is none.
    Missing,
    /// It is larger than any honest one.
    TooLarge,
}

impl Object {
    /// The bytes, where they are there.
    pub(in crate::audit) fn bytes(self) -> Option<Vec<u8>> {
        match self {
            Self::Here(bytes) => Some(bytes),
            Self::Missing | Self::TooLarge => None,
        }
    }
}

/// The objects of one log.
#[derive(Debug, Clone)]
pub(in crate::audit) enum Objects {
    /// Files below a folder.
    Folder(PathBuf),
    /// Files that a web server hands out.
    Mirror(Transport),
    /// A bucket.
    #[cfg(feature = "buckets")]
    Bucket(Bucket),
}

impl Objects {
    /// Reads a location: a folder, `s3://bucket/prefix`, or `https://…` (plain `http://` on this machine only).
    pub(in crate::audit) fn at(location: &str) -> Result<Self, ClientError> {
        let bad =
            |rule: &str| ClientError::StoreLocation { location: location.to_owned(), rule: rule.to_owned() };
        match location.split_once("://") {
            None => {
                let folder = PathBuf::from(location);
                if folder.join("log").is_dir() {
                    Ok(Self::Folder(folder))
                } else {
                    Err(bad("there is no folder log in it; name the folder that has log, chunks and blobs"))
                }
            }
            Some(("http" | "https", _)) => {
                let address = Address::parse(location)?;
                address
                    .require_private()
                    .map_err(|_| bad("write https://; plain http is for this machine only"))?;
                Ok(Self::Mirror(Transport::new(address, None)?))
            }
            #[cfg(feature = "buckets")]
            Some(("s3", rest)) => Bucket::open(rest).map(Self::Bucket).map_err(|e| bad(&e.to_string())),
            Some(_) => Err(bad("write a folder, s3://bucket/prefix or https://…")),
        }
    }

    /// Reads an object of at most `max` bytes.
    pub(in crate::audit) async fn get(&self, key: &str, max: u64) -> Result<Object, ClientError> {
        match self {
            Self::Folder(folder) => {
                let path = folder.join(key);
                blocking::run(move || read_file(&path, max)).await
            }
            Self::Mirror(transport) => {
                let path = format!("/{key}");
                match transport.call_bytes(&Request::get(&path, "object", max)).await {
                    Ok(bytes) => Ok(Object::Here(bytes)),
                    Err(ClientError::NotARegistry { status: 404 | 410, .. }) => Ok(Object::Missing),
                    Err(ClientError::AnswerTooLarge { .. }) => Ok(Object::TooLarge),
                    Err(error) => Err(error),
                }
            }
            #[cfg(feature = "buckets")]
            Self::Bucket(bucket) => bucket.get(key, max).await,
        }
    }

    /// Reads objects until there is one that is not there, or `bytes_max` are reached: at least one.
    pub(in crate::audit) async fn run(
        &self,
        keys: Vec<String>,
        max: u64,
        bytes_max: usize,
        at_once: usize,
    ) -> Result<Vec<Object>, ClientError> {
        match self {
            Self::Folder(folder) => {
                let folder = folder.clone();
                blocking::run(move || read_files(&folder, &keys, max, bytes_max)).await
            }
            Self::Mirror(_) => try_join_all(keys.iter().take(at_once).map(|key| self.get(key, max))).await,
            #[cfg(feature = "buckets")]
            Self::Bucket(_) => try_join_all(keys.iter().take(at_once).map(|key| self.get(key, max))).await,
        }
    }
}

impl std::fmt::Display for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder(folder) => folder.display().fmt(f),
            Self::Mirror(transport) => transport.address().fmt(f),
            #[cfg(feature = "buckets")]
            Self::Bucket(bucket) => f.write_str(bucket.name()),
        }
    }
}

fn read_files(
    folder: &Path,
    keys: &[String],
    max: u64,
    bytes_max: usize,
) -> Result<Vec<Object>, ClientError> {
    let (mut out, mut bytes) = (Vec::new(), 0);
    for key in keys {
        let object = read_file(&folder.join(key), max)?;
        let is_here = matches!(&object, Object::Here(_));
        if let Object::Here(content) = &object {
            bytes += content.len();
        }
        out.push(object);
        if !is_here || bytes >= bytes_max {
            break;
        }
    }
    Ok(out)
}

fn read_file(path: &Path, max: u64) -> Result<Object, ClientError> {
    let failed = |e| ClientError::file(FileAction::Read, path, e);
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Object::Missing);
        }
        Err(error) => return Err(failed(error)),
    };
    let size = file.metadata().map_err(failed)?.len();
    let mut bytes = Vec::with_capacity(usize::try_from(size.min(max)).unwrap_or(0));
    file.take(max.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    Ok(if bytes.len() as u64 > max { Object::TooLarge } else { Object::Here(bytes) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_a_folder_with_a_log_or_an_address_that_nobody_reads_along() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().to_str().unwrap();
        assert!(Objects::at(text).unwrap_err().to_string().contains("no folder log"));
        fs::create_dir(folder.path().join("log")).unwrap();
        assert!(matches!(Objects::at(text), Ok(Objects::Folder(_))));
        assert!(matches!(Objects::at("http://127.0.0.1:1/mirror"), Ok(Objects::Mirror(_))));
        assert!(matches!(Objects::at("https://example.org"), Ok(Objects::Mirror(_))));
        for bad in ["http://example.org", "ftp://example.org", "gopher://x"] {
            assert!(matches!(Objects::at(bad), Err(ClientError::StoreLocation { .. })), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_run_ends_at_the_first_object_that_is_not_there_or_when_it_is_long_enough() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "b", "d"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let objects = Objects::Folder(folder.path().to_owned());
        let keys = || ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        let here = |name: &str| Object::Here(name.as_bytes().to_vec());
        let run = objects.run(keys(), 10, 100, 1).await.unwrap();
        assert_eq!(run, [here("a"), here("b"), Object::Missing]);
        assert_eq!(objects.run(keys(), 10, 1, 1).await.unwrap(), [here("a")]);
        assert_eq!(objects.run(keys(), 0, 1, 1).await.unwrap(), [Object::TooLarge]);
    }
}
