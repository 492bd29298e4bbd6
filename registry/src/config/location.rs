//! Which store `--store` names.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// A store location that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLocation {
    /// Neither a directory nor a known scheme.
    #[error(
        "{0:?} is no store: give a directory, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX or memory:"
    )]
    UnknownScheme(String),
    /// A cloud location without its bucket.
    #[error("{0:?} names no bucket: write for example s3://my-bucket/holdfast")]
    NoBucket(String),
}

/// Where objects live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreLocation {
    /// A directory of this machine; one node at a time.
    Directory(PathBuf),
    /// A bucket behind an API; any number of nodes.
    Bucket {
        /// Whose API.
        cloud: Cloud,
        /// The bucket or container.
        bucket: String,
        /// The key prefix inside it, without slashes at its ends; empty for none.
        prefix: String,
    },
    /// Nothing that outlives the process. For tests.
    Memory,
}

/// Whose object store API a bucket speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cloud {
    /// Amazon S3 and what is compatible with it.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage.
    Azure,
}

impl Cloud {
    fn from_scheme(scheme: &str) -> Option<Self> {
        match scheme {
            "s3" => Some(Self::S3),
            "gs" => Some(Self::Google),
            "az" => Some(Self::Azure),
            _ => None,
        }
    }

    fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Google => "gs",
            Self::Azure => "az",
        }
    }
}

impl FromStr for StoreLocation {
    type Err = InvalidLocation;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "memory:" {
            return Ok(Self::Memory);
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return directory(text);
        };
        let cloud =
            Cloud::from_scheme(scheme).ok_or_else(|| InvalidLocation::UnknownScheme(text.to_owned()))?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(InvalidLocation::NoBucket(text.to_owned()));
        }
        Ok(Self::Bucket { cloud, bucket: bucket.to_owned(), prefix: prefix.trim_matches('/').to_owned() })
    }
}

fn directory(text: &str) -> Result<StoreLocation, InvalidLocation> {
    if text.is_empty() {
        return Err(InvalidLocation::UnknownScheme(text.to_owned()));
    }
    Ok(StoreLocation::Directory(PathBuf::from(text)))
}

impl fmt::Display for StoreLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => write!(f, "{}", path.display()),
            Self::Bucket { cloud, bucket, prefix } if prefix.is_empty() => {
                write!(f, "{}://{bucket}", cloud.scheme())
            }
            Self::Bucket { cloud, bucket, prefix } => write!(f, "{}://{bucket}/{prefix}", cloud.scheme()),
            Self::Memory => f.write_str("memory:"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_location_prints_as_it_parses() -> Result<(), InvalidLocation> {
        for text in
            ["./holdfast-data/objects", "s3://bucket", "s3://bucket/a/b", "gs://b/p", "az://c/p", "memory:"]
        {
            assert_eq!(text.parse::<StoreLocation>()?.to_string(), text);
        }
        assert_eq!("s3://bucket/a/".parse::<StoreLocation>()?.to_string(), "s3://bucket/a");
        Ok(())
    }

    #[test]
    fn unknown_schemes_and_missing_buckets_are_refused() {
        for bad in ["", "ftp://x/y", "s3://", "s3:///prefix"] {
            assert!(bad.parse::<StoreLocation>().is_err(), "{bad:?}");
        }
    }
}
