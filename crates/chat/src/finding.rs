//! What a search found for one question part, and what it is worth.
//!
//! Keeps true: what goes from node to node names passages and never holds their texts, so that a journal stays small;
//! they are read again where they are needed. Weighing a finding twice gives the same.

use std::collections::HashMap;

use ibid_model::Embedder;
use ibid_types::access::Reader;
use ibid_types::answer::Question;
use ibid_types::search::{Hit, Mode, Request, Trace};
use ibid_types::{ChunkId, DocumentId, Result, WorkspaceId};
use serde::{Deserialize, Serialize};

use crate::AnswerConfig;
use crate::judge::{Basis, Signals, signals};
use crate::ports::Ports;
use crate::question::Part;
use crate::score::{Asked, Candidate, rank};
use crate::sources::Sources;

/// What was found for one part, best first, as one node works with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub part: Part,
    pub hits: Vec<Hit>,
    pub trace: Trace,
}

/// The same as it goes to other nodes and into the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FindingRecord {
    pub part: Part,
    pub hits: Vec<HitRecord>,
    pub trace: Trace,
}

/// Which passage it is, and what the search thought of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HitRecord {
    pub chunk: ChunkId,
    pub document: DocumentId,
    pub score: f32,
    pub similarity: Option<f32>,
}

impl Finding {
    #[must_use]
    pub fn record(&self) -> FindingRecord {
        let record = |hit: &Hit| HitRecord {
            chunk: hit.chunk.id,
            document: hit.chunk.document,
            score: hit.score,
            similarity: hit.similarity,
        };
        FindingRecord {
            part: self.part.clone(),
            hits: self.hits.iter().map(record).collect(),
            trace: self.trace.clone(),
        }
    }
}

impl FindingRecord {
    /// With the passages that are still there.
    fn filled(&self, passages: &HashMap<ChunkId, Hit>) -> Finding {
        let hit = |record: &HitRecord| {
            let passage = passages.get(&record.chunk)?.clone();
            Some(Hit { score: record.score, similarity: record.similarity, ..passage })
        };
        Finding {
            part: self.part.clone(),
            hits: self.hits.iter().filter_map(hit).collect(),
            trace: self.trace.clone(),
        }
    }
}

#[must_use]
pub fn records(findings: &[Finding]) -> Vec<FindingRecord> {
    findings.iter().map(Finding::record).collect()
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
            reader: question.reader,
            query: part.text.clone(),
            mode: Mode::Hybrid,
            filter: question.filter.clone(),
            limit: config.search_hits_max,
        })?;
        Ok(Finding { part: part.clone(), hits: found.hits, trace: found.trace })
    }

    pub(crate) fn find_all(
        &self,
        question: &Question,
        parts: &[Part],
        config: &AnswerConfig,
    ) -> Result<Vec<Finding>> {
        parts.iter().map(|part| self.find(question, part, config)).collect()
    }

    /// Findings of an earlier node. A passage that is gone since is no hit any more. Errors: those of the search.
    pub(crate) fn recall(
        &self,
        workspace: WorkspaceId,
        reader: Reader,
        records: &[FindingRecord],
    ) -> Result<Vec<Finding>> {
        let hits = records.iter().flat_map(|record| &record.hits);
        let mut chunks: Vec<ChunkId> = hits.map(|hit| hit.chunk).collect();
        chunks.sort_unstable();
        chunks.dedup();
        let passages = self.search.read(workspace, reader, &chunks)?;
        let passages = passages.into_iter().map(|passage| (passage.chunk.id, passage)).collect();
        Ok(records.iter().map(|record| record.filled(&passages)).collect())
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

/// The language to stem in: that of most of the best hits, else the question's.
fn language_of(hits: &[Hit], trace: &Trace) -> Option<String> {
    let top: Vec<&String> = hits.iter().take(5).filter_map(|hit| hit.language.as_ref()).collect();
    let most = top.iter().max_by_key(|language| top.iter().filter(|other| other == language).count());
    most.map(|language| (*language).clone()).or_else(|| trace.language.clone())
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;
    use std::sync::Arc;
    use std::time::Duration;

    use ibid_flow::Call;
    use ibid_types::RunId;
    use serde_json::{Value, json};

    use super::*;
    use crate::fixture::{HashEmbedder, Shelf};
    use crate::kinds;

    const REFUNDS: &str = "Refunds take 14 days. The clerk Ada Lovelace signs every refund.";

    fn ports(shelf: Shelf) -> Arc<Ports> {
        let embedder = Arc::new(HashEmbedder::default());
        Arc::new(Ports::new(Arc::new(shelf), embedder, Vec::new(), AnswerConfig::default()))
    }

    fn performed(ports: &Arc<Ports>, name: &str, input: &Value) -> Value {
        let kinds = kinds(ports);
        let kind = kinds.iter().find(|kind| kind.name() == name).unwrap();
        let call = Call {
            run: RunId::new(),
            workspace: WorkspaceId::new(),
            reader: Reader::Machine,
            node: name,
            input,
            attempt: 1,
            idempotency_key: "test",
            timeout: Duration::from_secs(60),
            emit: &|_| ControlFlow::Continue(()),
        };
        kind.perform(&call).unwrap().value
    }

    fn answered(ports: &Arc<Ports>, findings: &Value) -> Value {
        performed(ports, "answer", &json!({ "question": "How long do refunds take?", "findings": findings }))
    }

    #[test]
    fn findings_name_passages_and_hold_no_texts() {
        let ports = ports(Shelf::of(&[REFUNDS]));
        let found = performed(&ports, "retrieve", &json!({ "question": "How long do refunds take?" }));
        assert!(!found.to_string().contains("Lovelace") && found["passages"].is_null());
        let read: Vec<FindingRecord> = serde_json::from_value(found["findings"].clone()).unwrap();
        let recalled = ports.recall(WorkspaceId::new(), Reader::Machine, &read).unwrap();
        assert_eq!((recalled[0].hits[0].chunk.text.as_str(), records(&recalled)), (REFUNDS, read));
        assert_eq!(answered(&ports, &found["findings"])["answer"]["text"], "Refunds take 14 days [1].");
    }

    #[test]
    fn a_passage_that_is_gone_is_no_hit() {
        let shelf = Shelf::of(&[REFUNDS]);
        let found = performed(&ports(shelf), "retrieve", &json!({ "question": "How long do refunds take?" }));
        let emptied = ports(Shelf::default());
        let answer = &answered(&emptied, &found["findings"])["answer"];
        assert_eq!(answer["abstained"]["reason"], "nothing in the documents matches the question");
        let judged = performed(&emptied, "judge", &json!({ "findings": found["findings"] }));
        assert_eq!(judged["wanting"], 1);
    }

    #[test]
    fn a_flow_may_ask_for_the_texts() {
        let input = json!({ "question": "How long do refunds take?", "texts": true });
        let found = performed(&ports(Shelf::of(&[REFUNDS])), "retrieve", &input);
        assert_eq!(
            (&found["passages"][0]["text"], &found["passages"][0]["source"]),
            (&json!(REFUNDS), &json!("a.md"))
        );
    }
}
