//! Several questions in one text, each on its own: by rules, or by a chat model where rules may have missed some.
//!
//! Keeps true: a model's parts hold no word that the question does not, together leave none of its words of content
//! out, and are at most four; else the rules' parts stay.

use std::collections::HashSet;

use ibid_model::ChatModel;

use crate::phrases::words;
use crate::prompt::Sheet;
use crate::question::{PARTS_MAX, Part, part, parts};
use crate::said::{self, Consulted};
use crate::terms::Analyzer;
use crate::turn::Quality;

/// Shorter texts ask one thing, or rules see where the next begins.
const WORDS_MIN: usize = 8;
/// Words that may stand between two questions without a question mark.
const JOINTS: &[&str] =
    &["and", "also", "plus", "und", "sowie", "außerdem", "et", "ainsi", "y", "también", "además"];
const TOKENS_MAX: usize = 200;
const INSTEAD: &str = "the question was split by rules";
const RULES: &str = "A text may ask several questions at once. Write each of its questions on a line of its own, at most four, \
so that it is understandable alone, with the words of the text and in its language. Do not answer. If the text asks one \
question, repeat it. For example, `Tell me the price and the place of sale` becomes\n\
Tell me the price\n\
Tell me the place of sale";

/// The questions in `text`, with what asking a model for them cost.
#[must_use]
pub fn split(text: &str, quality: Quality, model: Option<&dyn ChatModel>) -> (Vec<Part>, Consulted<()>) {
    let by_rules = parts(text);
    let Some(model) = model.filter(|_| is_worth_asking(text, by_rules.len(), quality)) else {
        return (by_rules, Consulted::nobody());
    };
    let asked = Sheet::of(&format!("Text: {text}"));
    let Consulted { said, usage, notice } =
        said::consult(model, RULES, &asked, TOKENS_MAX, INSTEAD, |reply| accepted(text, reply));
    (said.unwrap_or(by_rules), Consulted { said: None, usage, notice })
}

/// Whether rules may have missed a question. They miss none that ends with a mark of its own.
fn is_worth_asking(text: &str, found: usize, quality: Quality) -> bool {
    let words = words(text);
    let is_joined = words.iter().any(|word| JOINTS.contains(&word.as_str())) || text.contains([';', '/']);
    match quality {
        Quality::Quick => false,
        Quality::Balanced => found == 1 && is_joined && words.len() >= WORDS_MIN,
        Quality::Thorough => is_joined && words.len() >= WORDS_MIN,
    }
}

fn accepted(text: &str, reply: &str) -> Option<Vec<Part>> {
    let keys = |text: &str| Analyzer::new(None).content_keys(text);
    let asked = keys(text);
    let lines: Vec<&str> = reply.lines().map(bare).filter(|line| !line.is_empty()).collect();
    let of_the_text = |line: &&str| {
        let own = keys(line);
        !own.is_empty() && own.is_subset(&asked) && !said::invents(line, text)
    };
    let said: HashSet<String> = lines.iter().flat_map(|line| keys(line)).collect();
    if lines.is_empty() || lines.len() > PARTS_MAX || !lines.iter().all(of_the_text) || said != asked {
        return None;
    }
    Some(if lines.len() == 1 { vec![part(text)] } else { lines.into_iter().map(part).collect() })
}

/// A line without what lists are marked with.
fn bare(line: &str) -> &str {
    let line = line.trim().trim_start_matches(['-', '*', '•', ' ']);
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let line =
        if digits.len() < line.len() { digits.strip_prefix(['.', ')', ':']).unwrap_or(line) } else { line };
    line.trim().trim_matches(['"', '“', '”'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Script;

    const TWO: &str = "Tell me the refund period and the opening hours of the office";

    fn by(reply: &str) -> (Vec<String>, Option<String>) {
        let (parts, consulted) = split(TWO, Quality::Balanced, Some(&Script::says(reply)));
        (parts.into_iter().map(|part| part.text).collect(), consulted.notice)
    }

    #[test]
    fn a_model_finds_what_rules_miss() {
        let (parts, notice) = by("1. Tell me the refund period\n2. Tell me the opening hours of the office");
        assert_eq!((parts.len(), notice), (2, None));
        assert_eq!(by(TWO).0, [TWO]);
    }

    #[test]
    fn parts_that_add_or_lose_words_are_not_taken() {
        for nonsense in
            ["What is the refund period?", "Refund period in Berlin?\nOpening hours of the office?", ""]
        {
            let (parts, notice) = by(nonsense);
            assert_eq!((parts.len(), notice.is_some()), (1, true), "{nonsense}");
        }
    }

    #[test]
    fn a_model_that_fails_leaves_the_rules_and_says_so() {
        let model = Script { fails: true, ..Script::default() };
        let (parts, consulted) = split(TWO, Quality::Thorough, Some(&model));
        assert_eq!((parts.len(), consulted.notice.unwrap().contains("split by rules")), (1, true));
    }

    #[test]
    fn nobody_is_asked_at_quick_or_where_rules_suffice() {
        let model = Script::says("x");
        let _ = split(TWO, Quality::Quick, Some(&model));
        let _ = split("How long do refunds take?", Quality::Thorough, Some(&model));
        assert!(model.asked.lock().unwrap().is_empty());
    }
}
