//! The providers that the configuration names, each behind its gate, and the routes over them.
//!
//! Keeps true: a model has one gate, by whichever route or name it is asked; the first of `chat_models` is what is asked
//! where a request names none.

use std::sync::Arc;
use std::time::Duration;

use ibid_config::{ChatRoute, Config, is_near_address};
use ibid_model::{
    BreakerConfig, ChatModel, ChatTimeouts, Gate, GateConfig, GateState, Line, Observer, OllamaChat,
    OpenAiChat, Price, Provider, Purse, QuotaConfig, RemoteConfig, Route, RouteConfig,
};
use ibid_runtime::Clock;
use ibid_types::{Error, Result};

/// All models in their order, where more than one is there and no route is named.
const DEFAULT: &str = "default";

/// Every chat model, and the routes over them.
#[derive(Debug, Default)]
pub struct Providers {
    chat: Vec<Known>,
    /// The first is what is asked where a request names none.
    routes: Vec<Arc<Route>>,
    /// Each model as a route of its own.
    alone: Vec<Arc<Route>>,
}

/// A chat model with what there is to say of it.
#[derive(Debug)]
pub struct Known {
    pub gated: Arc<Provider>,
    /// `openai` or `ollama`.
    pub provider: String,
    pub address: String,
    pub model: String,
    pub price: Price,
}

/// Who hears of calls, and who pays for them.
#[derive(Clone, Copy)]
struct Watch<'a> {
    observer: &'a Arc<dyn Observer>,
    purse: &'a Arc<dyn Purse>,
}

impl Providers {
    /// What the configuration names, or an Ollama server's own model where one answers and none is named.
    pub fn open(config: &Config, observer: &Arc<dyn Observer>, purse: &Arc<dyn Purse>) -> Result<Self> {
        let watch = Watch { observer, purse };
        let timeouts = timeouts(config);
        let mut chat = Vec::new();
        for named in &config.chat.models {
            chat.push(known(config, named, timeouts, observer)?);
        }
        if chat.is_empty() && config.chat.ollama_detect {
            chat.extend(detected(timeouts, observer));
        }
        let alone = |known: &Known| {
            let config = RouteConfig { hedge_after: None, timeouts };
            route(known.gated.name(), vec![Arc::clone(&known.gated)], config, watch)
        };
        let alone = chat.iter().map(alone).collect::<Result<Vec<_>>>()?;
        let routes = config.chat.routes.iter().map(|named| named_route(named, &chat, timeouts, watch));
        let mut routes = routes.collect::<Result<Vec<_>>>()?;
        if routes.is_empty() && chat.len() > 1 {
            let all = chat.iter().map(|known| Arc::clone(&known.gated)).collect();
            routes.push(route(DEFAULT, all, RouteConfig { hedge_after: None, timeouts }, watch)?);
        }
        Ok(Self { chat, routes, alone })
    }

    /// Each model.
    pub fn chat(&self) -> &[Known] {
        &self.chat
    }

    pub fn routes(&self) -> &[Arc<Route>] {
        &self.routes
    }

    /// Routes, then models, as one asks them.
    pub fn chat_models(&self) -> Vec<Arc<dyn ChatModel>> {
        self.all().map(|route| Arc::clone(route) as Arc<dyn ChatModel>).collect()
    }

    /// By what requests may name them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all().map(|route| route.name())
    }

    /// What is asked where a request names none.
    pub fn usual(&self) -> Option<&Arc<Route>> {
        self.all().next()
    }

    /// A route or a model. Error: `chat_model_unknown`.
    pub fn find(&self, name: &str) -> Result<&Arc<Route>> {
        self.all().find(|route| route.name() == name).ok_or_else(|| {
            let what = format!("there is no chat model or route '{name}'; `ibid providers` lists them");
            Error::not_found("chat_model_unknown", what)
        })
    }

    /// What models cost, and routes by their first model.
    pub fn prices(&self) -> impl Iterator<Item = (String, Price)> {
        let price =
            |name: &str| self.chat.iter().find(|known| known.gated.name() == name).map(|known| known.price);
        self.all()
            .filter_map(move |route| Some((route.name().to_owned(), price(route.members().first()?.name())?)))
    }

    /// Whether whatever answers on a route is on this machine or a private network.
    pub fn is_near(&self, route: &Route) -> bool {
        let address = |name: &str| {
            self.chat.iter().find(|known| known.gated.name() == name).map(|known| &known.address)
        };
        route
            .members()
            .iter()
            .all(|member| address(member.name()).is_some_and(|address| is_near_address(address)))
    }

    /// The same of all models.
    pub fn are_near(&self) -> bool {
        self.chat.iter().all(|known| is_near_address(&known.address))
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.routes.iter().chain(&self.alone)
    }
}

impl Known {
    pub fn state(&self) -> GateState {
        self.gated.state()
    }
}

fn timeouts(config: &Config) -> ChatTimeouts {
    let chat = &config.chat;
    ChatTimeouts {
        first_token: Duration::from_secs(chat.first_token_seconds_max),
        further_token: Duration::from_secs(chat.further_token_seconds_max),
        total: Duration::from_secs(chat.answer_seconds_max),
    }
}

fn known(
    config: &Config,
    named: &ibid_config::ChatModel,
    timeouts: ChatTimeouts,
    observer: &Arc<dyn Observer>,
) -> Result<Known> {
    let api_key = if named.api_key.is_empty() { &config.chat.api_key } else { &named.api_key };
    let line = Arc::<Line>::default();
    let remote = RemoteConfig {
        url: named.url.clone(),
        model: named.model.clone(),
        api_key: api_key.clone(),
        tokens_max: named.context_tokens,
        line: Arc::clone(&line),
    };
    let (model, address): (Arc<dyn ChatModel>, String) = match named.provider.as_str() {
        "ollama" => {
            let model = OllamaChat::new(&named.name, remote, timeouts)?;
            let address = model.address();
            (Arc::new(model), address)
        }
        _ => {
            let model = OpenAiChat::new(&named.name, remote, timeouts)?;
            let address = model.address();
            (Arc::new(model), address)
        }
    };
    let gate = Gate::new(&named.name, gate_config(&named.breaker, named.quota), line, Clock::system());
    let price = Price {
        usd_per_million_prompt_tokens: named.usd_per_million_prompt_tokens,
        usd_per_million_completion_tokens: named.usd_per_million_completion_tokens,
    };
    let gated = Arc::new(Provider::new(model, gate, Arc::clone(observer)));
    Ok(Known { gated, provider: named.provider.clone(), address, model: named.model.clone(), price })
}

fn detected(timeouts: ChatTimeouts, observer: &Arc<dyn Observer>) -> Option<Known> {
    let line = Arc::<Line>::default();
    let model = ibid_model::detect_ollama(timeouts, Arc::clone(&line))?;
    let (name, address) = (model.name().to_owned(), model.address());
    let config = gate_config(&ibid_config::Breaker::default(), ibid_config::Quota::default());
    let gate = Gate::new(&name, config, line, Clock::system());
    let gated = Arc::new(Provider::new(Arc::new(model), gate, Arc::clone(observer)));
    Some(Known { gated, provider: "ollama".to_owned(), address, model: name, price: Price::default() })
}

/// What the configuration says of a gate.
pub fn gate_config(breaker: &ibid_config::Breaker, quota: ibid_config::Quota) -> GateConfig {
    GateConfig {
        breaker: BreakerConfig {
            failures_max: breaker.failures_max,
            share_max: f64::from(breaker.failure_percent) / 100.0,
            calls_min: breaker.calls_min,
            window: Duration::from_secs(breaker.window_seconds),
            pause: Duration::from_millis(breaker.pause_ms),
        },
        quota: QuotaConfig {
            requests_per_minute: quota.requests_per_minute,
            tokens_per_minute: quota.tokens_per_minute,
            requests_per_day: quota.requests_per_day,
            tokens_per_day: quota.tokens_per_day,
        },
    }
}

fn named_route(
    named: &ChatRoute,
    chat: &[Known],
    usual: ChatTimeouts,
    watch: Watch<'_>,
) -> Result<Arc<Route>> {
    let find = |name: &String| chat.iter().find(|known| known.gated.name() == name);
    // The configuration has checked that each is there.
    let members = named.models.iter().filter_map(find).map(|known| Arc::clone(&known.gated)).collect();
    let or = |ms: u64, usual: Duration| if ms == 0 { usual } else { Duration::from_millis(ms) };
    let config = RouteConfig {
        hedge_after: (named.hedge_after_ms > 0).then(|| Duration::from_millis(named.hedge_after_ms)),
        timeouts: ChatTimeouts {
            first_token: or(named.first_token_ms_max, usual.first_token),
            further_token: or(named.further_token_ms_max, usual.further_token),
            total: or(named.answer_ms_max, usual.total),
        },
    };
    route(&named.name, members, config, watch)
}

fn route(
    name: &str,
    members: Vec<Arc<Provider>>,
    config: RouteConfig,
    watch: Watch<'_>,
) -> Result<Arc<Route>> {
    let route = Route::new(name, members, config, Arc::clone(watch.observer))?;
    Ok(Arc::new(route.with_purse(Arc::clone(watch.purse))))
}
