//! The inverted list of a memory index: for each term the slots that hold it, with how often.
//!
//! Keeps true: a list ascends by slot; a term without slots is gone, so document frequencies and the terms themselves
//! are those of the items that are there.

use std::sync::Arc;

use super::interner::Interner;

/// A posting is a slot and, in so many low bits, a count: 67 million slots, and a word 63 times at most.
const COUNT_BITS: u32 = 6;
const COUNT_MAX: u32 = (1 << COUNT_BITS) - 1;

#[derive(Debug, Default)]
pub(super) struct Words {
    terms: Interner<Arc<str>>,
    /// By the term's number.
    lists: Vec<Vec<u32>>,
}

impl Words {
    /// Adds a slot with its terms and gives their numbers, each once, to remove it by.
    pub(super) fn add(&mut self, slot: u32, terms: &[String]) -> Box<[u32]> {
        let mut sorted: Vec<&str> = terms.iter().map(String::as_str).collect();
        sorted.sort_unstable();
        let runs = sorted.chunk_by(|left, right| left == right);
        runs.map(|run| self.insert(run[0], slot, run.len())).collect()
    }

    pub(super) fn remove(&mut self, slot: u32, terms: &[u32]) {
        for &term in terms {
            let list = &mut self.lists[term as usize];
            if let Ok(at) = list.binary_search_by_key(&slot, |posting| posting >> COUNT_BITS) {
                list.remove(at);
            }
            if self.terms.release(term) {
                self.lists[term as usize] = Vec::new();
            }
        }
    }

    /// The slots with the term, ascending, with its count in each.
    pub(super) fn list(&self, term: &str) -> impl Iterator<Item = (u32, u32)> + '_ {
        let list = self.terms.find(term).map_or(&[][..], |number| &self.lists[number as usize]);
        list.iter().map(|posting| (posting >> COUNT_BITS, posting & COUNT_MAX))
    }

    /// Bytes held, about: what a hash table leaves free is not counted.
    pub(super) fn bytes(&self) -> usize {
        let lists: usize = self.lists.iter().map(|list| 24 + list.capacity() * 4).sum();
        lists + self.terms.end() * 64
    }

    fn insert(&mut self, term: &str, slot: u32, count: usize) -> u32 {
        let number = self.terms.hold(term, || term.into());
        if self.lists.len() <= number as usize {
            self.lists.push(Vec::new());
        }
        let list = &mut self.lists[number as usize];
        let posting = slot << COUNT_BITS | COUNT_MAX.min(count as u32);
        let at = match list.last() {
            Some(last) if *last > posting => list.partition_point(|other| *other < posting),
            _ => list.len(),
        };
        list.insert(at, posting);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn lists_ascend_and_count() {
        let mut words = Words::default();
        words.add(7, &terms("red fox red"));
        words.add(2, &terms("red"));
        assert_eq!(words.list("red").collect::<Vec<_>>(), [(2, 1), (7, 2)]);
        assert_eq!(words.list("blue").count(), 0);
    }

    #[test]
    fn what_was_removed_leaves_no_term() {
        let mut words = Words::default();
        let fox = words.add(1, &terms("red fox"));
        let red = words.add(2, &terms("red"));
        words.remove(1, &fox);
        assert_eq!((words.list("fox").count(), words.terms.find("fox")), (0, None));
        assert_eq!(words.list("red").collect::<Vec<_>>(), [(2, 1)]);
        words.remove(2, &red);
        assert_eq!(words.terms.find("red"), None);
        words.add(3, &terms("blue"));
        assert_eq!(words.list("blue").collect::<Vec<_>>(), [(3, 1)]);
    }

    #[test]
    fn a_word_said_without_end_is_counted_up_to_a_bound() {
        let mut words = Words::default();
        words.add(1, &vec!["x".to_owned(); 500]);
        assert_eq!(words.list("x").collect::<Vec<_>>(), [(1, COUNT_MAX)]);
    }
}
