//! The generated matrix: every route × every kind of identity × a namespace of one's own, a foreign one, and one that does
//! not exist. What is expected follows from a table that nobody derived from the code.

#[path = "matrix/identities.rs"]
mod identities;
#[path = "matrix/table.rs"]
mod table;

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::wire::v1::{Problem, ProblemCode};
use holdfast_tests::{Backing, CountingStore, Person, TestRegistry, Tree, frame, raw_chunk, router_patterns};
use reqwest::header::{AUTHORIZATION, DATE, HeaderMap};

use identities::{Asker, Standing, everybody};
use table::{Known, Needs, Probe, probes};

const OWN: &str = "shop";
const FOREIGN: &str = "bank";
const ABSENT: &str = "void";

/// An answer, without what differs from one request to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn problem(&self) -> Option<ProblemCode> {
        serde_json::from_slice::<Problem>(&self.body).ok().map(|problem| problem.code)
    }
}

/// Who asks in the own namespace does it for what is there; in the two others, with the digests of the foreign one.
struct World {
    registry: TestRegistry,
    store: std::sync::Arc<CountingStore>,
    askers: Vec<Asker>,
    own: Known,
    foreign: Known,
    client: reqwest::Client,
}

impl World {
    async fn new() -> Result<Self> {
        let store = CountingStore::new();
        let registry = TestRegistry::on(Backing::Objects(store.clone())).await?;
        let ana = registry.login().await?;
        let [own, foreign] = [publish(&ana, OWN).await?, publish(&ana, FOREIGN).await?];
        let askers = everybody(&registry, &ana).await?;
        let size = published_size(&ana).await?;
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        let [own, foreign] = [own, foreign].map(|known| Known { size, ..known });
        Ok(Self { registry, store, askers, own, foreign, client })
    }

    async fn ask(&self, asker: &Asker, probe: &Probe, namespace: &str) -> Result<Answer> {
        let url = format!("{}{}", self.registry.url(), probe.path.replace("{ns}", namespace));
        let mut request = self.client.request(probe.method.clone(), url).body(probe.body.clone());
        if let Some(authorization) = &asker.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), comparable(response.headers()));
        Ok(Answer { status, headers, body: response.bytes().await?.to_vec() })
    }
}

fn comparable(headers: &HeaderMap) -> Vec<(String, String)> {
    let kept = headers.iter().filter(|(name, _)| **name != DATE && name.as_str() != "x-request-id");
    kept.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}

/// Publishes and pins one build of a namespace.
async fn publish(ana: &Person, namespace: &str) -> Result<Known> {
    let reference = format!("{namespace}/web@1");
    let artifact = ana.publish_and_pin(&format!("{namespace}/prod"), &reference).await?;
    let record = ana.registry().artifact(&artifact.r#ref.to_string().parse()?).await?;
    let tree = Tree::of_files(&[("a", &[reference.as_bytes()])]);
    ana.publish_tree(&format!("{namespace}/web@2"), &tree).await?;
    let file = Blake3Digest::of(reference.as_bytes());
    Ok(Known {
        file: file.to_string(),
        manifest_blake3: artifact.digests.blake3.to_string(),
        manifest_sha256: artifact.digests.sha256.to_string(),
        index: record.receipt().index.get(),
        size: 0,
        chunk: frame(file, &raw_chunk(reference.as_bytes())),
    })
}

/// The size of the published checkpoint, once it is that of the log.
async fn published_size(ana: &Person) -> Result<u64> {
    let http = ana.http()?;
    loop {
        let [published, newest] = [http.get("/log/checkpoint").await?, http.get("/v1/log/checkpoint").await?];
        let [published, newest] = [published.text().await?, newest.text().await?];
        if published.lines().nth(1) == newest.lines().nth(1) {
            return Ok(newest.lines().nth(1).unwrap_or_default().parse()?);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t23_every_identity_gets_on_every_route_what_the_table_says() -> Result<()> {
    let world = World::new().await?;
    let mut asked = BTreeSet::new();
    let mut wrong = Vec::new();
    for (own, foreign) in probes(&world.own).iter().zip(probes(&world.foreign)) {
        asked.insert((own.pattern.to_owned(), own.method.as_str().to_lowercase()));
        for asker in &world.askers {
            for (namespace, probe) in [(OWN, own), (FOREIGN, &foreign), (ABSENT, &foreign)] {
                world.store.take_asked();
                let answer = world.ask(asker, probe, namespace).await?;
                let stored = world.store.take_asked();
                if let Some(fault) = fault(asker, probe, namespace, &answer, stored) {
                    wrong.push(format!(
                        "{} {} {} in {namespace}: {fault}",
                        asker.name, probe.method, probe.path
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(asked, router_patterns(), "a route without a line in the table");
    Ok(())
}

/// What is wrong with an answer.
fn fault(asker: &Asker, probe: &Probe, namespace: &str, answer: &Answer, stored: u64) -> Option<String> {
    let Answer { status, .. } = answer;
    let code = answer.problem();
    let refused = match (&asker.standing, probe.needs) {
        (_, Needs::Nothing) => None,
        (Standing::Dead, _) => Some((401, ProblemCode::Unauthorized)),
        _ if asker.may(probe.needs, namespace) => None,
        (Standing::Stranger, _) => Some((401, ProblemCode::Unauthorized)),
        _ => Some((404, ProblemCode::NotFound)),
    };
    match refused {
        Some(expected) if (*status, code) != (expected.0, Some(expected.1)) => {
            Some(format!("{status} {code:?} and not {expected:?}"))
        }
        Some(_) if stored > 0 => Some(format!("refused, but the store was asked {stored} times")),
        Some(_) => None,
        // Nothing is there, so a token for everywhere finds nothing either.
        None if namespace == ABSENT && probe.path.contains("{ns}") => None,
        None if *status == probe.through => None,
        None => Some(format!("{status} {code:?} and not {}", probe.through)),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t23_t24_what_is_foreign_and_what_is_not_there_are_the_same_byte_for_byte() -> Result<()> {
    let world = World::new().await?;
    let mut compared = 0;
    for probe in probes(&world.foreign) {
        for asker in world.askers.iter().filter(|asker| !asker.may(probe.needs, FOREIGN)) {
            world.store.take_asked();
            let foreign = world.ask(asker, &probe, FOREIGN).await?;
            let asked = world.store.take_asked();
            let absent = world.ask(asker, &probe, ABSENT).await?;
            assert_eq!(foreign, absent, "{} {} {}", asker.name, probe.method, probe.path);
            assert_eq!(asked, world.store.take_asked(), "{} {}: the store", asker.name, probe.path);
            compared += 1;
        }
    }
    assert!(compared > 300, "only {compared} answers were compared");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t23_lists_neither_show_nor_count_what_is_foreign() -> Result<()> {
    let world = World::new().await?;
    let foreign = [FOREIGN, world.foreign.file.as_str(), world.foreign.manifest_blake3.as_str()];
    let lists =
        ["/v1/artifacts", "/v1/artifacts?limit=1", "/v1/artifacts?prefix=ba", "/v1/artifacts?after=a"];
    let shop = world.askers.iter().find(|asker| asker.name == "everything in shop").expect("is there");
    for path in lists {
        let probe = Probe { path: path.to_owned(), ..probes(&world.own)[0].clone() };
        let answer = world.ask(shop, &probe, OWN).await?;
        let text = String::from_utf8(answer.body)?;
        assert_eq!(answer.status, 200, "{path}: {text}");
        assert!(foreign.iter().all(|secret| !text.contains(secret)), "{path}: {text}");
        assert_eq!(text.contains("shop/web@1"), path != "/v1/artifacts?prefix=ba", "{path}: {text}");
    }
    let status = Probe { path: "/v1/status".to_owned(), ..probes(&world.own)[0].clone() };
    let status = String::from_utf8(world.ask(shop, &status, OWN).await?.body)?;
    assert!(!status.contains("artifact_bytes"), "totals count all namespaces: {status}");
    Ok(())
}
