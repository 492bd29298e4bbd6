//! An honest registry with everything in it that somebody could lie about.

use holdfast_client::{About, Draft, Prepared, PushRequest, Tokens};
use holdfast_formats::manifest::{Body, ComponentRole, Kind, Need};
use holdfast_formats::number::PolicyNumber;
use holdfast_formats::policy::{Distrust, Policy, Role, RoleRule};
use holdfast_formats::statement::{
    Artifact, DeployPhase, EntryIndex, Revoke, Rollback, RollbackPhase, RollbackTarget, RollbackTimes,
    Trigger,
};
use holdfast_formats::tree::LeafIndex;
use tempfile::TempDir;

use super::operator::Operator;
use super::victim::Victim;
use crate::{Folder, Person, TestClock, TestRegistry, held, of, release_of};

/// What was true once.
#[derive(Debug, Clone)]
pub struct Captured {
    /// The answer for `shop/prod` when its newest pin was the first.
    pub first_pin: Vec<u8>,
    /// The answer for `shop/prod` when its newest pin was the second.
    pub second_pin: Vec<u8>,
    /// The checkpoint of that time.
    pub checkpoint: String,
}

/// The registry, its people, and what its operator can sign.
pub struct EvilWorld {
    registry: TestRegistry,
    /// Who may do everything.
    pub ana: Person,
    /// A second releaser of the bank.
    pub bob: Person,
    /// A releaser who is distrusted since.
    pub mallory: Person,
    /// What the operator has.
    pub operator: Operator,
    /// What was true once.
    pub captured: Captured,
    /// The pin of `shop/web@1` on `shop/prod`.
    pub first_pin: LeafIndex,
    seasoned: TempDir,
    fresh: TempDir,
}

impl EvilWorld {
    /// Makes it: policies, pins, denies, releases, deployments, several channels.
    pub async fn start() -> anyhow::Result<Self> {
        let registry = TestRegistry::start().await?;
        let ana = registry.login().await?;
        let token = Some(ana.token()?);
        let (bob, mallory) = (ana.colleague(token.clone())?, ana.colleague(token)?);
        ana.amend(|policy| rules(policy, &bob, &mallory)).await?;
        let (captured, first_pin) = prod(&ana, &mallory).await?;
        train(&ana).await?;
        others(&ana, &bob).await?;
        let seasoned = folder_of(&ana, true)?;
        remember(
            &Victim::like(seasoned.path(), registry.clock().clone(), ana.token()?)?,
            &registry,
            &seasoned,
        )
        .await?;
        let fresh = folder_of(&ana, false)?;
        let operator = Operator::of(&registry, &ana).await?;
        Ok(Self { registry, ana, bob, mallory, operator, captured, first_pin, seasoned, fresh })
    }

    /// Where the honest registry is.
    pub fn url(&self) -> String {
        self.registry.url()
    }

    /// The clock of the registry.
    pub const fn clock(&self) -> &TestClock {
        self.registry.clock()
    }

    /// Somebody who has asked about everything before.
    pub fn seasoned(&self, clock: TestClock) -> anyhow::Result<Victim> {
        Ok(Victim::like(self.seasoned.path(), clock, self.ana.token()?)?)
    }

    /// Somebody who knows trust.json and nothing else.
    pub fn newcomer(&self, clock: TestClock) -> anyhow::Result<Victim> {
        Ok(Victim::like(self.fresh.path(), clock, self.ana.token()?)?)
    }
}

/// Ana releases in the shop, with Mallory; Ana and Bob together in the bank.
fn rules(policy: &mut Policy, bob: &Person, mallory: &Person) {
    policy.principals.extend([bob.principal("bob"), mallory.principal("mallory")]);
    let owner = policy.principals.first().map(|principal| principal.id.clone()).into_iter();
    for rule in policy.roles.iter_mut().filter(|rule| rule.role == Role::Releaser) {
        (rule.names, rule.channels) = (vec![of("shop/*")], vec![of("shop/*")]);
    }
    policy.roles.push(RoleRule {
        role: Role::Releaser,
        principals: vec![of("mallory")],
        names: vec![of("shop/*")],
        channels: vec![of("shop/*")],
        threshold: 1,
    });
    policy.roles.push(RoleRule {
        role: Role::Releaser,
        principals: owner.chain([of("bob")]).collect(),
        names: vec![of("bank/*")],
        channels: vec![of("bank/*")],
        threshold: 2,
    });
    let mut train = policy.channels.first().cloned().unwrap_or_else(|| unreachable!("a solo policy has one"));
    (train.pattern, train.follows) = (of("shop/train"), Some(of("shop/release")));
    policy.channels.insert(0, train);
}

/// A build with a small and a larger file.
async fn publish(ana: &Person, reference: &str) -> anyhow::Result<Artifact> {
    let noise: Vec<u8> = (0..200_000_u32).flat_map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
    let folder = Folder::with("app", reference)?.file("data/noise.bin", noise)?;
    Ok(ana.push(reference, &folder).await?.artifact)
}

/// `shop/prod`: pins 1 and 2 are good, 3 is denied, 4 is by somebody distrusted. Pin 2 is the answer.
async fn prod(ana: &Person, mallory: &Person) -> anyhow::Result<(Captured, LeafIndex)> {
    let answer = async || -> anyhow::Result<Vec<u8>> {
        let answer = ana.http()?.get("/v1/channels/shop/prod/known-good").await?;
        Ok(answer.error_for_status()?.bytes().await?.to_vec())
    };
    let (one, two, three) = (
        publish(ana, "shop/web@1").await?,
        publish(ana, "shop/web@2").await?,
        publish(ana, "shop/web@3").await?,
    );
    let first = ana.pin("shop/prod", &one).await?.index;
    let first_pin = answer().await?;
    let deny = ana.deny(&one, Some("shop/prod")).await?;
    ana.lift(deny.index).await?;
    ana.pin("shop/prod", &two).await?;
    let second_pin = answer().await?;
    let checkpoint = ana.http()?.get("/v1/log/checkpoint").await?.text().await?;
    ana.pin("shop/prod", &three).await?;
    ana.deny(&three, None).await?;
    let from_entry = mallory.pin("shop/prod", &one).await?.index;
    let key = mallory.key().public();
    let distrust = Distrust { key, from_entry, reason: of("her laptop was stolen") };
    ana.amend(|policy| policy.distrust.push(distrust)).await?;
    ana.pin("shop/staging", &one).await?;
    ana.say(rollback(&three, first, &one, ana)).await?;
    let digests = vec![two.digests];
    ana.registry().submit(Draft::attest(b"{}".to_vec(), of("https://example.org/tested"), digests)).await?;
    Ok((Captured { first_pin, second_pin, checkpoint }, first))
}

fn rollback(from: &Artifact, pin: LeafIndex, to: &Artifact, ana: &Person) -> Rollback {
    let now = Some(ana.registry().now());
    let (detected, decided) = (now, now);
    Rollback {
        rollback_id: of("rb-1"),
        drill: false,
        phase: RollbackPhase::Decided,
        channel: of("shop/prod"),
        from: from.clone(),
        to: Some(RollbackTarget { pin, digests: to.digests }),
        plan_digest: None,
        trigger: Trigger {
            signal: of("errors"),
            source: of("monitor"),
            threshold: None,
            observed: None,
            rule: None,
        },
        calendar_window: None,
        owner: of("ana"),
        lead: None,
        approvals: None,
        scope: None,
        irreversible_accepted: None,
        safety_snapshot: None,
        steps: None,
        times: RollbackTimes {
            detected,
            decided,
            started: None,
            restored: None,
            verified: None,
            ended: None,
        },
        downtime_s: None,
        achieved: None,
        inconsistencies: None,
        checks: None,
        reason: of("it loses orders"),
        cause: None,
        near_miss: None,
        actions: None,
    }
}

/// `shop/train` follows a release: 1 is known-good, 2 and 3 were deployed since.
async fn train(ana: &Person) -> anyhow::Result<()> {
    for version in 1..=3 {
        let schema = format!("shop/schema@{version}");
        ana.publish(&schema, &schema).await?;
        let parts = vec![
            held("web", ComponentRole::Code, &format!("shop/web@{version}"), 2),
            held("schema", ComponentRole::Schema, &schema, 1),
        ];
        let release = if version == 3 {
            // A deny of the whole artifact would refuse its deployment.
            held_release(ana, "shop/release@3", vec![held("schema", ComponentRole::Schema, &schema, 1)])
                .await?
        } else {
            held_release(ana, &format!("shop/release@{version}"), parts).await?
        };
        if version == 1 {
            ana.pin("shop/train", &release).await?;
        }
        ana.deploy("shop/train", &release, DeployPhase::Succeeded).await?;
    }
    Ok(())
}

async fn held_release(
    ana: &Person,
    reference: &str,
    parts: Vec<holdfast_client::ComponentDraft>,
) -> anyhow::Result<Artifact> {
    Ok(ana.release(reference, release_of(parts)).await?.artifact)
}

/// Channels with a need and with a threshold, a freeze that ended, and tokens.
async fn others(ana: &Person, bob: &Person) -> anyhow::Result<()> {
    let folder = Folder::with("app", "api")?;
    let need = Need { name: of("shop/db"), range: of("^1.0") };
    let request = PushRequest {
        artifact: of("shop/api@1.0.0"),
        source: folder.path().to_owned(),
        body: Body::None(Kind::Build),
        about: About { needs: vec![need], ..About::nothing() },
    };
    let api = ana.registry().push(&request).await?.artifact;
    ana.pin("shop/pair", &api).await?;
    ana.publish_and_pin("shop/pair", "shop/db@1.2.0").await?;
    let vault = ana.publish("bank/vault@1", "vault").await?;
    ana.publish("bank/vault@2", "vault 2").await?;
    let draft = ana.draft_pin("bank/prod", &vault, |_| {}).await?;
    let by_ana = ana.registry().prepare(draft)?.signed_by(&ana.signer()).await?;
    let prepared: Prepared = by_ana.signed_by(&bob.signer()).await?;
    ana.registry().submit_prepared(&prepared).await?;
    let freeze = ana.freeze("shop/staging").await?;
    ana.thaw(freeze.index).await?;
    let (_, leaked) = ana.grant(|grant| grant.subject = of("leaked")).await?;
    ana.grant(|grant| grant.subject = of("ci")).await?;
    ana.say(Revoke { grant: EntryIndex { index: leaked }, reason: of("it leaked") }).await?;
    Ok(())
}

/// A folder with trust.json and key, and with the memory of its owner.
fn folder_of(person: &Person, memory: bool) -> anyhow::Result<TempDir> {
    let home = tempfile::tempdir()?;
    let places = holdfast_client::Places::under(home.path());
    std::fs::copy(person.places().trust_file(), places.trust_file())?;
    std::fs::copy(person.places().key_file(), places.key_file())?;
    if memory {
        std::fs::create_dir_all(home.path().join("state"))?;
    }
    Ok(home)
}

/// Asks about everything once, and keeps what was learnt.
async fn remember(victim: &Victim, registry: &TestRegistry, folder: &TempDir) -> anyhow::Result<()> {
    let client = victim.open(&registry.url(), std::time::Duration::from_secs(30))?;
    for channel in ["shop/prod", "shop/staging", "shop/train", "shop/pair", "bank/prod"] {
        let query = holdfast_formats::wire::v1::KnownGoodQuery::EVERYTHING;
        client.known_good(&of(channel), &query, None).await?;
    }
    client.grants(Tokens::All).await?;
    let newest = client.policy().await?.1.number;
    anyhow::ensure!(Ok(newest) == PolicyNumber::new(3), "three policies, not {newest}");
    for (path, bytes) in victim.memory()? {
        let place = folder.path().join("state").join(path);
        if let Some(parent) = place.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(place, bytes)?;
    }
    Ok(())
}
