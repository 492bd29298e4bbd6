//! One answer in all the forms that it has.

use serde::Serialize;
use serde_json::Value;

use super::{BOLD, RED, Variables, YELLOW};

/// One line for a person. Its text is not escaped yet and may hold anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    text: String,
    style: Option<&'static str>,
}

impl Line {
    /// An ordinary line.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), style: None }
    }

    /// A line that leads others.
    pub(crate) fn heading(text: impl Into<String>) -> Self {
        Self { text: text.into(), style: Some(BOLD) }
    }

    /// A line that asks for attention.
    pub(crate) fn caution(text: impl Into<String>) -> Self {
        Self { text: text.into(), style: Some(YELLOW) }
    }

    /// A line that says something is wrong.
    pub(crate) fn alarm(text: impl Into<String>) -> Self {
        Self { text: text.into(), style: Some(RED) }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) const fn style(&self) -> Option<&'static str> {
        self.style
    }
}

/// The answer of a command: lines for people, JSON for programs, and variables or OCI references where it has them.
#[derive(Debug)]
pub(crate) struct Answer {
    lines: Vec<Line>,
    json: Value,
    variables: Option<Variables>,
    oci_refs: Option<Vec<String>>,
}

impl Answer {
    /// An answer as JSON; a line for people each call of [`Answer::line`].
    pub(crate) fn new(json: &impl Serialize) -> anyhow::Result<Self> {
        Ok(Self { lines: Vec::new(), json: serde_json::to_value(json)?, variables: None, oci_refs: None })
    }

    /// With one more line for people.
    pub(crate) fn line(mut self, line: Line) -> Self {
        self.lines.push(line);
        self
    }

    /// With one more ordinary line for people.
    pub(crate) fn text(self, text: impl Into<String>) -> Self {
        self.line(Line::plain(text))
    }

    /// With more lines for people.
    pub(crate) fn with_lines(mut self, lines: impl IntoIterator<Item = Line>) -> Self {
        self.lines.extend(lines);
        self
    }

    /// With variables for shells and pipelines.
    pub(crate) fn with_variables(mut self, variables: Variables) -> Self {
        self.variables = Some(variables);
        self
    }

    /// With references for OCI clients.
    pub(crate) fn with_oci_refs(mut self, refs: Vec<String>) -> Self {
        self.oci_refs = Some(refs);
        self
    }

    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    pub(super) const fn json(&self) -> &Value {
        &self.json
    }

    pub(super) const fn variables(&self) -> Option<&Variables> {
        self.variables.as_ref()
    }

    pub(super) fn oci_refs(&self) -> Option<&[String]> {
        self.oci_refs.as_deref()
    }
}
