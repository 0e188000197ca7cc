//! Budgets: how much chat models may cost, of whom, and what happens then.

use serde::Deserialize;

/// What somebody may spend on chat models, by the configured prices.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    pub name: String,
    /// `everybody`, or `workspace:NAME`, `user:NAME`, `group:NAME`, `key:NAME`.
    pub of: String,
    /// Of a month of UTC; 0 where `usd_per_day` says it.
    #[serde(default)]
    pub usd_per_month: f64,
    /// Of a day of UTC; 0 where `usd_per_month` says it.
    #[serde(default)]
    pub usd_per_day: f64,
    /// From this share on an alert warns.
    #[serde(default = "warn_percent")]
    pub warn_percent: u32,
    /// Whether models that cost something are asked no more once it is used up.
    #[serde(default)]
    pub stop: bool,
}

const fn warn_percent() -> u32 {
    80
}

/// Who can have a budget besides everybody.
const HOLDERS: [&str; 4] = ["workspace", "user", "group", "key"];
const USD_MAX: f64 = 1e9;

/// Notes what does not hold: key, and what would be right.
type Must<'a> = &'a mut dyn FnMut(bool, &str, &str);

impl Budget {
    /// What it grants for each of its days or months, in US dollars.
    #[must_use]
    pub fn usd(&self) -> f64 {
        if self.is_monthly() { self.usd_per_month } else { self.usd_per_day }
    }

    #[must_use]
    pub fn is_monthly(&self) -> bool {
        self.usd_per_month > 0.0
    }

    /// Kind and name of whose it is: `("group", "sales")`; none where it is everybody's.
    #[must_use]
    pub fn holder(&self) -> Option<(&str, &str)> {
        self.of.split_once(':')
    }

    fn is_of_somebody(&self) -> bool {
        match self.holder() {
            None => self.of == "everybody",
            Some((kind, name)) => HOLDERS.contains(&kind) && !name.is_empty(),
        }
    }
}

pub fn problems(budgets: &[Budget], must: Must<'_>) {
    for (index, budget) in budgets.iter().enumerate() {
        let key = |field: &str| format!("budgets[{index}].{field}");
        let is_once = budgets.iter().filter(|other| other.name == budget.name).count() == 1;
        must(!budget.name.is_empty() && is_once, &key("name"), "give it a name of its own");
        let who = "\"everybody\", \"workspace:NAME\", \"user:NAME\", \"group:NAME\" or \"key:NAME\"";
        must(budget.is_of_somebody(), &key("of"), who);
        let sums = [budget.usd_per_month, budget.usd_per_day];
        let is_one = sums.iter().filter(|usd| **usd != 0.0).count() == 1;
        let is_sum = sums.iter().all(|usd| (0.0..=USD_MAX).contains(usd));
        must(is_one && is_sum, &key("usd_per_month"), "US dollars; either it or usd_per_day");
        must((1..=100).contains(&budget.warn_percent), &key("warn_percent"), "1 to 100");
    }
}

#[cfg(test)]
mod tests {
    use crate::{Config, Layers};

    fn read(budget: &str) -> Result<Config, String> {
        let mut layers = Layers::defaults().unwrap();
        layers.flag(&format!("budgets=[{budget}]"));
        layers.finish().map(|(config, _)| config).map_err(|error| error.message)
    }

    #[test]
    fn a_budget_warns_at_four_fifths_and_does_not_stop_unless_told_so() {
        let config = read("{name='b', of='group:sales', usd_per_day=2.5}").unwrap();
        let budget = &config.budgets[0];
        assert_eq!((budget.warn_percent, budget.stop, budget.usd()), (80, false, 2.5));
        assert_eq!((budget.holder(), budget.is_monthly()), (Some(("group", "sales")), false));
    }

    #[test]
    fn what_is_no_budget_is_told_by_its_key() {
        for (wrong, key) in [
            ("{name='', of='everybody', usd_per_day=1}", "budgets[0].name"),
            ("{name='b', of='nobody', usd_per_day=1}", "budgets[0].of"),
            ("{name='b', of='user:', usd_per_day=1}", "budgets[0].of"),
            ("{name='b', of='everybody'}", "budgets[0].usd_per_month"),
            ("{name='b', of='everybody', usd_per_day=-1}", "budgets[0].usd_per_month"),
            ("{name='b', of='everybody', usd_per_day=1, usd_per_month=1}", "budgets[0].usd_per_month"),
            ("{name='b', of='everybody', usd_per_day=1, warn_percent=0}", "budgets[0].warn_percent"),
        ] {
            assert!(read(wrong).unwrap_err().contains(key), "{wrong}");
        }
        let twice = "{name='b', of='everybody', usd_per_day=1}, {name='b', of='everybody', usd_per_month=1}";
        assert!(read(twice).unwrap_err().contains("budgets[1].name"));
    }
}
