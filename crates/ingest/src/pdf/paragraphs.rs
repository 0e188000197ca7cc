//! Lines to groups: each a paragraph, a heading, a list item, a listing or a table.

use std::collections::HashMap;

use super::line::Line;
use super::script::is_right_to_left;

/// Lines of one page that belong together, in reading order.
pub type Group<'l> = Vec<&'l Line>;

/// The groups of a page.
pub fn groups_of(lines: &[Line]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for column in lines.chunk_by(|a, b| a.column == b.column) {
        let shape = Shape::of(column);
        for (index, line) in column.iter().enumerate() {
            let next = column.get(index + 1);
            match groups.last_mut().filter(|group| index > 0 && shape.goes_on(group, line, next)) {
                Some(group) => group.push(line),
                None => groups.push(vec![line]),
            }
        }
    }
    join_over_columns(groups)
}

/// A paragraph may begin at the foot of one column and end at the head of the next.
fn join_over_columns(groups: Vec<Group<'_>>) -> Vec<Group<'_>> {
    let mut joined: Vec<Group<'_>> = Vec::with_capacity(groups.len());
    for group in groups {
        match joined.last_mut().filter(|before| is_continuation(before, &group)) {
            Some(before) => before.extend(group),
            None => joined.push(group),
        }
    }
    joined
}

fn is_continuation(before: &Group<'_>, group: &Group<'_>) -> bool {
    let (Some(last), Some(first)) = (before.last(), group.first()) else {
        return false;
    };
    let is_prose = |line: &Line| line.cells.is_empty() && !line.style.monospaced && !line.is_turned;
    last.column != first.column
        && is_prose(last)
        && is_prose(first)
        && before.len() > 1
        && is_alike(last, first)
        && !ends_sentence(&last.text)
        && first.text.chars().next().is_some_and(char::is_lowercase)
}

/// Sizes and styles of running text do not change.
fn is_alike(a: &Line, b: &Line) -> bool {
    let ratio = a.size / b.size.max(0.01);
    (0.9..1.12).contains(&ratio) && a.style == b.style
}

/// How the lines of a column mostly stand.
struct Shape {
    left: f32,
    right: f32,
    /// From baseline to baseline, for each size of letters in half points.
    leadings: HashMap<i32, f32>,
}

impl Shape {
    fn of(lines: &[Line]) -> Self {
        let mut steps: HashMap<i32, Vec<f32>> = HashMap::new();
        for pair in
            lines.windows(2).filter(|pair| is_alike(&pair[0], &pair[1]) && pair[1].down > pair[0].down)
        {
            steps.entry(half_points(pair[1].size)).or_default().push(pair[1].down - pair[0].down);
        }
        Self {
            left: lines.iter().map(|line| line.left).fold(f32::MAX, f32::min),
            right: lines.iter().map(|line| line.right).fold(f32::MIN, f32::max),
            leadings: steps.into_iter().map(|(size, steps)| (size, usual(steps))).collect(),
        }
    }

    fn goes_on(&self, group: &[&Line], line: &Line, next: Option<&Line>) -> bool {
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            return false;
        };
        if !last.cells.is_empty() || !line.cells.is_empty() {
            return !last.cells.is_empty() && !line.cells.is_empty();
        }
        let is_near =
            line.down > last.down && line.down - last.down <= self.step_max(last.size.max(line.size));
        if !is_near || !(is_alike(last, line) || self.flows(last, line)) {
            return false;
        }
        let is_listing = first.style.monospaced && line.style.monospaced;
        is_listing
            || !(self.is_indented(group, line, next) || starts_item(first, line) || self.was_last(last, line))
    }

    /// A line set in another style may stand in the middle of a sentence.
    fn flows(&self, last: &Line, line: &Line) -> bool {
        let is_full = last.right >= line.size.mul_add(-3.0, self.right);
        let goes_on = line.text.chars().next().is_some_and(char::is_lowercase);
        let sizes = last.size / line.size.max(0.01);
        is_full
            && goes_on
            && !ends_sentence(&last.text)
            && (0.9..1.12).contains(&sizes)
            && last.style.heading == 0
    }

    fn step_max(&self, size: f32) -> f32 {
        let known = self
            .leadings
            .get(&half_points(size))
            .filter(|leading| (size * 0.8..size * 3.2).contains(leading));
        let usual = known.copied().unwrap_or(size * 1.25);
        usual.mul_add(1.12, size * 0.22)
    }

    /// Whether the line begins a paragraph by how far in it stands.
    fn is_indented(&self, group: &[&Line], line: &Line, next: Option<&Line>) -> bool {
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            return false;
        };
        if is_right_to_left(&line.text) {
            return false;
        }
        let step = line.left - last.left;
        let is_in = step > line.size * 0.9;
        let is_out = step < line.size * -0.9;
        // After a first line that stands further in or out, the second one takes the usual place.
        if group.len() == 1 && is_out {
            return false;
        }
        let hangs = is_in
            && group.len() == 1
            && next.is_some_and(|next| (next.left - line.left).abs() < line.size * 0.5);
        let hangs_from_mark = is_in && group.len() == 1 && item_mark(&first.text).is_some();
        (is_in && !hangs && !hangs_from_mark && last.left - self.left < line.size * 8.0)
            || (is_out && group.len() > 1)
    }

    /// Whether a paragraph ended with `last`: it ends a sentence far from the right edge.
    fn was_last(&self, last: &Line, line: &Line) -> bool {
        let width = (self.right - self.left).max(1.0);
        let room = (self.right - last.right) / width;
        let starts = line.text.chars().find(|c| c.is_alphanumeric()).is_some_and(|c| !c.is_lowercase());
        !is_right_to_left(&line.text) && starts && room > 0.12 && ends_sentence(&last.text)
    }
}

/// Most steps are inside of paragraphs; where paragraphs are short, the smaller ones are.
fn usual(mut steps: Vec<f32>) -> f32 {
    steps.sort_by(f32::total_cmp);
    steps.get(steps.len() * 2 / 5).copied().unwrap_or(0.0)
}

fn half_points(size: f32) -> i32 {
    (size * 2.0).round() as i32
}

/// A list's next item.
fn starts_item(first: &Line, line: &Line) -> bool {
    let Some(mark) = item_mark(&line.text) else {
        return false;
    };
    let is_aligned = (line.left - first.left).abs() < line.size * 0.6;
    is_bullet(mark) || (is_aligned && item_mark(&first.text).is_some())
}

/// The bullet or number that a text starts with, if something stands behind it.
pub fn item_mark(text: &str) -> Option<&str> {
    let (mark, rest) = text.split_once(' ')?;
    let has_text = item_mark(rest).is_none() && !is_number(rest);
    (has_text && (is_bullet(mark) || is_number(mark))).then_some(mark)
}

pub fn is_bullet(mark: &str) -> bool {
    const BULLETS: &str = "•◦▪‣●○■□▶►➢➤✓✔❖·∙-–—*";
    let mut letters = mark.chars();
    letters.next().is_some_and(|c| BULLETS.contains(c)) && letters.next().is_none()
}

/// `3.`, `12)`, `(iv)`, `b.`; a number of a section has more parts.
fn is_number(mark: &str) -> bool {
    let Some(inner) = mark.strip_suffix([')', '.']) else {
        return false;
    };
    let inner = inner.strip_prefix('(').unwrap_or(inner);
    let is_letter = inner.len() == 1 && inner.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_roman =
        !inner.is_empty() && inner.len() <= 5 && inner.bytes().all(|byte| b"ivxIVX".contains(&byte));
    let is_count = !inner.is_empty() && inner.len() <= 3 && inner.bytes().all(|byte| byte.is_ascii_digit());
    is_letter || is_roman || is_count
}

fn ends_sentence(text: &str) -> bool {
    let bare = text.trim_end_matches(['"', '”', '’', ')', ']', '»']);
    bare.ends_with(['.', '!', '?', ':', ';', '。', '！', '？', '…'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, left: f32, down: f32) -> Line {
        Line {
            text: text.into(),
            left,
            right: left + 5.0 * text.len() as f32,
            down,
            size: 10.0,
            ..Line::default()
        }
    }

    fn groups(lines: &[Line]) -> Vec<usize> {
        groups_of(lines).iter().map(Vec::len).collect()
    }

    #[test]
    fn a_gap_parts_paragraphs() {
        let lines = [
            line("one long line", 0.0, 0.0),
            line("goes on", 0.0, 12.0),
            line("another", 0.0, 36.0),
            line("goes on too", 0.0, 48.0),
        ];
        assert_eq!(groups(&lines), [2, 2]);
    }

    #[test]
    fn an_indented_line_begins_a_paragraph() {
        let lines = [
            line("   one long line", 0.0, 0.0),
            line("goes on and on and", 0.0, 12.0),
            line("another one that", 20.0, 24.0),
            line("goes on and on too", 0.0, 36.0),
        ];
        assert_eq!(groups(&lines), [2, 2]);
    }

    #[test]
    fn items_are_apart() {
        let lines = [
            line("1. one item", 0.0, 0.0),
            line("with two lines", 12.0, 12.0),
            line("2. another item", 0.0, 24.0),
        ];
        assert_eq!(groups(&lines), [2, 1]);
    }

    #[test]
    fn marks() {
        assert_eq!(["• a", "3. a", "(iv) a", "b) a", "- a"].map(|text| item_mark(text).is_some()), [true; 5]);
        assert_eq!(
            ["© a", "2.1 a", "3.11. a", "1998 a", "1) 2)", "I am"].map(|text| item_mark(text).is_some()),
            [false; 6]
        );
    }

    #[test]
    fn another_size_is_another_group() {
        let title = Line { size: 16.0, ..line("Title", 0.0, 0.0) };
        assert_eq!(groups(&[title, line("text", 0.0, 14.0)]), [1, 1]);
    }

    #[test]
    fn a_paragraph_goes_on_in_the_next_column() {
        let next = Line { column: 1, ..line("ends there.", 200.0, 0.0) };
        assert_eq!(groups(&[line("it begins", 0.0, 0.0), line("here and", 0.0, 12.0), next]), [3]);
    }
}
