//! What Office Open XML files share: relations between parts, and the core properties (ECMA-376, part 2).

use std::collections::HashMap;

use ibid_types::Result;
use ibid_types::parsed::Metadata;

use super::archive::Archive;
use super::front_matter::add_tags;
use super::xml::{ROOT, Xml};
use crate::builder::prose;
use crate::dates::parse_date;
use crate::language::code_of;
use crate::parse::Limits;

/// The XML of a part. `None` if the container has no such part.
pub fn part(archive: &mut Archive<'_>, name: &str, limits: &Limits) -> Result<Option<Xml>> {
    archive.read_text(name)?.map(|text| Xml::parse(&text, limits)).transpose()
}

/// A part that another one points to.
#[derive(Debug, Clone)]
pub struct Relation {
    /// The last segment of the type's address: `slide`, `notesSlide`, `image`.
    pub kind: String,
    /// The target's name in the container.
    pub target: String,
}

/// The relations of a part by their ids.
pub fn relations(
    archive: &mut Archive<'_>,
    part_name: &str,
    limits: &Limits,
) -> Result<HashMap<String, Relation>> {
    let (folder, file) = part_name.rsplit_once('/').unwrap_or(("", part_name));
    let Some(xml) = part(archive, format!("{folder}/_rels/{file}.rels").trim_start_matches('/'), limits)?
    else {
        return Ok(HashMap::new());
    };
    let mut found = HashMap::new();
    for node in xml.descendants(ROOT).filter(|node| xml.name(*node) == "Relationship") {
        let attribute = |name| xml.attribute(node, name).unwrap_or_default();
        let kind = attribute("Type").rsplit('/').next().unwrap_or_default().to_owned();
        if attribute("TargetMode") != "External" {
            let relation = Relation { kind, target: resolve(folder, attribute("Target")) };
            found.insert(attribute("Id").to_owned(), relation);
        }
    }
    Ok(found)
}

/// A relative name within a container, without `.` and `..`.
pub fn resolve(folder: &str, target: &str) -> String {
    let base = if target.starts_with('/') { "" } else { folder };
    let mut segments: Vec<&str> = Vec::new();
    for segment in base.split('/').chain(target.split('/')) {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    segments.join("/")
}

/// Title, author, dates and keywords of `docProps/core.xml`.
pub fn core_properties(archive: &mut Archive<'_>, limits: &Limits) -> Result<Metadata> {
    let Some(xml) = part(archive, "docProps/core.xml", limits)? else { return Ok(Metadata::default()) };
    Ok(properties(&xml))
}

/// Dublin Core elements anywhere in a document.
pub fn properties(xml: &Xml) -> Metadata {
    let mut found = Metadata::default();
    for node in xml.descendants(ROOT) {
        let value = || Some(prose(&xml.text_of(node)).replace('\n', " ")).filter(|text| !text.is_empty());
        match xml.name(node) {
            "title" => found.title = found.title.take().or_else(value).filter(|title| !is_made_up(title)),
            "creator" | "initial-creator" => {
                if let Some(name) = value() {
                    add_author(&mut found, &name);
                }
            }
            "language" => {
                found.language = found.language.take().or_else(|| value().as_deref().and_then(code_of))
            }
            "created" | "creation-date" => found.created = value().as_deref().and_then(parse_date),
            "modified" => found.modified = value().as_deref().and_then(parse_date),
            "date" => found.modified = found.modified.or_else(|| value().as_deref().and_then(parse_date)),
            "keywords" | "keyword" | "subject" => {
                add_tags(&mut found, &value().into_iter().collect::<Vec<_>>())
            }
            _ => {}
        }
    }
    found
}

fn add_author(found: &mut Metadata, name: &str) {
    match &mut found.author {
        Some(names) if names.split(", ").any(|known| known == name) => {}
        Some(names) => {
            names.push_str(", ");
            names.push_str(name);
        }
        None => found.author = Some(name.to_owned()),
    }
}

/// Titles that programs write when the author gave none.
fn is_made_up(title: &str) -> bool {
    const MADE_UP: [&str; 9] = [
        "powerpoint presentation",
        "untitled",
        "document",
        "presentation",
        "slide 1",
        "powerpoint-präsentation",
        "title",
        "word document",
        "unknown",
    ];
    MADE_UP.contains(&title.to_lowercase().as_str()) || title.starts_with("Microsoft Word - ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_names_are_resolved() {
        assert_eq!(resolve("ppt/slides", "../notesSlides/n1.xml"), "ppt/notesSlides/n1.xml");
        assert_eq!(resolve("ppt", "/word/a.xml"), "word/a.xml");
        assert_eq!(resolve("a", "../../../etc/passwd"), "etc/passwd");
    }

    #[test]
    fn properties_are_read() {
        let text = "<p><dc:title>PowerPoint Presentation</dc:title><dc:creator>Ann</dc:creator><cp:keywords>a, b</cp:keywords>\
            <dcterms:created>2026-11-21T08:00:00Z</dcterms:created></p>";
        let found = properties(&Xml::parse(text, &Limits::default()).unwrap());
        assert_eq!((found.title, found.author.as_deref(), found.tags.len()), (None, Some("Ann"), 2));
        assert!(found.created.is_some());
    }
}
