//! Blocks over plain text, recognised by its layout. Gently: what is not plainly a heading is a paragraph.

use ibid_types::parsed::{Block, BlockKind};

/// The marks that underline headings, in the order in which they were met: the first is level 1 (the rule of
/// reStructuredText).
#[derive(Debug, Default)]
pub struct Underlines {
    marks: Vec<(char, bool)>,
}

impl Underlines {
    fn level(&mut self, mark: char, has_overline: bool) -> u8 {
        let known = self.marks.iter().position(|known| *known == (mark, has_overline));
        let at = known.unwrap_or_else(|| {
            self.marks.push((mark, has_overline));
            self.marks.len() - 1
        });
        u8::try_from(at + 1).unwrap_or(9).min(9)
    }
}

/// A line without its end, as bytes of the text.
#[derive(Clone, Copy)]
struct Line<'t> {
    start: usize,
    text: &'t str,
}

impl Line<'_> {
    const fn end(&self) -> usize {
        self.start + self.text.len()
    }

    fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}

/// The blocks of `text`, in order. Underlines belong to no block.
pub fn blocks(text: &str, underlines: &mut Underlines) -> Vec<Block> {
    let lines = lines(text);
    let mut blocks = Vec::new();
    for paragraph in lines.split(Line::is_blank).filter(|lines| !lines.is_empty()) {
        let rest = take_headings(paragraph, underlines, &mut blocks);
        take_body(rest, &mut blocks);
    }
    blocks
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let mut start = 0;
    let mut lines = Vec::new();
    for line in text.split_inclusive('\n') {
        lines.push(Line { start, text: line.trim_end() });
        start += line.len();
    }
    lines
}

/// Takes the headings off the front of a paragraph.
fn take_headings<'p, 't>(
    mut paragraph: &'p [Line<'t>],
    underlines: &mut Underlines,
    blocks: &mut Vec<Block>,
) -> &'p [Line<'t>] {
    let mut push = |line: &Line<'_>, level: u8| {
        let indent = line.text.len() - line.text.trim_start().len();
        blocks.push(Block {
            kind: BlockKind::Heading { level },
            start: line.start + indent,
            end: line.end(),
        });
    };
    loop {
        paragraph = match paragraph {
            [over, title, under, rest @ ..] if is_overlined(over, title, under) => {
                push(title, underlines.level(mark_of(under), true));
                rest
            }
            [title, under, rest @ ..] if is_underlined(title, under) => {
                push(title, underlines.level(mark_of(under), false));
                rest
            }
            [title, rest @ ..] => match marked_level(title.text)
                .or_else(|| rest.is_empty().then(|| lone_level(title.text)).flatten())
            {
                Some(level) => {
                    push(title, level);
                    rest
                }
                None => return paragraph,
            },
            [] => return paragraph,
        };
    }
}

fn is_underlined(title: &Line<'_>, under: &Line<'_>) -> bool {
    let chars = title.text.trim_end().chars().count();
    let under_chars = under.text.chars().count();
    is_rule(under.text)
        && !is_rule(title.text)
        && chars > 1
        && chars <= 120
        && under_chars * 4 >= chars * 3
        && under_chars <= chars + 40
}

fn is_overlined(over: &Line<'_>, title: &Line<'_>, under: &Line<'_>) -> bool {
    is_rule(over.text) && mark_of(over) == mark_of(under) && is_underlined(title, under)
}

/// One punctuation mark, at least three times.
fn is_rule(line: &str) -> bool {
    let mut chars = line.chars();
    let Some(mark) = chars.next() else { return false };
    "=-~^\"*+#`':._".contains(mark) && line.len() >= 3 && chars.all(|c| c == mark)
}

fn mark_of(line: &Line<'_>) -> char {
    line.text.chars().next().unwrap_or(' ')
}

/// AsciiDoc's `== Title` and Org's `** Title` and Markdown's `## Title`.
fn marked_level(line: &str) -> Option<u8> {
    let mark = line.chars().next().filter(|mark| matches!(mark, '=' | '#'))?;
    let level = line.chars().take_while(|c| *c == mark).count();
    let is_title = level <= 6 && line[level..].starts_with(' ') && !line[level..].trim().is_empty();
    is_title.then(|| u8::try_from(level).unwrap_or(6))
}

/// A line that stands alone: `2.1 Scope`, `Chapter 4`, `TERMS OF USE`.
fn lone_level(line: &str) -> Option<u8> {
    const TITLE_CHARS_MAX: usize = 80;
    let line = line.trim();
    if line.chars().count() > TITLE_CHARS_MAX || line.ends_with(['.', ',', ';', ':', '!', '?', '|']) {
        return None;
    }
    numbered_level(line)
        .or_else(|| is_named_part(line).then_some(1))
        .or_else(|| is_shouted(line).then_some(1))
}

fn numbered_level(line: &str) -> Option<u8> {
    let (number, title) = line.split_once(char::is_whitespace)?;
    let parts: Vec<&str> = number.trim_end_matches('.').split('.').collect();
    let is_number = parts
        .iter()
        .all(|part| (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()));
    let is_title = title.trim().starts_with(char::is_uppercase)
        && title.split_whitespace().count() <= if parts.len() == 1 { 6 } else { 10 };
    (is_number && is_title).then(|| u8::try_from(parts.len()).unwrap_or(9))
}

fn is_named_part(line: &str) -> bool {
    const NAMES: [&str; 8] =
        ["chapter", "section", "part", "appendix", "article", "annex", "kapitel", "abschnitt"];
    let mut words = line.split_whitespace();
    let first = words.next().unwrap_or_default().to_lowercase();
    let number = words.next().unwrap_or_default().trim_end_matches([':', '.', '-', '—']);
    let is_number = number.chars().all(|c| c.is_ascii_digit() || "IVXLC".contains(c)) || number.len() == 1;
    NAMES.contains(&first.as_str()) && !number.is_empty() && is_number
}

fn is_shouted(line: &str) -> bool {
    let letters = line.chars().filter(|c| c.is_alphabetic()).count();
    let is_words = line.chars().all(|c| c.is_alphanumeric() || " -&'’,/()".contains(c));
    letters >= 4
        && is_words
        && letters * 2 > line.len()
        && !line.chars().any(char::is_lowercase)
        && line.chars().any(char::is_uppercase)
}

/// List items each on their own, everything else as one paragraph.
fn take_body(lines: &[Line<'_>], blocks: &mut Vec<Block>) {
    let mut open: Option<Block> = None;
    for line in lines {
        let is_item = is_item(line.text);
        match &mut open {
            Some(block) if !is_item => block.end = line.end(),
            _ => {
                blocks.extend(open.take());
                let kind = if is_item { BlockKind::ListItem } else { BlockKind::Paragraph };
                open = Some(Block { kind, start: line.start, end: line.end() });
            }
        }
    }
    blocks.extend(open);
}

fn is_item(line: &str) -> bool {
    let line = line.trim_start();
    let after_bullet = line.strip_prefix(['-', '*', '•', '+', '–']);
    if after_bullet.is_some_and(|rest| rest.starts_with(' ')) {
        return true;
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    (1..=3).contains(&digits)
        && line[digits..].strip_prefix(['.', ')']).is_some_and(|rest| rest.starts_with(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str)]) {
        let found: Vec<(String, &str)> = blocks(text, &mut Underlines::default())
            .into_iter()
            .map(|block| {
                let kind = match block.kind {
                    BlockKind::Heading { level } => format!("h{level}"),
                    BlockKind::ListItem => "li".to_owned(),
                    _ => "p".to_owned(),
                };
                (kind, &text[block.start..block.end])
            })
            .collect();
        let found: Vec<(&str, &str)> = found.iter().map(|(kind, text)| (kind.as_str(), *text)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn underlined_headings_take_levels_in_order() {
        check(
            "Title\n=====\n\nSub\n---\nText\n\nNext\n====\n",
            &[("h1", "Title"), ("h2", "Sub"), ("p", "Text"), ("h1", "Next")],
        );
        check("=====\nTitle\n=====\n", &[("h1", "Title")]);
    }

    #[test]
    fn numbered_and_shouted_lines_are_headings_when_alone() {
        check(
            "2.1 Scope of it\n\n2.1 apples were sold.\n",
            &[("h2", "2.1 Scope of it"), ("p", "2.1 apples were sold.")],
        );
        check(
            "TERMS OF USE\n\nAB 12\n\nChapter 4: On\n",
            &[("h1", "TERMS OF USE"), ("p", "AB 12"), ("h1", "Chapter 4: On")],
        );
    }

    #[test]
    fn asciidoc_marks_are_headings() {
        check("= Doc\n\n== Part\ntext\n", &[("h1", "= Doc"), ("h2", "== Part"), ("p", "text")]);
    }

    #[test]
    fn list_items_stand_alone() {
        check("Intro\n- a\n  more\n- b\n", &[("p", "Intro"), ("li", "- a\n  more"), ("li", "- b")]);
    }
}
