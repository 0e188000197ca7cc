//! Routes of chat models, quotas and breakers: how providers are asked.

use serde::Deserialize;

use crate::Chat;

/// What the name of a model or route must be.
pub const NAME_RULE: &str = "one of its own among models and routes; \"default\" is Ibid's";

/// Models in order, as one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatRoute {
    pub name: String,
    /// Names of `chat.models`.
    pub models: Vec<String>,
    /// The next model is asked too after so long without a first token; 0: never.
    #[serde(default)]
    pub hedge_after_ms: u64,
    /// Of each attempt; 0: as `chat` says.
    #[serde(default)]
    pub first_token_ms_max: u64,
    #[serde(default)]
    pub further_token_ms_max: u64,
    /// Of all attempts together; 0: as `chat` says.
    #[serde(default)]
    pub answer_ms_max: u64,
}

/// How much a provider may be asked; 0: without bound.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quota {
    pub requests_per_minute: u64,
    /// Read and written.
    pub tokens_per_minute: u64,
    pub requests_per_day: u64,
    pub tokens_per_day: u64,
}

/// When a provider that fails is left alone, and for how long.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Breaker {
    /// Failures in a row; 0: they alone do not count.
    pub failures_max: u32,
    /// The share of failures within the window; 0: it does not count.
    pub failure_percent: u32,
    /// Fewer calls within the window say nothing of the share.
    pub calls_min: usize,
    pub window_seconds: u64,
    /// The first pause; it doubles up to eight times as long while trials fail.
    pub pause_ms: u64,
}

/// Five failures in a row are no chance; a person asks again after about a quarter of a minute.
impl Default for Breaker {
    fn default() -> Self {
        Self { failures_max: 5, failure_percent: 50, calls_min: 20, window_seconds: 60, pause_ms: 15_000 }
    }
}

/// Notes what does not hold: key, and what would be right.
type Must<'a> = &'a mut dyn FnMut(bool, &str, &str);

impl Breaker {
    pub(crate) fn problems(&self, key: &str, must: Must<'_>) {
        let at = |field: &str| format!("{key}.{field}");
        must(self.failure_percent <= 100, &at("failure_percent"), "0 to 100");
        must((1..=3600).contains(&self.window_seconds), &at("window_seconds"), "1 to 3600");
        must((10..=3_600_000).contains(&self.pause_ms), &at("pause_ms"), "10 to 3600000");
    }
}

impl Chat {
    pub(crate) fn route_problems(&self, must: Must<'_>) {
        for (index, route) in self.routes.iter().enumerate() {
            let key = |field: &str| format!("chat.routes[{index}].{field}");
            must(!route.name.is_empty(), &key("name"), "give it a name");
            must(
                !route.name.starts_with("ibid"),
                &key("name"),
                "names that begin with \"ibid\" are Ibid's own",
            );
            must(self.has_name_once(&route.name), &key("name"), NAME_RULE);
            must(!route.models.is_empty(), &key("models"), "name at least one of chat.models");
            for (place, name) in route.models.iter().enumerate() {
                let is_known = self.models.iter().any(|model| model.name == *name);
                let is_again = route.models[..place].contains(name);
                must(is_known, &key("models"), &format!("'{name}' is none of chat.models"));
                must(!is_again, &key("models"), &format!("'{name}' stands there twice"));
            }
        }
    }

    /// Whether a name is one model's or route's alone.
    pub(crate) fn has_name_once(&self, name: &str) -> bool {
        let models = self.models.iter().map(|model| &model.name);
        let names = models.chain(self.routes.iter().map(|route| &route.name));
        name != "default" && names.filter(|known| *known == name).count() == 1
    }
}

#[cfg(test)]
mod tests {
    use crate::tried::read;

    #[test]
    fn routes_name_models_that_there_are() {
        let model = |name: &str| format!("{{name='{name}', provider='openai', url='http://h', model='m'}}");
        let models = format!("chat.models=[{}, {}]", model("a"), model("b"));
        let of = |routes: &str| read(&[&models, &format!("chat.routes=[{routes}]")]);
        assert_eq!(
            of("{name='r', models=['b', 'a'], hedge_after_ms=800}").unwrap().chat.routes[0].models,
            ["b", "a"]
        );
        for wrong in ["{name='r', models=[]}", "{name='r', models=['c']}", "{name='r', models=['a', 'a']}"] {
            assert!(of(wrong).unwrap_err().contains("chat.routes[0].models"), "{wrong}");
        }
        for wrong in ["{name='a', models=['a']}", "{name='ibid', models=['a']}", "{name='', models=['a']}"] {
            assert!(of(wrong).unwrap_err().contains("chat.routes[0].name"), "{wrong}");
        }
    }
}
