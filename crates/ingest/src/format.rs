//! The formats that can be read, and how a file's format is recognised: by its content first, then by its name.
//!
//! Keeps true: recognition reads a bounded part of the file (a zip's directory, the first bytes of all else) and
//! decides the same for the same bytes and name.

use std::fmt;

mod detect;

pub use detect::detect;

/// A format that `parse` reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    Markdown,
    Text,
    Html,
    Pdf,
    Docx,
    Pptx,
    /// XLSX, XLSB, XLS and ODS.
    Spreadsheet,
    /// Comma, semicolon, tab or pipe separated values.
    Delimited,
    Epub,
    Email,
    Json,
    JsonLines,
    Notebook,
    Xml,
    Code,
    OpenDocument,
    Subtitles,
}

/// What is fixed for a format. The first extension and media type are the usual ones.
struct Facts {
    name: &'static str,
    extensions: &'static [&'static str],
    media_types: &'static [&'static str],
}

impl Format {
    pub const ALL: [Self; 17] = [
        Self::Markdown,
        Self::Text,
        Self::Html,
        Self::Pdf,
        Self::Docx,
        Self::Pptx,
        Self::Spreadsheet,
        Self::Delimited,
        Self::Epub,
        Self::Email,
        Self::Json,
        Self::JsonLines,
        Self::Notebook,
        Self::Xml,
        Self::Code,
        Self::OpenDocument,
        Self::Subtitles,
    ];

    /// As people call it: `Markdown`, `Word (DOCX)`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// Extensions without the dot, lower case, the usual one first. Empty for source code, which has too many.
    #[must_use]
    pub fn extensions(self) -> &'static [&'static str] {
        self.facts().extensions
    }

    /// The media type that files of this format are stored under, unless their name says it more exactly.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        self.facts().media_types.first().copied().unwrap_or("application/octet-stream")
    }

    /// The format of files with this name. `None` where the name says nothing.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let extension = extension_of(name)?;
        Self::ALL
            .into_iter()
            .find(|format| format.extensions().contains(&extension.as_str()))
            .or_else(|| crate::formats::code::language_of_name(name).map(|_| Self::Code))
    }

    /// The format of this media type; parameters (`; charset=`) are ignored.
    #[must_use]
    pub fn from_media_type(media_type: &str) -> Option<Self> {
        let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        Self::ALL.into_iter().find(|format| format.facts().media_types.contains(&essence.as_str()))
    }

    /// All names, for messages: "Markdown, plain text, ...".
    #[must_use]
    pub fn names() -> String {
        let names: Vec<&str> = Self::ALL.iter().map(|format| format.name()).collect();
        names.join(", ")
    }

    fn facts(self) -> Facts {
        let facts = |name, extensions, media_types| Facts { name, extensions, media_types };
        match self {
            Self::Markdown => facts(
                "Markdown",
                &["md", "markdown", "mdown", "mkd", "mdx", "qmd", "rmd"],
                &["text/markdown", "text/x-markdown"],
            ),
            Self::Text => facts(
                "plain text",
                &["txt", "text", "rst", "adoc", "asciidoc", "asc", "org", "log", "readme"],
                &["text/plain", "text/x-rst", "text/asciidoc"],
            ),
            Self::Html => {
                facts("HTML", &["html", "htm", "xhtml", "xht"], &["text/html", "application/xhtml+xml"])
            }
            Self::Pdf => facts("PDF", &["pdf"], &["application/pdf"]),
            Self::Docx => facts("Word (DOCX)", &["docx", "docm", "dotx"], &[DOCX]),
            Self::Pptx => facts("PowerPoint (PPTX)", &["pptx", "pptm", "ppsx", "potx"], &[PPTX]),
            Self::Spreadsheet => facts(
                "spreadsheet (XLSX, XLSB, XLS, ODS)",
                &["xlsx", "xlsm", "xlsb", "xls", "ods"],
                &[XLSX, "application/vnd.ms-excel", ODS],
            ),
            Self::Delimited => facts(
                "CSV and TSV",
                &["csv", "tsv", "tab", "psv"],
                &["text/csv", "text/tab-separated-values"],
            ),
            Self::Epub => facts("EPUB", &["epub"], &["application/epub+zip"]),
            Self::Email => facts("e-mail (EML)", &["eml"], &["message/rfc822"]),
            Self::Json => facts("JSON", &["json", "geojson"], &["application/json"]),
            Self::JsonLines => {
                facts("JSON Lines", &["jsonl", "ndjson"], &["application/jsonl", "application/x-ndjson"])
            }
            Self::Notebook => facts("Jupyter notebook", &["ipynb"], &["application/x-ipynb+json"]),
            Self::Xml => facts("XML", &["xml", "nxml"], &["application/xml", "text/xml"]),
            Self::Code => facts("source code", &[], &["text/x-source"]),
            Self::OpenDocument => facts("OpenDocument (ODT, ODP)", &["odt", "odp", "ott"], &[ODT, ODP]),
            Self::Subtitles => {
                facts("subtitles (VTT, SRT)", &["vtt", "srt"], &["text/vtt", "application/x-subrip"])
            }
        }
    }
}

const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const PPTX: &str = "application/vnd.openxmlformats-officedocument.presentationml.presentation";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const ODS: &str = "application/vnd.oasis.opendocument.spreadsheet";
const ODT: &str = "application/vnd.oasis.opendocument.text";
const ODP: &str = "application/vnd.oasis.opendocument.presentation";

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The media type that a file of this name most likely has; `application/octet-stream` where the name says nothing.
#[must_use]
pub fn source_media_type(name: &str) -> &'static str {
    let extension = extension_of(name).unwrap_or_default();
    let exact = match extension.as_str() {
        "tsv" | "tab" => "text/tab-separated-values",
        "xls" => "application/vnd.ms-excel",
        "ods" => ODS,
        "odp" => ODP,
        "srt" => "application/x-subrip",
        "rst" => "text/x-rst",
        "adoc" | "asciidoc" => "text/asciidoc",
        _ => "",
    };
    if !exact.is_empty() {
        return exact;
    }
    Format::from_name(name).map_or("application/octet-stream", Format::media_type)
}

/// Whether a file of this name is worth reading when a whole folder is ingested.
#[must_use]
pub fn is_readable_name(name: &str) -> bool {
    Format::from_name(name).is_some()
}

/// The part after the last dot of the last path segment, lower case; the whole segment where it has no dot.
fn extension_of(name: &str) -> Option<String> {
    let path = name.split(['?', '#']).next().unwrap_or(name);
    let file =
        path.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().filter(|file| !file.is_empty())?;
    Some(file.rsplit('.').next().unwrap_or(file).to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_formats() {
        assert_eq!(Format::from_name("a/b.c/Report.DOCX"), Some(Format::Docx));
        assert_eq!(Format::from_name("https://x.org/a.html?page=2#top"), Some(Format::Html));
        assert_eq!(Format::from_name("src/main.rs"), Some(Format::Code));
        assert_eq!(Format::from_name("README"), Some(Format::Text));
        assert_eq!(Format::from_name("photo.jpg"), None);
    }

    #[test]
    fn media_types_follow_names() {
        assert_eq!(source_media_type("a.md"), "text/markdown");
        assert_eq!(source_media_type("a.tsv"), "text/tab-separated-values");
        assert_eq!(source_media_type("a.bin"), "application/octet-stream");
        assert_eq!(Format::from_media_type("text/html; charset=utf-8"), Some(Format::Html));
    }

    #[test]
    fn each_format_has_one_home_for_a_name() {
        for format in Format::ALL {
            for extension in format.extensions() {
                assert_eq!(Format::from_name(&format!("x.{extension}")), Some(format), "{extension}");
            }
        }
    }
}
