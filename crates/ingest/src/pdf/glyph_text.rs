//! What a letter means when the font's own maps do not say: by its number in a published character collection, or by
//! the reversed character map of the embedded font program.
//!
//! Keeps true: the reversed map is made once a font and holds at most 65,536 letters.

use std::cell::RefCell;
use std::collections::HashMap;

use hayro_font::hayro_cmap::{BfString, CMap, CMapName, CidFamily, load_embedded};
use hayro_font::hayro_syntax::object::dict::keys::{
    CID_TO_GID_MAP, CIDSYSTEMINFO, DESCENDANT_FONTS, ENCODING, FONT_DESC, FONT_FILE, FONT_FILE2, FONT_FILE3,
    ORDERING, REGISTRY,
};
use hayro_font::hayro_syntax::object::{self, Array, Dict, Name, Object};
use skrifa::raw::TableProvider;
use skrifa::{FontRef, MetadataProvider};

#[derive(Default)]
pub struct GlyphText {
    /// Code to number in the collection, and number to text.
    collection: Option<(CMap, CMap)>,
    bare: Option<Bare>,
    reversed: RefCell<Option<(u128, HashMap<u32, char>)>>,
}

impl GlyphText {
    pub fn new(dict: &Dict<'_>) -> Self {
        let collection = collection_of(dict);
        let bare = if collection.is_none() { bare_of(dict) } else { None };
        Self { collection, bare, reversed: RefCell::default() }
    }

    /// By the character collection of a composite font.
    pub fn of_code(&self, code: u32) -> Option<char> {
        if let Some(bare) = self.bare {
            return bare.letter(code);
        }
        let (to_number, to_text) = self.collection.as_ref()?;
        let number = (1..=4).find_map(|length| to_number.lookup_cid_code(code, length))?;
        match to_text.lookup_bf_string(number)? {
            BfString::Char(c) => Some(c),
            BfString::String(text) => text.chars().next(),
        }
    }

    /// By the font program `data`, which `key` names.
    pub fn of_glyph(&self, glyph: u32, key: u128, data: &[u8]) -> Option<char> {
        let mut reversed = self.reversed.borrow_mut();
        if reversed.as_ref().is_none_or(|(of, _)| *of != key) {
            *reversed = Some((key, reverse(data)));
        }
        reversed.as_ref()?.1.get(&glyph).copied()
    }
}

fn collection_of(dict: &Dict<'_>) -> Option<(CMap, CMap)> {
    let descendant = dict.get::<Array<'_>>(DESCENDANT_FONTS)?.iter::<Dict<'_>>().next()?;
    let info = descendant.get::<Dict<'_>>(CIDSYSTEMINFO)?;
    let registry = info.get::<object::String<'_>>(REGISTRY)?;
    let ordering = info.get::<object::String<'_>>(ORDERING)?;
    let family = CidFamily::from_registry_ordering(registry.as_bytes(), ordering.as_bytes());
    let to_text = CMap::parse(load_embedded(family.ucs2_cmap()?)?, load_embedded)?;
    Some((encoding_of(dict)?, to_text))
}

/// What codes are in a composite font that is neither embedded nor of a collection.
#[derive(Clone, Copy, Debug)]
enum Bare {
    /// The file maps them to glyphs itself, so its writer took what it had at hand.
    Unicode,
    /// Numbers of glyphs in the fonts of Windows, which all have the same first thousand.
    WindowsGlyphs,
}

impl Bare {
    fn letter(self, code: u32) -> Option<char> {
        let letter = match (self, code) {
            (Self::Unicode, _) => code,
            (Self::WindowsGlyphs, 3..=97) => code + 29,
            // The Russian letters of Arial and Times New Roman.
            (Self::WindowsGlyphs, 0x23A..=0x279) => code + 0x1D6,
            _ => return None,
        };
        char::from_u32(letter).filter(|c| !c.is_control())
    }
}

fn bare_of(dict: &Dict<'_>) -> Option<Bare> {
    let descendant = dict.get::<Array<'_>>(DESCENDANT_FONTS)?.iter::<Dict<'_>>().next()?;
    let descriptor = descendant.get::<Dict<'_>>(FONT_DESC).unwrap_or_default();
    let is_embedded = [FONT_FILE, FONT_FILE2, FONT_FILE3].iter().any(|key| descriptor.contains_key(key));
    let is_mapped = matches!(descendant.get::<Object<'_>>(CID_TO_GID_MAP), Some(Object::Stream(_)));
    (!is_embedded).then_some(if is_mapped { Bare::Unicode } else { Bare::WindowsGlyphs })
}

fn encoding_of(dict: &Dict<'_>) -> Option<CMap> {
    if let Some(Object::Stream(stream)) = dict.get::<Object<'_>>(ENCODING) {
        return CMap::parse(&stream.decoded_data().ok()?, load_embedded);
    }
    let name = dict.get::<Name<'_>>(ENCODING)?;
    match CMapName::from_bytes(&name) {
        CMapName::IdentityH | CMapName::IdentityV => Some(CMap::identity_h()),
        other => CMap::parse(load_embedded(other)?, load_embedded),
    }
}

fn reverse(data: &[u8]) -> HashMap<u32, char> {
    const LETTERS_MAX: usize = 65_536;
    let mut letters = HashMap::new();
    let Ok(font) = FontRef::new(data) else {
        return letters;
    };
    if font.cmap().is_err() {
        return letters;
    }
    for (code, glyph) in font.charmap().mappings().take(LETTERS_MAX) {
        if let Some(c) =
            char::from_u32(code).filter(|c| !matches!(c, '\u{E000}'..='\u{F8FF}' | '\0'..='\u{1F}'))
        {
            letters.entry(glyph.to_u32()).or_insert(c);
        }
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn glyphs_of_windows_fonts_are_known() {
        let text = |codes: &[u32]| {
            codes.iter().filter_map(|code| Bare::WindowsGlyphs.letter(*code)).collect::<String>()
        };
        assert_eq!(text(&[39, 40, 54, 38]), "DESC");
        assert_eq!(text(&[0x24D, 0x25D, 0x265]), "Угл");
    }
}
