//! What stands in golden documents where a schema only says "text" or "number".

/// One BLAKE3 digest of something, in hexadecimal: that of no bytes.
pub(crate) const BLAKE3: &str = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
/// One SHA-256 digest: that of no bytes.
pub(crate) const SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/// The log of all golden cases.
pub(crate) const ORIGIN: &str = "registry.example/log";
const KEY: &str = "ed25519:A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";

/// Texts of a type, the plainest first; `None` for what is no text.
pub(crate) fn texts(kind: &str, field: &str) -> Option<Vec<String>> {
    let texts: Vec<&str> = match kind {
        "Origin" => vec![ORIGIN, "registry.example/other"],
        "RandomId" => vec!["000102030405060708090a0b0c0d0e0f", "ffffffffffffffffffffffffffffffff"],
        "Timestamp" => vec![time(field)],
        "ArtifactName" => vec!["shop/web", "shop/team-1/x_y/z__0.1"],
        "ChannelName" => vec!["shop/prod", "shop/eu/staging"],
        "Namespace" => vec!["shop", "a.b-c"],
        "PrincipalId" => vec!["ada@shop.example", "ci:shop/web"],
        "Version" => vec!["1.4.2", "2026-11-21_rc.1"],
        "ArtifactRef" => vec!["shop/web@1.4.2", "shop/db@42"],
        "NamePattern" => vec!["shop/*", "*", "shop/*/web"],
        "Blake3Digest" => vec![BLAKE3],
        "Sha256Digest" | "KeyId" => vec![SHA256],
        "NamedDigest" => return Some(vec![format!("blake3:{BLAKE3}"), format!("sha256:{SHA256}")]),
        "PublicKey" => vec![KEY],
        "TreeHash" => vec!["47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="],
        "Text256" | "Text2048" | "Text4096" => {
            vec![text(field), "é \u{1f980} \"quoted\" \\ \u{1b}[0m\n\t/", "x", "null", "1"]
        }
        _ => return None,
    };
    Some(texts.into_iter().map(ToOwned::to_owned).collect())
}

fn time(field: &str) -> &'static str {
    match field {
        "issued_at" => "2026-11-21T07:00:00.000Z",
        "not_after" => "2026-11-22T07:00:00.000Z",
        "until" | "expires" | "due" => "2027-11-21T00:00:00.000Z",
        "ended" | "verified" | "restored" => "2026-11-21T06:30:00.250Z",
        _ => "2026-11-21T06:00:00.000Z",
    }
}

fn text(field: &str) -> &'static str {
    match field {
        "reason" | "what" | "acceptance" => "smoke tests passed",
        "url" | "uri" | "evidence" => "https://ci.example/runs/42",
        "issuer" => "https://oidc.example",
        "repo" | "repository" => "https://git.example/shop/web",
        "git_commit" => "2f7b1d9e4c0a8653b1f0e2d4c6a8b0d2f4e6a8c0",
        "ref" => "refs/heads/main",
        "traceparent" => "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "predicate_type" => "https://slsa.dev/provenance/v1",
        "media_type" => "application/vnd.holdfast.manifest.v1+json",
        "artifact_type" => "application/vnd.example.bundle",
        "system" => "github-actions",
        "incident" => "INC-2026-0042",
        "class" => "release",
        "case" => "LEGAL-7",
        "environment" => "production",
        "audience" => "holdfast",
        "deploy_id" | "rollback_id" => "d-2026-11-21-1",
        "slot" => "green",
        "component" => "web",
        "unit" => "ms",
        "value" => "120",
        "signal" => "error rate",
        "threshold" => "1 %",
        "observed" => "7 %",
        _ => "plain text",
    }
}

/// A number that reads well in a field.
pub(crate) fn number(field: &str) -> u64 {
    match field {
        "size" | "size_bytes" | "bytes" => 1024,
        "keep_s" | "keep_max_s" | "rollback_window_s" | "pin_expires_s" => 2_592_000,
        "weight_bp" => 2500,
        "index" | "pin" | "deploy" | "entry" | "via_grant" | "from_entry" => 41,
        _ => 1,
    }
}
