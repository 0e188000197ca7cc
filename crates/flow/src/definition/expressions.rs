//! Expressions and templates in a flow file: that they can be read, and that the names in them exist.
//!
//! Keeps true: where the file shows the text as it is, a problem is at the very character.

use serde_json::Value;

use super::parse::{Reader, json};
use super::problem::{Place, nearest};
use super::reader::At;
use super::yaml::Data;
use crate::expression::{Malformed, check, check_text};

/// The extra name of expressions over what a node gave.
pub(super) const OUTPUT: &[&str] = &["output"];

/// Whether anything in a text is filled in.
pub(super) fn is_template(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|opening| text.contains(opening))
}

/// Whether a text is exactly one expression in braces, so that it can give a value of any type.
pub(super) fn is_expression(text: &str) -> bool {
    let inner = text.trim().strip_prefix("{{").and_then(|text| text.strip_suffix("}}"));
    inner.is_some_and(|inner| check(inner).is_ok())
}

impl Reader<'_> {
    /// A value whose texts may be templates, at every depth.
    pub fn template(&mut self, at: &At<'_>, also: &[&str]) -> Value {
        self.check_template(at, also);
        json(at)
    }

    fn check_template(&mut self, at: &At<'_>, also: &[&str]) {
        if let Some(text) = at.tree.text() {
            if is_template(text) {
                self.check_names(at, text, check_text(text), also);
            }
            return;
        }
        let entries = at.tree.entries().unwrap_or_default();
        for entry in entries {
            self.check_template(&At::under(&at.path, entry), also);
        }
        for item in at.items().unwrap_or_default() {
            self.check_template(&item, also);
        }
    }

    /// A bare expression: `if`, and the values of `into`. Numbers and booleans are expressions too.
    pub fn expression(&mut self, at: &At<'_>, also: &[&str]) -> Option<String> {
        let text = match &at.tree.data {
            Data::Text(text) => text,
            Data::Number(_) | Data::Boolean(_) => return Some(json(at).to_string()),
            _ => {
                at.wrong_type(&mut self.problems, "an expression, such as `hits | length > 0`");
                return None;
            }
        };
        if text.trim_start().starts_with("{{") {
            let inner = text.trim().trim_start_matches("{{").trim_end_matches("}}").trim();
            at.error(
                &mut self.problems,
                format!("this is an expression already; write it without braces: `{inner}`"),
            );
            return None;
        }
        self.check_names(at, text, check(text), also);
        Some(text.clone())
    }

    fn check_names(
        &mut self,
        at: &At<'_>,
        text: &str,
        read: Result<std::collections::BTreeSet<String>, Malformed>,
        also: &[&str],
    ) {
        let names = match read {
            Ok(names) => names,
            Err(Malformed { offset, message }) => {
                let message = format!("this expression cannot be read: {message}{}", syntax_advice(text));
                return self.problems.error(place_in(at, text, offset), &at.path, message);
            }
        };
        for name in names.iter().filter(|name| !also.contains(&name.as_str())) {
            if !self.channels.contains_key(name) {
                let place = place_in(at, text, offset_of(text, name));
                let message = self.unknown_name(name, also);
                self.problems.error(place, &at.path, message);
            }
        }
    }

    fn unknown_name(&self, name: &str, also: &[&str]) -> String {
        if name == "output" {
            return "only `into` and `compensate` know `output`; use the channel that the output went into"
                .to_owned();
        }
        let known = self.channels.keys().map(String::as_str).chain(also.iter().copied());
        let advice = match nearest(name, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                format!("declare it under `input` or `state`, or put it in quotes if it is a text: '{name}'")
            }
        };
        format!("there is no channel `{name}`; {advice}")
    }
}

/// For those who write conditions as in another language.
fn syntax_advice(text: &str) -> &'static str {
    let without_comparisons =
        ["==", "!=", "<=", ">="].iter().fold(text.to_owned(), |text, sign| text.replace(sign, ""));
    match () {
        () if text.contains("&&") || text.contains("||") || without_comparisons.contains('!') => {
            "; write `and`, `or` and `not` as words"
        }
        () if without_comparisons.contains('=') && !text.contains('(') => "; compare with `==`",
        () => "",
    }
}

/// The place of a byte of a text, or of the whole text where the file writes it otherwise.
fn place_in(at: &At<'_>, text: &str, offset: usize) -> Place {
    let Some(before) = at.tree.verbatim else { return at.tree.place };
    let before_offset = text.get(..offset).unwrap_or(text).chars().count();
    let column = at.tree.place.column + before + u32::try_from(before_offset).unwrap_or(0);
    Place { column, ..at.tree.place }
}

/// Where a name stands in an expression, as a word of its own and not as a field.
fn offset_of(text: &str, name: &str) -> usize {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let stands_alone = |at: &usize| {
        let (before, behind) = (text[..*at].chars().next_back(), text[at + name.len()..].chars().next());
        !before.is_some_and(|letter| is_word(letter) || letter == '.') && !behind.is_some_and(is_word)
    };
    text.match_indices(name).map(|(at, _)| at).find(stands_alone).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_as_a_word() {
        assert_eq!(offset_of("hit.x + hits + x", "x"), 15);
        assert_eq!(offset_of("x", "gone"), 0);
    }

    #[test]
    fn one_expression_in_braces_is_told_from_text() {
        assert!(is_expression(" {{ hits }} "));
        assert!(!is_expression("{{ a }} and {{ b }}"));
        assert!(!is_expression("5"));
        assert!(is_template("a {{ b }}") && is_template("{% if a %}x{% endif %}") && !is_template("{a}"));
    }
}
