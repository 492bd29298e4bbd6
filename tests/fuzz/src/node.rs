//! A registry in this process, in memory: one policy, one token for everything, nothing else.

use std::num::NonZeroUsize;
use std::sync::Arc;

use axum::Router;
use holdfast_client::{Draft, GrantDraft, new_id};
use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::envelope::{CanonicalSignature, PAYLOAD_TYPE, pre_authentication_encoding};
use holdfast_formats::key::SigningKey;
use holdfast_formats::limits::STATEMENT_LIFE_MS_MAX;
use holdfast_formats::origin::Origin;
use holdfast_formats::statement::{Action, Header, Predicate};
use holdfast_formats::time::Timestamp;
use holdfast_registry::blocking::Blocking;
use holdfast_registry::clock::{ManualClock, SharedClock};
use holdfast_registry::config::{RequestRates, StoreLocation, SweepConfig};
use holdfast_registry::http::front::observed;
use holdfast_registry::log::{NodeKeys, Prepared};
use holdfast_registry::node::{Node, NodeParts};
use holdfast_registry::objects::{Host, Store};
use holdfast_registry::telemetry::{Fatal, Metrics};
use holdfast_verify::policy_template::{RegistryKeys, solo_policy};
use holdfast_verify::rule_book::RuleBook;
use holdfast_verify::subject::statement;

const NOW_MS: u64 = 1_795_000_000_000;

/// Its routes, and the token.
pub(crate) async fn start() -> (Router, String) {
    let home = tempfile::tempdir().expect("a folder can be made").keep();
    let keys = NodeKeys::generate(&home.join("keys"), None).expect("keys can be made");
    let clock: SharedClock = ManualClock::new(NOW_MS);
    let blocking = Blocking::new(NonZeroUsize::MIN.saturating_add(3));
    let fatal = Fatal::hook(|reason| panic!("the store failed: {reason}"));
    let host = Host { blocking, clock: Arc::clone(&clock), fatal };
    let store = Store::open(&StoreLocation::Memory, host).await.expect("memory opens");
    let metrics = Arc::new(Metrics::new());
    let parts = NodeParts {
        store,
        keys,
        keys_folder: home.join("keys"),
        index_path: home.join("index.sqlite"),
        clock,
        metrics: Arc::clone(&metrics),
        memory_bytes: 64 * 1024 * 1024,
        newest_rules: RuleBook::RELEASED,
        rates: RequestRates::UNLIMITED,
        sweep: SweepConfig::NEVER,
        scrub: holdfast_registry::config::ScrubConfig::NEVER,
        witnesses: Vec::new(),
        acknowledge_refused: None,
    };
    let node = Node::start(parts).await.expect("a node starts");
    let token = admit(&node).await;
    let router = observed(node.router(), metrics);
    // It serves for as long as the process runs.
    std::mem::forget(node);
    (router, token)
}

async fn admit(node: &Node) -> String {
    let [log, head, registry] = node.log().keys().public();
    let key = SigningKey::from_seed([7; 32]);
    let origin = node.log().keys().origin.clone();
    let owner = "owner".parse().expect("a name");
    let policy = solo_policy(origin.clone(), RegistryKeys { log, head, registry }, key.public(), owner);
    node.log().append(sign(&origin, &key, policy.into())).await.expect("policy 1 is taken");
    let grant = GrantDraft {
        subject: "anybody".parse().expect("a name"),
        actions: Action::ALL.to_vec(),
        names: vec!["*".parse().expect("a pattern")],
        channels: vec!["*".parse().expect("a pattern")],
        quotas: None,
        expires: None,
        key: None,
    };
    let (Draft { predicate, .. }, token) = grant.draft();
    node.log().append(sign(&origin, &key, predicate)).await.expect("the grant is taken");
    token.expose().to_owned()
}

fn sign(log: &Origin, key: &SigningKey, predicate: Predicate) -> Prepared {
    let now = Timestamp::from_ms(NOW_MS);
    let header = Header {
        log: log.clone(),
        id: new_id(),
        issued_at: now,
        not_after: now.plus_ms(STATEMENT_LIFE_MS_MAX),
        context: None,
        annotations: None,
    };
    let statement = statement(header, predicate);
    let payload = statement.to_payload().expect("a statement can be written");
    let sig = key.sign(&pre_authentication_encoding(PAYLOAD_TYPE, &payload));
    Prepared {
        payload_sha256: Sha256Digest::of(&payload),
        statement,
        payload,
        signatures: vec![CanonicalSignature { keyid: key.public().id(), sig }],
        manifest: None,
        envelope: None,
    }
}
