//! The registry's settings file.

use holdfast_registry::config::{LimitFlags, ServeConfig, ServeFlags};

pub(crate) const EXAMPLES: &[&[u8]] = &[
    b"listen = \"127.0.0.1:1\"\nstore = \"s3://bucket/prefix\"\nkeys = \"k\"\n[limits]\nmemory-mib = 1\n",
    b"external-url = \"https://x.example\"\norigin = \"x\"\nlog-format = \"json\"\n[client]\nurl = \"x\"\n",
];

pub(crate) fn run(data: &[u8]) {
    let path = super::bundle::in_memory("holdfast.toml");
    std::fs::write(&path, data).expect("memory can be written to");
    let limits = LimitFlags {
        memory_mib: None,
        connections_max: None,
        blocking_max: None,
        body_deadline_s: None,
        upload_deadline_s: None,
        drain_deadline_s: None,
        stranger_requests_per_s: None,
        token_requests_per_s: None,
    };
    let flags = ServeFlags {
        config: Some(path),
        listen: None,
        external_url: None,
        store: None,
        data: None,
        keys: None,
        origin: None,
        tls_cert: None,
        tls_key: None,
        witness: Vec::new(),
        limits,
        log_format: None,
        log_level: None,
    };
    if let Ok(config) = ServeConfig::load(flags) {
        assert!(config.limits.memory_bytes > 0 && !config.limits.drain_deadline.is_zero());
    }
}
