//! What is remembered, recalled and forgotten.

use super::SECONDS;

room! {
    MEMORY_EPISODES: Counter<1> = ("ibid_memory_episodes_total", &["outcome"],
        "Episodes that were looked at for what they say, by outcome (read, failed)");
    MEMORY_FACTS: Counter<1> = ("ibid_memory_facts_total", &["outcome"],
        "Facts that were found or stated, by outcome: recorded, merged (known already), and those that newer ones closed");
    MEMORY_WAITING_AGE: Gauge<0> = ("ibid_memory_waiting_age_seconds", &[],
        "How long the first of the episodes that wait to be read waits; 0 where none does");
    MEMORY_GIVEN_UP: Gauge<0> = ("ibid_memory_jobs_failed", &[],
        "Jobs to read episodes that gave up, of the last 7 days; `ibid jobs retry --failed remember` tries them again");
    MEMORY_RECALLS: Counter<1> = ("ibid_memory_recalls_total", &["outcome"],
        "Questions to memory, by outcome (done, failed)");
    MEMORY_RECALL_DURATION: Histogram<0> = ("ibid_memory_recall_duration_seconds", &[], SECONDS,
        "Time of a question to memory, embedding it among it");
    MEMORY_FORGOTTEN: Counter<1> = ("ibid_memory_forgotten_total", &["what"],
        "Requests to forget that were carried out, by what was named (fact, entity, episode, range, everything)");
    MEMORY_LOG_HELD_AGE: Gauge<0> = ("ibid_memory_log_held_age_seconds", &[],
        "How long the log of the database holds what was forgotten, because somebody reads an older state; 0 where it holds nothing");
}
