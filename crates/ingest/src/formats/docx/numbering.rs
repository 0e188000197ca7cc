//! List numbers, which Word does not store in the text but counts (ECMA-376 part 1, clause 17.9).

use std::collections::HashMap;

use super::styles::{Styles, numbering};
use crate::formats::xml::{NodeId, ROOT, Xml};

/// Deeper lists do not exist (17.9.6).
const LEVELS: usize = 9;

#[derive(Debug, Default)]
pub struct Numbering {
    /// The levels of each abstract list.
    levels: HashMap<String, Vec<Level>>,
    /// List to abstract list.
    lists: HashMap<String, String>,
    counts: HashMap<String, [Option<u32>; LEVELS]>,
}

/// How a level of a list is numbered.
#[derive(Debug)]
struct Level {
    /// `bullet`, `decimal`, `lowerRoman`.
    format: String,
    /// `%1.%2.`, where `%1` is the number of the first level.
    template: String,
    start: u32,
}

impl Numbering {
    pub fn read(xml: Option<&Xml>) -> Self {
        let mut found = Self::default();
        let Some(xml) = xml else { return found };
        for node in xml.descendants(ROOT) {
            match xml.name(node) {
                "abstractNum" => {
                    let id = xml.attribute(node, "abstractNumId").unwrap_or_default().to_owned();
                    let levels =
                        xml.children_named(node, "lvl").take(LEVELS).map(|level| level_of(xml, level));
                    found.levels.insert(id, levels.collect());
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
        let none = Vec::new();
        let levels = self.lists.get(&list).and_then(|id| self.levels.get(id)).unwrap_or(&none);
        let start = levels.get(depth).map_or(1, |level| level.start);
        let counts = self.counts.entry(list).or_default();
        counts[depth] = Some(counts[depth].map_or(start, |count| count.saturating_add(1)));
        counts[depth + 1..].fill(None);
        Some((depth, levels.get(depth).map_or_else(|| "-".to_owned(), |level| level.marker(levels, counts))))
    }
}

fn level_of(xml: &Xml, level: NodeId) -> Level {
    const TEMPLATE_CHARS_MAX: usize = 40;
    let value = |name: &str| xml.child(level, name).and_then(|child| xml.attribute(child, "val"));
    let number = xml.attribute(level, "ilvl").and_then(|level| level.parse::<usize>().ok()).unwrap_or(0);
    let template = value("lvlText").map(|text| text.chars().take(TEMPLATE_CHARS_MAX).collect());
    Level {
        format: value("numFmt").unwrap_or("bullet").to_owned(),
        template: template.unwrap_or_else(|| format!("%{}.", number + 1)),
        start: value("start").and_then(|start| start.parse().ok()).unwrap_or(1),
    }
}

impl Level {
    /// The template with the numbers of this level and those above.
    fn marker(&self, levels: &[Self], counts: &[Option<u32>; LEVELS]) -> String {
        if matches!(self.format.as_str(), "bullet" | "none") {
            return "-".to_owned();
        }
        let mut marker = self.template.clone();
        for (number, level) in (1..).zip(levels) {
            let place = format!("%{number}");
            if marker.contains(&place) {
                let count = counts.get(number - 1).copied().flatten().unwrap_or(level.start);
                marker = marker.replace(&place, &written(&level.format, count));
            }
        }
        let marker = marker.split_whitespace().collect::<Vec<_>>().join(" ");
        if marker.is_empty() { "-".to_owned() } else { marker }
    }
}

fn written(format: &str, count: u32) -> String {
    let letter = char::from_u32(u32::from(b'a') + (count.saturating_sub(1)) % 26).unwrap_or('a');
    match format {
        "lowerLetter" => letter.to_string(),
        "upperLetter" => letter.to_ascii_uppercase().to_string(),
        "lowerRoman" => roman(count).to_lowercase(),
        "upperRoman" => roman(count),
        "decimalZero" => format!("{count:02}"),
        _ => count.to_string(),
    }
}

/// Roman numerals up to 3999; above, digits.
fn roman(mut count: u32) -> String {
    const VALUES: [(u32, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    if count == 0 || count > 3999 {
        return count.to_string();
    }
    let mut text = String::new();
    for (value, numeral) in VALUES {
        while count >= value {
            text.push_str(numeral);
            count -= value;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_formats_say() {
        let all: Vec<String> =
            ["decimal", "lowerLetter", "upperRoman", "decimalZero"].map(|format| written(format, 4)).into();
        assert_eq!(all, ["4", "d", "IV", "04"]);
    }

    #[test]
    fn templates_take_the_numbers_of_outer_levels() {
        let level = |format: &str, template: &str| Level {
            format: format.into(),
            template: template.into(),
            start: 1,
        };
        let levels = [level("upperRoman", "%1."), level("decimal", "%1.%2"), level("bullet", "o")];
        let counts = [Some(2), Some(3), None, None, None, None, None, None, None];
        assert_eq!(
            levels.iter().map(|level| level.marker(&levels, &counts)).collect::<Vec<_>>(),
            ["II.", "II.3", "-"]
        );
    }
}
