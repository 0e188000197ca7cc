//! PDF files made for the purpose, the samples, and (with `IBID_DATA`) a folder of awkward files.

#![allow(clippy::expect_used)]

#[path = "pdf/made.rs"]
mod made;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use ibid_ingest::{Hint, Limits, parse};
use ibid_types::parsed::{BlockKind, Parsed};
use made::{Made, line, lines};
use proptest::prelude::*;

fn read(bytes: &[u8]) -> Parsed {
    parse(bytes, &Hint::named("a.pdf"), &Limits::default()).expect("reads")
}

fn code(bytes: &[u8]) -> &'static str {
    parse(bytes, &Hint::named("a.pdf"), &Limits::default()).expect_err("fails").code
}

fn blocks(parsed: &Parsed) -> Vec<(String, &str)> {
    let kind = |kind: &BlockKind| match kind {
        BlockKind::Heading { level } => format!("h{level}"),
        BlockKind::Paragraph => "p".into(),
        BlockKind::ListItem => "li".into(),
        BlockKind::Table { rows } => format!("table{rows}"),
        BlockKind::Code { .. } => "code".into(),
        other => format!("{other:?}"),
    };
    parsed.blocks.iter().map(|block| (kind(&block.kind), &parsed.text[block.start..block.end])).collect()
}

fn check(made: &Made, expected: &[(&str, &str)]) {
    let parsed = read(&made.bytes());
    let found = blocks(&parsed);
    let found: Vec<(&str, &str)> = found.iter().map(|(kind, text)| (kind.as_str(), *text)).collect();
    assert_eq!(found, expected);
}

#[test]
fn lines_become_paragraphs_without_hyphens() {
    let content = lines(
        50,
        700,
        &["The tools are lent for a week, and mem-", "bers bring them back after it. A", "second line."],
    );
    check(
        &Made::default().page(content),
        &[("p", "The tools are lent for a week, and members bring them back after it. A second line.")],
    );
}

#[test]
fn a_gap_begins_a_paragraph() {
    let content = lines(50, 700, &["one line", "and another"]) + &lines(50, 660, &["further down", "and on"]);
    check(&Made::default().page(content), &[("p", "one line and another"), ("p", "further down and on")]);
}

#[test]
fn pages_keep_their_numbers() {
    let made = Made::default()
        .page(line("F1", 10, 50, 400, "first"))
        .page("")
        .page(line("F1", 10, 50, 400, "third"));
    let parsed = read(&made.bytes());
    let pages: Vec<(u32, &str)> =
        parsed.pages.iter().map(|page| (page.number, &parsed.text[page.start..])).collect();
    assert_eq!(pages, [(1, "first\n\nthird"), (2, "third"), (3, "third")]);
}

#[test]
fn columns_are_read_one_after_the_other() {
    let left = [
        "Left one is text that fills",
        "the column from its one end",
        "to the other as text in a",
        "column does until the end",
    ];
    let right = [
        "right one goes on with what",
        "the left began, down to its",
        "very end, which is here and",
        "nowhere else on this page.",
    ];
    let content = line("F2", 20, 150, 760, "A title over both of them")
        + &lines(50, 700, &left)
        + &lines(320, 700, &right);
    let parsed = read(&Made::default().page(content).bytes());
    let place = |text: &str| parsed.text.find(text).expect(text);
    assert!(
        place("A title") < place("Left one") && place("until the end") < place("right one"),
        "{}",
        parsed.text
    );
    assert!(parsed.text.contains("until the end right one goes on"), "{}", parsed.text);
}

#[test]
fn columns_shown_line_by_line_are_columns_too() {
    let row = |y: u32| {
        lines(50, y, &["running text that fills the left column well"])
            + &lines(320, y, &["other text that fills the right column well"])
    };
    let content: String = (0..6).map(|index| row(700 - index * 12)).collect();
    let parsed = read(&Made::default().page(content).bytes());
    assert!(
        parsed.text.starts_with("running text that fills the left column well running"),
        "{}",
        parsed.text
    );
}

#[test]
fn headings_are_larger_or_bold() {
    let body = lines(
        50,
        600,
        &[
            "this is the text of the document, of which there is the most by far,",
            "and which says what is to be said here.",
        ],
    );
    let content = line("F1", 20, 50, 700, "The Title")
        + &line("F1", 14, 50, 660, "A Chapter")
        + &line("F2", 10, 50, 630, "A Section")
        + &body;
    let parsed = read(&Made::default().page(content).bytes());
    let kinds: Vec<String> = blocks(&parsed).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["h1", "h2", "h3", "p"]);
}

#[test]
fn headings_are_what_the_outline_names() {
    let content = lines(50, 700, &["2.1 Late fees"])
        + &lines(50, 670, &["one line of text that is long", "and another"]);
    let made = Made::default().page(content).catalog("/Outlines 10 0 R").object("<< /First 11 0 R >>");
    let made =
        made.object("<< /Title (Fees) /First 12 0 R /Next 11 0 R >>").object("<< /Title (Late fees) >>");
    check(&made, &[("h2", "2.1 Late fees"), ("p", "one line of text that is long and another")]);
}

#[test]
fn headings_are_what_the_tags_say() {
    let content = format!(
        "/H2 << /MCID 0 >> BDC\n{}EMC\n{}",
        line("F1", 10, 50, 700, "Opening hours"),
        line("F1", 10, 50, 670, "from nine to five")
    );
    check(&Made::default().page(content), &[("h2", "Opening hours"), ("p", "from nine to five")]);
}

#[test]
fn running_lines_are_dropped() {
    let page = |number: u32| {
        line("F1", 8, 50, 780, "The Handbook")
            + &line("F1", 10, 50, 400, &format!("text of {number}"))
            + &line("F1", 8, 300, 20, &format!("Page {number} of 4"))
    };
    let made = (1..=4).fold(Made::default(), |made, number| made.page(page(number)));
    check(&made, &[("p", "text of 1"), ("p", "text of 2"), ("p", "text of 3"), ("p", "text of 4")]);
}

#[test]
fn aligned_cells_are_a_table() {
    let row = |y: u32, cells: [&str; 3]| {
        cells.iter().zip([50, 200, 350]).map(|(cell, x)| line("F1", 10, x, y, cell)).collect::<String>()
    };
    let content = row(700, ["Tool", "Days", "Fee"])
        + &row(686, ["Drill", "3", "0.50"])
        + &row(672, ["Saw", "7", "0.20"]);
    check(
        &Made::default().page(content),
        &[("table3", "Tool | Days | Fee\nDrill | 3 | 0.50\nSaw | 7 | 0.20")],
    );
}

#[test]
fn items_of_lists_are_apart() {
    let content = lines(50, 700, &["1. bring the tool back", "2. say what is broken", "3. pay the fee"]);
    check(
        &Made::default().page(content),
        &[("li", "1. bring the tool back"), ("li", "2. say what is broken"), ("li", "3. pay the fee")],
    );
}

#[test]
fn listings_keep_their_lines() {
    let content = line("F3", 10, 50, 700, "def fee\\(days\\):")
        + &line("F3", 10, 74, 688, "return days")
        + &line("F3", 10, 50, 676, "fee\\(3\\)");
    check(&Made::default().page(content), &[("code", "def fee(days):\n    return days\nfee(3)")]);
}

#[test]
fn codes_are_read_through_their_map() {
    let map = "/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <0000> <FFFF> endcodespacerange 2 beginbfchar <0001> <0416> <0002> <00660069> endbfchar endcmap";
    let made = Made::default().page("BT /F4 10 Tf 50 700 Td <00010002> Tj ET");
    let made = made.object("<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /DescendantFonts [11 0 R] /ToUnicode 12 0 R >>");
    let made = made.object("<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /DW 500 >>").stream("", map);
    check(&made, &[("p", "Жfi")]);
}

#[test]
fn replacements_are_taken_for_what_is_shown() {
    let content = "/Span << /ActualText (ffi) >> BDC BT /F1 10 Tf 50 700 Td (###) Tj ET EMC";
    check(&Made::default().page(content), &[("p", "ffi")]);
}

#[test]
fn forms_are_read_and_loops_of_them_end() {
    let made = Made::default().page("/X Do").resources("/XObject << /X 11 0 R >>").object("null");
    let made = made.stream(
        "/Type /XObject /Subtype /Form /BBox [0 0 600 800] /Resources 6 0 R",
        &(line("F1", 10, 50, 700, "inside") + "/X Do /X Do"),
    );
    check(&made, &[("p", "inside")]);
}

#[test]
fn layers_that_are_off_are_not_read() {
    let content =
        format!("/OC /L BDC\n{}EMC\n{}", line("F1", 10, 50, 700, "hidden"), line("F1", 10, 50, 600, "shown"));
    let made = Made::default()
        .page(content)
        .resources("/Properties << /L 10 0 R >>")
        .object("<< /Type /OCG /Name (x) >>");
    check(&made.catalog("/OCProperties << /OCGs [10 0 R] /D << /OFF [10 0 R] >> >>"), &[("p", "shown")]);
}

#[test]
fn filled_fields_are_read() {
    let made = Made::default().page(line("F1", 10, 50, 700, "Name:")).object("null");
    let field = "/Type /Annot /Subtype /Widget /Rect [100 690 300 710] /AP << /N 11 0 R >>";
    let made = made.stream(
        "/Type /XObject /Subtype /Form /BBox [0 0 200 20] /Resources 6 0 R",
        &line("F1", 10, 2, 10, "Mary Holt"),
    );
    let bytes = String::from_utf8(made.bytes())
        .expect("ascii")
        .replace("/Contents", &format!("/Annots [<< {field} >>] /Contents"));
    assert_eq!(read(bytes.as_bytes()).text, "Name: Mary Holt");
}

#[test]
fn metadata_comes_from_the_file() {
    let made = Made::default()
        .page(line("F1", 10, 50, 700, "text"))
        .catalog("/Lang (en-GB)")
        .trailer("/Info 10 0 R");
    let made = made.object("<< /Title <FEFF00540069006400650073> /Author (Mary Holt) /CreationDate (D:20261121080000+01'00') /Keywords (sea, moon) >>");
    let metadata = read(&made.bytes()).metadata;
    assert_eq!(
        (metadata.title.as_deref(), metadata.author.as_deref(), metadata.language.as_deref()),
        (Some("Tides"), Some("Mary Holt"), Some("en"))
    );
    assert_eq!(metadata.created.map(|time| time.to_string()).as_deref(), Some("2026-11-21T07:00:00.000Z"));
    assert_eq!(metadata.tags, ["sea", "moon"]);
}

#[test]
fn text_outside_of_the_page_is_left_out() {
    let content = line("F1", 10, 50, 400, "inside") + &line("F1", 10, 700, 400, "outside");
    check(&Made::default().page(content), &[("p", "inside")]);
}

#[test]
fn files_without_text_say_so() {
    assert_eq!(code(&Made::default().page("0 0 m 100 100 l S").bytes()), "document_no_text");
}

#[test]
fn files_that_are_none_are_damaged() {
    assert_eq!(code(b"%PDF-1.7\nnothing of it"), "document_damaged");
}

#[test]
fn files_with_a_password_are_refused() {
    let filler = "41".repeat(32);
    let encrypt = format!(
        "/ID [<{filler}> <{filler}>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{filler}> /U <{filler}> >>"
    );
    let bytes = Made::default().page(line("F1", 10, 50, 700, "secret")).trailer(&encrypt).bytes();
    assert_eq!(code(&bytes), "document_encrypted");
}

#[test]
fn a_lost_index_is_made_again() {
    let bytes = Made::default().page(line("F1", 10, 50, 700, "still here")).bytes();
    let cut = bytes.windows(4).rposition(|window| window == b"xref").expect("has an index");
    let cut = bytes[..cut - 5].windows(4).rposition(|window| window == b"xref").expect("has a table");
    let damaged = [&bytes[..cut], b"trailer << /Root 1 0 R >>"].concat();
    assert_eq!(read(&damaged).text, "still here");
}

#[test]
fn a_page_that_cannot_be_read_is_named() {
    let made = Made::default().page(line("F1", 10, 50, 700, "first")).page("second");
    let bytes =
        String::from_utf8(made.bytes()).expect("ascii").replace("/Contents 13 0 R", "/Contents 99 0 R");
    let parsed = read(bytes.as_bytes());
    assert_eq!(parsed.text, "first");
    assert!(parsed.warnings.iter().any(|warning| warning.contains("page 2")), "{:?}", parsed.warnings);
}

#[test]
fn limits_hold() {
    let made = (1..=5).fold(Made::default(), |made, number| {
        made.page(line("F1", 10, 50, 400, &format!("text of page {number}")))
    });
    let few = Limits { pages_max: 2, ..Limits::default() };
    let parsed = parse(&made.bytes(), &Hint::named("a.pdf"), &few).expect("reads");
    assert_eq!((parsed.pages.len(), parsed.warnings.len()), (2, 1));
    let short = Limits { text_bytes_max: 20, ..Limits::default() };
    let parsed = parse(&made.bytes(), &Hint::named("a.pdf"), &short).expect("reads");
    assert!(parsed.text.len() <= 20 && !parsed.warnings.is_empty(), "{parsed:?}");
}

#[test]
fn ranges_that_name_billions_of_codes_cost_nothing() {
    let made = Made::default().page("BT /F4 10 Tf 50 700 Td <00410042> Tj ET").object(
        "<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /DescendantFonts [11 0 R] >>",
    );
    let made = made.object("<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X /W [0 4294967295 500] >>");
    let _ = parse(&made.bytes(), &Hint::named("a.pdf"), &Limits::default());
}

#[test]
fn deep_nesting_ends() {
    let content =
        format!("{}{}{}", "q ".repeat(100_000), "/Span << /A [".repeat(5_000), line("F1", 10, 50, 700, "x"));
    let _ = parse(&Made::default().page(content).bytes(), &Hint::named("a.pdf"), &Limits::default());
}

#[test]
fn samples_are_read() {
    for path in pdfs_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples")) {
        let parsed = read(&std::fs::read(&path).expect("is there"));
        assert!(
            parsed.text.len() > 500 && parsed.warnings.is_empty(),
            "{}: {:?}",
            path.display(),
            parsed.warnings
        );
        assert!(
            blocks(&parsed).iter().any(|(kind, _)| kind.starts_with('h')),
            "{} has headings",
            path.display()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Any few bytes of a file may be anything: the answer is a text or an error, never a panic.
    #[test]
    fn damage_does_no_harm(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20)) {
        let row = |y: u32| lines(50, y, &["running text in a column"]) + &lines(320, y, &["other text in a column"]);
        let content: String = (0..4).map(|index| row(700 - index * 12)).collect();
        let made = Made::default().page(content).page("/X Do").resources("/XObject << /X 11 0 R >>").object("null");
        let mut bytes = made.stream("/Type /XObject /Subtype /Form /BBox [0 0 600 800]", &line("F3", 10, 50, 700, "inside")).bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(parsed) = parse(&bytes, &Hint::named("a.pdf"), &Limits::default()) {
            prop_assert!(parsed.check().is_ok());
        }
    }
}

/// Prints what became of each file under `IBID_DATA`: read or refused by code, letters, time. With `IBID_REFERENCE`, a
/// folder that holds `NAME.txt` for each `NAME.pdf` as another program read it, also how many of its words were found
/// (recall) and how many of ours it has (precision). Fails on a panic or a broken promise only.
#[test]
fn sweep_of_awkward_files() {
    let Some(folder) = std::env::var_os("IBID_DATA") else {
        println!("skipped: IBID_DATA is not set");
        return;
    };
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    let (mut chars, mut slowest, mut all_ms, mut shared) = (0, (0, PathBuf::new()), 0, Shared::default());
    for path in pdfs_in(Path::new(&folder)) {
        let bytes = std::fs::read(&path).expect("is readable");
        let start = Instant::now();
        let outcome = parse(&bytes, &Hint::named("a.pdf"), &Limits::default());
        let ms = start.elapsed().as_millis();
        all_ms += ms;
        slowest = slowest.max((ms, path.clone()));
        *outcomes
            .entry(outcome.as_ref().map_or_else(|error| error.code.to_owned(), |_| "read".to_owned()))
            .or_default() += 1;
        let text = outcome.map(|parsed| parsed.text).unwrap_or_default();
        chars += text.chars().count();
        shared.add(&path, &text);
    }
    println!(
        "{outcomes:?}; {chars} characters; {all_ms} ms in all; slowest {} ms: {}",
        slowest.0,
        slowest.1.display()
    );
    println!(
        "{shared:?}, recall {:.4}, precision {:.4}",
        shared.part(shared.theirs),
        shared.part(shared.ours)
    );
    assert!(!outcomes.contains_key("parser_broken"), "a parser broke its promise");
}

/// Words of all files, each counted as often as it stands there.
#[derive(Debug, Default)]
struct Shared {
    ours: usize,
    theirs: usize,
    both: usize,
}

impl Shared {
    fn add(&mut self, path: &Path, text: &str) {
        let reference = std::env::var_os("IBID_REFERENCE").zip(path.file_stem());
        let Some(reference) = reference.and_then(|(folder, name)| {
            std::fs::read_to_string(Path::new(&folder).join(name).with_extension("txt")).ok()
        }) else {
            return;
        };
        let (ours, theirs) = (words(text), words(&reference));
        self.ours += ours.values().sum::<usize>();
        self.theirs += theirs.values().sum::<usize>();
        self.both += theirs
            .iter()
            .map(|(word, count)| ours.get(word).map_or(0, |other| *other.min(count)))
            .sum::<usize>();
    }

    fn part(&self, of: usize) -> f64 {
        self.both as f64 / of.max(1) as f64
    }
}

/// Words in lower case; what a line end parts with a hyphen counts as one.
fn words(text: &str) -> BTreeMap<String, usize> {
    let text = text.replace("-\n", "").to_lowercase();
    let mut words = BTreeMap::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        *words.entry(word.to_owned()).or_default() += 1;
    }
    words
}

fn pdfs_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("is a folder") {
            let path = entry.expect("can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "pdf") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
