//! T39: a whole session of the real binaries at the most talkative level, and then a search for every secret that was in it.

use std::path::Path;

use anyhow::{Context as _, Result};
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use holdfast_formats::id_token::IdToken;
use holdfast_formats::login::LoginSecret;
use holdfast_formats::token::Token;
use holdfast_tests::{Http, Program, of};
use reqwest::Method;

use super::jobs::JobWorld;

/// Something that must be nowhere, in every form in which it could be.
struct Secret {
    name: &'static str,
    forms: Vec<Vec<u8>>,
}

impl Secret {
    fn text(name: &'static str, text: &str) -> Self {
        Self { name, forms: vec![text.as_bytes().to_vec()] }
    }

    fn bytes(name: &'static str, bytes: &[u8]) -> Self {
        let texts = [HEXLOWER.encode(bytes), BASE64.encode(bytes), BASE64URL_NOPAD.encode(bytes)];
        let mut forms: Vec<_> = texts.into_iter().map(String::into_bytes).collect();
        // How `Debug` writes bytes.
        forms.push(format!("{bytes:?}").trim_matches(['[', ']']).as_bytes().to_vec());
        forms.push(bytes.to_vec());
        Self { name, forms }
    }

    fn is_in(&self, text: &[u8]) -> bool {
        self.forms.iter().any(|form| text.windows(form.len()).any(|window| window == form))
    }
}

fn token_bytes(text: &str) -> Result<Vec<u8>> {
    let body = text.strip_prefix("hft_").context("a token begins so")?;
    Ok(BASE64URL_NOPAD.decode(body.as_bytes())?)
}

/// The seed in a PKCS#8 file: its last 32 bytes.
fn seed(pem: &Path) -> Result<Vec<u8>> {
    let text = std::fs::read_to_string(pem)?;
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let der = BASE64.decode(body.as_bytes())?;
    Ok(der.get(der.len() - 32..).context("it holds a seed")?.to_vec())
}

/// Every file below a folder but those in folders of keys.
fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if !path.ends_with("keys") {
                files(&path, found)?;
            }
        } else {
            found.push((path.display().to_string(), std::fs::read(&path)?));
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t39_no_secret_of_a_session_is_in_a_log_an_answer_the_store_or_the_index() -> Result<()> {
    let world = JobWorld::new(&["--log-level", "trace"]).await?;
    let (home, id_token) = (world.checkout()?, world.id_token("t39")?);
    let login = world.server.login_url()?.split_once('#').context("it has a secret")?.1.to_owned();
    let mut said: Vec<(String, Vec<u8>)> = Vec::new();
    let job = Program::at(home.path()).with("HOLDFAST_ID_TOKEN", &id_token).with("RUST_LOG", "trace");
    for words in
        ["login --oidc", "push shop/web@1 dist", "pin shop/prod shop/web@1 -m no", "login --oidc", "status"]
    {
        let output = job.run(words)?;
        said.push((words.to_owned(), (output.stdout + &output.stderr).into_bytes()));
    }
    let (revoked, index) = world.ana.grant(|_| {}).await?;
    let revoke = holdfast_formats::statement::Revoke {
        grant: holdfast_formats::statement::EntryIndex { index },
        reason: of("it leaked"),
    };
    world.ana.say(revoke).await?;
    let made_up = Token::from_bytes([0x5a; 32]);
    said.extend(
        answers(&world, &[revoked.clone(), made_up.clone(), world.ana.token()?], &login, &id_token).await?,
    );

    let credentials = std::fs::read_to_string(home.path().join("credentials.json"))?;
    let granted =
        credentials.split('"').find(|text| text.starts_with("hft_")).context("the job has a token")?;
    let keys = world.data.path().join("data/keys");
    let (message, signature) = id_token.rsplit_once('.').context("it is signed")?;
    let secrets = [
        Secret::bytes("the token of the first login", &token_bytes(&world.ana.token()?.expose())?),
        Secret::bytes("the job's token", &token_bytes(granted)?),
        Secret::bytes("a revoked token", &token_bytes(&revoked.expose())?),
        Secret::bytes("a token that was made up", &[0x5a; 32]),
        Secret::text("the login secret", &login),
        Secret::text("the ID token's signature", signature),
        Secret::text("the ID token's claims", message.split_once('.').context("it has claims")?.1),
        Secret::bytes("the job's key", &seed(&home.path().join("key.pem"))?),
        Secret::bytes("the first person's key", &seed(&world.ana.places().key_file())?),
        Secret::bytes("the log key", &seed(&keys.join("log.pem"))?),
        Secret::bytes("the head key", &seed(&keys.join("head.pem"))?),
        Secret::bytes("the registry key", &seed(&keys.join("registry.pem"))?),
    ];
    let log = world.server.log()?;
    let talks = log.lines().count() > 50 && log.contains("DEBUG") && log.contains("/v1/grants/oidc");
    assert!(talks, "reads are in the log, too: {} lines", log.lines().count());
    files(world.data.path(), &mut said)?;
    assert!(said.iter().any(|(name, _)| name.ends_with("index.sqlite")), "the index is searched");
    assert!(said.iter().any(|(name, _)| name.contains("log/commits")), "the store is searched");
    for (place, text) in &said {
        for secret in &secrets {
            assert!(!secret.is_in(text), "{} is in {place}", secret.name);
        }
    }
    Ok(())
}

/// What routes answer to whom they know, to whom they refuse, and to whom sends a secret in the wrong place.
async fn answers(
    world: &JobWorld,
    tokens: &[Token],
    login: &str,
    id_token: &str,
) -> Result<Vec<(String, Vec<u8>)>> {
    let mut said = Vec::new();
    let gets = [
        "/metrics",
        "/v1/registry",
        "/v1/status",
        "/v1/grants?ended=true",
        "/v1/log/entries?from=0",
        "/v1/policies",
        "/v1/artifacts",
        "/v1/channels/shop/prod/known-good",
        "/log/checkpoint",
    ];
    for token in tokens {
        let http = Http::new(&world.server.url(), Some(token.clone()))?;
        for path in gets {
            said.push((path.to_owned(), http.get(path).await?.bytes().await?.to_vec()));
        }
        let twisted = [
            format!("{{\"id_token\":\"{id_token}\",\"token_sha256\":\"{id_token}\"}}"),
            format!("{{\"id_token\":\"{id_token}x.y\",\"token_sha256\":7}}"),
            format!("{{\"token_sha256\":\"{}\",\"id_token\":[\"{id_token}\"]}}", token.expose()),
            format!("{{\"key\":\"{id_token}\"}}"),
        ];
        for body in twisted {
            let answer = http.send(Method::POST, "/v1/grants/oidc", body.clone()).await?;
            let status = answer.status().as_u16();
            assert!((400..500).contains(&status), "{body}: {status}");
            // It goes back to the one who sent it, so it may say which text was wrong; it is logged nowhere.
            drop(answer);
        }
        let mut request = http.request(Method::POST, "/v1/submissions").body("{}");
        request = request.header("holdfast-login", login);
        said.push(("a submission".to_owned(), request.send().await?.bytes().await?.to_vec()));
    }
    Ok(said)
}

#[test]
fn t39_debug_output_shows_no_secret() {
    let token = Token::from_bytes([0x5a; 32]);
    let id_token: IdToken = of("c2VjcmV0.c2VjcmV0.c2VjcmV0");
    let login: LoginSecret = of(&BASE64URL_NOPAD.encode(&[0x5a; 32]));
    let key = holdfast_formats::key::SigningKey::from_seed([0x5a; 32]);
    let exchange = holdfast_formats::wire::v1::OidcExchange {
        id_token: id_token.clone(),
        token_sha256: token.sha256(),
        key: Some(key.public()),
        actions: None,
        names: None,
        channels: None,
    };
    let shown = format!("{token:?} {id_token:?} {key:?} {exchange:?} {login:?}");
    let secrets = [
        Secret::bytes("a token, key or login secret", &[0x5a; 32]),
        Secret::bytes("the random half of a login secret", &[0x5a; 16]),
        Secret::text("an ID token", "c2VjcmV0"),
    ];
    for secret in &secrets {
        assert!(!secret.is_in(shown.as_bytes()), "{} is shown: {shown}", secret.name);
    }
}
