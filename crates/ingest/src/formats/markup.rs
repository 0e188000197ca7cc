//! XML of any vocabulary: as a text, where it has paragraphs (JATS, DocBook, TEI, patents), else as data.
//!
//! Keeps true: recursion ends at the depth of the tree, which `Limits::depth_max` bounds.

use ibid_types::parsed::{Metadata, Parsed};
use ibid_types::{Error, Result};

use super::html;
use super::json::{Value, written};
use super::xml::{NodeId, ROOT, Xml};
use crate::builder::{Builder, prose};
use crate::parse::Limits;

/// Errors: `document_damaged` if there is no element, `document_too_large`.
pub fn parse(text: &str, limits: &Limits) -> Result<Parsed> {
    let xml = Xml::parse(text, limits)?;
    let Some(root) = xml.children(ROOT).find(|node| !xml.name(*node).is_empty()) else {
        let what = "the file has no XML element inside; save or send it again, or name it .txt";
        return Err(Error::bad_request("document_damaged", what));
    };
    let mut parsed = if is_text(&xml) {
        written_text(&xml, root, limits)
    } else {
        written(&value(&xml, root, limits), limits)
    };
    if xml.is_damaged {
        parsed.warnings.push("the XML is damaged; what stands behind the damage is missing".to_owned());
    }
    Ok(parsed)
}

fn is_text(xml: &Xml) -> bool {
    const PARAGRAPHS_MIN: usize = 2;
    xml.descendants(ROOT).filter(|node| is_paragraph(xml.name(*node))).take(PARAGRAPHS_MIN).count()
        == PARAGRAPHS_MIN
}

fn is_paragraph(name: &str) -> bool {
    matches!(name.to_ascii_lowercase().as_str(), "p" | "para" | "simpara" | "paragraph")
}

fn is_title(name: &str) -> bool {
    const TITLES: [&str; 8] = [
        "title",
        "article-title",
        "head",
        "heading",
        "h",
        "invention-title",
        "bridgehead",
        "title-of-invention",
    ];
    TITLES.iter().any(|title| name.eq_ignore_ascii_case(title))
}

fn is_section(name: &str) -> bool {
    matches!(
        name,
        "sec"
            | "section"
            | "chapter"
            | "sect1"
            | "sect2"
            | "sect3"
            | "part"
            | "appendix"
            | "app"
            | "ref-list"
    )
}

fn written_text(xml: &Xml, root: NodeId, limits: &Limits) -> Parsed {
    let mut out = Builder::new(limits);
    *out.metadata() = metadata(xml, root);
    let mut writer = TextWriter { xml, out: &mut out };
    writer.children(root, 1);
    out.finish()
}

/// The first title, and the authors as JATS names them.
fn metadata(xml: &Xml, root: NodeId) -> Metadata {
    let title = xml.descendants(root).find(|node| is_title(xml.name(*node)));
    let author = |node: NodeId| {
        let part = |name| xml.find(node, name).map(|part| line(xml, part)).unwrap_or_default();
        format!("{} {}", part("given-names"), part("surname")).trim().to_owned()
    };
    let is_author = |node: &NodeId| {
        xml.name(*node) == "contrib" && xml.attribute(*node, "contrib-type") == Some("author")
    };
    let authors: Vec<String> = xml
        .descendants(root)
        .filter(is_author)
        .map(author)
        .filter(|name| !name.is_empty())
        .take(20)
        .collect();
    Metadata {
        title: title.map(|title| line(xml, title)).filter(|title| !title.is_empty()),
        author: Some(authors.join(", ")).filter(|names| !names.is_empty()),
        ..Metadata::default()
    }
}

struct TextWriter<'a> {
    xml: &'a Xml,
    out: &'a mut Builder,
}

impl TextWriter<'_> {
    /// Headings stand at `level`.
    fn children(&mut self, node: NodeId, level: u8) {
        let xml = self.xml;
        for child in xml.children(node) {
            self.element(child, level);
            if self.out.is_full() {
                break;
            }
        }
    }

    fn element(&mut self, node: NodeId, level: u8) {
        let xml = self.xml;
        match xml.name(node) {
            "" => {}
            name if is_title(name) => self.out.heading(level, &line(xml, node)),
            name if is_paragraph(name) => self.paragraph(node, level),
            name if is_section(name) => self.children(node, level.saturating_add(1).min(9)),
            "li" | "list-item" | "listitem" | "item" | "ref" | "claim" => {
                self.out.list_item(0, "-", &line(xml, node))
            }
            "table" | "tgroup" => self.out.table(&rows(xml, node)),
            "code" | "programlisting" | "preformat" => self.out.code("", &xml.text_of(node)),
            "math" | "tex-math" | "journal-meta" | "processing-meta" | "permissions" => {}
            _ => self.other(node, level),
        }
    }

    /// What holds elements is looked into; what holds text is a paragraph if it says more than a mark.
    fn other(&mut self, node: NodeId, level: u8) {
        const WORDS_MIN: usize = 4;
        let xml = self.xml;
        let has_text =
            xml.children(node).filter_map(|child| xml.text(child)).any(|text| !text.trim().is_empty());
        if !has_text {
            return self.children(node, level);
        }
        let text = line(xml, node);
        if text.split_whitespace().count() >= WORDS_MIN {
            self.out.paragraph(&text);
        }
    }

    /// Tables and lists within a paragraph come behind it.
    fn paragraph(&mut self, node: NodeId, level: u8) {
        let xml = self.xml;
        let is_block = |child: &NodeId| {
            matches!(
                xml.name(*child),
                "table-wrap" | "table" | "tgroup" | "list" | "ul" | "ol" | "itemizedlist"
            )
        };
        let blocks: Vec<NodeId> = xml.children(node).filter(is_block).collect();
        let text: String =
            xml.children(node).filter(|child| !is_block(child)).map(|child| xml.text_of(child)).collect();
        self.out.paragraph(&text.split_whitespace().collect::<Vec<_>>().join(" "));
        blocks.into_iter().for_each(|block| self.element(block, level));
    }
}

fn line(xml: &Xml, node: NodeId) -> String {
    let texts: Vec<&str> = xml.descendants(node).filter_map(|child| xml.text(child)).collect();
    prose(&texts.concat()).replace('\n', " ")
}

fn rows(xml: &Xml, table: NodeId) -> Vec<Vec<String>> {
    let rows = xml.descendants(table).filter(|node| matches!(xml.name(*node), "tr" | "row"));
    let is_cell = |cell: &NodeId| matches!(xml.name(*cell), "td" | "th" | "entry");
    rows.map(|row| xml.children(row).filter(is_cell).map(|cell| line(xml, cell)).collect()).collect()
}

/// The text of an element; HTML within it (feeds and reports hold it as text) is read as such.
fn content(xml: &Xml, node: NodeId, limits: &Limits) -> String {
    let text = xml.text_of(node);
    if text.trim_start().starts_with('<') && text.contains("</") {
        return html::parse_fragment(&text, limits).text;
    }
    line(xml, node)
}

/// An element as data: its attributes and children by name, or its text. Children that are all of one name are a list.
fn value(xml: &Xml, node: NodeId, limits: &Limits) -> Value {
    let children: Vec<NodeId> = xml.children(node).filter(|child| !xml.name(*child).is_empty()).collect();
    let attributes = xml
        .attributes(node)
        .iter()
        .filter(|(name, _)| !name.starts_with("xmlns") && !name.starts_with("xsi:"));
    let mut members: Vec<(String, Value)> =
        attributes.map(|(name, text)| (name.to_string(), Value::Text(text.to_string()))).collect();
    if children.is_empty() {
        let text = Value::Text(content(xml, node, limits));
        if members.is_empty() {
            return text;
        }
        members.push(("text".to_owned(), text));
        return Value::Object(members);
    }
    let is_list =
        children.len() > 1 && children.windows(2).all(|pair| xml.name(pair[0]) == xml.name(pair[1]));
    if is_list && members.is_empty() {
        return Value::Array(children.into_iter().map(|child| value(xml, child, limits)).collect());
    }
    members.extend(children.into_iter().map(|child| (xml.name(child).to_owned(), value(xml, child, limits))));
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(xml: &str, expected: &str) -> Parsed {
        let parsed = parse(xml, &Limits::default()).unwrap();
        parsed.check().unwrap();
        assert_eq!(parsed.text, expected);
        parsed
    }

    #[test]
    fn texts_have_headings_paragraphs_and_tables() {
        let parsed = check(
            "<article><front><journal-meta><x>not this one here</x></journal-meta><article-title>T</article-title><contrib contrib-type='author'><surname>Lee</surname><given-names>Ann</given-names></contrib></front>\
             <body><sec><title>S</title><p>one <b>two</b></p><p>x<table><tr><td>a</td><td>b</td></tr></table></p></sec></body></article>",
            "T\n\nS\n\none two\n\nx\n\na | b",
        );
        assert_eq!(
            (parsed.metadata.title.as_deref(), parsed.metadata.author.as_deref()),
            (Some("T"), Some("Ann Lee"))
        );
    }

    #[test]
    fn data_is_lines() {
        check(
            "<shop xmlns='u'><name lang='en'>X</name><open>daily</open></shop>",
            "name:\n  lang: en\n  text: X\nopen: daily",
        );
        check(
            "<feed><item><d>&lt;p&gt;x&lt;/p&gt;&lt;p&gt;y&lt;/p&gt;</d><t>z</t></item></feed>",
            "item:\n  d: x\n\ny\n  t: z",
        );
        check("<list><a><b>1</b></a><a><b>2</b></a></list>", "b: 1\n\nb: 2");
    }

    #[test]
    fn what_has_no_element_is_damaged() {
        assert_eq!(parse("<?xml version='1.0'?>", &Limits::default()).unwrap_err().code, "document_damaged");
    }
}
