//! How searches are made.

use ibid_types::{Error, Result};

use crate::Refinement;

/// One setting for every collection (`docs/adr/0002-fusion.md`).
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The share of BM25 in the fused score, 0 to 1.
    pub lexical_weight: f32,
    /// Candidates taken from each search. Fused scores are exact for all of them, so this bounds only what neither
    /// search has among its best.
    pub candidates: usize,
    /// The second look at the best candidates of a hybrid search.
    pub refinement: Refinement,
    /// What a passage gains if a walk over links comes by once (`docs/adr/0009-links.md`); 0 for no walk.
    pub links_weight: f32,
    /// Hits that a reranker looks at.
    pub rerank_depth: usize,
    /// Whether passages that say the same are shown once.
    pub suppress_duplicates: bool,
}

/// All pairs of these are compared: 500 take some 30 ms.
const REFINE_DEPTH_MAX: usize = 500;

impl Default for Config {
    fn default() -> Self {
        Self {
            lexical_weight: 0.25,
            candidates: 200,
            refinement: Refinement { depth: 100, feedback_weight: 0.2, neighbour_weight: 0.2 },
            links_weight: 0.75,
            rerank_depth: 20,
            suppress_duplicates: true,
        }
    }
}

impl Config {
    /// Takes `KEY=VALUE`, as the command line has it for comparisons.
    ///
    /// # Errors
    /// `setting_unknown` if there is no such key, `setting_malformed` if the value does not fit it.
    pub fn set(&mut self, setting: &str) -> Result<()> {
        let (key, value) = setting.split_once('=').unwrap_or((setting, ""));
        match key.trim() {
            "lexical_weight" => self.lexical_weight = share(key, value)?,
            "candidates" => self.candidates = count(key, value)?,
            "refine_depth" => self.refinement.depth = count(key, value)?.min(REFINE_DEPTH_MAX),
            "feedback_weight" => self.refinement.feedback_weight = share(key, value)?,
            "neighbour_weight" => self.refinement.neighbour_weight = share(key, value)?,
            "links_weight" => self.links_weight = share(key, value)?,
            "rerank_depth" => self.rerank_depth = count(key, value)?,
            "suppress_duplicates" => self.suppress_duplicates = parsed(key, value, "true or false")?,
            _ => return Err(unknown(key)),
        }
        Ok(())
    }
}

fn share(key: &str, value: &str) -> Result<f32> {
    let wanted = "a number from 0 to 1";
    let share: f32 = parsed(key, value, wanted)?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err(malformed(key, value, wanted)) }
}

fn count(key: &str, value: &str) -> Result<usize> {
    const COUNT_MAX: usize = 10_000;
    let wanted = "a number from 1 to 10000";
    let count = parsed(key, value, wanted)?;
    if (1..=COUNT_MAX).contains(&count) { Ok(count) } else { Err(malformed(key, value, wanted)) }
}

fn parsed<T: std::str::FromStr>(key: &str, value: &str, wanted: &str) -> Result<T> {
    value.trim().parse().map_err(|_| malformed(key, value, wanted))
}

fn malformed(key: &str, value: &str, wanted: &str) -> Error {
    Error::bad_request("setting_malformed", format!("'{key}' cannot be '{value}'; it is {wanted}"))
}

fn unknown(key: &str) -> Error {
    let known = "lexical_weight, candidates, refine_depth, feedback_weight, neighbour_weight, links_weight, \
                 rerank_depth, suppress_duplicates";
    Error::bad_request("setting_unknown", format!("'{key}' is no setting of retrieval; there are {known}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(setting: &str) -> std::result::Result<Config, &'static str> {
        let mut config = Config::default();
        config.set(setting).map(|()| config).map_err(|error| error.code)
    }

    #[test]
    fn settings_are_taken_from_text() {
        assert_eq!(set("lexical_weight=0.3").unwrap().lexical_weight, 0.3);
        assert_eq!(set("neighbour_weight=0").unwrap().refinement.neighbour_weight, 0.0);
        assert_eq!(set("refine_depth=9999").unwrap().refinement.depth, REFINE_DEPTH_MAX);
        assert_eq!(set("candidates = 50").unwrap().candidates, 50);
        assert!(!set("suppress_duplicates=false").unwrap().suppress_duplicates);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(set("colour=red"), Err("setting_unknown"));
        for wrong in
            ["lexical_weight=2", "lexical_weight=NaN", "candidates=0", "candidates", "candidates=1e9"]
        {
            assert_eq!(set(wrong), Err("setting_malformed"), "{wrong}");
        }
    }
}
