//! Answers that are given again: what a chat model wrote is kept and, where the same is asked of the same passages, not written anew.
//!
//! Keeps true: an answer is given again only to somebody whose own search, now, finds the very passages that it was made of, under the
//! same settings; so a document or an access list that changes ends it by itself. Only whole answers are kept: verified,
//! without a notice, and as the guard would show them. None that memories took part in is kept: they are forgotten at a word.

use ibid_model::{Embedder, Purpose};
use ibid_types::answer::{Answer, AnswerMode, Kept, Question, Usage, Verdict};
use ibid_types::search::{Hit, Trace};
use ibid_types::{ChunkId, ContentHash, DocumentId, KeptId, RunId, Timestamp, WorkspaceId};

use crate::AnswerConfig;
use crate::finding::Finding;
use crate::generate::by_turns;
use crate::guard::Guard;
use crate::ports::{Choice, Ports};
use crate::prompt;
use crate::question::parts;
use crate::same::{plain, sense, without_courtesy};
use crate::sources::cosine;

/// Closeness of two questions whose senses are the same. Measured: see `docs/benchmarks.md`.
const SAME_MEANING_MIN: f32 = 0.9;
/// Kept answers from one passage that are compared with a question.
pub const COMPARED_MAX: usize = 32;

/// Where answers are kept. What it cannot read or write is not there; it tells that to its own log.
pub trait AnswerShelf: Send + Sync + std::fmt::Debug {
    /// Answers that were made of these very passages, the last used first, at most `COMPARED_MAX`.
    fn of_evidence(&self, place: &Place, evidence: ContentHash) -> Vec<KeptAnswer>;
    /// Answers among whose passages this one is, likewise.
    fn of_passage(&self, place: &Place, chunk: ChunkId) -> Vec<KeptAnswer>;
    /// Keeps an answer, in place of another where it says so. Says whether it is kept.
    fn keep(&self, new: &NewAnswer<'_>) -> bool;
    /// Learns what came of a look.
    fn looked(&self, found: Look<'_>);
}

/// What came of looking for a kept answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look<'a> {
    /// One to this very question.
    Same(&'a KeptAnswer),
    /// One to the same question in other words.
    Reworded(&'a KeptAnswer),
    Nothing,
}

/// Where an answer may be given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub workspace: WorkspaceId,
    /// Of all that shapes an answer besides its question and its passages.
    pub shape: ContentHash,
}

/// An answer that was kept.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptAnswer {
    pub id: KeptId,
    pub question: String,
    pub answer: Answer,
    pub evidence: ContentHash,
    pub made_at: Timestamp,
    pub used_at: Timestamp,
}

impl Eq for KeptAnswer {}

/// An answer to be kept.
#[derive(Clone, Copy, Debug)]
pub struct NewAnswer<'a> {
    pub place: Place,
    pub question: &'a str,
    pub answer: &'a Answer,
    pub evidence: ContentHash,
    pub passages: &'a [(ChunkId, DocumentId)],
    /// The run that made it, with which it goes.
    pub run: Option<RunId>,
    pub replaces: Option<KeptId>,
}

/// How an operator wants answers to be given again.
#[derive(Clone, Debug)]
pub struct Keeping {
    pub shelf: std::sync::Arc<dyn AnswerShelf>,
    /// What an operator can set that shapes answers, in any form that differs where the settings do.
    pub settings: String,
    /// Whether a question in other words may be the same.
    pub reworded: bool,
}

/// What is remembered of one question.
pub(crate) struct Memory<'a> {
    ports: &'a Ports,
    keeping: &'a Keeping,
    question: &'a Question,
    config: &'a AnswerConfig,
    place: Place,
}

impl Ports {
    /// What is remembered of a question that a chat model is to answer; nothing where none is or none is kept. `effort` says how
    /// hard an answer is tried for.
    pub(crate) fn memory<'a>(
        &'a self,
        question: &'a Question,
        config: &'a AnswerConfig,
        effort: &str,
    ) -> Option<Memory<'a>> {
        let keeping = self.keeping.as_ref()?;
        let Choice::Model(model) = self.choice(question) else { return None };
        let shape = shape(&[
            &keeping.settings,
            model.name(),
            effort,
            &self.embedder.spec().id,
            &prompt::rules_told(),
            &format!("{:?} {:?}", question.mode, question.filter),
            &format!("{} {}", question.context_tokens_max, question.citations_max),
            &format!("{config:?}"),
        ]);
        let place = Place { workspace: question.workspace, shape };
        Some(Memory { ports: self, keeping, question, config, place })
    }
}

impl Memory<'_> {
    /// The answer that was given before, if the same was asked of these very passages.
    pub fn again(&self, findings: &[Finding]) -> Option<Answer> {
        let shown = shown(findings);
        if self.question.fresh || shown.is_empty() {
            return None;
        }
        let same = self.same(evidence(&shown));
        let reworded = if same.is_none() { self.reworded(&shown, language(findings)) } else { None };
        let look = match (&same, &reworded) {
            (Some(kept), _) => Look::Same(kept),
            (None, Some(kept)) => Look::Reworded(kept),
            (None, None) => Look::Nothing,
        };
        self.keeping.shelf.looked(look);
        same.or(reworded).map(|kept| given(kept, findings))
    }

    /// Keeps an answer that was made of these passages, if it is whole. Says whether it is kept.
    pub fn keep(&self, findings: &[Finding], answer: &Answer, run: Option<RunId>) -> bool {
        let shown = shown(findings);
        let is_of_memory = shown.iter().any(|hit| hit.episode.is_some());
        if is_of_memory || !is_whole(answer) || !self.passes(&shown, answer) {
            return false;
        }
        let evidence = evidence(&shown);
        let bare = Answer { usage: Usage::default(), trace: Trace::default(), ..answer.clone() };
        let passages: Vec<_> = shown.iter().map(|hit| (hit.chunk.id, hit.chunk.document)).collect();
        self.keeping.shelf.keep(&NewAnswer {
            place: self.place,
            question: &self.question.text,
            answer: &bare,
            evidence,
            passages: &passages,
            run,
            replaces: self.same(evidence).map(|kept| kept.id),
        })
    }

    /// Whether the guard would show it as it is: what it hides is not kept.
    fn passes(&self, shown: &[&Hit], answer: &Answer) -> bool {
        let guard = Guard::new(&self.question.text, shown.iter().copied(), &self.ports.policy.answers);
        let guarded = guard.guarded(answer.clone());
        (&guarded.text, &guarded.claims, &guarded.citations)
            == (&answer.text, &answer.claims, &answer.citations)
    }

    fn same(&self, evidence: ContentHash) -> Option<KeptAnswer> {
        let asked = plain(&self.question.text);
        let kept = self.keeping.shelf.of_evidence(&self.place, evidence);
        kept.into_iter().find(|kept| plain(&kept.question) == asked)
    }

    /// An answer to this question in other words, whose own search finds today what it found then.
    fn reworded(&self, shown: &[&Hit], language: Option<&str>) -> Option<KeptAnswer> {
        let first = shown.first().filter(|_| self.keeping.reworded)?;
        let asked = sense(&self.question.text, language);
        let kept = self.keeping.shelf.of_passage(&self.place, first.chunk.id);
        kept.into_iter().find(|kept| {
            sense(&kept.question, language) == asked
                && self.means(&kept.question)
                && self.finds(&kept.question) == Some(kept.evidence)
        })
    }

    /// Whether this question and another are close.
    fn means(&self, other: &str) -> bool {
        let texts = [&self.question.text, other].map(without_courtesy);
        let vectors = self.ports.embedder.embed(&texts, Purpose::Question);
        vectors.is_ok_and(|vectors| match vectors.as_slice() {
            [one, other] => cosine(one, other) >= SAME_MEANING_MIN,
            _ => false,
        })
    }

    /// What this reader finds for another question now.
    fn finds(&self, other: &str) -> Option<ContentHash> {
        let findings = self.ports.find_all(self.question, &parts(other.trim()), self.config).ok()?;
        Some(evidence(&shown(&findings)))
    }
}

/// The kept answer, as it is given again.
fn given(kept: KeptAnswer, findings: &[Finding]) -> Answer {
    let trace = findings.first().map(|finding| finding.trace.clone()).unwrap_or_default();
    Answer { trace, kept: Some(Kept { id: kept.id, at: kept.made_at }), ..kept.answer }
}

/// Whether an answer is worth giving again: a model's, carried by the sources, with nothing to be said against it.
fn is_whole(answer: &Answer) -> bool {
    answer.mode == AnswerMode::Generative
        && answer.model.is_some()
        && answer.kept.is_none()
        && answer.abstained.is_none()
        && answer.notices.is_empty()
        && answer.flags.is_empty()
        && !answer.citations.is_empty()
        && answer.citations.iter().all(|citation| !citation.withheld)
        && answer.claims.iter().all(|claim| claim.verdict != Verdict::Unsupported && claim.tool.is_none())
}

/// The passages that a model is shown.
fn shown(findings: &[Finding]) -> Vec<&Hit> {
    by_turns(&findings.iter().map(|finding| finding.hits.as_slice()).collect::<Vec<_>>())
}

fn language(findings: &[Finding]) -> Option<&str> {
    findings.first()?.trace.language.as_deref()
}

/// The hash of the passages that a model is shown of what was found.
pub(crate) fn evidence_of(findings: &[Finding]) -> ContentHash {
    evidence(&shown(findings))
}

/// The hash of passages as a model is shown them.
fn evidence(shown: &[&Hit]) -> ContentHash {
    let texts = shown.iter().flat_map(|hit| {
        let headings = hit.chunk.span.heading_path.join("\n");
        [hit.chunk.id.to_string(), hit.source.clone(), hit.title.clone(), headings, hit.chunk.text.clone()]
    });
    hash_of(texts)
}

fn shape(texts: &[&str]) -> ContentHash {
    hash_of(texts.iter().map(|text| (*text).to_owned()))
}

/// Each text with its length, so that no two lists have one hash.
fn hash_of(texts: impl Iterator<Item = String>) -> ContentHash {
    let mut hasher = blake3::Hasher::new();
    for text in texts {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    ContentHash(hasher.finalize().into())
}
