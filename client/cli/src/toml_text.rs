//! TOML that people write, read with errors that fit on one line.

use serde::de::DeserializeOwned;

/// Reads a document; what is wrong with it is told with line and column.
pub(crate) fn from_toml<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error| {
        let message = error.message();
        error
            .span()
            .map_or_else(|| message.to_owned(), |span| format!("{}: {message}", place(text, span.start)))
    })
}

fn place(text: &str, byte: usize) -> String {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count().saturating_add(1);
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()).saturating_add(1);
    format!("line {line}, column {column}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Document {
        #[expect(dead_code, reason = "only whether it can be read matters here")]
        stage: u32,
    }

    #[test]
    fn an_error_names_its_place_and_stays_on_one_line() {
        let error = from_toml::<Document>("stage = 1\nstages = 2\n").unwrap_err();
        assert!(
            error.starts_with("line 2, column 1: ") && error.contains("stages") && !error.contains('\n'),
            "{error}"
        );
        assert!(from_toml::<Document>("stage = 1").is_ok());
    }
}
