//! A coarse mark on each link that says since when its fact holds and is believed without an end, so that most questions
//! about the present need not read the fact's times, which are far away in memory.
//!
//! Keeps true: a mark only ever says "surely"; where it cannot, the times are read. It stands in two bytes that a link has
//! to spare, and halves the time of walks and neighbourhoods.

use crate::{ALWAYS, FOREVER, Times};

/// The mark of what has an end, or begins too late for a mark.
pub(crate) const UNSURE: u16 = u16::MAX;

/// How times become marks: steps of a power of two, from the first beginning to the last.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Calendar {
    first: i64,
    shift: u32,
}

impl Calendar {
    pub fn of(times: &[Times]) -> Self {
        let starts = || times.iter().map(start).filter(|&start| start != ALWAYS && start != FOREVER);
        let (Some(first), Some(last)) = (starts().min(), starts().max()) else { return Self::default() };
        let span = last.wrapping_sub(first) as u64;
        let shift = (0..64).find(|&shift| (span >> shift) + 1 < u64::from(UNSURE)).unwrap_or(0);
        Self { first, shift }
    }

    /// One more than the step in which the fact begins, so that a time in a later step is surely behind it.
    pub fn mark(&self, times: &Times) -> u16 {
        if times.valid_to != FOREVER || times.retracted_at != FOREVER {
            return UNSURE;
        }
        let start = start(times);
        if start <= self.first {
            return 0;
        }
        u16::try_from((start.wrapping_sub(self.first) as u64 >> self.shift) + 1).unwrap_or(UNSURE)
    }

    /// Whether a fact with that mark surely holds, and is believed, at both times.
    pub fn is_sure(&self, mark: u16, valid_at: Option<i64>, believed_at: Option<i64>) -> bool {
        // What never ends does not hold at the end of time itself, as no time reaches its end.
        let is_end = valid_at == Some(FOREVER) || believed_at == Some(FOREVER);
        let time = valid_at.unwrap_or(FOREVER).min(believed_at.unwrap_or(FOREVER));
        mark != UNSURE
            && !is_end
            && time >= self.first
            && u64::from(mark) <= time.wrapping_sub(self.first) as u64 >> self.shift
    }
}

/// The first time at which it both holds and is believed.
fn start(times: &Times) -> i64 {
    times.valid_from.max(times.recorded_at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn time() -> impl Strategy<Value = i64> {
        prop_oneof![
            Just(ALWAYS),
            Just(FOREVER),
            -5..5_i64,
            any::<i64>(),
            1_700_000_000_000..1_800_000_000_000_i64
        ]
    }

    fn times() -> impl Strategy<Value = Times> {
        let end = || prop_oneof![3 => Just(FOREVER), 1 => time()];
        (time(), end(), time(), end()).prop_map(|(valid_from, valid_to, recorded_at, retracted_at)| Times {
            valid_from,
            valid_to,
            recorded_at,
            retracted_at,
        })
    }

    proptest! {
        #[test]
        fn what_is_sure_is_true(
            known in prop::collection::vec(times(), 0..6),
            other in times(),
            valid_at in prop::option::of(time()),
            believed_at in prop::option::of(time()),
        ) {
            let calendar = Calendar::of(&known);
            for times in known.iter().chain([&other]) {
                let is_true = valid_at.is_none_or(|at| times.is_valid_at(at))
                    && believed_at.is_none_or(|at| times.is_believed_at(at));
                prop_assert!(is_true || !calendar.is_sure(calendar.mark(times), valid_at, believed_at));
            }
        }
    }

    #[test]
    fn the_present_is_sure_of_what_began_long_ago() {
        let began = |time| Times { valid_from: time, recorded_at: time, ..Times::default() };
        let known: Vec<Times> = (0..100).map(|day| began(1_700_000_000_000 + day * 86_400_000)).collect();
        let calendar = Calendar::of(&known);
        let now_ms = known[99].valid_from + 1_000_000;
        let now = Some(now_ms);
        assert!(known.iter().all(|times| calendar.is_sure(calendar.mark(times), now, now)));
        let ended = Times { valid_to: now_ms + 1, ..known[0] };
        assert!(!calendar.is_sure(calendar.mark(&ended), now, now));
        assert!(!calendar.is_sure(calendar.mark(&known[0]), Some(FOREVER), now));
    }
}
