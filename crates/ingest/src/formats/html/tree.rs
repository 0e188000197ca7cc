//! An HTML document as an arena of nodes, built by html5ever by the rules of the HTML standard.
//!
//! Keeps true: node 0 is the document; a child's parent is the node that lists it; no recursion, so depth is only data.

use std::borrow::Cow;
use std::cell::{Ref, RefCell};

use html5ever::interface::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::{Attribute, LocalName, ParseOpts, QualName, local_name, ns, parse_document};

pub type NodeId = u32;
pub const ROOT: NodeId = 0;

/// Building a tree takes time with the square of its depth; real pages stay below 100.
const DEPTH_MAX: usize = 256;
/// About 200 MB of nodes.
const NODES_MAX: usize = 2_000_000;

#[derive(Debug)]
pub struct Tree {
    nodes: Vec<Node>,
    /// The name of what is no element; html5ever should never ask for it.
    unnamed: QualName,
}

#[derive(Debug)]
struct Node {
    parent: Option<NodeId>,
    children: Vec<NodeId>,
    data: Data,
}

#[derive(Debug)]
enum Data {
    Element {
        name: QualName,
        attributes: Vec<Attribute>,
    },
    Text(StrTendril),
    /// The document, comments and the like.
    Other,
}

impl Tree {
    /// The tree of a page. Elements deeper than `DEPTH_MAX` are dropped with their text kept, and a page that makes
    /// more than `NODES_MAX` nodes (the standard lets unclosed elements multiply) is cut there.
    #[must_use]
    pub fn parse(html: &str) -> Self {
        const PIECE_BYTES: usize = 4096;
        let sink = Sink { tree: RefCell::new(Self::empty()) };
        let mut parser = parse_document(sink, ParseOpts::default());
        let shallow = shallow(html, DEPTH_MAX);
        let mut rest: &str = &shallow;
        while !rest.is_empty() && parser.tokenizer.sink.sink.tree.borrow().nodes.len() < NODES_MAX {
            let (piece, behind) = rest.split_at(rest.ceil_char_boundary(PIECE_BYTES));
            parser.process(piece.into());
            rest = behind;
        }
        parser.finish()
    }

    fn empty() -> Self {
        let unnamed = QualName::new(None, ns!(html), LocalName::from(""));
        Self { nodes: vec![Node { parent: None, children: Vec::new(), data: Data::Other }], unnamed }
    }

    pub fn children(&self, node: NodeId) -> &[NodeId] {
        self.node(node).map_or(&[], |node| &node.children)
    }

    /// The local name of an element, lower case; empty for all else.
    pub fn name(&self, node: NodeId) -> &str {
        match self.node(node).map(|node| &node.data) {
            Some(Data::Element { name, .. }) => &name.local,
            _ => "",
        }
    }

    pub fn text(&self, node: NodeId) -> Option<&str> {
        match self.node(node).map(|node| &node.data) {
            Some(Data::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub fn attribute(&self, node: NodeId, name: &str) -> Option<&str> {
        let Some(Data::Element { attributes, .. }) = self.node(node).map(|node| &node.data) else {
            return None;
        };
        attributes.iter().find(|attribute| &*attribute.name.local == name).map(|attribute| &*attribute.value)
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

    fn node_mut(&mut self, node: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(node as usize)
    }

    fn add(&mut self, data: Data) -> NodeId {
        let id = NodeId::try_from(self.nodes.len()).unwrap_or(NodeId::MAX);
        self.nodes.push(Node { parent: None, children: Vec::new(), data });
        id
    }

    /// Puts a node or text before child number `at` of `parent`.
    fn insert(&mut self, parent: NodeId, at: usize, child: NodeOrText<NodeId>) {
        let child = match child {
            NodeOrText::AppendNode(node) => {
                self.detach(node);
                node
            }
            NodeOrText::AppendText(text) => {
                let before = at.checked_sub(1).and_then(|before| self.children(parent).get(before).copied());
                if let Some(Data::Text(open)) =
                    before.and_then(|before| self.node_mut(before)).map(|node| &mut node.data)
                {
                    open.push_tendril(&text);
                    return;
                }
                self.add(Data::Text(text))
            }
        };
        if let Some(node) = self.node_mut(child) {
            node.parent = Some(parent);
        }
        if let Some(node) = self.node_mut(parent) {
            let at = at.min(node.children.len());
            node.children.insert(at, child);
        }
    }

    fn detach(&mut self, child: NodeId) {
        let Some(parent) = self.node_mut(child).and_then(|node| node.parent.take()) else { return };
        if let Some(node) = self.node_mut(parent)
            && let Some(at) = node.children.iter().rposition(|other| *other == child)
        {
            node.children.remove(at);
        }
    }
}

/// The page without the start tags that nest deeper than `depth_max`. Elements that end by themselves do not count.
fn shallow(html: &str, depth_max: usize) -> Cow<'_, str> {
    const SELF_ENDING: [&str; 26] = [
        "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta",
        "option", "p", "param", "rp", "rt", "source", "tbody", "td", "tfoot", "th", "thead", "tr", "wbr",
    ];
    let mut kept = String::new();
    let mut copied = 0;
    let mut depth = 0usize;
    for (at, _) in html.match_indices('<') {
        let tag = &html[at + 1..];
        let name_start = usize::from(tag.starts_with('/'));
        let bytes = tag.as_bytes();
        let name_bytes = bytes[name_start..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let name = tag[name_start..name_start + name_bytes].to_ascii_lowercase();
        if name.is_empty() || SELF_ENDING.contains(&name.as_str()) {
        } else if name_start == 1 {
            depth = depth.saturating_sub(1);
        } else if depth < depth_max {
            depth += 1;
        } else if let Some(end) = tag.find('>').filter(|_| at >= copied) {
            kept.push_str(&html[copied..at]);
            copied = at + 1 + end + 1;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(html);
    }
    kept.push_str(&html[copied..]);
    Cow::Owned(kept)
}

#[derive(Debug)]
pub struct Descendants<'a> {
    tree: &'a Tree,
    stack: Vec<NodeId>,
}

impl Iterator for Descendants<'_> {
    type Item = NodeId;

    fn next(&mut self) -> Option<NodeId> {
        let node = self.stack.pop()?;
        self.stack.extend(self.tree.children(node).iter().rev());
        Some(node)
    }
}

/// What html5ever writes into.
struct Sink {
    tree: RefCell<Tree>,
}

impl TreeSink for Sink {
    type Handle = NodeId;
    type Output = Tree;
    type ElemName<'a> = Ref<'a, QualName>;

    fn finish(self) -> Tree {
        self.tree.into_inner()
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> NodeId {
        ROOT
    }

    fn elem_name<'a>(&'a self, target: &'a NodeId) -> Ref<'a, QualName> {
        Ref::map(self.tree.borrow(), |tree| match tree.node(*target).map(|node| &node.data) {
            Some(Data::Element { name, .. }) => name,
            _ => &tree.unnamed,
        })
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, _: ElementFlags) -> NodeId {
        self.tree.borrow_mut().add(Data::Element { name, attributes })
    }

    fn create_comment(&self, _: StrTendril) -> NodeId {
        self.tree.borrow_mut().add(Data::Other)
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> NodeId {
        self.tree.borrow_mut().add(Data::Other)
    }

    fn append(&self, parent: &NodeId, child: NodeOrText<NodeId>) {
        let at = self.tree.borrow().children(*parent).len();
        self.tree.borrow_mut().insert(*parent, at, child);
    }

    fn append_based_on_parent_node(&self, element: &NodeId, previous: &NodeId, child: NodeOrText<NodeId>) {
        let has_parent = self.tree.borrow().node(*element).is_some_and(|node| node.parent.is_some());
        if has_parent { self.append_before_sibling(element, child) } else { self.append(previous, child) }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn get_template_contents(&self, target: &NodeId) -> NodeId {
        *target
    }

    fn same_node(&self, x: &NodeId, y: &NodeId) -> bool {
        x == y
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &NodeId, child: NodeOrText<NodeId>) {
        let mut tree = self.tree.borrow_mut();
        if let NodeOrText::AppendNode(node) = &child {
            tree.detach(*node);
        }
        let Some(parent) = tree.node(*sibling).and_then(|node| node.parent) else { return };
        let at = tree.children(parent).iter().rposition(|other| other == sibling).unwrap_or(0);
        tree.insert(parent, at, child);
    }

    fn add_attrs_if_missing(&self, target: &NodeId, attributes: Vec<Attribute>) {
        if let Some(Data::Element { attributes: known, .. }) =
            self.tree.borrow_mut().node_mut(*target).map(|node| &mut node.data)
        {
            for attribute in attributes {
                if !known.iter().any(|other| other.name == attribute.name) {
                    known.push(attribute);
                }
            }
        }
    }

    fn remove_from_parent(&self, target: &NodeId) {
        self.tree.borrow_mut().detach(*target);
    }

    fn reparent_children(&self, node: &NodeId, new_parent: &NodeId) {
        let mut tree = self.tree.borrow_mut();
        let children =
            tree.node_mut(*node).map(|node| std::mem::take(&mut node.children)).unwrap_or_default();
        for child in &children {
            if let Some(child) = tree.node_mut(*child) {
                child.parent = Some(*new_parent);
            }
        }
        if let Some(parent) = tree.node_mut(*new_parent) {
            parent.children.extend(children);
        }
    }

    fn is_mathml_annotation_xml_integration_point(&self, handle: &NodeId) -> bool {
        let tree = self.tree.borrow();
        let is_html = |encoding: &str| {
            encoding.eq_ignore_ascii_case("text/html")
                || encoding.eq_ignore_ascii_case("application/xhtml+xml")
        };
        match tree.node(*handle).map(|node| &node.data) {
            Some(Data::Element { name, .. }) if name.local == local_name!("annotation-xml") => {
                tree.attribute(*handle, "encoding").is_some_and(is_html)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_found_in_order() {
        let tree = Tree::parse("<p id=a>x<b>y</b>z<p>w");
        assert_eq!(tree.text_of(ROOT), "xyzw");
        let p = tree.find(ROOT, "p").unwrap();
        assert_eq!((tree.attribute(p, "id"), tree.children(p).len()), (Some("a"), 3));
    }

    #[test]
    fn misplaced_table_text_moves_before_the_table() {
        assert_eq!(Tree::parse("<table>x<tr><td>y</table>").text_of(ROOT), "xy");
        assert_eq!(Tree::parse("<b><p>x</b>y</p>").text_of(ROOT), "xy");
    }

    #[test]
    fn depth_is_bounded_and_text_is_kept() {
        let tree = Tree::parse(&format!("{}x<b>y", "<div class=a>".repeat(50_000)));
        assert_eq!(tree.descendants(ROOT).filter(|node| tree.name(*node) == "div").count(), DEPTH_MAX);
        assert_eq!(tree.text_of(ROOT), "xy");
        assert_eq!(shallow("<p><b>x</b><p><i>y", 1), "<p><b>x</b><p><i>y");
    }

    #[test]
    fn multiplying_elements_are_cut() {
        let open: String = (0..200).map(|n| format!("<b id={n}>")).collect();
        let tree = Tree::parse(&format!("{open}{}", "<p>x".repeat(100_000)));
        assert!(tree.nodes.len() < NODES_MAX + 500_000);
    }
}
