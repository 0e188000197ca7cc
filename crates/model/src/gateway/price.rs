//! What a chat model costs.
//!
//! Keeps true: a cost is never negative and never not a number.

use ibid_types::answer::Usage;

const MILLION: f64 = 1e6;
const BILLION: f64 = 1e9;

/// Prices of a chat model in US dollars; a local one has none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Price {
    pub usd_per_million_prompt_tokens: f64,
    pub usd_per_million_completion_tokens: f64,
}

impl Price {
    /// What so many tokens cost, in US dollars.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "nobody pays for 2^53 tokens")]
    pub fn usd(&self, usage: Usage) -> f64 {
        let prompt = usage.prompt_tokens as f64 * self.usd_per_million_prompt_tokens;
        let completion = usage.completion_tokens as f64 * self.usd_per_million_completion_tokens;
        let usd = (prompt + completion) / MILLION;
        if usd.is_finite() { usd.max(0.0) } else { 0.0 }
    }

    /// The same in billionths of a US dollar, which add up without a rest.
    #[must_use]
    pub fn nano_usd(&self, usage: Usage) -> u64 {
        (self.usd(usage) * BILLION).round() as u64
    }

    #[must_use]
    pub fn is_free(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompt_and_completion_have_prices_of_their_own() {
        let price = Price { usd_per_million_prompt_tokens: 0.5, usd_per_million_completion_tokens: 2.0 };
        assert_eq!(price.usd(Usage { prompt_tokens: 1_000_000, completion_tokens: 500_000 }), 1.5);
        assert_eq!(Price::default().usd(Usage { prompt_tokens: 9, completion_tokens: 9 }), 0.0);
        assert_eq!(price.nano_usd(Usage { prompt_tokens: 7, completion_tokens: 5 }), 13_500);
        assert_eq!((price.is_free(), Price::default().is_free()), (false, true));
    }

    #[test]
    fn a_price_that_is_none_costs_nothing() {
        let price = Price { usd_per_million_prompt_tokens: f64::NAN, ..Price::default() };
        assert_eq!(price.usd(Usage { prompt_tokens: 9, completion_tokens: 9 }), 0.0);
    }
}
