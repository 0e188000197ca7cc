//! The text format of Prometheus, version 0.0.4.

use std::fmt::Write;

use super::Kind;
use super::registry::{Figure, bound_texts};

/// Figures of one metric must lie together.
pub fn text(figures: &[Figure]) -> String {
    let mut text = String::new();
    for metric in figures.chunk_by(|one, next| one.entry.name == next.entry.name) {
        let entry = metric[0].entry;
        let kind = match entry.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        };
        let help = entry.help.replace('\\', "\\\\").replace('\n', "\\n");
        let _ = writeln!(text, "# HELP {} {help}\n# TYPE {} {kind}", entry.name, entry.name);
        metric.iter().for_each(|figure| write_figure(&mut text, figure));
    }
    text
}

fn write_figure(text: &mut String, figure: &Figure) {
    let name = figure.entry.name;
    let labels: Vec<(&str, &str)> =
        figure.entry.labels.iter().copied().zip(figure.labels.iter().map(String::as_str)).collect();
    let Kind::Histogram(bounds) = figure.entry.kind else {
        return write_line(text, name, "", &labels, figure.value);
    };
    let mut up_to = 0;
    for (count, bound) in figure.counts.iter().zip(bound_texts(bounds)) {
        up_to += count;
        let mut labels = labels.clone();
        labels.push(("le", &bound));
        write_line(text, name, "_bucket", &labels, up_to as f64);
    }
    write_line(text, name, "_sum", &labels, figure.value);
    write_line(text, name, "_count", &labels, up_to as f64);
}

fn write_line(text: &mut String, name: &str, suffix: &str, labels: &[(&str, &str)], value: f64) {
    text.push_str(name);
    text.push_str(suffix);
    for (at, (label, value)) in labels.iter().enumerate() {
        text.push(if at == 0 { '{' } else { ',' });
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let _ = write!(text, "{label}=\"{value}\"");
    }
    let _ = writeln!(text, "{} {value}", if labels.is_empty() { "" } else { "}" });
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::metric::{Registry, list};

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let registry = Registry::new();
        registry.count(&list::FEEDBACK, ["a \"b\"\\\n"]);
        registry.set(&list::INDEX_LAG, [], 2.0);
        registry.observe(&list::ANSWER_CONFIDENCE, [], 0.85);
        let text = registry.text();
        let of = |name: &str| -> String {
            text.lines().filter(|line| line.contains(name)).map(|line| format!("{line}\n")).collect()
        };
        expect![[r#"
            # HELP ibid_chat_feedback_total What people said of answers, by rating (up, down, neutral)
            # TYPE ibid_chat_feedback_total counter
            ibid_chat_feedback_total{rating="a \"b\"\\\n"} 1
        "#]]
        .assert_eq(&of("feedback"));
        expect![[r#"
            ibid_index_lag_entries 2
        "#]]
        .assert_eq(&of("index_lag_entries 2"));
        assert!(text.contains("confidence_ratio_bucket{le=\"0.8\"} 0\n"));
        assert!(text.contains("confidence_ratio_bucket{le=\"0.9\"} 1\n"));
        assert!(text.contains(
            "confidence_ratio_bucket{le=\"+Inf\"} 1\nibid_chat_answer_confidence_ratio_sum 0.85\n"
        ));
    }
}
