//! What a run found, as a table and as data.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use ibid_types::search::Mode;
use serde::Serialize;

use super::measure::Measured;
use super::significance::p_value;

/// A run over one collection.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    pub folder: PathBuf,
    pub model: String,
    pub documents: usize,
    pub chunks: usize,
    /// Judged queries that were asked.
    pub queries: usize,
    /// Passages that were not in the cache.
    pub embedded: usize,
    pub embed_seconds: f64,
    /// Writing the store and building the indexes, without embedding.
    pub index_seconds: f64,
    pub modes: Vec<ModeReport>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModeReport {
    pub mode: Mode,
    pub figures: Figures,
    pub compared: Option<Comparison>,
}

/// Means over the queries.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figures {
    pub ndcg_10: f64,
    /// What multi-hop collections are judged by.
    pub recall_5: f64,
    pub recall_10: f64,
    pub recall_100: f64,
    pub mrr_10: f64,
    /// Ten hits, with the query's vector given.
    pub search: Latency,
    /// The same with embedding the query.
    pub search_and_embed: Latency,
}

/// The other configuration, query by query against the first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Comparison {
    pub figures: Figures,
    /// Queries whose nDCG@10 is higher than with the first configuration.
    pub better: usize,
    pub worse: usize,
    /// How probable so large a difference of nDCG@10 is by chance.
    pub p_value: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Latency {
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
}

impl Latency {
    /// Percentiles by nearest rank.
    #[must_use]
    pub fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |percent: usize| {
            let rank = (times.len() * percent).div_ceil(100).max(1);
            times.get(rank - 1).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
        };
        Self { p50_ms: at(50), p95_ms: at(95), p99_ms: at(99) }
    }
}

impl ModeReport {
    pub(super) fn new(mode: Mode, base: Measured, other: Option<Measured>) -> Self {
        let compared = other.map(|other| compare(&base, &other));
        Self { mode, figures: base.figures, compared }
    }
}

fn compare(base: &Measured, other: &Measured) -> Comparison {
    let gains = |measured: &Measured| measured.queries.iter().map(|one| one.ndcg_10).collect::<Vec<_>>();
    let (before, after) = (gains(base), gains(other));
    let pairs = || before.iter().zip(&after);
    Comparison {
        figures: other.figures,
        better: pairs().filter(|(before, after)| after > before).count(),
        worse: pairs().filter(|(before, after)| after < before).count(),
        p_value: p_value(&after, &before),
    }
}

const HEADING: &str =
    "mode      nDCG@10  recall@10  recall@100  MRR@10   search p50 / p95 / p99 ms   with embedding";

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.folder.file_name().unwrap_or(self.folder.as_os_str());
        writeln!(
            f,
            "{}: {} documents, {} chunks, {} queries; {}",
            name.to_string_lossy(),
            self.documents,
            self.chunks,
            self.queries,
            self.model
        )?;
        writeln!(
            f,
            "embedded {} in {:.1} s, stored and indexed in {:.1} s",
            self.embedded, self.embed_seconds, self.index_seconds
        )?;
        writeln!(f, "{HEADING}")?;
        self.modes.iter().try_for_each(|mode| write!(f, "{mode}"))
    }
}

impl fmt::Display for ModeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        row(f, name(self.mode), &self.figures)?;
        let Some(compared) = &self.compared else { return Ok(()) };
        row(f, "  other", &compared.figures)?;
        writeln!(
            f,
            "  nDCG@10 {:+.4}, better in {}, worse in {} queries, p = {:.4}",
            compared.figures.ndcg_10 - self.figures.ndcg_10,
            compared.better,
            compared.worse,
            compared.p_value
        )
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, figures: &Figures) -> fmt::Result {
    writeln!(
        f,
        "{name:<9} {:>7.4}  {:>9.4}  {:>10.4}  {:>6.4}  {:>26}  {:>15}",
        figures.ndcg_10,
        figures.recall_10,
        figures.recall_100,
        figures.mrr_10,
        figures.search.to_string(),
        figures.search_and_embed.to_string()
    )
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} / {:.2} / {:.2}", self.p50_ms, self.p95_ms, self.p99_ms)
    }
}

const fn name(mode: Mode) -> &'static str {
    match mode {
        Mode::Lexical => "lexical",
        Mode::Dense => "dense",
        Mode::Hybrid => "hybrid",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let times = (1..=20).rev().map(Duration::from_millis).collect();
        assert_eq!(Latency::of(times), Latency { p50_ms: 10.0, p95_ms: 19.0, p99_ms: 20.0 });
        assert_eq!(Latency::of(Vec::new()), Latency::default());
        assert_eq!(Latency::of(vec![Duration::from_millis(3)]).p50_ms, 3.0);
    }
}
