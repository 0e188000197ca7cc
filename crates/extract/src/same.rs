//! How likely two names stand for one thing, from their letters alone.
//!
//! Keeps true: symmetric; 1 for the same name, 0 for names with nothing in common or with other numbers.

use crate::key::name_key;

/// Names longer than this are compared whole only; the comparison of letters is quadratic.
const LETTERS_MAX: usize = 64;

/// 0 to 1: same form, initials, part of a full name, short form, acronym, slip of the pen.
#[must_use]
pub fn same_name(a: &str, b: &str) -> f32 {
    let (key_a, key_b) = (name_key(a), name_key(b));
    if key_a.is_empty() || key_b.is_empty() {
        return 0.0;
    }
    if key_a == key_b {
        return 1.0;
    }
    let (words_a, words_b) = (words(&key_a), words(&key_b));
    if numbers(&words_a) != numbers(&words_b) {
        return 0.0;
    }
    let by_words = if words_a.len() <= words_b.len() {
        of_words(&words_a, &words_b)
    } else {
        of_words(&words_b, &words_a)
    };
    by_words.max(slip(&key_a, &key_b))
}

fn words(key: &str) -> Vec<&str> {
    key.split(' ').collect()
}

fn numbers<'w>(words: &[&'w str]) -> Vec<&'w str> {
    words.iter().copied().filter(|word| word.bytes().any(|byte| byte.is_ascii_digit())).collect()
}

/// `short` has no more words than `long`.
fn of_words(short: &[&str], long: &[&str]) -> f32 {
    if short.len() == long.len() {
        return by_initials(short, long);
    }
    if let [one] = short {
        return one_of(one, long);
    }
    let mut rest = long.iter();
    let is_within = short.iter().all(|word| rest.any(|other| abbreviates(word, other)));
    if is_within { 0.75 } else { 0.0 }
}

/// "A. Müller" and "Anna Müller", "Mel" and "Melanie".
fn by_initials(short: &[&str], long: &[&str]) -> f32 {
    let (Some(last_a), Some(last_b)) = (short.last(), long.last()) else { return 0.0 };
    if short.len() == 1 {
        return if is_short_form(last_a, last_b) { 0.6 } else { 0.0 };
    }
    let rest_agrees = short.iter().zip(long).all(|(a, b)| abbreviates(a, b));
    if last_a == last_b && rest_agrees { 0.85 } else { 0.0 }
}

/// A single word and a name of several: acronym, first or last name.
fn one_of(one: &str, long: &[&str]) -> f32 {
    let initials: String = long.iter().filter_map(|word| word.chars().next()).collect();
    let weighty: String =
        long.iter().filter(|word| !LINKS.contains(word)).filter_map(|word| word.chars().next()).collect();
    if one.len() >= 2 && (one == initials || one == weighty) {
        return 0.85;
    }
    if long.first() == Some(&one) {
        return 0.7;
    }
    if long.last() == Some(&one) {
        return 0.65;
    }
    if long.first().is_some_and(|first| is_short_form(one, first)) { 0.5 } else { 0.0 }
}

const LINKS: &[&str] = &["of", "the", "and", "for", "de", "la", "von", "und", "du", "des", "del", "y"];

fn abbreviates(a: &str, b: &str) -> bool {
    a == b || is_initial(a, b) || is_initial(b, a)
}

fn is_initial(short: &str, word: &str) -> bool {
    short.chars().count() == 1 && word.starts_with(short)
}

/// One is the other's beginning, and neither is too short to tell.
fn is_short_form(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    short.len() >= 3 && long.len() > short.len() + 1 && long.starts_with(short)
}

/// One wrong letter in six, two in ten.
fn slip(a: &str, b: &str) -> f32 {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let letters = a.len().min(b.len());
    let allowed = if letters >= 10 { 2 } else { usize::from(letters >= 6) };
    if letters.max(a.len()).max(b.len()) > LETTERS_MAX || a.len().abs_diff(b.len()) > allowed {
        return 0.0;
    }
    let slips = distance(&a, &b);
    if slips > allowed { 0.0 } else { 1.0 - slips as f32 * 0.12 }
}

/// Letters to insert, delete or change, two exchanged neighbours counting as one.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_one_name_are_near() {
        for (a, b, at_least) in [
            ("Dr. Anna Müller", "Anna Muller", 1.0),
            ("A. Müller", "Anna Müller", 0.85),
            ("Anna", "Anna Müller", 0.7),
            ("Müller", "Anna Müller", 0.6),
            ("WHO", "World Health Organization", 0.85),
            ("UN", "United Nations", 0.85),
            ("Mel", "Melanie", 0.6),
            ("Jhon Smithson", "John Smithson", 0.8),
            ("Kubernetes", "Kubernets", 0.8),
            ("J. R. R. Tolkien", "J. Tolkien", 0.75),
        ] {
            let score = same_name(a, b);
            assert!(score >= at_least && (score - same_name(b, a)).abs() < 1e-6, "{a} {b} {score}");
        }
    }

    #[test]
    fn other_names_are_far() {
        for (a, b) in [
            ("Anna", "Anne"),
            ("Apollo 11", "Apollo 12"),
            ("Berlin", "Munich"),
            ("Anna Müller", "Otto Müller"),
            ("", "Anna"),
            ("Paris", "Parliament House"),
        ] {
            assert!(same_name(a, b) < 0.5, "{a} {b} {}", same_name(a, b));
        }
    }
}
