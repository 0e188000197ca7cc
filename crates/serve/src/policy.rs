//! What the configuration says of replies, as the chat crate wants it.

use ibid_chat::{Action, Phrase, Policy};
use ibid_config::Chat;
use ibid_model::Price;
use ibid_types::{Error, Result};

/// The operator's policy. Error: `config_phrase` for a phrase that cannot be read.
pub fn of(chat: &Chat) -> Result<Policy> {
    let usual = Policy::default();
    Ok(Policy {
        secrets: Action::from_name(&chat.guard.secrets).unwrap_or(usual.secrets),
        personal: Action::from_name(&chat.guard.personal_data).unwrap_or(usual.personal),
        unsafe_phrases: phrases("chat.guard.unsafe_phrases", &chat.guard.unsafe_phrases)?,
        unsafe_builtin: chat.guard.unsafe_builtin,
        crisis_phrases: phrases("chat.crisis.phrases", &chat.crisis.phrases)?,
        crisis_texts: crisis_texts(chat, usual.crisis_texts),
        consensus_min: chat.consensus_percent_min as f32 / 100.0,
        summary_turns_min: chat.summary_turns_min,
        summary_tokens_max: chat.summary_tokens_max,
    })
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

    fn chat(settings: &[&str]) -> Chat {
        let mut layers = ibid_config::Layers::defaults().unwrap();
        settings.iter().for_each(|setting| layers.flag(setting));
        layers.finish().unwrap().0.chat
    }

    #[test]
    fn the_default_configuration_is_the_usual_policy() {
        assert_eq!(of(&chat(&[])).unwrap(), Policy::default());
    }

    #[test]
    fn an_operators_word_is_taken() {
        let policy = of(&chat(&["chat.guard.secrets=refuse", "chat.crisis.text_de=Ruf an."])).unwrap();
        assert_eq!(policy.secrets, Action::Refuse);
        assert_eq!(policy.crisis_text(Tongue::De), "Ruf an.");
        assert_eq!(policy.crisis_text(Tongue::En), Policy::default().crisis_text(Tongue::En));
    }
}
