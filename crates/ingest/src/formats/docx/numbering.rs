//! List numbers, which Word does not store in the text but counts.

use std::collections::HashMap;

use super::styles::{Styles, numbering};
use crate::formats::xml::{NodeId, ROOT, Xml};

/// Deeper lists do not exist (ECMA-376, 17.9.6).
const LEVELS: usize = 9;

#[derive(Debug, Default)]
pub struct Numbering {
    /// The format of each level, by abstract list.
    formats: HashMap<String, Vec<String>>,
    /// List to abstract list.
    lists: HashMap<String, String>,
    counts: HashMap<String, [u32; LEVELS]>,
}

impl Numbering {
    pub fn read(xml: Option<&Xml>) -> Self {
        let mut found = Self::default();
        let Some(xml) = xml else { return found };
        for node in xml.descendants(ROOT) {
            match xml.name(node) {
                "abstractNum" => {
                    let id = xml.attribute(node, "abstractNumId").unwrap_or_default().to_owned();
                    found.formats.insert(id, formats(xml, node));
                }
                "num" => {
                    let id = xml.attribute(node, "numId").unwrap_or_default().to_owned();
                    let list = xml.child(node, "abstractNumId").and_then(|child| xml.attribute(child, "val"));
                    found.lists.insert(id, list.unwrap_or_default().to_owned());
                }
                _ => {}
            }
        }
        found
    }

    /// Depth and marker of a paragraph that is a list item; counts it.
    pub fn marker(&mut self, xml: &Xml, paragraph: NodeId, styles: &Styles) -> Option<(usize, String)> {
        let properties = xml.child(paragraph, "pPr")?;
        let (list, depth) = numbering(xml, properties).or_else(|| styles.numbering(xml, properties))?;
        if list == "0" {
            return None;
        }
        let depth = depth.min(LEVELS - 1);
        let counts = self.counts.entry(list.clone()).or_default();
        counts[depth] += 1;
        counts[depth + 1..].fill(0);
        let count = counts[depth];
        let format =
            self.lists.get(&list).and_then(|id| self.formats.get(id)).and_then(|formats| formats.get(depth));
        Some((depth, written(format.map_or("bullet", String::as_str), count)))
    }
}

fn formats(xml: &Xml, list: NodeId) -> Vec<String> {
    let format = |level| {
        xml.child(level, "numFmt").and_then(|format| xml.attribute(format, "val")).unwrap_or("bullet")
    };
    xml.children_named(list, "lvl").map(|level| format(level).to_owned()).collect()
}

fn written(format: &str, count: u32) -> String {
    let letter = char::from_u32(u32::from(b'a') + (count.saturating_sub(1)) % 26).unwrap_or('a');
    match format {
        "bullet" | "none" => "-".to_owned(),
        "lowerLetter" => format!("{letter}."),
        "upperLetter" => format!("{}.", letter.to_ascii_uppercase()),
        _ => format!("{count}."),
    }
}
