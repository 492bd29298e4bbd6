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
