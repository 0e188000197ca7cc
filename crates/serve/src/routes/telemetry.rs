//! Metrics over time, and the level of the log.

use std::collections::BTreeMap;

use ibid_api::ops::{Line, LogLevel, Point, Series};
use ibid_api::problem::Problem;
use ibid_ops::metric::{self, Kind};
use ibid_ops::series::{How, Range, Selector};
use ibid_types::{Error, Result, Timestamp};

use crate::access::Caller;
use crate::audit::Noted;
use crate::http::{Answered, Json, Parameters, respond};
use crate::{App, telemetry};

/// Points of a chart where no step is asked for.
const POINTS_USUAL: i64 = 120;
const DAY_MS: i64 = 86_400_000;
/// Lines of one chart at most; the rest is left out.
const LINES_MAX: usize = 50;
/// Parameters that are not labels.
const OWN: [&str; 6] = ["name", "how", "by", "from", "to", "step"];

/// Gives a metric of the last 30 days over time.
///
/// Every other parameter is a label and what it must be: a value, `a|b`, or `5*`.
#[utoipa::path(get, path = "/v1/ops/series", tag = "operations", params(
    ("name" = String, Query, description = "A metric of `docs/metrics.md`, of a histogram without suffix"),
    ("how" = Option<String>, Query, description = "`average` or `max` (gauges), `rate` or `increase` (counters), `p50` to `p99` (histograms)"),
    ("by" = Option<String>, Query, description = "A label; each of its values becomes a line"),
    ("from" = Option<String>, Query, description = "RFC 3339, or seconds since 1970; a day ago without it"),
    ("to" = Option<String>, Query, description = "RFC 3339, or seconds since 1970; now without it"),
    ("step" = Option<i64>, Query, description = "Seconds between two points; a 120th of the range without it")),
    responses((status = 200, body = Series), (status = "default", body = Problem)))]
pub async fn series(
    app: Caller,
    Parameters(asked): Parameters<BTreeMap<String, String>>,
) -> Answered<axum::Json<Series>> {
    respond(&app, move |app| read_series(app, &asked)).await
}

fn read_series(app: &App, asked: &BTreeMap<String, String>) -> Result<Series> {
    let kept = app.series().ok_or_else(|| {
        Error::unavailable("series_missing", "no metrics are kept here; start a server with `ibid serve`")
    })?;
    let name = asked.get("name").map_or("", String::as_str);
    let (how_name, how) = how(name, asked.get("how").map(String::as_str))?;
    let to = time(asked, "to")?.unwrap_or_else(|| app.clock.now());
    let from = time(asked, "from")?.unwrap_or_else(|| to.plus_ms(-DAY_MS));
    let step_ms = step_ms(asked, to.0 - from.0)?;
    let labels = asked.iter().filter(|(label, _)| !OWN.contains(&label.as_str()));
    let selector = labels.fold(Selector::new(name), |selector, (label, wanted)| selector.with(label, wanted));
    let range = Range { selector, how, from, to, step_ms };
    let lines = match asked.get("by") {
        None => vec![line(kept, &range, String::new())?],
        Some(by) => {
            let values = kept.label_values(&range, by).into_iter().take(LINES_MAX);
            let of = |value: String| {
                let selector = range.selector.clone().with(by, &value);
                line(kept, &Range { selector, ..range.clone() }, value)
            };
            values.map(of).collect::<Result<_>>()?
        }
    };
    Ok(Series { name: name.to_owned(), how: how_name, step: step_ms / 1000, lines })
}

fn line(kept: &ibid_ops::series::Series, range: &Range, label: String) -> Result<Line> {
    let points =
        kept.range(range)?.into_iter().map(|point| Point { at: point.at / 1000, value: point.value });
    Ok(Line { label, points: points.collect() })
}

/// What is asked of the metric, with its name. Errors: `metric_unknown`, `series_how`.
fn how(name: &str, asked: Option<&str>) -> Result<(String, How)> {
    let entry = metric::find(name).ok_or_else(|| {
        Error::not_found("metric_unknown", format!("there is no metric '{name}'; docs/metrics.md lists them"))
    })?;
    let is_histogram = matches!(entry.kind, Kind::Histogram(_)) && entry.name == name;
    let usual = match entry.kind {
        Kind::Gauge => "average",
        Kind::Histogram(_) if is_histogram => "p95",
        Kind::Counter | Kind::Histogram(_) => "rate",
    };
    let asked = asked.unwrap_or(usual);
    let is_gauge = entry.kind == Kind::Gauge;
    let how = match asked {
        "average" if is_gauge => Some(How::Average),
        "max" if is_gauge => Some(How::Max),
        "rate" if !is_gauge && !is_histogram => Some(How::Rate),
        "increase" if !is_gauge && !is_histogram => Some(How::Increase),
        _ => quantile(asked).filter(|_| is_histogram).map(How::Quantile),
    };
    let how = how.ok_or_else(|| {
        let what = format!(
            "'{asked}' cannot be asked of {name}; gauges have average and max, counters rate and increase, histograms p50 to p99"
        );
        Error::bad_request("series_how", what)
    })?;
    Ok((asked.to_owned(), how))
}

/// `p95` is 0.95.
fn quantile(text: &str) -> Option<f64> {
    let percent = text.strip_prefix('p')?.parse::<u8>().ok().filter(|percent| (1..=99).contains(percent))?;
    Some(f64::from(percent) / 100.0)
}

fn time(asked: &BTreeMap<String, String>, parameter: &str) -> Result<Option<Timestamp>> {
    let Some(text) = asked.get(parameter) else { return Ok(None) };
    let read = match text.parse::<i64>() {
        Ok(seconds) => seconds.checked_mul(1000).map(Timestamp),
        Err(_) => text.parse().ok(),
    };
    read.map(Some).ok_or_else(|| {
        let what = format!("'{parameter}' is no time; write 2026-11-21T08:00:00Z, or seconds since 1970");
        Error::bad_request("parameter_malformed", what)
    })
}

/// Whole seconds, at least one.
fn step_ms(asked: &BTreeMap<String, String>, range_ms: i64) -> Result<i64> {
    let usual = (range_ms / POINTS_USUAL / 1000).max(1);
    let step = asked
        .get("step")
        .map_or(Ok(usual), |text| text.parse::<i64>())
        .map_err(|_| Error::bad_request("parameter_malformed", "'step' is a whole number of seconds"))?;
    Ok(step.saturating_mul(1000))
}

/// Shows the level of the log.
#[utoipa::path(get, path = "/v1/ops/log-level", tag = "operations",
    responses((status = 200, body = LogLevel), (status = "default", body = Problem)))]
pub async fn log_level(app: Caller) -> Answered<axum::Json<LogLevel>> {
    respond(&app, |_| Ok(LogLevel { level: telemetry::level() })).await
}

/// Changes the level of the log until the next start.
#[utoipa::path(put, path = "/v1/ops/log-level", tag = "operations", request_body = LogLevel,
    responses((status = 200, body = LogLevel), (status = "default", body = Problem)))]
pub async fn log_level_change(
    app: Caller,
    noted: Noted,
    Json(wanted): Json<LogLevel>,
) -> Answered<axum::Json<LogLevel>> {
    noted.say(&format!("to {}", wanted.level));
    respond(&app, move |_| {
        telemetry::set_level(&wanted.level)?;
        tracing::warn!(to = wanted.level, "the level of the log was changed");
        Ok(wanted)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str, asked: &str) -> &'static str {
        how(name, Some(asked)).unwrap_err().code
    }

    #[test]
    fn each_kind_of_metric_has_its_questions() {
        let usual = |name| how(name, None).unwrap().0;
        assert_eq!(usual("ibid_index_lag_entries"), "average");
        assert_eq!(usual("ibid_http_requests_total"), "rate");
        assert_eq!(usual("ibid_http_request_duration_seconds"), "p95");
        assert_eq!(usual("ibid_http_request_duration_seconds_count"), "rate");
        assert_eq!(refused("ibid_index_lag_entries", "rate"), "series_how");
        assert_eq!(refused("ibid_http_requests_total", "p95"), "series_how");
        assert_eq!(refused("ibid_http_request_duration_seconds", "p100"), "series_how");
        assert_eq!(refused("ibid_nothing", "rate"), "metric_unknown");
    }

    #[test]
    fn a_time_is_a_number_or_a_text() {
        let read = |text: &str| time(&BTreeMap::from([("to".to_owned(), text.to_owned())]), "to");
        assert_eq!(read("1767225600").unwrap(), Some(Timestamp(1_767_225_600_000)));
        assert_eq!(read("2026-01-01T00:00:00Z").unwrap(), Some(Timestamp(1_767_225_600_000)));
        assert_eq!(read("soon").unwrap_err().code, "parameter_malformed");
    }
}
