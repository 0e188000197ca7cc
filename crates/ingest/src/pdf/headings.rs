//! Which groups of lines are headings, and of what level.
//!
//! A heading is what the structure tags or the outline of the file name; else what is printed larger than the body, or
//! bold where the body is not.

use std::collections::BTreeMap;

use super::line::Line;
use super::paragraphs::Group;

/// How much larger than the body a heading is.
const LARGER: f32 = 1.13;
const LEVELS_BY_SIZE_MAX: usize = 4;

/// What the text of a document mostly looks like.
#[derive(Debug)]
pub struct Looks {
    body: f32,
    is_body_bold: bool,
    /// Sizes of headings in half points, the largest first.
    sizes: Vec<i32>,
}

impl Looks {
    pub fn of<'l>(lines: impl Iterator<Item = &'l Line> + Clone) -> Self {
        let mut chars: BTreeMap<i32, usize> = BTreeMap::new();
        let (mut bold, mut all) = (0, 0);
        for line in lines.clone() {
            let count = line.text.chars().count();
            *chars.entry(half_points(line.size)).or_default() += count;
            all += count;
            bold += if line.style.bold { count } else { 0 };
        }
        let body = chars.iter().max_by_key(|(_, count)| **count).map_or(10.0, |(size, _)| *size as f32 / 2.0);
        let is_large = |size: &i32| *size as f32 / 2.0 > body * LARGER;
        // A size that a fifth of the text has is no size of headings.
        let sizes =
            chars.iter().filter(|(size, count)| is_large(size) && **count * 5 < all).map(|(size, _)| *size);
        Self { body, is_body_bold: bold * 2 > all, sizes: sizes.rev().collect() }
    }

    /// The level of a heading, from 1; `None` for other groups. `in_outline` is the level of the item with this title.
    pub fn level(&self, group: &Group<'_>, text: &str, in_outline: Option<u8>) -> Option<u8> {
        const CHARS_MAX: usize = 200;
        let first = group.first()?;
        let is_short = group.len() <= 4 && text.chars().count() <= CHARS_MAX;
        if !is_short || !first.cells.is_empty() || first.is_turned || !has_letters(text) {
            return None;
        }
        if first.style.heading > 0 {
            return Some(first.style.heading);
        }
        let is_text = text.ends_with(['.', ',', ';']) && text.contains(' ');
        let may_be_named = first.size >= self.body * 0.95 && group.len() <= 3;
        in_outline
            .filter(|_| may_be_named)
            .or_else(|| self.level_by_look(group, first, text).filter(|_| !is_text))
    }

    fn level_by_look(&self, group: &Group<'_>, first: &Line, text: &str) -> Option<u8> {
        const BOLD_CHARS_MAX: usize = 120;
        let size = half_points(first.size);
        if let Some(rank) = self
            .sizes
            .iter()
            .position(|other| *other <= size)
            .filter(|_| size as f32 / 2.0 > self.body * LARGER)
        {
            return u8::try_from(rank.min(LEVELS_BY_SIZE_MAX - 1) + 1).ok();
        }
        let is_bold = !self.is_body_bold
            && first.style.bold
            && !first.style.monospaced
            && first.size >= self.body * 0.9;
        let starts = text.chars().find(|c| c.is_alphanumeric()).is_some_and(|c| !c.is_lowercase());
        let is_heading = is_bold
            && starts
            && group.len() <= 2
            && text.chars().count() <= BOLD_CHARS_MAX
            && !text.ends_with(':');
        is_heading.then(|| u8::try_from(self.sizes.len().min(LEVELS_BY_SIZE_MAX) + 1).unwrap_or(5))
    }
}

fn half_points(size: f32) -> i32 {
    (size * 2.0).round() as i32
}

/// Neither a number nor a formula.
fn has_letters(text: &str) -> bool {
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    letters >= 2 && letters * 2 >= text.chars().filter(|c| !c.is_whitespace()).count()
}

#[cfg(test)]
mod tests {
    use super::super::word::Style;
    use super::*;

    fn line(text: &str, size: f32, bold: bool) -> Line {
        Line { text: text.into(), size, style: Style { bold, ..Style::default() }, ..Line::default() }
    }

    fn levels(lines: &[Line]) -> Vec<Option<u8>> {
        let looks = Looks::of(lines.iter());
        lines.iter().map(|line| looks.level(&vec![line], &line.text, None)).collect()
    }

    #[test]
    fn larger_and_bold_lines_are_headings() {
        let body = line(
            "this is the text of the document, of which there is the most by far, as in all documents",
            10.0,
            false,
        );
        let lines = [
            line("The Title", 20.0, true),
            line("A Chapter", 14.0, false),
            line("A Section", 10.0, true),
            body,
        ];
        assert_eq!(levels(&lines), [Some(1), Some(2), Some(3), None]);
    }

    #[test]
    fn bold_sentences_are_none() {
        let body = line("this is the text of the document, of which there is the most by far", 10.0, false);
        assert_eq!(levels(&[line("Note that this matters.", 10.0, true), body]), [None, None]);
    }
}
