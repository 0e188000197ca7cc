//! What annotations show on a page: filled form fields, typed notes and stamps (ISO 32000-1, 12.5.5).

use hayro_font::hayro_syntax::object::dict::keys::{
    AP, AS, BBOX, CONTENTS, F, FT, MATRIX, N, OC, PARENT, RECT, SUBTYPE, V,
};
use hayro_font::hayro_syntax::object::{self, Array, Dict, Name, Rect, Stream};
use hayro_font::kurbo::{self, Affine};

use super::layers::Layers;
use super::text_string;

/// What one annotation shows.
pub enum Shown<'a> {
    /// A form, and the way from its space (its own matrix applied) to the space of the page.
    Form(Stream<'a>, Affine),
    /// The value of a field that nobody has drawn yet, and its place on the page.
    Value(String, Rect),
}

/// What the annotations of a page show that is text for its reader.
pub fn shown_on<'a>(page: &Dict<'a>, layers: &Layers) -> Vec<Shown<'a>> {
    const ANNOTATIONS_MAX: usize = 10_000;
    let annotations = page.get::<Array<'_>>(b"Annots").unwrap_or_default();
    let dicts = annotations.iter::<Dict<'_>>().take(ANNOTATIONS_MAX);
    let visible = dicts.filter(|dict| is_shown(dict, layers));
    visible.filter_map(|dict| appearance(&dict).or_else(|| value(&dict))).collect()
}

fn is_shown(annotation: &Dict<'_>, layers: &Layers) -> bool {
    const HIDDEN: u32 = 1 << 1;
    const NO_VIEW: u32 = 1 << 5;
    let kind = annotation.get::<Name<'_>>(SUBTYPE);
    let has_text = kind.is_some_and(|kind| matches!(kind.as_str(), "Widget" | "FreeText" | "Stamp"));
    has_text
        && annotation.get::<u32>(F).unwrap_or(0) & (HIDDEN | NO_VIEW) == 0
        && !layers.hides(annotation, OC)
}

fn appearance<'a>(annotation: &Dict<'a>) -> Option<Shown<'a>> {
    let normal = annotation.get::<Dict<'_>>(AP)?;
    let form = normal.get::<Stream<'_>>(N).or_else(|| {
        let state = annotation.get::<Name<'_>>(AS)?;
        normal.get::<Dict<'_>>(N)?.get::<Stream<'_>>(&*state)
    })?;
    let target = annotation.get::<Rect>(RECT)?;
    let matrix = form.dict().get::<[f64; 6]>(MATRIX).map_or(Affine::IDENTITY, Affine::new);
    let source = form
        .dict()
        .get::<Rect>(BBOX)
        .map_or(kurbo::Rect::ZERO, |rect| kurbo::Rect::new(rect.x0, rect.y0, rect.x1, rect.y1));
    let source = matrix.transform_rect_bbox(source);
    let scale = |to: f64, from: f64| if from.abs() > 1e-6 { to / from } else { 1.0 };
    let (x, y) = (scale(target.width(), source.width()), scale(target.height(), source.height()));
    let to_page = Affine::translate((target.x0, target.y0))
        * Affine::scale_non_uniform(x, y)
        * Affine::translate((-source.x0, -source.y0));
    Some(Shown::Form(form, to_page))
}

/// The text of a text or choice field, of its own or of its parent; the contents of a typed note.
fn value<'a>(annotation: &Dict<'a>) -> Option<Shown<'a>> {
    let parent = annotation.get::<Dict<'_>>(PARENT).unwrap_or_default();
    let kind = annotation.get::<Name<'_>>(FT).or_else(|| parent.get::<Name<'_>>(FT));
    let has_text = kind.is_some_and(|kind| matches!(kind.as_str(), "Tx" | "Ch"));
    let said = |dict: &Dict<'a>| dict.get::<object::String<'a>>(V).filter(|_| has_text);
    let text = said(annotation).or_else(|| said(&parent)).or_else(|| annotation.get(CONTENTS))?;
    Some(Shown::Value(text_string::decode(text.as_bytes()), annotation.get::<Rect>(RECT)?))
}
