//! The language of a text, as an ISO 639-1 code.

use whatlang::Lang;

/// The language of `text`, where that is certain enough to choose a stemmer by it.
#[must_use]
pub fn detect_language(text: &str) -> Option<String> {
    /// Below this, guesses on real documents are mostly wrong.
    const CHARS_MIN: usize = 60;
    /// Enough to be sure; more only takes time.
    const SAMPLE_BYTES: usize = 16 * 1024;
    let from = text.floor_char_boundary((text.len() / 2).saturating_sub(SAMPLE_BYTES / 2));
    let sample = &text[from..text.floor_char_boundary(from.saturating_add(SAMPLE_BYTES))];
    if sample.chars().filter(|c| c.is_alphabetic()).count() < CHARS_MIN {
        return None;
    }
    let info = whatlang::detect(sample)?;
    let code = iso_639_1(info.lang())?;
    info.is_reliable().then(|| code.to_owned())
}

/// The two-letter code that a language tag begins with: `en-GB`, `de_AT`, `eng`, `German`.
#[must_use]
pub fn code_of(tag: &str) -> Option<String> {
    let tag = tag.trim().to_lowercase();
    let primary = tag.split(['-', '_', '.']).next().unwrap_or_default();
    if primary.len() == 2 && primary.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Some(primary.to_owned());
    }
    let named = Lang::from_code(primary)
        .or_else(|| Lang::all().iter().copied().find(|lang| lang.eng_name().eq_ignore_ascii_case(primary)));
    named.and_then(iso_639_1).map(str::to_owned)
}

const fn iso_639_1(lang: Lang) -> Option<&'static str> {
    Some(match lang {
        Lang::Eng => "en",
        Lang::Deu => "de",
        Lang::Fra => "fr",
        Lang::Spa => "es",
        Lang::Ita => "it",
        Lang::Por => "pt",
        Lang::Nld => "nl",
        Lang::Swe => "sv",
        Lang::Dan => "da",
        Lang::Nob => "no",
        Lang::Fin => "fi",
        Lang::Est => "et",
        Lang::Lav => "lv",
        Lang::Lit => "lt",
        Lang::Pol => "pl",
        Lang::Ces => "cs",
        Lang::Slk => "sk",
        Lang::Slv => "sl",
        Lang::Hrv => "hr",
        Lang::Srp => "sr",
        Lang::Bul => "bg",
        Lang::Mkd => "mk",
        Lang::Ron => "ro",
        Lang::Hun => "hu",
        Lang::Ell => "el",
        Lang::Tur => "tr",
        Lang::Rus => "ru",
        Lang::Ukr => "uk",
        Lang::Bel => "be",
        Lang::Cat => "ca",
        Lang::Lat => "la",
        Lang::Ara => "ar",
        Lang::Heb => "he",
        Lang::Yid => "yi",
        Lang::Pes => "fa",
        Lang::Urd => "ur",
        Lang::Hin => "hi",
        Lang::Ben => "bn",
        Lang::Tam => "ta",
        Lang::Tel => "te",
        Lang::Mar => "mr",
        Lang::Guj => "gu",
        Lang::Kan => "kn",
        Lang::Mal => "ml",
        Lang::Pan => "pa",
        Lang::Nep => "ne",
        Lang::Tha => "th",
        Lang::Vie => "vi",
        Lang::Ind => "id",
        Lang::Tgl => "tl",
        Lang::Cmn => "zh",
        Lang::Jpn => "ja",
        Lang::Kor => "ko",
        Lang::Kat => "ka",
        Lang::Hye => "hy",
        Lang::Aze => "az",
        Lang::Uzb => "uz",
        Lang::Tuk => "tk",
        Lang::Epo => "eo",
        Lang::Afr => "af",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_detected_on_enough_text() {
        let english = "The committee meets on the first Monday of every month, and its minutes are sent to all of the members.";
        let german = "Der Ausschuss tagt am ersten Montag jedes Monats, und das Protokoll wird allen Mitgliedern zugeschickt.";
        assert_eq!(detect_language(english).as_deref(), Some("en"));
        assert_eq!(detect_language(german).as_deref(), Some("de"));
        assert_eq!(detect_language("Hello there"), None);
    }

    #[test]
    fn tags_become_two_letters() {
        let codes: Vec<_> =
            ["en-GB", "de_AT.UTF-8", "eng", "German", "x", ""].map(code_of).into_iter().collect();
        assert_eq!(
            codes,
            [Some("en"), Some("de"), Some("en"), Some("de"), None, None].map(|c| c.map(str::to_owned))
        );
    }
}
