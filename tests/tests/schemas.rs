//! The checked-in JSON Schemas and the OpenAPI description say what the code does, or this fails.
//!
//! `HOLDFAST_BLESS=1 cargo test -p holdfast-tests --test schemas` writes them anew.

#[path = "schemas/cosigned.rs"]
mod cosigned;
#[path = "schemas/documents.rs"]
mod documents;
#[path = "schemas/examples.rs"]
mod examples;
mod golden;
#[path = "schemas/grants.rs"]
mod grants;
#[path = "schemas/openapi.rs"]
mod openapi;
#[path = "schemas/operations.rs"]
mod operations;
#[path = "schemas/router.rs"]
mod router;
#[path = "schemas/routes.rs"]
mod routes;
#[path = "schemas/strictness.rs"]
mod strictness;
#[path = "schemas/table.rs"]
mod table;
#[path = "schemas/uploads.rs"]
mod uploads;

use std::collections::BTreeSet;

use golden::Files;
use holdfast_formats::wire::v1::ProblemCode;
use serde_json::Value;

fn written(document: &Value) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(document).expect("a schema is JSON");
    bytes.push(b'\n');
    bytes
}

fn all_documents() -> Vec<(String, Value)> {
    let mut all = documents::documents();
    all.push(("openapi.json".to_owned(), openapi::document()));
    all
}

#[test]
fn the_checked_in_schemas_are_those_of_the_code() {
    let files: Files = all_documents().into_iter().map(|(name, d)| (name, written(&d))).collect();
    golden::settle("json", &files);
}

#[test]
fn no_schema_lets_in_an_unknown_key_or_null() {
    for (name, document) in documents::documents() {
        assert_eq!(strictness::open_objects(&document, &name), Vec::<String>::new());
        assert_eq!(strictness::nullable(&document, &name), Vec::<String>::new());
    }
    let openapi = openapi::document();
    assert_eq!(strictness::open_objects(&openapi["components"]["schemas"], ""), Vec::<String>::new());
    assert_eq!(strictness::nullable(&openapi["components"]["schemas"], ""), Vec::<String>::new());
}

#[test]
fn every_reference_inside_a_document_leads_somewhere() {
    for (name, document) in all_documents() {
        for reference in references(&document) {
            let pointer = reference.strip_prefix('#').expect("no document refers outside itself");
            assert!(document.pointer(pointer).is_some(), "{name}: {reference}");
        }
    }
}

fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(object) => {
            let own = object.get("$ref").and_then(Value::as_str).map(ToOwned::to_owned);
            own.into_iter().chain(object.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn the_table_and_the_router_name_the_same_routes() {
    let table: BTreeSet<(String, String)> =
        table::routes().map(|route| (route.pattern.to_owned(), route.method.to_owned())).collect();
    assert_eq!(table, holdfast_tests::router_patterns());
}

#[test]
fn every_operation_has_an_id_of_its_own() {
    let ids: BTreeSet<&str> = table::routes().map(|route| route.id).collect();
    assert_eq!(ids.len(), table::routes().count());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_of_the_table_is_answered_by_the_router_with_what_the_table_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = router::node(&folder).await;
    let router = node.router();
    for route in table::routes() {
        let path = route.example_path();
        let answered = router::ask(&router, route.method, &path).await;
        if let Some(problem) = answered.problem() {
            assert_eq!(problem.status, answered.status, "{path}");
            let code = problem.code;
            assert!(route.all_problems().contains(&code), "{} {path}: {code}", route.method);
        } else {
            let known = route.answers.iter().any(|answer| answer.status == answered.status);
            assert!(known, "{} {path}: {}", route.method, answered.status);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_route_is_answered_with_a_problem() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = router::node(&folder).await;
    let router = node.router();
    for path in [
        "/",
        "/v1",
        "/v1/nothing",
        "/v1/channels/shop/prod/nothing",
        "/v1/artifacts/shop/web",
        "/v1/registry/more",
    ] {
        let answered = router::ask(&router, "get", path).await;
        let problem = answered.problem().expect("every refusal is a problem");
        assert_eq!((answered.status, problem.code), (404, ProblemCode::NoSuchRoute), "{path}");
    }
    for (method, path) in [("delete", "/v1/artifacts"), ("get", "/v1/submissions"), ("patch", "/v1/registry")]
    {
        let answered = router::ask(&router, method, path).await;
        let problem = answered.problem().expect("every refusal is a problem");
        assert_eq!((answered.status, problem.code), (405, ProblemCode::MethodNotAllowed), "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_registry_serves_the_checked_in_description() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = router::node(&folder).await;
    let answered = router::ask(&node.router(), "get", "/v1/openapi.json").await;
    assert_eq!(answered.status, 200);
    let stored = std::fs::read(golden::folder("json").join("openapi.json")).expect("it is checked in");
    // The program holds the file as it was when it was built.
    assert_eq!(answered.body, stored);
}
