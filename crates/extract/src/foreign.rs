//! What people say of themselves in German, French and Spanish: where they live and work, what they like.
//!
//! Keeps true: only forms in the lists below are read; what is not understood is left alone.

use std::ops::Range;

use crate::clause::{Sentence, Time};
use crate::language::Language;
use crate::lexicon::Flags;
use crate::scene;
use crate::statements::{Draft, Teller};
use crate::tag::Tag;
use crate::token::{Shape, Token};

/// First person, third person, words that follow, relation.
type Form = (&'static str, &'static str, &'static [&'static str], &'static str);

const GERMAN: &[Form] = &[
    ("wohne", "wohnt", &["in"], "live_in"),
    ("lebe", "lebt", &["in"], "live_in"),
    ("arbeite", "arbeitet", &["bei", "für"], "work_at"),
    ("arbeite", "arbeitet", &["als"], "work_as"),
    ("heiße", "heißt", &[], "named"),
    ("komme", "kommt", &["aus"], "come_from"),
    ("mag", "mag", &[], "like"),
    ("liebe", "liebt", &[], "love"),
    ("hasse", "hasst", &[], "hate"),
    ("bevorzuge", "bevorzugt", &[], "prefer"),
    ("benutze", "benutzt", &[], "use"),
    ("nutze", "nutzt", &[], "use"),
    ("verwende", "verwendet", &[], "use"),
];

const FRENCH: &[Form] = &[
    ("habite", "habite", &["à", "en", "au"], "live_in"),
    ("vis", "vit", &["à", "en", "au"], "live_in"),
    ("travaille", "travaille", &["chez", "pour", "à"], "work_at"),
    ("travaille", "travaille", &["comme"], "work_as"),
    ("appelle", "appelle", &[], "named"),
    ("viens", "vient", &["de"], "come_from"),
    ("aime", "aime", &[], "like"),
    ("adore", "adore", &[], "love"),
    ("déteste", "déteste", &[], "hate"),
    ("préfère", "préfère", &[], "prefer"),
    ("utilise", "utilise", &[], "use"),
];

const SPANISH: &[Form] = &[
    ("vivo", "vive", &["en"], "live_in"),
    ("trabajo", "trabaja", &["en", "para"], "work_at"),
    ("trabajo", "trabaja", &["como"], "work_as"),
    ("llamo", "llama", &[], "named"),
    ("soy", "es", &["de"], "come_from"),
    ("gusta", "gusta", &[], "like"),
    ("gustan", "gustan", &[], "like"),
    ("amo", "ama", &[], "love"),
    ("odio", "odia", &[], "hate"),
    ("prefiero", "prefiere", &[], "prefer"),
    ("uso", "usa", &[], "use"),
];

/// Words between a verb and what follows it at most: "wohne seit 2019 in".
const GAP_TOKENS_MAX: usize = 4;
const OBJECT_TOKENS_MAX: usize = 6;

impl Teller<'_, '_> {
    pub fn foreign(&mut self, sentence: &Sentence, language: Language) {
        let forms = match language {
            Language::English => return,
            Language::German => GERMAN,
            Language::French => FRENCH,
            Language::Spanish => SPANISH,
        };
        if sentence.tokens.iter().any(|token| token.is_mark('?')) {
            return;
        }
        for (at, token) in sentence.tokens.iter().enumerate().filter(|(_, token)| token.is_word()) {
            let fitting = |form: &&Form| token.is(form.0) || token.is(form.1);
            let found =
                forms.iter().filter(fitting).find_map(|form| Some((form, object(sentence, at, form)?)));
            if let Some((form, object)) = found {
                self.form(sentence, at, form, object);
            }
        }
    }

    fn form(&mut self, sentence: &Sentence, at: usize, form: &Form, object: Range<usize>) {
        let Some((subject, start)) = self.speaker_or_name(sentence, at, form) else { return };
        let Some(span) = scene::span(sentence, start..object.end) else { return };
        let around = start..(object.end + 2).min(sentence.tokens.len());
        let negated = sentence.tokens[around].iter().any(|token| token.is_one_of(DENIALS));
        self.push(
            sentence,
            Draft {
                subject,
                relation: form.3.to_owned(),
                object,
                span,
                confidence: 0.9,
                negated,
                ended: negated
                    && sentence.tokens.iter().any(|token| token.is_one_of(&["mehr", "plus", "ya"])),
                time: Time::Present,
            },
        );
    }

    /// Who, and where the words begin: "ich wohne", "Anna wohnt", "me gusta".
    fn speaker_or_name(
        &self,
        sentence: &Sentence,
        at: usize,
        form: &Form,
    ) -> Option<(crate::found::Subject, usize)> {
        let before = at.saturating_sub(3);
        let around = before..(at + 2).min(sentence.tokens.len());
        let says_i = around
            .clone()
            .find(|near| sentence.tokens[*near].is_one_of(&["ich", "je", "j'", "yo", "me", "m'"]));
        let is_first = sentence.tokens[at].is(form.0);
        if let Some(first) = says_i.filter(|_| is_first) {
            return Some((self.scene.first_person(None).subject, first.min(at)));
        }
        let name = at.checked_sub(1).filter(|name| sentence.tags[*name] == Tag::Name);
        if let Some(last) = name.filter(|_| sentence.tokens[at].is(form.1)) {
            let first = (before..=last)
                .find(|near| sentence.tags[*near..=last].iter().all(|tag| *tag == Tag::Name))?;
            let span = scene::span(sentence, first..at)?;
            let name = self.scene.words(sentence, first..at);
            return Some((
                crate::found::Subject { name, span: Some(span), is_speaker: false, is_group: false },
                first,
            ));
        }
        let leaves_out = is_first && form.0 != form.1 && form.0.ends_with('o');
        leaves_out.then(|| (self.scene.first_person(None).subject, at))
    }
}

const DENIALS: &[&str] = &["nicht", "nie", "kein", "keine", "keinen", "pas", "jamais", "no", "nunca", "plus"];

/// What follows the verb and its preposition.
fn object(sentence: &Sentence, verb: usize, form: &Form) -> Option<Range<usize>> {
    let start = if form.2.is_empty() {
        verb + 1
    } else {
        let end = (verb + 2 + GAP_TOKENS_MAX).min(sentence.tokens.len());
        (verb + 1..end)
            .find(|at| sentence.tags[*at] != Tag::Date && sentence.tokens[*at].is_one_of(form.2))?
            + 1
    };
    let skipped = |at: &usize| {
        let token = &sentence.tokens[*at];
        sentence.tags[*at] != Tag::Name && (token.is_one_of(ARTICLES) || token.is_one_of(DENIALS))
    };
    let start = (start..sentence.tokens.len()).find(|at| !skipped(at))?;
    let rest = &sentence.tokens[start..];
    let length = rest
        .iter()
        .take(OBJECT_TOKENS_MAX)
        .position(|token| ends(token))
        .unwrap_or(rest.len().min(OBJECT_TOKENS_MAX));
    let dates = (start..start + length).position(|at| sentence.tags[at] == Tag::Date).unwrap_or(length);
    (dates > 0).then_some(start..start + dates)
}

fn ends(token: &Token) -> bool {
    matches!(token.shape, Shape::Mark(_))
        || token.is_one_of(&[
            "und", "aber", "weil", "seit", "et", "mais", "depuis", "y", "pero", "desde", "con", "mit", "avec",
        ])
        || token.is_one_of(DENIALS)
        || token.is_word() && token.may_be(Flags::CONJUNCTION) && !token.is_capital()
}

const ARTICLES: &[&str] = &[
    "der", "die", "das", "den", "dem", "ein", "eine", "einen", "einem", "einer", "le", "la", "les", "l'",
    "un", "une", "el", "los", "las", "una", "ich", "sehr", "gern", "mich", "beaucoup", "mucho",
];
