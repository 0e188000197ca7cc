//! The whole way in (`ibid ingest` of a folder: parse, chunk, embed, commit, index) beside the bare embedder on the
//! chunks that came of it.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use ibid_model::{Embedder, MiniLm, Purpose};
use ibid_runtime::Clock;
use ibid_store::{Sqlite, SqliteConfig, Store};
use ibid_types::DocumentId;
use ibid_types::document::searchable_context;

use super::texts::Texts;
use super::{Outcome, Row, Setup, program, turns};

const DOCUMENTS: usize = 800;

pub fn rows(setup: &Setup) -> Outcome<Vec<Row>> {
    let texts = Texts::read(setup)?;
    let folder = setup.scratch()?;
    let files = folder.path().join("files");
    texts.write_files(&files, DOCUMENTS)?;
    let embedder = setup.embedder(0)?;
    let passages = {
        let data = setup.scratch()?;
        program::ingest(setup, data.path(), &files)?;
        passages(data.path(), &embedder)?
    };
    let ours = || {
        let data = setup.scratch()?;
        Ok(passages.len() as f64 / program::ingest(setup, data.path(), &files)?.as_secs_f64())
    };
    let turns = turns::take(setup.turns.min(3), ours, || raw(&embedder, &passages))?;
    let what =
        format!("ibid ingest of {DOCUMENTS} files, {} chunks, start to end of the command", passages.len());
    Ok(vec![
        Row::new(what, format!("{:.0} chunks/s", turns.ours))
            .beside(format!("the bare embedder: {:.0} chunks/s", turns.peer), turns.ratio)
            .at_least(0.9),
    ])
}

fn raw(embedder: &MiniLm, passages: &[String]) -> Outcome<f64> {
    let texts: Vec<&str> = passages.iter().map(String::as_str).collect();
    let started = Instant::now();
    embedder.embed(&texts, Purpose::Passage)?;
    Ok(texts.len() as f64 / started.elapsed().as_secs_f64())
}

/// What ingest gave its embedder, from the rows it left.
fn passages(data: &Path, embedder: &MiniLm) -> Outcome<Vec<String>> {
    let store = Store::new(Arc::new(Sqlite::open(SqliteConfig::new(data.join("ibid.db")))?), Clock::system());
    let mut passages = Vec::new();
    for entry in store.feed_read(0, 1 << 20)? {
        let Ok(id) = <[u8; 16]>::try_from(entry.key.as_slice()) else { continue };
        let found = store.searchable(DocumentId::from_bytes(id), &embedder.spec().id)?;
        let Some(found) = found else { continue };
        for (chunk, _) in found.chunks {
            let place = searchable_context(&found.document.title, &chunk.span.heading_path);
            passages.push(format!("{place}\n{}", chunk.text.trim()));
        }
    }
    Ok(passages)
}
