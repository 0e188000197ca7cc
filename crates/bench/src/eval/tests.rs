//! A tiny collection from files to figures, and what is said of malformed ones.

use std::fs;
use std::path::Path;

use ibid_model::{EmbedderSpec, Purpose};
use ibid_types::Class;
use tempfile::TempDir;

use super::*;

/// How much of a text is about ships and about bread, and its length, so that no two are near-duplicates.
#[derive(Debug)]
struct Topics(EmbedderSpec);

fn topics() -> Arc<dyn Embedder> {
    Arc::new(Topics(EmbedderSpec { id: "topics".to_owned(), dimensions: 3, tokens_max: 64 }))
}

impl Embedder for Topics {
    fn spec(&self) -> &EmbedderSpec {
        &self.0
    }

    fn embed(&self, texts: &[&str], _purpose: Purpose) -> Result<Vec<Vec<f32>>> {
        let vector = |text: &&str| {
            let count = |words: &[&str]| {
                0.1 + words.iter().map(|word| text.to_lowercase().matches(word).count()).sum::<usize>() as f32
            };
            let (ships, bread) = (count(&["ship", "sail", "harbour"]), count(&["bread", "oven", "flour"]));
            let (letters, length) =
                (text.len() as f32 / 100.0, ships.hypot(bread).hypot(text.len() as f32 / 100.0));
            vec![ships / length, bread / length, letters / length]
        };
        Ok(texts.iter().map(vector).collect())
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }
}

const CORPUS: &str = r#"{"_id": "s1", "title": "Ships", "text": "A ship leaves the harbour under sail."}
{"_id": "s2", "title": "", "text": "The sail was torn by the wind near the coast."}

{"_id": "b1", "title": "Bread", "text": "Bread is baked in an oven."}
{"_id": 4, "title": "Flour", "text": "Wheat is ground between stones."}
"#;
const QUERIES: &str = r#"{"_id": "q1", "text": "ship in the harbour"}
{"_id": "q2", "text": "what is baked in an oven"}
{"_id": "q3", "text": "a query that nobody judged"}
"#;
const QRELS: &str = "query-id\tcorpus-id\tscore\nq1\ts1\t2\nq1\ts2\t1\nq2\tb1\t1\nq2\ts1\t0\n";

fn folder(corpus: &str, queries: &str, qrels: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("qrels")).unwrap();
    fs::write(dir.path().join("corpus.jsonl"), corpus).unwrap();
    fs::write(dir.path().join("queries.jsonl"), queries).unwrap();
    fs::write(dir.path().join("qrels/test.tsv"), qrels).unwrap();
    dir
}

fn report(config: &EvalConfig) -> Result<Report> {
    run(config, topics(), &mut |_| {})
}

fn refused(corpus: &str, queries: &str, qrels: &str) -> String {
    let error = report(&EvalConfig::new(folder(corpus, queries, qrels).path())).unwrap_err();
    assert_eq!(error.class, Class::BadRequest);
    format!("{}: {}", error.code, error.message.rsplit('/').next().unwrap())
}

#[test]
fn a_collection_is_measured_in_all_modes() {
    let dir = folder(CORPUS, QUERIES, QRELS);
    let mut steps = Vec::new();
    let report =
        run(&EvalConfig::new(dir.path()), topics(), &mut |progress| steps.push(progress.step)).unwrap();
    assert_eq!((report.documents, report.chunks, report.queries, report.embedded), (4, 4, 2, 4));
    assert_eq!(report.modes.len(), 3);
    let hybrid = report.modes[2].figures;
    assert_eq!((hybrid.ndcg_10, hybrid.recall_10, hybrid.mrr_10), (1.0, 1.0, 1.0));
    steps.dedup();
    assert_eq!(steps.len(), 5);
    assert!(report.to_string().contains("4 documents, 4 chunks, 2 queries; topics"));
}

#[test]
fn the_cache_spares_embedding() {
    let (dir, cache) = (folder(CORPUS, QUERIES, QRELS), tempfile::tempdir().unwrap());
    let config = EvalConfig {
        cache: Some(cache.path().into()),
        modes: vec![Mode::Dense],
        ..EvalConfig::new(dir.path())
    };
    let (first, second) = (report(&config).unwrap(), report(&config).unwrap());
    assert_eq!((first.embedded, second.embedded), (4, 0));
    assert_eq!(first.modes[0].figures.ndcg_10, second.modes[0].figures.ndcg_10);
}

#[test]
fn two_configurations_stand_side_by_side() {
    let dir = folder(CORPUS, QUERIES, QRELS);
    let compare = Some(Config { suppress_duplicates: false, ..Config::default() });
    let config = EvalConfig { compare, modes: vec![Mode::Hybrid], ..EvalConfig::new(dir.path()) };
    let report = report(&config).unwrap();
    let compared = report.modes[0].compared.unwrap();
    assert_eq!((compared.better, compared.worse, compared.p_value), (0, 0, 1.0));
    assert!(report.to_string().contains("p = 1.0000"));
}

#[test]
fn only_some_queries_are_asked() {
    let dir = folder(CORPUS, QUERIES, QRELS);
    assert_eq!(report(&EvalConfig { queries_max: 1, ..EvalConfig::new(dir.path()) }).unwrap().queries, 1);
}

#[test]
fn judgements_of_trec_are_read() {
    let dir = folder(CORPUS, QUERIES, QRELS);
    fs::remove_dir_all(dir.path().join("qrels")).unwrap();
    fs::write(dir.path().join("qrels.txt"), "q1 0 s1 2\nq2 0 b1 1\n").unwrap();
    assert_eq!(report(&EvalConfig::new(dir.path())).unwrap().queries, 2);
}

#[test]
fn a_missing_file_is_named() {
    let missing = |name: &str| {
        let dir = folder(CORPUS, QUERIES, QRELS);
        fs::remove_file(dir.path().join(name)).unwrap();
        let error = report(&EvalConfig::new(dir.path())).unwrap_err();
        assert_eq!((error.class, error.code), (Class::NotFound, "eval_folder"));
        assert!(error.message.contains(name), "{}", error.message);
    };
    ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"].into_iter().for_each(missing);
    assert_eq!(report(&EvalConfig::new(Path::new("nowhere"))).unwrap_err().code, "eval_folder");
}

#[test]
fn a_malformed_line_is_named() {
    assert_eq!(
        refused("{\"_id\": \"a\"", QUERIES, QRELS),
        "eval_line: corpus.jsonl, line 1: the line is no JSON object"
    );
    let twice = "{\"_id\": \"a\"}\n{\"_id\": \"a\"}";
    assert_eq!(refused(twice, QUERIES, QRELS), "eval_line: corpus.jsonl, line 2: 'a' is there already");
    assert_eq!(refused(CORPUS, "{}", QRELS), "eval_line: queries.jsonl, line 1: there is no '_id'");
    assert_eq!(
        refused(CORPUS, QUERIES, "q1\ts1\t1\nq1\ts2\tmuch"),
        "eval_line: test.tsv, line 2: the grade 'much' is no number"
    );
    assert_eq!(
        refused(CORPUS, QUERIES, "q1"),
        "eval_line: test.tsv, line 1: a judgement is a query, a document and a grade"
    );
}

#[test]
fn nothing_judged_is_nothing_to_measure() {
    assert!(refused(CORPUS, QUERIES, "").starts_with("eval_empty"));
    assert!(refused("", QUERIES, QRELS).starts_with("eval_empty"));
}
