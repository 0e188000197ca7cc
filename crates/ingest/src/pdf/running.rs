//! Running headers, footers, page numbers and marks in the margin: what stands at the same place on many pages.
//!
//! Keeps true: a line is dropped only if it stands in the margin, or runs across the page, and other pages have there
//! something equal but for its numbers, or a number that counts the pages; a document with one page loses nothing.

use std::collections::HashMap;

use super::line::Line;

/// The part of the page's height at its top and at its bottom in which running lines stand.
const MARGIN: f32 = 0.12;
/// On so many pages, and on this part of all pages, it must stand.
const PAGES_MIN: usize = 3;
/// A chapter's title runs over its own pages only.
const PAGES_PART_MIN: usize = 20;
/// Numbers count the pages if they fit on this part of all pages; titles of all chapters stand beside them.
const NUMBERED_PART_MIN: usize = 4;
/// Places count as equal within this part of the page's height.
const PLACE_STEPS: f32 = 100.0;

/// Drops the running lines of all pages.
pub fn drop_running(pages: &mut [Vec<Line>]) {
    let running = Running::of(pages);
    for (index, page) in pages.iter_mut().enumerate() {
        let mut rest = page.clone();
        rest.retain(|line| !running.has(line, index) && !is_marked(line));
        // A page of a form may repeat as a whole.
        if !rest.is_empty() {
            *page = rest;
        }
    }
}

/// What stands on how many pages.
struct Running {
    lines: HashMap<(String, i32), usize>,
    /// What page numbers are ahead of the count of pages, at the top and at the bottom.
    leads: HashMap<(bool, i64), usize>,
    enough: usize,
    enough_numbers: usize,
}

impl Running {
    fn of(pages: &[Vec<Line>]) -> Self {
        let (mut lines, mut leads) = (HashMap::new(), HashMap::new());
        for (index, page) in pages.iter().enumerate() {
            for key in distinct(page.iter().filter(|line| may_run(line)).map(key)) {
                *lines.entry(key).or_default() += 1;
            }
            for lead in
                distinct(page.iter().filter(|line| is_in_margin(line)).flat_map(|line| leads_of(line, index)))
            {
                *leads.entry(lead).or_default() += 1;
            }
        }
        let enough = if pages.len() == 2 { 2 } else { PAGES_MIN.max(pages.len() / PAGES_PART_MIN) };
        Self { lines, leads, enough, enough_numbers: PAGES_MIN.max(pages.len() / NUMBERED_PART_MIN) }
    }

    fn has(&self, line: &Line, page: usize) -> bool {
        let count =
            |key: &(String, i32)| around(key).iter().filter_map(|key| self.lines.get(key)).sum::<usize>();
        let is_numbered = |lead| self.leads.get(&lead).is_some_and(|count| *count >= self.enough_numbers);
        (may_run(line) && count(&key(line)) >= self.enough)
            || (is_in_margin(line) && leads_of(line, page).any(is_numbered))
    }
}

fn distinct<T: Ord>(keys: impl Iterator<Item = T>) -> Vec<T> {
    let mut keys: Vec<T> = keys.collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// How far the numbers that the line begins and ends with are ahead of the page's index.
fn leads_of(line: &Line, page: usize) -> impl Iterator<Item = (bool, i64)> {
    const CHARS_MAX: usize = 120;
    let text = if line.text.len() <= CHARS_MAX { line.text.as_str() } else { "" };
    let number = |word: Option<&str>| word.and_then(|word| word.parse::<u32>().ok());
    let (first, last) = (number(text.split(' ').next()), number(text.rsplit(' ').next()));
    let page = i64::try_from(page).unwrap_or(i64::MAX);
    let is_top = line.depth < 0.5;
    first.into_iter().chain(last).map(move |number| (is_top, i64::from(number) - page))
}

fn may_run(line: &Line) -> bool {
    is_in_margin(line) || line.is_turned
}

fn is_in_margin(line: &Line) -> bool {
    !(MARGIN..=1.0 - MARGIN).contains(&line.depth)
}

/// The file itself says that it is no content.
fn is_marked(line: &Line) -> bool {
    line.is_artifact && is_in_margin(line)
}

/// The text with `#` for each number, and the place.
fn key(line: &Line) -> (String, i32) {
    let mut text = String::with_capacity(line.text.len());
    let is_roman =
        line.text.len() <= 8 && line.text.chars().all(|c| matches!(c, 'i' | 'v' | 'x' | 'l' | 'c'));
    for c in line.text.chars() {
        match c {
            c if c.is_whitespace() => {}
            c if c.is_numeric() && text.ends_with('#') => {}
            c if c.is_numeric() => text.push('#'),
            c => text.extend(c.to_lowercase()),
        }
    }
    if is_roman {
        text = "#".into();
    }
    (text, (line.depth * PLACE_STEPS).round() as i32)
}

fn around((text, place): &(String, i32)) -> [(String, i32); 3] {
    [-1, 0, 1].map(|step| (text.clone(), place + step))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, depth: f32) -> Line {
        Line { text: text.into(), depth, ..Line::default() }
    }

    fn left(pages: Vec<Vec<Line>>) -> Vec<String> {
        let mut pages = pages;
        drop_running(&mut pages);
        pages.into_iter().flatten().map(|line| line.text).collect()
    }

    #[test]
    fn page_numbers_and_titles_are_dropped() {
        let page = |number: usize| {
            vec![
                line("The Handbook", 0.05),
                line(&format!("text {number}"), 0.5),
                line(&format!("Page {number} of 4"), 0.95),
            ]
        };
        assert_eq!(left((1..=4).map(page).collect()), ["text 1", "text 2", "text 3", "text 4"]);
    }

    #[test]
    fn titles_beside_page_numbers_are_dropped() {
        let names = ["chol", "class", "codes", "call"];
        let page =
            |index: usize| vec![line(&format!("{} {}", names[index], index + 86), 0.05), line("text", 0.5)];
        assert_eq!(left((0..4).map(page).collect()), ["text"; 4]);
    }

    #[test]
    fn what_stands_once_or_in_the_middle_stays() {
        let page =
            |number: usize| vec![line(if number == 1 { "Title" } else { "Other" }, 0.05), line("same", 0.5)];
        assert_eq!(left((1..=3).map(page).collect()), ["Title", "same", "Other", "same", "Other", "same"]);
    }
}
