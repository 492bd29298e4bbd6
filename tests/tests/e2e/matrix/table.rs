//! What each route needs, written down by hand: the matrix compares the registry with this and with nothing else.

use reqwest::Method;

/// What a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// Nothing: no token is even looked at.
    Nothing,
    /// No token, but a bad one is refused.
    NoToken,
    /// Any token that is valid.
    Token,
    /// `read` on the artifact's name.
    ReadName,
    /// `read` on the channel.
    ReadChannel,
    /// `read` on both.
    ReadBoth,
    /// `publish` or `attest` somewhere in the namespace.
    Upload,
    /// `audit` over everything.
    Audit,
}

/// One request, with the namespace left open.
#[derive(Debug, Clone)]
pub(super) struct Probe {
    /// The router's own pattern.
    pub(super) pattern: &'static str,
    pub(super) method: Method,
    /// `{ns}` is the namespace.
    pub(super) path: String,
    pub(super) body: Vec<u8>,
    pub(super) needs: Needs,
    /// The status when it is let through in the namespace that exists.
    pub(super) through: u16,
}

/// Things of the other namespace by which somebody may try to reach them.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// The digest of its only file, and of the only chunk of that and of its snapshot.
    pub(super) file: String,
    /// The manifest's digests.
    pub(super) manifest_blake3: String,
    pub(super) manifest_sha256: String,
    /// The entry that published it.
    pub(super) index: u64,
    /// How many entries are published as tiles.
    pub(super) size: u64,
    /// A chunk as it is sent.
    pub(super) chunk: Vec<u8>,
}

/// Every route there is, with what it needs.
pub(super) fn probes(known: &Known) -> Vec<Probe> {
    [node(), log(known), channels(), artifacts(known), uploads(known)].concat()
}

fn get(pattern: &'static str, path: impl Into<String>, needs: Needs) -> Probe {
    Probe { pattern, method: Method::GET, path: path.into(), body: Vec::new(), needs, through: 200 }
}

fn plain(pattern: &'static str, needs: Needs) -> Probe {
    get(pattern, pattern, needs)
}

fn post(pattern: &'static str, body: &[u8], needs: Needs, through: u16) -> Probe {
    let path = pattern.replace("{namespace}", "{ns}");
    Probe { method: Method::POST, body: body.to_vec(), through, ..get(pattern, path, needs) }
}

fn node() -> Vec<Probe> {
    let open = ["/healthz", "/readyz", "/metrics", "/v1/openapi.json", "/v1/registry"];
    let open = open.into_iter().map(|path| plain(path, Needs::Nothing));
    // The node's own key says who may, and nobody who comes over the network has it.
    let sweep = post("/v1/operations/sweep", b"{}", Needs::Nothing, 401);
    let scrub = post("/v1/operations/scrub", b"{}", Needs::Nothing, 401);
    let schedules = post("/v1/operations/schedules", b"{}", Needs::Nothing, 401);
    open.chain([plain("/v1/status", Needs::Token), sweep, scrub, schedules]).collect()
}

fn log(known: &Known) -> Vec<Probe> {
    let Known { index, manifest_sha256, size, .. } = known;
    vec![
        // Signatures say who may; this body is none that could be judged.
        post("/v1/submissions", b"{}", Needs::NoToken, 400),
        plain("/v1/policies", Needs::Token),
        plain("/v1/grants", Needs::Audit),
        // An issuer's token says who may; this one is none.
        post("/v1/grants/oidc", b"{}", Needs::NoToken, 400),
        plain("/v1/log/checkpoint", Needs::Token),
        get("/v1/log/consistency", "/v1/log/consistency?from=1", Needs::Token),
        get("/v1/log/cosigned", "/v1/log/cosigned?size=1", Needs::Token),
        get("/v1/log/entries", format!("/v1/log/entries?from={index}"), Needs::Audit),
        get("/v1/log/proof/{index}", format!("/v1/log/proof/{index}"), Needs::Audit),
        get("/v1/log/attachments/{digest}", format!("/v1/log/attachments/{manifest_sha256}"), Needs::Audit),
        get("/log/{*path}", "/log/checkpoint", Needs::Token),
        get("/log/{*path}", format!("/log/tile/0/000.p/{size}"), Needs::Token),
        get("/log/{*path}", format!("/log/tile/entries/000.p/{size}"), Needs::Audit),
    ]
}

fn channels() -> Vec<Probe> {
    let pattern = "/v1/channels/{*path}";
    vec![
        // Whoever reads the channel and not the names in it is refused the whole answer.
        get(pattern, "/v1/channels/{ns}/prod/known-good", Needs::ReadBoth),
        get(pattern, "/v1/channels/{ns}/prod/known-good?component={ns}/web", Needs::ReadBoth),
        get(pattern, "/v1/channels/{ns}/prod/history", Needs::ReadChannel),
        get(pattern, "/v1/channels/{ns}/prod/gate?ref={ns}/web@1", Needs::ReadBoth),
        get(pattern, "/v1/channels/{ns}/prod/schedules", Needs::ReadChannel),
        plain("/v1/schedules", Needs::Token),
    ]
}

fn artifacts(known: &Known) -> Vec<Probe> {
    let pattern = "/v1/artifacts/{*path}";
    let Known { file, manifest_blake3, .. } = known;
    vec![
        plain("/v1/artifacts", Needs::Token),
        get("/v1/artifacts", "/v1/artifacts?prefix={ns}/&limit=1", Needs::Token),
        get(pattern, "/v1/artifacts/{ns}/web@1", Needs::ReadName),
        get(pattern, format!("/v1/artifacts/{{ns}}/web@blake3:{manifest_blake3}"), Needs::ReadName),
        get(pattern, "/v1/artifacts/{ns}/web@1/retention", Needs::ReadName),
        get(pattern, format!("/v1/artifacts/{{ns}}/web@1/blobs/{file}"), Needs::ReadName),
        get(pattern, format!("/v1/artifacts/{{ns}}/web@2/chunks/{file}"), Needs::ReadName),
    ]
}

fn uploads(known: &Known) -> Vec<Probe> {
    let asked = format!("{{\"chunks\":[\"{}\"]}}", known.file);
    let draft = "/v1/namespaces/{ns}/chunks?draft=00000000000000000000000000000001&offset=0";
    let chunks = post("/v1/namespaces/{namespace}/chunks", &known.chunk, Needs::Upload, 200);
    vec![
        post("/v1/namespaces/{namespace}/chunks/missing", asked.as_bytes(), Needs::Upload, 200),
        Probe { path: draft.to_owned(), ..chunks.clone() },
        chunks,
        // No record at all.
        post("/v1/namespaces/{namespace}/blobs", b"x", Needs::Upload, 400),
    ]
}
