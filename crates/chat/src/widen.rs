//! Looking further where what was found does not seem to hold the answer.
//!
//! Keeps true: a wider search is judged by the question as it was asked, so it can only find what was missed, not
//! lower the bar; filters are left out only in the second round, and a notice says so.

use std::collections::{BTreeMap, HashSet};

use ibid_model::{ChatModel, Embedder, Purpose};
use ibid_types::Result;
use ibid_types::answer::{Question, Usage};
use ibid_types::search::{Filter, Hit, Mode, Request};

use crate::AnswerConfig;
use crate::finding::Finding;
use crate::noun::Nouns;
use crate::ports::Ports;
use crate::prompt::Sheet;
use crate::question::content_terms;
use crate::said;
use crate::sources::cosine;
use crate::terms::{Analyzer, TermKind};

/// Rounds at most.
pub const ROUNDS_MAX: u32 = 2;
/// Hits whose words and names are taken up.
const NEAR_HITS: usize = 3;
/// New passages taken in a round.
const NEW_HITS_MAX: usize = 6;
/// Words added to the query.
const WORDS_ADDED_MAX: usize = 6;
/// Names added to the query.
const NAMES_ADDED_MAX: usize = 2;
/// Letters that two forms of one word share.
const STEM_CHARS_MIN: usize = 4;
/// A new passage counts for less than the best one of the question's own search.
const SCORE_SHARE: f32 = 0.9;
const FILTERS_LEFT_OUT: &str = "nothing within the filters answers the question; they were left out";
const TOKENS_MAX: usize = 80;
const RULES: &str = "Give three other ways to search for the answer to the question: synonyms and key words as they would \
stand in a document. One line each, no numbering, no explanation, in the language of the question.";

/// One round's result for one part.
#[derive(Debug)]
pub struct Widened {
    pub finding: Finding,
    /// What was done, for people.
    pub did: Vec<String>,
    pub notice: Option<String>,
    pub usage: Usage,
}

/// Looks further for one part. `round` counts from 1. Errors: those of the search.
pub fn widen(
    ports: &Ports,
    question: &Question,
    finding: &Finding,
    round: u32,
    model: Option<&dyn ChatModel>,
    config: &AnswerConfig,
) -> Result<Widened> {
    let mut widened =
        Widened { finding: finding.clone(), did: Vec::new(), notice: None, usage: Usage::default() };
    let drops_filter = round >= ROUNDS_MAX && !question.filter.is_empty();
    let filter = if drops_filter { Filter::default() } else { question.filter.clone() };
    let mut queries = Vec::new();
    if drops_filter {
        queries.push((finding.part.text.clone(), Mode::Hybrid, filter.clone()));
        widened.did.push("left the filters out".into());
    }
    let added = added_words(finding);
    if !added.is_empty() {
        queries.push((format!("{} {}", finding.part.text, added.join(" ")), Mode::Hybrid, filter.clone()));
        widened.did.push(format!("added {}", added.join(", ")));
    }
    if round == 1 {
        queries.extend(near_documents(finding, &filter));
        widened.did.push("looked into neighbouring sections".into());
    } else {
        let keys: Vec<String> = content_words(&finding.part.text);
        queries.push((keys.join(" "), Mode::Lexical, filter.clone()));
        widened.did.push("searched for the words alone".into());
    }
    if let Some(model) = model {
        let (others, usage) = other_wordings(model, &finding.part.text);
        widened.usage = usage;
        queries.extend(others.into_iter().map(|query| (query, Mode::Hybrid, filter.clone())));
    }
    let mut new = Vec::new();
    for (query, mode, filter) in queries {
        let request = Request {
            workspace: question.workspace,
            reader: question.reader,
            query,
            mode,
            filter,
            limit: config.search_hits_max,
        };
        new.push(ports.search.search(&request)?.hits);
    }
    take_in(&mut widened.finding, new, &ports.embedder, config);
    widened.notice = drops_filter.then(|| FILTERS_LEFT_OUT.to_owned());
    Ok(widened)
}

/// Other forms of the question's words, and names, both as the nearest passages have them.
fn added_words(finding: &Finding) -> Vec<String> {
    let analyzer = Analyzer::new(None);
    let asked: Vec<String> = content_words(&finding.part.text);
    let keys = analyzer.content_keys(&finding.part.text);
    let (mut forms, mut names): (BTreeMap<String, usize>, BTreeMap<String, usize>) = Default::default();
    for hit in finding.hits.iter().take(NEAR_HITS) {
        for word in content_words(&hit.chunk.text) {
            if asked.iter().any(|other| is_form(&word, other)) {
                *forms.entry(word).or_default() += 1;
            }
        }
        for noun in Nouns::of(&hit.chunk.text).all {
            let name = noun.name(&hit.chunk.text);
            if noun.kind == TermKind::Name && analyzer.content_keys(&name).is_disjoint(&keys) {
                *names.entry(name).or_default() += 1;
            }
        }
    }
    let mut added = most(forms, WORDS_ADDED_MAX);
    added.extend(most(names, NAMES_ADDED_MAX));
    added
}

fn content_words(text: &str) -> Vec<String> {
    content_terms(&Analyzer::new(None), text)
        .iter()
        .map(|term| text[term.start..term.end].to_lowercase())
        .collect()
}

fn is_form(word: &str, other: &str) -> bool {
    let shared = word.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let (longer, shorter) =
        (word.chars().count().max(other.chars().count()), word.chars().count().min(other.chars().count()));
    word != other && shared >= STEM_CHARS_MIN && shared + 2 >= shorter && longer <= shared + 6
}

fn most(counts: BTreeMap<String, usize>, most: usize) -> Vec<String> {
    let mut sorted: Vec<(String, usize)> = counts.into_iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    sorted.into_iter().take(most).map(|(word, _)| word).collect()
}

/// The same question to the documents that came nearest alone: their other sections.
fn near_documents(finding: &Finding, filter: &Filter) -> Option<(String, Mode, Filter)> {
    let mut documents = Vec::new();
    for hit in finding.hits.iter().take(NEAR_HITS) {
        if !documents.contains(&hit.chunk.document) {
            documents.push(hit.chunk.document);
        }
    }
    (!documents.is_empty())
        .then(|| (finding.part.text.clone(), Mode::Hybrid, Filter { documents, ..filter.clone() }))
}

/// A model that fails has no other wordings; the rest of the round goes on.
fn other_wordings(model: &dyn ChatModel, question: &str) -> (Vec<String>, Usage) {
    let Ok((reply, usage)) = said::ask(model, RULES, &Sheet::of(question), TOKENS_MAX) else {
        return (Vec::new(), Usage::default());
    };
    let lines =
        reply.lines().map(|line| line.trim_start_matches(|c: char| !c.is_alphabetic()).trim().to_owned());
    (lines.filter(|line| (3..=200).contains(&line.len())).take(3).collect(), usage)
}

/// Adds what is new, the best of each search by turns, with a score that can be compared.
fn take_in(finding: &mut Finding, found: Vec<Vec<Hit>>, embedder: &dyn Embedder, config: &AnswerConfig) {
    let mut known: HashSet<_> = finding.hits.iter().map(|hit| hit.chunk.id).collect();
    let top = finding.hits.first().map_or(1.0, |hit| hit.score);
    let mut new: Vec<Hit> = Vec::new();
    let longest = found.iter().map(Vec::len).max().unwrap_or(0);
    for rank in 0..longest {
        for hits in &found {
            let (Some(hit), Some(best)) = (hits.get(rank), hits.first()) else { continue };
            if new.len() < NEW_HITS_MAX && known.insert(hit.chunk.id) {
                let share = if best.score > 0.0 { hit.score / best.score } else { 0.0 };
                new.push(Hit { score: top * share * SCORE_SHARE, why: Default::default(), ..hit.clone() });
            }
        }
    }
    compare(&finding.part.text, &mut new, embedder);
    finding.hits.extend(new);
    finding.hits.sort_by(|a, b| b.score.total_cmp(&a.score));
    finding.hits.truncate(config.search_hits_max);
}

/// Their closeness was to another query; here it is to the question.
fn compare(question: &str, hits: &mut [Hit], embedder: &dyn Embedder) {
    let texts: Vec<&str> = hits.iter().map(|hit| hit.chunk.text.as_str()).collect();
    let asked =
        embedder.embed(&[question], Purpose::Question).ok().and_then(|vectors| vectors.into_iter().next());
    let vectors = if texts.is_empty() { None } else { embedder.embed(&texts, Purpose::Passage).ok() };
    for (at, hit) in hits.iter_mut().enumerate() {
        let vector = vectors.as_ref().and_then(|vectors| vectors.get(at));
        hit.similarity = asked.as_ref().zip(vector).map(|(a, b)| cosine(a, b));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_share_its_beginning() {
        assert!(is_form("refunded", "refund") && is_form("library", "libraries"));
        assert!(!is_form("refund", "refund") && !is_form("reform", "refund") && !is_form("car", "cart"));
    }
}
