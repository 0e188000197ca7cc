//! What a PDF says of itself: the Info dictionary (ISO 32000-1, 14.3.3), XMP (14.3.2) and the catalog's language.

use hayro_font::hayro_syntax::Pdf;
use hayro_font::hayro_syntax::object::dict::keys::{LANG, METADATA};
use hayro_font::hayro_syntax::object::{self, DateTime, Dict, Stream};
use ibid_types::Timestamp;
use ibid_types::parsed::Metadata;
use quick_xml::Reader;
use quick_xml::events::Event;

use super::text_string;
use crate::dates::parse_date;
use crate::language::code_of;

/// The XMP is newer where both say something, but writers keep Info in order more often.
pub fn metadata_of(pdf: &Pdf, catalog: &Dict<'_>) -> Metadata {
    let info = pdf.metadata();
    let text =
        |bytes: &Option<Box<[u8]>>| bytes.as_deref().map(text_string::decode).and_then(|text| telling(&text));
    let language = catalog.get::<object::String<'_>>(LANG).map(|tag| text_string::decode(tag.as_bytes()));
    let said = Metadata {
        title: text(&info.title),
        author: text(&info.author),
        language: language.and_then(|tag| code_of(&tag)),
        created: info.creation_date.as_ref().and_then(timestamp),
        modified: info.modification_date.as_ref().and_then(timestamp),
        tags: text(&info.keywords).map(|words| tags_of(&words)).unwrap_or_default(),
    };
    let xmp =
        catalog.get::<Stream<'_>>(METADATA).and_then(|stream| Some(xmp_of(&stream.decoded_data().ok()?)));
    said.or(xmp.unwrap_or_default())
}

/// `None` for what programs put there without being asked.
fn telling(text: &str) -> Option<String> {
    const CHARS_MAX: usize = 300;
    let text: String =
        text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(CHARS_MAX).collect();
    let lower = text.to_lowercase();
    let is_empty = matches!(
        lower.as_str(),
        "" | "untitled" | "(untitled)" | "unknown" | "anonymous" | "title" | "author" | "()" | "none"
    );
    let is_file = [".doc", ".docx", ".indd", ".qxd", ".dvi", ".tex", ".pdf", ".ps", ".pptx", ".ppt", ".xls"]
        .iter()
        .any(|end| lower.ends_with(end));
    (!is_empty && !is_file && text.chars().any(char::is_alphanumeric)).then_some(text)
}

fn tags_of(words: &str) -> Vec<String> {
    const TAGS_MAX: usize = 30;
    let parts =
        words.split([',', ';']).map(str::trim).filter(|tag| !tag.is_empty() && tag.chars().count() <= 60);
    parts.take(TAGS_MAX).map(str::to_owned).collect()
}

fn timestamp(date: &DateTime) -> Option<Timestamp> {
    let sign = if date.utc_offset_hour < 0 { '-' } else { '+' };
    parse_date(&format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{sign}{:02}:{:02}",
        date.year,
        date.month,
        date.day,
        date.hour,
        date.minute,
        date.second,
        date.utc_offset_hour.unsigned_abs(),
        date.utc_offset_minute
    ))
}

/// Dublin Core and the basic schema, as elements or as attributes.
fn xmp_of(xml: &[u8]) -> Metadata {
    const EVENTS_MAX: usize = 20_000;
    let mut metadata = Metadata::default();
    let mut reader = Reader::from_reader(xml);
    let mut within: Vec<String> = Vec::new();
    for _ in 0..EVENTS_MAX {
        match reader.read_event() {
            Ok(Event::Start(start)) => within.push(start.name().as_ref().to_owned()),
            Ok(Event::End(_)) => drop(within.pop()),
            Ok(Event::Text(text)) => {
                let text = text.xml10_content();
                within.iter().rev().find(|name| note(&mut metadata, name, &text));
            }
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    metadata
}

/// Whether `name` is one that is wanted.
fn note(metadata: &mut Metadata, name: &str, text: &str) -> bool {
    match name {
        "dc:title" => metadata.title = metadata.title.take().or_else(|| telling(text)),
        "dc:creator" => metadata.author = metadata.author.take().or_else(|| telling(text)),
        "dc:language" => metadata.language = metadata.language.take().or_else(|| code_of(text)),
        "xmp:CreateDate" => metadata.created = metadata.created.or_else(|| parse_date(text)),
        "xmp:ModifyDate" => metadata.modified = metadata.modified.or_else(|| parse_date(text)),
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_no_titles() {
        assert_eq!(telling("Microsoft Word - Report.doc"), None);
        assert_eq!(telling("  The  Handbook "), Some("The Handbook".into()));
    }

    #[test]
    fn xmp_is_read() {
        let xml = b"<x:xmpmeta><rdf:RDF><rdf:Description><dc:title><rdf:Alt><rdf:li xml:lang='x-default'>Tides</rdf:li></rdf:Alt></dc:title><xmp:CreateDate>2026-11-21</xmp:CreateDate></rdf:Description></rdf:RDF></x:xmpmeta>";
        let metadata = xmp_of(xml);
        assert_eq!(metadata.title.as_deref(), Some("Tides"));
        assert_eq!(
            metadata.created.map(|time| time.to_string()).as_deref(),
            Some("2026-11-21T00:00:00.000Z")
        );
    }
}
