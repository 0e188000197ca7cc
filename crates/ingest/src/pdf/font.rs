//! The fonts of a document: codes to text and widths, and what a font looks like.
//!
//! Keeps true: a font is loaded once while it is remembered; at most `FONTS_MAX` are remembered at a time.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use hayro_font::hayro_cmap::{BfString, load_embedded};
use hayro_font::hayro_syntax::object::dict::keys::{
    BASE_FONT, DESCENDANT_FONTS, FLAGS, FONT_DESC, FONT_WEIGHT, SUBTYPE,
};
use hayro_font::hayro_syntax::object::{Array, Dict, Name};
use hayro_font::kurbo::Vec2;
use hayro_font::{
    CMapResolverFn, Font, FontCache, FontGlyph, FontQuery, FontResolverFn, GlyphId, StandardFont,
    UNITS_PER_EM,
};

use super::font_check::is_bounded;
use super::glyph_text::GlyphText;
use super::word::Style;

/// A document with more has a subset a page; the older ones will not come again.
const FONTS_MAX: usize = 256;

pub struct Fonts<'a> {
    cache: FontCache<'a>,
    loaded: HashMap<Vec<u8>, Option<Rc<PageFont<'a>>>>,
    programs: FontResolverFn,
    code_maps: CMapResolverFn,
}

impl<'a> Fonts<'a> {
    pub fn new() -> Self {
        let program = |query: &FontQuery| {
            Some(match query {
                FontQuery::Standard(font) => font.get_font_data(),
                FontQuery::Fallback(query) => query.pick_standard_font().get_font_data(),
            })
        };
        Self {
            cache: FontCache::new(),
            loaded: HashMap::new(),
            programs: Arc::new(program),
            code_maps: Arc::new(load_embedded),
        }
    }

    /// The font of a font dictionary. `None` where it is broken beyond use.
    pub fn font(&mut self, dict: &Dict<'a>) -> Option<Rc<PageFont<'a>>> {
        if self.loaded.len() >= FONTS_MAX {
            self.loaded.clear();
            self.cache = FontCache::new();
        }
        let key = dict.data().to_vec();
        if let Some(font) = self.loaded.get(&key) {
            return font.clone();
        }
        let font =
            if is_bounded(dict) { self.cache.font(dict, &self.programs, &self.code_maps) } else { None };
        let font = font.map(|font| Rc::new(PageFont::new(font, dict)));
        self.loaded.insert(key, font.clone());
        font
    }

    /// What is shown where a page names a font that it does not have.
    pub fn fallback(&mut self) -> Option<Rc<PageFont<'a>>> {
        let font = self.cache.standard_font(StandardFont::Helvetica, &self.programs)?;
        Some(Rc::new(PageFont::new(font, &Dict::default())))
    }
}

/// A font as a page uses it.
pub struct PageFont<'a> {
    font: Font<'a>,
    guesses: GlyphText,
    known: RefCell<HashMap<u32, Rc<str>>>,
    em: f64,
    pub style: Style,
}

impl<'a> PageFont<'a> {
    fn new(font: Font<'a>, dict: &Dict<'_>) -> Self {
        let is_drawn = dict.get::<Name<'_>>(SUBTYPE).is_some_and(|kind| kind.as_str() == "Type3");
        let em = if is_drawn { em_of_drawn(&font) } else { 1.0 };
        Self { font, guesses: GlyphText::new(dict), known: RefCell::default(), em, style: style_of(dict) }
    }

    /// The height of the font in font sizes: 1, but for Type 3 fonts, whose size may be anything.
    pub const fn em(&self) -> f64 {
        self.em
    }

    /// The next code and how many bytes it takes, at least 1. `offset` must lie within `bytes`.
    pub fn read_code(&self, bytes: &[u8], offset: usize) -> (u32, usize) {
        let (code, length) = self.font.read_code(bytes, offset);
        (code, length.max(1))
    }

    /// The step to the next letter, in font sizes.
    pub fn advance(&self, code: u32) -> Vec2 {
        self.font.code_advance(code) / f64::from(UNITS_PER_EM)
    }

    pub fn is_horizontal(&self) -> bool {
        self.font.is_horizontal()
    }

    /// What a code means. Empty where nobody can tell.
    pub fn text(&self, code: u32, code_bytes: usize) -> Rc<str> {
        let known = self.known.borrow().get(&code).cloned();
        known.unwrap_or_else(|| {
            let text: Rc<str> = self.look_up(code, code_bytes).into();
            self.known.borrow_mut().insert(code, Rc::clone(&text));
            text
        })
    }

    fn look_up(&self, code: u32, code_bytes: usize) -> String {
        let id = self.font.map_code(code);
        let glyph = self.font.glyph(id, code);
        let said = match &glyph {
            FontGlyph::Outline(outline) => outline.as_unicode(),
            FontGlyph::Type3(drawn) => drawn.as_unicode(),
        };
        match said {
            Some(BfString::Char(c)) if is_text(c) => c.into(),
            Some(BfString::String(text)) if text.chars().all(is_text) => text,
            _ => self.guess(&glyph, id, code, code_bytes),
        }
    }

    fn guess(&self, glyph: &FontGlyph<'_>, id: GlyphId, code: u32, code_bytes: usize) -> String {
        if let Some(c) = self.guesses.of_code(code) {
            return c.into();
        }
        if let FontGlyph::Outline(outline) = glyph
            && let Some(data) = outline.font_data()
            && let Some(c) = self.guesses.of_glyph(id.to_u32(), data.cache_key, (*data.data).as_ref())
        {
            return c.into();
        }
        // Subsets without any map mostly keep ASCII where it was.
        let letter = char::from_u32(code).filter(|c| code_bytes == 1 && (' '..='~').contains(c));
        letter.map(String::from).unwrap_or_default()
    }
}

/// Not a control character and not from the private use area, which says nothing to a reader.
fn is_text(c: char) -> bool {
    let is_private = matches!(c, '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{10FFFD}');
    !is_private && c != '\0' && c != '\u{FFFD}'
}

/// A Type 3 font says nothing of its height; letters are half as wide as high in the mean.
fn em_of_drawn(font: &Font<'_>) -> f64 {
    const WIDTH_EMS_MEAN: f64 = 0.5;
    let widths: Vec<f64> =
        (0..=255).map(|code| font.code_advance(code).x.abs()).filter(|width| *width > 0.0).collect();
    if widths.is_empty() {
        return 1.0;
    }
    let mean = widths.iter().sum::<f64>() / widths.len() as f64 / f64::from(UNITS_PER_EM);
    mean / WIDTH_EMS_MEAN
}

fn style_of(dict: &Dict<'_>) -> Style {
    const FIXED_PITCH: u32 = 1;
    const FORCE_BOLD: u32 = 1 << 18;
    const BOLD_WEIGHT: f32 = 600.0;
    let descendant =
        dict.get::<Array<'_>>(DESCENDANT_FONTS).and_then(|fonts| fonts.iter::<Dict<'_>>().next());
    let descriptor = descendant.as_ref().unwrap_or(dict).get::<Dict<'_>>(FONT_DESC).unwrap_or_default();
    let flags = descriptor.get::<u32>(FLAGS).unwrap_or(0);
    let weight = descriptor.get::<f32>(FONT_WEIGHT).unwrap_or(0.0);
    let name =
        dict.get::<Name<'_>>(BASE_FONT).map(|name| name.as_str().to_ascii_lowercase()).unwrap_or_default();
    let says = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    let bold_names =
        ["bold", "black", "heavy", "demi", "cmbx", "sfbx", "ecbx", "cmssbx", "-medi", "nimbusromno9l-medi"];
    Style {
        bold: weight >= BOLD_WEIGHT || flags & FORCE_BOLD != 0 || says(&bold_names),
        heading: 0,
        monospaced: flags & FIXED_PITCH != 0 || says(&["courier", "mono", "consol", "cmtt", "sftt", "menlo"]),
    }
}
