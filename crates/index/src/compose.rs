//! A chunk's texts as the lexical fields see them.
//!
//! Keeps true: what is composed depends on the document's rows only, never on what else is in the index, so a
//! rebuild composes the same.

use std::collections::HashMap;

use ibid_types::document::{Chunk, Document, searchable_context};

use crate::analysis::Analyser;
use crate::ground::Searchable;
use crate::language::Language;
use crate::lexical::{FIELD_COUNT, LexicalText};
use crate::names::{mentions, title_keys};

/// As much of a document as the language detector is shown.
const DETECT_BYTES_MAX: usize = 2000;
/// Analysers kept, one a language.
const ANALYSERS_MAX: usize = 4;

/// Composes the chunks of one document after another.
#[derive(Debug, Default)]
pub(crate) struct Composer {
    analysers: HashMap<Language, Analyser>,
    language: Option<Language>,
}

impl Composer {
    /// Turns to a document and returns the language (ISO 639-1) that it is analysed in.
    pub(crate) fn begin(&mut self, searchable: &Searchable) -> String {
        let language = language_of(searchable);
        if self.analysers.len() >= ANALYSERS_MAX && !self.analysers.contains_key(&language) {
            self.analysers.clear();
        }
        self.language = Some(language);
        language.code().to_owned()
    }

    /// The chunk's terms and how many each field has.
    pub(crate) fn compose(
        &mut self,
        document: &Document,
        chunk: &Chunk,
    ) -> (LexicalText, [u32; FIELD_COUNT]) {
        let language = self.language.unwrap_or(Language::FALLBACK);
        let analyser = self.analysers.entry(language).or_insert_with(|| Analyser::new(language));
        let mut composed = LexicalText::default();
        let context = searchable_context(&document.title, &chunk.span.heading_path);
        let text =
            analyser.append(&context, &mut composed.text) + analyser.append(&chunk.text, &mut composed.text);
        let title = analyser.append(&document.title, &mut composed.title);
        let headings = searchable_context("", &chunk.span.heading_path);
        let place = analyser.append(&headings, &mut composed.place)
            + analyser.append(name_of(&document.source), &mut composed.place);
        for part in [&document.title, &chunk.text] {
            let names = mentions(part, language.capitalises_nouns());
            names.iter().for_each(|name| push_line(&name.key, &mut composed.names));
        }
        title_keys(&document.title).iter().for_each(|key| push_line(key, &mut composed.called));
        (composed, [text, title, place])
    }
}

fn push_line(line: &str, out: &mut String) {
    out.push_str(line);
    out.push('\n');
}

/// Equal for documents whose slots would hold the same.
pub(crate) fn digest_of(searchable: &Searchable) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut part = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    };
    part(searchable.document.source.as_bytes());
    part(searchable.document.title.as_bytes());
    part(searchable.document.language.as_deref().unwrap_or_default().as_bytes());
    for (chunk, vector) in &searchable.chunks {
        part(chunk.id.as_bytes());
        part(&chunk.ordinal.to_le_bytes());
        part(vector);
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

/// What the document says, else what the detector is sure of, else the fall-back.
fn language_of(searchable: &Searchable) -> Language {
    let stated = searchable.document.language.as_deref().and_then(Language::from_code);
    stated.or_else(|| Language::detect(&sample(searchable))).unwrap_or(Language::FALLBACK)
}

fn sample(searchable: &Searchable) -> String {
    let mut sample = String::new();
    for (chunk, _) in &searchable.chunks {
        let room = DETECT_BYTES_MAX - sample.len();
        sample.push_str(&chunk.text[..chunk.text.floor_char_boundary(room)]);
        if chunk.text.len() >= room {
            break;
        }
    }
    sample
}

/// The last part of a path or address, without its extension: `reports/q3-plan.pdf` gives `q3-plan`.
fn name_of(source: &str) -> &str {
    let name = source.trim_end_matches('/').rsplit(['/', '\\']).next().unwrap_or(source);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_named_by_its_last_part() {
        assert_eq!(name_of("reports/q3-plan.v2.pdf"), "q3-plan.v2");
        assert_eq!((name_of("https://x.org/a/b/"), name_of("notes")), ("b", "notes"));
    }
}
