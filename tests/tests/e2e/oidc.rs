//! A CI without any secret: its issuer's ID token becomes a short-lived grant, and no other token does.

use std::time::Duration;

use anyhow::Result;
use data_encoding::BASE64URL_NOPAD;
use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::policy::{OidcClaims, Policy, Principal, PrincipalKind, Role, RoleRule};
use holdfast_formats::statement::Action;
use holdfast_formats::token::Token;
use holdfast_formats::wire::v1::{OidcExchange, ProblemCode, Receipt};
use holdfast_tests::{Algorithm, Http, Issuer, Manners, Person, TestRegistry, of, unsigned};
use reqwest::Method;
use serde_json::{Value, json};

const ROUTE: &str = "/v1/grants/oidc";

/// A registry whose policy lets one job of one issuer publish and deploy in the shop.
struct World {
    registry: TestRegistry,
    ana: Person,
    issuer: Issuer,
}

impl World {
    async fn new() -> Result<Self> {
        let (registry, issuer) = (TestRegistry::start().await?, Issuer::start().await?);
        let ana = registry.login().await?;
        let url = issuer.url().to_owned();
        ana.amend(|policy| admit(policy, &url)).await?;
        Ok(Self { registry, ana, issuer })
    }

    /// What the job's ID token says now, changed as a test wants.
    fn claims(&self, change: impl FnOnce(&mut Value)) -> Value {
        let now = self.registry.clock().timestamp().as_ms() / 1000;
        let mut claims = json!({
            "iss": self.issuer.url(), "aud": "holdfast", "sub": "repo:shop/web:environment:prod",
            "iat": now, "nbf": now, "exp": now + 600, "jti": "1",
            "repository": "shop/web", "ref": "refs/heads/main", "environment": "prod",
        });
        change(&mut claims);
        claims
    }

    fn good(&self) -> Result<String> {
        self.issuer.sign(Algorithm::Rs256, &self.claims(|_| {}))
    }

    async fn exchange(&self, id_token: &str, change: impl FnOnce(&mut OidcExchange)) -> Result<Answer> {
        let token = Token::from_bytes([9; 32]);
        let mut wanted = OidcExchange {
            id_token: of(id_token),
            token_sha256: token.sha256(),
            key: None,
            actions: None,
            names: None,
            channels: None,
        };
        change(&mut wanted);
        let response = self.registry.http()?.send(Method::POST, ROUTE, serde_json::to_vec(&wanted)?).await?;
        if response.status().is_success() {
            return Ok(Answer::Given(response.status().as_u16(), response.json_body().await?, token));
        }
        let (status, code, detail) = Http::problem(response).await?;
        Ok(Answer::Refused(status, code, detail))
    }

    fn size(&self) -> Result<u64> {
        Ok(self.registry.node()?.log().head().size().get())
    }
}

/// What a test asks for otherwise.
type Change = fn(&mut OidcExchange);

/// What came of an exchange.
#[derive(Debug)]
enum Answer {
    Given(u16, Box<Receipt>, Token),
    Refused(u16, ProblemCode, String),
}

trait JsonBody {
    async fn json_body<T: serde::de::DeserializeOwned>(self) -> Result<Box<T>>;
}

impl JsonBody for reqwest::Response {
    async fn json_body<T: serde::de::DeserializeOwned>(self) -> Result<Box<T>> {
        Ok(Box::new(serde_json::from_slice(&self.bytes().await?)?))
    }
}

/// One principal for main of shop/web in prod, and one for another repository, who may read more.
fn admit(policy: &mut Policy, issuer: &str) {
    let principal = |id: &str, repository: &str| Principal {
        id: of(id),
        kind: PrincipalKind::Oidc,
        key: None,
        issuer: Some(of(issuer)),
        audience: Some(of("holdfast")),
        claims: Some(OidcClaims {
            repository: Some(of(repository)),
            r#ref: Some(of("refs/heads/main")),
            environment: Some(of("prod")),
        }),
    };
    policy.principals.push(principal("web-ci", "shop/web"));
    policy.principals.push(principal("bank-ci", "bank/core"));
    let rule = |role, id: &str, pattern: &str| RoleRule {
        role,
        principals: vec![of(id)],
        names: vec![of(pattern)],
        channels: vec![of(pattern)],
        threshold: 1,
    };
    policy.roles.push(rule(Role::Publisher, "web-ci", "shop/*"));
    policy.roles.push(rule(Role::Deployer, "web-ci", "shop/*"));
    policy.roles.push(rule(Role::Releaser, "bank-ci", "bank/*"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_gets_what_its_principal_may_have_and_no_longer_than_its_id_token_lasts() -> Result<()> {
    let world = World::new().await?;
    for (at, algorithm) in (1_u8..).zip([Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa]) {
        let claims = world.claims(|claims| claims["jti"] = at.into());
        let token = Token::from_bytes([at; 32]);
        let id_token = world.issuer.sign(algorithm, &claims)?;
        let answer = world.exchange(&id_token, |wanted| wanted.token_sha256 = token.sha256()).await?;
        let Answer::Given(201, receipt, _) = answer else { panic!("{algorithm:?}: {answer:?}") };
        let (_, logged) = world.ana.registry().receipt(receipt.index).await?;
        let grants = world.ana.registry().grants(holdfast_client::Tokens::Standing).await?;
        let grant =
            &grants.iter().find(|grant| grant.get().index == receipt.index).expect("it stands").get().grant;
        assert_eq!(grant.actions, [Action::Read, Action::Publish, Action::Deploy]);
        assert_eq!(
            (grant.names.as_slice(), grant.channels.as_slice()),
            (&[of("shop/*")][..], &[of("shop/*")][..])
        );
        assert_eq!(grant.subject.as_str(), "web-ci");
        let oidc = grant.oidc.as_ref().expect("it names the identity");
        let signed = BASE64URL_NOPAD.decode(id_token.split('.').nth(1).expect("it has claims").as_bytes())?;
        assert_eq!(oidc.claims_sha256, Sha256Digest::of(&signed));
        assert_eq!(
            (oidc.issuer.as_str(), oidc.subject.as_str()),
            (world.issuer.url(), "repo:shop/web:environment:prod")
        );
        let ends = grant.expires.expect("it ends");
        assert!(ends <= logged.get().time().plus_ms(600_000), "{ends}");
        assert_eq!(Http::new(&world.registry.url(), Some(token))?.get("/v1/artifacts").await?.status(), 200);
    }
    assert_eq!(world.issuer.take_asked(), 1, "the keys are kept");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_lived_id_token_makes_a_grant_of_an_hour_at_most() -> Result<()> {
    let world = World::new().await?;
    let claims =
        world.claims(|claims| claims["exp"] = (claims["iat"].as_u64().unwrap_or(0) + 8 * 3600).into());
    let answer = world.exchange(&world.issuer.sign(Algorithm::Es256, &claims)?, |_| {}).await?;
    let Answer::Given(201, _, token) = answer else { panic!("{answer:?}") };
    let http = Http::new(&world.registry.url(), Some(token))?;
    assert_eq!(http.get("/v1/artifacts").await?.status(), 200);
    world.registry.advance(Duration::from_hours(1)).await?;
    assert_eq!(http.get("/v1/artifacts").await?.status(), 401);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_publishes_and_deploys_with_the_key_that_it_made_for_itself() -> Result<()> {
    let world = World::new().await?;
    let job = world.ana.colleague(None)?;
    let key = job.key().public();
    let Answer::Given(201, receipt, token) =
        world.exchange(&world.good()?, |wanted| wanted.key = Some(key)).await?
    else {
        panic!("it is exchanged")
    };
    let job = job.with_token(token)?;
    let artifact = job.publish("shop/web@1", "built by the job").await?;
    job.deploy("shop/prod", &artifact, holdfast_formats::statement::DeployPhase::Succeeded).await?;
    world.ana.pin("shop/prod", &artifact).await?;
    assert_eq!(job.answer("shop/prod").await?, ["shop/web@1"]);
    assert_eq!(world.ana.answer("shop/prod").await?, ["shop/web@1"], "others can check what the job signed");
    let foreign = job.publish("bank/core@1", "not its own").await.unwrap_err();
    assert!(foreign.to_string().contains("no such thing"), "{foreign}");
    assert!(job.pin("shop/prod", &artifact).await.is_err(), "a deployer pins nothing");

    // The policy changes: the grant stops at once, for reading and for signing, and what was signed before stands.
    world
        .ana
        .amend(|policy| {
            policy.roles.retain(|rule| !rule.principals.contains(&of("web-ci")));
            policy.principals.retain(|principal| principal.id != of("web-ci"));
        })
        .await?;
    assert_eq!(job.http()?.get("/v1/artifacts").await?.status(), 401);
    let blind = job.with_token(world.ana.token()?)?;
    let late = blind.publish("shop/web@2", "too late").await.unwrap_err();
    assert!(!late.to_string().is_empty() && world.ana.list().await? == ["shop/web@1"], "{late}");
    assert_eq!(world.ana.answer("shop/prod").await?, ["shop/web@1"]);
    let report = world.ana.audit().await?;
    assert!(report.findings.is_empty(), "{:?}: entry {}", report.findings, receipt.index);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t16_one_id_token_makes_one_grant() -> Result<()> {
    let world = World::new().await?;
    let id_token = world.good()?;
    let Answer::Given(201, first, _) = world.exchange(&id_token, |_| {}).await? else {
        panic!("it is given")
    };
    let Answer::Given(200, again, _) = world.exchange(&id_token, |_| {}).await? else {
        panic!("an answer got lost")
    };
    assert_eq!(first.index, again.index);
    let stolen = Token::from_bytes([66; 32]).sha256();
    let answer = world.exchange(&id_token, |wanted| wanted.token_sha256 = stolen).await?;
    assert!(matches!(answer, Answer::Refused(409, ProblemCode::Conflict, _)), "{answer:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_more_than_its_roles_allow() -> Result<()> {
    let world = World::new().await?;
    let id_token = world.good()?;
    let size = world.size()?;
    let wrong: [Change; 7] = [
        |wanted| wanted.actions = Some(vec![Action::Release]),
        |wanted| wanted.actions = Some(vec![Action::Publish, Action::Administer]),
        |wanted| wanted.actions = Some(vec![Action::Audit]),
        |wanted| wanted.names = Some(vec![of("*")]),
        |wanted| wanted.names = Some(vec![of("shop/*"), of("bank/core")]),
        |wanted| wanted.channels = Some(vec![of("bank/*")]),
        |wanted| wanted.actions = Some(Vec::new()),
    ];
    for change in wrong {
        let answer = world.exchange(&id_token, change).await?;
        assert!(matches!(answer, Answer::Refused(403, ProblemCode::Forbidden, _)), "{answer:?}");
    }
    assert_eq!(world.size()?, size, "nothing was logged");
    let less = world.exchange(&id_token, |wanted| wanted.names = Some(vec![of("shop/web")])).await?;
    assert!(matches!(less, Answer::Given(201, ..)), "{less:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t35_no_other_id_token_is_taken_for_the_job() -> Result<()> {
    let world = World::new().await?;
    let mallory = Issuer::start().await?;
    let size = world.size()?;
    let now = world.registry.clock().timestamp().as_ms() / 1000;
    let with = |name: &str, value: Value| world.claims(|claims| claims[name] = value);
    let without =
        |name: &str| world.claims(|claims| drop(claims.as_object_mut().map(|all| all.remove(name))));
    let claims: Vec<(&str, Value)> = vec![
        ("another issuer", with("iss", mallory.url().into())),
        ("an issuer with a slash", with("iss", format!("{}/", world.issuer.url()).into())),
        ("several issuers", with("iss", json!([world.issuer.url()]))),
        ("no issuer", without("iss")),
        ("another audience", with("aud", "somebody-else".into())),
        ("no audience", without("aud")),
        ("an empty audience", with("aud", json!([]))),
        ("another repository", with("repository", "shop/web-fork".into())),
        ("a repository in capitals", with("repository", "Shop/Web".into())),
        ("no repository", without("repository")),
        ("another branch", with("ref", "refs/heads/main2".into())),
        ("a pull request", with("ref", "refs/pull/7/merge".into())),
        ("another environment", with("environment", "staging".into())),
        ("no environment", without("environment")),
        ("expired", with("exp", (now - 1).into())),
        ("no end", without("exp")),
        ("an end that is text", with("exp", format!("{}", now + 600).into())),
        ("an end in another age", with("exp", (now + 40 * 24 * 3600).into())),
        ("not valid yet", with("nbf", (now + 120).into())),
        ("issued in the future", with("iat", (now + 120).into())),
        ("no time of issue", without("iat")),
        ("no subject", without("sub")),
    ];
    for (what, claims) in claims {
        let answer = world.exchange(&world.issuer.sign(Algorithm::Rs256, &claims)?, |_| {}).await?;
        assert!(matches!(answer, Answer::Refused(401, ProblemCode::Unauthorized, _)), "{what}: {answer:?}");
    }
    for (what, id_token) in forged(&world, &mallory)? {
        let answer = world.exchange(&id_token, |_| {}).await?;
        assert!(matches!(answer, Answer::Refused(401, ProblemCode::Unauthorized, _)), "{what}: {answer:?}");
    }
    assert_eq!(world.size()?, size, "nothing was logged");
    assert_eq!(mallory.take_asked(), 0, "only issuers that the policy names are asked");
    assert!(
        matches!(world.exchange(&world.good()?, |_| {}).await?, Answer::Given(201, ..)),
        "the job itself"
    );
    Ok(())
}

/// The right claims, signed wrongly.
fn forged(world: &World, mallory: &Issuer) -> Result<Vec<(&'static str, String)>> {
    let claims = world.claims(|_| {});
    let header = |alg: &str, kid: &str| json!({ "typ": "JWT", "alg": alg, "kid": kid });
    let rsa = |header: &Value, issuer: &Issuer| issuer.sign_as(Algorithm::Rs256, header, &claims);
    let good = world.good()?;
    let (head, signature) = good.rsplit_once('.').unwrap_or_default();
    let changed = unsigned(&header("RS256", "rsa-1"), &world.claims(|claims| claims["jti"] = "2".into()));
    // HMAC whose secret is what everybody can read: the RSA key's modulus (and nothing at all, Artifactory's fault).
    let hmac = |secret: &[u8]| {
        let message = unsigned(&header("HS256", "rsa-1"), &claims);
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
        format!("{message}.{}", BASE64URL_NOPAD.encode(ring::hmac::sign(&key, message.as_bytes()).as_ref()))
    };
    let jwk = world.issuer.jwk(Algorithm::Rs256);
    let modulus = BASE64URL_NOPAD.decode(jwk["n"].as_str().unwrap_or_default().as_bytes())?;
    let mut pointing = header("RS256", "rsa-1");
    pointing["jku"] = format!("{}/.well-known/jwks", mallory.url()).into();
    let mut carrying = header("ES256", "mallory");
    carrying["jwk"] = mallory.jwk(Algorithm::Es256);
    let mut elsewhere = header("ES256", "https://mallory.example/key");
    elsewhere["x5u"] = mallory.url().into();
    Ok(vec![
        ("alg none", format!("{}.AA", unsigned(&header("none", "rsa-1"), &claims))),
        ("alg None", format!("{}.AA", unsigned(&header("None", "rsa-1"), &claims))),
        ("HS256 with the public key", hmac(&modulus)),
        ("HS256 with the key's text", hmac(jwk.to_string().as_bytes())),
        ("HS256 with nothing", hmac(b"")),
        ("an unknown kid", rsa(&header("RS256", "rsa-2"), &world.issuer)?),
        ("no kid", rsa(&json!({ "alg": "RS256" }), &world.issuer)?),
        ("the kid of another algorithm's key", rsa(&header("RS256", "ec-1"), &world.issuer)?),
        ("another algorithm than the key's", rsa(&header("ES256", "ec-1"), &world.issuer)?),
        ("an algorithm that is not accepted", rsa(&header("RS512", "rsa-1"), &world.issuer)?),
        ("another issuer's key", mallory.sign(Algorithm::Es256, &claims)?),
        ("keys at a place that the token names", mallory.sign_as(Algorithm::Es256, &pointing, &claims)?),
        ("a key that the token carries", mallory.sign_as(Algorithm::Es256, &carrying, &claims)?),
        ("a kid that is an address", mallory.sign_as(Algorithm::Es256, &elsewhere, &claims)?),
        ("changed claims", format!("{changed}.{signature}")),
        ("a signature cut off", format!("{head}.{}", signature.get(..40).unwrap_or_default())),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn t38_an_issuer_that_leads_elsewhere_or_never_ends_is_not_believed() -> Result<()> {
    let mallory = Issuer::start().await?;
    let place = format!("{}/.well-known/jwks", mallory.url());
    let bad = [
        Manners::Redirect(place.clone()),
        Manners::Elsewhere(place),
        Manners::OtherName,
        Manners::Endless,
        Manners::Broken,
    ];
    for manners in bad {
        let world = World::new().await?;
        world.issuer.behave(manners.clone());
        let answer = world.exchange(&world.good()?, |_| {}).await?;
        let Answer::Refused(503, ProblemCode::Unavailable, detail) = answer else {
            panic!("{manners:?}: {answer:?}")
        };
        assert!(!detail.contains("127.0.0.1"), "what went wrong is for the registry's log: {detail}");
        assert_eq!(mallory.take_asked(), 0, "{manners:?}");
        world.issuer.behave(Manners::Good);
        let soon = world.exchange(&world.good()?, |_| {}).await?;
        assert!(matches!(soon, Answer::Refused(503, ..)), "an issuer is not asked again at once: {soon:?}");
        world.registry.advance(Duration::from_secs(11)).await?;
        assert!(
            matches!(world.exchange(&world.good()?, |_| {}).await?, Answer::Given(201, ..)),
            "{manners:?}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_key_ids_do_not_make_the_registry_ask_again_and_again() -> Result<()> {
    let world = World::new().await?;
    assert!(matches!(world.exchange(&world.good()?, |_| {}).await?, Answer::Given(201, ..)));
    world.issuer.take_asked();
    world.registry.advance(Duration::from_secs(11)).await?;
    for at in 0..20 {
        let header = json!({ "alg": "ES256", "kid": format!("made-up-{at}") });
        let id_token = world.issuer.sign_as(Algorithm::Es256, &header, &world.claims(|_| {}))?;
        assert!(matches!(world.exchange(&id_token, |_| {}).await?, Answer::Refused(401, ..)));
    }
    assert_eq!(world.issuer.take_asked(), 1);
    Ok(())
}
