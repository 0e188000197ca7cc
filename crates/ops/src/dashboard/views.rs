//! The five views: overview, performance, quality, security, business.

use super::panel::{hourly, level, quantile, rate, rate_where, ratio, share};
use super::{Panel, Unit, View};
use crate::metric::list;

/// Every view, the first is the one to begin with.
#[must_use]
pub fn views() -> Vec<View> {
    vec![overview(), performance(), quality(), security(), business()]
}

fn overview() -> View {
    View {
        name: "overview",
        title: "Ibid: overview",
        panels: vec![
            Panel::new("Requests", Unit::PerSecond, vec![rate(&list::HTTP_REQUESTS, "route")]),
            Panel::new(
                "Failed requests",
                Unit::PerSecond,
                vec![rate_where(&list::HTTP_REQUESTS, "status", "5..", "route")],
            ),
            Panel::new(
                "Time of answers",
                Unit::Seconds,
                vec![quantile(&list::ANSWER_DURATION, 50, ""), quantile(&list::ANSWER_DURATION, 95, "")],
            ),
            Panel::new("Questions", Unit::Number, vec![hourly(&list::ANSWERS, "outcome")]),
            Panel::new(
                "Work that waits",
                Unit::Number,
                vec![
                    level(&list::INDEX_LAG, ""),
                    level(&list::FLOW_WAITING, ""),
                    level(&list::JOBS, "state"),
                ],
            ),
            Panel::new(
                "Memory",
                Unit::Bytes,
                vec![level(&list::PROCESS_MEMORY, ""), level(&list::PROCESS_MEMORY_MAX, "")],
            ),
            Panel::new(
                "Processor",
                Unit::Number,
                vec![rate(&list::PROCESS_CPU, ""), level(&list::PROCESS_CORES, "")],
            ),
            Panel::new(
                "Disk",
                Unit::Bytes,
                vec![level(&list::DISK_FREE, ""), level(&list::STORE_BYTES, "file")],
            ),
            Panel::new(
                "Warnings and errors in the log",
                Unit::Number,
                vec![hourly(&list::LOG_EVENTS, "level")],
            ),
            Panel::new("Background tasks", Unit::Number, vec![level(&list::TASKS, "state")]),
        ],
    }
}

fn performance() -> View {
    View {
        name: "performance",
        title: "Ibid: performance",
        panels: vec![
            Panel::new(
                "Time of requests, p95",
                Unit::Seconds,
                vec![quantile(&list::HTTP_DURATION, 95, "route")],
            ),
            Panel::new(
                "Requests and streams in work",
                Unit::Number,
                vec![level(&list::HTTP_RUNNING, ""), level(&list::HTTP_STREAMS, "")],
            ),
            Panel::new(
                "Places taken, and who waits for one",
                Unit::Number,
                vec![level(&list::QUEUE_RUNNING, "queue"), level(&list::QUEUE_WAITING, "queue")],
            ),
            Panel::new(
                "Refused for want of a place",
                Unit::Number,
                vec![hourly(&list::QUEUE_REFUSALS, "reason")],
            ),
            Panel::new(
                "Time of searches",
                Unit::Seconds,
                vec![quantile(&list::SEARCH_DURATION, 50, ""), quantile(&list::SEARCH_DURATION, 95, "")],
            ),
            Panel::new(
                "Steps of searches, p95",
                Unit::Seconds,
                vec![quantile(&list::SEARCH_STEP_DURATION, 95, "step")],
            ),
            Panel::new(
                "Time of recall from memory",
                Unit::Seconds,
                vec![
                    quantile(&list::MEMORY_RECALL_DURATION, 50, ""),
                    quantile(&list::MEMORY_RECALL_DURATION, 95, ""),
                ],
            ),
            Panel::new(
                "Episodes and facts of memory",
                Unit::PerSecond,
                vec![rate(&list::MEMORY_EPISODES, "outcome"), rate(&list::MEMORY_FACTS, "outcome")],
            ),
            Panel::new(
                "What memory has yet to do",
                Unit::Seconds,
                vec![level(&list::MEMORY_WAITING_AGE, ""), level(&list::MEMORY_LOG_HELD_AGE, "")],
            ),
            Panel::new(
                "Questions to memory, requests to forget, jobs that gave up",
                Unit::Number,
                vec![
                    hourly(&list::MEMORY_RECALLS, "outcome"),
                    hourly(&list::MEMORY_FORGOTTEN, "what"),
                    level(&list::MEMORY_GIVEN_UP, ""),
                ],
            ),
            Panel::new("Calls of models", Unit::PerSecond, vec![rate(&list::MODEL_REQUESTS, "provider")]),
            Panel::new(
                "Failures of models",
                Unit::PerSecond,
                vec![rate_where(&list::MODEL_REQUESTS, "outcome", ".*_.*", "outcome")],
            ),
            Panel::new(
                "Time of models, p95",
                Unit::Seconds,
                vec![quantile(&list::MODEL_DURATION, 95, "provider")],
            ),
            Panel::new(
                "First token, p95",
                Unit::Seconds,
                vec![quantile(&list::MODEL_FIRST_TOKEN, 95, "provider")],
            ),
            Panel::new("Models at work", Unit::Number, vec![level(&list::MODEL_RUNNING, "provider")]),
            Panel::new("Steps of flows", Unit::PerSecond, vec![rate(&list::FLOW_EFFECTS, "node")]),
            Panel::new(
                "Time of steps of flows, p95",
                Unit::Seconds,
                vec![quantile(&list::FLOW_EFFECT_DURATION, 95, "node")],
            ),
            Panel::new(
                "Store",
                Unit::PerSecond,
                vec![rate(&list::STORE_BATCHES, ""), rate(&list::STORE_QUERIES, "")],
            ),
            Panel::new(
                "Time of the store, p95",
                Unit::Seconds,
                vec![
                    quantile(&list::STORE_BATCH_DURATION, 95, ""),
                    quantile(&list::STORE_QUERY_DURATION, 95, ""),
                ],
            ),
            Panel::new("Original files", Unit::PerSecond, vec![rate(&list::BLOB_REQUESTS, "operation")]),
            Panel::new(
                "Threads and open files",
                Unit::Number,
                vec![level(&list::PROCESS_THREADS, ""), level(&list::PROCESS_FILES, "")],
            ),
        ],
    }
}

fn quality() -> View {
    View {
        name: "quality",
        title: "Ibid: quality",
        panels: vec![
            Panel::new(
                "Coverage: claims with support",
                Unit::Share,
                vec![share(&list::CLAIMS, "verdict", "supported", "supported|unsupported")],
            ),
            Panel::new("Claims", Unit::Number, vec![hourly(&list::CLAIMS, "verdict")]),
            Panel::new(
                "Confidence of answers",
                Unit::Share,
                vec![quantile(&list::ANSWER_CONFIDENCE, 10, ""), quantile(&list::ANSWER_CONFIDENCE, 50, "")],
            ),
            Panel::new(
                "Abstentions",
                Unit::Share,
                vec![share(&list::ANSWERS, "outcome", "abstained", "answered|abstained")],
            ),
            Panel::new("Failed answers", Unit::Share, vec![share(&list::ANSWERS, "outcome", "failed", ".*")]),
            Panel::new("Feedback", Unit::Number, vec![hourly(&list::FEEDBACK, "rating")]),
            Panel::new("Good feedback", Unit::Share, vec![share(&list::FEEDBACK, "rating", "up", "up|down")]),
            Panel::new("Citations", Unit::Number, vec![hourly(&list::CITATIONS, "")]),
        ],
    }
}

fn security() -> View {
    View {
        name: "security",
        title: "Ibid: security",
        panels: vec![
            Panel::new("Requests refused", Unit::Number, vec![hourly(&list::AUTH_REFUSALS, "code")]),
            Panel::new(
                "Audit log not sent yet",
                Unit::Seconds,
                vec![level(&list::AUDIT_UNSENT_AGE, "receiver")],
            ),
            Panel::new(
                "Answers 401, 403 and 429",
                Unit::PerSecond,
                vec![rate_where(&list::HTTP_REQUESTS, "status", "401|403|429", "status")],
            ),
            Panel::new(
                "Answers 4xx by route",
                Unit::PerSecond,
                vec![rate_where(&list::HTTP_REQUESTS, "status", "4..", "route")],
            ),
            Panel::new("Keys", Unit::Number, vec![level(&list::AUTH_KEYS, "")]),
            Panel::new(
                "Deletions",
                Unit::PerSecond,
                vec![rate_where(&list::HTTP_REQUESTS, "method", "DELETE", "route")],
            ),
            Panel::new("Errors in the log", Unit::Number, vec![hourly(&list::LOG_EVENTS, "level")]),
        ],
    }
}

fn business() -> View {
    View {
        name: "business",
        title: "Ibid: business",
        panels: vec![
            Panel::new("Questions an hour", Unit::Number, vec![hourly(&list::ANSWERS, "")]),
            Panel::new("Questions by mode", Unit::Number, vec![hourly(&list::ANSWERS, "mode")]),
            Panel::new("Looks for kept answers", Unit::Number, vec![hourly(&list::KEPT_LOOKS, "found")]),
            Panel::new("Searches an hour", Unit::Number, vec![hourly(&list::SEARCHES, "")]),
            Panel::new(
                "Documents",
                Unit::Number,
                vec![level(&list::STORE_DOCUMENTS, ""), level(&list::STORE_CHUNKS, "")],
            ),
            Panel::new("Documents ingested an hour", Unit::Number, vec![hourly(&list::INGESTED, "outcome")]),
            Panel::new("Tokens an hour", Unit::Number, vec![hourly(&list::MODEL_TOKENS, "direction")]),
            Panel::new("Money an hour", Unit::Dollars, vec![hourly(&list::MODEL_COST, "provider")]),
            Panel::new("Runs of flows", Unit::Number, vec![hourly(&list::FLOW_RUNS, "state")]),
            Panel::new("Disk in use", Unit::Share, vec![ratio(&list::DISK_FREE, &list::DISK_TOTAL)]),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric;

    /// Words of an expression that begin as our metrics do.
    fn names(expression: &str) -> impl Iterator<Item = &str> {
        expression
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .filter(|word| word.starts_with("ibid_"))
    }

    #[test]
    fn panels_name_metrics_and_labels_that_there_are() {
        for view in views() {
            for query in view.panels.iter().flat_map(|panel| &panel.queries) {
                let expression = &query.expression;
                assert!(!expression.contains("no_such_label"), "{}: {expression}", view.name);
                assert!(names(expression).count() > 0, "{expression}");
                for name in names(expression) {
                    assert!(metric::find(name).is_some(), "{}: {name}", view.name);
                }
            }
        }
    }

    #[test]
    fn every_metric_of_answers_and_models_is_on_a_view() {
        let shown: Vec<&str> = views()
            .iter()
            .flat_map(|view| {
                view.panels.iter().flat_map(|panel| panel.queries.iter().map(|query| query.entry.name))
            })
            .collect();
        for entry in metric::all() {
            let wanted = entry.name.starts_with("ibid_chat_");
            assert!(!wanted || shown.contains(&entry.name), "{} is on no dashboard", entry.name);
        }
    }
}
