//! What a month will have cost when it is over.
//!
//! With m and s the mean and the sample's standard deviation of the last full days (at most 7, from the first of them on which
//! anything was spent), and d the days that are left of the month, with the rest of today:
//! expected = spent + m·d, and between spent and expected ± 2·s·√d in about nineteen of twenty months, if days are alike and
//! nothing of one says anything of another. From one day alone s is taken to be m.

use ibid_types::{Day, Timestamp};

/// Full days that are looked at: a week has one of each kind.
const DAYS_MAX: i64 = 7;
const DAY_MS: f64 = 24.0 * 3600.0 * 1000.0;

/// In US dollars.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    pub until: Day,
    pub spent: f64,
    pub expected: f64,
    pub low: f64,
    pub high: f64,
    /// Full days that it is made from.
    pub days: usize,
}

/// The first day that a forecast looks at.
pub fn looks_from(now: Timestamp) -> Day {
    let today = Day::of(now);
    today.month_start().min(today.plus(-DAYS_MAX))
}

/// From what was spent on each day from `looks_from` on; days without an entry cost nothing. None before a full day.
pub fn forecast(spent: &[(Day, f64)], now: Timestamp) -> Option<Forecast> {
    let today = Day::of(now);
    let of_day = |day: Day| spent.iter().filter(|(of, _)| *of == day).map(|(_, usd)| usd).sum::<f64>();
    let full = today.plus(-DAYS_MAX).0..today.0;
    let days: Vec<f64> = full.map(|day| of_day(Day(day))).skip_while(|usd| *usd == 0.0).collect();
    let (mean, deviation) = mean_and_deviation(&days)?;
    let month = today.month_start();
    let spent: f64 = spent.iter().filter(|(day, _)| *day >= month).map(|(_, usd)| usd).sum();
    let end = today.next_month();
    let left = (end.start().0 - now.0) as f64 / DAY_MS;
    let (expected, margin) = (spent + mean * left, 2.0 * deviation * left.sqrt());
    let low = (expected - margin).max(spent);
    Some(Forecast { until: end.plus(-1), spent, expected, low, high: expected + margin, days: days.len() })
}

fn mean_and_deviation(days: &[f64]) -> Option<(f64, f64)> {
    let count = days.len() as f64;
    let mean = days.iter().sum::<f64>() / count;
    match days.len() {
        0 => None,
        1 => Some((mean, mean)),
        _ => {
            let squares: f64 = days.iter().map(|usd| (usd - mean).powi(2)).sum();
            Some((mean, (squares / (count - 1.0)).sqrt()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    /// What was spent on the days before the 21st, the last one first, and on that day.
    fn told(before: &[f64], today: f64) -> Option<Forecast> {
        let last = Day::of(now());
        let mut days: Vec<_> = (1..).zip(before).map(|(ago, usd)| (last.plus(-ago), *usd)).collect();
        days.push((last, today));
        forecast(&days, now())
    }

    #[test]
    fn equal_days_go_on_to_the_end_of_the_month() {
        let told = told(&[2.0; 20], 1.0).unwrap();
        // 20 days and a half are over, 9 and a half are left.
        assert_eq!((told.spent, told.expected, told.low, told.high), (41.0, 60.0, 60.0, 60.0));
        assert_eq!((told.until.to_string(), told.days), ("2026-11-30".to_owned(), 7));
    }

    #[test]
    fn days_that_differ_widen_the_range_and_what_is_spent_stays_spent() {
        let told = told(&[4.0, 0.0, 4.0, 0.0], 0.0).unwrap();
        assert_eq!((told.days, told.expected), (3, 8.0 + 9.5 * 8.0 / 3.0));
        assert!(told.low >= 8.0 && told.high > told.expected, "{told:?}");
    }

    #[test]
    fn before_a_full_day_nothing_is_foretold() {
        assert_eq!(told(&[], 3.0), None);
        let told = told(&[2.0], 0.0).unwrap();
        assert_eq!((told.days, told.expected, told.low), (1, 21.0, 21.0 - 4.0 * 9.5_f64.sqrt()));
    }

    #[test]
    fn the_month_before_is_looked_at_and_not_counted() {
        let now: Timestamp = "2026-12-02T00:00:00Z".parse().unwrap();
        assert_eq!(looks_from(now).to_string(), "2026-11-25");
        let days = [(Day::of(now).plus(-3), 1.0), (Day::of(now).plus(-2), 1.0), (Day::of(now).plus(-1), 1.0)];
        let told = forecast(&days, now).unwrap();
        assert_eq!((told.spent, told.expected), (1.0, 31.0));
    }
}
