//! Taking claims out of an answer, and hiding what must not be shown, with its marks and citations kept in order.
//!
//! Keeps true: after an edit every mark in the text has its citation, citations are numbered from 1 in the order of
//! their first use, and a claim names only citations that are there.

use std::collections::BTreeMap;

use ibid_types::answer::Answer;

/// Takes out the claims for which `dropped` holds, with their text, and the citations that nothing needs then.
#[must_use]
pub fn without_claims(mut answer: Answer, dropped: impl Fn(usize) -> bool) -> Answer {
    let places = places(&answer);
    let mut text = answer.text.clone();
    for (index, place) in places.iter().enumerate().rev() {
        if dropped(index)
            && let Some((start, end)) = place
        {
            text.replace_range(start..end, "");
        }
    }
    let mut index = 0;
    answer.claims.retain(|_| {
        index += 1;
        !dropped(index - 1)
    });
    answer.text = tidy(&text);
    renumbered(answer)
}

/// Numbers the citations by their first mark and leaves out those without one.
#[must_use]
pub fn renumbered(mut answer: Answer) -> Answer {
    let mut numbers: BTreeMap<usize, usize> = BTreeMap::new();
    let known = |number: usize| answer.citations.iter().any(|citation| citation.number == number);
    let mut text = String::with_capacity(answer.text.len());
    let mut rest = answer.text.as_str();
    while let Some((before, number, after)) = next_mark(rest) {
        text.push_str(before);
        if known(number) {
            let next = numbers.len() + 1;
            text.push_str(&format!("[{}]", numbers.entry(number).or_insert(next)));
        }
        rest = after;
    }
    text.push_str(rest);
    answer.text = text;
    answer.citations.retain(|citation| numbers.contains_key(&citation.number));
    for citation in &mut answer.citations {
        citation.number = numbers.get(&citation.number).copied().unwrap_or(citation.number);
    }
    answer.citations.sort_by_key(|citation| citation.number);
    for claim in &mut answer.claims {
        claim.citations = claim.citations.iter().filter_map(|number| numbers.get(number).copied()).collect();
    }
    answer
}

/// The marks of a text, in order.
#[must_use]
pub fn marks(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, number, after)) = next_mark(rest) {
        found.push(number);
        rest = after;
    }
    found
}

/// What stands before the next `[12]`, its number, what stands behind.
fn next_mark(text: &str) -> Option<(&str, usize, &str)> {
    let mut from = 0;
    while let Some(open) = text[from..].find('[').map(|at| from + at) {
        let inner = &text[open + 1..];
        let digits = inner.find(|c: char| !c.is_ascii_digit()).unwrap_or(inner.len());
        if (1..=3).contains(&digits) && inner[digits..].starts_with(']') {
            return Some((&text[..open], inner[..digits].parse().ok()?, &inner[digits + 1..]));
        }
        from = open + 1;
    }
    None
}

/// Where each claim stands in the text, with the marks and the white space behind it.
fn places(answer: &Answer) -> Vec<Option<(usize, usize)>> {
    let mut from = 0;
    let mut found = Vec::new();
    for claim in &answer.claims {
        let place = (!claim.text.is_empty()).then(|| place(&answer.text, from, &claim.text)).flatten();
        from = place.map_or(from, |(_, end)| end);
        found.push(place);
    }
    found
}

fn place(text: &str, from: usize, claim: &str) -> Option<(usize, usize)> {
    let first = claim.chars().next()?;
    let starts = text.get(from..)?.match_indices(first).map(|(at, _)| from + at);
    starts.filter_map(|start| end_of(text, start, claim).map(|end| (start, end))).next()
}

/// Where the claim ends if it begins at `start`; marks and white space within it do not count.
fn end_of(text: &str, start: usize, claim: &str) -> Option<usize> {
    let mut at = start;
    for wanted in claim.chars().filter(|c| !c.is_whitespace()) {
        at = behind_marks(text, at);
        let character = text[at..].chars().next().filter(|character| *character == wanted)?;
        at += character.len_utf8();
    }
    Some(behind_marks(text, at))
}

fn behind_marks(text: &str, from: usize) -> usize {
    let mut at = from;
    loop {
        let rest = &text[at..];
        let space = rest.len() - rest.trim_start_matches(' ').len();
        match next_mark(&rest[space..]) {
            Some(("", _, after)) => at = text.len() - after.len(),
            _ => return at + rest[..space].len() * usize::from(space > 0),
        }
    }
}

/// No spaces at ends of lines and no more than one empty line.
fn tidy(text: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        let bare = line.trim_matches(['-', '*', ' ', '•']);
        let only_sign = bare.is_empty() && !line.trim().is_empty();
        if only_sign || line.is_empty() && lines.last().is_none_or(|last| last.is_empty()) {
            continue;
        }
        lines.push(line);
    }
    lines.join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answering::{empty_answer, said};
    use crate::fixture;
    use ibid_types::answer::{AnswerMode, Citation, Claim, Verdict};

    fn answer(text: &str, claims: &[(&str, &[usize])], citations: usize) -> Answer {
        let chunk = fixture::chunk("Some words to be quoted.");
        Answer {
            text: text.into(),
            claims: claims
                .iter()
                .map(|(text, numbers)| Claim::cited(*text, Verdict::Supported, numbers.to_vec(), 1.0))
                .collect(),
            citations: (1..=citations).map(|n| Citation::bind(n, &chunk, "t", "s", 0, 4).unwrap()).collect(),
            ..empty_answer(AnswerMode::Generative, &[], Vec::new())
        }
    }

    #[test]
    fn a_claim_goes_with_its_mark_and_its_citation() {
        let before = answer(
            "A is b [1]. C is d [2]. E is f [2][3].",
            &[("A is b.", &[1]), ("C is d.", &[2]), ("E is f.", &[2, 3])],
            3,
        );
        let after = without_claims(before.clone(), |index| index == 0);
        assert_eq!(after.text, "C is d [1]. E is f [1][2].");
        assert_eq!((after.claims[1].citations.clone(), after.citations.len()), (vec![1, 2], 2));
        let after = without_claims(before, |index| index == 1);
        assert_eq!(after.text, "A is b [1]. E is f [2][3].");
    }

    #[test]
    fn a_mark_behind_the_point_goes_too() {
        let before = answer("A is b. [1] C is d. [2]", &[("A is b.", &[1]), ("C is d.", &[2])], 2);
        assert_eq!(without_claims(before, |index| index == 1).text, "A is b. [1]");
    }

    #[test]
    fn an_items_sign_goes_with_it() {
        let before = answer("- A is b [1]\n- C is d [2]", &[("- A is b", &[1]), ("- C is d", &[2])], 2);
        assert_eq!(without_claims(before, |index| index == 0).text, "- C is d [1]");
    }

    #[test]
    fn marks_without_citation_go() {
        assert_eq!(renumbered(said("A [4] b [x] [12345]")).text, "A  b [x] [12345]");
        assert_eq!(marks("a [1] b[2][x]"), [1, 2]);
    }

    proptest::proptest! {
        #[test]
        fn edits_keep_marks_and_citations_together(
            text in "(\\PC|\\[[1-4]\\]|A is b|\\. ){0,20}",
            claim in "(A is b\\.?|\\PC{0,5})",
            dropped in 0_usize..3,
        ) {
            let before = answer(&text, &[(&claim, &[1]), ("A is b", &[2])], 4);
            let after = without_claims(before, |index| index == dropped);
            assert!(marks(&after.text).iter().all(|mark| *mark <= after.citations.len()));
            assert!(after.citations.iter().enumerate().all(|(at, citation)| citation.number == at + 1));
        }
    }
}
