//! The words of orders to a model, and what each order weighs in a question and in a passage.
//!
//! Keeps true: all words are in lower case, whole, and with one space between; no rule of one set reaches the threshold.

use super::Feature;

/// Words that follow one another: one of each set, with at most `gap` other words between two.
pub struct Rule {
    pub feature: Feature,
    pub question: u32,
    pub passage: u32,
    pub reason: &'static str,
    pub gap: usize,
    /// Whether the first word must be an order's: at the beginning, or after "please", "you must" and the like.
    pub is_order: bool,
    /// The words of a set have spaces between.
    pub sets: &'static [&'static str],
}

const fn rule(
    feature: Feature,
    weights: (u32, u32),
    reason: &'static str,
    gap: usize,
    sets: &'static [&'static str],
) -> Rule {
    Rule { feature, question: weights.0, passage: weights.1, reason, gap, is_order: false, sets }
}

const fn order(
    feature: Feature,
    weights: (u32, u32),
    reason: &'static str,
    gap: usize,
    sets: &'static [&'static str],
) -> Rule {
    Rule { is_order: true, ..rule(feature, weights, reason, gap, sets) }
}

const SET_ASIDE: &str = "ignore ignoring ignores disregard disregarding forget bypass bypassing override overrule overriding \
     neglect dismiss discard violate circumvent ignored overwrite";
const EARLIER: &str = "previous prior above earlier preceding foregoing former previously initial original existing \
     aforementioned past before system";
const ORDERS: &str = "instruction instructions prompt prompts rule rules guideline guidelines directive directives command \
     commands programming restrictions constraints orders inputs safeguards policies guidance \
     conversation conversations messages";
const TELL: &str = "reveal show print repeat output display disclose leak tell give share expose dump recite quote copy \
     write what what's encode translate summarize list return provide";
const DISCLOSE: &str =
    "reveal print repeat output display disclose leak expose dump recite copy return encode translate";
const INNER: &str = "system hidden secret developer initial original internal starting pre confidential";
const PROMPT: &str = "prompt prompts preprompt instructions instruction directives configuration";
const NOT: &str = "no not never without any zero nor don't doesn't won't free remove removed lack lacks ignore ignoring \
     bypass disregard beyond regardless isn't aren't shouldn't cannot can't neither disable disabled none \
     dont wont doesnt disregards defies ignores";
const LIMITS: &str = "restrictions restriction restricted limitations limitation limited ethics ethical ethically morals \
     moral morality morally censorship censored censor filters filter filtered filtering guidelines \
     boundaries constraints constrained safeguards inhibitions legality disclaimers disclaimer bias \
     policies policy remorse taboos restrict confines laws";
const BAD: &str = "illegal unethical immoral harmful offensive inappropriate dangerous explicit vulgar derogatory \
     malicious profanity swear curse racist hateful sexist violent unlawful controversial unsafe nsfw \
     erotic sexual amoral toxic illicit swearing cursing crude insulting homophobic criminal lewd obscene \
     discriminatory legal morality violence";
const MODELS: &str = "ai assistant chatgpt llm llms chatbot gpt bot agent agents assistants";

/// All rules; the weights in a question and in a passage.
pub const RULES: &[Rule] = &[
    order(
        Feature::Override,
        (10, 10),
        "asks to set earlier instructions aside",
        3,
        &[SET_ASIDE, EARLIER, ORDERS],
    ),
    order(
        Feature::Override,
        (10, 10),
        "asks to set earlier instructions aside",
        3,
        &[SET_ASIDE, ORDERS, "before above previously prior until"],
    ),
    order(
        Feature::Override,
        (7, 8),
        "asks to set instructions aside",
        2,
        &[SET_ASIDE, "your all any every these openai's openai its", ORDERS],
    ),
    order(
        Feature::Override,
        (6, 10),
        "asks to set all that was said aside",
        2,
        &[SET_ASIDE, "all everything anything", "above before previously previous prior"],
    ),
    rule(
        Feature::Override,
        (6, 7),
        "asks to follow no instructions",
        3,
        &[
            NOT,
            "follow following obey comply adhere abide bound apply care constrained",
            "instruction instructions prompt prompts rules rule guidelines policy policies openai \
             openai's",
        ],
    ),
    order(
        Feature::Override,
        (10, 10),
        "asks to set earlier instructions aside",
        3,
        &[
            "ignoriere ignorier ignorieren vergiss vergesse missachte negeer vergeet",
            "vorherigen vorherige vorigen bisherigen obigen früheren vorangegangenen vorige eerdere \
             bovenstaande",
            "anweisungen anweisung instruktionen regeln befehle vorgaben instructies regels opdrachten",
        ],
    ),
    order(
        Feature::Override,
        (10, 10),
        "asks to set earlier instructions aside",
        3,
        &[
            "ignore ignorez ignorer oublie oubliez ignora ignorad ignorar olvida olvide dimentica esqueça \
             desconsidere",
            "instructions consignes règles directives instrucciones órdenes reglas indicaciones \
             istruzioni regole instruções regras",
            "précédentes précédente antérieures dessus anteriores previas precedenti prévias",
        ],
    ),
    order(
        Feature::Override,
        (10, 10),
        "asks to set earlier instructions aside",
        3,
        &[
            "игнорируй игнорируйте забудь забудьте zignoruj ignoruj zapomnij",
            "предыдущие прошлые прежние poprzednie wcześniejsze",
            "инструкции указания правила команды instrukcje polecenia",
        ],
    ),
    rule(
        Feature::Reveal,
        (10, 10),
        "asks for the system prompt",
        2,
        &[TELL, "your", INNER, "prompt prompts preprompt"],
    ),
    order(
        Feature::Reveal,
        (10, 10),
        "asks for the system prompt",
        2,
        &[DISCLOSE, "the this full entire whole all", INNER, "prompt preprompt prompts"],
    ),
    rule(
        Feature::Reveal,
        (6, 10),
        "asks for the system prompt",
        2,
        &[TELL, "the this its", "system hidden developer secret", "prompt preprompt prompts"],
    ),
    rule(Feature::Reveal, (10, 10), "asks for the model's instructions", 3, &[TELL, "your", INNER, PROMPT]),
    rule(Feature::Reveal, (7, 7), "asks for the model's instructions", 2, &[TELL, "your", PROMPT]),
    rule(
        Feature::Reveal,
        (7, 7),
        "asks for the text before",
        3,
        &["repeat output print copy recite", "text words everything all sentences content", "above"],
    ),
    rule(
        Feature::Reveal,
        (10, 10),
        "asks for the model's instructions",
        3,
        &[TELL, "instructions prompt", "you were", "given told"],
    ),
    rule(Feature::Persona, (10, 10), "do anything now", 0, &["do", "anything", "now"]),
    rule(
        Feature::Persona,
        (6, 6),
        "asks to be a model without rules",
        2,
        &["you you're as act pretend called named", "dan stan dude jailbroken evil aim niccolo"],
    ),
    rule(
        Feature::Persona,
        (6, 6),
        "asks to stay in a character",
        1,
        &["stay staying remain break breaking leave stays breaks", "character"],
    ),
    rule(
        Feature::Persona,
        (5, 5),
        "tells the model what it is",
        1,
        &["from", "now", "on", "you you'll your act i respond answer"],
    ),
    rule(Feature::Persona, (5, 6), "tells the model what it is", 0, &["you", "are", "now"]),
    rule(
        Feature::Persona,
        (5, 5),
        "tells the model what it is",
        3,
        &[
            "you",
            "will are must have going",
            "act acting simulate simulating pretend roleplay roleplaying become play respond emulate \
             behave embody immerse impersonate immersed",
        ],
    ),
    rule(
        Feature::Persona,
        (3, 4),
        "asks to play a part",
        3,
        &[
            "act acting pretend roleplay behave simulate play impersonate emulate respond answer",
            "as like to being role",
            "you a an if the my",
        ],
    ),
    rule(
        Feature::Persona,
        (4, 4),
        "tells the model what it is",
        2,
        &[
            "you i we let's lets",
            "are want will going play now",
            "to",
            "act simulate pretend roleplay play imagine become",
        ],
    ),
    rule(
        Feature::Persona,
        (3, 4),
        "tells the model what it is",
        2,
        &[
            "you you're",
            "are an a",
            "ai assistant chatbot model bot character simulator gpt chatgpt persona machine",
        ],
    ),
    rule(Feature::Unbound, (5, 5), "no limits", 4, &[NOT, LIMITS]),
    rule(
        Feature::Unbound,
        (5, 5),
        "no limits",
        0,
        &["uncensored unfiltered unrestricted amoral jailbroken jailbreak unmoderated unhinged nsfw \
            "],
    ),
    rule(
        Feature::Makers,
        (5, 5),
        "the rules of the model's makers",
        3,
        &[
            "openai openai's openais anthropic anthropic's",
            "policy policies guidelines rules limitations restrictions ethics terms content guideline \
             restriction filter",
        ],
    ),
    rule(
        Feature::Makers,
        (3, 5),
        "the rules of the model's makers",
        2,
        &[
            "content usage safety ethical programming moral",
            "policy policies guidelines filters filter restrictions guideline",
        ],
    ),
    rule(
        Feature::Makers,
        (4, 4),
        "the rules of the model's makers",
        4,
        &[
            "guidelines policies policy rules restrictions limits limitations set created",
            "openai openai's anthropic",
        ],
    ),
    rule(Feature::Harmful, (3, 3), "asks for what is forbidden", 3, &[BAD, BAD]),
    rule(
        Feature::NeverRefuse,
        (4, 4),
        "must refuse nothing",
        4,
        &[
            NOT,
            "refuse refuses refusing decline declines reject apologize apologise apologies apology sorry \
             deny denies refusal complain",
        ],
    ),
    rule(
        Feature::NeverRefuse,
        (4, 4),
        "must refuse nothing",
        3,
        &[
            NOT,
            "say says saying tell state respond reply answer claim mention",
            "cannot can't can unable sorry ai cant won't not",
        ],
    ),
    rule(Feature::NeverRefuse, (4, 4), "must refuse nothing", 0, &["as", "an a", "ai artificial language"]),
    rule(
        Feature::NeverRefuse,
        (4, 4),
        "must refuse nothing",
        4,
        &[
            "fulfill fulfil comply complies answer answers obey obeys respond satisfy execute generate \
             accept follow",
            "any all every anything whatever",
            "request requests question questions prompt prompts command commands order orders user i \
             asked instructions content",
        ],
    ),
    rule(
        Feature::Mode,
        (5, 5),
        "a mode in which all is allowed",
        0,
        &[
            "developer dan god sudo debug maintenance jailbreak evil opposite unrestricted admin chaos \
             dev unfiltered uncensored override omega dude villain bypass nsfw free",
            "mode",
        ],
    ),
    rule(
        Feature::Mode,
        (3, 4),
        "a mode is switched on",
        2,
        &["mode", "enabled activated enable activate on engaged"],
    ),
    rule(
        Feature::TwoAnswers,
        (4, 4),
        "two answers, one of them without limits",
        6,
        &[
            "respond answer reply generate write give provide produce responding answering",
            "two both twice",
            "ways responses answers outputs replies paragraphs messages different as normal",
        ],
    ),
    rule(
        Feature::TwoAnswers,
        (4, 4),
        "two answers, one of them without limits",
        2,
        &[
            "normal standard regular classic first second dan jailbreak",
            "chatgpt gpt ai jailbreak",
            "response output answer would dan and jailbreak",
        ],
    ),
    rule(
        Feature::Secrecy,
        (2, 6),
        "asks to keep it from the person who asks",
        2,
        &[
            "not never don't without",
            "tell telling inform informing alert alerting notify notifying mention mentioning disclose \
             reveal",
            "user users human person these instruction instructions",
        ],
    ),
    rule(
        Feature::Exfiltration,
        (2, 7),
        "asks to send what is secret somewhere",
        8,
        &[
            "send post upload forward email mail transmit leak exfiltrate submit append encode share",
            "password passwords credentials secrets history conversation conversations keys prompt tokens \
             cookies bank documents",
            "to http https url link via at image",
        ],
    ),
    rule(
        Feature::Addressed,
        (3, 4),
        "speaks to the model",
        0,
        &["chatgpt gpt gpt4 gpt3 chatbot llm copilot chatgpt's gpt's"],
    ),
    rule(Feature::Addressed, (3, 3), "speaks of a language model", 0, &["language", "model models"]),
    rule(
        Feature::Addressed,
        (3, 4),
        "speaks to the model",
        0,
        &["ai", "assistant assistants model agent chatbot language system bot"],
    ),
    rule(
        Feature::Addressed,
        (4, 8),
        "speaks to the model",
        1,
        &["dear attention hey hello hi note message notice", "to ai assistant chatgpt any all", MODELS],
    ),
    rule(
        Feature::Addressed,
        (4, 8),
        "speaks to the model",
        1,
        &["if", "you you're", "are an a", "ai llm language assistant chatbot bot agent"],
    ),
    rule(
        Feature::Frame,
        (3, 5),
        "new instructions",
        0,
        &[
            "new updated actual real additional revised hidden secret",
            "instruction instructions directive directives prompt orders",
        ],
    ),
    rule(
        Feature::Frame,
        (3, 5),
        "pretends that the context is over",
        1,
        &[
            "end beginning start",
            "of",
            "context document documents prompt instructions input passage data sources query",
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::super::Place;
    use super::*;

    #[test]
    fn words_are_in_lower_case() {
        for words in RULES.iter().flat_map(|rule| rule.sets) {
            assert_eq!(words.to_lowercase(), **words);
        }
    }

    #[test]
    fn a_rule_of_one_set_is_no_attack() {
        for rule in RULES.iter().filter(|rule| rule.sets.len() == 1) {
            assert!(rule.question < Place::Question.threshold() && rule.passage < Place::Passage.threshold());
        }
    }
}
