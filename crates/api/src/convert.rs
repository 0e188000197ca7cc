//! Domain values to wire values and back. Both directions live here, so that a wire name is written once.

use ibid_types::document::DocumentStatus;
use ibid_types::search::Mode;
use ibid_types::{Error, Result, Timestamp, answer as domain, document as doc, search as find};

use crate::{answer, document, search};

impl document::Document {
    #[must_use]
    pub fn new(workspace: &str, value: doc::Document, version: Option<doc::Version>) -> Self {
        Self {
            id: value.id.to_string(),
            workspace: workspace.to_owned(),
            source: value.source,
            status: value.status.name().to_owned(),
            title: value.title,
            author: value.author,
            language: value.language,
            tags: value.tags,
            readers: Vec::new(),
            date: value.date.to_string(),
            created_at: value.created_at.to_string(),
            updated_at: value.updated_at.to_string(),
            version: version.map(Into::into),
        }
    }
}

impl From<doc::Version> for document::Version {
    fn from(value: doc::Version) -> Self {
        Self {
            id: value.id.to_string(),
            number: value.number,
            status: value.status.name().to_owned(),
            content_hash: value.content.to_string(),
            size_bytes: value.size_bytes,
            media_type: value.media_type,
            chunk_count: value.chunk_count,
            text_bytes: value.text_bytes,
            page_count: value.page_count,
            warnings: value.warnings,
            failure: value.failure.map(Into::into),
            near_duplicate_of: value.near_duplicate_of.map(|id| id.to_string()),
            created_at: value.created_at.to_string(),
        }
    }
}

impl From<doc::Failure> for document::Failure {
    fn from(value: doc::Failure) -> Self {
        Self { code: value.code, reason: value.reason }
    }
}

/// Reads a status name as a filter takes it.
pub fn status(name: &str) -> Result<DocumentStatus> {
    [DocumentStatus::Pending, DocumentStatus::Ready, DocumentStatus::Failed]
        .into_iter()
        .find(|status| status.name() == name)
        .ok_or_else(|| unknown("status", name, "pending, ready or failed"))
}

/// Reads a search mode; none is hybrid.
pub fn search_mode(name: Option<&str>) -> Result<Mode> {
    match name {
        None | Some("hybrid") => Ok(Mode::Hybrid),
        Some("lexical") => Ok(Mode::Lexical),
        Some("dense") => Ok(Mode::Dense),
        Some(other) => Err(unknown("mode", other, "hybrid, lexical or dense")),
    }
}

/// Reads an answer mode; none is automatic.
pub fn answer_mode(name: Option<&str>) -> Result<domain::AnswerMode> {
    match name {
        None | Some("auto") => Ok(domain::AnswerMode::Auto),
        Some("extractive") => Ok(domain::AnswerMode::Extractive),
        Some("generative") => Ok(domain::AnswerMode::Generative),
        Some(other) => Err(unknown("mode", other, "auto, extractive or generative")),
    }
}

fn unknown(field: &str, value: &str, allowed: &str) -> Error {
    Error::bad_request("value_unknown", format!("{field} '{value}' is not known; use {allowed}"))
}

impl search::Filter {
    pub fn into_domain(self) -> Result<find::Filter> {
        let documents = self.documents.iter().map(|id| id.parse()).collect::<Result<_>>()?;
        let time = |text: Option<String>| text.map(|text| text.parse::<Timestamp>()).transpose();
        Ok(find::Filter {
            documents,
            tags: self.tags,
            languages: self.languages.into_iter().map(|language| language.to_lowercase()).collect(),
            path_prefix: self.path_prefix,
            date_from: time(self.date_from)?,
            date_to: time(self.date_to)?,
            without_memory: self.without_memory,
        })
    }
}

impl search::Hit {
    #[must_use]
    pub fn new(hit: find::Hit, explain: bool) -> Self {
        let span = hit.chunk.span;
        Self {
            score: hit.score,
            similarity: hit.similarity,
            document: hit.chunk.document.to_string(),
            version: hit.chunk.version.to_string(),
            chunk: hit.chunk.id.to_string(),
            title: hit.title,
            source: hit.source,
            page: span.page_at(0),
            heading_path: span.heading_path,
            text: hit.chunk.text,
            start_byte: span.start,
            end_byte: span.end,
            kind: span.kind.name().to_owned(),
            date: hit.date.to_string(),
            language: hit.language,
            tags: hit.tags,
            why: explain.then(|| hit.why.into()),
        }
    }
}

impl From<find::Why> for search::Why {
    fn from(value: find::Why) -> Self {
        Self {
            lexical: value.lexical.map(Into::into),
            dense: value.dense.map(Into::into),
            feedback: value.feedback.map(Into::into),
            neighbours: value.neighbours.map(Into::into),
            links: value.links.map(Into::into),
            rerank: value.rerank.map(Into::into),
            terms: value.terms,
            names: value.names,
            duplicates: value.duplicates.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<find::Part> for search::Part {
    fn from(value: find::Part) -> Self {
        Self { rank: value.rank, score: value.score, normalised: value.normalised, weight: value.weight }
    }
}

impl From<find::Trace> for search::Trace {
    fn from(value: find::Trace) -> Self {
        let mode = match value.mode {
            Mode::Lexical => "lexical",
            Mode::Dense => "dense",
            Mode::Hybrid => "hybrid",
        };
        Self {
            mode: mode.to_owned(),
            terms: value.terms,
            language: value.language,
            eligible: value.eligible,
            total: value.total,
            lexical_candidates: value.lexical_candidates,
            dense_candidates: value.dense_candidates,
            fusion: value.fusion,
            timings: value.timings_us.into_iter().map(|(step, us)| search::Timing { step, us }).collect(),
        }
    }
}

impl answer::Answer {
    #[must_use]
    pub fn new(value: domain::Answer, explain: bool, took_ms: f64) -> Self {
        let mode = match value.mode {
            domain::AnswerMode::Generative => "generative",
            domain::AnswerMode::Extractive | domain::AnswerMode::Auto => "extractive",
        };
        Self {
            text: value.text,
            mode: mode.to_owned(),
            model: value.model,
            claims: value.claims.into_iter().map(Into::into).collect(),
            citations: value.citations.into_iter().map(Into::into).collect(),
            abstained: value.abstained.map(Into::into),
            coverage: value.coverage,
            confidence: value.confidence,
            notices: value.notices,
            usage: value.usage.into(),
            usd: None,
            trace: explain.then(|| value.trace.into()),
            kept_at: value.kept.map(|kept| kept.at.to_string()),
            took_ms,
        }
    }
}

impl From<domain::Claim> for answer::Claim {
    fn from(value: domain::Claim) -> Self {
        let verdict = match value.verdict {
            domain::Verdict::Supported => "supported",
            domain::Verdict::Unsupported => "unsupported",
            domain::Verdict::NotCheckable => "not_checkable",
        };
        Self {
            text: value.text,
            verdict: verdict.to_owned(),
            citations: value.citations,
            support: value.support,
            tool: value.tool,
        }
    }
}

impl From<domain::Citation> for answer::Citation {
    fn from(value: domain::Citation) -> Self {
        Self {
            number: value.number,
            document: value.document.to_string(),
            version: value.version.to_string(),
            chunk: value.chunk.to_string(),
            title: value.title,
            source: value.source,
            heading_path: value.heading_path,
            page: value.page,
            quote: value.quote,
            withheld: value.withheld,
            episode: value.episode.map(|episode| episode.to_string()),
            start_byte: value.start,
            end_byte: value.end,
            start_char: value.start_char,
            end_char: value.end_char,
        }
    }
}

impl From<domain::Abstention> for answer::Abstention {
    fn from(value: domain::Abstention) -> Self {
        Self { reason: value.reason, looked_for: value.looked_for, nearest: value.nearest }
    }
}

impl From<domain::Usage> for answer::Usage {
    fn from(value: domain::Usage) -> Self {
        Self { prompt_tokens: value.prompt_tokens, completion_tokens: value.completion_tokens }
    }
}

#[must_use]
pub fn step_event(name: String, state: domain::StepState, detail: String) -> answer::StepEvent {
    let state = match state {
        domain::StepState::Started => "started",
        domain::StepState::Finished => "finished",
        domain::StepState::Failed => "failed",
    };
    answer::StepEvent { name, state: state.to_owned(), detail }
}
