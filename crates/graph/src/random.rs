//! Numbers that look random and are the same for the same seed on every machine: the order in which communities are
//! looked for and the sources that betweenness samples.

/// `SplitMix64`, by Steele, Lea and Flood (2014); nothing secret is made of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `end`, which is above zero.
    pub fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }

    /// `taken` of the numbers below `count`, in random order.
    pub fn choose(&mut self, count: usize, taken: usize) -> Vec<u32> {
        let mut numbers: Vec<u32> = (0..count as u32).collect();
        let taken = taken.min(count);
        for place in 0..taken {
            let other = place + self.below(count - place);
            numbers.swap(place, other);
        }
        numbers.truncate(taken);
        numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_chosen_once() {
        let mut chosen = Random(7).choose(1000, 1000);
        assert_ne!(chosen[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        chosen.sort_unstable();
        assert_eq!(chosen, (0..1000).collect::<Vec<u32>>());
    }

    #[test]
    fn a_seed_gives_its_numbers() {
        assert_eq!(Random(1).choose(50, 5), Random(1).choose(50, 5));
        assert_ne!(Random(1).choose(50, 5), Random(2).choose(50, 5));
    }

    #[test]
    fn every_number_has_its_chance() {
        let mut random = Random(3);
        let mut counts = [0; 4];
        for _ in 0..4000 {
            counts[random.below(4)] += 1;
        }
        assert!(counts.iter().all(|&count| (900..1100).contains(&count)), "{counts:?}");
    }
}
