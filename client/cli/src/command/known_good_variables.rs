//! A known-good answer as variables: what a rollback script evaluates.

use super::known_good_view::{ComponentView, KnownGoodView, LineView};
use crate::failure::Failure;
use crate::output::{Variables, component_variable};

/// The variables of an answer, of one line or of several.
pub(super) fn variables(view: &KnownGoodView) -> Result<Variables, Failure> {
    let variables = Variables::none().with("HOLDFAST_CHANNEL", &view.channel)?;
    match view.lines.as_slice() {
        [only] => one_line(variables, only),
        several => several_lines(variables, several),
    }
}

fn one_line(variables: Variables, line: &LineView) -> Result<Variables, Failure> {
    let names: Vec<&str> = line.components.iter().map(|component| component.name.as_str()).collect();
    let variables = variables
        .with("HOLDFAST_PIN", line.pin.to_string())?
        .with("HOLDFAST_REF", &line.r#ref)?
        .with("HOLDFAST_DIGEST", format!("blake3:{}", line.digests.blake3))?
        .with("HOLDFAST_COMPONENTS", names.join(" "))?;
    line.components.iter().try_fold(variables, one_component)
}

fn one_component(variables: Variables, component: &ComponentView) -> Result<Variables, Failure> {
    let prefix = format!("HOLDFAST_{}", component_variable(component.name.as_str())?);
    variables
        .with(&format!("{prefix}_REF"), component.r#ref.as_str())?
        .with(&format!("{prefix}_DIGEST"), &component.digest)?
        .with(&format!("{prefix}_ROLE"), &component.role)?
        .with(&format!("{prefix}_STAGE"), component.stage.to_string())?
        .with(&format!("{prefix}_UNDO"), &component.undo)
}

fn several_lines(variables: Variables, lines: &[LineView]) -> Result<Variables, Failure> {
    let names: Vec<&str> = lines.iter().map(|line| line.name.as_str()).collect();
    let variables = variables.with("HOLDFAST_LINES", names.join(" "))?;
    lines.iter().try_fold(variables, |variables, line| {
        let prefix = format!("HOLDFAST_LINE_{}", component_variable(&line.name.replace('/', "_"))?);
        variables
            .with(&format!("{prefix}_REF"), &line.r#ref)?
            .with(&format!("{prefix}_DIGEST"), format!("blake3:{}", line.digests.blake3))?
            .with(&format!("{prefix}_PIN"), line.pin.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::super::known_good_view::tests::{line_of, view_of};
    use super::*;

    #[test]
    fn a_release_gives_its_components_in_the_order_to_go_back() {
        let line = line_of("shop/release@1", &[("web-api", "shop/web@1"), ("schema", "shop/schema@1")]);
        let variables = variables(&view_of(vec![line])).unwrap();
        for (name, value) in [
            ("HOLDFAST_CHANNEL", "shop/prod"),
            ("HOLDFAST_PIN", "7"),
            ("HOLDFAST_REF", "shop/release@1"),
            ("HOLDFAST_COMPONENTS", "web-api schema"),
            ("HOLDFAST_WEB_API_REF", "shop/web@1"),
            ("HOLDFAST_WEB_API_UNDO", "redeploy"),
            ("HOLDFAST_SCHEMA_STAGE", "4"),
        ] {
            assert_eq!(variables.get(name), Some(value), "{name}");
        }
    }

    #[test]
    fn several_lines_have_no_reference_that_could_be_taken_for_the_only_one() {
        let variables =
            variables(&view_of(vec![line_of("shop/web@1", &[]), line_of("shop/team/api@2", &[])])).unwrap();
        assert_eq!(variables.get("HOLDFAST_REF"), None);
        assert_eq!(variables.get("HOLDFAST_LINES"), Some("shop/web shop/team/api"));
        assert_eq!(variables.get("HOLDFAST_LINE_SHOP_TEAM_API_REF"), Some("shop/team/api@2"));
    }

    #[test]
    fn components_whose_variables_would_be_the_same_are_refused() {
        let line = line_of("shop/release@1", &[("web-api", "shop/web@1"), ("web_api", "shop/web@2")]);
        assert!(variables(&view_of(vec![line])).is_err());
        assert!(
            variables(&view_of(vec![line_of("shop/release@1", &[("a; rm -rf /", "shop/web@1")])])).is_err()
        );
    }
}
