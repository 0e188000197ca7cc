//! What a page says of itself in its head.

use ibid_types::parsed::Metadata;

use super::tree::{ROOT, Tree};
use crate::builder::prose;
use crate::dates::parse_date;
use crate::formats::front_matter::add_tags;
use crate::language::code_of;

pub fn metadata(tree: &Tree) -> Metadata {
    let mut found = Metadata::default();
    let mut shared_title = None;
    for node in tree.descendants(ROOT) {
        match tree.name(node) {
            "html" => {
                let tag = tree.attribute(node, "lang").or_else(|| tree.attribute(node, "xml:lang"));
                found.language = tag.and_then(code_of);
            }
            "title" if found.title.is_none() => found.title = named(&tree.text_of(node)),
            "meta" => {
                let name = tree.attribute(node, "name").or_else(|| tree.attribute(node, "property"));
                let (Some(name), Some(content)) = (name, tree.attribute(node, "content")) else { continue };
                if name.eq_ignore_ascii_case("og:title") {
                    shared_title = named(content);
                }
                set(&mut found, &name.to_ascii_lowercase(), content);
            }
            "body" => break,
            _ => {}
        }
    }
    found.title = found.title.or(shared_title);
    found
}

fn named(text: &str) -> Option<String> {
    Some(prose(text).replace('\n', " ")).filter(|text| !text.is_empty())
}

fn set(found: &mut Metadata, name: &str, content: &str) {
    match name {
        "author" | "article:author" | "dc.creator" | "dcterms.creator" | "citation_author" => {
            found.author =
                found.author.take().or_else(|| named(content).filter(|name| !name.starts_with("http")));
        }
        "date"
        | "article:published_time"
        | "dc.date"
        | "dcterms.date"
        | "dcterms.created"
        | "citation_publication_date" => {
            found.created = found.created.or_else(|| parse_date(content));
        }
        "article:modified_time" | "last-modified" | "dcterms.modified" | "og:updated_time" => {
            found.modified = found.modified.or_else(|| parse_date(content));
        }
        "keywords" | "article:tag" => add_tags(found, &[content.to_owned()]),
        "language" | "dc.language" => found.language = found.language.take().or_else(|| code_of(content)),
        _ => {}
    }
}

/// The encoding named in the first bytes: `<meta charset="x">`, `content="text/html; charset=x"` or
/// `<?xml encoding="x"?>`.
pub fn charset(bytes: &[u8]) -> Option<String> {
    const HEAD_BYTES: usize = 4096;
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(HEAD_BYTES)]).to_ascii_lowercase();
    let behind = |mark: &str| head.find(mark).map(|at| &head[at + mark.len()..]);
    let value =
        behind("charset=").or_else(|| behind("encoding="))?.trim_start().trim_start_matches(['"', '\'']);
    let label = value.split(|c: char| !(c.is_ascii_alphanumeric() || "-_:".contains(c))).next()?;
    Some(label.to_owned()).filter(|label| !label.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_is_read() {
        let page = "<html lang=de-AT><head><title> A\n b </title><meta name=Author content=Ann>\
            <meta name=keywords content='x, y'><meta property=article:published_time content=2026-11-21><body><svg><title>no</title>";
        let found = metadata(&Tree::parse(page));
        assert_eq!(
            (found.title.as_deref(), found.author.as_deref(), found.language.as_deref()),
            (Some("A b"), Some("Ann"), Some("de"))
        );
        assert_eq!((found.tags.len(), found.created.is_some()), (2, true));
    }

    #[test]
    fn charsets_are_found() {
        assert_eq!(charset(b"<meta charset='ISO-8859-2'>").as_deref(), Some("iso-8859-2"));
        assert_eq!(charset(b"<meta content=\"text/html; charset=shift_jis\">").as_deref(), Some("shift_jis"));
        assert_eq!(charset(b"<p>"), None);
    }
}
