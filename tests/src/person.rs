//! Somebody with a key, a token and a memory of the log: the client library as a person or a pipeline uses it.

use std::sync::Arc;

use anyhow::Context as _;
use holdfast_client::keys::{self, Signer};
use holdfast_client::{
    About, AuditReport, AuditRequest, ClientError, Draft, GrantDraft, LoginRequest, Lookup, OpenOptions,
    PinDraft, Places, PushRequest, Pushed, Quiet, Registry, ReleaseDraft, ReleaseRequest, Submitted, login,
};
use holdfast_formats::key::SigningKey;
use holdfast_formats::manifest::{Body, Kind};
use holdfast_formats::policy::{Policy, Principal, PrincipalKind};
use holdfast_formats::statement::{Action, Artifact, DeployPhase, EntryIndex, Freeze, Lift, Predicate, Thaw};
use holdfast_formats::token::Token;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{KnownGoodQuery, ListQuery};
use tempfile::TempDir;

use crate::{Folder, Http, TestClock, TestRegistry, TestWitness, deny, deploy, of};

/// Somebody who works with a registry.
#[derive(Debug)]
pub struct Person {
    home: TempDir,
    places: Places,
    clock: TestClock,
    token: Option<Token>,
    registry: Registry,
}

impl Person {
    /// Logs in to a fresh registry: makes key, policy 1 and a token for everything.
    pub async fn login(registry: &TestRegistry) -> anyhow::Result<Self> {
        Self::login_at(&registry.login_url()?, registry.clock().clone()).await
    }

    /// Logs in with the URL that a server printed.
    pub async fn login_at(url: &str, clock: TestClock) -> anyhow::Result<Self> {
        let home = tempfile::tempdir()?;
        let request = LoginRequest { url: url.to_owned(), key_file: None, principal: None };
        login(&Places::under(home.path()), &request).await?;
        Self::open(home, clock, None)
    }

    fn open(home: TempDir, clock: TestClock, token: Option<Token>) -> anyhow::Result<Self> {
        let places = Places::under(home.path());
        let options = OpenOptions {
            url: None,
            token: token.clone(),
            key_file: None,
            progress: Arc::new(Quiet),
            clock: Arc::new(clock.clone()),
            deadline: None,
            witness_wait: std::time::Duration::from_secs(3),
        };
        let registry = Registry::open(&places, options)?;
        Ok(Self { home, places, clock, token, registry })
    }

    /// A colleague who trusts the same registry: with a key of their own, this token, and no memory.
    pub fn colleague(&self, token: Option<Token>) -> anyhow::Result<Self> {
        let home = tempfile::tempdir()?;
        let places = Places::under(home.path());
        std::fs::copy(self.places.trust_file(), places.trust_file())?;
        keys::generate(&places.key_file())?;
        Self::open(home, self.clock.clone(), token)
    }

    /// Somebody with the same key and token who has seen nothing of the log yet, by another clock.
    pub fn without_memory(&self, clock: TestClock) -> anyhow::Result<Self> {
        let home = tempfile::tempdir()?;
        let places = Places::under(home.path());
        std::fs::copy(self.places.trust_file(), places.trust_file())?;
        std::fs::copy(self.places.key_file(), places.key_file())?;
        Self::open(home, clock, Some(self.token()?))
    }

    /// The same person with another token.
    pub fn with_token(self, token: Token) -> anyhow::Result<Self> {
        Self::open(self.home, self.clock, Some(token))
    }

    /// The same person and the same memory, in a new process.
    pub fn again(self) -> anyhow::Result<Self> {
        Self::open(self.home, self.clock, self.token)
    }

    /// The same person, who demands a quorum of these witnesses besides those trusted before.
    pub fn trusting(self, witnesses: &[&TestWitness], quorum: u16) -> anyhow::Result<Self> {
        for (at, witness) in (1..).zip(witnesses) {
            let is_last = at == witnesses.len();
            self.places.add_witness(witness.key(), Some(if is_last { quorum } else { 1 }))?;
        }
        self.again()
    }

    /// The same person, who asks at another address.
    pub fn at(self, url: &str) -> anyhow::Result<Self> {
        let mut trust = self.places.trust()?;
        trust.url = url.parse()?;
        std::fs::write(self.places.trust_file(), trust.to_bytes()?)?;
        self.again()
    }

    /// Audits the log as the registry hands it out, from where the last audit of this person ended.
    pub async fn audit(&self) -> Result<AuditReport, ClientError> {
        self.registry.audit(&AuditRequest::of_registry()).await
    }

    /// The client library.
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Where the person's files are.
    pub const fn places(&self) -> &Places {
        &self.places
    }

    /// The signing key.
    pub fn key(&self) -> SigningKey {
        keys::load(&self.places.key_file())
            .unwrap_or_else(|error| unreachable!("every person has a key: {error}"))
    }

    /// The same key, as whatever signs.
    pub fn signer(&self) -> Signer {
        Signer::from(self.key())
    }

    /// The token: the one given, or the one that login made.
    pub fn token(&self) -> anyhow::Result<Token> {
        if let Some(token) = &self.token {
            return Ok(token.clone());
        }
        let kept = std::fs::read_to_string(self.places.credentials_file())?;
        let token = kept.split('"').find(|text| text.starts_with("hft_")).context("login kept a token")?;
        Ok(token.parse()?)
    }

    /// A plain HTTP client with the person's token.
    pub fn http(&self) -> anyhow::Result<Http> {
        Http::new(&self.registry.url(), Some(self.token()?))
    }

    /// The person as a principal of a policy.
    pub fn principal(&self, id: &str) -> Principal {
        let key = Some(self.key().public());
        Principal {
            id: of(id),
            kind: PrincipalKind::Ed25519,
            key,
            issuer: None,
            audience: None,
            claims: None,
        }
    }

    /// Signs and submits a statement.
    pub async fn say(&self, predicate: impl Into<Predicate> + Send) -> Result<Submitted, ClientError> {
        self.registry.submit(Draft::new(predicate)).await
    }

    /// Pushes a folder as a build.
    pub async fn push(&self, reference: &str, folder: &Folder) -> Result<Pushed, ClientError> {
        self.registry.push(&push_request(reference, folder)).await
    }

    /// Publishes a build of one file and gives the artifact.
    pub async fn publish(&self, reference: &str, content: &str) -> anyhow::Result<Artifact> {
        let folder = Folder::with("app", content)?;
        Ok(self.push(reference, &folder).await?.artifact)
    }

    /// Publishes a release.
    pub async fn release(&self, reference: &str, body: ReleaseDraft) -> Result<Pushed, ClientError> {
        let about = About::nothing();
        self.registry.release(&ReleaseRequest { artifact: of(reference), body, about }).await
    }

    /// Pins an artifact.
    pub async fn pin(&self, channel: &str, artifact: &Artifact) -> Result<Submitted, ClientError> {
        self.registry.submit(self.draft_pin(channel, artifact, |_| {}).await?).await
    }

    /// A pin that is not yet submitted, changed as a test wants.
    pub async fn draft_pin(
        &self,
        channel: &str,
        artifact: &Artifact,
        change: impl FnOnce(&mut PinDraft),
    ) -> Result<Draft, ClientError> {
        let mut pin = PinDraft {
            reason: of("smoke tests passed"),
            deploy: None,
            evidence: Vec::new(),
            baseline_metrics: Vec::new(),
            expires: None,
        };
        change(&mut pin);
        Ok(self.registry.draft_pin(&of(channel), artifact, pin).await?.0)
    }

    /// Publishes a build of one file and pins it.
    pub async fn publish_and_pin(&self, channel: &str, reference: &str) -> anyhow::Result<Artifact> {
        let artifact = self.publish(reference, reference).await?;
        self.pin(channel, &artifact).await?;
        Ok(artifact)
    }

    /// Denies an artifact on one channel, or in its namespace.
    pub async fn deny(&self, artifact: &Artifact, channel: Option<&str>) -> Result<Submitted, ClientError> {
        self.say(deny(artifact, channel)).await
    }

    /// Lifts a deny.
    pub async fn lift(&self, index: LeafIndex) -> Result<Submitted, ClientError> {
        self.say(Lift { deny: EntryIndex { index }, reason: of("it was the test's fault") }).await
    }

    /// Freezes a channel.
    pub async fn freeze(&self, channel: &str) -> Result<Submitted, ClientError> {
        self.say(Freeze { channel: of(channel), reason: of("a holiday"), until: None }).await
    }

    /// Ends a freeze.
    pub async fn thaw(&self, index: LeafIndex) -> Result<Submitted, ClientError> {
        self.say(Thaw { freeze: EntryIndex { index }, reason: of("back at work") }).await
    }

    /// Records a deployment that goes forward.
    pub async fn deploy(
        &self,
        channel: &str,
        artifact: &Artifact,
        phase: DeployPhase,
    ) -> Result<Submitted, ClientError> {
        self.say(deploy(channel, artifact, phase, self.clock.timestamp())).await
    }

    /// Asks what is known-good.
    pub async fn known_good(&self, channel: &str) -> Result<Lookup, ClientError> {
        self.ask(channel, |_| {}).await
    }

    /// Asks what is known-good, with more to the question.
    pub async fn ask(
        &self,
        channel: &str,
        change: impl FnOnce(&mut KnownGoodQuery) + Send,
    ) -> Result<Lookup, ClientError> {
        let mut query = KnownGoodQuery::EVERYTHING;
        change(&mut query);
        self.registry.known_good(&of(channel), &query, None).await
    }

    /// The references that are known-good on a channel, one a line.
    pub async fn answer(&self, channel: &str) -> Result<Vec<String>, ClientError> {
        let lookup = self.known_good(channel).await?;
        Ok(lookup.answer.get().lines.iter().map(|line| line.artifact.r#ref.to_string()).collect())
    }

    /// Changes the policy.
    pub async fn amend(&self, change: impl FnOnce(&mut Policy) + Send) -> Result<Submitted, ClientError> {
        let next = self.next_policy(change).await?;
        self.say(next).await
    }

    /// The policy in force, changed, as its own successor.
    pub async fn next_policy(&self, change: impl FnOnce(&mut Policy) + Send) -> Result<Policy, ClientError> {
        let (index, mut policy) = self.registry.policy().await?;
        let (_, logged) = self.registry.receipt(index).await?;
        policy.number = policy.number.next().unwrap_or(policy.number);
        policy.predecessor = Some(logged.get().entry());
        change(&mut policy);
        Ok(policy)
    }

    /// Makes a token.
    pub async fn grant(
        &self,
        change: impl FnOnce(&mut GrantDraft) + Send,
    ) -> Result<(Token, LeafIndex), ClientError> {
        let mut grant = GrantDraft {
            subject: of("a colleague"),
            actions: Action::ALL.to_vec(),
            names: vec![of("*")],
            channels: vec![of("*")],
            quotas: None,
            expires: None,
            key: None,
        };
        change(&mut grant);
        let (draft, token) = grant.draft();
        Ok((token, self.registry.submit(draft).await?.index))
    }

    /// The references of all artifacts that this person can list.
    pub async fn list(&self) -> Result<Vec<String>, ClientError> {
        let query = ListQuery { prefix: None, kind: None, after: None, limit: None, ended: None };
        let found = self.registry.list(&query).await?.artifacts;
        Ok(found.into_iter().map(|summary| summary.artifact.r#ref.to_string()).collect())
    }
}

fn push_request(reference: &str, folder: &Folder) -> PushRequest {
    PushRequest {
        artifact: of(reference),
        source: folder.path().to_owned(),
        body: Body::None(Kind::Build),
        about: About::nothing(),
    }
}
