//! One mode and configuration over all queries: first the quality of the rankings, then the time of searches as
//! people make them.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use ibid_model::Purpose;
use ibid_retrieve::{Config, Retriever};
use ibid_types::search::{Found, Mode, Request};
use ibid_types::{Error, Result};

use super::collection::{Collection, Query};
use super::library::Library;
use super::metrics::{Measures, measures};
use super::report::{Figures, Latency};
use super::{Progress, Step};

/// Hits asked for where recall is measured.
const RANKING_HITS: usize = 100;
/// Hits asked for where time is measured: what a person is shown.
const SHOWN_HITS: usize = 10;
/// Queries between two reports of progress.
const PROGRESS_QUERIES: usize = 50;

/// A query with its vector.
#[derive(Clone, Debug)]
pub struct Question {
    vector: Vec<f32>,
    embedded_in: Duration,
}

/// What a mode got: the figures, and the measures of each query.
#[derive(Clone, Debug)]
pub struct Measured {
    pub figures: Figures,
    pub queries: Vec<Measures>,
}

impl Library {
    /// The queries' vectors, one call each as people ask.
    pub fn ask(&self, queries: &[Query]) -> Result<Vec<Question>> {
        queries.iter().map(|query| self.ask_one(&query.text)).collect()
    }

    fn ask_one(&self, text: &str) -> Result<Question> {
        let started = Instant::now();
        let vector = self.embedder.embed(&[text], Purpose::Question)?.pop();
        let embedded_in = started.elapsed();
        let vector = vector
            .ok_or_else(|| Error::internal("eval_failed", "the embedder gave no vector for a query"))?;
        Ok(Question { vector, embedded_in })
    }

    pub fn measure(
        &self,
        collection: &Collection,
        questions: &[Question],
        mode: Mode,
        config: &Config,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Measured> {
        let retriever = Retriever::new(
            self.indexes.clone(),
            self.store.clone(),
            self.embedder.clone(),
            None,
            config.clone(),
        );
        let step = Step::Searching(mode);
        let total = collection.queries.len();
        let mut per_query = Vec::with_capacity(total);
        for (index, (query, question)) in collection.queries.iter().zip(questions).enumerate() {
            let found = self.search(&retriever, query, question, mode, RANKING_HITS)?;
            per_query.push(self.measures_of(collection, query, &found));
            if (index + 1) % PROGRESS_QUERIES == 0 || index + 1 == total {
                progress(Progress { step, done: index + 1, total });
            }
        }
        let mut times = Vec::with_capacity(total);
        for (query, question) in collection.queries.iter().zip(questions) {
            let started = Instant::now();
            self.search(&retriever, query, question, mode, SHOWN_HITS)?;
            times.push((started.elapsed(), question));
        }
        Ok(Measured { figures: figures(&per_query, &times, mode), queries: per_query })
    }

    fn search(
        &self,
        retriever: &Retriever,
        query: &Query,
        question: &Question,
        mode: Mode,
        limit: usize,
    ) -> Result<Found> {
        let request = Request {
            workspace: self.workspace,
            reader: ibid_types::access::Reader::Machine,
            query: query.text.clone(),
            mode,
            filter: Default::default(),
            limit,
        };
        let vector = (mode != Mode::Lexical).then(|| question.vector.clone());
        retriever.search_vector(&request, vector)
    }

    /// Documents stand where their best chunk does.
    fn measures_of(&self, collection: &Collection, query: &Query, found: &Found) -> Measures {
        let mut seen = HashSet::new();
        let documents = found.hits.iter().map(|hit| hit.chunk.document).filter(|id| seen.insert(*id));
        let ranking: Vec<f64> = documents
            .filter_map(|id| collection.records.get(*self.record_of.get(&id)?))
            .map(|record| query.grades.get(&record.id).copied().unwrap_or(0.0))
            .collect();
        let judged: Vec<f64> = query.grades.values().copied().collect();
        measures(&ranking, &judged)
    }
}

fn figures(queries: &[Measures], times: &[(Duration, &Question)], mode: Mode) -> Figures {
    let mean =
        |value: fn(&Measures) -> f64| queries.iter().map(value).sum::<f64>() / queries.len().max(1) as f64;
    let whole = |(time, question): &(Duration, &Question)| match mode {
        Mode::Lexical => *time,
        Mode::Dense | Mode::Hybrid => *time + question.embedded_in,
    };
    Figures {
        ndcg_10: mean(|one| one.ndcg_10),
        recall_5: mean(|one| one.recall_5),
        recall_10: mean(|one| one.recall_10),
        recall_100: mean(|one| one.recall_100),
        mrr_10: mean(|one| one.mrr_10),
        search: Latency::of(times.iter().map(|(time, _)| *time).collect()),
        search_and_embed: Latency::of(times.iter().map(whole).collect()),
    }
}
