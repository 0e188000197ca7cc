//! Bytes to text and structure: recognises the format and calls its parser.
//!
//! Keeps true: what is returned passes `Parsed::check`; no more than `Limits` allows is read, unpacked or
//! nested; a file that cannot be read gives an error of class bad_request with a code that starts `document_` or
//! `format_`.

use ibid_types::parsed::Parsed;
use ibid_types::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::format::{Format, detect};
use crate::formats::{
    code, delimited, docx, email, epub, html, json, markdown, markup, notebook, odf, pptx, spreadsheet,
    subtitles, text,
};
use crate::language::detect_language;

/// What is known of a file besides its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// Path, address or given name; its extension decides between text formats.
    pub source: String,
    /// As the uploader declared it; believed only where content and name say nothing.
    pub media_type: Option<String>,
}

impl Hint {
    #[must_use]
    pub fn named(source: impl Into<String>) -> Self {
        Self { source: source.into(), media_type: None }
    }
}

/// What one file may cost. All sizes in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Of the file as it is.
    pub bytes_max: usize,
    /// Of the extracted text; what is above is cut off with a warning.
    pub text_bytes_max: usize,
    /// Elements within elements, messages within messages.
    pub depth_max: usize,
    /// Files in a zip container.
    pub archive_entries_max: usize,
    /// All unpacked files of a container together.
    pub archive_bytes_max: usize,
    /// Unpacked size over packed size of one file in a container, above its first MiB.
    pub archive_ratio_max: usize,
    /// Pages, slides or sheets; what is above is left out with a warning.
    pub pages_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            bytes_max: 256 * MIB,
            text_bytes_max: 64 * MIB,
            depth_max: 256,
            archive_entries_max: 20_000,
            archive_bytes_max: 512 * MIB,
            archive_ratio_max: 200,
            pages_max: 20_000,
        }
    }
}

/// Reads a file of any supported format.
///
/// Errors: `format_unsupported`, `document_too_large`, `document_encrypted`, `document_damaged`, all bad_request.
pub fn parse(bytes: &[u8], hint: &Hint, limits: &Limits) -> Result<Parsed> {
    if bytes.len() > limits.bytes_max {
        let (size, most) = (bytes.len(), limits.bytes_max);
        let what = format!("the file has {size} bytes and the limit is {most}; split it or raise the limit");
        return Err(Error::bad_request("document_too_large", what));
    }
    let mut parsed = parse_nested(bytes, hint, limits)?;
    let metadata = &mut parsed.metadata;
    metadata.language = metadata.language.take().or_else(|| detect_language(&parsed.text));
    parsed.check()?;
    Ok(parsed)
}

/// A file within a file, or the whole of one: without its language, and unchecked.
pub(crate) fn parse_nested(bytes: &[u8], hint: &Hint, limits: &Limits) -> Result<Parsed> {
    read(detect(bytes, hint)?, bytes, hint, limits)
}

/// One arm a format.
fn read(format: Format, bytes: &[u8], hint: &Hint, limits: &Limits) -> Result<Parsed> {
    match format {
        Format::Markdown => Ok(markdown::parse(&text::decode(bytes), limits)),
        Format::Text => Ok(text::parse(&text::decode(bytes), limits)),
        Format::Html => Ok(html::parse(bytes, limits)),
        Format::Pdf => crate::pdf::parse(bytes, limits),
        Format::Code => Ok(code::parse(&text::decode(bytes), &hint.source, limits)),
        Format::Json => Ok(json::parse(&text::decode(bytes), limits)),
        Format::JsonLines => Ok(json::parse_lines(&text::decode(bytes), limits)),
        Format::Delimited => Ok(delimited::parse(&text::decode(bytes), limits)),
        Format::Email => email::parse(bytes, limits),
        Format::Docx => docx::parse(bytes, limits),
        Format::Spreadsheet => spreadsheet::parse(bytes, limits),
        Format::Epub => epub::parse(bytes, limits),
        Format::OpenDocument => odf::parse(bytes, limits),
        Format::Pptx => pptx::parse(bytes, limits),
        Format::Notebook => Ok(notebook::parse(&text::decode(bytes), limits)),
        Format::Xml => markup::parse(&text::decode(bytes), limits),
        Format::Subtitles => Ok(subtitles::parse(&text::decode(bytes), limits)),
    }
}

pub(crate) fn unsupported(what: &str) -> Error {
    let message = format!("{what} cannot be read; formats that can: {}", Format::names());
    Error::bad_request("format_unsupported", message)
}
