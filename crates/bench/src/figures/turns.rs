//! Ours and the peer's turns, one after the other, so that what else the machine does meets both.

use super::Outcome;

/// What the turns came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Turns {
    pub ours: f64,
    pub peer: f64,
    /// Ours divided by peer.
    pub ratio: f64,
}

/// Medians over `turns` turns of each side, at least one; the ratio is the median of the turns' ratios.
pub fn take(
    turns: usize,
    mut ours: impl FnMut() -> Outcome<f64>,
    mut peer: impl FnMut() -> Outcome<f64>,
) -> Outcome<Turns> {
    let mut pairs = Vec::new();
    for _ in 0..turns.max(1) {
        pairs.push((ours()?, peer()?));
    }
    Ok(Turns {
        ours: median(pairs.iter().map(|pair| pair.0).collect()),
        peer: median(pairs.iter().map(|pair| pair.1).collect()),
        ratio: median(pairs.iter().map(|(ours, peer)| ours / peer).collect()),
    })
}

/// The highest rate of each side, for a limit of the machine: what else it does can only lower both.
pub fn best(
    turns: usize,
    mut ours: impl FnMut() -> Outcome<f64>,
    mut peer: impl FnMut() -> Outcome<f64>,
) -> Outcome<Turns> {
    let mut best = Turns { ours: 0.0, peer: 0.0, ratio: 0.0 };
    for _ in 0..turns.max(1) {
        (best.ours, best.peer) = (best.ours.max(ours()?), best.peer.max(peer()?));
    }
    Ok(Turns { ratio: best.ours / best.peer, ..best })
}

/// 0 where there are none.
pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    match numbers.len() {
        0 => 0.0,
        length if length.is_multiple_of(2) => f64::midpoint(numbers[middle - 1], numbers[middle]),
        _ => numbers[middle],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(Vec::new()), 0.0);
    }

    #[test]
    fn sides_take_turns() {
        let order = std::cell::RefCell::new(String::new());
        let side = |name| {
            order.borrow_mut().push(name);
            Ok(if name == 'o' { 3.0 } else { 2.0 })
        };
        let turns = take(2, || side('o'), || side('p')).unwrap();
        assert_eq!((order.borrow().as_str(), turns.ratio), ("opop", 1.5));
    }
}
