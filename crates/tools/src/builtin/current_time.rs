//! `current_time`: what a model cannot know.

use ibid_runtime::Clock;
use ibid_types::{Error, Result};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde_json::{Value, json};

use crate::{Tool, ToolContext, ToolSpec};

/// Input `{"zone"?}`; output `{"utc", "zone", "local", "date", "weekday"}`. Zones come from the system, and from a copy
/// that is built in where the system has none.
#[derive(Debug)]
pub struct CurrentTime {
    spec: ToolSpec,
    clock: Clock,
}

impl CurrentTime {
    /// # Errors
    /// None in practice: the schema is fixed.
    pub fn new(clock: Clock) -> Result<Self> {
        let schema = json!({
            "type": "object",
            "properties": {"zone": {
                "type": "string", "minLength": 1, "maxLength": 64,
                "description": "IANA name of a time zone, such as Europe/Berlin, or the city it is named after; UTC if it is not given",
            }},
            "additionalProperties": false,
        });
        let description = "Tells the current date and time, in UTC and in a time zone.";
        Ok(Self { spec: ToolSpec::new("current_time", description, schema)?, clock })
    }
}

impl Tool for CurrentTime {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, input: &Value, _: &ToolContext) -> Result<Value> {
        let zone = input["zone"].as_str().map_or(Ok(TimeZone::UTC), zone_named)?;
        let now = Timestamp::from_second(self.clock.now().0.div_euclid(1000)).map_err(|error| {
            Error::internal("clock_out_of_range", "the clock shows a time that has no date").caused_by(error)
        })?;
        Ok(told(now, &now.to_zoned(zone)))
    }
}

fn zone_named(name: &str) -> Result<TimeZone> {
    TimeZone::get(name).or_else(|_| TimeZone::get(&zone_of_city(name))).map_err(|_| {
        Error::bad_request(
            "time_zone_unknown",
            format!(
                "there is no time zone '{name}'; take an IANA name such as Europe/Berlin or America/New_York"
            ),
        )
    })
}

/// The zone that is named after a city: `Europe/Lisbon` for `lisbon`; nothing where none is.
fn zone_of_city(city: &str) -> String {
    let city = city.trim().replace(' ', "_");
    let is_of_city =
        |zone: &str| zone.rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case(&city));
    let zones = jiff::tz::db().available().map(|zone| zone.as_str().to_owned());
    zones.filter(|zone| zone.contains('/') && is_of_city(zone)).min().unwrap_or_default()
}

fn told(now: Timestamp, local: &Zoned) -> Value {
    json!({
        "utc": now.to_string(),
        "zone": local.time_zone().iana_name().unwrap_or("UTC"),
        "local": local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
        "date": local.date().to_string(),
        "weekday": local.strftime("%A").to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ibid_types::WorkspaceId;
    use std::time::Duration;

    /// 2026-11-21T23:30:00Z, a Saturday.
    fn call(input: Value) -> Result<Value> {
        let clock = Clock::manual("2026-11-21T23:30:00Z".parse().unwrap());
        let context = ToolContext::new(WorkspaceId::new(), "", Duration::from_secs(60));
        CurrentTime::new(clock).unwrap().call(&input, &context)
    }

    #[test]
    fn a_city_stands_for_the_zone_that_is_named_after_it() {
        assert_eq!(call(json!({ "zone": "lisbon" })).unwrap()["zone"], json!("Europe/Lisbon"));
        assert_eq!(call(json!({ "zone": "New York" })).unwrap()["zone"], json!("America/New_York"));
        assert_eq!(call(json!({ "zone": "Atlantis" })).unwrap_err().code, "time_zone_unknown");
    }

    #[test]
    fn utc_is_told_without_a_zone() {
        let told = call(json!({})).unwrap();
        assert_eq!((&told["utc"], &told["weekday"]), (&json!("2026-11-21T23:30:00Z"), &json!("Saturday")));
        assert_eq!(told["local"], json!("2026-11-21T23:30:00+00:00"));
    }

    #[test]
    fn a_zone_may_have_the_next_day() {
        let told = call(json!({"zone": "Europe/Berlin"})).unwrap();
        assert_eq!(told["local"], json!("2026-11-22T00:30:00+01:00"));
        assert_eq!((&told["date"], &told["weekday"]), (&json!("2026-11-22"), &json!("Sunday")));
    }

    #[test]
    fn an_unknown_zone_is_named() {
        let error = call(json!({"zone": "Mars/Olympus"})).unwrap_err();
        assert_eq!((error.code, error.message.contains("Mars/Olympus")), ("time_zone_unknown", true));
    }
}
