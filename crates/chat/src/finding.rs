//! What a search found for one question part, and what it is worth.
//!
//! Keeps true: a `Finding` is plain data that a journal can hold; weighing it twice gives the same.

use ibid_model::Embedder;
use ibid_types::Result;
use ibid_types::answer::Question;
use ibid_types::search::{Hit, Mode, Request, Trace, Why};
use serde::{Deserialize, Serialize};

use crate::AnswerConfig;
use crate::judge::{Basis, Signals, signals};
use crate::ports::Ports;
use crate::question::Part;
use crate::score::{Asked, Candidate, rank};
use crate::sources::Sources;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub part: Part,
    pub hits: Vec<Hit>,
    pub trace: Trace,
}

/// One question of those asked, with what was found for it.
pub struct Examined {
    pub part: Part,
    pub sources: Sources,
    pub candidates: Vec<Candidate>,
    pub signals: Signals,
    pub language: Option<String>,
    pub trace: Trace,
    pub words_only: bool,
}

impl Ports {
    /// Searches for one part. Errors: those of the search.
    pub(crate) fn find(&self, question: &Question, part: &Part, config: &AnswerConfig) -> Result<Finding> {
        let found = self.search.search(&Request {
            workspace: question.workspace,
            query: part.text.clone(),
            mode: Mode::Hybrid,
            filter: question.filter.clone(),
            limit: config.search_hits_max,
        })?;
        Ok(Finding { part: part.clone(), hits: slim(found.hits), trace: found.trace })
    }

    pub(crate) fn find_all(
        &self,
        question: &Question,
        parts: &[Part],
        config: &AnswerConfig,
    ) -> Result<Vec<Finding>> {
        parts.iter().map(|part| self.find(question, part, config)).collect()
    }

    /// Compares what was found with what was asked. A failing embedder is no error: then words decide alone.
    pub(crate) fn weigh(&self, finding: &Finding, config: &AnswerConfig) -> Result<Examined> {
        let Finding { part, hits, trace } = finding.clone();
        let language = language_of(&hits, &trace);
        let mut sources = Sources::new(hits, language.as_deref());
        let foreign = language.is_some() && trace.language.is_some() && language != trace.language;
        let basis = if foreign { Basis::Vectors } else { Basis::WordsAndVectors };
        let embedder: &dyn Embedder = &self.embedder;
        let (candidates, signals, words_only) =
            match weighed(&part, &mut sources, Some(embedder), basis, config) {
                Ok((candidates, signals)) => (candidates, signals, false),
                Err(_) => {
                    let (candidates, signals) = weighed(&part, &mut sources, None, Basis::Words, config)?;
                    (candidates, signals, true)
                }
            };
        Ok(Examined { part, sources, candidates, signals, language, trace, words_only })
    }

    pub(crate) fn weigh_all(&self, findings: &[Finding], config: &AnswerConfig) -> Result<Vec<Examined>> {
        findings.iter().map(|finding| self.weigh(finding, config)).collect()
    }
}

fn weighed(
    part: &Part,
    sources: &mut Sources,
    embedder: Option<&dyn Embedder>,
    basis: Basis,
    config: &AnswerConfig,
) -> Result<(Vec<Candidate>, Signals)> {
    let asked = Asked::new(part, sources, embedder)?;
    let candidates = rank(&asked, sources, embedder, config.extract_hits_max, config.embedded_units_max)?;
    let signals = signals(&asked, &candidates, sources, basis);
    Ok((candidates, signals))
}

/// Why a hit is where it is interests who searches, and would weigh on every checkpoint.
fn slim(mut hits: Vec<Hit>) -> Vec<Hit> {
    for hit in &mut hits {
        hit.why = Why::default();
    }
    hits
}

/// The language to stem in: that of most of the best hits, else the question's.
fn language_of(hits: &[Hit], trace: &Trace) -> Option<String> {
    let top: Vec<&String> = hits.iter().take(5).filter_map(|hit| hit.language.as_ref()).collect();
    let most = top.iter().max_by_key(|language| top.iter().filter(|other| other == language).count());
    most.map(|language| (*language).clone()).or_else(|| trace.language.clone())
}
