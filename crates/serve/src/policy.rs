//! What the configuration says of replies, as the chat crate wants it.

use ibid_chat::{Phrase, Policy};
use ibid_config::{Chat, Config, kind_and_action};
use ibid_guard::{Action, Kind};
use ibid_model::Price;
use ibid_types::{Error, Result};

/// The operator's policy. Error: `config_phrase` for a phrase that cannot be read.
pub fn of(config: &Config) -> Result<Policy> {
    let (chat, guard) = (&config.chat, &config.guard);
    let usual = Policy::default();
    Ok(Policy {
        answers: of_findings(&guard.secrets, &guard.personal, &guard.kinds),
        unsafe_phrases: phrases("guard.unsafe_phrases", &guard.unsafe_phrases)?,
        unsafe_builtin: guard.unsafe_builtin,
        crisis_phrases: phrases("chat.crisis.phrases", &chat.crisis.phrases)?,
        crisis_texts: crisis_texts(chat, usual.crisis_texts),
        consensus_min: chat.consensus_percent_min as f32 / 100.0,
        summary_turns_min: chat.summary_turns_min,
        summary_tokens_max: chat.summary_tokens_max,
    })
}

/// What is done with secrets and personal data in the texts of documents.
pub fn of_documents(config: &Config) -> ibid_guard::Policy {
    let guard = &config.guard.ingest;
    of_findings(&guard.secrets, &guard.personal, &guard.kinds)
}

/// The configuration has checked that all names are known.
fn of_findings(secrets: &str, personal: &str, kinds: &[String]) -> ibid_guard::Policy {
    let action = |name: &str| Action::from_name(name).unwrap_or(Action::Redact);
    let kinds = kinds.iter().filter_map(|entry| {
        let (kind, name) = kind_and_action(entry);
        Some((Kind::from_id(kind)?, action(name)))
    });
    ibid_guard::Policy { secrets: action(secrets), personal: action(personal), kinds: kinds.collect() }
}

/// What each model costs, by its name.
pub fn prices(chat: &Chat) -> impl Iterator<Item = (String, Price)> {
    chat.models.iter().map(|model| {
        let price = Price {
            usd_per_million_prompt_tokens: model.usd_per_million_prompt_tokens,
            usd_per_million_completion_tokens: model.usd_per_million_completion_tokens,
        };
        (model.name.clone(), price)
    })
}

/// The operator's texts; where one is empty, the usual one. In the order of `Tongue::ALL`.
fn crisis_texts(chat: &Chat, usual: [String; 4]) -> [String; 4] {
    let crisis = &chat.crisis;
    let mut texts = [&crisis.text_en, &crisis.text_de, &crisis.text_fr, &crisis.text_es].into_iter();
    usual.map(|usual| match texts.next() {
        Some(text) if !text.is_empty() => text.clone(),
        _ => usual,
    })
}

fn phrases(key: &str, texts: &[String]) -> Result<Vec<Phrase>> {
    let read = |text: &String| {
        Phrase::read(text).ok_or_else(|| {
            let what = format!("{key}: '{text}' is no phrase; `ibid config default` says how one is written");
            Error::bad_request("config_phrase", what)
        })
    };
    texts.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ibid_chat::Tongue;

    fn config(settings: &[&str]) -> Config {
        let mut layers = ibid_config::Layers::defaults().unwrap();
        settings.iter().for_each(|setting| layers.flag(setting));
        layers.finish().unwrap().0
    }

    #[test]
    fn the_default_configuration_is_the_usual_policy() {
        assert_eq!(of(&config(&[])).unwrap(), Policy::default());
        let usual = ibid_ingest::pipeline::PipelineConfig::default().guard;
        assert_eq!(of_documents(&config(&[])), usual);
    }

    #[test]
    fn an_operators_word_is_taken() {
        let policy = of(&config(&["guard.secrets=refuse", "chat.crisis.text_de=Ruf an."])).unwrap();
        assert_eq!(policy.answers.secrets, Action::Refuse);
        assert_eq!(policy.crisis_text(Tongue::De), "Ruf an.");
        assert_eq!(policy.crisis_text(Tongue::En), Policy::default().crisis_text(Tongue::En));
        let documents = of_documents(&config(&["guard.ingest.kinds=['card: refuse']"]));
        assert_eq!(
            (documents.action(Kind::Card), documents.action(Kind::Email)),
            (Action::Refuse, Action::Allow)
        );
    }

    #[test]
    fn configurations_name_every_kind() {
        assert_eq!(ibid_config::KINDS, Kind::ALL.map(Kind::id));
    }
}
