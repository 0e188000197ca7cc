//! From a leased job to a document whose chunks wait for their vectors.

use ibid_store::{Lease, UploadPayload};
use ibid_types::document::{Chunk, ChunkSpan, searchable_context};
use ibid_types::parsed::{BlockKind, Metadata, Parsed};
use ibid_types::{ChunkId, DocumentId, Error, Result, VersionId, WorkspaceId};

use super::Pipeline;
use crate::chunk::{ChunkConfig, chunk};
use crate::guard::{guarded, guarded_title, orders};
use crate::parse::Hint;
use crate::text_signature;

/// A document that is parsed and cut, with all that its row will say.
#[derive(Debug)]
pub struct Prepared {
    pub lease: Lease,
    pub workspace: WorkspaceId,
    pub document: DocumentId,
    pub version: VersionId,
    pub metadata: Metadata,
    pub title: String,
    pub chunks: Vec<Chunk>,
    /// What the embedder reads for each chunk: its place, then its text.
    pub passages: Vec<String>,
    pub text_bytes: usize,
    pub page_count: Option<u32>,
    pub signature: u64,
    pub warnings: Vec<String>,
    /// Which passages give orders to a model.
    pub orders: Option<String>,
}

impl Pipeline {
    /// Parses and cuts the file that a job names. An error of the file itself is for good; see `is_final`.
    pub(super) fn prepare(&self, lease: &Lease) -> Result<Prepared> {
        let job = &lease.job;
        let payload = UploadPayload::read(job)?;
        let document = job
            .document
            .ok_or_else(|| Error::internal("job_malformed", "an ingest job names no document"))?;
        let workspace = job
            .workspace
            .ok_or_else(|| Error::internal("job_malformed", "an ingest job names no workspace"))?;
        let bytes = self.blobs.get(&payload.content)?;
        let hint = Hint { source: job.subject.clone(), media_type: Some(payload.media_type.clone()) };
        let parsed = self.pool.parse(&bytes, &hint)?;
        drop(bytes);
        refuse_empty(&parsed)?;
        let mut parsed = guarded(parsed, &self.config.guard)?;
        let metadata = payload.metadata.clone().or(parsed.metadata.clone());
        let title = guarded_title(title_of(&metadata, &parsed, &job.subject), &self.config.guard)?;
        let spans = chunk(&parsed, &self.chunk_config(&title), &|text| self.embedder.count_tokens(text));
        let chunks = chunks_of(&parsed, spans, document, payload.version);
        let orders = orders(&chunks);
        parsed.warnings.extend(orders.iter().map(|orders| format!("the text {orders}")));
        let passages = chunks.iter().map(|chunk| passage(&title, chunk)).collect();
        Ok(Prepared {
            lease: lease.clone(),
            workspace,
            document,
            version: payload.version,
            signature: text_signature(&parsed.text),
            text_bytes: parsed.text.len(),
            page_count: parsed.pages.last().map(|page| page.number),
            warnings: parsed.warnings,
            orders,
            metadata,
            title,
            chunks,
            passages,
        })
    }

    /// A chunk and its place must fit the embedder together.
    fn chunk_config(&self, title: &str) -> ChunkConfig {
        const SPECIAL_TOKENS: usize = 2;
        const PLACE_TOKENS_MAX: usize = 48;
        let place = (self.embedder.count_tokens(title) + 16).min(PLACE_TOKENS_MAX);
        let tokens_max = self.embedder.spec().tokens_max.saturating_sub(place + SPECIAL_TOKENS).max(16);
        let mut config = ChunkConfig::default();
        config.tokens_max = tokens_max;
        config.tokens_target = self.config.chunk_tokens_target.min(tokens_max);
        config
    }
}

fn refuse_empty(parsed: &Parsed) -> Result<()> {
    if parsed.text.trim().is_empty() {
        let what = "no text was found in the file; if it is a scan, run OCR over it first";
        return Err(Error::bad_request("document_no_text", what));
    }
    Ok(())
}

/// The file's own title, else its first heading, else its name.
fn title_of(metadata: &Metadata, parsed: &Parsed, source: &str) -> String {
    let own = metadata.title.as_deref().map(str::trim).filter(|title| !title.is_empty());
    let heading = || {
        let first = parsed.blocks.iter().find(|block| matches!(block.kind, BlockKind::Heading { .. }))?;
        parsed
            .text
            .get(first.start..first.end)
            .map(str::trim)
            .filter(|heading| !heading.is_empty() && heading.len() <= 200)
    };
    let name = || source.trim_end_matches('/').rsplit('/').next().unwrap_or(source);
    own.or_else(heading).unwrap_or_else(name).to_owned()
}

fn chunks_of(parsed: &Parsed, spans: Vec<ChunkSpan>, document: DocumentId, version: VersionId) -> Vec<Chunk> {
    let mut chunks = Vec::with_capacity(spans.len());
    for (ordinal, span) in (0..).zip(spans) {
        let text = parsed.text.get(span.start..span.end).unwrap_or_default().to_owned();
        chunks.push(Chunk { id: chunk_id(version, ordinal), document, version, ordinal, span, text });
    }
    chunks
}

/// A chunk's id follows from its version and place, so that a repeated attempt makes the same ids: the last four
/// bytes of the version's id give way to the ordinal. What is left of a UUIDv7 (48 bits of time, 42 of a counter
/// and chance) still tells versions apart.
fn chunk_id(version: VersionId, ordinal: u32) -> ChunkId {
    let mut bytes = *version.as_bytes();
    bytes[12..].copy_from_slice(&ordinal.to_be_bytes());
    ChunkId::from_bytes(bytes)
}

pub(crate) fn passage(title: &str, chunk: &Chunk) -> String {
    let place = searchable_context(title, &chunk.span.heading_path);
    if place.is_empty() { chunk.text.clone() } else { format!("{place}\n{}", chunk.text.trim()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunk_ids_follow_from_version_and_place() {
        let (a, b) = (VersionId::new(), VersionId::new());
        assert_eq!(chunk_id(a, 7), chunk_id(a, 7));
        assert!(chunk_id(a, 1) < chunk_id(a, 2));
        assert_ne!(chunk_id(a, 7), chunk_id(b, 7));
    }

    #[test]
    fn a_title_is_found() {
        let parsed = Parsed { text: "# x".into(), ..Parsed::default() };
        assert_eq!(title_of(&Metadata::default(), &parsed, "a/b/report.txt"), "report.txt");
        let named = Metadata { title: Some(" T ".into()), ..Metadata::default() };
        assert_eq!(title_of(&named, &parsed, "a"), "T");
    }
}
