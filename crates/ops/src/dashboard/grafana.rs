//! A view as Grafana reads it (dashboard schema 39, Grafana 10 and later).

use serde_json::{Value, json};

use super::{Panel, Query, Unit, View};

/// Grafana's grid is 24 wide; two panels a row.
const WIDTH: usize = 12;
const HEIGHT: usize = 8;

/// The dashboard as JSON, ready for the folder of Grafana's provisioning.
#[must_use]
pub fn grafana(view: &View) -> String {
    let panels: Vec<Value> = view.panels.iter().enumerate().map(|(at, panel)| of_panel(at, panel)).collect();
    let dashboard = json!({
        "uid": format!("ibid-{}", view.name),
        "title": view.title,
        "tags": ["ibid"],
        "schemaVersion": 39,
        "version": 1,
        "editable": true,
        "refresh": "30s",
        "time": { "from": "now-24h", "to": "now" },
        "templating": { "list": [{
            "name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus",
        }] },
        "links": [{ "type": "dashboards", "tags": ["ibid"], "title": "Ibid", "asDropdown": true }],
        "panels": panels,
    });
    let mut text = serde_json::to_string_pretty(&dashboard).unwrap_or_default();
    text.push('\n');
    text
}

fn of_panel(at: usize, panel: &Panel) -> Value {
    let targets: Vec<Value> = panel.queries.iter().zip('A'..).map(|(query, id)| target(query, id)).collect();
    let mut told: Vec<String> = Vec::new();
    for query in &panel.queries {
        let sentence = format!("{}: {}.", query.entry.name, query.entry.help);
        if !told.contains(&sentence) {
            told.push(sentence);
        }
    }
    json!({
        "id": at + 1,
        "type": "timeseries",
        "title": panel.title,
        "description": told.join("\n"),
        "datasource": { "type": "prometheus", "uid": "${source}" },
        "gridPos": { "x": at % 2 * WIDTH, "y": at / 2 * HEIGHT, "w": WIDTH, "h": HEIGHT },
        "fieldConfig": { "defaults": { "unit": unit(panel.unit), "min": 0 }, "overrides": [] },
        "targets": targets,
    })
}

fn target(query: &Query, id: char) -> Value {
    json!({ "refId": id.to_string(), "expr": query.expression, "legendFormat": query.legend })
}

/// By the names of Grafana.
const fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Number => "short",
        Unit::PerSecond => "ops",
        Unit::Seconds => "s",
        Unit::Bytes => "bytes",
        Unit::Share => "percentunit",
        Unit::Dollars => "currencyUSD",
    }
}
