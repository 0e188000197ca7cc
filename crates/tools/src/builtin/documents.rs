//! `search_documents` and `read_document`: the workspace's own texts, over a small port that the composition root
//! fills.
//!
//! Keeps true: only the workspace of the call is ever asked.

use std::fmt::Debug;
use std::sync::Arc;

use ibid_types::access::Reader;
use ibid_types::{DocumentId, Error, Result, WorkspaceId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Tool, ToolContext, ToolSpec};

/// Passages that one search gives when it is not told how many, and at most.
const PASSAGES_USUAL: u64 = 5;
const PASSAGES_MAX: u64 = 20;

/// Characters that one reading gives when it is not told how many, and at most.
const CHARS_USUAL: u64 = 4_000;
const CHARS_MAX: u64 = 20_000;

/// The texts of a workspace, as tools need them.
pub trait Library: Send + Sync + Debug {
    /// The best passages, best first, at most `limit`.
    fn search(
        &self,
        workspace: WorkspaceId,
        reader: Reader,
        query: &str,
        limit: usize,
    ) -> Result<Vec<Passage>>;

    /// At most `chars_max` characters (not bytes) of a document's text from character `from_char`; an empty text when
    /// there are no more. A document that the workspace does not have, or that may not be read, is `document_unknown`.
    fn read(
        &self,
        workspace: WorkspaceId,
        reader: Reader,
        document: DocumentId,
        from_char: usize,
        chars_max: usize,
    ) -> Result<DocumentText>;
}

/// A place that a search found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Passage {
    pub document: DocumentId,
    pub title: String,
    pub text: String,
    /// Comparable within one search only; higher is better.
    pub score: f32,
    /// Where the passage begins in the document's text, for `Library::read`.
    pub from_char: usize,
}

/// A part of a document's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentText {
    pub document: DocumentId,
    pub title: String,
    pub text: String,
    pub from_char: usize,
    pub chars_total: usize,
}

/// Input `{"query", "limit"?}`; output `{"passages": [Passage]}`.
#[derive(Debug)]
pub struct SearchDocuments {
    spec: ToolSpec,
    library: Arc<dyn Library>,
}

impl SearchDocuments {
    /// # Errors
    /// None in practice: the schema is fixed.
    pub fn new(library: Arc<dyn Library>) -> Result<Self> {
        let schema = json!({
            "type": "object",
            "properties": {
                "query": {"type": "string", "minLength": 1, "maxLength": 2000, "description": "what to look for, in plain words"},
                "limit": {"type": "integer", "minimum": 1, "maximum": PASSAGES_MAX, "description": "how many passages, 5 if it is not given"},
            },
            "required": ["query"],
            "additionalProperties": false,
        });
        let description = "Searches the documents of this workspace and gives the passages that fit best.";
        Ok(Self { spec: ToolSpec::new("search_documents", description, schema)?, library })
    }
}

impl Tool for SearchDocuments {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, input: &Value, context: &ToolContext) -> Result<Value> {
        let query = input["query"].as_str().unwrap_or_default().trim();
        if query.is_empty() {
            return Err(Error::bad_request(
                "query_empty",
                "the search query holds nothing; search for a word",
            ));
        }
        let passages = self.library.search(
            context.workspace,
            context.reader,
            query,
            number(input, "limit", PASSAGES_USUAL),
        )?;
        Ok(json!({"passages": passages}))
    }
}

/// Input `{"document", "from_char"?, "chars_max"?}`; output a `DocumentText` and `next_char`, which is null at the end.
#[derive(Debug)]
pub struct ReadDocument {
    spec: ToolSpec,
    library: Arc<dyn Library>,
}

impl ReadDocument {
    /// # Errors
    /// None in practice: the schema is fixed.
    pub fn new(library: Arc<dyn Library>) -> Result<Self> {
        let schema = json!({
            "type": "object",
            "properties": {
                "document": {"type": "string", "pattern": "^[0-9a-fA-F-]{32,36}$", "description": "the document's id, as search_documents gives it"},
                "from_char": {"type": "integer", "minimum": 0, "maximum": 4_294_967_295_u64, "description": "where to begin, 0 if it is not given; next_char of the last reading goes on"},
                "chars_max": {"type": "integer", "minimum": 1, "maximum": CHARS_MAX, "description": "how much to read, 4000 if it is not given"},
            },
            "required": ["document"],
            "additionalProperties": false,
        });
        let description = "Reads a document of this workspace, a part at a time.";
        Ok(Self { spec: ToolSpec::new("read_document", description, schema)?, library })
    }
}

impl Tool for ReadDocument {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, input: &Value, context: &ToolContext) -> Result<Value> {
        let document = input["document"].as_str().unwrap_or_default().parse()?;
        let (from, most) = (number(input, "from_char", 0), number(input, "chars_max", CHARS_USUAL));
        let part = self.library.read(context.workspace, context.reader, document, from, most)?;
        let next = part.from_char + part.text.chars().count();
        let more = !part.text.is_empty() && next < part.chars_total;
        let mut told = json!(part);
        told["next_char"] = if more { json!(next) } else { Value::Null };
        Ok(told)
    }
}

/// A whole number of the input, which may be written `5` or `5.0`.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn number(input: &Value, name: &str, usual: u64) -> usize {
    let given = input[name].as_u64().or_else(|| input[name].as_f64().map(|real| real as u64));
    usize::try_from(given.unwrap_or(usual)).unwrap_or(usize::MAX)
}
