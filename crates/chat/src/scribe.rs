//! Reads a chat model's answer as it streams: text, citation marks, ends of claims.
//!
//! Keeps true: whatever the pieces of the stream are cut into, the result is the same; a mark never reaches the
//! reader as the model wrote it, and a number that no source has is dropped.

use ibid_types::sentences::sentences;

/// Longest mark, `[source 1, source 2, source 3]` and the like; what is longer is text.
const MARK_BYTES_MAX: usize = 48;
/// A claim is ended here even without a full stop.
const CLAIM_BYTES_MAX: usize = 2_000;
const THINK_OPEN: &str = "<think>";
const THINK_CLOSE: &str = "</think>";

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    /// Numbers of sources, each one of those given, each once.
    Cite(Vec<usize>),
    ClaimEnd,
}

/// The reader's state.
#[derive(Debug)]
pub struct Scribe {
    sources: usize,
    /// Not yet understood.
    pending: String,
    /// White space that is written once what follows is known.
    space: String,
    claim: String,
    /// Whether anything was written.
    started: bool,
    /// Whether a mark without a real number was just left out.
    mark_dropped: bool,
    /// Whether a mark was the last thing written.
    after_mark: bool,
    thinking: Thinking,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thinking {
    /// The stream may begin with a model's thoughts, which are not part of the answer.
    Perhaps,
    Yes,
    No,
}

enum Mark {
    /// Bytes read and the numbers in it.
    Is(usize, Vec<usize>),
    /// Could become one with more text.
    Perhaps,
    IsNot,
}

impl Scribe {
    /// `sources` is how many were shown; numbers beyond it are dropped.
    #[must_use]
    pub fn new(sources: usize) -> Self {
        Self {
            sources,
            pending: String::new(),
            space: String::new(),
            claim: String::new(),
            started: false,
            mark_dropped: false,
            after_mark: false,
            thinking: Thinking::Perhaps,
        }
    }

    /// Reads on.
    pub fn push(&mut self, delta: &str) -> Vec<Piece> {
        self.pending.push_str(delta);
        self.read(false)
    }

    /// Reads what is left once the stream ended.
    pub fn finish(&mut self) -> Vec<Piece> {
        let mut pieces = self.read(true);
        self.end_claim(&mut pieces);
        pieces
    }

    fn read(&mut self, ended: bool) -> Vec<Piece> {
        let mut pieces = Vec::new();
        if !self.skip_thoughts(ended) {
            return pieces;
        }
        let pending = std::mem::take(&mut self.pending);
        let mut at = 0;
        while let Some(character) = pending[at..].chars().next() {
            if matches!(character, '[' | '【') {
                match mark(&pending[at..], self.sources) {
                    Mark::Is(length, numbers) => {
                        self.cite(numbers, &mut pieces);
                        at += length;
                        continue;
                    }
                    Mark::Perhaps if !ended => break,
                    Mark::Perhaps | Mark::IsNot => {}
                }
            }
            self.take(character, &mut pieces);
            at += character.len_utf8();
        }
        self.pending = pending[at..].to_owned();
        pieces
    }

    /// Whether reading may go on.
    fn skip_thoughts(&mut self, ended: bool) -> bool {
        if self.thinking == Thinking::Perhaps {
            let start = self.pending.trim_start();
            if start.starts_with(THINK_OPEN) {
                self.thinking = Thinking::Yes;
            } else if ended || !THINK_OPEN.starts_with(start) {
                self.thinking = Thinking::No;
            }
        }
        if self.thinking == Thinking::Yes {
            if let Some(close) = self.pending.find(THINK_CLOSE) {
                self.pending.drain(..close + THINK_CLOSE.len());
                self.thinking = Thinking::No;
            } else if ended {
                self.pending.clear();
            }
        }
        self.thinking == Thinking::No
    }

    fn take(&mut self, character: char, pieces: &mut Vec<Piece>) {
        if character.is_whitespace() {
            self.space.push(character);
            return;
        }
        if self.ends_before(character) {
            self.end_claim(pieces);
        }
        let space = self.due_space(character);
        write(&space, pieces);
        self.claim.push_str(&space);
        write(character.encode_utf8(&mut [0; 4]), pieces);
        self.claim.push(character);
        self.started = true;
        self.after_mark = false;
    }

    /// The space before `next`: none at the very beginning, and one at most where a mark was dropped.
    fn due_space(&mut self, next: char) -> String {
        let space = std::mem::take(&mut self.space);
        let after_dropped = std::mem::take(&mut self.mark_dropped) && !space.contains('\n');
        match (self.started, after_dropped) {
            (false, _) => String::new(),
            (true, false) => space,
            (true, true) if matches!(next, '.' | ',' | ';' | ':' | '!' | '?') => String::new(),
            (true, true) => space.chars().take(1).collect(),
        }
    }

    fn ends_before(&self, next: char) -> bool {
        let claim = self.claim.trim_end();
        if claim.is_empty() {
            return false;
        }
        if self.space.contains('\n') || claim.len() > CLAIM_BYTES_MAX {
            return true;
        }
        if self.space.is_empty() {
            return claim.ends_with(['。', '！', '？']) && !is_closing(next);
        }
        splits(claim, next)
    }

    fn end_claim(&mut self, pieces: &mut Vec<Piece>) {
        if !self.claim.trim().is_empty() {
            pieces.push(Piece::ClaimEnd);
        }
        self.claim.clear();
    }

    /// A mark belongs to the claim before it, also after its full stop.
    fn cite(&mut self, numbers: Vec<usize>, pieces: &mut Vec<Piece>) {
        if numbers.is_empty() {
            self.mark_dropped = true;
            return;
        }
        let space = if self.claim.is_empty() || self.space.contains('\n') { "" } else { " " };
        if self.space.contains('\n') {
            let space = std::mem::take(&mut self.space);
            self.end_claim(pieces);
            write(&space, pieces);
        }
        self.space.clear();
        if !self.after_mark {
            write(space, pieces);
        }
        pieces.push(Piece::Cite(numbers));
        self.started = true;
        self.after_mark = true;
    }
}

fn write(text: &str, pieces: &mut Vec<Piece>) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Text(last)) => last.push_str(text),
        _ => pieces.push(Piece::Text(text.to_owned())),
    }
}

fn is_closing(character: char) -> bool {
    matches!(character, '"' | '”' | '’' | ')' | ']' | '」' | '』' | '»')
}

/// Whether a sentence ends between `claim` and a next one that begins with `next`.
fn splits(claim: &str, next: char) -> bool {
    let probe = format!("{claim} {next}");
    sentences(&probe).len() > sentences(claim).len()
}

/// Reads a mark at the beginning of `text`.
fn mark(text: &str, sources: usize) -> Mark {
    let open = text.chars().next().map_or(0, char::len_utf8);
    let closing = |c: char| matches!(c, ']' | '】');
    let window: String = text[open..].chars().take(MARK_BYTES_MAX).collect();
    let Some(close) = window.find(closing) else {
        let perhaps =
            window.len() < MARK_BYTES_MAX && text[open..].len() == window.len() && is_inner(&window);
        return if perhaps { Mark::Perhaps } else { Mark::IsNot };
    };
    let inner = &window[..close];
    let numbers = numbers(inner);
    if !is_inner(inner) || numbers.is_empty() {
        return Mark::IsNot;
    }
    let length = open + close + window[close..].chars().next().map_or(0, char::len_utf8);
    let mut real: Vec<usize> = Vec::new();
    for number in numbers {
        if (1..=sources).contains(&number) && !real.contains(&number) {
            real.push(number);
        }
    }
    Mark::Is(length, real)
}

/// Whether this can stand within a mark: numbers, separators, the word "source".
fn is_inner(text: &str) -> bool {
    let lower = text.to_lowercase();
    let bare = ["sources", "source", "quellen", "quelle", "and", "und"]
        .iter()
        .fold(lower, |t, word| t.replace(word, ""));
    let is_beginning =
        |rest: &str| ["sources", "quellen", "and", "und"].iter().any(|word| word.starts_with(rest));
    let rest = bare.trim_start_matches(|c: char| c.is_ascii_digit() || " ,;-–^#.:".contains(c));
    rest.is_empty() || is_beginning(rest)
}

/// Numbers in a mark, with `2-4` as a range of at most ten.
fn numbers(inner: &str) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::new();
    let mut range_from: Option<usize> = None;
    let mut digits = String::new();
    for character in inner.chars().chain([' ']) {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        if !digits.is_empty() {
            let number = digits.parse().unwrap_or(0);
            digits.clear();
            let from = range_from.take().filter(|from| *from < number).map_or(number, |from| from + 1);
            found.extend(from.max(number.saturating_sub(9))..=number);
        }
        if matches!(character, '-' | '–') {
            range_from = found.last().copied();
        } else if character != ' ' {
            range_from = None;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text with marks as `{1,2}` and claims' ends as `|`.
    fn read(text: &str, cut: usize) -> String {
        let mut scribe = Scribe::new(3);
        let characters: Vec<char> = text.chars().collect();
        let mut pieces = Vec::new();
        for part in characters.chunks(cut.max(1)) {
            pieces.extend(scribe.push(&part.iter().collect::<String>()));
        }
        pieces.extend(scribe.finish());
        let show = |piece: Piece| match piece {
            Piece::Text(text) => text,
            Piece::Cite(numbers) => {
                format!("{numbers:?}").replace(['[', ' '], "{").replace("{{", "{").replace(']', "}")
            }
            Piece::ClaimEnd => "|".into(),
        };
        pieces.into_iter().map(show).collect()
    }

    fn check(text: &str, expected: &str) {
        for cut in [1, 2, 3, 7, 1_000] {
            assert_eq!(read(text, cut), expected, "cut into {cut}");
        }
    }

    #[test]
    fn a_mark_is_read_across_tokens() {
        check("Refunds take 14 days [1].", "Refunds take 14 days {1}.|");
        check(
            "Refunds take 14 days. [2] They are free [1].",
            "Refunds take 14 days. {2}| They are free {1}.|",
        );
    }

    #[test]
    fn marks_come_in_many_forms() {
        check("A [Source 2].", "A {2}.|");
        check("A 【3】.", "A {3}.|");
        check("A [^1].", "A {1}.|");
        check("A [1-3].", "A {1,{2,{3}.|");
        check("A[1][2].", "A {1}{2}.|");
    }

    #[test]
    fn made_up_numbers_are_dropped() {
        check("A is b [9].", "A is b.|");
        check("A is b [0].", "A is b.|");
        check("A is b [2, 7].", "A is b {2}.|");
        check("A is b [99999999999999999999999].", "A is b.|");
    }

    #[test]
    fn other_brackets_are_text() {
        check("Press [Enter] now.", "Press [Enter] now.|");
        check("An [open", "An [open|");
        check("Array[i] is x.", "Array[i] is x.|");
    }

    #[test]
    fn lines_end_claims() {
        check("- one [1]\n- two [2]", "- one {1}|\n- two {2}|");
    }

    #[test]
    fn decimals_and_abbreviations_do_not() {
        check("It is 3.5 m by Dr. Who.", "It is 3.5 m by Dr. Who.|");
    }

    #[test]
    fn thoughts_are_not_the_answer() {
        check("<think>hm [1]. So?</think>It is [1].", "It is {1}.|");
        check("<think>never ends", "");
        check("<", "<|");
    }

    proptest::proptest! {
        #[test]
        fn any_text_gives_the_same_however_cut(text in "[a-c\\[\\]【】0-9.,\\- \nA<>Ä。!]{0,60}", cut in 1_usize..9) {
            assert_eq!(read(&text, cut), read(&text, 10_000));
        }

        #[test]
        fn numbers_are_those_of_sources(text in "\\PC{0,60}") {
            let mut scribe = Scribe::new(3);
            let mut pieces = scribe.push(&text);
            pieces.extend(scribe.finish());
            for piece in pieces {
                if let Piece::Cite(numbers) = piece {
                    assert!(!numbers.is_empty() && numbers.iter().all(|number| (1..=3).contains(number)));
                }
            }
        }
    }
}
