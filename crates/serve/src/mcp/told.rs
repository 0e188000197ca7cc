//! Answers of the API as short texts that a model reads well: what is known first, then when, from whom, and the ids to go on with.

use ibid_api::answer::{Answer, Citation};
use ibid_api::code::{CodeCommit, CodeNamed, CodeRelation, CodeThing};
use ibid_api::memory as wire;
use ibid_api::search::Hit;

/// Of an episode or a passage, what is told of it.
const TEXT_CHARS_MAX: usize = 600;
const QUOTE_CHARS_MAX: usize = 200;
/// Sources of a fact that are told; more say little more.
const SOURCES_MAX: usize = 2;
/// Below it, what was recalled is told with a warning.
const ANSWERABLE_MIN: f32 = 0.5;
/// Callers that are less sure than this are told so.
const UNSURE: f32 = 0.7;

pub fn remembered(done: &wire::Remembered) -> String {
    let episode = done.episodes.first().map_or("", String::as_str);
    let mut lines = vec![format!("Remembered [episode {episode}].")];
    if done.facts.is_empty() {
        lines.push(
            "No single fact was found in it; recall finds it by its words. Name who and what, or use relate, to keep a fact.".to_owned(),
        );
    }
    lines.extend(done.facts.iter().map(|fact| format!("- {}", self::fact(fact))));
    lines.join("\n")
}

pub fn recalled(found: &wire::RecallResponse) -> String {
    if found.hits.is_empty() && found.code.is_empty() {
        return "Nothing of this is remembered.".to_owned();
    }
    let mut lines: Vec<String> = found.code.iter().map(code).collect();
    let hits = found.hits.iter().enumerate().map(|(index, hit)| format!("{}. {}", index + 1, hit_text(hit)));
    lines.extend(hits);
    // What is read of code is no recollection.
    if found.answerable < ANSWERABLE_MIN && found.code.is_empty() {
        lines.push("Probably none of this answers the question: say so rather than guess.".to_owned());
    }
    lines.join("\n")
}

/// A symbol that the question names: where it is, who calls it, what changed it last.
fn code(named: &CodeNamed) -> String {
    let mut told = format!("Code: {}; {} callers", symbol(&named.symbol), named.callers_total);
    for tie in &named.callers {
        told.push_str(&format!("\n   called by {}", caller(tie)));
    }
    if let Some(last) = &named.commit {
        told.push_str(&format!("\n   last changed by {}", commit(last)));
    }
    told
}

/// Such as `src/a.rs#parse (function, line 3): pub fn parse(text: &str)`.
pub fn symbol(symbol: &CodeThing) -> String {
    let line = symbol.line.map_or(String::new(), |line| format!(", line {line}"));
    let signature = symbol.signature.as_ref().or(symbol.doc.as_ref());
    let signature = signature.map_or(String::new(), |text| format!(": {}", one_line(text, QUOTE_CHARS_MAX)));
    let gone = if symbol.gone { ", no longer there" } else { "" };
    format!("{} ({}{line}{gone}){signature}", symbol.key, symbol.kind)
}

pub fn caller(tie: &CodeRelation) -> String {
    let line = tie.line.map_or(String::new(), |line| format!(" at line {line}"));
    let unsure = if tie.confidence < UNSURE { " (probably)" } else { "" };
    format!("{}{line}{unsure}", tie.from)
}

/// Such as `4f2a91c0 2026-05-03 Ada: "Let the cache forget"`.
pub fn commit(commit: &CodeCommit) -> String {
    let id = commit.id.get(..8).unwrap_or(&commit.id);
    let message = one_line(&commit.message, TEXT_CHARS_MAX);
    format!("commit {id} {} {}: \"{message}\"", day(&commit.at), commit.author)
}

pub fn hit_text(hit: &wire::RecallHit) -> String {
    match (&hit.fact, &hit.episode, &hit.entity) {
        (Some(fact), ..) => self::fact(fact),
        (_, Some(episode), _) => self::episode(episode),
        (_, _, Some(entity)) => self::entity(entity),
        _ => String::new(),
    }
}

/// Such as `Anna works at Acme. [fact ID; since 2026-03-01] - Bob, 2026-03-02: "..." [episode ID]`.
pub fn fact(fact: &wire::Fact) -> String {
    let mut about = vec![format!("fact {}", fact.id)];
    if let Some(from) = &fact.valid_from {
        about.push(format!("since {}", day(from)));
    }
    if let Some(to) = &fact.valid_to {
        about.push(format!("no longer, until {}", day(to)));
    }
    if fact.retracted_at.is_some() {
        about.push("taken back".to_owned());
    }
    if fact.shared {
        about.push("shared".to_owned());
    }
    let mut told = format!("{} [{}]", one_line(&fact.statement, TEXT_CHARS_MAX), about.join("; "));
    for source in fact.sources.iter().take(SOURCES_MAX) {
        let quote = one_line(&source.quote, QUOTE_CHARS_MAX);
        let said = said_by(source.speaker.as_deref(), &source.at);
        told.push_str(&format!("\n   {said}: \"{quote}\" [episode {}]", source.episode));
    }
    told
}

fn episode(episode: &wire::Episode) -> String {
    let said = said_by(episode.speaker.as_deref(), &episode.at);
    let text = one_line(&episode.text, TEXT_CHARS_MAX);
    let source = episode.source.as_ref().map_or(String::new(), |source| format!("; {source}"));
    format!("{said}: \"{text}\" [episode {}{source}]", episode.id)
}

fn entity(entity: &wire::Entity) -> String {
    let known_as = match entity.aliases.as_slice() {
        [] => String::new(),
        aliases => format!(", also {}", aliases.join(", ")),
    };
    format!("{} ({}{known_as}; {} facts) [entity {}]", entity.name, entity.kind, entity.facts, entity.id)
}

pub fn forgotten(receipt: &wire::Receipt) -> String {
    format!("Forgotten for good. Receipt {} of {}: {}", receipt.id, receipt.at, receipt.receipt)
}

pub fn passages(hits: &[Hit]) -> String {
    if hits.is_empty() {
        return "No passage of the documents fits.".to_owned();
    }
    let passage = |(index, hit): (usize, &Hit)| {
        let place = place(&hit.title, hit.page, &hit.heading_path);
        let text = one_line(&hit.text, TEXT_CHARS_MAX);
        format!(
            "{}. {place} ({})\n   \"{text}\" [{}]",
            index + 1,
            hit.source,
            document_uri(&hit.document, hit.start_byte)
        )
    };
    hits.iter().enumerate().map(passage).collect::<Vec<_>>().join("\n")
}

pub fn answered(answer: &Answer) -> String {
    if let Some(abstained) = &answer.abstained {
        let near = match abstained.nearest.as_slice() {
            [] => String::new(),
            nearest => format!("\nNearest: {}", nearest.join("; ")),
        };
        return format!("The documents do not hold the answer: {}{near}", abstained.reason);
    }
    let mut lines = vec![answer.text.clone()];
    lines.extend(answer.citations.iter().map(citation));
    lines.extend(answer.notices.iter().map(|notice| format!("Note: {notice}")));
    lines.join("\n")
}

fn citation(citation: &Citation) -> String {
    let place = place(&citation.title, citation.page, &citation.heading_path);
    let quote = one_line(&citation.quote, QUOTE_CHARS_MAX);
    let from = citation.episode.as_ref().map_or_else(
        || document_uri(&citation.document, citation.start_byte),
        |episode| format!("episode {episode}"),
    );
    format!("[{}] {place} ({}): \"{quote}\" [{from}]", citation.number, citation.source)
}

/// Where a document can be read on from.
pub fn document_uri(document: &str, from: usize) -> String {
    if from == 0 {
        return format!("ibid://documents/{document}");
    }
    format!("ibid://documents/{document}?from={from}")
}

/// Such as `Manual, p. 3, Refunds > Deadlines`.
fn place(title: &str, page: Option<u32>, heading_path: &[String]) -> String {
    let mut place = title.to_owned();
    if let Some(page) = page {
        place.push_str(&format!(", p. {page}"));
    }
    let headings: Vec<&str> =
        heading_path.iter().map(String::as_str).filter(|heading| *heading != title).collect();
    if !headings.is_empty() {
        place.push_str(&format!(", {}", headings.join(" > ")));
    }
    place
}

fn said_by(speaker: Option<&str>, at: &str) -> String {
    match speaker {
        Some(speaker) => format!("{speaker}, {}", day(at)),
        None => day(at).to_owned(),
    }
}

/// The day of an instant.
fn day(at: &str) -> &str {
    at.split_once('T').map_or(at, |(day, _)| day)
}

pub fn one_line(text: &str, chars_max: usize) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    match line.char_indices().nth(chars_max) {
        Some((end, _)) => {
            line.truncate(end);
            line.push('…');
            line
        }
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fact_of(more: &serde_json::Value) -> wire::Fact {
        let mut fact = json!({
            "id": "f1", "kind": "fact", "subject": { "id": "e1", "name": "Anna", "kind": "person" }, "relation": "WORK_AT",
            "statement": "Anna works at\nAcme.", "recorded_at": "2026-03-02T00:00:00Z", "cause": "recorded", "confidence": 1.0,
            "importance": 0.5, "sensitivity": "ordinary", "archived": false, "shared": false,
            "sources": [{ "episode": "p1", "start": 0, "end": 5, "quote": "I work at Acme", "at": "2026-03-02T09:00:00Z", "speaker": "Anna" }],
        });
        let (known, more) = (fact.as_object_mut().unwrap(), more.as_object().unwrap());
        known.extend(more.clone());
        serde_json::from_value(fact).unwrap()
    }

    #[test]
    fn a_fact_tells_since_when_and_who_said_it() {
        let told = fact(&fact_of(&json!({ "valid_from": "2026-03-01T00:00:00Z" })));
        assert_eq!(
            told,
            "Anna works at Acme. [fact f1; since 2026-03-01]\n   Anna, 2026-03-02: \"I work at Acme\" [episode p1]"
        );
        let over = fact(&fact_of(
            &json!({ "valid_to": "2026-04-01T00:00:00Z", "retracted_at": "2026-05-01T00:00:00Z" }),
        ));
        assert!(over.contains("no longer, until 2026-04-01; taken back"), "{over}");
    }

    #[test]
    fn what_hardly_answers_is_told_with_a_warning() {
        let hit = json!({ "kind": "fact", "score": 1.0, "fact": fact_of(&json!({})) });
        let found = |answerable: f32| {
            recalled(
                &serde_json::from_value(json!({ "hits": [hit], "answerable": answerable, "took_ms": 1.0 }))
                    .unwrap(),
            )
        };
        assert!(found(0.1).contains("rather than guess") && !found(0.9).contains("rather than guess"));
        let nothing =
            wire::RecallResponse { hits: Vec::new(), code: Vec::new(), answerable: 0.0, took_ms: 0.0 };
        assert_eq!(recalled(&nothing), "Nothing of this is remembered.");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(one_line("  a \n b  ", 10), "a b");
        assert_eq!(one_line("äöü", 2), "äö…");
    }
}
