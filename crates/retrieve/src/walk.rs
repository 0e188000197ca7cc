//! A walk over the links between passages: what comes by often is what the best passages and the question lead to.
//!
//! Personalised PageRank (Page et al., 1999; Haveliwala, "Topic-sensitive PageRank", WWW 2002) over a small graph: the
//! walker begins at the passages found so far, follows a link or begins anew, each with the same chance. What counts is
//! how often it comes by a passage over a link; where nothing is linked, nothing counts.

use std::collections::HashMap;

/// The chance that the walker goes on. Higher values leave the question (ADR 31).
const GOES_ON: f32 = 0.5;
/// After so many steps a thousandth of the way is left.
const STEPS: usize = 10;
/// Names that a passage's links are explained with.
const NAMES_MAX: usize = 3;

/// Passages and the names that link them.
#[derive(Debug, Default)]
pub struct Graph {
    passages: Vec<Passage>,
    places: HashMap<u32, usize>,
    names: Vec<String>,
    numbers: HashMap<String, usize>,
}

#[derive(Debug, Default)]
struct Passage {
    slot: u32,
    /// The chance that the walker begins here.
    start: f32,
    /// The same, where it begins here because the question has its name.
    named: Option<(f32, usize)>,
    links: Vec<Link>,
}

#[derive(Debug)]
struct Link {
    to: usize,
    weight: f32,
    name: usize,
}

/// A passage that the walker came by.
#[derive(Clone, Debug, PartialEq)]
pub struct Linked {
    pub slot: u32,
    /// How often it came, of one walk.
    pub visits: f32,
    /// What it came over, the most travelled first.
    pub names: Vec<String>,
}

impl Graph {
    /// Lets the walker begin at the slot.
    pub fn start(&mut self, slot: u32, chance: f32) {
        let place = self.place(slot);
        self.passages[place].start += chance;
    }

    /// Lets it begin there because the question has the name; that counts as coming by.
    pub fn start_named(&mut self, slot: u32, chance: f32, name: &str) {
        let (place, name) = (self.place(slot), self.name(name));
        let earlier = self.passages[place].named.map_or(0.0, |(chance, _)| chance);
        self.passages[place].named = Some((earlier + chance, name));
    }

    /// A link that was read in the text of `from`.
    pub fn link(&mut self, from: u32, to: u32, weight: f32, name: &str) {
        let (from, to, name) = (self.place(from), self.place(to), self.name(name));
        self.passages[from].links.push(Link { to, weight, name });
    }

    /// Gives passages whose own text was not read the way back.
    pub fn link_back(&mut self, was_read: impl Fn(u32) -> bool) {
        let mut back = Vec::new();
        for (from, passage) in self.passages.iter().enumerate() {
            let unread = passage.links.iter().filter(|link| !was_read(self.passages[link.to].slot));
            back.extend(unread.map(|link| (link.to, Link { to: from, ..*link })));
        }
        for (from, link) in back {
            self.passages[from].links.push(link);
        }
    }

    /// Where the walker comes by over links, most often first.
    #[must_use]
    pub fn walk(&self) -> Vec<Linked> {
        let begin = |passage: &Passage| passage.start + passage.named.map_or(0.0, |(chance, _)| chance);
        let starts: Vec<f32> = self.passages.iter().map(begin).collect();
        let mut visits = starts.clone();
        for _ in 0..STEPS {
            visits = self.step(&starts, &visits);
        }
        let mut linked: Vec<Linked> = (0..self.passages.len())
            .map(|place| self.linked(place, visits[place]))
            .filter(|linked| linked.visits > 0.0)
            .collect();
        let over = self.names_of(&visits);
        for one in &mut linked {
            one.names = over.get(&self.places[&one.slot]).cloned().unwrap_or_default();
        }
        linked.sort_by(|a, b| b.visits.total_cmp(&a.visits).then(a.slot.cmp(&b.slot)));
        linked
    }

    fn step(&self, starts: &[f32], visits: &[f32]) -> Vec<f32> {
        let mut next = starts.to_vec();
        for (passage, visits) in self.passages.iter().zip(visits) {
            let share = GOES_ON * visits / total(&passage.links);
            for link in &passage.links {
                next[link.to] += share * link.weight;
            }
        }
        next
    }

    fn linked(&self, place: usize, visits: f32) -> Linked {
        let passage = &self.passages[place];
        let is_reached = passage.named.is_some() || visits > passage.start * (1.0 + f32::EPSILON);
        let visits = if is_reached { visits - passage.start } else { 0.0 };
        Linked { slot: passage.slot, visits, names: Vec::new() }
    }

    /// For each place the names that most came over.
    fn names_of(&self, visits: &[f32]) -> HashMap<usize, Vec<String>> {
        let mut came: HashMap<usize, HashMap<usize, f32>> = HashMap::new();
        for (place, passage) in self.passages.iter().enumerate() {
            if let Some((chance, name)) = passage.named {
                *came.entry(place).or_default().entry(name).or_default() += chance;
            }
            let share = GOES_ON * visits[place] / total(&passage.links);
            for link in &passage.links {
                *came.entry(link.to).or_default().entry(link.name).or_default() += share * link.weight;
            }
        }
        came.into_iter().map(|(place, names)| (place, self.most(names))).collect()
    }

    fn most(&self, came: HashMap<usize, f32>) -> Vec<String> {
        let mut names: Vec<(usize, f32)> = came.into_iter().collect();
        names.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        names.into_iter().take(NAMES_MAX).map(|(name, _)| self.names[name].clone()).collect()
    }

    fn place(&mut self, slot: u32) -> usize {
        let next = self.passages.len();
        let place = *self.places.entry(slot).or_insert(next);
        if place == next {
            self.passages.push(Passage { slot, ..Passage::default() });
        }
        place
    }

    fn name(&mut self, name: &str) -> usize {
        if let Some(known) = self.numbers.get(name) {
            return *known;
        }
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), self.names.len() - 1);
        self.names.len() - 1
    }
}

fn total(links: &[Link]) -> f32 {
    links.iter().map(|link| link.weight).sum::<f32>().max(f32::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visits(graph: &Graph) -> Vec<(u32, f32)> {
        graph.walk().iter().map(|linked| (linked.slot, (linked.visits * 1000.0).round() / 1000.0)).collect()
    }

    #[test]
    fn without_links_nothing_is_come_by() {
        let mut graph = Graph::default();
        graph.start(1, 0.7);
        graph.start(2, 0.3);
        assert!(graph.walk().is_empty());
    }

    #[test]
    fn a_link_leads_half_of_the_way_and_back() {
        let mut graph = Graph::default();
        graph.start(1, 1.0);
        graph.link(1, 2, 3.0, "Ada");
        graph.link_back(|slot| slot == 1);
        assert_eq!(visits(&graph), [(2, 0.666), (1, 0.333)]);
        assert_eq!(graph.walk()[0].names, ["Ada"]);
    }

    #[test]
    fn a_weaker_link_carries_less() {
        let mut graph = Graph::default();
        graph.start(1, 1.0);
        graph.link(1, 2, 3.0, "Ada");
        graph.link(1, 3, 1.0, "Bob");
        assert_eq!(visits(&graph), [(2, 0.375), (3, 0.125)]);
    }

    #[test]
    fn the_name_in_the_question_counts_by_itself() {
        let mut graph = Graph::default();
        graph.start(1, 0.5);
        graph.start_named(2, 0.5, "Grace");
        assert_eq!(graph.walk(), [Linked { slot: 2, visits: 0.5, names: vec!["Grace".to_owned()] }]);
    }

    #[test]
    fn a_passage_at_two_links_from_the_best_is_reached() {
        let mut graph = Graph::default();
        graph.start(1, 1.0);
        graph.link(1, 2, 1.0, "Ada");
        graph.link(2, 3, 1.0, "Bob");
        assert_eq!(visits(&graph), [(2, 0.5), (3, 0.25)]);
    }
}
