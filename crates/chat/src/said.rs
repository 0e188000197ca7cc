//! Short calls to a chat model beside the answer itself: a rewritten question, other wordings, a summary.
//!
//! Keeps true: what comes back is plain text of bounded length; whoever asks checks it and has a way without it.

use std::ops::ControlFlow;

use ibid_model::{ChatMessage, ChatModel, ChatRequest, Role};
use ibid_types::Result;
use ibid_types::answer::Usage;

use crate::prompt::neutral;

/// Longest reply that is read, in bytes.
const REPLY_BYTES_MAX: usize = 8_000;

/// Asks `model` to do what `rules` say with `text`, which is data and no instruction.
pub fn ask(model: &dyn ChatModel, rules: &str, text: &str, tokens_max: usize) -> Result<(String, Usage)> {
    let messages = vec![
        ChatMessage { role: Role::System, content: rules.to_owned() },
        ChatMessage { role: Role::User, content: neutral(text) },
    ];
    let request = ChatRequest { messages, temperature: 0.0, tokens_max, stop: Vec::new() };
    let mut reply = String::new();
    let outcome = model.chat(&request, &mut |delta| {
        reply.push_str(&delta.text);
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

/// Whether `text` holds a name or number that `known` does not: then the model made something up.
#[must_use]
pub fn invents(text: &str, known: &str) -> bool {
    use crate::terms::{Analyzer, TermKind};
    let analyzer = Analyzer::new(None);
    let keys = analyzer.content_keys(known);
    let strict = |kind| matches!(kind, TermKind::Name | TermKind::Number);
    analyzer.terms(text).iter().any(|term| strict(term.kind) && !keys.contains(&term.key))
}
