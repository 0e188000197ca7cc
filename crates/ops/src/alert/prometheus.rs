//! The rules as a file of Prometheus' own rules, for those who let Prometheus and Alertmanager watch.

use std::fmt::Write;

use crate::alert::Rule;

/// YAML that `promtool check rules` takes: all rules, and one that only an outsider can have, that the server is gone.
#[must_use]
pub fn to_prometheus(rules: &[Rule]) -> String {
    let mut text =
        "# Made by `ibid alerts rules --prometheus`.\ngroups:\n  - name: ibid\n    rules:\n".to_owned();
    text.push_str(
        "      - alert: server-gone\n        expr: 'up{job=\"ibid\"} == 0'\n        for: 60s\n        labels: { severity: critical }\n        \
         annotations: { summary: \"the server does not answer Prometheus\", runbook: service-down }\n",
    );
    for rule in rules {
        let _ = writeln!(text, "      - alert: {}", rule.name);
        let _ = writeln!(text, "        expr: {}", quoted(&rule.to_promql()));
        let _ = writeln!(text, "        for: {}s", rule.hold.as_secs());
        let _ = writeln!(text, "        labels: {{ severity: {} }}", rule.severity.name());
        let value =
            if rule.is_share { "{{ $value | humanizePercentage }}" } else { "{{ $value | humanize }}" };
        let subject =
            rule.each.as_ref().map_or_else(String::new, |label| format!("{{{{ $labels.{label} }}}}"));
        let summary = rule.summary.replace("{value}", value).replace("{subject}", &subject);
        let _ = writeln!(
            text,
            "        annotations: {{ summary: {}, runbook: {} }}",
            quoted(&summary),
            quoted(&rule.runbook)
        );
    }
    text
}

/// A YAML scalar in single quotes, in which only they are special.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
