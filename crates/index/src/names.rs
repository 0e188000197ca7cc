//! Names in texts: runs of capitalised words, quoted titles, and what a document's title is called.
//!
//! Keeps true: what is found depends on the text (and on whether its language capitalises every noun) alone, so an index
//! and a question meet; a key holds no line break and is at most `TERM_BYTES_MAX` long.
//!
//! No dictionary and no model: what is capitalised is taken for a name, and the index's counts say which of them
//! tell anything apart.

use std::collections::HashSet;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

use crate::analysis::{TERM_BYTES_MAX, fold};

/// Longer runs are headlines, not names.
const NAME_WORDS_MAX: usize = 10;
/// A quotation of more bytes is a sentence.
const QUOTED_BYTES_MAX: usize = 60;
/// Small words that stand inside of names, in order.
const INSIDE: [&str; 33] = [
    "&", "al", "and", "at", "bin", "da", "de", "del", "den", "der", "des", "di", "do", "dos", "du", "e",
    "el", "et", "for", "ibn", "in", "la", "le", "les", "of", "on", "the", "to", "und", "van", "von", "y",
    "zu",
];
/// Those of them at which two names meet.
const BETWEEN: [&str; 5] = ["and", "&", "und", "et", "y"];
/// Words that are no name by themselves, capitalised only where a sentence or a heading begins; in order.
const PLAIN: [&str; 119] = [
    "a",
    "about",
    "according",
    "after",
    "all",
    "also",
    "although",
    "among",
    "an",
    "and",
    "another",
    "any",
    "are",
    "as",
    "at",
    "based",
    "be",
    "because",
    "been",
    "before",
    "between",
    "both",
    "but",
    "by",
    "can",
    "could",
    "did",
    "do",
    "does",
    "during",
    "each",
    "either",
    "every",
    "few",
    "first",
    "for",
    "from",
    "had",
    "has",
    "have",
    "he",
    "her",
    "here",
    "his",
    "how",
    "however",
    "i",
    "if",
    "in",
    "into",
    "is",
    "it",
    "its",
    "many",
    "may",
    "me",
    "might",
    "more",
    "moreover",
    "most",
    "much",
    "must",
    "my",
    "no",
    "nor",
    "not",
    "of",
    "on",
    "once",
    "only",
    "or",
    "other",
    "our",
    "over",
    "same",
    "second",
    "several",
    "she",
    "should",
    "since",
    "so",
    "some",
    "than",
    "that",
    "the",
    "their",
    "then",
    "there",
    "therefore",
    "these",
    "they",
    "this",
    "those",
    "though",
    "through",
    "thus",
    "to",
    "under",
    "until",
    "was",
    "we",
    "were",
    "what",
    "when",
    "where",
    "which",
    "while",
    "who",
    "whom",
    "whose",
    "why",
    "will",
    "with",
    "within",
    "without",
    "would",
    "yet",
    "you",
    "your",
];
const DATES: [&str; 19] = [
    "april",
    "august",
    "december",
    "february",
    "friday",
    "january",
    "july",
    "june",
    "march",
    "may",
    "monday",
    "november",
    "october",
    "saturday",
    "september",
    "sunday",
    "thursday",
    "tuesday",
    "wednesday",
];
/// After these and after initials a full stop ends no sentence.
const SHORTENED: [&str; 20] = [
    "jr", "sr", "mr", "mrs", "ms", "dr", "st", "mt", "ft", "prof", "rev", "gen", "col", "lt", "sgt", "inc",
    "ltd", "co", "no", "vs",
];

/// A name where it stands in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    pub span: Range<usize>,
    /// Equal for ways of writing that differ in case, accents, hyphens or apostrophes.
    pub key: String,
}

/// The names in a text, in order, and within long ones the parts that may be names themselves.
///
/// In a language that capitalises every noun one capitalised word alone is no name.
#[must_use]
pub fn mentions(text: &str, nouns_are_capital: bool) -> Vec<Mention> {
    let words = words_of(text);
    let mut found =
        Found { text, words: &words, nouns_are_capital, mentions: Vec::new(), seen: HashSet::new() };
    let mut at = 0;
    while at < words.len() {
        if let Some(end) = found.run_from(at) {
            found.add_run(at..end);
            at = end;
        } else {
            at += 1;
        }
    }
    found.add_quoted();
    found.mentions
}

/// What a document of this title is called: the whole, without a remark in brackets, and without the region of a
/// place ("Springfield, Ohio").
#[must_use]
pub fn title_keys(title: &str) -> Vec<String> {
    let bare = title.trim();
    let plain =
        bare.strip_suffix(')').and_then(|rest| rest.rsplit_once('(')).map_or(bare, |(name, _)| name.trim());
    let mut keys = Vec::new();
    for name in [bare, plain].into_iter().chain(place_of(plain)) {
        let key = name_key(name);
        let words = key.split(' ').count();
        if is_telling(&key) && words <= NAME_WORDS_MAX && !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// The name without case, accents, hyphens, apostrophes, possessive and leading article.
#[must_use]
pub fn name_key(name: &str) -> String {
    let words = words_of(name);
    let key = key_of(name, &words);
    let bare = ["the ", "a ", "an "].into_iter().find_map(|article| key.strip_prefix(article));
    bare.filter(|rest| !rest.is_empty()).map_or(key.clone(), ToOwned::to_owned)
}

/// Every run of up to so many words of a question that may be a name, as keys: people type names in lower case. One
/// word alone counts where it is capitalised, or where nothing is.
#[must_use]
pub fn phrases(question: &str) -> Vec<String> {
    let words = words_of(question);
    let capital = |at: usize| is_capital(&question[words[at].clone()]);
    let nothing_is = !(0..words.len()).any(capital);
    let mut keys = Vec::new();
    for from in 0..words.len() {
        for to in from + 1..=words.len().min(from + NAME_WORDS_MAX) {
            let key = key_of(question, &words[from..to]);
            if is_telling(&key) && (to - from > 1 || nothing_is || capital(from)) && !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    keys
}

/// Names being gathered from a text.
struct Found<'a> {
    text: &'a str,
    words: &'a [Range<usize>],
    nouns_are_capital: bool,
    mentions: Vec<Mention>,
    seen: HashSet<String>,
}

impl Found<'_> {
    fn word(&self, at: usize) -> &str {
        &self.text[self.words[at].clone()]
    }

    /// The end of the run of capitalised words, numbers and small words between them that begins here.
    fn run_from(&self, first: usize) -> Option<usize> {
        let begins = is_capital(self.word(first)) || self.is_number(first) && self.goes_on_capital(first + 1);
        if !begins {
            return None;
        }
        let mut end = first + 1;
        while end < self.words.len() && self.is_joined(end) {
            let small = (0..3).find(|small| !self.is_inside(end + small)).unwrap_or(3);
            if small == 0 && (is_capital(self.word(end)) || self.is_number(end)) {
                end += 1;
            } else if (1..3).contains(&small)
                && (end + 1..=end + small).all(|at| self.goes_on(at))
                && is_capital(self.word(end + small))
            {
                end += small + 1;
            } else {
                break;
            }
        }
        Some(end)
    }

    fn is_inside(&self, at: usize) -> bool {
        at < self.words.len() && !is_capital(self.word(at)) && is_among(&INSIDE, self.word(at))
    }

    fn is_number(&self, at: usize) -> bool {
        self.word(at).starts_with(|letter: char| letter.is_ascii_digit())
    }

    fn goes_on(&self, at: usize) -> bool {
        at < self.words.len() && self.is_joined(at)
    }

    fn goes_on_capital(&self, at: usize) -> bool {
        self.goes_on(at) && is_capital(self.word(at)) && !is_among_in_any_case(&DATES, self.word(at))
    }

    fn gap(&self, at: usize) -> &str {
        let start = at.checked_sub(1).map_or(0, |before| self.words[before].end);
        &self.text[start..self.words[at].start]
    }

    /// Whether only a space, or the stop of a shortened word, lies between this word and the one before.
    fn is_joined(&self, at: usize) -> bool {
        match self.gap(at) {
            " " => true,
            ". " => self.is_shortened(at - 1),
            gap => !gap.is_empty() && gap.chars().all(|letter| letter.is_whitespace() && letter != '\n'),
        }
    }

    fn is_shortened(&self, at: usize) -> bool {
        let word = self.word(at);
        word.chars().count() == 1 || SHORTENED.iter().any(|one| one.eq_ignore_ascii_case(word))
    }

    /// Whether a sentence, a heading or a quotation begins with the word.
    fn begins_sentence(&self, at: usize) -> bool {
        at == 0
            || !self.is_joined(at)
                && self.gap(at).contains(['.', '!', '?', ':', ';', '\n', '"', '“', '(', '•', '|'])
    }

    fn add_run(&mut self, run: Range<usize>) {
        let begins_sentence = self.begins_sentence(run.start);
        let mut words = run.clone();
        while !words.is_empty()
            && (self.is_inside(words.start)
                || self.is_plain(words.start) && (begins_sentence || words.start > run.start))
        {
            words.start += 1;
        }
        let is_first = begins_sentence && words.start == run.start;
        self.add_parts(&words, is_first);
        if is_first && words.len() > 1 {
            self.add(words.start + 1..words.end, false);
        }
    }

    fn is_plain(&self, at: usize) -> bool {
        is_among_in_any_case(&PLAIN, self.word(at))
    }

    /// The run, and where small words divide it its parts.
    fn add_parts(&mut self, words: &Range<usize>, is_first: bool) {
        self.add_ends(words, is_first);
        for divides in [&BETWEEN[..], &INSIDE[..]] {
            let mut from = words.start;
            for at in words.clone() {
                if divides.contains(&self.word(at)) {
                    self.add_ends(&(from..at), is_first && from == words.start);
                    from = at + 1;
                }
            }
            if from > words.start {
                self.add_ends(&(from..words.end), false);
            }
        }
    }

    /// The name, its last two words ("Senator Ada Lovelace") and its first two ("Globe Trotters Club").
    fn add_ends(&mut self, words: &Range<usize>, is_first: bool) {
        self.add(words.clone(), is_first);
        if words.len() > 2 {
            self.add(words.end - 2..words.end, false);
            self.add(words.start..words.start + 2, false);
        }
    }

    fn add(&mut self, mut words: Range<usize>, is_first: bool) {
        while !words.is_empty() && self.is_inside(words.start) {
            words.start += 1;
        }
        while !words.is_empty() && self.is_inside(words.end - 1) {
            words.end -= 1;
        }
        if words.is_empty()
            || words.len() > NAME_WORDS_MAX
            || words.len() == 1 && !self.is_name_alone(words.start, is_first)
        {
            return;
        }
        let span = self.words[words.start].start..self.words[words.end - 1].end;
        let key = key_of(self.text, &self.words[words]);
        self.push(span, key);
    }

    /// One word alone: not where only its place makes it begin with a capital.
    fn is_name_alone(&self, at: usize, is_first: bool) -> bool {
        let word = self.word(at);
        let is_odd = word.chars().skip(1).any(|letter| letter.is_uppercase() || letter.is_numeric());
        if self.nouns_are_capital && !is_odd {
            return false;
        }
        !(is_first && !is_odd && self.stands_small(&lower(word)))
    }

    /// Whether the word stands in the text in lower case, too.
    fn stands_small(&self, word: &str) -> bool {
        let (bytes, first) = (self.text.as_bytes(), word.as_bytes()[0]);
        let alike = |other: &&Range<usize>| other.len() == word.len() && bytes[other.start] == first;
        self.words.iter().filter(alike).any(|other| &self.text[other.clone()] == word)
    }

    fn add_quoted(&mut self) {
        let mut rest = 0;
        while let Some((from, to, next)) = quotation(self.text, rest) {
            let quoted = self.text[from..to].trim_end_matches([',', '.']);
            let begins_small = quoted.chars().next().is_none_or(char::is_lowercase);
            if !begins_small && quoted.len() <= QUOTED_BYTES_MAX && !quoted.contains('\n') {
                self.push(from..from + quoted.len(), name_key(quoted));
            }
            rest = next;
        }
    }

    fn push(&mut self, span: Range<usize>, key: String) {
        if is_telling(&key) && !self.seen.contains(key.as_str()) {
            self.seen.insert(key.clone());
            self.mentions.push(Mention { span, key });
        }
    }
}

/// The next quotation: where its inside begins and ends, and where to look on.
fn quotation(text: &str, mut from: usize) -> Option<(usize, usize, usize)> {
    loop {
        let (start, close) = opening(text, from)?;
        if let Some(length) = text[start..].find(close) {
            return Some((start, start + length, start + length + close.len_utf8()));
        }
        from = start;
    }
}

/// Where the next quotation begins, and the mark that ends it. Bytes are looked at: most texts have few that could be one.
fn opening(text: &str, mut from: usize) -> Option<(usize, char)> {
    const MARKS: [(char, char); 6] =
        [('"', '"'), ('“', '”'), ('«', '»'), ('„', '“'), ('《', '》'), ('「', '」')];
    let may_open = |byte: &u8| matches!(byte, b'"' | 0xC2 | 0xE2 | 0xE3);
    loop {
        let at = from + text.as_bytes()[from..].iter().position(may_open)?;
        let letter = text[at..].chars().next()?;
        from = at + letter.len_utf8();
        if let Some((_, close)) = MARKS.iter().find(|(open, _)| *open == letter) {
            return Some((from, *close));
        }
    }
}

/// "Springfield" of "Springfield, Ohio".
fn place_of(title: &str) -> Option<&str> {
    let (place, region) = title.split_once(", ")?;
    let capital = |words: &str| words.split(' ').all(|word| is_capital(word) || is_among(&INSIDE, word));
    (!region.contains(',') && capital(place) && capital(region)).then_some(place)
}

/// Words with the hyphens, apostrophes, stops and ampersands inside of them.
fn words_of(text: &str) -> Vec<Range<usize>> {
    let mut words = Vec::with_capacity(text.len() / 6);
    let mut at = 0;
    while at < text.len() {
        let mut end = letters_from(text, at);
        while end > at && end < text.len() {
            let next = letters_from(text, end + joint_at(text, end));
            if joint_at(text, end) == 0 || next == end + joint_at(text, end) {
                break;
            }
            end = next;
        }
        if end > at {
            words.push(at..end);
        }
        at = end + text[end..].chars().next().map_or(1, char::len_utf8);
    }
    words
}

/// Where the letters and digits end that begin there.
fn letters_from(text: &str, mut at: usize) -> usize {
    let bytes = text.as_bytes();
    loop {
        while bytes.get(at).is_some_and(u8::is_ascii_alphanumeric) {
            at += 1;
        }
        match bytes.get(at) {
            Some(byte) if !byte.is_ascii() => {
                let letter =
                    text[at..].chars().next().filter(|letter| letter.is_alphanumeric() || is_mark(*letter));
                let Some(letter) = letter else { return at };
                at += letter.len_utf8();
            }
            _ => return at,
        }
    }
}

/// The length of what may join two halves of a word there; 0 for nothing.
fn joint_at(text: &str, at: usize) -> usize {
    match text.as_bytes()[at] {
        b'-' | b'\'' | b'.' | b'&' => 1,
        0xE2 if text[at..].starts_with('’') => '’'.len_utf8(),
        _ => 0,
    }
}

fn is_mark(letter: char) -> bool {
    !letter.is_ascii() && unicode_normalization::char::is_combining_mark(letter)
}

fn key_of(text: &str, words: &[Range<usize>]) -> String {
    let mut key = String::with_capacity(words.iter().map(|word| word.len() + 1).sum());
    for word in words {
        if !key.is_empty() {
            key.push(' ');
        }
        push_folded(&text[word.clone()], &mut key);
    }
    key
}

fn push_folded(word: &str, key: &mut String) {
    let word = ["'s", "’s"].into_iter().find_map(|ending| word.strip_suffix(ending)).unwrap_or(word);
    let plain = |letter: char| match letter {
        '-' | '&' => Some(' '),
        '\'' | '’' | '.' => None,
        _ => Some(letter),
    };
    if word.is_ascii() {
        key.extend(word.chars().filter_map(plain).map(|letter| letter.to_ascii_lowercase()));
    } else {
        let lower: String = word.nfkc().filter_map(plain).flat_map(char::to_lowercase).collect();
        key.push_str(&fold(&lower));
    }
}

/// Whether the key can tell a thing from others: not a number, a date or plain words.
fn is_telling(key: &str) -> bool {
    let plain = |word: &str| {
        word.bytes().all(|byte| byte.is_ascii_digit())
            || is_among(&PLAIN, word)
            || is_among(&INSIDE, word)
            || is_date(word)
    };
    (2..=TERM_BYTES_MAX).contains(&key.len()) && !key.split(' ').all(plain)
}

/// Of the lists of small words.
const LONGEST: usize = 9;

fn is_among(words: &[&str], word: &str) -> bool {
    word.len() <= LONGEST && words.binary_search(&word).is_ok()
}

fn is_among_in_any_case(words: &[&str], word: &str) -> bool {
    let mut small = [0; LONGEST];
    let Some(small) = small.get_mut(..word.len()) else { return false };
    small.copy_from_slice(word.as_bytes());
    small.make_ascii_lowercase();
    str::from_utf8(small).is_ok_and(|small| is_among(words, small))
}

fn is_capital(word: &str) -> bool {
    word.starts_with(char::is_uppercase)
}

fn is_date(word: &str) -> bool {
    is_among(&DATES, word)
}

fn lower(word: &str) -> String {
    if word.is_ascii() { word.to_ascii_lowercase() } else { word.to_lowercase() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<String> {
        mentions(text, false).into_iter().map(|mention| mention.key).collect()
    }

    fn has(text: &str, key: &str) -> bool {
        keys(text).iter().any(|found| found == key)
    }

    #[test]
    fn runs_of_capitalised_words_are_names() {
        assert_eq!(keys("He met Ada Lovelace and flew a Boeing 747."), ["ada lovelace", "boeing 747"]);
        assert!(has("the Museum of Modern Art opened", "museum of modern art"));
        assert!(has("built by Ludwig van der Rohe", "ludwig van der rohe"));
        assert!(has("It was made by J. R. R. Tolkien.", "j r r tolkien"));
        assert!(has("since the 2007 FIFA World Cup", "2007 fifa world cup"));
    }

    #[test]
    fn names_within_longer_ones_are_found() {
        assert!(has("chief of staff to Queensland Senator Barnaby Joyce", "barnaby joyce"));
        assert!(has("members Charlene Choi and Gillian Chung", "gillian chung"));
        assert!(has("the University of Oxford", "oxford"));
    }

    #[test]
    fn a_capital_at_the_beginning_of_a_sentence_alone_is_no_name() {
        assert_eq!(keys("Rags burn. The rags are kept. However, they burn."), Vec::<String>::new());
        assert_eq!(keys("NASA was asked. Mary came."), ["nasa", "mary"]);
        assert!(has("Yesterday Mary Shelley came.", "mary shelley"));
    }

    #[test]
    fn numbers_dates_and_lower_case_are_no_names() {
        assert_eq!(keys("on 3 May 1998, in March, at 12 o'clock"), Vec::<String>::new());
        assert_eq!(keys(""), Vec::<String>::new());
    }

    #[test]
    fn quotations_are_titles() {
        assert!(has("in \"Return of the native\" he says \"and so on\"", "return of the native"));
        assert!(has("Er schrieb „Der Prozess“.", "der prozess"));
        assert!(!has("he says \"and so on\"", "and so on"));
        assert_eq!(keys("a lone \" mark"), Vec::<String>::new());
    }

    #[test]
    fn a_german_noun_alone_is_no_name() {
        let found = |text| mentions(text, true).into_iter().map(|mention| mention.key).collect::<Vec<_>>();
        assert_eq!(
            found("wegen der Steuer bei SAP und Angela Merkel"),
            ["sap und angela merkel", "angela merkel", "sap"]
        );
    }

    #[test]
    fn a_span_is_where_the_name_stands() {
        let text = "seen by Émile Zola’s friend";
        let mention = mentions(text, false).remove(0);
        assert_eq!((&text[mention.span], mention.key.as_str()), ("Émile Zola’s", "emile zola"));
    }

    #[test]
    fn a_title_is_called_without_its_remark_region_and_article() {
        assert_eq!(title_keys("Mercury (planet)"), ["mercury planet", "mercury"]);
        assert_eq!(title_keys("Laie, Hawaii"), ["laie hawaii", "laie"]);
        assert_eq!(title_keys("The Hukilau-Song"), ["hukilau song"]);
        assert_eq!(title_keys("Flows, heat and mass"), ["flows heat and mass"]);
        assert_eq!(title_keys("2019"), Vec::<String>::new());
        assert_eq!(
            title_keys("On the (many) ways in which a title may be far too long for a name"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn spellings_of_a_name_have_one_key() {
        assert_eq!(name_key("Jean-Luc’s"), name_key("jean luc"));
        assert_eq!(
            (name_key("the Who"), name_key("U.S.A"), name_key("Łódź")),
            ("who".into(), "usa".into(), "lodz".into())
        );
    }

    #[test]
    fn phrases_of_a_question_are_in_any_case() {
        assert!(phrases("who founded the red cross").contains(&"red cross".to_owned()));
        assert!(phrases("lilu").contains(&"lilu".to_owned()));
        assert!(!phrases("the book of Lilu").contains(&"book".to_owned()), "the question has capitals");
        assert!(phrases("what is it").is_empty());
    }

    proptest::proptest! {
        #[test]
        fn any_text_gives_keys_of_one_line_and_spans_within(text in "[ A-Za-zÉé0-9.\"“”'’&,\n()-]{0,80}|\\PC{0,40}") {
            for mention in mentions(&text, false) {
                proptest::prop_assert!(mention.span.end <= text.len() && !text[mention.span].is_empty());
                proptest::prop_assert!(mention.key.len() <= TERM_BYTES_MAX && !mention.key.contains('\n'));
            }
            for key in phrases(&text).into_iter().chain(title_keys(&text)) {
                proptest::prop_assert!(key.len() <= TERM_BYTES_MAX && !key.contains('\n'));
            }
        }
    }
}
