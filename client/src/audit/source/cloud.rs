//! A bucket over S3: credentials and endpoint come from the environment, as the registry takes them. The only user of
//! `object_store` in this crate.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path;
use object_store::{ClientConfigKey, ObjectStore, ObjectStoreExt as _, RetryConfig};

use super::objects::Object;
use crate::error::ClientError;
use crate::transport::install_crypto;

/// An attachment of 64 MiB must fit through a slow line.
const REQUEST_TIMEOUT: &str = "60s";
const CONNECT_TIMEOUT: &str = "5s";
const RETRIES_MAX: usize = 4;
const RETRY_TIMEOUT: Duration = Duration::from_mins(1);

/// A bucket, or what is below a prefix in it.
#[derive(Debug, Clone)]
pub(in crate::audit) struct Bucket {
    store: Arc<dyn ObjectStore>,
    prefix: String,
    name: String,
}

impl Bucket {
    /// Opens `bucket/prefix`.
    pub(super) fn open(location: &str) -> object_store::Result<Self> {
        install_crypto();
        let (bucket, prefix) = location.split_once('/').unwrap_or((location, ""));
        let retry =
            RetryConfig { max_retries: RETRIES_MAX, retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() };
        let store = AmazonS3Builder::from_env()
            .with_config(AmazonS3ConfigKey::Client(ClientConfigKey::Timeout), REQUEST_TIMEOUT)
            .with_config(AmazonS3ConfigKey::Client(ClientConfigKey::ConnectTimeout), CONNECT_TIMEOUT)
            .with_bucket_name(bucket)
            .with_retry(retry)
            .build()?;
        let name = format!("s3://{location}");
        Ok(Self { store: Arc::new(store), prefix: prefix.trim_matches('/').to_owned(), name })
    }

    /// Reads an object of at most `max` bytes.
    pub(super) async fn get(&self, key: &str, max: u64) -> Result<Object, ClientError> {
        let key = if self.prefix.is_empty() { key.to_owned() } else { format!("{}/{key}", self.prefix) };
        let path = Path::parse(key).map_err(|e| self.failed(e))?;
        match self.store.get(&path).await {
            Ok(found) if found.meta.size > max => Ok(Object::TooLarge),
            Ok(found) => Ok(Object::Here(found.bytes().await.map_err(|e| self.failed(e))?.to_vec())),
            Err(object_store::Error::NotFound { .. }) => Ok(Object::Missing),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Where it is.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn failed(&self, source: impl std::error::Error + Send + Sync + 'static) -> ClientError {
        ClientError::StoreUnreachable { location: self.name.clone(), source: Box::new(source) }
    }
}
