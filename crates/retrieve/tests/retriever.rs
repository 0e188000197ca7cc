//! Searches over a real store and index with an embedder of few words.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use ibid_index::{IndexConfig, Indexes};
use ibid_model::{Embedder, EmbedderSpec, Purpose, Reranker};
use ibid_retrieve::{Config, Retriever};
use ibid_runtime::Clock;
use ibid_store::{
    Accepted, DocumentChange, NewUpload, PublishVersion, Sqlite, SqliteConfig, Store, statements,
};
use ibid_types::access::{Granted, Holder, Reader, Role};
use ibid_types::document::{Chunk, ChunkSpan};
use ibid_types::parsed::Metadata;
use ibid_types::search::{Filter, Found, Mode, Request};
use ibid_types::{ChunkId, ContentHash, DocumentId, Error, Result, WorkspaceId};
use tempfile::TempDir;

/// Each dimension is a topic with its words.
const TOPICS: [&[&str]; 3] =
    [&["refund", "money", "repay"], &["ship", "parcel", "deliver"], &["holiday", "leave", "vacation"]];

#[derive(Debug)]
struct Topics {
    spec: EmbedderSpec,
    fails: bool,
}

impl Embedder for Topics {
    fn spec(&self) -> &EmbedderSpec {
        &self.spec
    }

    fn embed(&self, texts: &[&str], _purpose: Purpose) -> Result<Vec<Vec<f32>>> {
        if self.fails {
            return Err(Error::unavailable("model_unavailable", "the model does not answer"));
        }
        Ok(texts.iter().map(|text| vector_of(text)).collect())
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.len()
    }
}

fn vector_of(text: &str) -> Vec<f32> {
    let text = text.to_lowercase();
    let count =
        |words: &&[&str]| 0.05 + words.iter().map(|word| text.matches(word).count()).sum::<usize>() as f32;
    let mut vector: Vec<f32> = TOPICS.iter().map(count).collect();
    vector.push(text.len() as f32 / 200.0);
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.into_iter().map(|x| x / length).collect()
}

/// Scores by length: the longest passage first.
#[derive(Debug)]
struct Longest {
    fails: bool,
}

impl Reranker for Longest {
    fn id(&self) -> &str {
        "longest"
    }

    fn score(&self, _question: &str, passages: &[&str]) -> Result<Vec<f32>> {
        if self.fails {
            return Err(Error::timeout("model_timeout", "the model took too long"));
        }
        Ok(passages.iter().map(|passage| passage.len() as f32 / 1000.0).collect())
    }
}

struct Library {
    _dir: TempDir,
    workspace: WorkspaceId,
    store: Store,
    indexes: Arc<Indexes>,
    documents: Vec<DocumentId>,
}

const TEXTS: [(&str, &str); 5] = [
    ("Refunds", "We repay the price within 14 days when a parcel comes back."),
    ("Shipping", "A parcel is delivered in three days; ships take longer."),
    ("Leave", "Everyone has thirty days of holiday a year."),
    ("Money", "Money back is paid to the card that was used, and never in cash over the counter."),
    ("Weather", "It rained on Tuesday."),
];

fn library(texts: &[(&str, &str)]) -> Library {
    let dir = tempfile::tempdir().unwrap();
    let sqlite = Sqlite::open(SqliteConfig::new(dir.path().join("ibid.db"))).unwrap();
    let store = Store::new(Arc::new(sqlite), Clock::system());
    let workspace = store.workspace_ensure("main").unwrap().id;
    let documents = texts.iter().map(|(title, text)| add(&store, workspace, title, text)).collect();
    let indexes = Arc::new(
        Indexes::open(IndexConfig::new(dir.path().join("index"), "topics", 4), store.clone()).unwrap(),
    );
    indexes.catch_up().unwrap();
    Library { _dir: dir, workspace, store, indexes, documents }
}

fn add(store: &Store, workspace: WorkspaceId, title: &str, text: &str) -> DocumentId {
    let upload = NewUpload {
        workspace,
        source: format!("docs/{}.txt", title.to_lowercase()),
        content: ContentHash(*blake3::hash(text.as_bytes()).as_bytes()),
        size_bytes: text.len() as u64,
        media_type: "text/plain".to_owned(),
        metadata: Metadata::default(),
        readers: None,
        batch: String::new(),
    };
    let Accepted::Queued { document, version, .. } = store.accept(upload).unwrap() else { panic!() };
    let span = ChunkSpan { end: text.len(), ..ChunkSpan::default() };
    let chunk = Chunk { id: ChunkId::new(), document, version, ordinal: 0, span, text: text.to_owned() };
    let vector = vector_of(&format!("{title}\n{text}"));
    let now = store.now();
    let mut batch = statements::embeddings("topics", &[(chunk.id, vector.as_slice())]);
    batch.extend(statements::chunks(&[chunk]));
    batch.extend(statements::publish(&PublishVersion {
        workspace,
        document,
        version,
        title: title.to_owned(),
        author: None,
        language: Some("en".to_owned()),
        tags: Vec::new(),
        date: now,
        page_count: None,
        text_bytes: text.len() as u64,
        chunk_count: 1,
        warnings: Vec::new(),
        signature: 0,
        near_duplicate_of: None,
        now,
    }));
    store.db().batch(batch).unwrap();
    document
}

impl Library {
    fn retriever(&self, fails: bool, reranker: Option<Arc<dyn Reranker>>) -> Retriever {
        let spec = EmbedderSpec { id: "topics".to_owned(), dimensions: 4, tokens_max: 64 };
        let embedder = Arc::new(Topics { spec, fails });
        Retriever::new(self.indexes.clone(), self.store.clone(), embedder, reranker, Config::default())
    }

    fn retriever_with(&self, setting: &str) -> Retriever {
        let spec = EmbedderSpec { id: "topics".to_owned(), dimensions: 4, tokens_max: 64 };
        let embedder = Arc::new(Topics { spec, fails: false });
        let mut config = Config::default();
        config.set(setting).unwrap();
        Retriever::new(self.indexes.clone(), self.store.clone(), embedder, None, config)
    }

    fn request(&self, query: &str, mode: Mode) -> Request {
        Request {
            workspace: self.workspace,
            reader: ibid_types::access::Reader::Machine,
            query: query.to_owned(),
            mode,
            filter: Filter::default(),
            limit: 5,
        }
    }

    fn search(&self, query: &str, mode: Mode) -> Found {
        self.retriever(false, None).search(&self.request(query, mode)).unwrap()
    }
}

fn titles(found: &Found) -> Vec<&str> {
    found.hits.iter().map(|hit| hit.title.as_str()).collect()
}

#[test]
fn words_and_meaning_find_what_each_can() {
    let library = library(&TEXTS);
    assert_eq!(titles(&library.search("counter", Mode::Lexical)), ["Money"]);
    assert_eq!(titles(&library.search("vacation", Mode::Dense))[0], "Leave");
    assert_eq!(titles(&library.search("is vacation paid in a year", Mode::Hybrid))[0], "Leave");
}

#[test]
fn the_parts_of_each_hit_add_up_to_its_score() {
    let found = library(&TEXTS).search("do I get my money back for a parcel", Mode::Hybrid);
    assert_eq!(found.hits.len(), 5);
    assert!(found.hits.windows(2).all(|pair| pair[0].score >= pair[1].score));
    for hit in &found.hits {
        let parts = [hit.why.lexical, hit.why.dense, hit.why.feedback, hit.why.neighbours, hit.why.links];
        let sum: f32 = parts.iter().flatten().map(|part| part.normalised * part.weight).sum();
        assert!((sum - hit.score).abs() < 1e-5, "{hit:?}");
        assert_eq!(hit.similarity, hit.why.dense.map(|part| part.score));
    }
    assert!(found.hits[0].why.terms.contains(&"parcel".to_owned()));
}

#[test]
fn the_trace_says_what_was_done() {
    let trace = library(&TEXTS).search("parcel", Mode::Hybrid).trace;
    let steps: Vec<&str> = trace.timings_us.iter().map(|(step, _)| step.as_str()).collect();
    assert_eq!(
        steps,
        ["embed", "filter", "lexical", "dense", "score", "fuse", "refine", "links", "suppress", "load"]
    );
    assert_eq!((trace.total, trace.eligible, trace.lexical_candidates, trace.dense_candidates), (5, 5, 2, 5));
}

#[test]
fn a_search_by_one_part_is_not_refined() {
    let library = library(&TEXTS);
    for mode in [Mode::Lexical, Mode::Dense] {
        let found = library.search("parcel", mode);
        assert!(found.hits.iter().all(|hit| hit.why.feedback.is_none() && hit.why.neighbours.is_none()));
        assert_eq!(found.hits[0].score, 1.0);
    }
}

#[test]
fn a_filter_holds() {
    let library = library(&TEXTS);
    let mut request = library.request("money and parcel", Mode::Hybrid);
    request.filter.documents = vec![library.documents[4], library.documents[2]];
    let found = library.retriever(false, None).search(&request).unwrap();
    assert_eq!((found.hits.len(), found.trace.eligible), (2, 2));
    request.filter = Filter { path_prefix: Some("docs/mon".to_owned()), ..Filter::default() };
    assert_eq!(titles(&library.retriever(false, None).search(&request).unwrap()), ["Money"]);
}

#[test]
fn passages_that_say_the_same_are_shown_once() {
    let text = "A parcel is delivered in three days.";
    let copy = [("Shipping", text), ("Shipped", text), ("Leave", "Holiday is thirty days long.")];
    let found = library(&copy).search("parcel", Mode::Hybrid);
    assert_eq!(found.hits.len(), 2);
    assert_eq!(found.hits[0].why.duplicates.len(), 1);
}

#[test]
fn without_the_embedder_words_still_find() {
    let library = library(&TEXTS);
    let retriever = library.retriever(true, None);
    let found = retriever.search(&library.request("parcel", Mode::Hybrid)).unwrap();
    assert_eq!(found.hits.len(), 2);
    assert!(found.trace.fusion.starts_with("by words only"));
    let error = retriever.search(&library.request("parcel", Mode::Dense)).unwrap_err();
    assert_eq!(error.code, "model_unavailable");
}

#[test]
fn a_reranker_has_the_last_word_and_may_fail() {
    let library = library(&TEXTS);
    let request = library.request("parcel", Mode::Hybrid);
    let by_length =
        library.retriever(false, Some(Arc::new(Longest { fails: false }))).search(&request).unwrap();
    assert_eq!(titles(&by_length)[0], "Money");
    assert!(by_length.hits[0].why.rerank.is_some());
    let fused = library.retriever(false, Some(Arc::new(Longest { fails: true }))).search(&request).unwrap();
    assert_eq!(titles(&fused), titles(&library.search("parcel", Mode::Hybrid)));
}

#[test]
fn what_is_deleted_is_no_hit() {
    let library = library(&TEXTS);
    library.store.document_delete(library.workspace, library.documents[1]).unwrap();
    assert!(!titles(&library.search("parcel", Mode::Hybrid)).contains(&"Shipping"));
    library.indexes.catch_up().unwrap();
    assert_eq!(library.search("parcel", Mode::Hybrid).trace.total, 4);
}

/// The first needs the second to be understood; the third is no farther from the question than the second.
const HOPS: [(&str, &str); 4] = [
    ("The parcel of Oakham", "A parcel was delivered late, for it was packed by Ada Stone."),
    (
        "Ada Stone",
        "She keeps bees, as her mother did, and was born in the county of Rutland, on a farm by the water that her brother has.",
    ),
    ("Bob Stone", "He keeps hens and he was born in the county of Norfolk."),
    ("Weather", "It rained on Tuesday."),
];

fn linked<'a>(found: &'a Found, title: &str) -> &'a [String] {
    found.hits.iter().find(|hit| hit.title == title).map_or(&[], |hit| &hit.why.names)
}

#[test]
fn a_passage_that_the_best_one_names_is_found_and_says_why() {
    let library = library(&HOPS);
    // The embedder of few words takes the two persons for copies of each other.
    let request = library.request("where was the packer of the late parcel born", Mode::Hybrid);
    let found = library.retriever_with("suppress_duplicates=false").search(&request).unwrap();
    assert_eq!(linked(&found, "Ada Stone"), ["Ada Stone"]);
    assert!(linked(&found, "Bob Stone").is_empty());
    let place = |title| titles(&found).iter().position(|found| *found == title).unwrap();
    assert!(place("Ada Stone") < place("Bob Stone"), "{:?}", titles(&found));
    for hit in &found.hits {
        let why = &hit.why;
        let parts = [why.lexical, why.dense, why.feedback, why.neighbours, why.links];
        let sum: f32 = parts.iter().flatten().map(|part| part.normalised * part.weight).sum();
        assert!((sum - hit.score).abs() < 1e-5, "{hit:?}");
    }
    let trace = &found.trace;
    assert!(trace.fusion.ends_with("0.75 x visits over links"), "{}", trace.fusion);
}

#[test]
fn a_passage_that_the_question_names_counts_as_linked() {
    let found = library(&HOPS).search("what does bob stone keep", Mode::Hybrid);
    assert_eq!(linked(&found, "Bob Stone"), ["Bob Stone"]);
    assert_eq!(titles(&found)[0], "Bob Stone");
}

#[test]
fn without_weight_nobody_walks() {
    let library = library(&HOPS);
    let request = library.request("parcel packed by Ada Stone", Mode::Hybrid);
    let found = library.retriever_with("links_weight=0").search(&request).unwrap();
    assert!(found.hits.iter().all(|hit| hit.why.links.is_none() && hit.why.names.is_empty()));
    assert!(!found.trace.fusion.contains("links"));
}

#[test]
fn what_is_filtered_out_or_deleted_is_no_bridge() {
    let library = library(&HOPS);
    let mut request = library.request("where was the packer of the late parcel born", Mode::Hybrid);
    request.filter.documents = library.documents[1..].to_vec();
    let found = library.retriever(false, None).search(&request).unwrap();
    assert!(linked(&found, "Ada Stone").is_empty());
    library.store.document_delete(library.workspace, library.documents[0]).unwrap();
    let found = library.search("where was the packer of the late parcel born", Mode::Hybrid);
    assert!(linked(&found, "Ada Stone").is_empty(), "although the index does not know yet");
}

#[test]
fn what_the_reader_may_not_see_is_no_bridge() {
    let library = library(&HOPS);
    let ada = library.store.user_create("ada", None).unwrap().id;
    let granted = Granted { role: Role::Reader, workspace: Some(library.workspace) };
    library.store.grant_set(Holder::User(ada), granted).unwrap();
    let mut request = library.request("where was the packer of the late parcel born", Mode::Hybrid);
    request.reader = Reader::Holder(Holder::User(ada));
    let names = || {
        let found = library.retriever(false, None).search(&request).unwrap();
        linked(&found, "Ada Stone").to_vec()
    };
    assert_eq!(names(), ["Ada Stone"]);
    let readers = Some(vec![Holder::User(ibid_types::UserId::new())]);
    let change = DocumentChange { readers, ..DocumentChange::default() };
    library.store.document_change(library.workspace, library.documents[0], change).unwrap();
    assert!(names().is_empty(), "although the index does not know yet");
    library.indexes.catch_up().unwrap();
    assert!(names().is_empty());
}

#[test]
fn nothing_is_found_in_nothing() {
    let library = library(&[]);
    assert!(library.search("parcel", Mode::Hybrid).hits.is_empty());
    assert!(library.search("", Mode::Hybrid).hits.is_empty());
}
