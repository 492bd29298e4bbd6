//! Jobs of a CI that keep no secret: they log in by what their CI says of them, with the real binaries.

use anyhow::{Context as _, Result};
use holdfast_formats::policy::{OidcClaims, Principal, PrincipalKind, Role, RoleRule};
use holdfast_tests::{Algorithm, Issuer, Output, Person, Program, Server, TestClock, of};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A server whose policy lets the jobs of shop/web publish and deploy in the shop.
pub(crate) struct JobWorld {
    pub(crate) server: Server,
    pub(crate) data: TempDir,
    pub(crate) ana: Person,
    pub(crate) issuer: Issuer,
}

impl JobWorld {
    pub(crate) async fn new(more: &[&str]) -> Result<Self> {
        let data = tempfile::tempdir()?;
        let server = Server::start_on(data.path(), ([127, 0, 0, 1], 0).into(), more)?;
        let ana = Person::login_at(server.login_url()?, TestClock::at_present()).await?;
        let issuer = Issuer::start().await?;
        let url = issuer.url().to_owned();
        ana.amend(|policy| {
            let repository = Some(of("shop/web"));
            policy.principals.push(Principal {
                id: of("web-ci"),
                kind: PrincipalKind::Oidc,
                key: None,
                issuer: Some(of(&url)),
                audience: None,
                claims: Some(OidcClaims { repository, r#ref: None, environment: None }),
            });
            for role in [Role::Publisher, Role::Deployer] {
                policy.roles.push(RoleRule {
                    role,
                    principals: vec![of("web-ci")],
                    names: vec![of("shop/*")],
                    channels: vec![of("shop/*")],
                    threshold: 1,
                });
            }
        })
        .await?;
        Ok(Self { server, data, ana, issuer })
    }

    /// A checkout with trust.json and something to push, on a machine that has nothing else.
    pub(crate) fn checkout(&self) -> Result<TempDir> {
        let home = tempfile::tempdir()?;
        std::fs::copy(self.ana.places().trust_file(), home.path().join("trust.json"))?;
        std::fs::create_dir(home.path().join("dist"))?;
        std::fs::write(home.path().join("dist/app"), home.path().to_string_lossy().as_bytes())?;
        Ok(home)
    }

    /// What the CI says of a job.
    pub(crate) fn claims(&self, job: &str) -> Value {
        let now = TestClock::at_present().timestamp().as_ms() / 1000;
        json!({
            "iss": self.issuer.url(), "aud": self.ana.registry().origin().as_str(), "sub": "repo:shop/web:ref:main",
            "iat": now, "exp": now + 300, "jti": job, "repository": "shop/web", "ref": "refs/heads/main",
        })
    }

    pub(crate) fn id_token(&self, job: &str) -> Result<String> {
        self.issuer.sign(Algorithm::Es256, &self.claims(job))
    }
}

fn good(output: Output) -> Result<Output> {
    anyhow::ensure!(output.exit == Some(0), "{output:?}");
    Ok(output)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_github_actions_pushes_and_deploys_without_a_secret() -> Result<()> {
    let world = JobWorld::new(&[]).await?;
    let home = world.checkout()?;
    let runner = world.issuer.be_runner("runner-secret", world.claims("run 1"));
    let job = Program::at(home.path())
        .with("ACTIONS_ID_TOKEN_REQUEST_URL", &runner)
        .with("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "runner-secret");
    let said = good(job.run("login --oidc")?)?.stdout;
    assert!(said.contains("web-ci") && said.contains("read,publish,deploy"), "{said}");
    good(job.run("push shop/web@1 dist")?)?;
    good(job.run("deploy shop/prod shop/web@1 started")?)?;
    let refused = job.run("push bank/core@1 dist")?;
    assert_eq!(refused.exit, Some(3), "{refused:?}");
    // The next step of the job logs in again: with a new ID token, for a new key.
    world.issuer.be_runner("runner-secret", world.claims("run 1, again"));
    good(job.run("login --oidc --action read,publish --name shop/web")?)?;
    std::fs::write(home.path().join("dist/app"), "version 2")?;
    good(job.run("push shop/web@2 dist")?)?;
    assert_eq!(job.run("push shop/api@1 dist")?.exit, Some(6), "it asked for one name only");
    assert_eq!(world.ana.list().await?, ["shop/web@1", "shop/web@2"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_gitlab_and_any_other_brings_its_id_token_along() -> Result<()> {
    let world = JobWorld::new(&[]).await?;
    let home = world.checkout()?;
    let job = Program::at(home.path()).with("HOLDFAST_ID_TOKEN", &world.id_token("gitlab")?);
    good(job.run("login --oidc")?)?;
    good(job.run("push shop/web@1 dist")?)?;
    let home = world.checkout()?;
    std::fs::write(home.path().join("id-token"), world.id_token("file")? + "\n")?;
    let job = Program::at(home.path());
    good(job.run("login --oidc --oidc-token-file id-token")?)?;
    good(job.run("push shop/web@2 dist")?)?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_no_job_is_told_what_is_missing() -> Result<()> {
    let world = JobWorld::new(&[]).await?;
    let home = world.checkout()?;
    let nobody = Program::at(home.path()).run("login --oidc")?;
    assert_eq!(nobody.exit, Some(2), "{nobody:?}");
    assert!(nobody.stderr.contains("id-token: write"), "{nobody:?}");
    let mut claims = world.claims("fork");
    claims["repository"] = "mallory/web".into();
    let fork = world.issuer.sign(Algorithm::Es256, &claims)?;
    let refused = Program::at(home.path()).with("HOLDFAST_ID_TOKEN", &fork).run("login --oidc")?;
    assert_eq!(refused.exit, Some(3), "{refused:?}");
    assert!(refused.stderr.contains("word for word"), "{refused:?}");
    assert!(!refused.stderr.contains(fork.split('.').nth(2).context("it is signed")?), "{refused:?}");
    // A person's own key stays where it is.
    let home = world.checkout()?;
    good(Program::at(home.path()).run("key generate")?)?;
    let key = std::fs::read(home.path().join("key.pem"))?;
    let own =
        Program::at(home.path()).with("HOLDFAST_ID_TOKEN", &world.id_token("own")?).run("login --oidc")?;
    assert_ne!(own.exit, Some(0), "{own:?}");
    assert_eq!(std::fs::read(home.path().join("key.pem"))?, key);
    Ok(())
}
