//! Paragraph styles: which ones make a heading, a quote or a listing.

use std::collections::HashMap;

use crate::formats::xml::{NodeId, ROOT, Xml};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Level from 1.
    Heading(u8),
    Quote,
    Code,
    Plain,
}

#[derive(Debug, Default)]
pub struct Styles {
    by_id: HashMap<String, Style>,
}

#[derive(Debug, Default)]
struct Style {
    name: String,
    based_on: Option<String>,
    outline: Option<u8>,
    /// List and level in it.
    numbering: Option<(String, usize)>,
}

/// Styles that are based on one another, at most; a ring ends here.
const CHAIN_MAX: usize = 16;

impl Styles {
    pub fn read(xml: Option<&Xml>) -> Self {
        let Some(xml) = xml else { return Self::default() };
        let styles = xml.descendants(ROOT).filter(|node| xml.name(*node) == "style");
        let entries =
            styles.filter_map(|node| Some((xml.attribute(node, "styleId")?.to_owned(), style(xml, node))));
        Self { by_id: entries.collect() }
    }

    /// What a paragraph is, by its own outline level, else by its style and those that it is based on.
    pub fn role(&self, xml: &Xml, paragraph: NodeId) -> Role {
        let Some(properties) = xml.child(paragraph, "pPr") else { return Role::Plain };
        if let Some(level) = outline(xml, properties) {
            return Role::Heading(level);
        }
        let id = style_id(xml, properties).unwrap_or_default();
        let found = self
            .chain(id)
            .find_map(role_of)
            .or_else(|| role_of(&Style { name: id.to_owned(), ..Style::default() }));
        found.unwrap_or(Role::Plain)
    }

    /// The list that a paragraph's style puts it in.
    pub fn numbering(&self, xml: &Xml, properties: NodeId) -> Option<(String, usize)> {
        let id = style_id(xml, properties)?;
        self.chain(id).find_map(|style| style.numbering.clone())
    }

    fn chain<'a>(&'a self, id: &str) -> impl Iterator<Item = &'a Style> {
        let parent = |style: &&Style| style.based_on.as_ref().and_then(|id| self.by_id.get(id));
        std::iter::successors(self.by_id.get(id), parent).take(CHAIN_MAX)
    }
}

fn style(xml: &Xml, node: NodeId) -> Style {
    let value =
        |name: &str| xml.child(node, name).and_then(|child| xml.attribute(child, "val")).map(str::to_owned);
    let properties = xml.child(node, "pPr");
    Style {
        name: value("name").unwrap_or_default(),
        based_on: value("basedOn"),
        outline: properties.and_then(|properties| outline(xml, properties)),
        numbering: properties.and_then(|properties| numbering(xml, properties)),
    }
}

fn style_id(xml: &Xml, properties: NodeId) -> Option<&str> {
    xml.child(properties, "pStyle").and_then(|style| xml.attribute(style, "val"))
}

/// `numPr` of paragraph properties: list and level.
pub fn numbering(xml: &Xml, properties: NodeId) -> Option<(String, usize)> {
    let numbering = xml.child(properties, "numPr")?;
    let value = |name: &str| xml.child(numbering, name).and_then(|child| xml.attribute(child, "val"));
    let level = value("ilvl").and_then(|level| level.parse().ok()).unwrap_or(0);
    Some((value("numId")?.to_owned(), level))
}

/// Outline levels count from 0, and 9 is body text.
fn outline(xml: &Xml, properties: NodeId) -> Option<u8> {
    let level: u8 = xml.attribute(xml.child(properties, "outlineLvl")?, "val")?.parse().ok()?;
    (level < 9).then_some(level + 1)
}

fn role_of(style: &Style) -> Option<Role> {
    if let Some(level) = style.outline {
        return Some(Role::Heading(level));
    }
    let name = style.name.to_lowercase().replace(' ', "");
    if let Some(level) = name
        .strip_prefix("heading")
        .or_else(|| name.strip_prefix("berschrift"))
        .and_then(|level| level.parse().ok())
    {
        return Some(Role::Heading(level));
    }
    match name.as_str() {
        "title" => Some(Role::Heading(1)),
        "quote" | "intensequote" | "blocktext" => Some(Role::Quote),
        "code" | "sourcecode" | "htmlpreformatted" | "macrotext" | "codeblock" | "preformattedtext"
        | "plaintext" => Some(Role::Code),
        _ => None,
    }
}
