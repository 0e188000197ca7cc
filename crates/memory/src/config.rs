//! How memory is kept.

/// A day in milliseconds.
pub const DAY_MS: i64 = 24 * 3600 * 1000;

#[derive(Clone, Debug, PartialEq)]
pub struct MemoryConfig {
    /// Two facts about the same subject whose statements are at least so alike are one.
    pub merge_cosine: f32,
    /// Bytes of an episode.
    pub episode_bytes_max: usize,
    /// Episodes of one request.
    pub episodes_max: usize,
    /// What matters less is no fact worth keeping.
    pub importance_min: f32,
    pub retention: Retention,
    /// Facts that nobody used for so many days, counted by how important they are, leave recall.
    pub fade_days: u32,
}

/// For how many days what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Turns of conversations; facts that were found in them stay.
    pub chat_days: u32,
    /// What is remembered of a person and has left recall.
    pub user_days: u32,
    /// Events of editors and other programs.
    pub logs_days: u32,
    /// Receipts, and how often what was of use.
    pub analytics_days: u32,
}

impl Default for MemoryConfig {
    fn default() -> Self {
        Self {
            merge_cosine: 0.9,
            episode_bytes_max: 64 << 10,
            episodes_max: 1000,
            importance_min: 0.36,
            retention: Retention { chat_days: 30, user_days: 90, logs_days: 14, analytics_days: 365 },
            fade_days: 180,
        }
    }
}
