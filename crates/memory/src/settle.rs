//! When each of several statements about one thing holds: a pure function of what was said, in the order in which it counts.
//!
//! Keeps true: what is said later ends what it contradicts and deletes nothing; what begins later in the world ends what is open before it,
//! even if it was recorded earlier; what has an end of its own leaves the rest of what it interrupts as it was. The same statements give the
//! same pieces, so that taking one back, or counting one for more, is settling again without it or with it last.

use ibid_types::FactId;
use ibid_types::memory::Span;

/// A fact as it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    pub fact: FactId,
    /// The same for what is said of the same object.
    pub value: String,
    pub negated: bool,
    pub said: Span,
    /// The greater counts for more.
    pub rank: i64,
}

/// A time in which a fact holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    pub valid: Span,
    /// What ended it, or made it begin later.
    pub closed_by: Option<FactId>,
}

/// A fact with the times in which it holds: one, or more where others interrupt it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    pub fact: FactId,
    pub pieces: Vec<Piece>,
}

/// When the assertions about one subject and one relation hold. `is_single`: it has one value at a time.
#[must_use]
pub fn settle(is_single: bool, assertions: &[Assertion]) -> Vec<Settled> {
    let mut order: Vec<&Assertion> = assertions.iter().collect();
    order.sort_by_key(|assertion| (assertion.rank, assertion.fact));
    let mut placed: Vec<(&Assertion, Vec<Piece>)> = Vec::with_capacity(order.len());
    for new in order {
        let own = own_piece(is_single, new, &placed);
        for (other, pieces) in &mut placed {
            if contradict(is_single, new, other) {
                *pieces = pieces.iter().flat_map(|piece| without(piece, own.valid, new.fact)).collect();
            }
        }
        placed.push((new, vec![own]));
    }
    placed
        .into_iter()
        .map(|(assertion, pieces)| Settled { fact: assertion.fact, pieces: seen(pieces) })
        .collect()
}

/// Whether both cannot hold at once.
fn contradict(is_single: bool, one: &Assertion, other: &Assertion) -> bool {
    if one.value == other.value {
        return one.negated != other.negated;
    }
    is_single && !one.negated && !other.negated
}

/// All that was said; without an end of its own, up to the next that contradicts it.
fn own_piece(is_single: bool, new: &Assertion, placed: &[(&Assertion, Vec<Piece>)]) -> Piece {
    if new.said.to.is_some() {
        return Piece { valid: new.said, closed_by: None };
    }
    let later = placed
        .iter()
        .filter(|(other, _)| contradict(is_single, new, other))
        .flat_map(|(other, pieces)| pieces.iter().map(|piece| (piece.valid, other.fact)))
        .filter(|(valid, _)| valid.from > new.said.from && !is_empty(valid))
        .min_by_key(|(valid, _)| valid.from);
    match later {
        Some((valid, fact)) => Piece { valid: Span::new(new.said.from, valid.from), closed_by: Some(fact) },
        None => Piece { valid: new.said, closed_by: None },
    }
}

/// What is left of a piece before and after a time that another takes.
fn without(piece: &Piece, taken: Span, by: FactId) -> Vec<Piece> {
    if is_empty(&piece.valid) || is_empty(&taken) || !piece.valid.meets(&taken) {
        return vec![*piece];
    }
    let before =
        Piece { valid: Span::new(piece.valid.from, taken.from.max(piece.valid.from)), closed_by: Some(by) };
    let after = taken.to.filter(|to| piece.valid.to.is_none_or(|end| *to < end));
    let after =
        after.map(|to| Piece { valid: Span::new(Some(to), piece.valid.to), closed_by: piece.closed_by });
    [Some(before), after].into_iter().flatten().collect()
}

fn is_empty(span: &Span) -> bool {
    matches!((span.from, span.to), (Some(from), Some(to)) if to <= from)
}

/// Empty pieces say something only where there is no other: then they show that the fact was said, and what ended it.
fn seen(pieces: Vec<Piece>) -> Vec<Piece> {
    let (mut held, mut empty): (Vec<Piece>, Vec<Piece>) =
        pieces.into_iter().partition(|piece| !is_empty(&piece.valid));
    if held.is_empty() {
        held.extend(empty.pop());
    }
    held
}

#[cfg(test)]
mod tests {
    use super::*;
    use ibid_types::Timestamp;

    fn span(from: i64, to: i64) -> Span {
        let time = |at: i64| (at >= 0).then_some(Timestamp(at));
        Span::new(time(from), time(to))
    }

    struct Told(Vec<Assertion>);

    impl Told {
        /// `-1` for no end.
        fn say(&mut self, value: &str, from: i64, to: i64) -> FactId {
            self.push(value, false, from, to)
        }

        fn deny(&mut self, value: &str, from: i64, to: i64) -> FactId {
            self.push(value, true, from, to)
        }

        fn push(&mut self, value: &str, negated: bool, from: i64, to: i64) -> FactId {
            let fact = FactId::new();
            let rank = self.0.len() as i64;
            self.0.push(Assertion { fact, value: value.to_owned(), negated, said: span(from, to), rank });
            fact
        }

        fn valid(&self, is_single: bool, fact: FactId) -> Vec<Span> {
            let settled = settle(is_single, &self.0);
            let found = settled.iter().find(|settled| settled.fact == fact).unwrap();
            found.pieces.iter().map(|piece| piece.valid).collect()
        }
    }

    #[test]
    fn a_newer_value_ends_the_older_one() {
        let mut told = Told(Vec::new());
        let (paris, rome) = (told.say("paris", 10, -1), told.say("rome", 20, -1));
        assert_eq!(told.valid(true, paris), [span(10, 20)]);
        assert_eq!(told.valid(true, rome), [span(20, -1)]);
        assert_eq!(told.valid(false, paris), [span(10, -1)], "where several may hold, both do");
        let settled = settle(true, &told.0);
        assert_eq!(settled[0].pieces[0].closed_by, Some(rome));
    }

    #[test]
    fn what_arrives_late_ends_where_the_next_begins() {
        let mut told = Told(Vec::new());
        let (rome, paris) = (told.say("rome", 20, -1), told.say("paris", 10, -1));
        assert_eq!(
            (told.valid(true, paris), told.valid(true, rome)),
            (vec![span(10, 20)], vec![span(20, -1)])
        );
    }

    #[test]
    fn an_interruption_leaves_both_sides() {
        let mut told = Told(Vec::new());
        let (paris, rome) = (told.say("paris", 10, -1), told.say("rome", 20, 30));
        assert_eq!(told.valid(true, paris), [span(10, 20), span(30, -1)]);
        assert_eq!(told.valid(true, rome), [span(20, 30)]);
    }

    #[test]
    fn what_is_denied_ends_and_may_begin_again() {
        let mut told = Told(Vec::new());
        let (tea, no_tea) = (told.say("tea", 10, -1), told.deny("tea", 20, -1));
        assert_eq!(
            (told.valid(false, tea), told.valid(false, no_tea)),
            (vec![span(10, 20)], vec![span(20, -1)])
        );
        let again = told.say("tea", 30, -1);
        assert_eq!(
            (told.valid(false, no_tea), told.valid(false, again)),
            (vec![span(20, 30)], vec![span(30, -1)])
        );
    }

    #[test]
    fn of_two_for_the_same_time_the_last_counts_and_both_are_seen() {
        let mut told = Told(Vec::new());
        let (five, six) = (told.say("5", 10, -1), told.say("6", 10, -1));
        assert_eq!((told.valid(true, five), told.valid(true, six)), (vec![span(10, 10)], vec![span(10, -1)]));
        told.0[0].rank = 9;
        assert_eq!((told.valid(true, five), told.valid(true, six)), (vec![span(10, -1)], vec![span(10, 10)]));
    }

    #[test]
    fn without_what_ended_it_a_fact_goes_on() {
        let mut told = Told(Vec::new());
        let (paris, _) = (told.say("paris", 10, -1), told.say("rome", 20, -1));
        told.0.pop();
        assert_eq!(told.valid(true, paris), [span(10, -1)]);
    }

    /// An oracle that knows only days: each statement, in its order, is painted over what contradicts it.
    fn painted(is_single: bool, told: &[Assertion], day: i64) -> Vec<FactId> {
        const DAYS: usize = 60;
        let start = |span: &Span| span.from.map_or(0, |from| from.0 as usize);
        let mut shown: Vec<(usize, [bool; DAYS])> = Vec::new();
        for (index, new) in told.iter().enumerate() {
            let clash = |other: &Assertion| match new.value == other.value {
                true => new.negated != other.negated,
                false => is_single && !new.negated && !other.negated,
            };
            let begins = |days: &[bool; DAYS], at: usize| days[at] && (at == 0 || !days[at - 1]);
            let next = |from: usize| {
                let clashing = || shown.iter().filter(|(other, _)| clash(&told[*other]));
                (from + 1..DAYS).find(|at| clashing().any(|(_, days)| begins(days, *at))).unwrap_or(DAYS)
            };
            let from = start(&new.said);
            let to = new.said.to.map_or_else(|| next(from), |to| to.0 as usize);
            let mut days = [false; DAYS];
            days[from.min(DAYS)..to.clamp(from.min(DAYS), DAYS)].fill(true);
            for (other, painted) in &mut shown {
                if clash(&told[*other]) {
                    painted.iter_mut().zip(&days).for_each(|(painted, taken)| *painted &= !taken);
                }
            }
            shown.push((index, days));
        }
        let mut found: Vec<FactId> =
            shown.iter().filter(|(_, days)| days[day as usize]).map(|(index, _)| told[*index].fact).collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn any_order_of_statements_agrees_with_painting_them_day_by_day() {
        let mut seed = 7_u64;
        let mut dice = |sides: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % sides
        };
        for round in 0..3000 {
            let mut told = Told(Vec::new());
            for _ in 0..=dice(8) {
                let value = ["a", "b", "c"][dice(3) as usize];
                let from = dice(50) as i64;
                let to = if dice(3) == 0 { from + 1 + dice(8) as i64 } else { -1 };
                told.push(value, dice(5) == 0, from, to);
            }
            let is_single = dice(2) == 0;
            let settled = settle(is_single, &told.0);
            for day in 0..60 {
                let holds = |settled: &&Settled| {
                    settled.pieces.iter().any(|piece| piece.valid.holds_at(Timestamp(day)))
                };
                let mut held: Vec<FactId> =
                    settled.iter().filter(holds).map(|settled| settled.fact).collect();
                held.sort_unstable();
                assert_eq!(
                    held,
                    painted(is_single, &told.0, day),
                    "round {round}, day {day}, {told:?}",
                    told = told.0
                );
            }
        }
    }
}
