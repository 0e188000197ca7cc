//! What may be a password, after NIST SP 800-63B, section 3.1.1.2: long enough, and none that is tried first. No rules
//! about kinds of characters, and none that a password must be changed.
//!
//! Keeps true: each refusal says what to do instead.

use ibid_types::{Error, Result};

use super::common::COMMON;
use super::leaked::is_leaked;

/// Characters (Unicode scalar values) that a password has at least.
pub const CHARACTERS_MIN: usize = 12;
/// And at most: far more than anybody types, and little work.
pub const CHARACTERS_MAX: usize = 128;
/// A password of which fewer characters remain without the user's names is nothing but those names.
const OWN_CHARACTERS_MIN: usize = 6;
/// Names shorter than this stand in too many words to be held against a password.
const NAME_CHARACTERS_MIN: usize = 3;
/// The name of the service, which is tried as the user's own is.
const SERVICE: &str = "ibid";

/// Refuses what is too short, too long, or guessed early. `names` are the user's own: sign-in name, shown name, address.
///
/// Errors: `password_length`, `password_guessable`.
pub fn check_policy(password: &str, names: &[&str]) -> Result<()> {
    let characters = password.chars().take(CHARACTERS_MAX + 1).count();
    if characters < CHARACTERS_MIN {
        return Err(too_short(characters));
    }
    if characters > CHARACTERS_MAX {
        return Err(too_long());
    }
    let password = super::normal(password).to_lowercase();
    if COMMON.contains(&password.as_str()) {
        return Err(guessable("this password is among the first that are tried"));
    }
    if is_leaked(&password) {
        return Err(guessable("this password was found in leaks, and is tried on every account"));
    }
    if is_repetition(&password) {
        return Err(guessable("this password repeats a short text"));
    }
    if is_sequence(&password) {
        return Err(guessable("this password follows the alphabet or counts"));
    }
    if is_of_names(&password, names) {
        return Err(guessable("this password is little more than a name"));
    }
    Ok(())
}

fn too_short(characters: usize) -> Error {
    Error::bad_request(
        "password_length",
        format!(
            "the password has {characters} characters and needs {CHARACTERS_MIN}; three or four words are easy to keep"
        ),
    )
}

pub(super) fn too_long() -> Error {
    Error::bad_request(
        "password_length",
        format!("the password may have at most {CHARACTERS_MAX} characters; take a shorter one"),
    )
}

fn guessable(why: &str) -> Error {
    Error::bad_request(
        "password_guessable",
        format!("{why}; take three or four words that do not belong together"),
    )
}

/// Whether it is one text of at most half its length again and again (the last time perhaps cut short).
fn is_repetition(password: &str) -> bool {
    let characters: Vec<char> = password.chars().collect();
    (1..=characters.len() / 2).any(|period| {
        let shifted = characters.iter().skip(period);
        characters.iter().zip(shifted).all(|(a, b)| a == b)
    })
}

/// Whether each character follows the one before (`abcdefghijkl`, `987654321098`), up or down.
fn is_sequence(password: &str) -> bool {
    let characters: Vec<u32> = password.chars().map(u32::from).collect();
    let follows = |pair: &[u32]| match pair {
        [a, b] => *b == a + 1 || (*a, *b) == ('9'.into(), '0'.into()),
        _ => false,
    };
    let mut backwards = characters.clone();
    backwards.reverse();
    characters.windows(2).all(follows) || backwards.windows(2).all(follows)
}

/// Whether little remains without the names. An address counts by its parts, a name by its words.
fn is_of_names(password: &str, names: &[&str]) -> bool {
    let mut rest = password.to_owned();
    for name in names.iter().map(|name| name.to_lowercase()).chain([SERVICE.to_owned()]) {
        let whole = [name.as_str()];
        let words = name.split(|character: char| !character.is_alphanumeric());
        for word in whole.into_iter().chain(words) {
            if word.chars().count() >= NAME_CHARACTERS_MIN {
                rest = rest.replace(word, "");
            }
        }
    }
    rest.len() < password.len() && rest.chars().count() < OWN_CHARACTERS_MIN
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refusal(password: &str) -> &'static str {
        check_policy(password, &["Alexandra Miller", "alexandra@example.org"])
            .map_or_else(|error| error.code, |()| "")
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert_eq!(refusal("é lamp burn"), "password_length");
        assert_eq!(refusal("é lamp burns"), "");
        assert_eq!(refusal(&"é lamp burns".repeat(11)), "password_length");
        assert_eq!(refusal(""), "password_length");
    }

    #[test]
    fn no_kind_of_character_is_asked_for() {
        assert_eq!(refusal("lamp river stone"), "");
        assert_eq!(refusal("4071 9925 1183 6"), "");
        assert_eq!(refusal("лампа горит тихо"), "");
    }

    #[test]
    fn what_was_found_in_leaks_is_refused_however_it_is_written() {
        for password in ["ghostbusters", "GhostBusters", "ｇｈｏｓｔｂｕｓｔｅｒｓ", "godisgreat1982"]
        {
            assert_eq!(refusal(password), "password_guessable", "{password}");
        }
    }

    #[test]
    fn what_is_tried_first_is_refused_however_it_is_written() {
        for password in
            ["password1234", "PassWord1234", "qwertyuiop12", "123456789012", "ｐａｓｓｗｏｒｄ１２３４"]
        {
            assert_eq!(refusal(password), "password_guessable", "{password}");
        }
    }

    #[test]
    fn every_common_password_is_lower_case_and_long_enough_to_matter() {
        for password in COMMON {
            assert!(password.chars().count() >= CHARACTERS_MIN, "{password}");
            assert_eq!(password.to_lowercase(), password);
        }
    }

    #[test]
    fn repetitions_and_sequences_are_refused() {
        for password in [
            "aaaaaaaaaaaa",
            "abcabcabcabc",
            "lampionlampion",
            "abcdefghijklm",
            "9876543210987",
            "12345678901",
        ] {
            assert_ne!(refusal(password), "", "{password}");
        }
        assert_eq!(refusal("abcdefghijkmn"), "");
    }

    #[test]
    fn the_own_name_is_no_password() {
        for password in
            ["alexandramiller", "Alexandra2026!", "MillerAlexandra1", "alexandra@example.org", "ibidibid2026"]
        {
            assert_eq!(refusal(password), "password_guessable", "{password}");
        }
        assert_eq!(refusal("alexandra keeps bees"), "");
    }

    #[test]
    fn short_names_are_not_held_against_a_word() {
        assert!(check_policy("annual gardens", &["an"]).is_ok());
        assert!(check_policy("annual gardens", &["Ann", "", " "]).is_ok());
    }

    #[test]
    fn refusals_say_what_to_do() {
        for password in ["short", "password1234", "aaaaaaaaaaaa"] {
            let message = check_policy(password, &[]).unwrap_err().message;
            assert!(message.contains("words") && !message.contains(password), "{message}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gets_an_answer(password in "\\PC{0,200}", name in "\\PC{0,40}") {
            let _ = check_policy(&password, &[&name]);
        }

        #[test]
        fn random_words_are_taken(words in proptest::collection::vec("[a-z]{5,9}", 4)) {
            let password = words.join(" ");
            prop_assume!(!is_repetition(&password));
            prop_assert!(check_policy(&password, &["alexandra"]).is_ok());
        }
    }
}
