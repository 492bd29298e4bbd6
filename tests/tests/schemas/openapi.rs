//! The OpenAPI 3.1 description: the table of routes and the schemas of what they carry, in one document.

use std::collections::BTreeMap;

use holdfast_formats::wire::v1::ProblemCode;
use serde_json::{Map, Value, json};

use super::documents::{META_SCHEMA, generator, wire};
use super::examples;
use super::routes::{Access, Answer, AnswerBody, PathParameter, RequestBody, Route};
use super::strictness::strict;
use super::table::routes;

const COMPONENTS: &str = "#/components/schemas/";
const PROBLEM_JSON: &str = "application/problem+json";
const OCTETS: &str = "application/octet-stream";

/// The whole document.
pub(crate) fn document() -> Value {
    let components = components();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for route in routes() {
        let operation = operation(route, &components);
        paths.entry(route.path).or_default().insert(route.method.to_owned(), operation);
    }
    json!({
        "openapi": "3.1.1",
        "jsonSchemaDialect": META_SCHEMA,
        "info": {
            "title": "Holdfast registry",
            "version": "1",
            "summary": "Immutable artifacts and snapshots, and what is known to be good.",
            "description": "Every error is `application/problem+json` with a stable `code`. Parameters and bodies are read \
                strictly: unknown or repeated keys and null are refused. Payloads of envelopes are in-toto statements, described \
                by the JSON Schemas beside this file.",
            "license": { "name": "Apache-2.0 OR MIT" },
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "hft_<base64url of 32 bytes>",
                    "description": "A token, as `holdfast token grant` prints it once.",
                },
                "operator": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Holdfast-Operator",
                    "description": "A time in UTC, and the signature of the node's registry key over this request in base64; made by \
                        `holdfast-registry` on the node's own machine.",
                },
            },
        },
    })
}

fn components() -> Map<String, Value> {
    let mut generator = generator("/components/schemas");
    let mut schemas: Map<String, Value> =
        wire().into_iter().map(|(name, schema)| (name.to_owned(), schema(&mut generator))).collect();
    schemas.extend(generator.take_definitions(true));
    schemas.values_mut().for_each(strict);
    schemas
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("{COMPONENTS}{name}") })
}

fn operation(route: &Route, components: &Map<String, Value>) -> Value {
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.summary,
        "security": security(route.access),
        "parameters": parameters(route, components),
        "responses": responses(route, components),
    });
    if let Some(body) = request_body(route.body) {
        operation["requestBody"] = body;
    }
    operation
}

fn security(access: Access) -> Value {
    match access {
        Access::Open => json!([]),
        Access::Reader | Access::Signer => json!([{}, { "token": [] }]),
        Access::Bearer => json!([{ "token": [] }]),
        Access::Operator => json!([{ "operator": [] }]),
    }
}

fn parameters(route: &Route, components: &Map<String, Value>) -> Value {
    let mut all: Vec<Value> = route.parameters.iter().map(path_parameter).collect();
    if let Some(record) = route.query {
        all.extend(query_parameters(&components[record]));
    }
    if route.access == Access::Signer {
        all.push(json!({
            "name": "Holdfast-Login",
            "in": "header",
            "required": false,
            "description": "The one-time login secret, with policy 1 only.",
            "schema": { "type": "string" },
        }));
    }
    if route.id == "blob" {
        all.push(json!({
            "name": "Range",
            "in": "header",
            "required": false,
            "description": "One range of bytes (RFC 9110).",
            "schema": { "type": "string", "pattern": "^bytes=" },
            "example": "bytes=0-1023",
        }));
    }
    all.into()
}

fn path_parameter(parameter: &PathParameter) -> Value {
    let slashes =
        if parameter.slashes { " Its slashes are sent as they are, not percent-encoded." } else { "" };
    json!({
        "name": parameter.name,
        "in": "path",
        "required": true,
        "description": format!("{}{slashes}", parameter.description),
        "x-holdfast-slashes": parameter.slashes,
        "schema": { "type": "string" },
        "example": parameter.example,
    })
}

/// A query string is a record whose fields are the parameters.
fn query_parameters(record: &Value) -> Vec<Value> {
    let required: Vec<&str> =
        record["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let fields = record["properties"].as_object().into_iter().flatten();
    fields
        .map(|(name, schema)| {
            let mut schema = schema.clone();
            let description = schema.as_object_mut().and_then(|s| s.remove("description")).unwrap_or_default();
            let required = required.contains(&name.as_str());
            json!({ "name": name, "in": "query", "required": required, "description": description, "schema": schema })
        })
        .collect()
}

fn request_body(body: RequestBody) -> Option<Value> {
    match body {
        RequestBody::None => None,
        RequestBody::Json(record) => Some(json!({
            "required": true,
            "content": { "application/json": media(record) },
        })),
        RequestBody::Bytes(description) => Some(json!({
            "required": true,
            "description": description,
            "content": { OCTETS: {} },
        })),
    }
}

fn media(record: &str) -> Value {
    let mut media = json!({ "schema": reference(record) });
    if let Some(example) = examples::of(record) {
        media["example"] = example;
    }
    media
}

fn responses(route: &Route, components: &Map<String, Value>) -> Value {
    let mut all: BTreeMap<String, Value> = BTreeMap::new();
    for answer in route.answers {
        all.insert(answer.status.to_string(), response(answer));
    }
    let mut by_status: BTreeMap<u16, Vec<ProblemCode>> = BTreeMap::new();
    for code in route.all_problems() {
        by_status.entry(code.status()).or_default().push(code);
    }
    for (status, codes) in by_status {
        all.insert(status.to_string(), problem(&codes, components));
    }
    json!(all)
}

fn response(answer: &Answer) -> Value {
    let content = match answer.body {
        AnswerBody::Json(record) => json!({ "application/json": media(record) }),
        AnswerBody::AnyJson => json!({ "application/json": { "schema": { "type": "object" } } }),
        AnswerBody::Bytes => json!({ OCTETS: {} }),
        AnswerBody::Text(media_type) => json!({ media_type: { "schema": { "type": "string" } } }),
    };
    json!({ "description": answer.description, "content": content })
}

/// All problems of one status, each code with what it means.
fn problem(codes: &[ProblemCode], components: &Map<String, Value>) -> Value {
    let meanings: Vec<String> =
        codes.iter().map(|code| format!("`{code}`: {}", meaning(*code, components))).collect();
    let names: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    let schema = json!({ "allOf": [reference("Problem"), { "properties": { "code": { "enum": names } } }] });
    let examples = codes.iter().map(|code| (code.to_string(), json!({ "value": examples::problem(*code) })));
    let examples: Map<String, Value> = examples.collect();
    json!({
        "description": meanings.join("\n\n"),
        "content": { PROBLEM_JSON: { "schema": schema, "examples": examples } },
    })
}

/// What the documentation of a code says.
fn meaning(code: ProblemCode, components: &Map<String, Value>) -> String {
    let words = components["ProblemCode"]["oneOf"].as_array().into_iter().flatten();
    let found = words.clone().find(|word| word["const"] == code.as_str());
    let text = found.and_then(|word| word["description"].as_str());
    text.expect("every code is documented where it is declared").to_owned()
}
