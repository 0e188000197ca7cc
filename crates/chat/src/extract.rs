//! The extractive answer: the few units that support it best, in reading order, each with its citation.
//!
//! Keeps true: nothing is said that is not quoted; a claim is the text of its quote but for white space, the
//! source's own reference marks and a table's column names.

use ibid_types::Result;
use ibid_types::answer::{Citation, Claim, Verdict};

use crate::question::Cue;
use crate::score::Candidate;
use crate::sources::{Place, Sources, cosine};
use crate::unit::{UnitKind, cells};

/// Units in the answer to one question part at most, those that another one leans on not counted.
pub const PICKS_MAX: usize = 3;
/// A further unit must have log-odds at most this far below the best one's. On xquad.en, 0.5 gives 1.3 units an
/// answer of which 0.88 hold the gold answer, 0.9 gives 1.6 and 0.91, and 1.0 gives 1.65 and 0.92.
const MARGIN: f32 = 0.9;
/// Units closer than this say the same.
const REDUNDANT: f32 = 0.86;
/// Items of a list that are shown whole when the question asks for steps.
const STEPS_MAX: usize = 10;

/// A run of neighbouring units that becomes one citation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub first: Place,
    pub last: Place,
}

/// What an extractive answer is made of, in the order in which it is to be read.
#[derive(Clone, Debug, Default)]
pub struct Extract {
    pub pieces: Vec<Piece>,
}

/// A citation with the text that shows it.
#[derive(Clone, Debug)]
pub struct Piece {
    /// With the mark, and the white space that separates it from the piece before.
    pub text: String,
    pub claims: Vec<Claim>,
    pub citation: Citation,
}

/// Chooses spans from candidates (best first) and orders them: documents by their best unit, units as they stand.
#[must_use]
pub fn choose(candidates: &[Candidate], sources: &Sources, cue: Cue) -> Vec<Span> {
    let picked = pick(candidates, sources);
    let mut spans: Vec<Span> = picked.iter().map(|place| widened(*place, sources, cue)).collect();
    spans.sort_by_key(|span| reading_order(span, &picked, sources));
    join(spans)
}

/// Makes the text, claims and citations of chosen spans. `number` is the first citation's number.
pub fn compose(spans: &[Span], sources: &Sources, number: usize) -> Result<Extract> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut previous: Option<Span> = None;
    for (index, span) in spans.iter().enumerate() {
        let citation = sources.cite(number + index, span.first, span.last)?;
        let gap = gap(previous, *span, sources);
        pieces.push(piece(*span, sources, citation, gap));
        previous = Some(*span);
    }
    Ok(Extract { pieces })
}

/// Maximal marginal relevance with a hard edge: what is redundant to a better unit is left out.
fn pick(candidates: &[Candidate], sources: &Sources) -> Vec<Place> {
    let Some(best) = candidates.first() else { return Vec::new() };
    let mut picked: Vec<Place> = Vec::new();
    for candidate in candidates {
        let near_enough = candidate.score >= best.score - MARGIN;
        if picked.len() >= PICKS_MAX || !near_enough {
            break;
        }
        let is_new = picked.iter().all(|other| !says_the_same(*other, candidate.place, sources));
        if is_new && !is_other_row(candidate, best, sources) {
            picked.push(candidate.place);
        }
    }
    picked
}

fn says_the_same(a: Place, b: Place, sources: &Sources) -> bool {
    if sources.text(a) == sources.text(b) {
        return true;
    }
    let similarity = sources.vector(a).zip(sources.vector(b)).map_or(0.0, |(x, y)| cosine(x, y));
    similarity > REDUNDANT && !is_data(a, sources) && !is_data(b, sources)
}

/// Rows and records look alike to an embedder even where their values differ, which is what matters in them.
fn is_data(place: Place, sources: &Sources) -> bool {
    matches!(sources.unit(place).kind, UnitKind::Row | UnitKind::Record)
}

/// A row that holds less of the question than the best row is about something else: the line for code 4 beside the
/// one for code 3.
fn is_other_row(candidate: &Candidate, best: &Candidate, sources: &Sources) -> bool {
    is_data(candidate.place, sources)
        && is_data(best.place, sources)
        && candidate.features.coverage < best.features.coverage
}

/// With the sentence that it leans on, or with the whole list if it is one step of several.
fn widened(place: Place, sources: &Sources, cue: Cue) -> Span {
    let first = sources.antecedent(place).unwrap_or(place);
    match (cue, sources.unit(place).kind) {
        (Cue::Steps, UnitKind::ListItem) => whole_list(place, sources),
        (Cue::Steps, UnitKind::Sentence) => {
            Span { first, last: next_sentence(place, sources).unwrap_or(place) }
        }
        _ => Span { first, last: place },
    }
}

/// What to do is seldom said in one sentence: the one that follows in the same paragraph.
fn next_sentence(place: Place, sources: &Sources) -> Option<Place> {
    let next = Place { unit: place.unit + 1, ..place };
    let units = sources.units(place.hit);
    let (this, following) = (units.get(place.unit)?, units.get(next.unit)?);
    let between = sources.hits.get(place.hit)?.chunk.text.get(this.end..following.start)?;
    (following.kind == UnitKind::Sentence && !between.contains("\n\n")).then_some(next)
}

fn whole_list(place: Place, sources: &Sources) -> Span {
    let is_item = |unit: &usize| sources.unit(Place { unit: *unit, ..place }).kind == UnitKind::ListItem;
    let end = sources.units(place.hit).len();
    let first = (0..place.unit).rev().take_while(is_item).take(STEPS_MAX / 2).last().unwrap_or(place.unit);
    let last = (place.unit..end).take_while(is_item).take(STEPS_MAX / 2).last().unwrap_or(place.unit);
    Span { first: Place { unit: first, ..place }, last: Place { unit: last, ..place } }
}

fn reading_order(span: &Span, best_first: &[Place], sources: &Sources) -> (usize, u32, usize) {
    let document = sources.hits[span.first.hit].chunk.document;
    let same = |place: &Place| sources.hits[place.hit].chunk.document == document;
    let rank = best_first.iter().position(same).unwrap_or(usize::MAX);
    (rank, sources.hits[span.first.hit].chunk.ordinal, sources.unit(span.first).start)
}

/// Spans that touch or overlap become one.
fn join(spans: Vec<Span>) -> Vec<Span> {
    let mut joined: Vec<Span> = Vec::new();
    for span in spans {
        match joined.last_mut() {
            Some(last) if last.last.hit == span.first.hit && span.first.unit <= last.last.unit + 1 => {
                last.last = last.last.max(span.last);
            }
            _ => joined.push(span),
        }
    }
    joined
}

/// What separates a piece from the one before it: a line for lists and tables, a paragraph for another document.
fn gap(previous: Option<Span>, span: Span, sources: &Sources) -> &'static str {
    let Some(previous) = previous else { return "" };
    let document = |span: Span| sources.hits[span.first.hit].chunk.document;
    let both_prose = is_prose(previous.last, sources) && is_prose(span.first, sources);
    match (document(previous) == document(span), both_prose) {
        (false, _) => "\n\n",
        (true, true) => " ",
        (true, false) => "\n",
    }
}

fn is_prose(place: Place, sources: &Sources) -> bool {
    matches!(sources.unit(place).kind, UnitKind::Sentence | UnitKind::Fragment)
}

fn piece(span: Span, sources: &Sources, citation: Citation, gap: &str) -> Piece {
    let mut text = gap.to_owned();
    let mut claims = Vec::new();
    for unit in span.first.unit..=span.last.unit {
        let place = Place { unit, ..span.first };
        let shown = shown(place, sources);
        if unit > span.first.unit {
            let before = Place { unit: unit - 1, ..place };
            let prose = is_prose(place, sources) && is_prose(before, sources);
            text.push_str(if prose { " " } else { "\n" });
        }
        text.push_str(&shown);
        claims.push(claim(shown, citation.number));
    }
    let text = marked(&text, citation.number, sources.unit(span.last).kind);
    Piece { text, claims, citation }
}

fn claim(text: String, number: usize) -> Claim {
    Claim::cited(text, Verdict::Supported, vec![number], 1.0)
}

/// A unit as the reader sees it.
fn shown(place: Place, sources: &Sources) -> String {
    let text = sources.text(place);
    match sources.unit(place).kind {
        UnitKind::Code => fenced(text),
        UnitKind::Record => text.to_owned(),
        UnitKind::Row => sources
            .header(place)
            .and_then(|header| named_cells(sources.text(header), text))
            .unwrap_or_else(|| text.to_owned()),
        UnitKind::Sentence | UnitKind::ListItem | UnitKind::Fragment => without_reference_marks(text),
    }
}

/// A listing between fences of our own; those it had are left out.
fn fenced(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("```")).collect();
    format!("```\n{}\n```", lines.join("\n"))
}

/// `Plan: Basic; Price: 5` from a header and a row; `None` where they have different numbers of cells.
fn named_cells(header: &str, row: &str) -> Option<String> {
    let (names, cells) = (cells(header), cells(row));
    if names.len() != cells.len() {
        return None;
    }
    let filled = names.iter().zip(&cells).filter(|(_, cell)| !cell.is_empty());
    let pairs: Vec<String> = filled
        .map(|(name, cell)| if name.is_empty() { (*cell).to_owned() } else { format!("{name}: {cell}") })
        .collect();
    (!pairs.is_empty()).then(|| pairs.join("; "))
}

/// One space for any white space, and `[12]` of the source left out: it would look like our own mark.
fn without_reference_marks(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut kept = String::with_capacity(line.len());
    let mut rest = line.as_str();
    while let Some(open) = rest.find('[') {
        let (before, from) = rest.split_at(open);
        kept.push_str(before);
        let digits = from[1..].find(|c: char| !c.is_ascii_digit()).unwrap_or(from.len() - 1);
        let is_mark = (1..=3).contains(&digits) && from[1 + digits..].starts_with(']');
        let taken = if is_mark { digits + 2 } else { 1 };
        if !is_mark {
            kept.push('[');
        }
        rest = &from[taken..];
    }
    kept.push_str(rest);
    kept
}

/// Puts the mark before the final point, or behind what has none.
fn marked(text: &str, number: usize, kind: UnitKind) -> String {
    if kind == UnitKind::Code {
        return format!("{text}\n[{number}]");
    }
    match text.strip_suffix(['.', '!', '?']) {
        Some(body) if !body.ends_with(['.', '!', '?']) => format!("{body} [{number}]{}", &text[body.len()..]),
        _ => format!("{text} [{number}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::score::Features;

    fn candidates(sources: &Sources, scores: &[f32]) -> Vec<Candidate> {
        let places = sources.places(99).zip(scores);
        let mut found: Vec<Candidate> = places
            .map(|(place, score)| Candidate { place, features: Features::default(), score: *score })
            .collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        found
    }

    fn answer(texts: &[&str], scores: &[f32], cue: Cue) -> String {
        let hits = texts.iter().map(|text| fixture::hit(text, 0.5)).collect();
        let sources = Sources::new(hits, None);
        let spans = choose(&candidates(&sources, scores), &sources, cue);
        compose(&spans, &sources, 1).unwrap().pieces.into_iter().map(|piece| piece.text).collect()
    }

    #[test]
    fn the_best_sentence_alone_when_the_rest_is_far() {
        assert_eq!(answer(&["A is blue. C is dull."], &[0.0, 3.0], Cue::Open), "C is dull [1].");
    }

    #[test]
    fn sentences_come_in_reading_order_and_neighbours_share_a_mark() {
        assert_eq!(answer(&["A is blue. C is dull."], &[2.5, 3.0], Cue::Open), "A is blue. C is dull [1].");
        assert_eq!(
            answer(&["A is blue. C is dull. E is fast."], &[2.5, 0.0, 3.0], Cue::Open),
            "A is blue [1]. E is fast [2]."
        );
    }

    #[test]
    fn documents_come_by_their_best_sentence() {
        assert_eq!(
            answer(&["A is blue.", "C is dull."], &[2.5, 3.0], Cue::Open),
            "C is dull [1].\n\nA is blue [2]."
        );
    }

    #[test]
    fn a_pronoun_brings_the_sentence_before() {
        assert_eq!(
            answer(&["Ada was here. She left."], &[0.0, 3.0], Cue::Open),
            "Ada was here. She left [1]."
        );
    }

    #[test]
    fn the_same_sentence_is_not_said_twice() {
        assert_eq!(answer(&["A is blue.", "A is blue."], &[3.0, 2.9], Cue::Open), "A is blue [1].");
    }

    #[test]
    fn steps_bring_the_whole_list() {
        let list = "1. Open it.\n2. Press it.\n3. Close it.";
        assert_eq!(
            answer(&[list], &[0.0, 3.0, 0.0], Cue::Steps),
            "1. Open it.\n2. Press it.\n3. Close it [1]."
        );
        assert_eq!(answer(&[list], &[0.0, 3.0, 0.0], Cue::Open), "2. Press it [1].");
    }

    #[test]
    fn steps_told_in_prose_go_on_within_the_paragraph() {
        let told = "Reserve it by telephone. Ring 5512.\n\nThe list stays.";
        assert_eq!(answer(&[told], &[3.0], Cue::Steps), "Reserve it by telephone. Ring 5512 [1].");
        assert_eq!(answer(&[told], &[3.0], Cue::Open), "Reserve it by telephone [1].");
        assert_eq!(answer(&[told], &[0.0, 3.0], Cue::Steps), "Ring 5512 [1].");
    }

    #[test]
    fn a_row_is_read_with_its_column_names() {
        assert_eq!(answer(&["Plan | Price\nBasic | 5"], &[0.0, 3.0], Cue::Open), "Plan: Basic; Price: 5 [1]");
        assert_eq!(named_cells("a | b", "1"), None);
    }

    #[test]
    fn reference_marks_of_the_source_are_not_shown() {
        assert_eq!(without_reference_marks("It is[12] so [x] [1"), "It is so [x] [1");
    }

    #[test]
    fn the_mark_stands_before_the_point() {
        assert_eq!(marked("A b.", 1, UnitKind::Sentence), "A b [1].");
        assert_eq!(marked("A b...", 1, UnitKind::Sentence), "A b... [1]");
        assert_eq!(marked("A b", 1, UnitKind::Sentence), "A b [1]");
    }
}
