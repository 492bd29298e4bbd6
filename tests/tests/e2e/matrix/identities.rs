//! Everybody who may ask: strangers, bearers of dead tokens, and bearers of one action each.

use std::time::Duration;

use anyhow::Result;
use holdfast_formats::policy::Distrust;
use holdfast_formats::statement::{Action, EntryIndex, Revoke};
use holdfast_formats::token::Token;
use holdfast_tests::{Person, TestRegistry, of};

use super::table::Needs;

/// Who asks.
#[derive(Debug, Clone)]
pub(super) struct Asker {
    pub(super) name: String,
    /// What stands in the header, when there is one.
    pub(super) authorization: Option<String>,
    pub(super) standing: Standing,
}

/// What the token of an asker is.
#[derive(Debug, Clone)]
pub(super) enum Standing {
    /// There is none.
    Stranger,
    /// It opens nothing, nowhere.
    Dead,
    /// It allows these actions inside one namespace.
    Inside(&'static str, Vec<Action>),
    /// It allows these actions everywhere.
    Everywhere(Vec<Action>),
}

impl Asker {
    /// Whether what is asked for in a namespace is allowed.
    pub(super) fn may(&self, needs: Needs, namespace: &str) -> bool {
        let (actions, here, everywhere) = match &self.standing {
            Standing::Stranger | Standing::Dead => (&[][..], false, false),
            Standing::Inside(own, actions) => (actions.as_slice(), *own == namespace, false),
            Standing::Everywhere(actions) => (actions.as_slice(), true, true),
        };
        let has = |action| actions.contains(&action);
        match needs {
            Needs::Nothing | Needs::NoToken => true,
            Needs::Token => !actions.is_empty(),
            Needs::ReadName | Needs::ReadChannel | Needs::ReadBoth => here && has(Action::Read),
            Needs::Upload => here && (has(Action::Publish) || has(Action::Attest)),
            Needs::Audit => everywhere && has(Action::Audit),
        }
    }
}

fn bearer(name: &str, token: &Token, standing: Standing) -> Asker {
    Asker { name: name.to_owned(), authorization: Some(format!("Bearer {}", token.expose())), standing }
}

/// Everybody. Some time passes, so that a token can expire.
pub(super) async fn everybody(registry: &TestRegistry, ana: &Person) -> Result<Vec<Asker>> {
    let mut all = strangers();
    all.extend(dead(registry, ana).await?);
    for action in Action::ALL {
        let inside = Standing::Inside("shop", vec![*action]);
        all.push(bearer(&format!("{action} in shop"), &inside_token(ana, "shop", &[*action]).await?, inside));
        let (token, _) = ana.grant(|grant| grant.actions = vec![*action]).await?;
        all.push(bearer(&format!("{action} everywhere"), &token, Standing::Everywhere(vec![*action])));
    }
    for namespace in ["shop", "bank"] {
        let token = inside_token(ana, namespace, Action::ALL).await?;
        let standing = Standing::Inside(namespace, Action::ALL.to_vec());
        all.push(bearer(&format!("everything in {namespace}"), &token, standing));
    }
    Ok(all)
}

fn strangers() -> Vec<Asker> {
    let asker = |name: &str, authorization: Option<&str>, standing| Asker {
        name: name.to_owned(),
        authorization: authorization.map(ToOwned::to_owned),
        standing,
    };
    vec![
        asker("anonymous", None, Standing::Stranger),
        asker("garbage", Some("Bearer hft_garbage"), Standing::Dead),
        asker("an empty token", Some("Bearer "), Standing::Dead),
        asker("another scheme", Some("Basic c2hvcDpzaG9w"), Standing::Dead),
        bearer("never granted", &Token::from_bytes([7; 32]), Standing::Dead),
    ]
}

/// Tokens for everything that have ended, each in its own way.
async fn dead(registry: &TestRegistry, ana: &Person) -> Result<Vec<Asker>> {
    let soon = Some(registry.clock().timestamp().plus_ms(60_000));
    let (expired, _) = ana.grant(|grant| grant.expires = soon).await?;
    let (revoked, index) = ana.grant(|_| {}).await?;
    ana.say(Revoke { grant: EntryIndex { index }, reason: of("it leaked") }).await?;
    let mallory = ana.colleague(Some(ana.token()?))?;
    ana.amend(|policy| {
        policy.principals.push(mallory.principal("mallory"));
        policy.roles.iter_mut().for_each(|rule| rule.principals.push(of("mallory")));
    })
    .await?;
    let (distrusted, from_entry) = mallory.grant(|_| {}).await?;
    let key = mallory.key().public();
    let reason = of("the laptop was stolen");
    ana.amend(|policy| policy.distrust.push(Distrust { key, from_entry, reason })).await?;
    registry.advance(Duration::from_secs(61)).await?;
    let dead = |name, token| bearer(name, &token, Standing::Dead);
    Ok(vec![dead("expired", expired), dead("revoked", revoked), dead("of a distrusted giver", distrusted)])
}

async fn inside_token(ana: &Person, namespace: &str, actions: &[Action]) -> Result<Token> {
    let pattern = format!("{namespace}/*");
    let (token, _) = ana
        .grant(|grant| {
            grant.actions = actions.to_vec();
            (grant.names, grant.channels) = (vec![of(&pattern)], vec![of(&pattern)]);
        })
        .await?;
    Ok(token)
}
