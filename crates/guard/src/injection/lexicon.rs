//! Lists of words by which a sentence is known for an order, a question, or a part of the subject.
//!
//! Keeps true: all words are in lower case, whole, and with one space between.

use std::collections::HashMap;
use std::sync::OnceLock;

/// What a word is known as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// Nouns for what the model will give.
    Answer,
    /// Verbs by which an answer is ordered, in the imperative.
    Shaping,
    /// Verbs by which a text or an answer is ordered; orders to hands (press, add, stir) are not among them.
    Task,
    /// Words that open a question or a request.
    Asking,
    /// Words that say nothing about what a text is about. Shorter ones are not looked at.
    Stop,
    /// Encodings and plays with letters that an answer could be asked in.
    Form,
    /// How code is spoken of that is to be put somewhere.
    Code,

    Piece,

    Pointing,
    /// What code is to be put into.
    Work,
    /// What follows "in your answer" where somebody tells of it and orders nothing.
    Clause,
    /// Verbs by which code is ordered to be put into what somebody else writes.
    Inserting,
    /// Verbs of orders to hands: a text that has several is a manual, a recipe or a form.
    Hand,
}

/// Each list with its words.
const LISTS: &[(List, &str)] = &[
    (List::Answer, "answer answers response responses reply replies output message messages reponse"),
    (
        List::Shaping,
        "add adapt adjust alter anagram answer append apply attach augment begin change combine complete \
         conclude convert craft deliver disguise display embed emphasize encode encrypt end enhance \
         enrich expand express extend finish format formulate frame give group hide highlight implement \
         include incorporate inject insert integrate interleave introduce invert jumble keep limit link \
         make mention misspell mix modify obfuscate omit output phrase place prepend present prefix print \
         promote provide put rearrange recommend remove render repeat replace reply respond restrict \
         return reverse rewrite say scramble shift shuffle sign speak spell split sprinkle start state \
         substitute suggest swap tailor transform translate turn use weave wrap write",
    ),
    (
        List::Task,
        "analyse analyze answer brainstorm break calculate classify compare compose compute convert \
         create craft define describe design detect determine develop discuss draft elaborate evaluate \
         explain find formulate generate give help identify illustrate imagine invent list make name \
         offer outline paraphrase plan predict prepare produce propose prove provide recommend rephrase \
         rewrite show simulate solve suggest summarise summarize tell translate write",
    ),
    (
        List::Asking,
        "what what's who who's whose whom which when where why how is are can could do does did will \
         would should has have was were",
    ),
    (
        List::Stop,
        "about above after again also been before being below between both could does doing down during \
         each from have here into just like list main make more most much only other over please provide \
         same should show some such than that their them then there these they this those through under \
         very were what when where which while will with would your explain describe write give help tell \
         find following what's without based between using used many draft compose develop create suggest \
         recommend know need want work works working simple terms first example good best time once made \
         well",
    ),
    (
        List::Form,
        "anagram anagrams ascii backward backwards base16 base32 base58 base64 binary caesar cipher \
         cyrillic emoji emojis hex hexadecimal homophonic leetspeak misspellings monoalphabetic morse \
         rot13 substitution typos encoding reverse symbols vowels letters rhyme letter number numbers \
         alphabet",
    ),
    (List::Code, "code snippet script"),
    (List::Piece, "snippet block section excerpt fragment segment piece lines"),
    (List::Pointing, "following below subsequent next attached"),
    (
        List::Work,
        "code codebase implementation solution algorithm elucidation response answer reply program \
         explanation output logic script",
    ),
    (
        List::Clause,
        "you we i they he she it the that to of from and or is was are were there this as on for by dated \
         about regarding sheet a an our his her when if",
    ),
    (
        List::Inserting,
        "append assimilate blend embed embedding employ execute fuse inclusion incorporate incorporating \
         inject insert integrate integrating integration interweave leverage meld merge utilize weave",
    ),
    (
        List::Hand,
        "add allow apply ask assemble attach avoid bake blend boil call cancel carry change check choose clean clear click \
         close confirm connect contact cook cover cut delete disconnect do don't drag drain drop empty enable enter ensure \
         fasten fill fold follow go grind heat hold insert inspect install keep leave let lift load lock loosen lower make \
         measure mix move mount never note open pay place plug pour preheat press print pull push put read refer release \
         remove repeat replace reset restart rinse rotate run save scroll see select send serve set shake sign slide sprinkle \
         start stir stop submit switch take tap tick tighten turn type unplug update upload use visit wait wash wear wipe",
    ),
];

/// Whether a word, folded, is of a list.
pub fn is(word: &str, list: List) -> bool {
    static KNOWN: OnceLock<HashMap<&'static str, u16>> = OnceLock::new();
    let known = KNOWN.get_or_init(|| {
        let mut known: HashMap<&str, u16> = HashMap::new();
        for (list, words) in LISTS {
            for word in words.split_whitespace() {
                *known.entry(word).or_default() |= 1 << *list as u16;
            }
        }
        known
    });
    known.get(word).is_some_and(|lists| lists & 1 << list as u16 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_of_several_lists() {
        assert!(is("answer", List::Answer) && is("answer", List::Shaping) && !is("answer", List::Stop));
        assert!(is("what's", List::Asking) && !is("", List::Stop));
    }

    #[test]
    fn words_are_in_lower_case() {
        for (_, words) in LISTS {
            assert_eq!(words.to_lowercase(), **words);
        }
    }
}
