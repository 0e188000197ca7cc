//! What people name things with, as it may be kept: names and titles stand in lists, logs and terminals.

use ibid_types::plain::is_steering;
use ibid_types::{Error, Result};

/// A text of one line without blanks around; it may be empty. Errors: `value_out_of_range`, `characters_hidden`.
pub fn line(field: &str, text: &str, chars_max: usize) -> Result<String> {
    let text = text.trim();
    if text.chars().count() > chars_max {
        let what = format!("{field} is longer than {chars_max} characters");
        return Err(Error::bad_request("value_out_of_range", what));
    }
    if text.contains(is_steering) {
        let what = format!(
            "{field} has a line's end or a character that nobody sees; write it on one line of letters"
        );
        return Err(Error::bad_request("characters_hidden", what));
    }
    Ok(text.to_owned())
}

/// The same of a name, which is not empty. Errors: `value_out_of_range`, `characters_hidden`.
pub fn name(field: &str, text: &str, chars_max: usize) -> Result<String> {
    match line(field, text, chars_max)? {
        name if name.is_empty() => Err(Error::bad_request("value_out_of_range", format!("{field} is empty"))),
        name => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_line_that_people_see() {
        assert_eq!(name("title", " Lease \u{e9}\u{5d0} ", 20).unwrap(), "Lease \u{e9}\u{5d0}");
        for text in ["a\nb", "a\u{1b}[31m", "a\u{202e}b", "a\u{e0041}", "a\u{2067}b"] {
            assert_eq!(name("title", text, 20).unwrap_err().code, "characters_hidden", "{text:?}");
        }
        for text in ["", " ", "123456"] {
            assert_eq!(name("title", text, 5).unwrap_err().code, "value_out_of_range", "{text:?}");
        }
        assert_eq!(line("reason", "", 5).unwrap(), "");
    }
}
