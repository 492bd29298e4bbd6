//! Paths of files inside an artifact: relative, forward slashes, nothing that could leave the target folder.

use crate::strict::text_type;
use crate::text::TextError;

text_type!(
    /// A relative path of 1 to 4,096 bytes: segments of 1 to 255 bytes, none of them `.` or `..`, no control characters,
    /// no backslash and no colon (they would mean something else on Windows).
    pub struct FilePath,
    "^[^/\\\\:\\u0000-\\u001f\\u007f]+(/[^/\\\\:\\u0000-\\u001f\\u007f]+)*$",
    |text| {
        TextError::check_size("a path", text, 4096)?;
        if text.chars().any(|c| c.is_control() || c == '\\' || c == ':') {
            return Err(TextError::grammar("a path", text, "control characters, backslashes and colons are not allowed"));
        }
        let segment = |s: &str| !s.is_empty() && s.len() <= 255 && s != "." && s != "..";
        if !text.split('/').all(segment) {
            return Err(TextError::grammar("a path", text, "it must be relative, without empty, '.' or '..' segments"));
        }
        Ok(())
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t25_paths_that_could_leave_the_target_are_refused() {
        for bad in
            ["/etc/passwd", "../x", "a/../b", "a//b", "a/", ".", "C:\\x", "c:x", "a\u{1b}[0m", "a\nb", ""]
        {
            assert!(bad.parse::<FilePath>().is_err(), "{bad:?}");
        }
        assert!("bin/..data/x y-ü".parse::<FilePath>().is_ok());
    }
}
