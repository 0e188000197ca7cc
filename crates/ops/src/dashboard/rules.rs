//! Recording rules for Prometheus: the figures that objectives and people ask for again and again.

use std::fmt::Write;

use crate::metric::list;

/// `deploy/prometheus/recording.yml`. Names are `level:metric:operation`, as Prometheus advises.
#[must_use]
pub fn recording_rules() -> String {
    let (http, http_duration) = (list::HTTP_REQUESTS.0.name, list::HTTP_DURATION.0.name);
    let (search, answer) = (list::SEARCH_DURATION.0.name, list::ANSWER_DURATION.0.name);
    let (claims, answers) = (list::CLAIMS.0.name, list::ANSWERS.0.name);
    let (models, model_duration) = (list::MODEL_REQUESTS.0.name, list::MODEL_DURATION.0.name);
    let (feedback, first_token) = (list::FEEDBACK.0.name, list::MODEL_FIRST_TOKEN.0.name);
    let (cpu, cores) = (list::PROCESS_CPU.0.name, list::PROCESS_CORES.0.name);
    let rules = [
        ("route:ibid_http_requests:rate5m", format!("sum by (route) (rate({http}[5m]))")),
        (
            "job:ibid_http_errors:ratio_rate5m",
            format!("sum by (job) (rate({http}{{status=~\"5..\"}}[5m])) / sum by (job) (rate({http}[5m]))"),
        ),
        (
            "route:ibid_http_request_duration_seconds:p95_5m",
            format!("histogram_quantile(0.95, sum by (route, le) (rate({http_duration}_bucket[5m])))"),
        ),
        (
            "job:ibid_retrieve_search_duration_seconds:p95_5m",
            format!("histogram_quantile(0.95, sum by (job, le) (rate({search}_bucket[5m])))"),
        ),
        (
            "job:ibid_chat_answer_duration_seconds:p95_5m",
            format!("histogram_quantile(0.95, sum by (job, le) (rate({answer}_bucket[5m])))"),
        ),
        (
            "provider:ibid_model_errors:ratio_rate5m",
            format!(
                "1 - sum by (provider) (rate({models}{{outcome=\"done\"}}[5m])) / sum by (provider) (rate({models}[5m]))"
            ),
        ),
        (
            "provider:ibid_model_request_duration_seconds:p95_5m",
            format!("histogram_quantile(0.95, sum by (provider, le) (rate({model_duration}_bucket[5m])))"),
        ),
        (
            "provider:ibid_model_first_token_duration_seconds:p95_5m",
            format!("histogram_quantile(0.95, sum by (provider, le) (rate({first_token}_bucket[5m])))"),
        ),
        (
            "job:ibid_chat_coverage:ratio_1h",
            format!(
                "sum by (job) (increase({claims}{{verdict=\"supported\"}}[1h])) / sum by (job) (increase({claims}{{verdict=~\"supported|unsupported\"}}[1h]))"
            ),
        ),
        (
            "job:ibid_chat_abstentions:ratio_1h",
            format!(
                "sum by (job) (increase({answers}{{outcome=\"abstained\"}}[1h])) / sum by (job) (increase({answers}{{outcome=~\"answered|abstained\"}}[1h]))"
            ),
        ),
        (
            "job:ibid_chat_feedback_up:ratio_1d",
            format!(
                "sum by (job) (increase({feedback}{{rating=\"up\"}}[1d])) / sum by (job) (increase({feedback}{{rating=~\"up|down\"}}[1d]))"
            ),
        ),
        ("job:ibid_process_cpu:ratio_rate5m", format!("rate({cpu}[5m]) / {cores}")),
    ];
    let mut text = String::from(
        "# Made from the program's list of metrics; `IBID_WRITE=1 cargo test -p ibid-ops --test generated` writes it anew.\n\
         groups:\n  - name: ibid\n    interval: 30s\n    rules:\n",
    );
    for (name, expression) in rules {
        let _ = writeln!(text, "      - record: {name}\n        expr: {}", quoted(&expression));
    }
    text
}

/// As a YAML scalar in single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
