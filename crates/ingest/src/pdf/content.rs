//! Runs the content streams of a page and shows their text to a `WordBuilder`.
//!
//! Keeps true: forms nest at most `FORMS_DEEP_MAX` deep, and all content of a document together costs no more than
//! its `Budget`; a broken operator is skipped, the rest of its stream goes on.

use std::borrow::Cow;
use std::rc::Rc;

use hayro_font::hayro_syntax::content::TypedIter;
use hayro_font::hayro_syntax::content::ops::TypedInstruction as Op;
use hayro_font::hayro_syntax::object::dict::keys::{CONTENTS, FONT, MATRIX, OC, RESOURCES, SUBTYPE};
use hayro_font::hayro_syntax::object::{
    self, Array, Dict, Name, Number, Object, ObjectIdentifier, Rect, Stream,
};
use hayro_font::hayro_syntax::page::{Page, Resources};
use hayro_font::kurbo::{Affine, Point, Vec2};

use super::annotation::{self, Shown};
use super::font::{Fonts, PageFont};
use super::layers::Layers;
use super::marked::Marked;
use super::state::States;
use super::word::{Glyph, Style, Word, WordBuilder};

const FORMS_DEEP_MAX: usize = 16;
/// What starting a form costs besides its bytes.
const FORM_COST: usize = 2048;

/// What may still be spent on a document. All in bytes.
#[derive(Debug)]
pub struct Budget {
    /// Of content streams, counted each time they run.
    pub content: usize,
    /// Of text.
    pub text: usize,
}

impl Budget {
    pub const fn is_spent(&self) -> bool {
        self.content == 0 || self.text == 0
    }

    fn spend(&mut self, content: usize) -> bool {
        let is_enough = content <= self.content;
        self.content = self.content.saturating_sub(content);
        is_enough
    }
}

/// Width and height of a page as it is shown, in points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extent {
    pub width: f32,
    pub height: f32,
}

/// What a page shows, unpacked. `None` where it should have content and none can be read. (The page itself would keep
/// it as long as the document is open.)
pub fn content_of(page: &Page<'_>) -> Option<Vec<u8>> {
    const PARTS_MAX: usize = 10_000;
    let page = page.raw();
    if let Some(stream) = page.get::<Stream<'_>>(CONTENTS) {
        return stream.decoded_data().ok().map(Cow::into_owned);
    }
    let Some(parts) = page.get::<Array<'_>>(CONTENTS) else {
        return (!page.contains_key(CONTENTS)).then(Vec::new);
    };
    let mut content = Vec::new();
    for part in parts.iter::<Stream<'_>>().take(PARTS_MAX).filter_map(|part| part.decoded_data().ok()) {
        content.extend_from_slice(&part);
        // Operators do not go on over the end of a part.
        content.push(b'\n');
    }
    Some(content)
}

pub struct Runner<'a, 'd> {
    pub fonts: &'d mut Fonts<'a>,
    pub layers: &'d Layers,
    pub budget: &'d mut Budget,
}

impl<'a> Runner<'a, '_> {
    /// The words of a page in the order in which they are shown, those of its fields behind them.
    pub fn words(&mut self, page: &Page<'a>, content: &[u8]) -> Vec<Word> {
        let to_page = Affine::new(page.initial_transform(true).as_coeffs());
        let (width, height) = page.render_dimensions();
        let mut run = Run {
            fonts: self.fonts,
            layers: self.layers,
            budget: self.budget,
            states: States::new(to_page),
            marked: Marked::default(),
            words: WordBuilder::default(),
            extent: Extent { width, height },
            forms: Vec::new(),
        };
        run.stream(content, page.resources());
        for shown in annotation::shown_on(page.raw(), self.layers) {
            run.marked = Marked::default();
            match shown {
                Shown::Form(form, place) => {
                    run.states = States::new(to_page * place);
                    run.form(&form, page.resources());
                }
                Shown::Value(text, place) => run.value(&text, to_page, place),
            }
        }
        run.words.finish()
    }
}

struct Run<'a, 'r> {
    fonts: &'r mut Fonts<'a>,
    layers: &'r Layers,
    budget: &'r mut Budget,
    states: States<'a>,
    marked: Marked,
    words: WordBuilder,
    extent: Extent,
    /// The forms inside of which the stream runs, so that none runs inside of itself.
    forms: Vec<ObjectIdentifier>,
}

impl<'a> Run<'a, '_> {
    fn stream(&mut self, content: &[u8], resources: &Resources<'a>) {
        if !self.budget.spend(content.len() + FORM_COST) {
            return;
        }
        let (saved, marked) = (self.states.depth(), self.marked.depth());
        let mut operations = TypedIter::new(content);
        while let Some(operation) = operations.next() {
            self.operation(&operation, resources, saved);
            if self.budget.is_spent() {
                break;
            }
        }
        while self.states.depth() > saved {
            self.states.restore(saved);
        }
        self.marked.end_to(marked);
    }

    fn operation(&mut self, operation: &Op<'_, '_>, resources: &Resources<'a>, saved: usize) {
        match operation {
            Op::SaveState(_) => self.states.save(),
            Op::RestoreState(_) => self.states.restore(saved),
            Op::Transform(t) => self.states.transform(affine([t.0, t.1, t.2, t.3, t.4, t.5])),
            Op::SetGraphicsState(name) => self.font_of_state(name.0, resources),
            Op::XObject(name) => self.x_object(name.0, resources),
            Op::BeginMarkedContent(tag) => self.marked.begin(tag.0, None, false),
            Op::BeginMarkedContentWithProperties(span) => self.begin_marked(span.0, span.1, resources),
            Op::EndMarkedContent(_) => self.marked.end(),
            _ => self.text_operation(operation, resources),
        }
    }

    fn text_operation(&mut self, operation: &Op<'_, '_>, resources: &Resources<'a>) {
        let text = &mut self.states.now.text;
        match operation {
            Op::BeginText(_) => text.begin(),
            Op::CharacterSpacing(space) => text.letter_space = space.0.as_f64(),
            Op::WordSpacing(space) => text.word_space = space.0.as_f64(),
            Op::HorizontalScaling(percent) => text.stretch = percent.0.as_f64() / 100.0,
            Op::TextLeading(leading) => text.leading = leading.0.as_f64(),
            Op::TextRise(rise) => text.rise = rise.0.as_f64(),
            Op::TextFont(font) => self.font(font.0, font.1.as_f64(), resources),
            Op::NextLine(step) => text.next_line(step.0.as_f64(), step.1.as_f64()),
            Op::NextLineAndSetLeading(step) => {
                text.leading = -step.1.as_f64();
                text.next_line(step.0.as_f64(), step.1.as_f64());
            }
            Op::SetTextMatrix(t) => text.set_line(affine([t.0, t.1, t.2, t.3, t.4, t.5])),
            Op::NextLineUsingLeading(_) => text.next_line(0.0, -text.leading),
            Op::ShowText(shown) => self.show(shown.0),
            Op::ShowTexts(shown) => self.show_all(shown.0),
            Op::NextLineAndShowText(shown) => {
                text.next_line(0.0, -text.leading);
                self.show(shown.0);
            }
            Op::ShowTextWithParameters(shown) => {
                text.word_space = shown.0.as_f64();
                text.letter_space = shown.1.as_f64();
                text.next_line(0.0, -text.leading);
                self.show(shown.2);
            }
            _ => {}
        }
    }

    fn font(&mut self, name: &Name<'_>, size: f64, resources: &Resources<'a>) {
        let dict = resources.get_font(name);
        self.set_font(dict.as_ref(), size);
    }

    fn set_font(&mut self, dict: Option<&Dict<'a>>, size: f64) {
        let font = dict.and_then(|dict| self.fonts.font(dict)).or_else(|| self.fonts.fallback());
        self.states.now.text.font = font;
        self.states.now.text.size = size;
    }

    /// A graphics state dictionary may set the font too.
    fn font_of_state(&mut self, name: &Name<'_>, resources: &Resources<'a>) {
        let Some(font) = resources.get_ext_g_state(name).and_then(|state| state.get::<Array<'_>>(FONT))
        else {
            return;
        };
        let mut items = font.flex_iter();
        if let (Some(dict), Some(size)) = (items.next::<Dict<'_>>(), items.next::<f32>()) {
            self.set_font(Some(&dict), f64::from(size));
        }
    }

    fn begin_marked(&mut self, tag: &Name<'_>, object: &Object<'_>, resources: &Resources<'a>) {
        match object {
            Object::Name(name) => {
                let is_hidden = **tag == *b"OC" && self.layers.hides(&resources.properties, name);
                let properties = resources.properties.get::<Dict<'_>>(name);
                self.marked.begin(tag, properties.as_ref(), is_hidden);
            }
            Object::Dict(properties) => self.marked.begin(tag, Some(properties), false),
            _ => self.marked.begin(tag, None, false),
        }
    }

    fn x_object(&mut self, name: &Name<'_>, resources: &Resources<'a>) {
        let Some(stream) = resources.get_x_object(name) else {
            return;
        };
        let is_form = stream.dict().get::<Name<'_>>(SUBTYPE).is_some_and(|kind| kind.as_str() == "Form");
        if is_form && !self.layers.hides(stream.dict(), OC) {
            self.form(&stream, resources);
        }
    }

    fn form(&mut self, form: &Stream<'a>, around: &Resources<'a>) {
        let is_loop = self.forms.contains(&form.obj_id()) || self.forms.len() >= FORMS_DEEP_MAX;
        if is_loop || self.marked.is_hidden() || self.budget.is_spent() {
            return;
        }
        let Ok(content) = form.decoded_data() else {
            return;
        };
        let own = form.dict().get::<Dict<'_>>(RESOURCES).map(Resources::new);
        let matrix = form.dict().get::<[f64; 6]>(MATRIX).map_or(Affine::IDENTITY, Affine::new);
        self.forms.push(form.obj_id());
        let around_state = self.states.now.clone();
        self.states.transform(matrix);
        self.stream(&content, own.as_ref().unwrap_or(around));
        self.states.now = around_state;
        self.forms.pop();
    }

    /// The letters of a value from the left edge of its field, on its first line.
    fn value(&mut self, text: &str, to_page: Affine, place: Rect) {
        const WIDTH_SIZES: f64 = 0.5;
        let size = (place.height() * 0.7).clamp(1.0, 10.0);
        let mut pen = Point::new(place.x0, place.y1 - size);
        self.budget.text = self.budget.text.saturating_sub(text.len());
        for c in text.chars() {
            let next = pen + Vec2::new(size * WIDTH_SIZES, 0.0);
            let up = to_page * (pen + Vec2::new(0.0, size)) - to_page * pen;
            let (start, end) = (to_page * pen, to_page * next);
            let (style, letter) = (Style::default(), c.to_string());
            self.words.push(&Glyph {
                text: &letter,
                start,
                end,
                up,
                tracking: 0.0,
                style,
                is_artifact: false,
            });
            pen = next;
        }
    }

    fn show_all(&mut self, items: &Array<'_>) {
        for item in items.iter::<Object<'_>>() {
            match item {
                Object::String(text) => self.show(&text),
                Object::Number(shift) => self.shift(shift.as_f64()),
                _ => {}
            }
        }
    }

    /// Back by thousandths of the font size.
    fn shift(&mut self, thousandths: f64) {
        let text = &mut self.states.now.text;
        let step = -thousandths / 1000.0 * text.size;
        let is_horizontal = text.font.as_ref().is_none_or(|font| font.is_horizontal());
        text.step(if is_horizontal { Vec2::new(step * text.stretch, 0.0) } else { Vec2::new(0.0, step) });
    }

    fn show(&mut self, shown: &object::String<'_>) {
        if self.states.now.text.font.is_none() {
            self.states.now.text.font = self.fonts.fallback();
        }
        let Some(font) = self.states.now.text.font.clone() else {
            return;
        };
        let bytes = shown.as_bytes();
        let mut offset = 0;
        while offset < bytes.len() && self.budget.text > 0 {
            let (code, length) = font.read_code(bytes, offset);
            offset += length;
            self.letter(&font, code, length);
        }
    }

    fn letter(&mut self, font: &Rc<PageFont<'a>>, code: u32, code_bytes: usize) {
        let text = &self.states.now.text;
        let (size, stretch) = (text.size, text.stretch);
        let word_space = if code == 32 && code_bytes == 1 { text.word_space } else { 0.0 };
        let space = text.letter_space + word_space;
        let advance = font.advance(code) * size;
        let (own, full) = if font.is_horizontal() {
            (Vec2::new(advance.x * stretch, 0.0), Vec2::new((advance.x + space) * stretch, 0.0))
        } else {
            (Vec2::new(0.0, advance.y), Vec2::new(0.0, advance.y + space))
        };
        if !self.marked.is_hidden() {
            self.push(font, code, code_bytes, own);
        }
        self.states.now.text.step(full);
    }

    fn push(&mut self, font: &Rc<PageFont<'a>>, code: u32, code_bytes: usize, advance: Vec2) {
        let (start, end) = (self.states.place(Vec2::ZERO), self.states.place(advance));
        if !self.is_on_page(start) {
            return;
        }
        let text = &self.states.now.text;
        let up = self.states.place(Vec2::new(0.0, text.size * font.em())) - start;
        let tracking = self.states.place(Vec2::new(text.letter_space * text.stretch, 0.0))
            - self.states.place(Vec2::ZERO);
        let own = font.text(code, code_bytes);
        let replaced = self.marked.replace();
        let said = replaced.as_deref().unwrap_or(&own);
        self.budget.text = self.budget.text.saturating_sub(said.len());
        let heading = self.marked.heading();
        self.words.push(&Glyph {
            text: said,
            start,
            end,
            up,
            tracking: if text.letter_space > 0.0 { tracking.hypot() } else { 0.0 },
            style: Style { heading, ..font.style },
            is_artifact: self.marked.is_artifact(),
        });
    }

    /// What lies outside of the page is not shown, and often a leftover of another page.
    fn is_on_page(&self, at: Point) -> bool {
        const SLACK: f64 = 4.0;
        let (width, height) = (f64::from(self.extent.width), f64::from(self.extent.height));
        (-SLACK..=width + SLACK).contains(&at.x) && (-SLACK..=height + SLACK).contains(&at.y)
    }
}

fn affine(numbers: [Number; 6]) -> Affine {
    Affine::new(numbers.map(|number| number.as_f64()))
}
