//! An XML document as an arena of nodes, for the XML inside office files.
//!
//! Keeps true: no external or self-defined entity is ever expanded; elements nest at most `Limits::depth_max` deep
//! (deeper ones are left out, their text stays); a damaged document keeps what came before the damage. Names are
//! without their namespace prefix, since each kind of document uses one vocabulary.

use ibid_types::{Error, Result};
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use crate::parse::Limits;

pub type NodeId = u32;
pub const ROOT: NodeId = 0;
/// About a gigabyte of nodes would be 10 million; a real book has a few hundred thousand.
const NODES_MAX: usize = 4_000_000;

#[derive(Debug)]
pub struct Xml {
    nodes: Vec<Node>,
    /// The text ended in an error.
    pub is_damaged: bool,
}

#[derive(Debug)]
struct Node {
    first: NodeId,
    last: NodeId,
    next: NodeId,
    data: Data,
}

#[derive(Debug)]
enum Data {
    Root,
    Element { name: Box<str>, attributes: Box<[(Box<str>, Box<str>)]> },
    Text(Box<str>),
}

impl Xml {
    /// Errors: `document_too_large`.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self> {
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
        let mut writer = TreeWriter::new(limits.depth_max);
        loop {
            match reader.read_event() {
                Ok(Event::Eof) => break,
                Ok(event) => writer.take(&event),
                Err(_) => {
                    writer.tree.is_damaged = true;
                    break;
                }
            }
            if writer.tree.nodes.len() > NODES_MAX {
                let what = format!("the document has more than {NODES_MAX} elements; split it");
                return Err(Error::bad_request("document_too_large", what));
            }
        }
        writer.end_text();
        Ok(writer.tree)
    }

    pub fn children(&self, node: NodeId) -> Children<'_> {
        Children { tree: self, next: self.node(node).map_or(0, |node| node.first) }
    }

    /// The child elements of this name.
    pub fn children_named<'a>(&'a self, node: NodeId, name: &'a str) -> impl Iterator<Item = NodeId> + 'a {
        self.children(node).filter(move |child| self.name(*child) == name)
    }

    pub fn child(&self, node: NodeId, name: &str) -> Option<NodeId> {
        self.children(node).find(|child| self.name(*child) == name)
    }

    /// The local name of an element; empty for text.
    pub fn name(&self, node: NodeId) -> &str {
        match self.node(node).map(|node| &node.data) {
            Some(Data::Element { name, .. }) => name,
            _ => "",
        }
    }

    pub fn text(&self, node: NodeId) -> Option<&str> {
        match self.node(node).map(|node| &node.data) {
            Some(Data::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// An attribute by its name with prefix (`r:id`) or, failing that, without.
    pub fn attribute(&self, node: NodeId, name: &str) -> Option<&str> {
        let Some(Data::Element { attributes, .. }) = self.node(node).map(|node| &node.data) else {
            return None;
        };
        let exact = attributes.iter().find(|(key, _)| &**key == name);
        let local = || attributes.iter().find(|(key, _)| local_name(key) == name);
        exact.or_else(local).map(|(_, value)| &**value)
    }

    /// The attributes of an element, with their prefixes.
    pub fn attributes(&self, node: NodeId) -> &[(Box<str>, Box<str>)] {
        match self.node(node).map(|node| &node.data) {
            Some(Data::Element { attributes, .. }) => attributes,
            _ => &[],
        }
    }

    /// `node` and all below it, in document order.
    pub fn descendants(&self, node: NodeId) -> Descendants<'_> {
        Descendants { tree: self, stack: vec![node] }
    }

    pub fn find(&self, node: NodeId, name: &str) -> Option<NodeId> {
        self.descendants(node).find(|child| self.name(*child) == name)
    }

    /// All text below a node.
    pub fn text_of(&self, node: NodeId) -> String {
        self.descendants(node).filter_map(|child| self.text(child)).collect()
    }

    fn node(&self, node: NodeId) -> Option<&Node> {
        self.nodes.get(node as usize)
    }
}

fn local_name(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

struct TreeWriter {
    tree: Xml,
    open: Vec<NodeId>,
    depth_max: usize,
    /// Elements left out because they nest too deep.
    too_deep: usize,
    text: String,
}

impl TreeWriter {
    fn new(depth_max: usize) -> Self {
        let root = Node { first: 0, last: 0, next: 0, data: Data::Root };
        let tree = Xml { nodes: vec![root], is_damaged: false };
        Self { tree, open: vec![ROOT], depth_max, too_deep: 0, text: String::new() }
    }

    fn take(&mut self, event: &Event<'_>) {
        match event {
            Event::Start(tag) => {
                self.end_text();
                if self.open.len() > self.depth_max {
                    self.too_deep += 1;
                } else {
                    let node = self.add(element(tag));
                    self.open.push(node);
                }
            }
            Event::Empty(tag) => {
                self.end_text();
                self.add(element(tag));
            }
            Event::End(_) => {
                self.end_text();
                if self.too_deep > 0 {
                    self.too_deep -= 1;
                } else if self.open.len() > 1 {
                    self.open.pop();
                }
            }
            Event::Text(text) => self.text.push_str(&text.xml10_content()),
            Event::CData(text) => self.text.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => self.text.push_str(&resolved(reference)),
            _ => {}
        }
    }

    fn end_text(&mut self) {
        if !self.text.is_empty() {
            let text = std::mem::take(&mut self.text).into_boxed_str();
            self.add(Data::Text(text));
        }
    }

    fn add(&mut self, data: Data) -> NodeId {
        let id = NodeId::try_from(self.tree.nodes.len()).unwrap_or(NodeId::MAX);
        self.tree.nodes.push(Node { first: 0, last: 0, next: 0, data });
        let parent = self.open.last().copied().unwrap_or(ROOT) as usize;
        let last = self.tree.nodes.get_mut(parent).map_or(0, |parent| {
            if parent.first == 0 {
                parent.first = id;
            }
            std::mem::replace(&mut parent.last, id)
        });
        if let Some(last) = self.tree.nodes.get_mut(last as usize).filter(|_| last != 0) {
            last.next = id;
        }
        id
    }
}

fn element(tag: &BytesStart<'_>) -> Data {
    let mut attributes = tag.attributes();
    let attributes = attributes.with_checks(false).flatten().map(|attribute| {
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).unwrap_or_default();
        (Box::from(attribute.key.as_ref()), Box::from(&*value))
    });
    Data::Element { name: Box::from(tag.local_name().as_ref()), attributes: attributes.collect() }
}

/// A character or one of XML's five entities; what a document defines itself stays a name.
fn resolved(reference: &BytesRef<'_>) -> String {
    if let Ok(Some(c)) = reference.resolve_char_ref() {
        return c.to_string();
    }
    let name = reference.xml10_content();
    quick_xml::escape::resolve_predefined_entity(&name).map_or_else(|| format!(" {name} "), str::to_owned)
}

#[derive(Debug)]
pub struct Children<'a> {
    tree: &'a Xml,
    next: NodeId,
}

impl Iterator for Children<'_> {
    type Item = NodeId;

    fn next(&mut self) -> Option<NodeId> {
        let node = Some(self.next).filter(|node| *node != 0)?;
        self.next = self.tree.node(node).map_or(0, |node| node.next);
        Some(node)
    }
}

#[derive(Debug)]
pub struct Descendants<'a> {
    tree: &'a Xml,
    stack: Vec<NodeId>,
}

impl Iterator for Descendants<'_> {
    type Item = NodeId;

    fn next(&mut self) -> Option<NodeId> {
        let node = self.stack.pop()?;
        let from = self.stack.len();
        self.stack.extend(self.tree.children(node));
        self.stack[from..].reverse();
        Some(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Xml {
        Xml::parse(text, &Limits::default()).unwrap()
    }

    #[test]
    fn elements_attributes_and_text() {
        let xml =
            parsed("<?xml version='1.0'?><w:a r:id='1' id='2'>x &amp; &#65;<w:b/>y<![CDATA[<z>]]></w:a>");
        let a = xml.find(ROOT, "a").unwrap();
        assert_eq!((xml.attribute(a, "r:id"), xml.attribute(a, "id")), (Some("1"), Some("2")));
        assert_eq!(xml.text_of(a), "x & Ay<z>");
    }

    #[test]
    fn own_entities_are_not_expanded() {
        let xml =
            parsed("<!DOCTYPE a [<!ENTITY b 'bomb'><!ENTITY c SYSTEM 'file:///etc/passwd'>]><a>&b;&c;</a>");
        assert_eq!(xml.text_of(ROOT), " b  c ");
    }

    #[test]
    fn depth_is_bounded() {
        let xml = parsed(&format!("{}x{}", "<a>".repeat(9000), "</a>".repeat(9000)));
        assert_eq!((xml.descendants(ROOT).count(), xml.text_of(ROOT).as_str()), (258, "x"));
    }

    #[test]
    fn damage_keeps_what_came_before() {
        let xml = parsed("<a>x<b>y</b><");
        assert_eq!((xml.text_of(ROOT).as_str(), xml.is_damaged), ("xy", true));
    }
}
