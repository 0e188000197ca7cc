//! From every sample to one for a stretch of time.

use std::collections::{BTreeMap, BTreeSet};

use crate::series::Key;
use crate::series::block::{Block, Column};

/// One sample for each `step_ms`: what counters grew by, the mean of gauges. It has the time of the last of those it is of.
#[must_use]
pub fn thinned(block: &Block, step_ms: i64) -> Block {
    // A sample at the end of a step belongs to it, like the windows of rules.
    let steps: Vec<usize> = block
        .times
        .chunk_by(|one, next| (one - 1).div_euclid(step_ms) == (next - 1).div_euclid(step_ms))
        .map(<[i64]>::len)
        .collect();
    let mut end = 0;
    let ends = steps.iter().map(|length| {
        end += length;
        end
    });
    let times = ends.filter_map(|end| block.times.get(end - 1).copied()).collect();
    let thin = |column: &Column| {
        let values = block.values(column);
        let mut rest = values.as_slice();
        let one = |length: &usize| {
            let (these, later) = rest.split_at(*length);
            rest = later;
            merged(these, column.is_counter)
        };
        Column::new(column.is_counter, &steps.iter().map(one).collect::<Vec<f64>>())
    };
    let columns = block.columns.iter().map(|(key, column)| (key.clone(), thin(column))).collect();
    Block { times, columns }
}

fn merged(values: &[f64], is_counter: bool) -> f64 {
    let present = values.iter().filter(|value| !value.is_nan());
    let (sum, count) = present.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    match (count, is_counter) {
        (0, _) => f64::NAN,
        (_, true) => sum,
        (count, false) => super::column::storable(sum / f64::from(count)),
    }
}

/// Both blocks as one. `later` begins after `earlier` ends.
#[must_use]
pub fn joined(earlier: &Block, later: &Block) -> Block {
    let keys: BTreeSet<&Key> = earlier.columns.keys().chain(later.columns.keys()).collect();
    let column = |key: &Key| {
        let mut values = Vec::new();
        let mut is_counter = false;
        for block in [earlier, later] {
            match block.columns.get(key) {
                Some(column) => {
                    is_counter = column.is_counter;
                    values.extend(block.values(column));
                }
                None => values.resize(values.len() + block.times.len(), f64::NAN),
            }
        }
        (key.clone(), Column::new(is_counter, &values))
    };
    let columns: BTreeMap<Key, Column> = keys.into_iter().map(column).collect();
    Block { times: [earlier.times.as_slice(), &later.times].concat(), columns }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(times: &[i64], name: &str, is_counter: bool, values: &[f64]) -> Block {
        let column = Column::new(is_counter, values);
        Block { times: times.to_vec(), columns: BTreeMap::from([(Key::new(name, &[]), column)]) }
    }

    fn values(block: &Block, name: &str) -> Vec<f64> {
        block.values(&block.columns[&Key::new(name, &[])])
    }

    #[test]
    fn counters_add_up_and_gauges_are_averaged() {
        let times = [10, 20, 30, 40, 50];
        let counted = thinned(&block(&times, "a", true, &[1.0, 2.0, 3.0, 4.0, 5.0]), 20);
        assert_eq!(
            (counted.times.as_slice(), values(&counted, "a")),
            (&[20, 40, 50][..], vec![3.0, 7.0, 5.0])
        );
        let level = thinned(&block(&times, "a", false, &[1.0, 2.0, f64::NAN, 4.0, 5.0]), 20);
        assert_eq!(values(&level, "a"), [1.5, 4.0, 5.0]);
    }

    #[test]
    fn a_join_has_the_series_of_both() {
        let both = joined(&block(&[1, 2], "a", true, &[1.0, 2.0]), &block(&[3], "b", false, &[9.0]));
        assert_eq!(both.times, [1, 2, 3]);
        assert_eq!(values(&both, "a")[..2], [1.0, 2.0]);
        assert!(values(&both, "a")[2].is_nan() && values(&both, "b")[0].is_nan());
        assert_eq!(values(&both, "b")[2], 9.0);
    }
}
