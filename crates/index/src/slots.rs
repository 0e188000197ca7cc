//! `Slots`: a bitmap of chunk numbers, the one filter that both searches apply inside.
//!
//! Keeps true: `count` is the number of set bits; bits at or above the snapshot's slots are never set.

use std::sync::Arc;

/// A set of slots. Cloning shares the words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slots {
    words: Arc<Vec<u64>>,
    count: usize,
}

impl Slots {
    /// The set that holds exactly these slots, in any order.
    #[must_use]
    pub fn from_slots(slots: &[u32]) -> Self {
        let mut set = Self::default();
        for &slot in slots {
            set.insert_range(slot, 1);
        }
        set
    }

    /// The set of the bits of these words.
    pub(crate) fn from_words(words: Vec<u64>) -> Self {
        let count = words.iter().map(|word| word.count_ones() as usize).sum();
        Self { words: Arc::new(words), count }
    }

    #[must_use]
    pub fn contains(&self, slot: u32) -> bool {
        self.words.get(slot as usize / 64).is_some_and(|word| word >> (slot % 64) & 1 == 1)
    }

    /// How many slots it holds.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Those of its slots that `keep` wants.
    pub(crate) fn filtered(&self, keep: impl Fn(u32) -> bool) -> Self {
        let mut words = vec![0_u64; self.words.len()];
        for slot in self.iter().filter(|slot| keep(*slot)) {
            words[slot as usize / 64] |= 1 << (slot % 64);
        }
        Self::from_words(words)
    }

    /// The slots in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.range(0, u32::MAX)
    }

    /// The slots in `[start, end)`, ascending; `start` is a multiple of 64.
    pub(crate) fn range(&self, start: u32, end: u32) -> impl Iterator<Item = u32> + '_ {
        let first = (start as usize / 64).min(self.words.len());
        let last = (end as usize).div_ceil(64).min(self.words.len());
        let words = self.words.get(first..last.max(first)).unwrap_or_default();
        words
            .iter()
            .enumerate()
            .flat_map(move |(index, &word)| Ones { word, base: ((first + index) * 64) as u32 })
    }

    /// Whether any slot of `[start, end)` is set; both are multiples of 64.
    pub(crate) fn any_in(&self, start: u32, end: u32) -> bool {
        self.range(start, end).next().is_some()
    }

    /// Adds `[start, start + length)`.
    pub(crate) fn insert_range(&mut self, start: u32, length: u32) {
        self.change_range(start, length, |word, mask| word | mask);
    }

    /// Removes `[start, start + length)`.
    pub(crate) fn remove_range(&mut self, start: u32, length: u32) {
        self.change_range(start, length, |word, mask| word & !mask);
    }

    fn change_range(&mut self, start: u32, length: u32, change: impl Fn(u64, u64) -> u64) {
        let (mut at, end) = (start as usize, start as usize + length as usize);
        let words = Arc::make_mut(&mut self.words);
        if words.len() < end.div_ceil(64) {
            words.resize(end.div_ceil(64), 0);
        }
        while at < end {
            let stop = end.min((at / 64 + 1) * 64);
            let mask = mask_of(at % 64, stop - at);
            let Some(word) = words.get_mut(at / 64) else { return };
            let changed = change(*word, mask);
            self.count = self.count + changed.count_ones() as usize - word.count_ones() as usize;
            *word = changed;
            at = stop;
        }
    }
}

/// `length` (1 to 64) ones from bit `low`.
const fn mask_of(low: usize, length: usize) -> u64 {
    (u64::MAX >> (64 - length)) << low
}

struct Ones {
    word: u64,
    base: u32,
}

impl Iterator for Ones {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        if self.word == 0 {
            return None;
        }
        let bit = self.word.trailing_zeros();
        self.word &= self.word - 1;
        Some(self.base + bit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_across_words_are_set_and_cleared() {
        let mut slots = Slots::default();
        slots.insert_range(60, 100);
        slots.remove_range(64, 64);
        assert_eq!(slots.count(), 36);
        assert_eq!(slots.iter().collect::<Vec<_>>(), (60..64).chain(128..160).collect::<Vec<_>>());
    }

    #[test]
    fn a_clone_does_not_see_later_changes() {
        let mut slots = Slots::from_slots(&[3]);
        let before = slots.clone();
        slots.remove_range(3, 1);
        assert!(before.contains(3) && !slots.contains(3) && slots.is_empty());
    }

    #[test]
    fn what_is_not_wanted_is_left_out() {
        let odd = Slots::from_slots(&[1, 2, 70, 201]).filtered(|slot| slot % 2 == 1);
        assert_eq!((odd.iter().collect::<Vec<_>>(), odd.count()), (vec![1, 201], 2));
    }

    #[test]
    fn a_slot_beyond_the_words_is_not_contained() {
        assert!(!Slots::from_slots(&[1]).contains(4_000_000_000));
        assert_eq!(Slots::from_slots(&[1, 70, 200]).range(64, 128).collect::<Vec<_>>(), [70]);
    }
}
