//! Every format that is shipped as a sample reads with its title, headings or pages, and its chunks tile it.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "what fails in a test's own functions fails the test"
)]

use std::path::PathBuf;

use ibid_ingest::{ChunkConfig, Format, Hint, Limits, chunk, parse};
use ibid_types::parsed::{BlockKind, Parsed};
use proptest::prelude::*;

mod zipped;

use zipped::container;

fn sample(name: &str) -> Parsed {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../samples").join(name);
    read(&std::fs::read(path).unwrap(), name)
}

fn read(bytes: &[u8], name: &str) -> Parsed {
    let parsed = parse(bytes, &Hint::named(name), &Limits::default()).unwrap();
    parsed.check().unwrap();
    check_tiles(&parsed);
    parsed
}

fn code(bytes: &[u8], name: &str) -> &'static str {
    parse(bytes, &Hint::named(name), &Limits::default()).map_or_else(|error| error.code, |_| "fine")
}

fn check_tiles(parsed: &Parsed) {
    let chunks = chunk(parsed, &ChunkConfig::default(), &|text| text.split_whitespace().count());
    let whole: String = chunks.iter().map(|chunk| &parsed.text[chunk.start..chunk.end]).collect();
    assert_eq!(whole, parsed.text);
}

fn headings(parsed: &Parsed) -> Vec<&str> {
    let is_heading = |kind: &BlockKind| matches!(kind, BlockKind::Heading { .. });
    parsed
        .blocks
        .iter()
        .filter(|block| is_heading(&block.kind))
        .map(|block| &parsed.text[block.start..block.end])
        .collect()
}

/// A sample's title, count of headings, of pages, and a phrase that only its reader knows.
fn check_sample(name: &str, title: Option<&str>, heading_count: usize, page_count: usize, phrase: &str) {
    let parsed = sample(name);
    assert_eq!(parsed.metadata.title.as_deref(), title, "{name}");
    assert_eq!(
        (headings(&parsed).len(), parsed.pages.len()),
        (heading_count, page_count),
        "{name}: {:?}",
        headings(&parsed)
    );
    assert!(parsed.text.contains(phrase), "{name}: {}", parsed.text);
    assert!(parsed.warnings.is_empty(), "{name}: {:?}", parsed.warnings);
}

#[test]
fn samples_of_text() {
    check_sample(
        "house-rules.md",
        Some("House rules of the workshop"),
        4,
        0,
        "Oily rags go into the red metal bin",
    );
    check_sample("weather-log.txt", None, 0, 0, "24 metres a second at noon");
    check_sample("winter-course.html", Some("Winter course: caring for chisels"), 3, 0, "- An apron");
    check_sample("late_fee.py", None, 1, 0, "FEE_PER_DAY * days_late");
    check_sample("reservations.eml", Some("Reservations can now be made by telephone"), 1, 0, "Ring 5512");
}

#[test]
fn samples_of_data() {
    check_sample(
        "contact.json",
        Some("Tern Island Tool Library"),
        0,
        0,
        "- name: Noor Haddad\n    role: workshop keeper",
    );
    check_sample("loans.jsonl", None, 0, 0, "loan: L-1042\ntool: Extension ladder");
    check_sample("ferry-timetable.csv", None, 0, 0, "06:40 | Tern Island | Mainland | Monday to Friday | 6");
    check_sample("inventory.xlsx", Some("Inventory"), 2, 2, "Wood lathe | Worn motor | 260");
}

#[test]
fn samples_of_containers() {
    check_sample(
        "spring-meeting.docx",
        Some("Minutes of the Spring Meeting"),
        3,
        0,
        "Chair | Ingrid Vale | 2028",
    );
    check_sample(
        "sharpening.pptx",
        Some("Sharpening a plane iron"),
        3,
        3,
        "- Grind the primary bevel at 25 degrees.",
    );
    check_sample("island-history.epub", Some("A Short History of Tern Island"), 2, 0, "electrified in 1932");
}

#[test]
fn word_documents_have_lists_notes_and_pages() {
    let document = "<w:document><w:body>\
        <w:p><w:pPr><w:pStyle w:val='Heading2'/></w:pPr><w:r><w:t>Part</w:t></w:r></w:p>\
        <w:p><w:pPr><w:numPr><w:ilvl w:val='0'/><w:numId w:val='1'/></w:numPr></w:pPr><w:r><w:t>First</w:t></w:r></w:p>\
        <w:p><w:r><w:br w:type='page'/><w:t>Text</w:t><w:footnoteReference w:id='2'/></w:r><w:del><w:r><w:t>gone</w:t></w:r></w:del></w:p>\
        </w:body></w:document>";
    let numbering = "<w:numbering><w:abstractNum w:abstractNumId='7'><w:lvl w:ilvl='0'><w:numFmt w:val='decimal'/></w:lvl></w:abstractNum>\
        <w:num w:numId='1'><w:abstractNumId w:val='7'/></w:num></w:numbering>";
    let notes = "<w:footnotes><w:footnote w:id='2'><w:p><w:r><w:t>A note.</w:t></w:r></w:p></w:footnote></w:footnotes>";
    let parts =
        [("word/document.xml", document), ("word/numbering.xml", numbering), ("word/footnotes.xml", notes)];
    let parsed = read(&container(&parts), "a.docx");
    assert_eq!(parsed.text, "Part\n\n1. First\n\nText[2]\n\n[2] A note.");
    assert_eq!((headings(&parsed), parsed.pages.len()), (vec!["Part"], 2));
}

#[test]
fn opendocument_texts_have_headings_lists_notes_and_tables() {
    let content = "<o><office:body><office:text><text:h text:outline-level='2'>Part</text:h>\
        <text:p>One<text:s/>two<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>A note.</text:p></text:note-body></text:note></text:p>\
        <text:list><text:list-item><text:p>item</text:p><text:list><text:list-item><text:p>inner</text:p></text:list-item></text:list></text:list-item></text:list>\
        <table:table><table:table-row><table:table-cell><text:p>a</text:p></table:table-cell><table:table-cell><text:p>b</text:p></table:table-cell></table:table-row></table:table>\
        </office:text></office:body></o>";
    let meta = "<m><dc:title>T</dc:title><meta:initial-creator>Ann</meta:initial-creator></m>";
    let parsed = read(&container(&[("content.xml", content), ("meta.xml", meta)]), "a.odt");
    assert_eq!(parsed.text, "Part\n\nOne two[1]\n\n- item\n  - inner\n\na | b\n\n[1] A note.");
    assert_eq!(
        (parsed.metadata.title.as_deref(), parsed.metadata.author.as_deref()),
        (Some("T"), Some("Ann"))
    );
}

#[test]
fn opendocument_sheets_and_slides_are_pages() {
    let sheets = "<o><office:body><office:spreadsheet><table:table table:name='S'><table:table-row><table:table-cell><text:p>a</text:p></table:table-cell>\
        <table:table-cell table:number-columns-repeated='2'><text:p>b</text:p></table:table-cell></table:table-row>\
        <table:table-row table:number-rows-repeated='1048576'><table:table-cell table:number-columns-repeated='16384'/></table:table-row></table:table></office:spreadsheet></office:body></o>";
    let parsed = read(
        &container(&[
            ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
            ("content.xml", sheets),
        ]),
        "a.ods",
    );
    assert_eq!((parsed.text.as_str(), parsed.pages.len()), ("S\n\na | b | b", 1));
    let slides = "<o><office:body><office:presentation><draw:page><draw:frame presentation:class='title'><draw:text-box><text:p>T</text:p></draw:text-box></draw:frame>\
        <draw:frame><draw:text-box><text:p>x</text:p></draw:text-box></draw:frame></draw:page><draw:page/></office:presentation></office:body></o>";
    let parsed = read(&container(&[("content.xml", slides)]), "a.odp");
    assert_eq!((parsed.text.as_str(), parsed.pages.len()), ("T\n\nx", 2));
    assert_eq!(parsed.pages[0].label.as_deref(), Some("T"));
}

#[test]
fn slides_have_notes_and_tables() {
    let slide = "<p:sld><p:sp><p:nvSpPr><p:nvPr><p:ph type='title'/></p:nvPr></p:nvSpPr><p:txBody><a:p><a:r><a:t>T</a:t></a:r></a:p></p:txBody></p:sp>\
        <p:graphicFrame><a:tbl><a:tr><a:tc><a:p><a:r><a:t>a</a:t></a:r></a:p></a:tc><a:tc><a:p><a:r><a:t>b</a:t></a:r></a:p></a:tc></a:tr></a:tbl></p:graphicFrame></p:sld>";
    let notes = "<p:notes><p:sp><p:nvSpPr><p:nvPr><p:ph type='body'/></p:nvPr></p:nvSpPr><p:txBody><a:p><a:r><a:t>Say it.</a:t></a:r></a:p></p:txBody></p:sp></p:notes>";
    let relation = |kind: &str, target: &str| {
        format!("<r><Relationship Id='r1' Type='http://x/{kind}' Target='{target}'/></r>")
    };
    let parts = [
        ("ppt/presentation.xml", "<p><p:sldId r:id='r1'/></p>".to_owned()),
        ("ppt/_rels/presentation.xml.rels", relation("slide", "slides/s.xml")),
        ("ppt/slides/s.xml", slide.to_owned()),
        ("ppt/slides/_rels/s.xml.rels", relation("notesSlide", "../n.xml")),
        ("ppt/n.xml", notes.to_owned()),
    ];
    let parts: Vec<(&str, &str)> = parts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    assert_eq!(read(&container(&parts), "a.pptx").text, "T\n\na | b\n\nNotes: Say it.");
}

#[test]
fn protected_books_and_documents_are_called_encrypted() {
    let manifest = ("META-INF/manifest.xml", "<m><file-entry><encryption-data/></file-entry></m>");
    assert_eq!(code(&container(&[("content.xml", "x"), manifest]), "a.odt"), "document_encrypted");
    let book = [
        ("META-INF/container.xml", "<c><rootfile full-path='p.opf'/></c>"),
        ("META-INF/encryption.xml", "<e><CipherReference URI='a.xhtml'/></e>"),
        ("p.opf", "<p><item id='a' href='a.xhtml'/><itemref idref='a'/></p>"),
    ];
    assert_eq!(code(&container(&book), "a.epub"), "document_encrypted");
}

#[test]
fn containers_without_a_document_are_damaged() {
    for (entry, name) in
        [("word/x", "a.docx"), ("ppt/x", "a.pptx"), ("xl/x", "a.xlsx"), ("META-INF/container.xml", "a.epub")]
    {
        assert_eq!(code(&container(&[(entry, "")]), name), "document_damaged", "{name}");
    }
    assert_eq!(code(b"PK\x03\x04 cut short", "a.docx"), "document_damaged");
}

#[test]
fn old_and_foreign_files_are_refused_with_advice() {
    let ole = |stream: &str| {
        let name = stream.encode_utf16().flat_map(u16::to_le_bytes);
        b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".iter().copied().chain(name).collect::<Vec<u8>>()
    };
    assert_eq!(code(&ole("WordDocument"), "a.doc"), "format_unsupported");
    assert_eq!(code(&ole("EncryptedPackage"), "a.docx"), "document_encrypted");
    assert_eq!(code(&ole("Workbook"), "a.xls"), "document_damaged");
    let error = parse(&ole("WordDocument"), &Hint::named("a.doc"), &Limits::default()).unwrap_err();
    assert!(error.message.contains("save it as DOCX"));
}

#[test]
fn a_container_that_unpacks_to_too_much_is_refused() {
    let zeros = "0".repeat(8 << 20);
    for name in ["word/document.xml", "xl/workbook.xml", "content.xml", "META-INF/container.xml"] {
        assert_eq!(code(&container(&[(name, &zeros)]), "a"), "document_too_large", "{name}");
    }
}

#[test]
fn text_and_pages_above_the_limits_are_cut_with_a_warning() {
    let limits = Limits { text_bytes_max: 50, pages_max: 1, ..Limits::default() };
    for name in [
        "sharpening.pptx",
        "inventory.xlsx",
        "spring-meeting.docx",
        "loans.jsonl",
        "contact.json",
        "reservations.eml",
        "winter-course.html",
    ] {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../samples").join(name);
        let parsed = parse(&std::fs::read(path).unwrap(), &Hint::named(name), &limits).unwrap();
        assert!(parsed.text.len() <= 50 && parsed.pages.len() <= 1 && !parsed.warnings.is_empty(), "{name}");
    }
}

/// What begins like a file of each kind, so that arbitrary bytes reach its reader.
const STARTS: [&[u8]; 9] = [
    b"",
    b"{\"a\":",
    b"<?xml version='1.0'?><a>",
    b"<html>",
    b"a,b\n",
    b"---\n",
    b"From: a\nTo: b\nSubject: c\n\n",
    b"PK\x03\x04",
    b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1W\0o\0r\0k\0b\0o\0o\0k\0",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn arbitrary_bytes_never_panic(start in 0..STARTS.len(), bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let file = [STARTS[start], &bytes].concat();
        check_all_names(&file);
    }

    #[test]
    fn arbitrary_text_never_panics(start in 0..STARTS.len(), text in "[<>/a-c{}\\[\\]\":,;|=#*`\\-\n\t &;0-9é]{0,300}") {
        let file = [STARTS[start], text.as_bytes()].concat();
        check_all_names(&file);
    }

    #[test]
    fn arbitrary_parts_never_panic(part in 0..PARTS.len(), xml in "(</?(w:|a:|text:|table:)?(p|t|r|tbl|tr|tc|list|list-item|h|table-row|table-cell|body|sst|si|c|v|row|sheetData)( (w:val|r|t|s|r:id)='[A-Z]{0,3}[0-9]{0,9}')?/?>|x){0,60}") {
        let mut entries = PARTS.map(|(name, text)| (name, text));
        entries[part].1 = &xml;
        check(&container(&entries[..6]), "a.docx");
        check(&container(&entries[6..12]), "a.xlsx");
        check(&container(&entries[12..]), "a.odt");
    }
}

/// The parts of a Word, an Excel and an OpenDocument file; all are small and right, but for the one under test.
const PARTS: [(&str, &str); 15] = [
    ("word/document.xml", "<w:body><w:p><w:r><w:t>x</w:t></w:r></w:p></w:body>"),
    ("word/styles.xml", "<s/>"),
    ("word/numbering.xml", "<s/>"),
    ("word/footnotes.xml", "<s/>"),
    ("_rels/.rels", "<s/>"),
    ("docProps/core.xml", "<s/>"),
    (
        "xl/workbook.xml",
        "<workbook xmlns:r='http://schemas.openxmlformats.org/officeDocument/2006/relationships'><sheets><sheet name='S' sheetId='1' r:id='r1'/></sheets></workbook>",
    ),
    (
        "xl/_rels/workbook.xml.rels",
        "<Relationships><Relationship Id='r1' Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet' Target='worksheets/sheet1.xml'/></Relationships>",
    ),
    (
        "xl/worksheets/sheet1.xml",
        "<worksheet><sheetData><row r='1'><c r='A1'><v>1</v></c></row></sheetData></worksheet>",
    ),
    ("xl/sharedStrings.xml", "<sst/>"),
    (
        "_rels/.rels",
        "<Relationships><Relationship Id='r1' Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument' Target='xl/workbook.xml'/></Relationships>",
    ),
    ("[Content_Types].xml", "<Types/>"),
    ("content.xml", "<o><office:body><office:text><text:p>x</text:p></office:text></office:body></o>"),
    ("styles.xml", "<s/>"),
    ("meta.xml", "<s/>"),
];

#[test]
fn a_sheet_with_an_impossible_cell_keeps_what_came_before() {
    let mut parts: Vec<(&str, &str)> = PARTS[6..12].to_vec();
    parts[2].1 = "<worksheet><sheetData><row r='1'><c r='A1'><v>1</v></c><c r='BLINESTRISTPRICE9'><v>2</v></c></row></sheetData></worksheet>";
    let parsed = read(&container(&parts), "a.xlsx");
    assert_eq!((parsed.text.as_str(), parsed.warnings.len()), ("S\n\n1", 1));
}

#[test]
fn the_small_files_themselves_are_read() {
    assert_eq!(read(&container(&PARTS[..6]), "a.docx").text, "x");
    assert_eq!(read(&container(&PARTS[6..12]), "a.xlsx").text, "S\n\n1");
    assert_eq!(read(&container(&PARTS[12..]), "a.odt").text, "x");
}

fn check_all_names(file: &[u8]) {
    for format in Format::ALL {
        check(file, &format!("a.{}", format.extensions().first().unwrap_or(&"rs")));
    }
}

fn check(file: &[u8], name: &str) {
    if let Ok(parsed) = parse(file, &Hint::named(name), &Limits::default()) {
        parsed.check().unwrap();
        check_tiles(&parsed);
    }
}
