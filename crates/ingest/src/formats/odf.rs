//! OpenDocument (ISO/IEC 26300): texts, presentations and spreadsheets.

use ibid_types::parsed::Parsed;
use ibid_types::{Error, Result};

mod sheets;
mod slides;
mod styles;
mod writer;

use super::archive::Archive;
use super::office::{part, properties};
use super::xml::{NodeId, ROOT, Xml};
use crate::builder::Builder;
use crate::parse::Limits;
use styles::Styles;
use writer::Writer;

/// Errors: those of `Archive`, `document_encrypted`, and `document_damaged` if there is no content.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Parsed> {
    let mut archive = Archive::open(bytes, limits)?;
    refuse_encrypted(&mut archive, limits)?;
    let Some(content) = part(&mut archive, "content.xml", limits)? else {
        let what = "the file has no document inside; save or send it again";
        return Err(Error::bad_request("document_damaged", what));
    };
    let mut out = Builder::new(limits);
    if let Some(meta) = part(&mut archive, "meta.xml", limits)? {
        *out.metadata() = properties(&meta);
    }
    if content.is_damaged {
        out.warn("the document is damaged; the text behind the damage is missing");
    }
    let mut styles = Styles::default();
    if let Some(shared) = part(&mut archive, "styles.xml", limits)? {
        styles.read(&shared);
    }
    styles.read(&content);
    let body = content.find(ROOT, "body").unwrap_or(ROOT);
    write_body(&content, body, &styles, limits, &mut out);
    Ok(out.finish())
}

fn write_body(xml: &Xml, body: NodeId, styles: &Styles, limits: &Limits, out: &mut Builder) {
    if let Some(book) = xml.child(body, "spreadsheet") {
        return sheets::write(xml, book, limits, out);
    }
    let mut writer = Writer::new(xml, styles, limits.depth_max, out);
    match xml.child(body, "presentation").or_else(|| xml.child(body, "drawing")) {
        Some(show) => slides::write(xml, show, &mut writer),
        None => writer.write_text(xml.child(body, "text").unwrap_or(body)),
    }
    writer.finish();
}

fn refuse_encrypted(archive: &mut Archive<'_>, limits: &Limits) -> Result<()> {
    let manifest = part(archive, "META-INF/manifest.xml", limits)?;
    if manifest.is_some_and(|xml| xml.find(ROOT, "encryption-data").is_some()) {
        let what = "the document is protected by a password; remove the protection and send it again";
        return Err(Error::bad_request("document_encrypted", what));
    }
    Ok(())
}
