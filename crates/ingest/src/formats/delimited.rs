//! Comma, semicolon, tab or pipe separated values (RFC 4180 with the liberties that programs take) as one table.
//!
//! Keeps true: any text has rows; a quote that is never closed ends with the text.

use ibid_types::parsed::Parsed;

use crate::builder::Builder;
use crate::parse::Limits;

const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

pub fn parse(text: &str, limits: &Limits) -> Parsed {
    let mut out = Builder::new(limits);
    let (delimiter, body) = delimiter_of(text);
    let mut bytes_left = limits.text_bytes_max;
    let mut table: Vec<Vec<String>> = Vec::new();
    for row in Rows::new(body, delimiter) {
        let bytes = row.iter().map(|cell| cell.len() + 3).sum::<usize>();
        table.push(row);
        let Some(left) = bytes_left.checked_sub(bytes) else { break };
        bytes_left = left;
    }
    out.table(&table);
    out.finish()
}

/// As Excel's first line `sep=;` says, else the mark that gives most of the first rows the same number of columns.
fn delimiter_of(text: &str) -> (char, &str) {
    if let Some(rest) = text.strip_prefix("sep=")
        && let Some(mark) = rest.chars().next()
    {
        return (mark, rest.split_once('\n').map_or("", |(_, body)| body));
    }
    let best = DELIMITERS.into_iter().rev().max_by_key(|delimiter| score(text, *delimiter));
    (best.unwrap_or(','), text)
}

/// Rows among the first that have as many columns as the first one has, and those columns; none for a single column.
fn score(text: &str, delimiter: char) -> (usize, usize) {
    const ROWS: usize = 20;
    const SAMPLE_BYTES: usize = 64 * 1024;
    let sample = &text[..text.floor_char_boundary(SAMPLE_BYTES)];
    let widths: Vec<usize> = Rows::new(sample, delimiter).take(ROWS).map(|row| row.len()).collect();
    let columns = widths.first().copied().unwrap_or(0);
    if columns < 2 {
        return (0, 0);
    }
    (widths.iter().filter(|width| **width == columns).count(), columns)
}

struct Rows<'t> {
    chars: std::iter::Peekable<std::str::Chars<'t>>,
    delimiter: char,
}

impl<'t> Rows<'t> {
    fn new(text: &'t str, delimiter: char) -> Self {
        Self { chars: text.chars().peekable(), delimiter }
    }

    /// A cell in quotes, of which two stand for one; text behind the closing quote belongs to it.
    fn quoted(&mut self, cell: &mut String) {
        while let Some(c) = self.chars.next() {
            if c != '"' {
                cell.push(c);
            } else if self.chars.peek() == Some(&'"') {
                self.chars.next();
                cell.push('"');
            } else {
                return;
            }
        }
    }
}

impl Iterator for Rows<'_> {
    type Item = Vec<String>;

    fn next(&mut self) -> Option<Vec<String>> {
        self.chars.peek()?;
        let mut row = Vec::new();
        let mut cell = String::new();
        while let Some(c) = self.chars.next() {
            match c {
                '"' if cell.trim().is_empty() => self.quoted(&mut cell),
                '\n' => break,
                '\r' if self.chars.peek() == Some(&'\n') => {}
                '\r' => break,
                c if c == self.delimiter => row.push(std::mem::take(&mut cell)),
                c => cell.push(c),
            }
        }
        row.push(cell);
        Some(row)
    }
}

#[cfg(test)]
mod tests {
    use ibid_types::parsed::BlockKind;

    use super::*;

    fn check(text: &str, expected: &str) {
        let parsed = parse(text, &Limits::default());
        parsed.check().unwrap();
        assert_eq!(parsed.text, expected);
        assert!(matches!(parsed.blocks[..], [ref block] if matches!(block.kind, BlockKind::Table { .. })));
    }

    #[test]
    fn delimiters_are_guessed() {
        check("a,b;c\n1,2\n3,4\n", "a | b;c\n1 | 2\n3 | 4");
        check("a;b\n1,5;2\n", "a | b\n1,5 | 2");
        check("a\tb, c\r\n1\t2\r\n", "a | b, c\n1 | 2");
        check("a|b\n1|2", "a | b\n1 | 2");
        check("sep=;\na;b", "a | b");
        check("one\ntwo", "one\ntwo");
    }

    #[test]
    fn quotes_hold_delimiters_lines_and_quotes() {
        check("a,b\n\"x, \"\"y\"\"\nz\",2\n", "a | b\nx, \"y\" z | 2");
        check("a,b\n\"never closed,2\n3,4", "a | b\nnever closed,2 3,4");
    }

    #[test]
    fn rows_need_not_be_equally_long() {
        check("a,b\n1\n1,2,3\n\n", "a | b\n1\n1 | 2 | 3");
    }
}
