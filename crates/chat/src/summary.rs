//! What a long thread was about, in few tokens.
//!
//! Keeps true: a summary stays within its budget; what a model writes may name nothing that the thread does not.

use ibid_model::{ChatModel, Embedder};
use ibid_types::answer::Usage;
use ibid_types::sentences::sentences;

use crate::followup::Exchange;
use crate::noun::Nouns;
use crate::prompt::Sheet;
use crate::said;

/// Topics of the oldest turns that are still named.
const TOPICS_MAX: usize = 12;
const RULES: &str = "Summarise the conversation for somebody who will continue it: what was asked, and what was found. \
Keep names, dates and figures exactly. Add nothing. Write short sentences in the language of the conversation.";

/// Summarises the turns so far (oldest first); `before` is the summary of what came before them.
pub fn summarise(
    history: &[Exchange],
    before: &str,
    tokens_max: usize,
    embedder: &dyn Embedder,
    model: Option<&dyn ChatModel>,
) -> (String, Usage, Option<String>) {
    let told = told(history, before);
    let by_rules = || by_rules(history, before, tokens_max, embedder);
    let Some(model) = model else { return (by_rules(), Usage::default(), None) };
    match said::ask(model, RULES, &Sheet::of("The conversation:").quote(1, &told), tokens_max) {
        Ok((reply, usage)) => {
            let fits = !reply.is_empty() && embedder.count_tokens(&reply) <= tokens_max * 5 / 4;
            let summary = if fits && !said::invents(&reply, &told) { reply } else { by_rules() };
            (summary, usage, None)
        }
        Err(error) => {
            let notice = format!(
                "the chat model {} did not answer ({}); the thread was summarised by rules",
                model.name(),
                error.message
            );
            (by_rules(), Usage::default(), Some(notice))
        }
    }
}

fn told(history: &[Exchange], before: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    if !before.is_empty() {
        lines.push(before.to_owned());
    }
    lines.extend(history.iter().map(|exchange| format!("Q: {}\nA: {}", exchange.question, exchange.answer)));
    lines.join("\n")
}

/// The newest turns with the first sentence of their answers as far as they fit, the topics of the older ones before.
fn by_rules(history: &[Exchange], before: &str, tokens_max: usize, embedder: &dyn Embedder) -> String {
    let mut left = tokens_max;
    let mut lines: Vec<String> = Vec::new();
    let mut older = history.len();
    for exchange in history.iter().rev() {
        let line = format!("Asked: {} Found: {}", exchange.question.trim(), first_sentence(&exchange.answer));
        let tokens = embedder.count_tokens(&line) + 1;
        if tokens > left * 3 / 4 {
            break;
        }
        left -= tokens;
        older -= 1;
        lines.push(line);
    }
    lines.reverse();
    let earlier = earlier(&history[..older], before, left, embedder);
    if !earlier.is_empty() {
        lines.insert(0, earlier);
    }
    lines.join("\n")
}

fn earlier(history: &[Exchange], before: &str, tokens_max: usize, embedder: &dyn Embedder) -> String {
    let mut topics: Vec<String> = Vec::new();
    for exchange in history {
        let nouns = Nouns::of(&exchange.question);
        let topic = nouns.topic().map(|noun| noun.text(&exchange.question).to_owned());
        topics.extend(topic.filter(|topic| !topics.contains(topic)));
    }
    let skipped = topics.len().saturating_sub(TOPICS_MAX);
    let mut line = before.lines().next().unwrap_or("").to_owned();
    if !topics.is_empty() {
        line = format!("{line} Earlier topics: {}.", topics[skipped..].join(", ")).trim().to_owned();
    }
    while embedder.count_tokens(&line) > tokens_max {
        let Some((rest, _)) = line.rsplit_once(' ') else { return String::new() };
        line = rest.to_owned();
    }
    line
}

fn first_sentence(answer: &str) -> &str {
    sentences(answer).into_iter().next().and_then(|range| answer.get(range)).map_or("nothing", str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{HashEmbedder, Script};

    fn history(turns: usize) -> Vec<Exchange> {
        let exchange = |n| Exchange {
            question: format!("What is the rule number {n}?"),
            answer: format!("Rule {n} says no [1]. It is old."),
        };
        (0..turns).map(exchange).collect()
    }

    fn summary(turns: usize, tokens: usize, model: Option<&dyn ChatModel>) -> String {
        summarise(&history(turns), "", tokens, &HashEmbedder::default(), model).0
    }

    #[test]
    fn a_summary_stays_within_its_budget() {
        for turns in [1, 5, 40] {
            for tokens in [5, 30, 200] {
                let tokens_of = |text: &str| HashEmbedder::default().count_tokens(text);
                assert!(tokens_of(&summary(turns, tokens, None)) <= tokens);
            }
        }
    }

    #[test]
    fn questions_and_what_was_found_are_kept() {
        let text = summary(2, 100, None);
        assert!(
            text.contains("What is the rule number 1?") && text.contains("Rule 1 says no [1]."),
            "{text}"
        );
    }

    #[test]
    fn a_model_may_not_invent() {
        assert_eq!(summary(1, 100, Some(&Script::says("Rule 0 says no."))), "Rule 0 says no.");
        assert!(summary(1, 100, Some(&Script::says("Rule 7 by Ada says no."))).starts_with("Asked:"));
    }
}
