//! The origin: the name of one log, the first line of its checkpoints, part of every statement.

use crate::strict::text_type;
use crate::text::TextError;

text_type!(
    /// The log's name: 1 to 128 bytes, no white space, no `+`, no control characters (C2SP signed-note key name).
    pub struct Origin,
    "^[^\\s+\\u0000-\\u001f]{1,128}$",
    |text| {
        TextError::check_size("an origin", text, 128)?;
        if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+') {
            return Err(TextError::grammar("an origin", text, "no white space, no control characters and no '+'"));
        }
        Ok(())
    }
);
