//! Short calls to a chat model beside the answer itself: a rewritten question, other wordings, a summary.
//!
//! Keeps true: what comes back is plain text of bounded length; whoever asks checks it and has a way without it.

use std::ops::ControlFlow;

use ibid_model::{ChatDelta, ChatModel, ChatRequest};
use ibid_types::Result;
use ibid_types::answer::Usage;

use crate::prompt::Sheet;

/// Longest reply that is read, in bytes.
const REPLY_BYTES_MAX: usize = 8_000;

/// Asks `model` to do what `rules` say with what stands on the sheet.
pub fn ask(model: &dyn ChatModel, rules: &str, sheet: &Sheet, tokens_max: usize) -> Result<(String, Usage)> {
    let messages = sheet.messages(rules);
    let request = ChatRequest { messages, temperature: 0.0, tokens_max, stop: Vec::new(), schema: None };
    let mut reply = String::new();
    let outcome = model.chat(&request, &mut |delta| {
        match delta {
            ChatDelta::Text(text) => reply.push_str(&text),
            ChatDelta::Anew => reply.clear(),
        }
        if reply.len() > REPLY_BYTES_MAX { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok((without_thoughts(&reply).trim().to_owned(), outcome.usage))
}

fn without_thoughts(reply: &str) -> &str {
    match (reply.trim_start().starts_with("<think>"), reply.split_once("</think>")) {
        (true, Some((_, rest))) => rest,
        (true, None) => "",
        (false, _) => reply,
    }
}

/// What came of asking a model for something that rules can do too.
#[derive(Debug)]
pub struct Consulted<T> {
    /// What it said, read and found to be usable.
    pub said: Option<T>,
    pub usage: Usage,
    /// Why what it said is not used, for the reader.
    pub notice: Option<String>,
}

impl<T> Consulted<T> {
    /// Nobody was asked.
    #[must_use]
    pub fn nobody() -> Self {
        Self { said: None, usage: Usage::default(), notice: None }
    }
}

/// Asks `model`, and takes what it says if `read` can use it; `instead` tells readers what is done if not.
pub fn consult<T>(
    model: &dyn ChatModel,
    rules: &str,
    sheet: &Sheet,
    tokens_max: usize,
    instead: &str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Consulted<T> {
    let name = model.name();
    match ask(model, rules, sheet, tokens_max) {
        Ok((reply, usage)) => {
            let said = read(&reply);
            let notice = format!("the chat model {name} said nothing that can be used; {instead}");
            Consulted { notice: said.is_none().then_some(notice), said, usage }
        }
        Err(error) => {
            let notice = format!("the chat model {name} did not answer ({}); {instead}", error.message);
            Consulted { said: None, usage: Usage::default(), notice: Some(notice) }
        }
    }
}

/// A reply of numbered lines ("2: yes, passage 3"), each of the numbers up to `count` once, in their order. With one
/// line asked for, its number may be missing.
#[must_use]
pub fn numbered_lines(reply: &str, count: usize) -> Option<Vec<&str>> {
    let mut found = vec![None; count];
    let lines: Vec<&str> = reply.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    for line in &lines {
        let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number = line[..digits].parse::<usize>().ok().or((count == 1).then_some(1))?;
        let rest = line[digits..].trim_start_matches([':', '.', ')', '-', ' ']);
        let place = found.get_mut(number.checked_sub(1)?)?;
        if place.replace(rest).is_some() {
            return None;
        }
    }
    found.into_iter().collect()
}

/// Whether a line says yes or no; nothing else is either.
#[must_use]
pub fn yes_or_no(line: &str) -> Option<bool> {
    let word = line.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty())?;
    match word.to_lowercase().as_str() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

/// Whether `text` holds a name or number that `known` does not: then the model made something up.
#[must_use]
pub fn invents(text: &str, known: &str) -> bool {
    use crate::terms::{Analyzer, TermKind};
    let analyzer = Analyzer::new(None);
    let keys = analyzer.content_keys(known);
    let strict = |kind| matches!(kind, TermKind::Name | TermKind::Number);
    analyzer.terms(text).iter().any(|term| strict(term.kind) && !keys.contains(&term.key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_by_their_numbers() {
        assert_eq!(numbered_lines("2: no\n1. yes, passage 3", 2), Some(vec!["yes, passage 3", "no"]));
        assert_eq!(numbered_lines("Yes.", 1), Some(vec!["Yes."]));
        for nonsense in ["1: yes", "1: yes\n1: no", "yes\nno", "0: a\n1: b", "1: a\n2: b\n3: c", ""] {
            assert_eq!(numbered_lines(nonsense, 2), None, "{nonsense}");
        }
    }

    #[test]
    fn only_yes_and_no_are_answers() {
        assert_eq!((yes_or_no("Yes, passage 1"), yes_or_no("**no**")), (Some(true), Some(false)));
        assert_eq!((yes_or_no("maybe"), yes_or_no("")), (None, None));
    }
}
