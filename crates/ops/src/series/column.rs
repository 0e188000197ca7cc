//! How the values of one series are packed: runs of what repeats, whole numbers by their difference, others by the bytes in
//! which they differ from the one before, after the idea of Gorilla (Pelkonen et al., VLDB 2015) but by whole bytes,
//! because zstd packs the result once more.
//!
//! Keeps true: whole numbers below 2^53 come back exactly, others with the 24 significant bits of an `f32`; no bytes make
//! the reader panic or allocate more than was asked for.

/// A run is a number whose lowest two bits say what follows and whose other bits say how often.
const REPEATED: u64 = 0;
const MISSING: u64 = 1;
const WHOLE: u64 = 2;
const BROKEN: u64 = 3;

/// Beyond it a float no longer holds every whole number.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// What a value is when it is stored. A missing one is NaN.
#[must_use]
pub fn storable(value: f64) -> f64 {
    if is_whole(value) || value.abs() > f64::from(f32::MAX) { value } else { f64::from(value as f32) }
}

fn is_whole(value: f64) -> bool {
    value.fract() == 0.0 && value.abs() < WHOLE_MAX && (value != 0.0 || value.is_sign_positive())
}

/// Packs values that are [`storable`].
#[must_use]
pub fn pack(values: &[f64]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut before = 0.0_f64;
    let mut rest = values;
    while let Some(first) = rest.first() {
        let tag = tag_of(*first, before);
        let length = run_length(rest, before, tag);
        let (run, later) = rest.split_at(length);
        write_number(&mut packed, (length as u64) << 2 | tag);
        match tag {
            WHOLE => run.iter().for_each(|value| {
                write_number(&mut packed, zigzag(*value as i64 - before as i64));
                before = *value;
            }),
            BROKEN => run.iter().for_each(|value| {
                write_difference(&mut packed, value.to_bits() ^ before.to_bits());
                before = *value;
            }),
            _ => {}
        }
        rest = later;
    }
    packed
}

fn tag_of(value: f64, before: f64) -> u64 {
    if value.is_nan() {
        MISSING
    } else if value.to_bits() == before.to_bits() {
        REPEATED
    } else if is_whole(value) && is_whole(before) {
        WHOLE
    } else {
        BROKEN
    }
}

fn run_length(values: &[f64], mut before: f64, tag: u64) -> usize {
    let mut length = 0;
    for value in values {
        if tag_of(*value, before) != tag {
            break;
        }
        if matches!(tag, WHOLE | BROKEN) {
            before = *value;
        }
        length += 1;
    }
    length
}

/// Exactly `count` values. `None` for bytes that hold fewer or more, or that were not packed by [`pack`].
#[must_use]
pub fn unpack(mut packed: &[u8], count: usize) -> Option<Vec<f64>> {
    let mut values = Vec::with_capacity(count);
    let mut before = 0.0_f64;
    while !packed.is_empty() {
        let run = read_number(&mut packed)?;
        let length = usize::try_from(run >> 2).ok().filter(|length| *length <= count - values.len())?;
        for _ in 0..length {
            match run & 3 {
                REPEATED => values.push(before),
                MISSING => values.push(f64::NAN),
                tag => {
                    before = read_value(&mut packed, tag, before)?;
                    values.push(before);
                }
            }
        }
    }
    (values.len() == count).then_some(values)
}

fn read_value(packed: &mut &[u8], tag: u64, before: f64) -> Option<f64> {
    if tag == WHOLE {
        let difference = unzigzag(read_number(packed)?);
        return Some((before as i64).wrapping_add(difference) as f64);
    }
    Some(f64::from_bits(before.to_bits() ^ read_difference(packed)?))
}

/// One byte says how many bytes are zero above and how many follow; those below are zero.
fn write_difference(packed: &mut Vec<u8>, difference: u64) {
    let above = difference.leading_zeros() / 8;
    let below = (difference.trailing_zeros() / 8).min(8 - above);
    let length = 8 - above - below;
    packed.push((above << 4 | length) as u8);
    packed.extend(&difference.to_be_bytes()[above as usize..(above + length) as usize]);
}

fn read_difference(packed: &mut &[u8]) -> Option<u64> {
    let (head, rest) = packed.split_first()?;
    let (above, length) = (usize::from(head >> 4), usize::from(head & 15));
    let mut bytes = [0; 8];
    let place = bytes.get_mut(above..above + length)?;
    place.copy_from_slice(rest.get(..length)?);
    *packed = &rest[length..];
    Some(u64::from_be_bytes(bytes))
}

/// Small numbers of either sign as small numbers: 0, -1, 1, -2, ...
#[must_use]
pub const fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

#[must_use]
pub const fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

/// Seven bits a byte, the lowest first (LEB128).
pub fn write_number(packed: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        packed.push(number as u8 | 0x80);
        number >>= 7;
    }
    packed.push(number as u8);
}

/// `None` where the bytes end early or hold more than 64 bits.
pub fn read_number(packed: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = packed.split_first()?;
        *packed = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn same(one: &[f64], other: &[f64]) -> bool {
        one.len() == other.len()
            && one.iter().zip(other).all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan())
    }

    #[test]
    fn a_day_of_nothing_takes_three_bytes() {
        assert_eq!(pack(&[0.0; 5760]).len(), 3);
        assert_eq!(pack(&[f64::NAN; 5760]).len(), 3);
    }

    #[test]
    fn a_size_that_creeps_takes_few_bytes_a_value() {
        let sizes: Vec<f64> = (0..480_u32).map(|at| 5e8 + f64::from(at % 7) * 4096.0).collect();
        assert!(pack(&sizes).len() < 480 * 3 + 10);
    }

    #[test]
    fn bytes_that_promise_too_much_are_refused() {
        assert_eq!(unpack(&[0xff, 0xff, 0xff, 0xff, 0x0f], 10), None);
        assert_eq!(unpack(&[], 1), None);
        assert_eq!(unpack(&pack(&[1.0, 2.0]), 1), None);
    }

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            3 => Just(0.0),
            1 => Just(-0.0),
            1 => Just(f64::NAN),
            3 => (-1000_i64..1_000_000_000).prop_map(|whole| whole as f64),
            2 => (-1e9..1e9_f64).prop_map(storable),
            1 => any::<f64>().prop_filter("one NaN is enough", |value| !value.is_nan()),
        ]
    }

    proptest! {
        #[test]
        fn values_come_back(values in prop::collection::vec(value(), 0..300)) {
            let back = unpack(&pack(&values), values.len()).unwrap();
            let is_same = same(&back, &values);
            prop_assert!(is_same);
        }

        #[test]
        fn no_bytes_are_trouble(bytes in prop::collection::vec(any::<u8>(), 0..100), count in 0_usize..500) {
            let _ = unpack(&bytes, count);
        }

        #[test]
        fn numbers_come_back(number in any::<u64>(), signed in any::<i64>()) {
            let mut bytes = Vec::new();
            write_number(&mut bytes, number);
            prop_assert_eq!(read_number(&mut bytes.as_slice()), Some(number));
            prop_assert_eq!(unzigzag(zigzag(signed)), signed);
        }
    }
}
