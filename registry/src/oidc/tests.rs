//! What makes a bearer of a token a principal, and what does not.

use holdfast_formats::policy::{OidcClaims, Principal, PrincipalKind};
use serde_json::json;

use super::claims::vouched_in_test;

fn principal(audience: Option<&str>, claims: [Option<&str>; 3]) -> Principal {
    let label = |text: &str| text.parse().unwrap();
    let [repository, r#ref, environment] = claims.map(|claim| claim.map(label));
    Principal {
        id: "ci".parse().unwrap(),
        kind: PrincipalKind::Oidc,
        key: None,
        issuer: Some("https://issuer.example".parse().unwrap()),
        audience: audience.map(label),
        claims: Some(OidcClaims { repository, r#ref, environment }),
    }
}

#[test]
fn claims_are_compared_word_for_word_and_none_at_all_is_nobody() {
    let vouched = vouched_in_test(&json!({
        "aud": ["registry", "other"], "repository": "shop/web", "ref": "refs/heads/main", "environment": "prod",
    }));
    let is = |audience, claims| vouched.is(&principal(audience, claims));
    assert!(is(Some("registry"), [Some("shop/web"), Some("refs/heads/main"), Some("prod")]));
    assert!(is(Some("other"), [Some("shop/web"), None, None]));
    assert!(!is(Some("third"), [Some("shop/web"), None, None]));
    assert!(!is(None, [Some("shop/web"), None, None]), "without audience it is the log's name");
    assert!(!is(Some("registry"), [None, None, None]), "every job of the issuer would be let in");
    for wrong in ["shop/web2", "shop", "Shop/web", "shop/web ", "*"] {
        assert!(!is(Some("registry"), [Some(wrong), None, None]), "{wrong}");
    }
    assert!(!is(Some("registry"), [Some("shop/web"), Some("refs/heads/mai"), None]));
    assert!(!is(Some("registry"), [Some("shop/web"), None, Some("staging")]));
    let none = Principal { claims: None, ..principal(Some("registry"), [None; 3]) };
    assert!(!vouched.is(&none));
    let elsewhere = Principal {
        issuer: Some("https://issuer.example/".parse().unwrap()),
        ..principal(Some("registry"), [Some("shop/web"), None, None])
    };
    assert!(!vouched.is(&elsewhere), "issuers are compared word for word, too");
}

#[test]
fn a_claim_that_is_no_text_is_not_there() {
    let vouched = vouched_in_test(&json!({ "aud": "registry", "repository": ["shop/web"], "ref": 7 }));
    assert!(!vouched.is(&principal(Some("registry"), [Some("shop/web"), None, None])));
    assert!(!vouched.is(&principal(Some("registry"), [None, Some("7"), None])));
}

#[test]
fn a_project_of_gitlab_says_its_repository_and_its_ref_in_its_own_words() {
    let vouched = vouched_in_test(&json!({
        "aud": "registry", "project_path": "shop/web", "ref": "main", "ref_path": "refs/heads/main",
    }));
    for name in ["main", "refs/heads/main"] {
        assert!(vouched.is(&principal(Some("registry"), [Some("shop/web"), Some(name), None])), "{name}");
    }
}
