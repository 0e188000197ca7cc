//! What is remembered of people, and for how long.

use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    pub in_answers: bool,
    pub reader: String,
    pub merge_cosine: f32,
    pub importance_min: f32,
    pub episode_bytes_max: usize,
    pub episodes_max: usize,
    /// Events of one request.
    pub events_max: usize,
    pub keep_chat_days: u32,
    pub keep_user_days: u32,
    pub keep_logs_days: u32,
    pub keep_analytics_days: u32,
    pub fade_days: u32,
}

impl Memory {
    pub(crate) fn problems(&self, must: &mut dyn FnMut(bool, &str, &str)) {
        must(!self.reader.is_empty(), "memory.reader", "\"rules\", \"auto\", or a chat model by its name");
        must((0.5..=1.0).contains(&self.merge_cosine), "memory.merge_cosine", "0.5 to 1");
        must((0.0..=1.0).contains(&self.importance_min), "memory.importance_min", "0 to 1");
        must((1..=1 << 20).contains(&self.episode_bytes_max), "memory.episode_bytes_max", "1 to 1048576");
        must((1..=10_000).contains(&self.episodes_max), "memory.episodes_max", "1 to 10000");
        must((1..=10_000).contains(&self.events_max), "memory.events_max", "1 to 10000");
        let days = [
            ("memory.keep_chat_days", self.keep_chat_days),
            ("memory.keep_user_days", self.keep_user_days),
            ("memory.keep_logs_days", self.keep_logs_days),
            ("memory.keep_analytics_days", self.keep_analytics_days),
            ("memory.fade_days", self.fade_days),
        ];
        for (key, days) in days {
            must((1..=36_500).contains(&days), key, "1 to 36500 days");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::tried::told;

    #[test]
    fn shares_and_days_have_bounds() {
        assert_eq!(told(&["memory.merge_cosine=0.95", "memory.keep_chat_days=7"]), "fine");
        for wrong in [
            "merge_cosine=1.5",
            "importance_min=-1",
            "episode_bytes_max=0",
            "episodes_max=0",
            "events_max=0",
            "keep_user_days=0",
        ] {
            let key = wrong.split('=').next().unwrap();
            assert!(told(&[&format!("memory.{wrong}")]).contains(&format!("memory.{key}")), "{wrong}");
        }
    }
}
