//! `ibid eval`: how well and how fast a judged collection is searched.
//!
//! Keeps true: each run builds a library of its own in a temporary folder and leaves nothing but the cache it was
//! given; the same collection, configuration and model give the same quality figures.

mod cache;
mod collection;
mod library;
mod measure;
mod metrics;
mod report;
mod significance;

use std::path::PathBuf;
use std::sync::Arc;

use ibid_model::Embedder;
use ibid_retrieve::Config;
use ibid_types::Result;
use ibid_types::search::Mode;

pub use report::{Comparison, Figures, Latency, ModeReport, Report};

use collection::Collection;
use library::Library;

/// What to measure.
#[derive(Clone, Debug)]
pub struct EvalConfig {
    /// Holds `corpus.jsonl`, `queries.jsonl` and judgements (`qrels/test.tsv`, `qrels.tsv` or `qrels.txt`).
    pub folder: PathBuf,
    /// Empty for all.
    pub modes: Vec<Mode>,
    pub config: Config,
    /// Measured beside `config`, with a test of whether the difference may be chance.
    pub compare: Option<Config>,
    /// Keeps embeddings between runs, by text and model.
    pub cache: Option<PathBuf>,
    /// Only so many judged queries, the first of the file; 0 for all.
    pub queries_max: usize,
}

impl EvalConfig {
    /// Everything about the folder with the standard configuration.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        let (modes, config) = (Vec::new(), Config::default());
        Self { folder: folder.into(), modes, config, compare: None, cache: None, queries_max: 0 }
    }

    fn modes(&self) -> &[Mode] {
        const ALL: [Mode; 3] = [Mode::Lexical, Mode::Dense, Mode::Hybrid];
        if self.modes.is_empty() { &ALL } else { &self.modes }
    }
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub step: Step,
    pub done: usize,
    pub total: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Embedding,
    Indexing,
    Searching(Mode),
}

impl Step {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Embedding => "embedding",
            Self::Indexing => "indexing",
            Self::Searching(Mode::Lexical) => "searching by words",
            Self::Searching(Mode::Dense) => "searching by meaning",
            Self::Searching(Mode::Hybrid) => "searching by both",
        }
    }
}

/// Reads the collection, builds a library of it and searches it with every judged query.
///
/// # Errors
/// `eval_folder` if a file is missing, `eval_line` if one is malformed, `eval_empty` if nothing can be measured,
/// `eval_cache` if the cache cannot be written; and what embedder, store and index say.
pub fn run(
    config: &EvalConfig,
    embedder: Arc<dyn Embedder>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report> {
    let mut collection = Collection::read(&config.folder)?;
    if config.queries_max > 0 {
        collection.queries.truncate(config.queries_max);
    }
    let library = Library::build(&collection, &embedder, config.cache.as_deref(), progress)?;
    let questions = library.ask(&collection.queries)?;
    let mut modes = Vec::new();
    for &mode in config.modes() {
        let mut measure = |config| library.measure(&collection, &questions, mode, config, progress);
        let base = measure(&config.config)?;
        let compared = config.compare.as_ref().map(&mut measure).transpose()?;
        modes.push(ModeReport::new(mode, base, compared));
    }
    Ok(Report {
        folder: config.folder.clone(),
        model: embedder.spec().id.clone(),
        documents: collection.records.len(),
        chunks: library.chunks(),
        queries: collection.queries.len(),
        embedded: library.built.embedded,
        embed_seconds: library.built.embed_seconds,
        index_seconds: library.built.index_seconds,
        modes,
    })
}

#[cfg(test)]
mod tests;
