//! The page of the manual that lists the metrics.

use std::fmt::Write;

use super::{Kind, list};

/// `docs/metrics.md`.
#[must_use]
pub fn manual() -> String {
    let mut page = String::from(
        "# Metrics\n\n\
         `GET /metrics` gives these in the text format of Prometheus. The page is made from the program's own list; after a\n\
         change of the list `IBID_WRITE=1 cargo test -p ibid-ops --test generated` writes it anew. A metric without a value yet is not shown.\n\
         A histogram `NAME` has the series `NAME_bucket`, `NAME_sum` and `NAME_count`.\n",
    );
    for (title, entries) in list::ROOMS {
        let _ = write!(page, "\n## {title}\n| metric | kind | labels | what it says |\n|---|---|---|---|\n");
        for entry in *entries {
            let kind = match entry.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram(_) => "histogram",
            };
            let labels: Vec<String> = entry.labels.iter().map(|label| format!("`{label}`")).collect();
            let _ = writeln!(page, "| `{}` | {kind} | {} | {} |", entry.name, labels.join(" "), entry.help);
        }
    }
    page
}
