//! The whole index against a plain model: brute force over the live chunks.

use std::collections::HashMap;

use ibid_types::access::Readable;
use ibid_types::search::Filter;
use ibid_types::{ChunkId, DocumentId};
use proptest::prelude::*;
use tantivy::fieldnorm::FieldNormReader;

use super::*;
use crate::analysis::Analyser;
use crate::ground::{Searchable, What};
use crate::language::Language;
use crate::sample::{DIMENSIONS, Sample, document, vector_of, version_of};

fn config(dir: &std::path::Path) -> IndexConfig {
    IndexConfig { writer_memory_bytes: 15 << 20, ..IndexConfig::new(dir, "m", DIMENSIONS) }
}

fn open(dir: &std::path::Path, sample: &Sample) -> Indexes {
    Indexes::open(config(dir), sample.clone()).unwrap()
}

fn found(indexes: &Indexes, workspace: WorkspaceId, query: &str) -> Vec<(ChunkId, f32)> {
    let snapshot = indexes.snapshot(workspace);
    let all = snapshot.eligible(&Filter::default(), &Readable::All);
    let hits = snapshot.lexical(&snapshot.analyse(query), &all, 100).unwrap();
    hits.iter().map(|hit| (snapshot.chunk(hit.slot).unwrap().chunk, hit.score)).collect()
}

fn near(indexes: &Indexes, workspace: WorkspaceId, query: &str) -> Vec<(ChunkId, f32)> {
    let snapshot = indexes.snapshot(workspace);
    let all = snapshot.eligible(&Filter::default(), &Readable::All);
    let hits = snapshot.dense(&vector_of(query), &all, 100);
    hits.iter().map(|hit| (snapshot.chunk(hit.slot).unwrap().chunk, hit.score)).collect()
}

/// BM25 as in the books, over texts.
fn model_scores(documents: &[Searchable], query: &str) -> HashMap<ChunkId, f32> {
    let mut analyser = Analyser::new(Language::FALLBACK);
    let texts: Vec<(ChunkId, Vec<String>)> = documents
        .iter()
        .flat_map(|found| found.chunks.iter().map(|(chunk, _)| (&found.document.title, chunk)))
        .map(|(title, chunk)| (chunk.id, analyser.terms(&format!("{title} {}", chunk.text))))
        .collect();
    let count = texts.len() as f32;
    let mean = texts.iter().map(|(_, terms)| terms.len()).sum::<usize>() as f32 / count;
    let mut scores = HashMap::new();
    for term in analyser.terms(query) {
        let holders = texts.iter().filter(|(_, terms)| terms.contains(&term)).count() as f32;
        let idf = (1.0 + (count - holders + 0.5) / (holders + 0.5)).ln();
        for (chunk, terms) in &texts {
            let frequency = terms.iter().filter(|other| **other == term).count() as f32;
            let length =
                FieldNormReader::id_to_fieldnorm(FieldNormReader::fieldnorm_to_id(terms.len() as u32));
            let norm = 1.2 * (0.25 + 0.75 * length as f32 / mean);
            if frequency > 0.0 {
                *scores.entry(*chunk).or_insert(0.0) += idf * 2.2 * frequency / (frequency + norm);
            }
        }
    }
    scores
}

fn model_cosines(documents: &[Searchable], query: &str) -> HashMap<ChunkId, f32> {
    let query = vector_of(query);
    let cosine = |text: &str| vector_of(text).iter().zip(&query).map(|(x, y)| x * y).sum();
    let chunks = documents.iter().flat_map(|found| &found.chunks);
    chunks.map(|(chunk, _)| (chunk.id, cosine(&chunk.text))).collect()
}

/// The same chunks, each with nearly the same score, best first.
fn agree(found: &[(ChunkId, f32)], model: &HashMap<ChunkId, f32>, tolerance: f32) {
    assert_eq!(found.len(), model.len());
    for (chunk, score) in found {
        let expected = model.get(chunk).copied().unwrap_or(f32::NAN);
        assert!((score - expected).abs() < tolerance, "{score} and {expected}");
    }
    assert!(found.is_sorted_by(|left, right| left.1 >= right.1));
}

const WORDS: [&str; 8] = ["refund", "policy", "holiday", "parking", "server", "backup", "travel", "the"];

fn text(numbers: &[u8]) -> String {
    numbers.iter().map(|number| WORDS[usize::from(*number) % WORDS.len()]).collect::<Vec<_>>().join(" ")
}

#[derive(Clone, Debug)]
enum Act {
    Put(usize, Vec<Vec<u8>>),
    Delete(usize),
    CatchUp,
    Reopen,
    Release,
}

fn act() -> impl Strategy<Value = Act> {
    let words = prop::collection::vec(any::<u8>(), 1..12);
    prop_oneof![
        4 => (0..6_usize, prop::collection::vec(words, 1..4)).prop_map(|(number, texts)| Act::Put(number, texts)),
        2 => (0..6_usize).prop_map(Act::Delete),
        2 => Just(Act::CatchUp),
        1 => Just(Act::Reopen),
        1 => Just(Act::Release),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_history_equals_the_model_and_a_rebuild(acts in prop::collection::vec(act(), 1..24)) {
        let (dir, sample, workspace) = (tempfile::tempdir().unwrap(), Sample::default(), WorkspaceId::new());
        let ids: Vec<DocumentId> = (0..6).map(|_| DocumentId::new()).collect();
        let mut indexes = Some(open(dir.path(), &sample));
        for act in acts {
            match act {
                Act::Put(number, texts) => {
                    let texts: Vec<String> = texts.iter().map(|numbers| text(numbers)).collect();
                    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                    sample.put(version_of(ids[number], workspace, "a.md", &texts));
                }
                Act::Delete(number) => sample.delete(workspace, ids[number]),
                Act::CatchUp => drop(indexes.as_ref().unwrap().catch_up().unwrap()),
                Act::Release => indexes.as_ref().unwrap().release(),
                Act::Reopen => {
                    indexes.take();
                    indexes = Some(open(dir.path(), &sample));
                }
            }
        }
        let indexes = indexes.unwrap();
        indexes.catch_up().unwrap();
        for query in ["refunds", "the holiday policy", "backup servers travel"] {
            agree(&found(&indexes, workspace, query), &model_scores(&sample.all(), query), 1e-4);
            agree(&near(&indexes, workspace, query), &model_cosines(&sample.all(), query), 2e-3);
        }
        for verified in indexes.verify(None).unwrap() {
            prop_assert_eq!(verified.differences, Vec::<String>::new());
        }
    }
}

/// A workspace with two documents, indexed.
fn begun(dir: &std::path::Path) -> (Sample, WorkspaceId, Indexes, [DocumentId; 2]) {
    let (sample, workspace) = (Sample::default(), WorkspaceId::new());
    let documents = [
        document(workspace, "a.md", &["refunds take fourteen days"]),
        document(workspace, "b.md", &["parking is free", "bicycles too"]),
    ];
    let ids = [documents[0].document.id, documents[1].document.id];
    documents.into_iter().for_each(|document| sample.put(document));
    let indexes = open(dir, &sample);
    indexes.catch_up().unwrap();
    (sample, workspace, indexes, ids)
}

#[test]
fn a_workspace_that_is_not_indexed_is_empty() {
    let dir = tempfile::tempdir().unwrap();
    let indexes = open(dir.path(), &Sample::default());
    assert!(found(&indexes, WorkspaceId::new(), "anything").is_empty());
    assert_eq!((indexes.catch_up().unwrap(), indexes.snapshot(WorkspaceId::new()).total()), (0, 0));
}

#[test]
fn workspaces_do_not_see_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let (sample, workspace, indexes, _) = begun(dir.path());
    let other = WorkspaceId::new();
    sample.put(document(other, "x.md", &["refunds elsewhere"]));
    indexes.catch_up().unwrap();
    assert_eq!((found(&indexes, workspace, "refund").len(), found(&indexes, other, "refund").len()), (1, 1));
    sample.note(other, What::WorkspaceGone);
    indexes.catch_up().unwrap();
    assert_eq!((found(&indexes, workspace, "refund").len(), found(&indexes, other, "refund").len()), (1, 0));
}

#[test]
fn an_older_snapshot_keeps_what_it_saw() {
    let dir = tempfile::tempdir().unwrap();
    let (sample, workspace, indexes, ids) = begun(dir.path());
    let before = indexes.snapshot(workspace);
    sample.delete(workspace, ids[0]);
    indexes.catch_up().unwrap();
    assert!(found(&indexes, workspace, "refund").is_empty());
    let all = before.eligible(&Filter::default(), &Readable::All);
    assert_eq!(before.lexical(&before.analyse("refund"), &all, 9).unwrap().len(), 1);
}

#[test]
fn terms_and_scores_of_given_slots_agree_with_the_search() {
    let dir = tempfile::tempdir().unwrap();
    let (_, workspace, indexes, _) = begun(dir.path());
    let snapshot = indexes.snapshot(workspace);
    let query = snapshot.analyse("free bicycles, free parking");
    let hits = snapshot.lexical(&query, &snapshot.eligible(&Filter::default(), &Readable::All), 9).unwrap();
    let slots: Vec<u32> = hits.iter().map(|hit| hit.slot).collect();
    let scores = snapshot.lexical_scores(&query, &slots).unwrap();
    assert!(hits.iter().zip(&scores).all(|(hit, score)| (hit.score - score).abs() < 1e-5));
    assert_eq!(snapshot.lexical_terms(&query, &slots).unwrap(), [vec!["free", "park"], vec!["bicycl"]]);
}

#[test]
fn damage_is_noticed_and_mended_without_help() {
    for file in ["manifest", "documents.log", "vectors-00000.bin", "lexical/meta.json"] {
        let dir = tempfile::tempdir().unwrap();
        let (sample, workspace, indexes, _) = begun(dir.path());
        drop(indexes);
        let path = dir.path().join(workspace.to_string()).join("g000001").join(file);
        std::fs::write(&path, b"damaged").unwrap();
        let indexes = open(dir.path(), &sample);
        indexes.catch_up().unwrap();
        assert_eq!(found(&indexes, workspace, "refund").len(), 1, "{file}");
        assert!(indexes.verify(None).unwrap()[0].differences.is_empty(), "{file}");
    }
}

#[test]
fn a_lost_cursor_only_means_reading_again() {
    let dir = tempfile::tempdir().unwrap();
    let (sample, workspace, indexes, _) = begun(dir.path());
    drop(indexes);
    std::fs::remove_file(dir.path().join("cursor")).unwrap();
    let indexes = open(dir.path(), &sample);
    assert_eq!(indexes.catch_up().unwrap(), sample.head().unwrap());
    assert_eq!(indexes.snapshot(workspace).total(), 3);
}

#[test]
fn a_store_from_a_backup_rules() {
    let dir = tempfile::tempdir().unwrap();
    let (sample, workspace, indexes, ids) = begun(dir.path());
    drop(indexes);
    sample.delete(workspace, ids[1]);
    sample.forget_after(2);
    let indexes = open(dir.path(), &sample);
    indexes.catch_up().unwrap();
    assert_eq!((indexes.applied(), indexes.snapshot(workspace).total()), (2, 1));
}

#[test]
fn a_rebuild_serves_the_same_and_leaves_one_folder() {
    let dir = tempfile::tempdir().unwrap();
    let (sample, workspace, indexes, ids) = begun(dir.path());
    sample.delete(workspace, ids[0]);
    let rebuilt = indexes.rebuild(None).unwrap();
    assert_eq!(rebuilt, [Rebuilt { workspace, documents: 1, chunks: 2 }]);
    assert_eq!(found(&indexes, workspace, "parking").len(), 1);
    let folders = std::fs::read_dir(dir.path().join(workspace.to_string())).unwrap();
    assert_eq!(folders.filter(|entry| entry.as_ref().unwrap().path().is_dir()).count(), 1);
    drop(indexes);
    assert_eq!(found(&open(dir.path(), &sample), workspace, "parking").len(), 1);
}

#[test]
fn another_model_replaces_the_vectors_while_the_old_serve() {
    let dir = tempfile::tempdir().unwrap();
    let (sample, workspace, indexes, _) = begun(dir.path());
    sample.note(workspace, What::Model("other".into()));
    indexes.catch_up().unwrap();
    assert_eq!(indexes.snapshot(workspace).model(), "m");
    indexes.maintain(&Shutdown::new());
    let snapshot = indexes.snapshot(workspace);
    assert_eq!((snapshot.model(), snapshot.vector(0).len()), ("other", DIMENSIONS / 2));
    assert!(indexes.verify(None).unwrap()[0].differences.is_empty());
}

#[test]
fn waiting_for_a_position_ends_when_it_is_applied_or_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let (_, _, indexes, _) = begun(dir.path());
    indexes.wait_for(4, Duration::ZERO).unwrap();
    assert_eq!(indexes.wait_for(5, Duration::ZERO).unwrap_err().code, "index_behind");
}

#[test]
fn the_follower_applies_what_it_is_told_of() {
    let dir = tempfile::tempdir().unwrap();
    let (sample, workspace, indexes, _) = begun(dir.path());
    let shutdown = Shutdown::new();
    std::thread::scope(|scope| {
        scope.spawn(|| indexes.run(&shutdown));
        sample.put(document(workspace, "c.md", &["canteen menu"]));
        indexes.poke();
        indexes.wait_for(6, Duration::from_secs(60)).unwrap();
        shutdown.request();
    });
    assert_eq!(found(&indexes, workspace, "canteen").len(), 1);
}

#[test]
fn a_question_in_a_mixed_workspace_meets_both_languages() {
    let dir = tempfile::tempdir().unwrap();
    let (sample, workspace, indexes, _) = begun(dir.path());
    let mut german = document(workspace, "d.md", &["Die Häuser werden am Montag geöffnet"]);
    german.document.language = Some("de".into());
    sample.put(german);
    indexes.catch_up().unwrap();
    assert_eq!(found(&indexes, workspace, "Haus").len(), 1);
    assert_eq!(found(&indexes, workspace, "refund").len(), 1);
}

#[test]
fn names_and_titles_lead_to_passages_within() {
    let (dir, sample, workspace) = (tempfile::tempdir().unwrap(), Sample::default(), WorkspaceId::new());
    let mut titled = document(workspace, "a.md", &["She wrote the first program.", "It ran on no machine."]);
    titled.document.title = "Ada Lovelace (mathematician)".to_owned();
    let naming = document(workspace, "b.md", &["He corresponded with Ada Lovelace for years."]);
    let gone = document(workspace, "c.md", &["Nobody knew ADA LOVELACE there."]);
    for one in [&titled, &naming, &gone] {
        sample.put(one.clone());
    }
    let indexes = open(dir.path(), &sample);
    indexes.catch_up().unwrap();
    let found = |names: bool, key: &str, filter: Filter| {
        let snapshot = indexes.snapshot(workspace);
        let within = snapshot.eligible(&filter, &Readable::All);
        let slots = if names { snapshot.naming(key, &within) } else { snapshot.called(key, &within) };
        slots.unwrap().iter().map(|slot| snapshot.chunk(*slot).unwrap().chunk).collect::<Vec<_>>()
    };
    let chunks = |of: &Searchable| of.chunks.iter().map(|(chunk, _)| chunk.id).collect::<Vec<_>>();
    assert_eq!(found(false, "ada lovelace", Filter::default()), chunks(&titled));
    assert!(found(true, "ada lovelace", Filter::default()).contains(&chunks(&gone)[0]));
    sample.delete(workspace, gone.document.id);
    indexes.catch_up().unwrap();
    assert!(!found(true, "ada lovelace", Filter::default()).contains(&chunks(&gone)[0]));
    assert!(found(true, "ada lovelace", Filter::default()).contains(&chunks(&naming)[0]));
    let elsewhere = Filter { documents: vec![titled.document.id], ..Filter::default() };
    assert!(!found(true, "ada lovelace", elsewhere).contains(&chunks(&naming)[0]));
    assert!(found(true, "charles babbage", Filter::default()).is_empty());
    assert!(indexes.verify(None).unwrap()[0].differences.is_empty());
}

#[test]
fn a_name_that_too_many_have_tells_nothing() {
    let (dir, sample, workspace) = (tempfile::tempdir().unwrap(), Sample::default(), WorkspaceId::new());
    for number in 0..51 {
        let text = format!("Letter {number} to Ada Lovelace.");
        sample.put(document(workspace, &format!("{number}.md"), &[text.as_str()]));
    }
    let indexes = open(dir.path(), &sample);
    indexes.catch_up().unwrap();
    let count = || {
        let snapshot = indexes.snapshot(workspace);
        let within = snapshot.eligible(&Filter::default(), &Readable::All);
        snapshot.naming("ada lovelace", &within).unwrap().len()
    };
    assert_eq!(count(), 0);
    sample.delete(workspace, sample.all()[0].document.id);
    indexes.catch_up().unwrap();
    assert_eq!(count(), 50, "the deleted one does not count");
}
