//! `release.toml`: the components of a release, in which order they go, and how each is undone.

use std::path::Path;

use holdfast_client::{ComponentDraft, ReleaseDraft};
use holdfast_formats::digest::NamedDigest;
use holdfast_formats::manifest::{
    ComponentRole, Custody, Irreversible, Need, Objectives, Scope, Undo, UndoAction, UndoMode,
};
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::text::{Label, Reason, Uri};
use serde::Deserialize;

use super::read_text;
use crate::failure::Failure;
use crate::toml_text::from_toml;

const HINT: &str = "`holdfast release --help` shows a whole release.toml";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    base: Option<ArtifactRef>,
    #[serde(rename = "component", default)]
    components: Vec<ComponentTable>,
    objectives: Option<Objectives>,
    runbook: Option<ArtifactRef>,
    #[serde(default)]
    acceptance: Vec<Reason>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ComponentTable {
    name: Label,
    role: ComponentRole,
    r#ref: Label,
    digest: Option<NamedDigest>,
    custody: Option<Custody>,
    locations: Option<Vec<Uri>>,
    stage: u32,
    #[serde(default)]
    after: Vec<Label>,
    #[serde(default)]
    needs: Vec<Need>,
    scope: Option<Scope>,
    preserve: Option<Vec<Label>>,
    undo: UndoTable,
    irreversible: Option<Irreversible>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UndoTable {
    mode: UndoMode,
    #[serde(default)]
    actions: Vec<UndoAction>,
}

/// Reads a `release.toml`; unknown keys are refused.
pub(crate) fn read_release(file: &Path) -> anyhow::Result<ReleaseDraft> {
    let text = read_text(file)?;
    Ok(parse(&text)
        .map_err(|wrong| Failure::usage(format!("{}: {wrong}", file.display())).with_hint(HINT))?)
}

fn parse(text: &str) -> Result<ReleaseDraft, String> {
    let document: Document = from_toml(text)?;
    if document.components.is_empty() {
        return Err("a release has at least one [[component]]".to_owned());
    }
    Ok(ReleaseDraft {
        base: document.base,
        components: document.components.into_iter().map(component).collect::<Result<_, _>>()?,
        objectives: document.objectives,
        runbook: document.runbook,
        acceptance: document.acceptance,
    })
}

fn component(table: ComponentTable) -> Result<ComponentDraft, String> {
    let custody = table.custody.unwrap_or(Custody::Held);
    check_reference(&table, custody).map_err(|rule| format!("component '{}': {rule}", table.name))?;
    Ok(ComponentDraft {
        name: table.name,
        role: table.role,
        r#ref: table.r#ref,
        digest: table.digest,
        custody,
        locations: table.locations,
        stage: table.stage,
        after: table.after,
        needs: table.needs,
        scope: table.scope.unwrap_or(Scope::In),
        preserve: table.preserve,
        undo: Undo { mode: table.undo.mode, actions: table.undo.actions },
        irreversible: table.irreversible,
    })
}

fn check_reference(table: &ComponentTable, custody: Custody) -> Result<(), String> {
    match custody {
        Custody::Held => table.r#ref.as_str().parse::<ArtifactRef>().map(drop).map_err(|e| e.to_string()),
        Custody::Referenced if table.digest.is_none() => {
            Err("a referenced component needs digest = \"sha256:…\", for its bytes are not here".to_owned())
        }
        Custody::Referenced => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use holdfast_formats::number::Seconds;

    use super::*;

    const WEB: &str = r#"
[[component]]
name = "web"
role = "code"
ref = "shop/web@1.0.0"
stage = 1
[component.undo]
mode = "redeploy"
"#;

    #[test]
    fn a_short_component_gets_its_defaults() {
        let release = parse(WEB).unwrap();
        let web = release.components.first().unwrap();
        assert_eq!((web.custody, web.scope, web.digest.is_none()), (Custody::Held, Scope::In, true));
        assert!(web.after.is_empty() && web.needs.is_empty() && web.undo.actions.is_empty());
        assert!(release.objectives.is_none() && release.acceptance.is_empty());
    }

    #[test]
    fn every_key_of_a_release_is_read() {
        let text = format!(
            r#"
base = "shop/release@0.9.0"
runbook = "shop/runbook@1"
acceptance = ["orders can be placed"]
{WEB}
[[component]]
name = "image"
role = "infra"
ref = "registry.example/base:12"
digest = "sha256:{}"
custody = "referenced"
locations = ["oci://registry.example/base"]
stage = 2
after = ["web"]
needs = [{{ name = "schema", range = "^1" }}]
scope = "out"
preserve = ["uploads"]
irreversible = {{ step = "drop", reason = "the column is gone" }}
[component.undo]
mode = "none"
actions = [{{ kind = "cache", ref = "cdn", op_key = "purge-1" }}]
[objectives]
rpo_s = 60
"#,
            "0".repeat(64)
        );
        let release = parse(&text).unwrap();
        let image = release.components.get(1).unwrap();
        assert_eq!(
            (image.custody, image.scope, image.undo.mode),
            (Custody::Referenced, Scope::Out, UndoMode::None)
        );
        assert_eq!(image.undo.actions.len(), 1);
        assert_eq!(release.objectives.unwrap().rpo_s.map(Seconds::get), Some(60));
    }

    #[test]
    fn a_wrong_release_is_refused_with_the_reason() {
        let referenced = WEB.replace("stage = 1", "stage = 1\ncustody = \"referenced\"");
        for (text, reason) in [
            (String::new(), "at least one"),
            (WEB.replace("stage = 1", "stage = 1\nstages = 2"), "stages"),
            (WEB.replace("\"code\"", "\"programme\""), "programme"),
            (WEB.replace("[component.undo]\nmode = \"redeploy\"", ""), "undo"),
            (WEB.replace("shop/web@1.0.0", "shop/web"), "namespace/name@version"),
            (referenced, "sha256"),
            (format!("owner = \"me\"\n{WEB}"), "owner"),
        ] {
            let error = parse(&text).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }
}
