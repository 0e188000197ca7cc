//! EPUB books: the chapters in reading order, each read as a page of HTML (EPUB 3.3, sections 4 and 5).
//!
//! Books have no pages of their own, so none are given.

use std::collections::HashMap;

use ibid_types::parsed::Parsed;
use ibid_types::{Error, Result};

use super::archive::Archive;
use super::html;
use super::office::{part, properties, resolve};
use super::text::decode;
use super::xml::{ROOT, Xml};
use crate::builder::Builder;
use crate::parse::Limits;

/// Errors: those of `Archive`, `document_encrypted`, and `document_damaged` if there is no package.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Parsed> {
    let mut archive = Archive::open(bytes, limits)?;
    let (folder, package) = package(&mut archive, limits)?;
    let chapters = chapters(&package, &folder);
    refuse_encrypted(&mut archive, &chapters, limits)?;
    let mut out = Builder::new(limits);
    *out.metadata() = properties(&package);
    for chapter in chapters.iter().take(limits.pages_max) {
        match archive.read(chapter)? {
            Some(bytes) => out.append(&html::parse_fragment(&html::closed(&decode(&bytes)), limits), 0),
            None => out.warn(format!("chapter '{chapter}' is missing from the file")),
        }
        if out.is_full() {
            break;
        }
    }
    Ok(out.finish())
}

/// The package document and the folder that its names are relative to.
fn package(archive: &mut Archive<'_>, limits: &Limits) -> Result<(String, Xml)> {
    let container = part(archive, "META-INF/container.xml", limits)?;
    let path = container
        .as_ref()
        .and_then(|xml| xml.attribute(xml.find(ROOT, "rootfile")?, "full-path"))
        .map(str::to_owned);
    let package = path.as_deref().map(|path| part(archive, path, limits)).transpose()?.flatten();
    let (Some(path), Some(package)) = (path, package) else {
        let what = "the file has no book inside; save or send it again";
        return Err(Error::bad_request("document_damaged", what));
    };
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    Ok((folder, package))
}

/// The names of the chapters in reading order, without tables of contents.
fn chapters(package: &Xml, folder: &str) -> Vec<String> {
    let items: HashMap<&str, String> = package
        .descendants(ROOT)
        .filter(|node| package.name(*node) == "item" && package.attribute(*node, "properties") != Some("nav"))
        .filter_map(|node| {
            let target = decoded(package.attribute(node, "href")?);
            Some((package.attribute(node, "id")?, resolve(folder, &target)))
        })
        .collect();
    let spine = package.descendants(ROOT).filter(|node| package.name(*node) == "itemref");
    spine.filter_map(|node| items.get(package.attribute(node, "idref")?).cloned()).collect()
}

/// A link's `%20` as what it stands for.
fn decoded(link: &str) -> String {
    let mut bytes = Vec::with_capacity(link.len());
    let mut rest = link.split('#').next().unwrap_or_default().as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let hex = behind.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.filter(|_| *first == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Books may have scrambled fonts; one whose chapters are encrypted cannot be read.
fn refuse_encrypted(archive: &mut Archive<'_>, chapters: &[String], limits: &Limits) -> Result<()> {
    let Some(list) = part(archive, "META-INF/encryption.xml", limits)? else { return Ok(()) };
    let mut targets = list.descendants(ROOT).filter(|node| list.name(*node) == "CipherReference");
    let is_chapter = |name: &str| chapters.iter().any(|chapter| *chapter == resolve("", &decoded(name)));
    if targets.any(|node| list.attribute(node, "URI").is_some_and(is_chapter)) {
        let what = "the book is protected (DRM) and cannot be read; use a copy without protection";
        return Err(Error::bad_request("document_encrypted", what));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chapters_follow_the_spine() {
        let package = "<package><manifest><item id='n' href='nav.xhtml' properties='nav'/><item id='a' href='a%20b.xhtml'/><item id='b' href='../b.xhtml#x'/></manifest>\
            <spine><itemref idref='n'/><itemref idref='b'/><itemref idref='a'/><itemref idref='?'/></spine></package>";
        let package = Xml::parse(package, &Limits::default()).unwrap();
        assert_eq!(chapters(&package, "OEBPS/text"), ["OEBPS/b.xhtml", "OEBPS/text/a b.xhtml"]);
    }

    #[test]
    fn links_are_decoded() {
        assert_eq!((decoded("a%2Fb%").as_str(), decoded("%zz").as_str()), ("a/b%", "%zz"));
    }
}
