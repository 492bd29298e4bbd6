//! What a command says: its answer on standard output, everything else on standard error.
//!
//! Owns the two streams, their colours and the escaping in front of them. It never decides what is said.

mod answer;
mod format;
mod variables;

use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

pub(crate) use answer::{Answer, Line};
pub(crate) use format::Format;
pub(crate) use variables::{Variables, component_variable};

use crate::escape::{escaped, json_escaped};
use crate::failure::Failure;

const BOLD: &str = "\u{1b}[1m";
const RED: &str = "\u{1b}[1;31m";
const YELLOW: &str = "\u{1b}[33m";
const RESET: &str = "\u{1b}[0m";

/// The two streams of one run.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    format: Format,
    colour_out: bool,
    colour_err: bool,
    quiet: bool,
}

impl Output {
    /// Colours appear only on a terminal and never under `NO_COLOR`.
    pub(crate) fn new(format: Format, quiet: bool) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
        Self {
            format,
            colour_out: wanted && io::stdout().is_terminal(),
            colour_err: wanted && io::stderr().is_terminal(),
            quiet,
        }
    }

    /// The form that answers are wanted in.
    pub(crate) const fn format(&self) -> Format {
        self.format
    }

    /// Whether progress may be drawn.
    pub(crate) fn draws_progress(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Writes the answer of a command in the form that was asked for.
    pub(crate) fn answer(&self, answer: &Answer) -> anyhow::Result<()> {
        match self.format {
            Format::Plain => write_out(&rendered(answer.lines(), self.colour_out)),
            Format::Json => {
                write_out(&format!("{}\n", json_escaped(&serde_json::to_string_pretty(answer.json())?)))
            }
            Format::OciRef => {
                let refs = answer.oci_refs().ok_or_else(|| not_available(self.format))?;
                refs.iter().try_for_each(|r| write_out(&format!("{}\n", escaped(r))))
            }
            Format::Env | Format::Dotenv | Format::Github | Format::TfExternal => {
                let variables = answer.variables().ok_or_else(|| not_available(self.format))?;
                write_out(&variables.render(self.format)?)
            }
        }
    }

    /// Refuses forms in which no events can be written.
    pub(crate) fn require_events(&self) -> anyhow::Result<()> {
        match self.format {
            Format::Plain | Format::Json => Ok(()),
            other => Err(not_available(other)),
        }
    }

    /// Writes one event of a stream as it comes: a line for people, or one JSON object on a line. That nobody reads it is
    /// an error here: the event is not delivered.
    pub(crate) fn event(&self, line: &Line, json: &impl Serialize) -> io::Result<()> {
        let text = match self.format {
            Format::Json => format!("{}\n", json_escaped(&serde_json::to_string(json)?)),
            _ => rendered(std::slice::from_ref(line), self.colour_out),
        };
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// Writes bytes for another program, exactly as they are: completions, man pages, signed notes.
    pub(crate) fn verbatim(bytes: &[u8]) -> anyhow::Result<()> {
        finish(io::stdout().lock().write_all(bytes).and_then(|()| io::stdout().flush()))
    }

    /// Says something beside the answer.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        if !self.quiet {
            write_err(&format!("{}\n", escaped(text.as_ref())));
        }
    }

    /// Warns; not even `--quiet` keeps a warning back.
    pub(crate) fn warning(&self, text: impl AsRef<str>) {
        let label = self.labelled("warning:", YELLOW);
        write_err(&format!("{label} {}\n", escaped(text.as_ref())));
    }

    /// Says once, in full, why the command failed and what to do.
    pub(crate) fn failure(&self, failure: &Failure) {
        let mut text = format!("{} {}\n", self.labelled("error:", RED), escaped(failure.message()));
        if let Some(hint) = failure.hint() {
            text.extend([&self.labelled("hint:", BOLD), " ", &escaped(hint).to_string(), "\n"]);
        }
        write_err(&text);
    }

    fn labelled(&self, label: &str, colour: &str) -> String {
        if self.colour_err { format!("{colour}{label}{RESET}") } else { label.to_owned() }
    }
}

/// Lines as they go to a person: each escaped, so that no text can end its line or command the terminal.
fn rendered(lines: &[Line], coloured: bool) -> String {
    let mut text = String::new();
    for line in lines {
        let shown = escaped(line.text()).to_string();
        match line.style() {
            Some(style) if coloured => text.extend([style, &shown, RESET, "\n"]),
            _ => text.extend([&shown, "\n"]),
        }
    }
    text
}

fn not_available(format: Format) -> anyhow::Error {
    Failure::usage(format!("this command has no answer in the form '{format}'"))
        .with_hint("use --format json, or --format plain")
        .into()
}

fn write_out(text: &str) -> anyhow::Result<()> {
    Output::verbatim(text.as_bytes())
}

/// A reader that went away, as `head` does, is no failure of ours.
fn finish(written: io::Result<()>) -> anyhow::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

fn write_err(text: &str) {
    // There is nowhere left to say that standard error cannot be written.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t36_text_from_elsewhere_stays_on_its_line_and_colours_are_only_ours() {
        let lines = [Line::alarm("denied: \u{1b}[0m\nall good\r"), Line::plain("next\u{202e}")];
        assert_eq!(rendered(&lines, false), "denied: \\u{1b}[0m\\u{a}all good\\u{d}\nnext\\u{202e}\n");
        assert_eq!(rendered(&lines, true).matches('\u{1b}').count(), 2);
    }
}
