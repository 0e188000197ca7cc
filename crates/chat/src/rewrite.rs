//! A follow-up made whole: by a chat model where there is one and its rewriting holds, else by rules.
//!
//! Keeps true: a rewritten question keeps the follow-up's own content words; a model that fails or says something
//! else leaves what the rules made.

use ibid_model::ChatModel;
use ibid_types::answer::Usage;

use crate::followup::{Exchange, Rewriting, may_lean, resolve};
use crate::phrases::words;
use crate::prompt::Sheet;
use crate::said;
use crate::terms::Analyzer;

/// Exchanges shown to the model.
const SHOWN_MAX: usize = 3;
/// Characters of an answer shown to the model.
const ANSWER_CHARS_MAX: usize = 300;
/// Longest rewriting, in characters beyond the question itself.
const GROWTH_CHARS_MAX: usize = 200;
const TOKENS_MAX: usize = 80;

const RULES: &str = "You make a follow-up question understandable on its own. Given a conversation and the last question, \
write that question again with every pronoun and omission replaced by what it stands for. Keep its words, its language \
and its meaning. Do not answer it. If it is understandable on its own, repeat it unchanged. Write one line: the question.";

/// What was made of a question, with what it cost and what went wrong.
#[derive(Debug)]
pub struct Rewritten {
    pub rewriting: Rewriting,
    pub usage: Usage,
    pub notice: Option<String>,
}

/// Rewrites `question` in the light of `history` (oldest first) and the summary of what was before it.
#[must_use]
pub fn rewrite(
    question: &str,
    history: &[Exchange],
    summary: &str,
    model: Option<&dyn ChatModel>,
) -> Rewritten {
    let last = history.iter().rev().find(|exchange| crate::talk::read(&exchange.question).is_none());
    let by_rules = |why: &str| Rewriting::unchanged(question, why);
    let Some(last) = last else {
        return Rewritten {
            rewriting: by_rules("nothing was said before"),
            usage: Usage::default(),
            notice: None,
        };
    };
    let rewriting = resolve(question, last);
    let Some(model) = model.filter(|_| may_lean(question)) else {
        return Rewritten { rewriting, usage: Usage::default(), notice: None };
    };
    let shown = conversation(history, summary);
    let asked = Sheet::of("Conversation:").quote(1, &shown).say(&format!("Last question: {question}"));
    match said::ask(model, RULES, &asked, TOKENS_MAX) {
        Ok((reply, usage)) => {
            let rewriting = accepted(question, &reply, &shown, &rewriting).unwrap_or(rewriting);
            Rewritten { rewriting, usage, notice: None }
        }
        Err(error) => {
            let name = model.name();
            let notice = format!(
                "the chat model {name} did not answer ({}); the question was completed by rules",
                error.message
            );
            Rewritten { rewriting, usage: Usage::default(), notice: Some(notice) }
        }
    }
}

/// The model's rewriting, if it may be trusted: it keeps the question's words, brings in none that was not said, and says
/// no less than the rules' own.
fn accepted(question: &str, reply: &str, shown: &str, by_rules: &Rewriting) -> Option<Rewriting> {
    let line = reply.lines().map(str::trim).find(|line| !line.is_empty())?;
    let line = line.trim_start_matches("Question:").trim().trim_matches(['"', '“', '”']).trim();
    let keys = |text: &str| Analyzer::new(None).content_keys(text);
    let (own, new) = (keys(question), keys(line));
    let asks = line.ends_with(['?', '？']) || !question.trim_end().ends_with(['?', '？']);
    let grown = line.chars().count() <= question.chars().count() + GROWTH_CHARS_MAX;
    let known = format!("{shown} {question}");
    let all_known = new.iter().all(|key| keys(&known).contains(key));
    let says_less = by_rules.changed && new.len() < keys(&by_rules.question).len();
    if new.is_empty()
        || says_less
        || !own.is_subset(&new)
        || !asks
        || !grown
        || !all_known
        || said::invents(line, &known)
    {
        return None;
    }
    if words(line) == words(question) {
        return Some(Rewriting::unchanged(question, "the chat model finds that it stands on its own"));
    }
    Some(Rewriting::changed(line.to_owned(), "completed by the chat model"))
}

fn conversation(history: &[Exchange], summary: &str) -> String {
    let mut lines = Vec::new();
    if !summary.trim().is_empty() {
        lines.push(format!("(before: {})", summary.trim()));
    }
    for exchange in history.iter().rev().take(SHOWN_MAX).rev() {
        let answer: String = exchange.answer.chars().take(ANSWER_CHARS_MAX).collect();
        lines.push(format!("Q: {}\nA: {answer}", exchange.question));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Script;

    fn history() -> Vec<Exchange> {
        let exchange = |q: &str, a: &str| Exchange { question: q.into(), answer: a.into() };
        vec![exchange("How long does a refund take?", "14 days [1]."), exchange("thanks", "You are welcome.")]
    }

    fn by(reply: &str) -> String {
        rewrite("And for members?", &history(), "", Some(&Script::says(reply))).rewriting.question
    }

    const BY_RULES: &str = "How long does a refund take for members?";

    #[test]
    fn small_talk_between_is_skipped() {
        assert_eq!(rewrite("And for members?", &history(), "", None).rewriting.question, BY_RULES);
    }

    #[test]
    fn a_models_rewriting_must_keep_the_words_and_invent_nothing() {
        let good = "How long does a refund take for members?";
        assert_eq!(by(good), good);
        assert_eq!(by("How long does a refund take?"), BY_RULES);
        assert_eq!(by("How long does a refund for members take in Berlin?"), BY_RULES);
        assert_eq!(by("It takes members 14 days."), BY_RULES);
        assert_eq!(by("And for members?"), BY_RULES);
        assert_eq!(by(""), BY_RULES);
    }

    #[test]
    fn a_model_that_fails_leaves_the_rules() {
        let model = Script { fails: true, ..Script::default() };
        let rewritten = rewrite("And for members?", &history(), "", Some(&model));
        assert_eq!(rewritten.rewriting.question, BY_RULES);
        assert!(rewritten.notice.unwrap().contains("did not answer"));
    }

    #[test]
    fn a_first_question_stays() {
        assert!(!rewrite("And now?", &[], "", None).rewriting.changed);
    }
}
