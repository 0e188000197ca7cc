//! Running headers, footers, page numbers and marks in the margin: what stands at the same place on many pages.
//!
//! Keeps true: a line is dropped only if it stands in the margin, or runs across the page, and something equal but for its
//! numbers stands there on other pages; of a document with one page nothing is dropped.

use std::collections::HashMap;

use super::line::Line;

/// The part of the page's height at its top and at its bottom in which running lines stand.
const MARGIN: f32 = 0.12;
/// On so many pages, and on this part of all pages, it must stand.
const PAGES_MIN: usize = 3;
/// A chapter's title runs over its own pages only.
const PAGES_PART_MIN: usize = 20;
/// Places count as equal within this part of the page's height.
const PLACE_STEPS: f32 = 100.0;

/// Drops the running lines of all pages.
pub fn drop_running(pages: &mut [Vec<Line>]) {
    let mut counts: HashMap<(String, i32), usize> = HashMap::new();
    for page in pages.iter() {
        let mut keys: Vec<_> = page.iter().filter(|line| may_run(line)).map(key).collect();
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            *counts.entry(key).or_default() += 1;
        }
    }
    let enough = if pages.len() == 2 { 2 } else { PAGES_MIN.max(pages.len() / PAGES_PART_MIN) };
    for page in pages.iter_mut() {
        let is_running = |line: &Line| {
            may_run(line)
                && around(&key(line)).iter().filter_map(|key| counts.get(key)).sum::<usize>() >= enough
        };
        let rest: Vec<Line> =
            page.iter().filter(|line| !is_running(line) && !is_marked(line)).cloned().collect();
        // A page of a form may repeat as a whole.
        if !rest.is_empty() {
            *page = rest;
        }
    }
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
    fn what_stands_once_or_in_the_middle_stays() {
        let page =
            |number: usize| vec![line(if number == 1 { "Title" } else { "Other" }, 0.05), line("same", 0.5)];
        assert_eq!(left((1..=3).map(page).collect()), ["Title", "same", "Other", "same", "Other", "same"]);
    }
}
