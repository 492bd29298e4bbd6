//! The router's routes as its source names them.

use std::collections::BTreeSet;
use std::path::Path;

/// Every (pattern, method) that the source of the router names.
pub fn router_patterns() -> BTreeSet<(String, String)> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../registry/src/http/api/mod.rs");
    let source = std::fs::read_to_string(source)
        .unwrap_or_else(|error| unreachable!("the router is where it was: {error}"));
    let routes = source.split(".route(").skip(1).flat_map(|call| {
        let mut quoted = call.split('"');
        let pattern = quoted.nth(1).unwrap_or_default().to_owned();
        let handlers = quoted.next().unwrap_or_default().split(".fallback").next().unwrap_or_default();
        let named = |method: &&str| handlers.contains(&format!("{method}("));
        let methods: Vec<&str> =
            ["get", "put", "post", "delete", "patch", "head"].into_iter().filter(named).collect();
        methods.into_iter().map(move |method| (pattern.clone(), method.to_owned())).collect::<Vec<_>>()
    });
    routes.collect()
}
