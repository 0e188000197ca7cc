//! The small language that rules about what people say are written in.
//!
//! Keeps true: matching is by whole words, without regard to case and punctuation; its time is bounded by the number
//! of gaps in a phrase, which is limited when the phrase is read.

/// Words that a gap may stand for.
const GAP_WORDS_MAX: usize = 3;
/// Gaps in one phrase, so that matching stays cheap whatever an operator writes.
const GAPS_MAX: usize = 3;

/// Words in order: `a|b` is one of several, `a?` may be left out, `*` is up to three words of any kind, `!a|b` means that
/// none of these follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    slots: Vec<Slot>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Slot {
    OneOf(Vec<String>),
    Optional(Vec<String>),
    NoneOf(Vec<String>),
    Gap,
}

impl Phrase {
    /// Reads a phrase; `None` where it holds no word, or more than three gaps.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let slots: Vec<Slot> = text.split_whitespace().map(slot).collect();
        let open = slots.iter().filter(|slot| matches!(slot, Slot::Gap | Slot::Optional(_))).count();
        let says = slots.iter().any(|slot| matches!(slot, Slot::OneOf(_)));
        (says && open <= GAPS_MAX).then_some(Self { slots })
    }

    /// Whether the words hold it anywhere.
    #[must_use]
    pub fn is_in(&self, words: &[String]) -> bool {
        (0..words.len()).any(|at| matches(&self.slots, &words[at..], false))
    }

    /// Whether the words are it and nothing else.
    #[must_use]
    pub fn is_whole(&self, words: &[String]) -> bool {
        matches(&self.slots, words, true)
    }
}

/// Reads those that can be read.
#[must_use]
pub fn read_all<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<Phrase> {
    texts.into_iter().filter_map(Phrase::read).collect()
}

/// The words of each sentence, in lower case; what stands in quotation marks is left out, because it is somebody
/// else's.
#[must_use]
pub fn sentences_of_words(text: &str) -> Vec<Vec<String>> {
    let own = without_quoted(text);
    own.split(['.', '!', '?', ';', '\n', '…', '¿', '¡'])
        .map(words)
        .filter(|words| !words.is_empty())
        .collect()
}

/// The words in lower case, with one form of apostrophe.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase().replace(['’', '`', '´'], "'");
    let parts = lower.split(|c: char| !c.is_alphanumeric() && c != '\'');
    parts.map(|word| word.trim_matches('\'')).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn slot(text: &str) -> Slot {
    if text == "*" {
        return Slot::Gap;
    }
    let words = |text: &str| text.split('|').map(|word| word.to_lowercase().replace('’', "'")).collect();
    match (text.strip_prefix('!'), text.strip_suffix('?')) {
        (Some(rest), _) => Slot::NoneOf(words(rest)),
        (None, Some(rest)) => Slot::Optional(words(rest)),
        (None, None) => Slot::OneOf(words(text)),
    }
}

fn matches(slots: &[Slot], words: &[String], whole: bool) -> bool {
    match slots.split_first() {
        None => !whole || words.is_empty(),
        Some((Slot::OneOf(allowed), rest)) => {
            begins(words, allowed).is_some_and(|after| matches(rest, after, whole))
        }
        Some((Slot::Optional(allowed), rest)) => {
            begins(words, allowed).is_some_and(|after| matches(rest, after, whole))
                || matches(rest, words, whole)
        }
        Some((Slot::NoneOf(refused), rest)) => {
            begins(words, refused).is_none() && matches(rest, words, whole)
        }
        Some((Slot::Gap, rest)) => {
            (0..=GAP_WORDS_MAX.min(words.len())).any(|gap| matches(rest, &words[gap..], whole))
        }
    }
}

/// What follows the first word, if it is an allowed one.
fn begins<'w>(words: &'w [String], allowed: &[String]) -> Option<&'w [String]> {
    words.split_first().filter(|(word, _)| allowed.contains(word)).map(|(_, after)| after)
}

fn without_quoted(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut closing: Option<char> = None;
    for character in text.chars() {
        match closing {
            Some(close) if character == close => closing = None,
            Some(_) => {}
            None => match QUOTES.iter().find(|(open, _)| *open == character) {
                Some((_, close)) => closing = Some(*close),
                None => kept.push(character),
            },
        }
    }
    if closing.is_some() { text.to_owned() } else { kept }
}

const QUOTES: [(char, char); 4] = [('"', '"'), ('“', '”'), ('„', '“'), ('«', '»')];

#[cfg(test)]
mod tests {
    use super::*;

    fn is_in(phrase: &str, text: &str) -> bool {
        sentences_of_words(text).iter().any(|words| Phrase::read(phrase).unwrap().is_in(words))
    }

    #[test]
    fn words_match_whole_and_anywhere() {
        assert!(is_in("end my life", "I want to END my life!"));
        assert!(!is_in("end my life", "I want to end my lifetime membership"));
        assert!(is_in("make|build a bomb", "how to build a bomb"));
    }

    #[test]
    fn a_gap_is_up_to_three_words_of_one_sentence() {
        assert!(is_in("i * kill myself", "I really might just kill myself"));
        assert!(!is_in("i * kill myself", "I one two three four kill myself"));
        assert!(!is_in("i * kill myself", "Not I. Kill myself"));
    }

    #[test]
    fn what_is_quoted_was_said_by_another() {
        assert!(!is_in("i want to die", "Who sang \"I want to die\"?"));
        assert!(is_in("i want to die", "I want to die \""));
    }

    #[test]
    fn a_phrase_needs_a_word_and_few_gaps() {
        assert!(Phrase::read("* *").is_none() && Phrase::read("").is_none());
        assert!(Phrase::read("a * b * c * d * e").is_none());
    }

    #[test]
    fn words_may_be_left_out_or_forbidden() {
        assert!(is_in("want to? die", "I want die") && is_in("want to? die", "I want to die"));
        assert!(
            !is_in("my life !insurance", "end my life insurance") && is_in("my life !insurance", "my life")
        );
    }

    #[test]
    fn whole_is_whole() {
        let phrase = Phrase::read("who are you").unwrap();
        assert!(phrase.is_whole(&words("Who are you?")) && !phrase.is_whole(&words("Who are you to ask")));
    }
}
