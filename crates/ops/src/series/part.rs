//! A stretch of samples inside a block, finished or not, between two moments.

use std::ops::Range;

use crate::series::block::Block;
use crate::series::head::Head;
use crate::series::{Key, Selector};

/// What of a block lies between two moments.
#[derive(Debug)]
pub struct Part<'a> {
    held: Held<'a>,
    span: Range<usize>,
}

#[derive(Debug)]
enum Held<'a> {
    Finished(&'a Block),
    Growing(&'a Head),
}

impl<'a> Part<'a> {
    /// The samples of a block after `from` up to `to`.
    pub fn finished(block: &'a Block, from: i64, to: i64) -> Self {
        Self { held: Held::Finished(block), span: span(&block.times, from, to) }
    }

    /// The samples of the head after `from` up to `to`.
    pub fn growing(head: &'a Head, from: i64, to: i64) -> Self {
        Self { held: Held::Growing(head), span: span(&head.times, from, to) }
    }

    fn times(&self) -> &'a [i64] {
        match self.held {
            Held::Finished(block) => &block.times[self.span.clone()],
            Held::Growing(head) => &head.times[self.span.clone()],
        }
    }

    pub fn each_key(&self, selector: &Selector, see: impl FnMut(&Key)) {
        if self.span.is_empty() {
            return;
        }
        match self.held {
            Held::Finished(block) => block.matching(selector).map(|(key, _)| key).for_each(see),
            Held::Growing(head) => head.matching(selector).map(|series| &series.key).for_each(see),
        }
    }

    /// How much each selected counter grew.
    pub fn each_growth(&self, selector: &Selector, mut see: impl FnMut(&Key, f64)) {
        if self.span.is_empty() {
            return;
        }
        let sum = |values: &[f64]| values.iter().filter(|value| !value.is_nan()).sum();
        match self.held {
            Held::Finished(block) if self.span.len() == block.times.len() => {
                block.matching(selector).filter(|(_, column)| column.is_counter).for_each(|(key, column)| {
                    see(key, column.total);
                });
            }
            Held::Finished(block) => {
                for (key, column) in block.matching(selector).filter(|(_, column)| column.is_counter) {
                    see(key, sum(&block.values(column)[self.span.clone()]));
                }
            }
            Held::Growing(head) => {
                for series in head.matching(selector).filter(|series| series.is_counter) {
                    see(&series.key, sum(&series.values[self.span.clone()]));
                }
            }
        }
    }

    /// Adds the sum over the selected series at each moment at which one of them has a value.
    pub fn add_sums(&self, selector: &Selector, sums: &mut Vec<(i64, f64)>) {
        let mut all = vec![f64::NAN; self.span.len()];
        let mut add = |values: &[f64]| {
            for (sum, value) in all.iter_mut().zip(values).filter(|(_, value)| !value.is_nan()) {
                *sum = if sum.is_nan() { *value } else { *sum + value };
            }
        };
        match self.held {
            _ if self.span.is_empty() => return,
            Held::Finished(block) => block.matching(selector).for_each(|(_, column)| {
                add(&block.values(column)[self.span.clone()]);
            }),
            Held::Growing(head) => {
                head.matching(selector).for_each(|series| add(&series.values[self.span.clone()]));
            }
        }
        sums.extend(self.times().iter().copied().zip(all).filter(|(_, sum)| !sum.is_nan()));
    }
}

/// The indexes of the times after `from` up to `to`.
fn span(times: &[i64], from: i64, to: i64) -> Range<usize> {
    let place = |moment: i64| times.partition_point(|time| *time <= moment);
    let start = place(from);
    start..place(to).max(start)
}
