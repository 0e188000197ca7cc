//! Documents of every format: parsed and cut into chunks as ingest does it.

use std::io::{Cursor, Write as _};

use ibid_ingest::{ChunkConfig, Hint, Limits, chunk, parse};
use zip::ZipWriter;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;

use super::{halves, joined, keep, text as text_of};

/// The format by name, as files have them.
macro_rules! formats {
    ($($format:ident: $name:literal),* $(,)?) => {
        $(pub fn $format(bytes: &[u8]) -> Result<(), String> {
            read(bytes, $name)
        })*
    };
}

formats! {
    markdown: "a.md", text: "a.txt", html: "a.html", xml: "a.xml", json: "a.json", json_lines: "a.jsonl", csv: "a.csv", mail: "a.eml",
    code: "a.py", pdf: "a.pdf", docx: "a.docx", xlsx: "a.xlsx", xls: "a.xls", ods: "a.ods", pptx: "a.pptx", epub: "a.epub", odt: "a.odt", odp: "a.odp", notebook: "a.ipynb",
    subtitles: "a.srt", latex: "a.tex", any: "a",
}

/// The bytes are a member's name and its content, in a container that unpacks to a thousand times its size.
pub fn container(bytes: &[u8]) -> Result<(), String> {
    let (name, content) = halves(bytes);
    let packed = pack(&text_of(name), content).map_err(|error| format!("a container: {error}"))?;
    ["a.docx", "a.xlsx", "a.pptx", "a.epub", "a.odt"].iter().try_for_each(|name| read(&packed, name))
}

/// The member as it is, and over and over again beside it.
fn pack(name: &str, content: &[u8]) -> Result<Vec<u8>, ZipError> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file(name, SimpleFileOptions::default())?;
    let times = (4 << 20) / content.len().max(64);
    for _ in 0..times.min(1000) {
        writer.write_all(content)?;
    }
    for part in ["[Content_Types].xml", "mimetype", "META-INF/container.xml"] {
        if part != name {
            writer.start_file(part, SimpleFileOptions::default())?;
            writer.write_all(content)?;
        }
    }
    Ok(writer.finish()?.into_inner())
}

pub fn container_seeds() -> Vec<Vec<u8>> {
    let paragraph = "<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body><w:p><w:r><w:t>a</w:t></w:r></w:p>";
    [
        ("word/document.xml", paragraph),
        ("content.xml", "<office:text><text:p>a"),
        ("xl/worksheets/sheet1.xml", "<row><c><v>1</v></c></row>"),
        ("ppt/slides/slide1.xml", "<p:sld><a:t>a</a:t>"),
        ("../../a.xhtml", "<html><p>a"),
    ]
    .map(|(name, content)| joined(&[name.as_bytes(), content.as_bytes()]))
    .to_vec()
}

fn read(bytes: &[u8], name: &str) -> Result<(), String> {
    const MIB: usize = 1 << 20;
    let limits = Limits {
        text_bytes_max: 8 * MIB,
        archive_bytes_max: 64 * MIB,
        archive_entries_max: 2000,
        pages_max: 500,
        ..Limits::default()
    };
    let Ok(parsed) = parse(bytes, &Hint::named(name), &limits) else { return Ok(()) };
    keep(parsed.text.len() <= limits.text_bytes_max, "no more text than is allowed")?;
    let words = |text: &str| text.split_whitespace().count();
    let chunks = chunk(&parsed, &ChunkConfig::default(), &words);
    let mut at = 0;
    for span in &chunks {
        keep(span.start == at && parsed.text.get(span.start..span.end).is_some(), "chunks tile the text")?;
        at = span.end;
    }
    keep(chunks.is_empty() || at == parsed.text.len(), "chunks tile the text to its end")
}

/// Formats of which the samples hold none.
pub fn made() -> Vec<Vec<u8>> {
    let notebook = r##"{"nbformat":4,"metadata":{"kernelspec":{"language":"python"}},"cells":[{"cell_type":"markdown","source":["# A\n","b"]},
        {"cell_type":"code","source":"print(1)","outputs":[{"output_type":"stream","text":["1\n"]}]}]}"##;
    let subtitles = "WEBVTT\n\n1\n00:00:01.000 --> 00:00:02.500 align:start\n<v Ada>Hello\n\n2\n00:00:03,000 --> 00:00:04,000\nworld\n";
    let latex = "\\documentclass{article}\\title{A}\\begin{document}\\section{B}$x^2$ \\emph{c}\\begin{itemize}\\item d\\end{itemize}\\end{document}";
    let texts = [notebook, subtitles, latex].map(|text| text.as_bytes().to_vec());
    texts.into_iter().chain(open_documents()).chain([compound()]).collect()
}

/// OpenDocument: a text, a spreadsheet, slides.
fn open_documents() -> Vec<Vec<u8>> {
    let bodies = [
        (
            "text",
            "<text:h text:outline-level=\"1\">A</text:h><text:p>b<text:s text:c=\"3\"/>c</text:p><text:list><text:list-item><text:p>d</text:p></text:list-item></text:list>",
        ),
        (
            "spreadsheet",
            "<table:table table:name=\"T\"><table:table-row table:number-rows-repeated=\"2\"><table:table-cell office:value-type=\"float\" office:value=\"1.5\" table:number-columns-repeated=\"3\"><text:p>1.5</text:p></table:table-cell></table:table-row></table:table>",
        ),
        (
            "presentation",
            "<draw:page draw:name=\"p\"><draw:frame presentation:class=\"title\"><draw:text-box><text:p>A</text:p></draw:text-box></draw:frame></draw:page>",
        ),
    ];
    bodies.iter().filter_map(|(kind, body)| open_document(kind, body).ok()).collect()
}

fn open_document(kind: &str, body: &str) -> Result<Vec<u8>, ZipError> {
    let names = ["office", "text", "table", "draw", "presentation", "style"];
    let names = names
        .map(|name| format!(" xmlns:{name}=\"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0\""))
        .concat();
    let content = format!(
        "<office:document-content{names}><office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    );
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    writer.start_file("mimetype", stored)?;
    writer.write_all(format!("application/vnd.oasis.opendocument.{kind}").as_bytes())?;
    writer.start_file("content.xml", SimpleFileOptions::default())?;
    writer.write_all(content.as_bytes())?;
    Ok(writer.finish()?.into_inner())
}

/// The head of a file of the formats before 2007, with an empty table of sectors and a directory with a workbook.
fn compound() -> Vec<u8> {
    let mut file = vec![0_u8; 512 * 4];
    file[..8].copy_from_slice(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
    file[24..34].copy_from_slice(&[0x3e, 0, 3, 0, 0xfe, 0xff, 9, 0, 6, 0]);
    file[44] = 1;
    file[48] = 1;
    file[56..58].copy_from_slice(&[0, 0x10]);
    file[60..68].copy_from_slice(&[0xfe, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    file[68..72].fill(0xff);
    file[76..512].fill(0xff);
    file[76..80].fill(0);
    // The table of sectors: itself, the directory, the workbook.
    file[512..1024].fill(0xff);
    file[512..516].copy_from_slice(&[0xfd, 0xff, 0xff, 0xff]);
    file[516..524].copy_from_slice(&[0xfe, 0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff]);
    for (at, name, kind, start, size) in [(1024, "Root Entry", 5, 0xfe, 0), (1152, "Workbook", 2, 2, 512)] {
        for (number, byte) in name.bytes().enumerate() {
            file[at + 2 * number] = byte;
        }
        file[at + 64] = 2 * (name.len() as u8 + 1);
        file[at + 66] = kind;
        file[at + 68..at + 80].fill(0xff);
        file[at + 116] = start;
        file[at + 120..at + 124].copy_from_slice(&u32::to_le_bytes(size));
    }
    file[1024 + 76] = 1;
    // A workbook begins, and ends.
    file[1536..1560].copy_from_slice(&[
        9, 8, 16, 0, 0, 6, 5, 0, 0xbb, 0x0d, 0xcc, 7, 0, 0, 0, 0, 6, 0, 0, 0, 10, 0, 0, 0,
    ]);
    file
}
