//! What an operator decides about replies: what must not leave in an answer, what is refused, whom to point to.

use crate::phrases::Phrase;
use crate::talk::Tongue;

#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Secrets and personal data in answers.
    pub answers: ibid_guard::Policy,
    /// Requests that hold one of these are refused, in addition to the built-in ones.
    pub unsafe_phrases: Vec<Phrase>,
    pub unsafe_builtin: bool,
    /// Messages that hold one of these are a person in crisis, in addition to the built-in ones.
    pub crisis_phrases: Vec<Phrase>,
    /// What a person in crisis is told, in the order of `Tongue::ALL`.
    pub crisis_texts: [String; 4],
    /// Share of independent answers that must agree at *thorough*, 0 to 1.
    pub consensus_min: f32,
    /// Turns after which a thread has a running summary.
    pub summary_turns_min: usize,
    /// Longest summary, in tokens of the embedder.
    pub summary_tokens_max: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            answers: ibid_guard::Policy::default(),
            unsafe_phrases: Vec::new(),
            unsafe_builtin: true,
            crisis_phrases: Vec::new(),
            crisis_texts: CRISIS_TEXTS.map(str::to_owned),
            consensus_min: 0.66,
            summary_turns_min: 8,
            summary_tokens_max: 400,
        }
    }
}

impl Policy {
    #[must_use]
    pub fn crisis_text(&self, tongue: Tongue) -> &str {
        let at = Tongue::ALL.iter().position(|other| *other == tongue).unwrap_or(0);
        self.crisis_texts.get(at).map_or(CRISIS_TEXTS[0], String::as_str)
    }
}

/// The same texts stand in the default configuration.
const CRISIS_TEXTS: [&str; 4] = [
    "It sounds as if you are going through something very hard, and I am glad that you wrote it down. I am a program \
     and cannot give you the help that you deserve, but people can, right now: please contact your local emergency \
     number or a crisis line. https://findahelpline.com lists lines in many countries. If you can, tell somebody near \
     you how you feel and do not stay alone.",
    "Das klingt, als ob Sie gerade etwas sehr Schweres durchmachen, und es ist gut, dass Sie es aussprechen. Ich bin ein \
     Programm und kann Ihnen nicht die Hilfe geben, die Sie verdienen, aber Menschen können es, jetzt gleich: Bitte \
     wenden Sie sich an den örtlichen Notruf oder ein Krisentelefon. https://findahelpline.com nennt Anlaufstellen in \
     vielen Ländern. Sagen Sie wenn möglich einem Menschen in Ihrer Nähe, wie es Ihnen geht, und bleiben Sie nicht allein.",
    "On dirait que vous traversez quelque chose de très dur, et c'est bien de l'avoir écrit. Je suis un programme et ne \
     peux pas vous donner l'aide que vous méritez, mais des personnes le peuvent, dès maintenant : contactez le numéro \
     d'urgence local ou une ligne d'écoute. https://findahelpline.com en indique dans de nombreux pays. Si vous le \
     pouvez, dites à quelqu'un près de vous comment vous vous sentez et ne restez pas seul.",
    "Parece que está pasando por algo muy duro, y es bueno que lo haya escrito. Soy un programa y no puedo darle la ayuda \
     que merece, pero hay personas que sí pueden, ahora mismo: llame al número de emergencias local o a una línea de \
     crisis. https://findahelpline.com las indica en muchos países. Si puede, cuente a alguien cercano cómo se siente y \
     no se quede a solas.",
];
