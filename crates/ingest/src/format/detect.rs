//! Recognising a format from bytes and hint.

use ibid_types::{Error, Result};

use super::Format;
use crate::formats::archive::entry_names;
use crate::parse::{Hint, unsupported};

/// Bytes looked at to tell text from binary and one text format from another.
const SAMPLE_BYTES: usize = 8 * 1024;
const OLE: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

/// The format of a file. Magic numbers win over the name; the name decides between text formats unless the text
/// is plainly something else; the media type is asked last.
///
/// Errors: `format_unsupported`, `document_encrypted`, `document_damaged`.
pub fn detect(bytes: &[u8], hint: &Hint) -> Result<Format> {
    let head = &bytes[..bytes.len().min(SAMPLE_BYTES)];
    if let Some(format) = by_magic(bytes, head)? {
        return Ok(format);
    }
    if is_binary(head) {
        return Err(unsupported(&format!("'{}' is a binary file of an unknown kind, which", hint.source)));
    }
    let text = crate::formats::text::decode(head);
    Ok(by_markup(&text, hint)
        .or_else(|| named(hint))
        .or_else(|| by_look(&text))
        .or_else(|| hint.media_type.as_deref().and_then(Format::from_media_type))
        .filter(|format| is_textual(*format))
        .unwrap_or_else(|| by_marks(&text)))
}

fn by_magic(bytes: &[u8], head: &[u8]) -> Result<Option<Format>> {
    if find(&head[..head.len().min(1024)], b"%PDF-").is_some() {
        return Ok(Some(Format::Pdf));
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return by_entries(bytes).map(Some);
    }
    if head.starts_with(OLE) {
        return by_streams(bytes).map(Some);
    }
    for (magic, what) in UNREAD {
        if head.starts_with(magic) {
            return Err(unsupported(what));
        }
    }
    Ok(None)
}

/// Kinds that people try; naming them helps more than "binary".
const UNREAD: &[(&[u8], &str)] = &[
    (b"\x89PNG", "a PNG image"),
    (b"\xFF\xD8\xFF", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"\x1F\x8B", "a gzip archive"),
    (b"7z\xBC\xAF", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x7FELF", "a program"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"{\\rtf", "an RTF file (save it as DOCX)"),
];

/// The kind of a zip container, by what is in it.
fn by_entries(bytes: &[u8]) -> Result<Format> {
    let names = entry_names(bytes)?;
    let has = |prefix: &str| names.iter().any(|name| name.starts_with(prefix));
    if has("word/") {
        return Ok(Format::Docx);
    }
    if has("ppt/") {
        return Ok(Format::Pptx);
    }
    if has("xl/") {
        return Ok(Format::Spreadsheet);
    }
    if has("META-INF/container.xml") {
        return Ok(Format::Epub);
    }
    if has("content.xml") {
        return Ok(open_document(bytes));
    }
    Err(unsupported("a zip archive"))
}

/// The `mimetype` entry of an OpenDocument file comes first and is not packed, so its text stands in the head.
fn open_document(bytes: &[u8]) -> Format {
    let head = &bytes[..bytes.len().min(256)];
    match find(head, b"opendocument.spreadsheet") {
        Some(_) => Format::Spreadsheet,
        None => Format::OpenDocument,
    }
}

/// The kind of an OLE compound file, by its stream names, which stand in it as UTF-16.
fn by_streams(bytes: &[u8]) -> Result<Format> {
    let has = |name: &str| find(bytes, &utf16(name)).is_some();
    if has("EncryptedPackage") {
        let what = "the document is protected by a password; remove the protection and send it again";
        return Err(Error::bad_request("document_encrypted", what));
    }
    if has("Workbook") || has("Book") {
        return Ok(Format::Spreadsheet);
    }
    let what = if has("WordDocument") {
        "an old Word file (DOC; save it as DOCX)"
    } else if has("PowerPoint Document") {
        "an old PowerPoint file (PPT; save it as PPTX)"
    } else if has("__properties_version1.0") {
        "an Outlook message (MSG; save it as EML)"
    } else {
        "an OLE compound file"
    };
    Err(unsupported(what))
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Text has no NULs (but for UTF-16) and hardly any control characters.
fn is_binary(head: &[u8]) -> bool {
    if crate::formats::text::is_utf16(head) {
        return false;
    }
    let is_control = |byte: &&u8| matches!(byte, 0..=8 | 0x0E..=0x1A | 0x1C..=0x1F);
    let controls = head.iter().filter(is_control).count();
    head.contains(&0) || controls * 50 > head.len()
}

/// Markup that cannot be mistaken, whatever the file is called.
fn by_markup(text: &str, hint: &Hint) -> Option<Format> {
    let start = text.trim_start();
    let lower: String = start.chars().take(200).collect::<String>().to_ascii_lowercase();
    let is_html = lower.starts_with("<!doctype html") || lower.starts_with("<html");
    if is_html && named(hint) != Some(Format::Code) {
        return Some(Format::Html);
    }
    if lower.starts_with("<?xml") {
        let is_page = start.contains("<html") && !matches!(named(hint), Some(Format::Xml));
        return Some(if is_page { Format::Html } else { named(hint).unwrap_or(Format::Xml) });
    }
    if start.starts_with("WEBVTT") {
        return Some(Format::Subtitles);
    }
    None
}

fn named(hint: &Hint) -> Option<Format> {
    Format::from_name(&hint.source).filter(|format| is_textual(*format))
}

fn by_look(text: &str) -> Option<Format> {
    let start = text.trim_start();
    let first_line = start.lines().next().unwrap_or_default();
    if first_line.starts_with("#!") {
        return Some(Format::Code);
    }
    if first_line.starts_with('{') && first_line.trim_end().ends_with('}') && start.lines().count() > 1 {
        return Some(Format::JsonLines);
    }
    if (start.starts_with('{') && start.contains('"')) || start.starts_with("[{") {
        return Some(Format::Json);
    }
    is_mail(start).then_some(Format::Email)
}

/// At least three header lines that only messages have, before the first empty line.
fn is_mail(text: &str) -> bool {
    const HEADERS: [&str; 9] = [
        "received",
        "message-id",
        "from",
        "to",
        "subject",
        "date",
        "mime-version",
        "return-path",
        "delivered-to",
    ];
    let headers = text.lines().take_while(|line| !line.trim().is_empty()).take(60);
    let known = |line: &&str| {
        line.split_once(':').is_some_and(|(name, _)| HEADERS.contains(&name.to_ascii_lowercase().as_str()))
    };
    headers.filter(known).count() >= 3
}

/// Markdown if the text uses its marks, else plain text.
fn by_marks(text: &str) -> Format {
    let is_mark = |line: &&str| {
        line.starts_with("# ")
            || line.starts_with("## ")
            || line.starts_with("```")
            || line.contains("](http")
    };
    let has_front_matter = text.starts_with("---\n") && text[4..].contains("\n---");
    if has_front_matter || text.lines().filter(is_mark).count() >= 2 {
        Format::Markdown
    } else {
        Format::Text
    }
}

/// A text that is named like a container is still text.
fn is_textual(format: Format) -> bool {
    use Format::{Docx, Epub, OpenDocument, Pdf, Pptx, Spreadsheet};
    !matches!(format, Docx | Pptx | Spreadsheet | Epub | Pdf | OpenDocument)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], name: &str, expected: Format) {
        assert_eq!(detect(bytes, &Hint::named(name)).unwrap(), expected);
    }

    fn refused(bytes: &[u8], name: &str) -> &'static str {
        detect(bytes, &Hint::named(name)).unwrap_err().code
    }

    #[test]
    fn content_wins_over_the_name() {
        check(b"junk\n%PDF-1.7\n", "a.txt", Format::Pdf);
        check(b"<!DOCTYPE html><p>x", "a.txt", Format::Html);
        check(b"WEBVTT\n\n", "a.txt", Format::Subtitles);
        check(b"only words", "a.docx", Format::Text);
    }

    #[test]
    fn the_name_decides_between_text_formats() {
        check(b"a,b\n1,2\n", "a.csv", Format::Delimited);
        check(b"fn main() {}\n", "a.rs", Format::Code);
        check(b"# x\n", "a.md", Format::Markdown);
    }

    #[test]
    fn nameless_text_is_recognised_by_its_look() {
        check(b"{\"a\":1}\n{\"a\":2}\n", "stdin", Format::JsonLines);
        check(b"{\n \"a\": 1\n}\n", "stdin", Format::Json);
        check(b"From: a@b.c\nTo: d@e.f\nSubject: x\n\nhello", "stdin", Format::Email);
        check(b"# A\n\ntext\n\n## B\n", "stdin", Format::Markdown);
        check(b"just words", "stdin", Format::Text);
    }

    #[test]
    fn binary_files_are_refused_by_name() {
        assert_eq!(refused(b"\x89PNG\r\n\x1a\n", "a.txt"), "format_unsupported");
        assert_eq!(refused(b"a\0\0\0b\x01\0\0", "a.txt"), "format_unsupported");
    }

    #[test]
    fn a_protected_office_file_is_called_encrypted() {
        let mut bytes = OLE.to_vec();
        bytes.extend(utf16("EncryptedPackage"));
        assert_eq!(refused(&bytes, "a.docx"), "document_encrypted");
    }
}
