//! What people tell, files of other programs' memories, questions to what is remembered, and source code.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use ibid_code::{FileSymbols, Limits, Span, symbols};
use ibid_extract::{Context, EntityKind, Extracted, extract};
use ibid_index::memory::{Change, Filter, Item, Key, Kind, Memory as Index, Place, Vectors};
use ibid_memory::{Forget, Memory, MemoryConfig, Origin, Scope, zone_of};
use ibid_model::{Embedder, EmbedderSpec, Purpose};
use ibid_retrieve::memory::{Config, Request, recall as recalled, retold};
use ibid_runtime::Clock;
use ibid_store::{Sqlite, SqliteConfig, Store};
use ibid_types::memory::Owner;
use ibid_types::{Class, Error, Result as Outcome, Timestamp, WorkspaceId};
use tempfile::TempDir;

use super::disk::folder;
use super::{joined, keep, parts, text};

/// The 3rd of May 2026.
const NOW_MS: i64 = 1_777_802_400_000;
const DIMENSIONS: usize = 8;
const HITS_MAX: usize = 10;

/// The parts are milliseconds, a zone, who speaks and to whom, and what is said.
pub fn told(bytes: &[u8]) -> Result<(), String> {
    let [at, zone, speaker, addressee, said] = parts::<5>(bytes).map(text);
    let known: HashMap<String, EntityKind> = [("zork".to_owned(), EntityKind::Product)].into();
    let someone = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    let (speaker, addressee) = (someone(&speaker), someone(&addressee));
    let utc = || Context::at(Timestamp(0)).zone;
    let context = Context {
        at: Timestamp(at.trim().parse().unwrap_or(NOW_MS)),
        zone: zone_of(zone.trim()).unwrap_or_else(|_| utc()),
        speaker: speaker.as_deref(),
        addressee: addressee.as_deref(),
        known: &known,
    };
    let found = extract(&said, &context);
    keep(found == extract(&said, &context), "the same is found again")?;
    fits(&said, &found)
}

fn fits(said: &str, found: &Extracted) -> Result<(), String> {
    let is_in = |span: &Range<usize>| span.start < span.end && said.get(span.clone()).is_some();
    let is_share = |share: f32| (0.0..=1.0).contains(&share);
    keep(found.mentions.iter().all(|mention| is_in(&mention.span)), "a name stands in the text")?;
    keep(
        found.dates.iter().all(|date| is_in(&date.span) && date.from < date.to),
        "a date stands in the text",
    )?;
    keep(is_share(found.importance), "importance is a share")?;
    for said in &found.statements {
        let (span, object) = (&said.span, &said.object.span);
        keep(is_in(span) && is_in(object), "a statement stands in the text")?;
        keep(said.subject.span.as_ref().is_none_or(is_in), "a subject stands in the text")?;
        keep(span.start <= object.start && object.end <= span.end, "an object stands in its statement")?;
        keep(is_share(said.confidence) && is_share(said.importance), "confidence is a share")?;
    }
    Ok(())
}

pub fn told_seeds() -> Vec<Vec<u8>> {
    let seed = |zone: &str, speaker: &str, said: &str| {
        joined(&[b"1777802400000", zone.as_bytes(), speaker.as_bytes(), b"Otto", said.as_bytes()])
    };
    vec![
        seed(
            "Europe/Berlin",
            "Mira",
            "I joined Initech last Monday. My sister Anna no longer works at Globex since 2019.",
        ),
        seed(
            "America/New_York",
            "",
            "The billing service depends on Redis, but not on zork. See ADR-7 (3rd of May, 10:30).",
        ),
        seed(
            "",
            "Mira",
            "Ich wohne seit zwei Jahren in Köln und mag keinen Kaffee. Otto hat am 3. Mai gekündigt.",
        ),
        seed(
            "Asia/Tokyo",
            "Ben",
            "You used to live in São Paulo until March; we prefer tea. \"Always run fmt\", she said.",
        ),
    ]
}

/// Everything of a library that takes memories in.
struct Library {
    memory: Memory,
    store: Store,
    workspace: WorkspaceId,
    /// Lives as long as the process.
    _folder: TempDir,
}

impl Library {
    fn open() -> Result<Self, String> {
        let folder = folder()?;
        let told = |error: Error| error.chain();
        let sqlite = Sqlite::open(SqliteConfig::new(folder.path().join("ibid.db"))).map_err(told)?;
        let store = Store::new(Arc::new(sqlite), Clock::manual(Timestamp(NOW_MS)));
        let workspace = store.workspace_ensure("main").map_err(told)?.id;
        let memory = Memory::new(store.clone(), Arc::new(Words::new()), MemoryConfig::default());
        Ok(Self { memory, store, workspace, _folder: folder })
    }

    fn scope(&self) -> Scope {
        Scope { workspace: self.workspace, owner: Owner::Machine, now: self.store.now() }
    }

    /// How much is remembered when everything is read; nothing is left behind.
    fn taken(&self, origin: Option<Origin>, data: &str, times: usize) -> Outcome<(u64, u64)> {
        for _ in 0..times {
            self.memory.import(self.scope(), origin, data)?;
            while self.memory.work()? > 0 {}
        }
        let counts = self.store.memory_counts(self.workspace, &[Owner::Machine])?;
        self.memory.forget(self.scope(), Forget::Everything, &())?;
        Ok((counts.episodes, counts.facts))
    }
}

fn library() -> Result<&'static Library, String> {
    static LIBRARY: OnceLock<Result<Library, String>> = OnceLock::new();
    LIBRARY.get_or_init(Library::open).as_ref().map_err(Clone::clone)
}

/// The parts are what wrote it, or nothing, and the file.
pub fn import(bytes: &[u8]) -> Result<(), String> {
    let library = library()?;
    let [origin, data] = parts::<2>(bytes).map(text);
    let origin = origin.trim().parse::<Origin>().ok();
    let once = match library.taken(origin, &data, 1) {
        Ok(counts) => counts,
        Err(error) => return keep(error.class != Class::Internal, &error.chain()),
    };
    let twice = library.taken(origin, &data, 2).map_err(|error| error.chain())?;
    keep(once == twice, &format!("taking it in twice is taking it in once: {once:?}, {twice:?}"))
}

pub fn import_seeds() -> Vec<Vec<u8>> {
    let mem0 = r#"{"results": [{"id": "1", "memory": "Likes tea", "created_at": "2024-07-26T10:29:36Z", "metadata": null}],
        "relations": [{"source": "ada", "relationship": "lives_in", "target": "paris"}]}"#;
    let graphiti = r#"{"nodes": [{"uuid": "a", "name": "Ada"}, {"uuid": "b", "name": "Initech"}],
        "edges": [{"uuid": "e", "name": "WORKS_AT", "fact": "Ada works at Initech", "source_node_uuid": "a",
        "target_node_uuid": "b", "valid_at": "2019-01-01T00:00:00Z", "invalid_at": null}],
        "episodes": [{"uuid": "c", "content": "Ada: I joined Initech", "name": "turn 1"}]}"#;
    let zep = r#"{"facts": [{"uuid": "f", "fact": "Ada moved to Paris", "name": "LIVES_IN", "source_node_name": "Ada",
        "target_node_name": "Paris", "valid_at": "2024-01-01"}], "nodes": [], "episodes": []}"#;
    let lines = "{\"text\": \"The API depends on Redis.\", \"speaker\": \"Tom\", \"at\": \"2026-05-03\", \"zone\": \"Europe/Berlin\"}\n\
        {\"subject\": \"API\", \"relation\": \"depends on\", \"object\": \"Redis\", \"single_valued\": true, \"valid_from\": \"2026-01-01\"}\n";
    let ours = "{\"type\": \"entity\", \"id\": \"1\", \"name\": \"Ada\"}\n\
        {\"type\": \"episode\", \"id\": \"2\", \"kind\": \"note\", \"text\": \"Ada likes tea.\", \"at\": \"2026-05-03T10:00:00Z\"}\n\
        {\"type\": \"fact\", \"subject\": \"Ada\", \"relation\": \"LIKE\", \"object_text\": \"tea\", \"negated\": true, \"confidence\": 0.9}\n";
    [("mem0", mem0), ("graphiti", graphiti), ("zep", zep), ("jsonl", lines), ("ibid", ours), ("", lines)]
        .map(|(origin, data)| joined(&[origin.as_bytes(), data.as_bytes()]))
        .to_vec()
}

/// Texts with the same words have the same vector.
#[derive(Debug)]
struct Words(EmbedderSpec);

impl Words {
    fn new() -> Self {
        Self(EmbedderSpec { id: "words".to_owned(), dimensions: DIMENSIONS, tokens_max: 256 })
    }
}

impl Embedder for Words {
    fn spec(&self) -> &EmbedderSpec {
        &self.0
    }

    fn embed(&self, texts: &[&str], _: Purpose) -> Outcome<Vec<Vec<f32>>> {
        Ok(texts.iter().map(|text| vector(text)).collect())
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }
}

fn vector(text: &str) -> Vec<f32> {
    let mut vector = [0.0_f32; DIMENSIONS];
    for word in text.split_whitespace() {
        let sum =
            word.bytes().fold(7_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
        vector[sum % DIMENSIONS] += 1.0;
    }
    let length = vector.iter().map(|number: &f32| number * number).sum::<f32>().sqrt().max(1e-6);
    vector.iter().map(|number| number / length).collect()
}

const OWNER: &str = "user:ann";

/// A conversation, what was found in it, and what is somebody else's.
fn index() -> &'static Index {
    static INDEX: OnceLock<Index> = OnceLock::new();
    INDEX.get_or_init(|| {
        let index = Index::new(DIMENSIONS);
        let said = ["Do you play?", "I play the cello since May.", "我喜欢茶。", "Köln is where Bob lives."];
        let mut changes: Vec<Change> =
            (1..).zip(said).map(|(number, said)| turn(number, OWNER, said)).collect();
        changes.push(turn(9, "user:mallory", "Ann plays the cello in Köln."));
        let bob = Item {
            names: vec!["Bob".to_owned(), "Robert".to_owned()],
            ..item(Kind::Entity, 5, OWNER, "Bob")
        };
        let fact = Item { entities: vec![[5; 16]], ..item(Kind::Fact, 6, OWNER, "Bob lives in Köln") };
        changes.extend([bob, fact].map(|item| Change::Put(Box::new(item))));
        index.apply(&changes);
        index
    })
}

fn item(kind: Kind, number: u8, owner: &str, text: &str) -> Item {
    Item { vector: Some(vector(text)), ..Item::new(Key::new(kind, [number; 16]), owner, text) }
}

fn turn(number: u8, owner: &str, said: &str) -> Change {
    let speaker = if number.is_multiple_of(2) { "Bob" } else { "Ann" };
    Change::Put(Box::new(Item {
        speaker: Some(speaker.to_owned()),
        at: Some(Timestamp(NOW_MS + i64::from(number))),
        place: Some(Place { series: [9; 16], ordinal: number.into() }),
        ..item(Kind::Episode, number, owner, said)
    }))
}

/// The parts are who asks, or nobody, and the question; it is asked with vectors and without.
pub fn recall(bytes: &[u8]) -> Result<(), String> {
    let [asker, question] = parts::<2>(bytes).map(text);
    let filter = Filter { owners: vec![OWNER.to_owned()], ..Filter::default() };
    let asker = (!asker.is_empty()).then_some(asker);
    let request = Request { question, asker, filter, limit: HITS_MAX };
    let again = retold(index(), &request);
    let vectors = (vector(&request.question), again.as_deref().map(vector));
    let with = Vectors { plain: Some(&vectors.0), retold: vectors.1.as_deref() };
    for vectors in [with, Vectors::default()] {
        let found = recalled(index(), &request, vectors, &Config::default());
        keep(found.hits.len() <= HITS_MAX, "no more than asked for")?;
        keep(found.hits.iter().all(|hit| hit.key.id != [9; 16]), "nothing of somebody else's")?;
        keep(found.hits.iter().all(|hit| hit.score.is_finite()), "a score is a number")?;
        keep(found.hits.windows(2).all(|pair| pair[0].score >= pair[1].score), "the best first")?;
        for hit in &found.hits {
            let sum: f32 = hit.why.parts().map(|part| part.normalised * part.weight).sum();
            keep((sum - hit.score).abs() < 1e-4, "the parts of a score add up to it")?;
        }
    }
    Ok(())
}

pub fn recall_seeds() -> Vec<Vec<u8>> {
    ["Which instrument does Bob play?", "Where do I live since May 2026?", "我喜欢什么？", "Köln Robert Ann"]
        .map(|question| joined(&[b"Ann", question.as_bytes()]))
        .to_vec()
}

const LIMITS: Limits = Limits {
    file_bytes_max: 1 << 18,
    symbols_max: 100,
    references_max: 200,
    notes_max: 20,
    depth_max: 50,
    parse_ms_max: 500,
    text_bytes_max: 100,
};

/// The same bytes as a file of each language.
pub fn source(bytes: &[u8]) -> Result<(), String> {
    for ending in ["c", "go", "java", "js", "py", "rs", "tsx", "ts"] {
        let found = symbols(&format!("a.{ending}"), bytes, &LIMITS);
        keeps_to(&found, bytes.len()).map_err(|what| format!("{ending}: {what}"))?;
    }
    Ok(())
}

fn keeps_to(found: &FileSymbols, length: usize) -> Result<(), String> {
    let is_in = |span: &Span| span.start <= span.end && span.end as usize <= length;
    let is_known = |number: Option<u32>| number.is_none_or(|number| (number as usize) < found.symbols.len());
    keep(found.language.is_some(), "the language is known by the ending")?;
    keep(found.symbols.len() <= LIMITS.symbols_max, "symbols are bounded")?;
    keep(found.references.len() <= LIMITS.references_max, "references are bounded")?;
    keep(found.notes.len() <= LIMITS.notes_max, "notes are bounded")?;
    for (number, symbol) in found.symbols.iter().enumerate() {
        keep(is_in(&symbol.span), "a symbol stands in the file")?;
        keep(symbol.parent.is_none_or(|parent| (parent as usize) < number), "a parent comes before")?;
        keep(symbol.signature.len() <= LIMITS.text_bytes_max, "a signature is bounded")?;
    }
    keep(
        found.references.iter().all(|one| is_in(&one.span) && is_known(one.from)),
        "a reference is in the file",
    )?;
    keep(found.notes.iter().all(|one| is_in(&one.span) && is_known(one.symbol)), "a note is in the file")
}

pub fn source_seeds() -> Vec<Vec<u8>> {
    [
        "/// Counts.\npub fn count(list: &[u8]) -> usize { self::sum(list) } // TODO: faster\nimpl Display for A<'_> { fn fmt() {} }\n",
        "class A(B):\n    \"\"\"Doc.\"\"\"\n    def run(self, x=1):\n        # why: because\n        return self.other(x)\nfrom a.b import *\n",
        "import { a as b } from './c';\nexport default class X extends Y<Z> { async run() { return <A b={c}/>; } }\n",
        "package main\nimport \"fmt\"\ntype T struct { A int }\nfunc (t *T) Run() { fmt.Println(t.A) }\n",
        "package a; import java.util.*; public class A<T> extends B implements C { @Override void run() { this.b(); } }\n",
        "#include \"a.h\"\n#define MAX(a, b) ((a) > (b) ? (a) : (b))\nstruct s { int a; };\nstatic int f(struct s *p) { return g(p->a); }\n",
    ]
    .map(|file| file.as_bytes().to_vec())
    .to_vec()
}
