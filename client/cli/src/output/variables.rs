//! Variables for shells and pipelines: names that a shell takes, values that it cannot be made to run.

use serde_json::{Map, Value};

use super::Format;
use crate::escape::{escaped, is_dangerous};
use crate::failure::Failure;

/// Named values in the order they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variables(Vec<(String, String)>);

impl Variables {
    /// No variables yet.
    pub(crate) const fn none() -> Self {
        Self(Vec::new())
    }

    /// With one more, whose name must not be there already.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Result<Self, Failure> {
        if self.0.iter().any(|(n, _)| n == name) {
            return Err(unusable(format!("two values would have the same variable name {name}")));
        }
        self.0.push((name.to_owned(), value.into()));
        Ok(self)
    }

    /// Names and values in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value of one.
    #[cfg(test)]
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Writes them in one of the forms that consist of variables.
    pub(super) fn render(&self, format: Format) -> anyhow::Result<String> {
        if let Some((name, _)) = self.0.iter().find(|(_, value)| value.chars().any(is_dangerous)) {
            return Err(
                unusable(format!("the value of {name} contains control or invisible characters")).into()
            );
        }
        if format == Format::TfExternal {
            let object: Map<String, Value> =
                self.0.iter().map(|(n, v)| (n.clone(), Value::String(v.clone()))).collect();
            return Ok(format!("{}\n", serde_json::to_string(&object)?));
        }
        let mut text = String::new();
        for (name, value) in &self.0 {
            text.extend([name, "=", &quoted(value, format), "\n"]);
        }
        Ok(text)
    }
}

/// The middle of a component's variable names: `web-api` becomes `WEB_API`.
pub(crate) fn component_variable(component: &str) -> Result<String, Failure> {
    let usable = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if component.is_empty() || !component.bytes().all(usable) {
        return Err(unusable(format!(
            "the component name '{}' cannot be part of a variable name",
            escaped(component)
        )));
    }
    Ok(component
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
        .collect())
}

fn unusable(message: String) -> Failure {
    Failure::usage(message).with_hint("use --format json")
}

fn quoted(value: &str, format: Format) -> String {
    match format {
        Format::Env => format!("'{}'", value.replace('\'', r"'\''")),
        Format::Dotenv => {
            let mut out = String::from('"');
            for c in value.chars() {
                if matches!(c, '"' | '\\' | '$' | '`') {
                    out.push('\\');
                }
                out.push(c);
            }
            out.push('"');
            out
        }
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(value: &str) -> Variables {
        Variables::none().with("HOLDFAST_REF", value).unwrap()
    }

    #[test]
    fn a_shell_reads_back_exactly_what_was_written_and_runs_none_of_it() {
        for value in ["shop/web@1.4.2", "", "it's", "$(touch pwned) `id` \"x\" \\ ; & | * ~", "a  b"] {
            let text = one(value).render(Format::Env).unwrap();
            let script = format!("{text}printf %s \"$HOLDFAST_REF\"");
            let out = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
            assert!(out.status.success() && out.stderr.is_empty(), "{value}");
            assert_eq!(String::from_utf8(out.stdout).unwrap(), value);
        }
    }

    #[test]
    fn each_form_quotes_in_its_own_way() {
        let variables = one("a'b\"$c");
        assert_eq!(variables.render(Format::Env).unwrap(), "HOLDFAST_REF='a'\\''b\"$c'\n");
        assert_eq!(variables.render(Format::Dotenv).unwrap(), "HOLDFAST_REF=\"a'b\\\"\\$c\"\n");
        assert_eq!(variables.render(Format::Github).unwrap(), "HOLDFAST_REF=a'b\"$c\n");
        assert_eq!(variables.render(Format::TfExternal).unwrap(), "{\"HOLDFAST_REF\":\"a'b\\\"$c\"}\n");
    }

    #[test]
    fn t36_a_value_that_would_break_out_of_its_line_is_refused() {
        for value in ["a\nPATH=/evil", "a\r", "\u{1b}[0m", "\u{202e}"] {
            for format in [Format::Env, Format::Dotenv, Format::Github, Format::TfExternal] {
                assert!(one(value).render(format).is_err(), "{value:?} {format}");
            }
        }
    }

    #[test]
    fn component_names_become_variable_names_or_are_refused() {
        assert_eq!(component_variable("web-api.v2").unwrap(), "WEB_API_V2");
        for bad in ["", "a b", "a;b", "a*", "ü"] {
            assert!(component_variable(bad).is_err(), "{bad}");
        }
        assert!(one("x").with("HOLDFAST_REF", "y").is_err());
    }
}
