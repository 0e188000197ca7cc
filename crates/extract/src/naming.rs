//! What sort of thing a name stands for, by its words and what is around it.

use crate::found::EntityKind;
use crate::lexicon::Flags;
use crate::token::{Case, Shape, Token};

/// The kind of the name of tokens `from..to`.
pub(crate) fn kind(tokens: &[Token], from: usize, to: usize) -> EntityKind {
    by_words(&tokens[from..to])
        .or_else(|| by_neighbours(tokens, from, to))
        .or_else(|| by_shape(&tokens[from..to]))
        .unwrap_or_default()
}

/// Where a name begins without the titles before it. "Dr. Smith" is "Smith"; "Queen Street" keeps its queen.
pub(crate) fn without_title(tokens: &[Token], from: usize, to: usize) -> usize {
    let has_title = is_titled(&tokens[from..to]);
    let after = from + 1 + usize::from(tokens.get(from + 1).is_some_and(|token| token.is_mark('.')));
    if !has_title || after >= to || by_words(&tokens[from..to]) != Some(EntityKind::Person) {
        return from;
    }
    if after + 1 < to && tokens[after].may_be(Flags::TITLE) {
        without_title(tokens, after, to)
    } else {
        after
    }
}

fn by_words(name: &[Token]) -> Option<EntityKind> {
    let head = head(name);
    if name.len() > 1 {
        for (flags, kind) in HEADS {
            if head.may_be(flags) {
                return Some(kind);
            }
        }
    }
    let has_number = name.iter().any(|token| token.shape == Shape::Number);
    if is_titled(name) || (name[0].may_be(Flags::GIVEN) && name.len() <= 4 && !has_number) {
        return Some(EntityKind::Person);
    }
    let is_place =
        name.iter().all(|token| token.may_be(Flags::PLACE.with(Flags::ADJECTIVE).with(Flags::LINK)));
    (is_place && head.may_be(Flags::PLACE)).then_some(EntityKind::Place)
}

/// "Dr. Smith", not "Lord of the Rings".
fn is_titled(name: &[Token]) -> bool {
    let next = name.iter().skip(1).find(|token| token.is_word());
    name[0].may_be(Flags::TITLE) && !name[0].is("st") && next.is_some_and(|next| next.is_capital())
}

const HEADS: [(Flags, EntityKind); 4] = [
    (Flags::LEGAL, EntityKind::Organisation),
    (Flags::EVENT, EntityKind::Event),
    (Flags::ORGANISATION, EntityKind::Organisation),
    (Flags::PLACE_WORD, EntityKind::Place),
];

/// The word that a name is about: the last before "of", else the last.
fn head<'n, 't>(name: &'n [Token<'t>]) -> &'n Token<'t> {
    let of = name.iter().position(|token| token.is("of")).filter(|at| *at > 0);
    of.map_or(&name[name.len() - 1], |at| &name[at - 1])
}

fn by_neighbours(tokens: &[Token], from: usize, to: usize) -> Option<EntityKind> {
    let before = from.checked_sub(1).map(|at| &tokens[at]);
    let next = tokens.get(to);
    if before.is_some_and(|token| token.may_be(Flags::PERSON_NOUN)) {
        return Some(EntityKind::Person);
    }
    if before.is_some_and(|token| token.may_be(Flags::WORK)) {
        return Some(EntityKind::Work);
    }
    if next.is_some_and(|token| token.is_one_of(PERSON_VERBS)) || owns_a_person(tokens, to) {
        return Some(EntityKind::Person);
    }
    by_preposition(tokens, from)
}

/// "Zoltan's wife".
fn owns_a_person(tokens: &[Token], to: usize) -> bool {
    tokens.get(to).is_some_and(|token| token.is("'s"))
        && tokens.get(to + 1).is_some_and(|token| token.may_be(Flags::PERSON_NOUN))
}

/// "works at Acme" is an organisation, "lives in Woodhaven" a place.
fn by_preposition(tokens: &[Token], from: usize) -> Option<EntityKind> {
    let before = &tokens[from.checked_sub(1)?];
    let verb = from.checked_sub(2).map(|at| &tokens[at]);
    if before.is_one_of(&["at", "for", "bei", "chez"]) {
        let works = verb.is_some_and(|token| token.is_one_of(WORKS));
        return works.then_some(EntityKind::Organisation);
    }
    let is_in = before.is_one_of(&["in", "near", "à", "en"])
        || before.is("from") && verb.is_some_and(|token| token.may_be(Flags::BE) || token.is("come"));
    let goes = before.is_one_of(&["to", "nach", "from"]) && verb.is_some_and(|token| token.is_one_of(GOES));
    let is_code = matches!(tokens[from].case, Case::Upper | Case::Inner);
    let has_number = tokens.get(from + 1).is_some_and(|next| next.shape == Shape::Number);
    ((is_in && !is_code && !has_number) || goes).then_some(EntityKind::Place)
}

fn by_shape(name: &[Token]) -> Option<EntityKind> {
    let is_product = name.iter().any(|token| token.case == Case::Inner && !is_family(&token.lower))
        || name.len() > 1 && name.iter().any(|token| token.shape == Shape::Number);
    is_product.then_some(EntityKind::Product)
}

/// "McDonald", "LeBron": a capital within that people's names have.
fn is_family(lower: &str) -> bool {
    ["mc", "mac", "le", "la", "de", "di", "fitz", "o'"].iter().any(|start| lower.starts_with(start))
}

const PERSON_VERBS: &[&str] = &[
    "said", "says", "told", "thinks", "asked", "wants", "loves", "likes", "married", "hates", "wrote",
    "decided", "believes", "argued", "replied", "prefers", "lives", "born", "died", "moved",
];

const WORKS: &[&str] = &[
    "work",
    "works",
    "worked",
    "working",
    "job",
    "career",
    "internship",
    "intern",
    "studied",
    "studies",
    "study",
    "arbeite",
    "arbeitet",
    "travaille",
    "employed",
    "hired",
    "interviewed",
];

const GOES: &[&str] = &[
    "go",
    "goes",
    "going",
    "went",
    "gone",
    "move",
    "moves",
    "moved",
    "moving",
    "travel",
    "travelled",
    "traveled",
    "traveling",
    "been",
    "trip",
    "flew",
    "fly",
    "flying",
    "drove",
    "came",
    "come",
    "back",
    "relocated",
    "visit",
    "return",
    "returned",
];

#[cfg(test)]
mod tests {
    use crate::EntityKind::{self, *};
    use crate::names::mentions;

    #[test]
    fn kinds_are_told_by_words_and_neighbours() {
        for (text, kind) in [
            ("I met Dr. Zork Blim.", Person),
            ("I met Anna Schmidt.", Person),
            ("It is Zoltan's wife.", Person),
            ("We like Acme Corp very much.", Organisation),
            ("He works at Globex now.", Organisation),
            ("I study at the University of Zork.", Organisation),
            ("She lives in Woodhaven now.", Place),
            ("We crossed the Zork River.", Place),
            ("It was in Germany.", Place),
            ("They won the Zork Tournament.", Event),
            ("I read the book Dune again.", Work),
            ("I read \"Zork Rising\" again.", Work),
            ("I bought a Zorkphone 15 for her.", Product),
            ("We use GitHub for it.", Product),
        ] {
            let found: Vec<EntityKind> = mentions(text).into_iter().map(|mention| mention.kind).collect();
            assert_eq!(found, [kind], "{text}");
        }
    }
}
