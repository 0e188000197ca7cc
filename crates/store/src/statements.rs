//! Building blocks that a caller puts together into one batch: rows, the switch to a version, the feed entry.

use std::borrow::{Borrow, Cow};
use std::collections::HashMap;

use half::f16;
use half::slice::HalfFloatSliceExt;
use ibid_types::document::Chunk;
use ibid_types::{ChunkId, DocumentId, Error, Timestamp, VersionId, WorkspaceId};

use crate::value::to_json;
use crate::{Statement, Value};

/// For `map_err`: what it means that a statement changed another number of rows than it expected.
pub fn no_rows_is(meant: impl FnOnce() -> Error) -> impl FnOnce(Error) -> Error {
    |error| if error.code == "store_conflict" { meant() } else { error }
}

/// What makes a version the current one.
#[derive(Clone, Debug)]
pub struct PublishVersion {
    pub workspace: WorkspaceId,
    pub document: DocumentId,
    pub version: VersionId,
    pub title: String,
    pub author: Option<String>,
    pub language: Option<String>,
    pub tags: Vec<String>,
    pub date: Timestamp,
    pub page_count: Option<u32>,
    pub text_bytes: u64,
    pub chunk_count: u32,
    pub warnings: Vec<String>,
    /// 0 for none.
    pub signature: u64,
    pub near_duplicate_of: Option<DocumentId>,
    pub now: Timestamp,
}

/// Rows of chunks; those that are there already stay as they are.
#[must_use]
pub fn chunks<C: Borrow<Chunk>>(chunks: impl IntoIterator<Item = C>) -> Vec<Statement> {
    let sql = "INSERT INTO chunks (id, document_id, version_id, ordinal, start_byte, end_byte, start_char, pages, heading_path, kind, \
               tokens, text) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (id) DO NOTHING";
    let params = |chunk: &Chunk| {
        let span = &chunk.span;
        vec![
            chunk.id.into(),
            chunk.document.into(),
            chunk.version.into(),
            chunk.ordinal.into(),
            span.start.into(),
            span.end.into(),
            span.start_char.into(),
            to_json(&span.pages).into(),
            to_json(&span.heading_path).into(),
            span.kind.name().into(),
            span.tokens.into(),
            chunk.text.as_str().into(),
        ]
    };
    chunks.into_iter().map(|chunk| Statement::new(sql, params(chunk.borrow()))).collect()
}

/// Rows of vectors as little-endian 16-bit floats: half the space, and no measured loss in retrieval.
#[must_use]
pub fn embeddings(model: &str, vectors: &[(ChunkId, &[f32])]) -> Vec<Statement> {
    let sql = "INSERT INTO embeddings (chunk_id, model, vector) VALUES ($1, $2, $3) ON CONFLICT (chunk_id, model) DO NOTHING";
    let params =
        |(chunk, vector): &(ChunkId, &[f32])| vec![(*chunk).into(), model.into(), packed(vector).into()];
    vectors.iter().map(|entry| Statement::new(sql, params(entry))).collect()
}

/// `[f32]` as little-endian f16 bytes.
#[must_use]
pub fn packed(vector: &[f32]) -> Vec<u8> {
    let mut halves = vec![f16::ZERO; vector.len()];
    halves.convert_from_f32_slice(vector);
    let mut bytes = Vec::with_capacity(halves.len() * 2);
    halves.iter().for_each(|half| bytes.extend_from_slice(&half.to_le_bytes()));
    bytes
}

/// Makes the version current and tells the indexes, if its document was not deleted in the meantime.
#[must_use]
pub fn publish(publish: &PublishVersion) -> Vec<Statement> {
    let mut all = vec![
        Statement::new(
            "UPDATE versions SET status = 'ready', chunk_count = $2, text_bytes = $3, page_count = $4, warnings = $5, \
             near_duplicate_of = $6, failure_code = NULL, failure_reason = NULL WHERE id = $1",
            vec![
                publish.version.into(),
                publish.chunk_count.into(),
                publish.text_bytes.into(),
                publish.page_count.into(),
                to_json(&publish.warnings).into(),
                publish.near_duplicate_of.into(),
            ],
        ),
        Statement::new(
            "UPDATE documents SET status = 'ready', current_version = $2, title = $3, author = $4, language = $5, tags = $6, date = $7, \
             updated_at = $8 WHERE id = $1 AND EXISTS (SELECT 1 FROM versions WHERE id = $2) AND NOT EXISTS (SELECT 1 FROM versions AS newer, versions AS this \
             WHERE newer.id = documents.current_version AND this.id = $2 AND newer.number > this.number)",
            vec![
                publish.document.into(),
                publish.version.into(),
                publish.title.as_str().into(),
                publish.author.clone().into(),
                publish.language.clone().into(),
                to_json(&publish.tags).into(),
                publish.date.into(),
                publish.now.into(),
            ],
        ),
    ];
    all.push(signature(publish));
    all.push(feed_entry(publish.workspace, "document", publish.document.as_bytes().to_vec()));
    all
}

/// Bits in a band of a signature: two signatures that differ in at most three bits share one of four bands.
const BAND_BITS: u32 = 16;

/// The bands of the signature; a text without words has none, and resembles no other.
fn signature(publish: &PublishVersion) -> Statement {
    if publish.signature == 0 {
        let sql = "DELETE FROM signatures WHERE document_id = $1";
        return Statement::new(sql, vec![publish.document.into()]);
    }
    let sql = "INSERT INTO signatures (document_id, workspace_id, signature, band, value) \
               VALUES ($1, $2, $3, 0, $4), ($1, $2, $3, 1, $5), ($1, $2, $3, 2, $6), ($1, $2, $3, 3, $7) \
               ON CONFLICT (document_id, band) DO UPDATE SET value = excluded.value, signature = excluded.signature";
    let mut params: Vec<Value> =
        vec![publish.document.into(), publish.workspace.into(), publish.signature.into()];
    params.extend(bands(publish.signature).map(Value::from));
    Statement::new(sql, params)
}

/// The bits of each band.
pub(crate) fn bands(signature: u64) -> impl Iterator<Item = u64> {
    (0..4).map(move |band| signature >> (band * BAND_BITS) & 0xffff)
}

/// Ends a version with the reason why it could not be read. A document without a current version shows it.
#[must_use]
pub fn fail(version: VersionId, code: &str, reason: &str, now: Timestamp) -> Vec<Statement> {
    vec![
        Statement::new(
            "UPDATE versions SET status = 'failed', failure_code = $2, failure_reason = $3 WHERE id = $1",
            vec![version.into(), code.into(), reason.into()],
        ),
        Statement::new(
            "UPDATE documents SET status = CASE WHEN current_version IS NULL THEN 'failed' ELSE status END, updated_at = $2 \
             WHERE id = (SELECT document_id FROM versions WHERE id = $1)",
            vec![version.into(), now.into()],
        ),
    ]
}

/// The same statements with those of the same text beside each other, which the engine prepares once for all. Each
/// text's own order stays, and the texts follow in the order in which they first stand, those of documents before all others,
/// because versions refer to them.
#[must_use]
pub fn alike_together(statements: Vec<Statement>) -> Vec<Statement> {
    let mut places: HashMap<Cow<'static, str>, usize> = HashMap::new();
    let mut alike: Vec<Vec<Statement>> = Vec::new();
    for statement in statements {
        let place = *places.entry(statement.sql.clone()).or_insert(alike.len());
        if place == alike.len() {
            alike.push(Vec::new());
        }
        alike[place].push(statement);
    }
    let makes_documents = |group: &Vec<Statement>| {
        group.first().is_some_and(|statement| statement.sql.starts_with("INSERT INTO documents "))
    };
    alike.sort_by_key(|group| !makes_documents(group));
    alike.into_iter().flatten().collect()
}

/// Tells the indexes to look at the rows that `key` names.
#[must_use]
pub fn feed_entry(workspace: WorkspaceId, kind: &'static str, key: Vec<u8>) -> Statement {
    let sql = "INSERT INTO feed (workspace_id, kind, key) VALUES ($1, $2, $3)";
    Statement::new(sql, vec![workspace.into(), kind.into(), key.into()])
}
