//! What a typed path looks like: `DEPENDS_ON* PART_OF` is any number of edges of one relation and then one of another.
//!
//! Keeps true: a pattern is a small automaton whose states fit 64 bits, so whether a path fits is known edge by edge, for
//! every way to read it at once.

use ibid_types::{Error, Result};

use crate::{Direction, RelationId, RelationSet};

/// The states of a pattern are bits of one number, and the last is the end.
const TOKENS_MAX: usize = 63;

/// How often a step is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    Once,
    /// `?`
    AtMostOnce,
    /// `*`
    Any,
    /// `+`
    AtLeastOnce,
    /// `{2,4}`
    Between(u8, u8),
}

/// One step of a pattern.
#[derive(Clone, Debug)]
pub struct Step {
    /// Every relation, if none are named.
    pub relations: Option<RelationSet>,
    pub direction: Direction,
    pub repeat: Repeat,
}

impl Step {
    /// One edge of that relation, along its direction.
    #[must_use]
    pub fn one(relation: RelationId) -> Self {
        Self {
            relations: Some([relation].into_iter().collect()),
            direction: Direction::Out,
            repeat: Repeat::Once,
        }
    }

    #[must_use]
    pub const fn repeated(mut self, repeat: Repeat) -> Self {
        self.repeat = repeat;
        self
    }

    #[must_use]
    pub const fn towards(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Once,
    /// Can be passed over.
    Optional,
    /// Can be passed over, and taken again.
    Loop,
}

#[derive(Clone, Debug)]
struct Token {
    relations: Option<RelationSet>,
    direction: Direction,
    kind: Kind,
}

/// A path's edges in their order. State `i` is "the tokens before `i` are done".
#[derive(Clone, Debug)]
pub struct Pattern {
    tokens: Vec<Token>,
}

impl Pattern {
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Result<Self> {
        let mut tokens = Vec::new();
        for step in steps {
            for kind in kinds(step.repeat)? {
                tokens.push(Token { relations: step.relations.clone(), direction: step.direction, kind });
            }
        }
        if tokens.len() > TOKENS_MAX {
            return Err(invalid("it has more than 63 steps; use * or +"));
        }
        Ok(Self { tokens })
    }

    /// Reads `DEPENDS_ON* <PART_OF KNOWS|LIKES? ~_{1,3}`: steps between spaces, `<` against the edge's direction, `~` either
    /// way, `|` one of several, `_` any relation, then how often. `relation` knows the names.
    pub fn parse(text: &str, relation: impl Fn(&str) -> Option<RelationId>) -> Result<Self> {
        let steps: Result<Vec<Step>> =
            text.split_whitespace().map(|step| parse_step(step, &relation)).collect();
        Self::new(steps?)
    }

    /// Where a path begins.
    pub(crate) fn start(&self) -> u64 {
        self.closed(1)
    }

    pub(crate) const fn end(&self) -> usize {
        self.tokens.len()
    }

    pub(crate) const fn is_end(&self, states: u64) -> bool {
        states >> self.tokens.len() & 1 == 1
    }

    /// The states after an edge of that relation, which was followed out or in.
    pub(crate) fn after(&self, states: u64, relation: u16, direction: Direction) -> u64 {
        let mut next = 0;
        for (state, token) in self.tokens.iter().enumerate() {
            if states >> state & 1 == 1 && token.allows(relation, direction) {
                next |= 1 << if token.kind == Kind::Loop { state } else { state + 1 };
            }
        }
        self.closed(next)
    }

    /// Whether any of the states goes on in that direction.
    pub(crate) fn goes(&self, states: u64, direction: Direction) -> bool {
        let goes = |state: usize| goes(self.tokens[state].direction, direction);
        (0..self.tokens.len()).any(|state| states >> state & 1 == 1 && goes(state))
    }

    /// Whether an edge that was followed in that direction can lead right into `state`.
    pub(crate) fn comes(&self, state: usize, direction: Direction) -> bool {
        let comes = |from: usize, is_loop: bool| {
            let token = self.tokens.get(from);
            token.is_some_and(|token| {
                (token.kind == Kind::Loop) == is_loop && goes(token.direction, direction)
            })
        };
        comes(state, true) || state.checked_sub(1).is_some_and(|previous| comes(previous, false))
    }

    /// The states from which an edge of that relation leads right into `state`.
    pub(crate) fn before(
        &self,
        state: usize,
        relation: u16,
        direction: Direction,
    ) -> impl Iterator<Item = usize> {
        let leads = |from: usize, is_loop: bool| {
            let token = self.tokens.get(from)?;
            ((token.kind == Kind::Loop) == is_loop && token.allows(relation, direction)).then_some(from)
        };
        let itself = leads(state, true);
        let previous = state.checked_sub(1).and_then(|previous| leads(previous, false));
        itself.into_iter().chain(previous)
    }

    /// Whether the token can be passed over.
    pub(crate) fn is_optional(&self, state: usize) -> bool {
        self.tokens[state].kind != Kind::Once
    }

    fn closed(&self, mut states: u64) -> u64 {
        for (state, token) in self.tokens.iter().enumerate() {
            if states >> state & 1 == 1 && token.kind != Kind::Once {
                states |= 1 << (state + 1);
            }
        }
        states
    }
}

impl Token {
    fn allows(&self, relation: u16, direction: Direction) -> bool {
        let is_named = |relations: &RelationSet| relations.contains(RelationId(relation));
        goes(self.direction, direction) && self.relations.as_ref().is_none_or(is_named)
    }
}

fn goes(asked: Direction, direction: Direction) -> bool {
    asked == Direction::Both || asked == direction
}

fn kinds(repeat: Repeat) -> Result<Vec<Kind>> {
    Ok(match repeat {
        Repeat::Once => vec![Kind::Once],
        Repeat::AtMostOnce => vec![Kind::Optional],
        Repeat::Any => vec![Kind::Loop],
        Repeat::AtLeastOnce => vec![Kind::Once, Kind::Loop],
        Repeat::Between(least, most) if least <= most && most > 0 => {
            let mut kinds = vec![Kind::Once; usize::from(least)];
            kinds.resize(usize::from(most), Kind::Optional);
            kinds
        }
        Repeat::Between(least, most) => return Err(invalid(&format!("{{{least},{most}}} is no range"))),
    })
}

fn parse_step(text: &str, relation: &impl Fn(&str) -> Option<RelationId>) -> Result<Step> {
    let (direction, rest) = match text.chars().next() {
        Some('<') => (Direction::In, &text[1..]),
        Some('~') => (Direction::Both, &text[1..]),
        _ => (Direction::Out, text),
    };
    let (names, repeat) = parse_repeat(rest)?;
    let relations = if names == "_" { None } else { Some(parse_names(names, relation)?) };
    Ok(Step { relations, direction, repeat })
}

fn parse_names(names: &str, relation: &impl Fn(&str) -> Option<RelationId>) -> Result<RelationSet> {
    let find = |name: &str| {
        relation(name).ok_or_else(|| invalid(&format!("no relation is called '{name}'; _ is any relation")))
    };
    names.split('|').map(find).collect()
}

fn parse_repeat(text: &str) -> Result<(&str, Repeat)> {
    if let Some((names, range)) = text.strip_suffix('}').and_then(|rest| rest.split_once('{')) {
        return Ok((names, parse_range(range)?));
    }
    let ends = [('*', Repeat::Any), ('+', Repeat::AtLeastOnce), ('?', Repeat::AtMostOnce)];
    for (end, repeat) in ends {
        if let Some(names) = text.strip_suffix(end) {
            return Ok((names, repeat));
        }
    }
    Ok((text, Repeat::Once))
}

fn parse_range(range: &str) -> Result<Repeat> {
    let (least, most) = range.split_once(',').unwrap_or((range, range));
    match (least.trim().parse(), most.trim().parse()) {
        (Ok(least), Ok(most)) => Ok(Repeat::Between(least, most)),
        _ => Err(invalid(&format!("{{{range}}} is no range; write {{1,3}}"))),
    }
}

fn invalid(why: &str) -> Error {
    let text = format!("a pattern of a path cannot be used: {why} (such as 'DEPENDS_ON* PART_OF')");
    Error::bad_request("graph_pattern_invalid", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(name: &str) -> Option<RelationId> {
        ["A", "B", "C"].iter().position(|known| *known == name).map(|place| RelationId(place as u16))
    }

    /// Whether the pattern fits a path, of which `a` is an edge of relation `A` that was followed against its direction.
    fn fits(pattern: &str, path: &str) -> bool {
        let pattern = Pattern::parse(pattern, known).unwrap();
        let mut states = pattern.start();
        for edge in path.chars() {
            let relation = edge.to_ascii_uppercase() as u16 - 'A' as u16;
            let direction = if edge.is_uppercase() { Direction::Out } else { Direction::In };
            states = pattern.after(states, relation, direction);
        }
        pattern.is_end(states)
    }

    #[test]
    fn paths_fit_as_the_words_say() {
        for path in ["B", "AB", "AAAAB"] {
            assert!(fits("A* B", path), "{path}");
        }
        for path in ["", "A", "BA", "BB", "aB", "Ab"] {
            assert!(!fits("A* B", path), "{path}");
        }
    }

    #[test]
    fn each_sign_means_what_it_says() {
        let rows: [(&str, &[&str], &[&str]); 7] = [
            ("A?", &["", "A"], &["AA", "B"]),
            ("A+", &["A", "AAA"], &["", "AB"]),
            ("A{2,3}", &["AA", "AAA"], &["A", "AAAA"]),
            ("A{2}", &["AA"], &["A", "AAA"]),
            ("<A B", &["aB"], &["AB", "ab"]),
            ("~A", &["A", "a"], &["B"]),
            ("A|B _*", &["A", "B", "BCC"], &["C", ""]),
        ];
        for (pattern, fitting, others) in rows {
            assert!(fitting.iter().all(|path| fits(pattern, path)), "{pattern}");
            assert!(!others.iter().any(|path| fits(pattern, path)), "{pattern}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_the_reason() {
        for (pattern, word) in [
            ("D", "'D'"),
            ("A{3,1}", "{3,1}"),
            ("A{x}", "{x}"),
            ("A{0,0}", "{0,0}"),
            ("A{64}", "63 steps"),
            ("A|", "''"),
        ] {
            let error = Pattern::parse(pattern, known).unwrap_err();
            assert_eq!(error.code, "graph_pattern_invalid");
            assert!(error.message.contains(word), "{}", error.message);
        }
    }

    #[test]
    fn going_back_finds_the_states_that_lead_here() {
        let pattern = Pattern::parse("A* B C?", known).unwrap();
        let before = |state, relation| pattern.before(state, relation, Direction::Out).collect::<Vec<_>>();
        assert_eq!(before(0, 0), [0]);
        assert_eq!(before(2, 1), [1]);
        assert_eq!(before(3, 2), [2]);
        assert!(before(1, 0).is_empty() && before(2, 0).is_empty());
    }
}
