//! Which language a text is in, and which Snowball stemmer its words go through.
//!
//! Keeps true: a word's stemmer depends on its script and on the language only. A word whose script is not the
//! language's own gets the default of its script, so that `Kubernetes` meets itself in a Russian and an English text.

use frostem::Algorithm;
use whatlang::{Detector, Lang};

/// A language of analysis, by its ISO 639-1 code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Language(&'static str);

/// Writing systems that have a stemmer; words of others are indexed as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Script {
    Latin,
    Cyrillic,
    Greek,
    Arabic,
    Armenian,
    Devanagari,
    Tamil,
    Hebrew,
    Other,
}

struct Known {
    code: &'static str,
    /// As whatlang names it, where it knows it.
    detected: Option<Lang>,
    script: Script,
    stemmer: Option<Algorithm>,
    /// Whether an apostrophe ends a word of its own: `l'homme`.
    elides: bool,
}

const fn known(
    code: &'static str,
    detected: Option<Lang>,
    script: Script,
    stemmer: Option<Algorithm>,
) -> Known {
    Known { code, detected, script, stemmer, elides: true }
}

/// The first language of a script is the default for its words in texts of other scripts.
const KNOWN: &[Known] = &[
    Known { elides: false, ..known("en", Some(Lang::Eng), Script::Latin, Some(Algorithm::English)) },
    known("ru", Some(Lang::Rus), Script::Cyrillic, Some(Algorithm::Russian)),
    known("el", Some(Lang::Ell), Script::Greek, Some(Algorithm::Greek)),
    known("ar", Some(Lang::Ara), Script::Arabic, Some(Algorithm::Arabic)),
    known("hy", Some(Lang::Hye), Script::Armenian, Some(Algorithm::Armenian)),
    known("hi", Some(Lang::Hin), Script::Devanagari, Some(Algorithm::Hindi)),
    known("ta", Some(Lang::Tam), Script::Tamil, Some(Algorithm::Tamil)),
    known("he", Some(Lang::Heb), Script::Hebrew, None),
    known("zh", Some(Lang::Cmn), Script::Other, None),
    known("ja", Some(Lang::Jpn), Script::Other, None),
    known("ko", Some(Lang::Kor), Script::Other, None),
    known("th", Some(Lang::Tha), Script::Other, None),
    known("ca", Some(Lang::Cat), Script::Latin, Some(Algorithm::Catalan)),
    known("cs", Some(Lang::Ces), Script::Latin, Some(Algorithm::Czech)),
    known("da", Some(Lang::Dan), Script::Latin, Some(Algorithm::Danish)),
    known("de", Some(Lang::Deu), Script::Latin, Some(Algorithm::German)),
    known("eo", Some(Lang::Epo), Script::Latin, Some(Algorithm::Esperanto)),
    known("es", Some(Lang::Spa), Script::Latin, Some(Algorithm::Spanish)),
    known("et", Some(Lang::Est), Script::Latin, Some(Algorithm::Estonian)),
    known("eu", None, Script::Latin, Some(Algorithm::Basque)),
    known("fa", Some(Lang::Pes), Script::Arabic, Some(Algorithm::Persian)),
    known("fi", Some(Lang::Fin), Script::Latin, Some(Algorithm::Finnish)),
    known("fr", Some(Lang::Fra), Script::Latin, Some(Algorithm::French)),
    known("ga", None, Script::Latin, Some(Algorithm::Irish)),
    known("hr", Some(Lang::Hrv), Script::Latin, None),
    known("hu", Some(Lang::Hun), Script::Latin, Some(Algorithm::Hungarian)),
    known("id", Some(Lang::Ind), Script::Latin, Some(Algorithm::Indonesian)),
    known("it", Some(Lang::Ita), Script::Latin, Some(Algorithm::Italian)),
    known("lt", Some(Lang::Lit), Script::Latin, Some(Algorithm::Lithuanian)),
    known("lv", Some(Lang::Lav), Script::Latin, None),
    known("ne", Some(Lang::Nep), Script::Devanagari, Some(Algorithm::Nepali)),
    known("nl", Some(Lang::Nld), Script::Latin, Some(Algorithm::Dutch)),
    known("no", Some(Lang::Nob), Script::Latin, Some(Algorithm::Norwegian)),
    known("pl", Some(Lang::Pol), Script::Latin, Some(Algorithm::Polish)),
    known("pt", Some(Lang::Por), Script::Latin, Some(Algorithm::Portuguese)),
    known("ro", Some(Lang::Ron), Script::Latin, Some(Algorithm::Romanian)),
    known("sk", Some(Lang::Slk), Script::Latin, None),
    known("sl", Some(Lang::Slv), Script::Latin, None),
    known("sr", Some(Lang::Srp), Script::Cyrillic, Some(Algorithm::Serbian)),
    known("sv", Some(Lang::Swe), Script::Latin, Some(Algorithm::Swedish)),
    known("tr", Some(Lang::Tur), Script::Latin, Some(Algorithm::Turkish)),
    known("uk", Some(Lang::Ukr), Script::Cyrillic, None),
    known("bg", Some(Lang::Bul), Script::Cyrillic, None),
    known("vi", Some(Lang::Vie), Script::Latin, None),
    known("yi", Some(Lang::Yid), Script::Hebrew, Some(Algorithm::Yiddish)),
];

impl Language {
    /// What a text is taken for when nothing says otherwise: most code, tables and names are near it.
    pub(crate) const FALLBACK: Self = Self("en");

    /// By ISO 639-1, with or without a region: `pt`, `pt-BR`, `nb`.
    pub(crate) fn from_code(code: &str) -> Option<Self> {
        let primary = code.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        let primary = if matches!(primary.as_str(), "nb" | "nn") { "no" } else { &primary };
        KNOWN.iter().find(|known| known.code == primary).map(|known| Self(known.code))
    }

    /// The language of a text, if the detector is sure. It compares with some forty languages, which takes longer than
    /// all other analysis of a short text; what is plainly English is not put to it.
    pub(crate) fn detect(text: &str) -> Option<Self> {
        if is_plainly_english(text) {
            return Some(Self::FALLBACK);
        }
        Self::from_info(Detector::new().detect(text)?)
    }

    /// The same, among these only: a short question has few letters to tell languages apart.
    pub(crate) fn detect_among(text: &str, languages: &[Self]) -> Option<Self> {
        let allowed = languages.iter().filter_map(|language| language.known()?.detected).collect();
        Self::from_info(Detector::with_allowlist(allowed).detect(text)?)
    }

    pub(crate) const fn code(self) -> &'static str {
        self.0
    }

    /// The stemmer for a word in this script.
    pub(crate) fn stemmer(self, script: Script) -> Option<Algorithm> {
        let own = self.known().filter(|known| known.script == script);
        own.or_else(|| KNOWN.iter().find(|known| known.script == script && script != Script::Other))?.stemmer
    }

    /// Whether an apostrophe separates words.
    /// Whether every noun is written with a capital, so that one tells nothing.
    pub(crate) fn capitalises_nouns(self) -> bool {
        self.0 == "de"
    }

    pub(crate) fn elides(self) -> bool {
        self.known().is_some_and(|known| known.elides)
    }

    fn known(self) -> Option<&'static Known> {
        KNOWN.iter().find(|known| known.code == self.0)
    }

    fn from_info(info: whatlang::Info) -> Option<Self> {
        let known = KNOWN.iter().find(|known| known.detected == Some(info.lang()))?;
        info.is_reliable().then_some(Self(known.code))
    }
}

impl Script {
    pub(crate) const fn of(letter: char) -> Self {
        match letter {
            'a'..='z' | 'A'..='Z' | '\u{C0}'..='\u{24F}' | '\u{1E00}'..='\u{1EFF}' => Self::Latin,
            '\u{370}'..='\u{3FF}' | '\u{1F00}'..='\u{1FFF}' => Self::Greek,
            '\u{400}'..='\u{52F}' => Self::Cyrillic,
            '\u{531}'..='\u{58F}' => Self::Armenian,
            '\u{590}'..='\u{5FF}' => Self::Hebrew,
            '\u{600}'..='\u{6FF}' | '\u{750}'..='\u{77F}' => Self::Arabic,
            '\u{900}'..='\u{97F}' => Self::Devanagari,
            '\u{B80}'..='\u{BFF}' => Self::Tamil,
            _ => Self::Other,
        }
    }

    /// Whether words of the script are written without spaces, so that pairs of letters are indexed.
    pub(crate) const fn is_unspaced(letter: char) -> bool {
        matches!(letter,
            '\u{E00}'..='\u{EFF}'       // Thai, Lao
            | '\u{1000}'..='\u{109F}'   // Myanmar
            | '\u{1780}'..='\u{17FF}'   // Khmer
            | '\u{1100}'..='\u{11FF}'   // Hangul letters
            | '\u{3005}'..='\u{3007}'
            | '\u{3040}'..='\u{30FF}'   // Hiragana, Katakana
            | '\u{3130}'..='\u{318F}'
            | '\u{31F0}'..='\u{31FF}'
            | '\u{3400}'..='\u{4DBF}'
            | '\u{4E00}'..='\u{9FFF}'   // Han
            | '\u{AC00}'..='\u{D7AF}'   // Hangul syllables
            | '\u{F900}'..='\u{FAFF}'
            | '\u{FF66}'..='\u{FF9F}'   // half-width Katakana
            | '\u{20000}'..='\u{323AF}')
    }
}

/// Words that make up a quarter of English prose; other languages share single ones of them (`in`, `is`, `was`).
const ENGLISH_WORDS: [&str; 16] = [
    "the", "and", "of", "to", "that", "for", "with", "is", "are", "was", "were", "by", "this", "from",
    "which", "have",
];

/// Whether at least an eighth of the words, and at least four different ones, are such words, "the" among them.
fn is_plainly_english(text: &str) -> bool {
    const WORDS_MIN: u32 = 16;
    let (mut words, mut known, mut different) = (0, 0, 0_u32);
    for word in text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()) {
        words += 1;
        if let Some(place) = ENGLISH_WORDS.iter().position(|english| english.eq_ignore_ascii_case(word)) {
            known += 1;
            different |= 1 << place;
        }
    }
    words >= WORDS_MIN && known * 8 >= words && different.count_ones() >= 4 && different & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stemmer(code: &str, letter: char) -> Option<Algorithm> {
        Language::from_code(code).unwrap().stemmer(Script::of(letter))
    }

    #[test]
    fn a_word_of_a_foreign_script_gets_the_default_of_its_script() {
        assert_eq!(stemmer("ru", 'a'), Some(Algorithm::English));
        assert_eq!(stemmer("de", 'a'), Some(Algorithm::German));
        assert_eq!(stemmer("de", 'ж'), Some(Algorithm::Russian));
        assert_eq!((stemmer("uk", 'ж'), stemmer("zh", '中')), (None, None));
    }

    #[test]
    fn regions_and_old_codes_are_read() {
        assert_eq!(Language::from_code("pt-BR"), Some(Language("pt")));
        assert_eq!(Language::from_code("nb"), Some(Language("no")));
        assert_eq!(Language::from_code("tlh"), None);
    }

    #[test]
    fn texts_are_recognised_and_scraps_are_not() {
        let german =
            "Die Rückgabe der Ware ist innerhalb von vierzehn Tagen ohne Angabe von Gründen möglich.";
        assert_eq!(Language::detect(german), Some(Language("de")));
        assert_eq!(Language::detect("x1"), None);
    }

    #[test]
    fn plain_english_is_seen_and_its_neighbours_are_not() {
        let english = "The results of this study show that patients who were treated with the drug were less likely to \
                       relapse, and that the effect is stronger for women.";
        let dutch =
            "Het onderzoek of dit was is to be van de man die met de band was en of hij er nog is geweest.";
        assert!(is_plainly_english(english));
        assert!(!is_plainly_english(dutch) && !is_plainly_english("the and of to for"));
    }

    #[test]
    fn detection_keeps_to_the_languages_given() {
        let among = [Language("en"), Language("de")];
        let found = Language::detect_among("wie lange habe ich zeit um die ware zurückzugeben", &among);
        assert_eq!(found, Some(Language("de")));
    }
}
