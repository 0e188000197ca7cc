//! PDF files to text with pages, headings, paragraphs, lists and tables.
//!
//! Bytes to objects and codes to letters is the work of the hayro crates; here is what a reader does: from letters to
//! words (`word`), to rows and columns (`rows`, `columns`), to lines (`line`), without what repeats on every page
//! (`running`), to paragraphs and headings (`paragraphs`, `headings`).
//!
//! Keeps true: pages keep the numbers that a reader counts; text of one page never joins that of another; work and
//! memory are bounded by `Limits` and `CONTENT_BYTES_MAX`.

mod annotation;
mod columns;
mod content;
mod destination;
mod font;
mod font_check;
mod glyph_text;
mod headings;
mod join;
mod layers;
mod line;
mod marked;
mod metadata;
mod outline;
mod paragraphs;
mod rows;
mod running;
mod script;
mod state;
mod table;
mod text_string;
mod word;
mod write;

use hayro_font::hayro_syntax::object::dict::keys::SUBTYPE;
use hayro_font::hayro_syntax::object::{Dict, Name, Stream};
use hayro_font::hayro_syntax::page::Page;
use hayro_font::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use ibid_types::parsed::Parsed;
use ibid_types::{Error, Result};

use crate::builder::Builder;
use crate::parse::Limits;
use content::{Budget, Extent, Runner, content_of};
use destination::Destinations;
use font::Fonts;
use headings::Looks;
use join::Vocabulary;
use layers::Layers;
use line::{Line, lines_of};
use outline::Outline;
use running::drop_running;
use write::Writer;

/// What all content streams of a document may have together, counted each time they run: enough for 20,000 pages of
/// 50 KB; a form that is shown a million times stops here.
const CONTENT_BYTES_MAX: usize = 1 << 30;

/// Reads a PDF file.
///
/// Errors: `document_encrypted`, `document_no_text`, `document_damaged`, all bad_request. Pages that cannot be read
/// are left out with a warning.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Parsed> {
    let pdf = Pdf::new(bytes.to_vec()).map_err(refusal)?;
    if pdf.pages().is_empty() {
        return Err(damaged());
    }
    let catalog = pdf.xref().get::<Dict<'_>>(pdf.xref().root_id()).unwrap_or_default();
    let mut out = Builder::new(limits);
    *out.metadata() = metadata::metadata_of(&pdf, &catalog);
    let mut pages = read_pages(&pdf, &catalog, limits, &mut out);
    if pages.iter().all(Vec::is_empty) {
        return Err(no_text(pages.len()));
    }
    drop_running(&mut pages);
    let outline = Outline::new(&catalog, &Destinations::new(&pdf, &catalog));
    write_pages(&pages, &outline, &mut out);
    Ok(out.finish())
}

fn read_pages(pdf: &Pdf, catalog: &Dict<'_>, limits: &Limits, out: &mut Builder) -> Vec<Vec<Line>> {
    let layers = Layers::new(catalog);
    let mut fonts = Fonts::new();
    let mut budget = Budget { content: CONTENT_BYTES_MAX, text: limits.text_bytes_max };
    let mut runner = Runner { fonts: &mut fonts, layers: &layers, budget: &mut budget };
    let mut pages = Vec::new();
    let mut without_text = Vec::new();
    for (index, page) in pdf.pages().iter().enumerate().take(limits.pages_max) {
        let (width, height) = page.render_dimensions();
        let content = content_of(page);
        let words = runner.words(page, content.as_deref().unwrap_or_default());
        let lines = lines_of(words, Extent { width, height });
        if lines.is_empty() && (has_image(page) || content.is_none()) {
            without_text.push(index + 1);
        }
        pages.push(lines);
        if runner.budget.is_spent() {
            out.warn(format!("the document is too large; it was read up to page {}", index + 1));
            break;
        }
    }
    if pdf.pages().len() > limits.pages_max {
        out.warn(format!("only the first {} pages were read", limits.pages_max));
    }
    if !without_text.is_empty() {
        out.warn(format!("{} no text layer and must be run through OCR to be found", subject(&without_text)));
    }
    pages
}

fn write_pages(pages: &[Vec<Line>], outline: &Outline, out: &mut Builder) {
    let lines = pages.iter().flatten();
    let writer = Writer { outline, looks: Looks::of(lines.clone()), words: Vocabulary::of(lines) };
    for (index, lines) in pages.iter().enumerate() {
        out.page(u32::try_from(index + 1).unwrap_or(u32::MAX), None);
        writer.page(index, lines, out);
        if out.is_full() {
            return;
        }
    }
}

/// `page 3 has`, `pages 3, 4 and 7 have`.
fn subject(pages: &[usize]) -> String {
    const NAMED_MAX: usize = 12;
    let named: Vec<String> = pages.iter().take(NAMED_MAX).map(ToString::to_string).collect();
    match named.as_slice() {
        [page] => format!("page {page} has"),
        _ if pages.len() > NAMED_MAX => format!("{} pages, from page {} on, have", pages.len(), named[0]),
        [before @ .., last] => format!("pages {} and {last} have", before.join(", ")),
        [] => String::new(),
    }
}

fn has_image(page: &Page<'_>) -> bool {
    let objects = &page.resources().x_objects;
    let is_image = |name: Name<'_>| {
        let stream = objects.get::<Stream<'_>>(&*name)?;
        Some(stream.dict().get::<Name<'_>>(SUBTYPE)?.as_str() == "Image")
    };
    objects.keys().any(|name| is_image(name).unwrap_or(false))
}

fn refusal(error: LoadPdfError) -> Error {
    match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => {
            let what = "the file opens with a password only; save it without the password and try again";
            Error::bad_request("document_encrypted", what)
        }
        LoadPdfError::Decryption(_) => {
            let what = "the file is encrypted in a way that cannot be read; save it without protection and try again";
            Error::bad_request("document_encrypted", what)
        }
        LoadPdfError::Invalid => damaged(),
    }
}

fn damaged() -> Error {
    let what =
        "the file is no readable PDF, even after repair; open it in a viewer, save it again and try that";
    Error::bad_request("document_damaged", what)
}

fn no_text(pages: usize) -> Error {
    let pages = if pages == 1 { "the page has".to_owned() } else { format!("none of the {pages} pages has") };
    let pages = if pages.starts_with("none") { format!("{pages} a") } else { format!("{pages} no") };
    let what = format!(
        "{pages} text layer, as in scans; run the file through OCR (for example `ocrmypdf`) and try again"
    );
    Error::bad_request("document_no_text", what)
}
