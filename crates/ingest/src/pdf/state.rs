//! The part of the graphics state that decides where text stands (ISO 32000-1, 8.4 and 9.3).
//!
//! Keeps true: saved states are at most `SAVED_MAX` deep.

use std::rc::Rc;

use hayro_font::kurbo::{Affine, Point, Vec2};

use super::font::PageFont;

/// Generators nest a few dozen deep; more is damage or an attack.
const SAVED_MAX: usize = 4096;

#[derive(Clone)]
pub struct State<'a> {
    pub to_page: Affine,
    pub text: TextState<'a>,
}

#[derive(Clone)]
pub struct TextState<'a> {
    pub letter_space: f64,
    pub word_space: f64,
    /// 1 is normal.
    pub stretch: f64,
    pub leading: f64,
    pub font: Option<Rc<PageFont<'a>>>,
    pub size: f64,
    pub rise: f64,
    pen: Affine,
    line: Affine,
}

impl Default for TextState<'_> {
    fn default() -> Self {
        Self {
            letter_space: 0.0,
            word_space: 0.0,
            stretch: 1.0,
            leading: 0.0,
            font: None,
            size: 1.0,
            rise: 0.0,
            pen: Affine::IDENTITY,
            line: Affine::IDENTITY,
        }
    }
}

impl TextState<'_> {
    pub fn begin(&mut self) {
        self.set_line(Affine::IDENTITY);
    }

    pub fn set_line(&mut self, line: Affine) {
        self.line = line;
        self.pen = line;
    }

    pub fn next_line(&mut self, x: f64, y: f64) {
        self.set_line(self.line * Affine::translate((x, y)));
    }

    pub fn step(&mut self, by: Vec2) {
        self.pen *= Affine::translate(by);
    }

    /// Where the pen is, in text space units of the page.
    pub fn pen(&self) -> Affine {
        self.pen * Affine::translate((0.0, self.rise))
    }
}

/// The state with those that `q` saved.
pub struct States<'a> {
    pub now: State<'a>,
    saved: Vec<State<'a>>,
}

impl<'a> States<'a> {
    pub fn new(to_page: Affine) -> Self {
        Self { now: State { to_page, text: TextState::default() }, saved: Vec::new() }
    }

    pub fn save(&mut self) {
        if self.saved.len() < SAVED_MAX {
            self.saved.push(self.now.clone());
        }
    }

    /// Not below `floor`, so that a form cannot take what its page saved.
    pub fn restore(&mut self, floor: usize) {
        if self.saved.len() > floor
            && let Some(state) = self.saved.pop()
        {
            // Text objects end neither at `q` nor at `Q` in the files that mix them.
            let (pen, line) = (self.now.text.pen, self.now.text.line);
            self.now = state;
            self.now.text.pen = pen;
            self.now.text.line = line;
        }
    }

    pub fn depth(&self) -> usize {
        self.saved.len()
    }

    pub fn transform(&mut self, by: Affine) {
        self.now.to_page *= by;
    }

    /// A point of text space, seen from the pen, on the page.
    pub fn place(&self, from_pen: Vec2) -> Point {
        (self.now.to_page * self.now.text.pen()) * from_pen.to_point()
    }
}
