//! A row of the table: what was measured, beside what, and whether it is what was aimed at.

use std::fmt;

/// The table's head, as Markdown.
pub const HEADING: &str =
    "| what | ours | peer or limit | ratio | target | reached | row |\n|---|---|---|---|---|---|---|";

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    what: String,
    ours: String,
    peer: String,
    ratio: Option<f64>,
    /// The number that the target is about.
    judged: f64,
    target: Target,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Target {
    #[default]
    None,
    AtLeast(f64),
    Below(f64),
}

impl Row {
    #[must_use]
    pub fn new(what: impl Into<String>, ours: impl Into<String>) -> Self {
        Self { what: what.into(), ours: ours.into(), ..Self::default() }
    }

    /// A row that could not be measured, and why.
    #[must_use]
    pub fn skipped(what: &str, why: &str) -> Self {
        Self::new(what, format!("skipped: {why}"))
    }

    /// What stands beside it, and ours divided by that; a target is then about the ratio.
    #[must_use]
    pub fn beside(mut self, peer: impl Into<String>, ratio: f64) -> Self {
        (self.peer, self.ratio, self.judged) = (peer.into(), Some(ratio), ratio);
        self
    }

    /// The number that the target is about.
    #[must_use]
    pub const fn judged(mut self, number: f64) -> Self {
        self.judged = number;
        self
    }

    #[must_use]
    pub const fn at_least(mut self, target: f64) -> Self {
        self.target = Target::AtLeast(target);
        self
    }

    #[must_use]
    pub const fn below(mut self, target: f64) -> Self {
        self.target = Target::Below(target);
        self
    }

    const fn reached(&self) -> &'static str {
        let reached = match self.target {
            Target::None => return "",
            Target::AtLeast(target) => self.judged >= target,
            Target::Below(target) => self.judged < target,
        };
        if reached { "yes" } else { "**no**" }
    }

    /// The row as Markdown; `name` is what measures it again.
    #[must_use]
    pub fn line(&self, name: &str) -> String {
        let Self { what, ours, peer, target, .. } = self;
        let ratio = self.ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
        format!("| {what} | {ours} | {peer} | {ratio} | {target} | {} | `{name}` |", self.reached())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::AtLeast(target) => write!(f, "≥ {target}"),
            Self::Below(target) => write!(f, "< {target}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_about_the_ratio_or_the_number_judged() {
        let row = Row::new("w", "5 /s").beside("p", 0.5).at_least(1.0);
        assert_eq!(row.line("n"), "| w | 5 /s | p | 0.50 | ≥ 1 | **no** | `n` |");
        let row = Row::new("w", "9 ms").judged(9.0).below(10.0);
        assert_eq!(row.line("n"), "| w | 9 ms |  |  | < 10 | yes | `n` |");
        assert_eq!(Row::skipped("w", "x").line("n"), "| w | skipped: x |  |  |  |  | `n` |");
    }
}
