//! Documents of every format: parsed and cut into chunks as ingest does it.

use ibid_ingest::{ChunkConfig, Hint, Limits, chunk, parse};

use super::keep;

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
    code: "a.py", pdf: "a.pdf", docx: "a.docx", xlsx: "a.xlsx", pptx: "a.pptx", epub: "a.epub", odt: "a.odt", notebook: "a.ipynb",
    subtitles: "a.srt", latex: "a.tex", any: "a",
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
