//! What was believed at one time about another, over 500 timelines with supersession, retraction, late arrival and contradiction, compared with
//! an oracle that paints days.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::{BTreeMap, HashMap};

use ibid_memory::{Named, NewFact, Object};
use ibid_types::memory::{EntityKind, Span};
use ibid_types::{FactId, Timestamp};

use support::{DAY, Home};

const TIMELINES: usize = 500;
const DAYS: usize = 60;
const VALUES: [&str; 4] = ["Paris", "Rome", "Oslo", "Bern"];

/// What somebody said on a day, and perhaps took back on another.
#[derive(Clone, Debug)]
struct Told {
    timeline: usize,
    fact: FactId,
    value: &'static str,
    from: usize,
    to: Option<usize>,
    told_on: usize,
    taken_back_on: Option<usize>,
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

/// The world's days are counted from a day long before anything was told.
fn world(day: usize) -> Timestamp {
    Timestamp(1_700_000_000_000 + day as i64 * DAY)
}

fn fact(timeline: usize, value: &str, from: usize, to: Option<usize>) -> NewFact {
    let subject = Named::new(format!("Person{timeline:03} Quill"), EntityKind::Person);
    let object = Object::Words(value.to_owned());
    let statement = format!("Person{timeline:03} Quill lives in {value} from day {from} to {to:?}");
    let said = Span::new(Some(world(from)), to.map(world));
    NewFact { said, single_valued: true, ..NewFact::new(subject, "LIVE_IN", object, statement) }
}

/// What holds on each day, by what was told up to a day and not taken back by then: each is painted over those before it; one without an end
/// of its own ends where the next begins. The same value again is one with what holds.
fn painted(told: &[&Told], on: usize) -> [Option<&'static str>; DAYS] {
    let known =
        || told.iter().filter(|told| told.told_on <= on && told.taken_back_on.is_none_or(|day| day > on));
    let mut days: [Option<(&'static str, usize)>; DAYS] = [None; DAYS];
    for (number, told) in known().enumerate() {
        let begins = |day: usize| match days[day] {
            Some((value, of)) => {
                value != told.value && (day == 0 || days[day - 1].is_none_or(|(_, before)| before != of))
            }
            None => false,
        };
        let to = told.to.unwrap_or_else(|| (told.from + 1..DAYS).find(|day| begins(*day)).unwrap_or(DAYS));
        days[told.from..to.min(DAYS)].fill(Some((told.value, number)));
    }
    days.map(|day| day.map(|(value, _)| value))
}

/// Tells everything, a day after the other.
fn tell_all(home: &Home, dice: &mut Dice) -> Vec<Told> {
    let mut all: Vec<Told> = Vec::new();
    for day in 1..=8 {
        for timeline in 0..TIMELINES {
            let mine: Vec<usize> = (0..all.len()).filter(|at| all[*at].timeline == timeline).collect();
            match dice.below(10) {
                0 if !mine.is_empty() => take_back(home, &mut all, mine[dice.below(mine.len())], day),
                0..=6 => all.extend(say(home, &all, timeline, day, dice)),
                _ => {}
            }
        }
        home.clock.advance_ms(DAY);
    }
    all
}

fn take_back(home: &Home, all: &mut [Told], at: usize, day: usize) {
    if all[at].taken_back_on.is_none() {
        home.memory.retract(home.scope(), all[at].fact).unwrap();
        all[at].taken_back_on = Some(day);
    }
}

/// Says a value that holds nowhere near, since the same one again would be one fact with two sources.
fn say(home: &Home, all: &[Told], timeline: usize, day: usize, dice: &mut Dice) -> Option<Told> {
    let used: Vec<&str> =
        all.iter().filter(|told| told.timeline == timeline).map(|told| told.value).collect();
    let free: Vec<&'static str> = VALUES.into_iter().filter(|value| !used.contains(value)).collect();
    let value = *free.get(dice.below(free.len().max(1)))?;
    let from = dice.below(DAYS - 10);
    let to = (dice.below(3) == 0).then(|| from + 1 + dice.below(9));
    let recorded = home.memory.relate(home.scope(), vec![fact(timeline, value, from, to)]).unwrap();
    let fact = recorded.facts[0];
    Some(Told { timeline, fact, value, from, to, told_on: day, taken_back_on: None })
}

#[test]
fn every_as_of_question_is_answered_as_the_oracle_does() {
    let home = Home::new();
    let start = home.clock.now();
    let all = tell_all(&home, &mut Dice(3));
    let mut of: BTreeMap<usize, Vec<&Told>> = BTreeMap::new();
    all.iter().for_each(|told| of.entry(told.timeline).or_default().push(told));
    let value: HashMap<FactId, (&str, usize)> =
        all.iter().map(|told| (told.fact, (told.value, told.timeline))).collect();
    let mut asked = 0;
    for on in 1..=8 {
        let believed = Timestamp(start.0 + (on as i64 - 1) * DAY + DAY / 2);
        let oracle: BTreeMap<usize, _> =
            of.iter().map(|(timeline, told)| (*timeline, painted(told, on))).collect();
        for day in (0..DAYS).step_by(3) {
            let mut held: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
            for fact in home.facts_as_of(Some(world(day)), Some(believed)) {
                let (value, timeline) = value[&fact.id];
                held.entry(timeline).or_default().push(value);
            }
            for (timeline, days) in &oracle {
                let wanted: Vec<&str> = days[day].into_iter().collect();
                let found = held.remove(timeline).unwrap_or_default();
                assert_eq!(
                    found, wanted,
                    "timeline {timeline}, believed on day {on} about day {day}: {:?}",
                    of[timeline]
                );
                asked += 1;
            }
        }
    }
    assert!(asked > 70_000, "{asked}");
}
