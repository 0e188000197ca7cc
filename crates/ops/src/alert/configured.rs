//! The rules of an installation: the default ones that are not left out, those of the objectives, and the operator's own.

use std::time::Duration;

use ibid_config::{AlertRule, Config};
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
    let entry = metric::find(&own.metric).ok_or_else(|| wrong(own, "there is no such metric"))?;
    if let Some(label) = own.labels.keys().find(|label| !entry.labels.contains(&label.as_str())) {
        return Err(wrong(own, &format!("it has no label '{label}'")));
    }
    let of = Selector { name: own.metric.clone(), labels: own.labels.clone() };
    let window = Duration::from_secs(own.window_seconds.max(1));
    let expression = match own.measure.as_str() {
        "increase" => Expression::Increase(of, window),
        "rate" => Expression::Rate(of, window),
        "average" => Expression::Average(of, window),
        "quantile" => Expression::Quantile(own.quantile, of, window),
        _ => Expression::Value(of),
    };
    let condition = match (own.above, own.below) {
        (Some(limit), _) => Condition::above(expression, limit),
        (None, limit) => Condition::below(expression, limit.unwrap_or_default()),
    };
    let severity = Severity::read(&own.severity)?;
    Ok(Rule {
        name: own.name.clone(),
        severity,
        conditions: vec![condition],
        each: None,
        hold: Duration::from_secs(own.hold_seconds),
        summary: own.summary.clone(),
        runbook: own.runbook.clone(),
        priority: (severity == Severity::Critical).then_some(1),
        is_share: false,
    })
}

fn wrong(own: &AlertRule, what: &str) -> Error {
    let what =
        format!("the alert rule '{}' watches {}: {what}; docs/metrics.md lists all", own.name, own.metric);
    Error::bad_request("alert_rule_metric", what)
}

#[cfg(test)]
mod tests {
    use ibid_config::Layers;

    use super::*;

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
}
