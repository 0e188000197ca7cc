//! What happens in the world: a function of the seed and of where in the run an effect stands, not of when it comes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// SplitMix64 (Steele, Lea, Flood 2014): small, and good enough to choose with.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Less than `end`, which is not 0.
    pub const fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub const fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

/// How one attempt goes.
#[derive(Clone, Debug, PartialEq)]
pub enum Trial {
    Succeeds(Value),
    /// Trying again may help.
    FailsForNow,
    FailsForGood,
}

/// The world of one seed. An effect is named by its path: `/n2#1[0]/n1#3` is the third visit of `n1` in the first item
/// of the first visit of `n2`.
#[derive(Clone, Debug, Default)]
pub struct Script {
    pub seed: u64,
    /// Effects that were interrupted and whose nodes do not stand that.
    pub interrupted: BTreeSet<String>,
    /// What failed for good, before somebody resumed the run.
    pub healed: BTreeSet<String>,
}

impl Script {
    /// The attempt of that number, from 1, not counting interrupted ones.
    #[must_use]
    pub fn attempt(&self, path: &str, attempt: u32, input: &Value) -> Trial {
        let mut random = self.random(path);
        let (kind, failures) = (random.below(100), random.below(4));
        let is_healed = self.healed.contains(path);
        let is_calm = is_healed || self.seed.is_multiple_of(3);
        match kind {
            0..4 if !is_calm => Trial::FailsForGood,
            4..8 if !is_calm => Trial::Succeeds(json!("not a number")),
            8..30 if u64::from(attempt) <= failures && !is_healed => Trial::FailsForNow,
            _ => Trial::Succeeds(json!(self.random(&format!("{path} {input}")).below(10))),
        }
    }

    /// What a person answers, if one does in time.
    #[must_use]
    pub fn answer(&self, path: &str) -> Option<u64> {
        let mut random = self.random(path);
        (random.percent(70) || self.healed.contains(path) || self.seed.is_multiple_of(3))
            .then(|| random.below(10))
    }

    fn random(&self, path: &str) -> Random {
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        Random::new(path.bytes().fold(self.seed ^ 0xCBF2_9CE4_8422_2325, mix))
    }
}
