//! The rules of an installation: the default ones that are not left out, those of the objectives, and the operator's own.

use std::collections::BTreeMap;
use std::time::Duration;

use ibid_config::{AlertRule, Config, Divisor};
use ibid_types::{Error, Result};

use crate::alert::{Condition, Expression, Rule, Severity, default_rules};
use crate::metric;
use crate::series::Selector;
use crate::slo;

/// Every rule that is looked at. Errors: `alert_rule_metric`, `alert_rule_unknown`.
pub fn rules(config: &Config) -> Result<Vec<Rule>> {
    let alerts = &config.alerts;
    let mut all = default_rules(alerts.usd_a_day);
    all.extend(slo::objectives(&config.slo).iter().flat_map(slo::Objective::rules));
    if let Some(unknown) = alerts.disabled.iter().find(|name| all.iter().all(|rule| rule.name != **name)) {
        let what = format!("alerts.disabled names '{unknown}', which is no rule; see `ibid alerts rules`");
        return Err(Error::bad_request("alert_rule_unknown", what));
    }
    all.retain(|rule| !alerts.disabled.contains(&rule.name));
    for own in &alerts.rules {
        let rule = own_rule(own)?;
        // One of the same name takes the place of a default one.
        all.retain(|other| other.name != rule.name);
        all.push(rule);
    }
    Ok(all)
}

fn own_rule(own: &AlertRule) -> Result<Rule> {
    let value = measured(own, &own.metric, &own.labels, &own.measure)?;
    let divided = own.divided_by.as_ref().map(|by| divisor(own, by)).transpose()?;
    let measure = match &divided {
        Some((whole, _)) => Expression::ratio(value, whole.clone()),
        None => value,
    };
    let condition = match (own.above, own.below) {
        (Some(limit), _) => Condition::above(measure, limit),
        (None, limit) => Condition::below(measure, limit.unwrap_or_default()),
    };
    let enough =
        divided.filter(|(_, least)| *least > 0.0).map(|(whole, least)| Condition::at_least(whole, least));
    let severity = Severity::read(&own.severity)?;
    Ok(Rule {
        name: own.name.clone(),
        severity,
        conditions: std::iter::once(condition).chain(enough).collect(),
        each: each(own)?,
        hold: Duration::from_secs(own.hold_seconds),
        summary: own.summary.clone(),
        runbook: own.runbook.clone(),
        priority: (severity == Severity::Critical).then_some(1),
        // A part of what it is divided by, and not something for each of another thing.
        is_share: own.divided_by.as_ref().is_some_and(|by| by.metric == own.metric),
    })
}

/// The divisor, and what it must be at least.
fn divisor(own: &AlertRule, by: &Divisor) -> Result<(Expression, f64)> {
    let measure = by.measure.as_deref().unwrap_or(&own.measure);
    Ok((measured(own, &by.metric, &by.labels, measure)?, by.at_least))
}

fn measured(
    own: &AlertRule,
    metric: &str,
    labels: &BTreeMap<String, String>,
    measure: &str,
) -> Result<Expression> {
    let entry = metric::find(metric).ok_or_else(|| wrong(own, metric, "there is no such metric"))?;
    if let Some(label) = labels.keys().find(|label| !entry.labels.contains(&label.as_str())) {
        return Err(wrong(own, metric, &format!("it has no label '{label}'")));
    }
    let of = Selector { name: metric.to_owned(), labels: labels.clone() };
    let window = Duration::from_secs(own.window_seconds.max(1));
    Ok(match measure {
        "increase" => Expression::Increase(of, window),
        "rate" => Expression::Rate(of, window),
        "average" => Expression::Average(of, window),
        "quantile" => Expression::Quantile(own.quantile, of, window),
        _ => Expression::Value(of),
    })
}

fn each(own: &AlertRule) -> Result<Option<String>> {
    if own.each.is_empty() {
        return Ok(None);
    }
    let has = metric::find(&own.metric).is_some_and(|entry| entry.labels.contains(&own.each.as_str()));
    if has {
        Ok(Some(own.each.clone()))
    } else {
        Err(wrong(own, &own.metric, &format!("it has no label '{}'", own.each)))
    }
}

fn wrong(own: &AlertRule, metric: &str, what: &str) -> Error {
    let what = format!("the alert rule '{}' watches {metric}: {what}; docs/metrics.md lists all", own.name);
    Error::bad_request("alert_rule_metric", what)
}

#[cfg(test)]
mod tests {
    use ibid_config::Layers;
    use ibid_types::Timestamp;

    use super::*;
    use crate::metric::{Registry, list};
    use crate::series::Series;

    fn read(flags: &[&str]) -> Result<Vec<Rule>> {
        let mut layers = Layers::defaults().unwrap();
        flags.iter().for_each(|flag| layers.flag(flag));
        rules(&layers.finish().unwrap().0)
    }

    #[test]
    fn a_default_rule_can_be_left_out_or_replaced() {
        let usual = read(&[]).unwrap().len();
        assert_eq!(read(&["alerts.disabled=['high-cpu']"]).unwrap().len(), usual - 1);
        let own =
            "{name='high-cpu', severity='info', metric='ibid_process_cpu_cores', above=1.0, summary='x'}";
        assert_eq!(read(&[&format!("alerts.rules=[{own}]")]).unwrap().len(), usual);
        assert_eq!(read(&["alerts.disabled=['no-such']"]).unwrap_err().code, "alert_rule_unknown");
    }

    #[test]
    fn a_rule_over_what_is_not_measured_is_refused() {
        let own = |metric: &str, labels: &str| {
            let rule = format!(
                "{{name='own', severity='info', metric='{metric}', labels={labels}, above=1.0, summary='x'}}"
            );
            read(&[&format!("alerts.rules=[{rule}]")])
        };
        assert!(own("ibid_chat_answers_total", "{mode='extractive'}").is_ok());
        assert_eq!(own("ibid_chat_answers_total", "{colour='red'}").unwrap_err().code, "alert_rule_metric");
        assert_eq!(own("ibid_chat_guesses_total", "{}").unwrap_err().code, "alert_rule_metric");
    }

    const RATIO: &str = "{name='unsaid', severity='warning', metric='ibid_chat_answers_total', labels={outcome='abstained'}, \
        measure='increase', window_seconds=600, divided_by={metric='ibid_chat_answers_total', at_least=5.0}, above=0.5, \
        summary='{value} of the questions were not answered'}";

    #[test]
    fn a_share_of_two_metrics_is_told_once_there_is_enough() {
        let rules = read(&[&format!("alerts.rules=[{RATIO}]")]).unwrap();
        let rule = rules.iter().find(|rule| rule.name == "unsaid").unwrap();
        let (registry, series) = (Registry::new(), Series::in_memory());
        let mut now = Timestamp(1_767_225_600_000);
        let mut look = |outcome: &str, count: f64| {
            registry.grow(&list::ANSWERS, ["extractive", outcome], count);
            now = now.plus_ms(15_000);
            series.append(now, &registry.readings()).unwrap();
            rule.met(&series.at(now), now).first().map(|(subject, value)| rule.told(subject, *value))
        };
        registry.grow(&list::ANSWERS, ["extractive", "abstained"], 1.0);
        assert_eq!(look("answered", 1.0), None);
        assert_eq!(look("abstained", 2.0), None, "too few to tell");
        assert_eq!(look("abstained", 4.0).unwrap(), "87.5 % of the questions were not answered");
        assert_eq!(look("answered", 9.0), None);
    }

    #[test]
    fn a_ratio_names_what_there_is() {
        let code = |from: &str, to: &str| {
            read(&[&format!("alerts.rules=[{}]", RATIO.replacen(from, to, 1))]).map(|_| ()).unwrap_err().code
        };
        assert_eq!(
            code("divided_by={metric='ibid_chat_answers_total'", "divided_by={metric='ibid_x'"),
            "alert_rule_metric"
        );
        assert_eq!(code("above=", "each='colour', above="), "alert_rule_metric");
    }
}
