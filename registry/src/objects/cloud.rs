//! Clients of bucket stores. Credentials and endpoints come from each cloud's usual environment variables.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ClientConfigKey, ObjectStore, RetryConfig};

use crate::config::Cloud;

/// An attachment of 64 MiB must fit through a slow line.
const REQUEST_TIMEOUT: &str = "60s";
const CONNECT_TIMEOUT: &str = "5s";
const RETRIES_MAX: usize = 4;
const RETRY_TIMEOUT: Duration = Duration::from_secs(20);

/// The client of `bucket`, every key below `prefix`.
pub(super) fn client(cloud: Cloud, bucket: &str, prefix: &str) -> object_store::Result<Arc<dyn ObjectStore>> {
    install_tls_provider();
    let bucket_store: Arc<dyn ObjectStore> = match cloud {
        Cloud::S3 => Arc::new(s3(bucket)?),
        Cloud::Google => Arc::new(google(bucket)?),
        Cloud::Azure => Arc::new(azure(bucket)?),
    };
    if prefix.is_empty() {
        return Ok(bucket_store);
    }
    Ok(Arc::new(PrefixStore::new(bucket_store, Path::parse(prefix)?)))
}

fn s3(bucket: &str) -> object_store::Result<object_store::aws::AmazonS3> {
    AmazonS3Builder::from_env()
        .with_config(AmazonS3ConfigKey::Client(ClientConfigKey::Timeout), REQUEST_TIMEOUT)
        .with_config(AmazonS3ConfigKey::Client(ClientConfigKey::ConnectTimeout), CONNECT_TIMEOUT)
        .with_bucket_name(bucket)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_retry(retries())
        .build()
}

fn google(bucket: &str) -> object_store::Result<object_store::gcp::GoogleCloudStorage> {
    GoogleCloudStorageBuilder::from_env()
        .with_config(GoogleConfigKey::Client(ClientConfigKey::Timeout), REQUEST_TIMEOUT)
        .with_config(GoogleConfigKey::Client(ClientConfigKey::ConnectTimeout), CONNECT_TIMEOUT)
        .with_bucket_name(bucket)
        .with_retry(retries())
        .build()
}

fn azure(container: &str) -> object_store::Result<object_store::azure::MicrosoftAzure> {
    MicrosoftAzureBuilder::from_env()
        .with_config(AzureConfigKey::Client(ClientConfigKey::Timeout), REQUEST_TIMEOUT)
        .with_config(AzureConfigKey::Client(ClientConfigKey::ConnectTimeout), CONNECT_TIMEOUT)
        .with_container_name(container)
        .with_retry(retries())
        .build()
}

/// Short: the caller looks at the slot and decides, so a long silence here only delays it.
fn retries() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig { max_backoff: Duration::from_secs(3), ..BackoffConfig::default() },
        max_retries: RETRIES_MAX,
        retry_timeout: RETRY_TIMEOUT,
    }
}

/// The HTTP client takes the process-wide provider; whoever came first installed the same one.
pub fn install_tls_provider() {
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::trace!("a TLS provider is installed already");
    }
}
