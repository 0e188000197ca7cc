//! English verbs and their forms.

/// The past and the participle of a regular verb.
pub(super) fn regular_past(base: &str) -> String {
    if base.ends_with('e') {
        format!("{base}d")
    } else if let Some(stem) = ends_in_y(base) {
        format!("{stem}ied")
    } else if DOUBLED.contains(&base) {
        format!("{base}{}ed", &base[base.len() - 1..])
    } else {
        format!("{base}ed")
    }
}

pub(super) fn third(base: &str) -> String {
    match base {
        "have" => "has".to_owned(),
        _ if ["s", "x", "z", "ch", "sh", "o"].iter().any(|ending| base.ends_with(ending)) => {
            format!("{base}es")
        }
        _ => match ends_in_y(base) {
            Some(stem) => format!("{stem}ies"),
            None => format!("{base}s"),
        },
    }
}

pub(super) fn ing(base: &str) -> String {
    if DOUBLED.contains(&base) {
        return format!("{base}{}ing", &base[base.len() - 1..]);
    }
    if let Some(stem) = base.strip_suffix("ie") {
        return format!("{stem}ying");
    }
    match base.strip_suffix('e') {
        Some(stem) if !base.ends_with("ee") && !base.ends_with("oe") => format!("{stem}ing"),
        _ => format!("{base}ing"),
    }
}

/// What is before a "y" that becomes "i".
fn ends_in_y(base: &str) -> Option<&str> {
    base.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'i', 'o', 'u']))
}

/// The base of a form that no list knows.
pub(super) fn guess_base(form: &str) -> String {
    if let Some(stem) = form.strip_suffix("ies").or_else(|| form.strip_suffix("ied")) {
        return format!("{stem}y");
    }
    if let Some(stem) = form.strip_suffix("ing").or_else(|| form.strip_suffix("ed")) {
        return restore(stem);
    }
    let has_es = ["ses", "xes", "zes", "ches", "shes"].iter().any(|ending| form.ends_with(ending));
    let cut = if has_es { 2 } else { usize::from(form.ends_with('s') && !form.ends_with("ss")) };
    form[..form.len() - cut].to_owned()
}

/// "zigg" is "zig", "frobnicat" is "frobnicate".
fn restore(stem: &str) -> String {
    let mut last = stem.chars().rev();
    let (end, before) = (last.next(), last.next());
    match (end, before) {
        (Some(a), Some(b)) if a == b && !"aeiouls".contains(a) => {
            stem[..stem.len() - a.len_utf8()].to_owned()
        }
        _ if ["at", "iz", "is", "ag", "ur", "uc", "v", "c", "iv", "ot", "ut", "in"]
            .iter()
            .any(|ending| stem.ends_with(ending) && stem.len() > 3) =>
        {
            format!("{stem}e")
        }
        _ => stem.to_owned(),
    }
}

const DOUBLED: &[&str] = &[
    "plan", "stop", "ship", "drop", "jog", "chat", "shop", "swap", "step", "hug", "grab", "trim", "refer",
    "prefer", "admit", "commit", "permit", "quit", "travel", "get", "sit", "run", "swim", "win", "cut",
    "put", "set", "let", "hit", "begin", "forget", "dig", "spin", "map", "log", "tag", "debug", "plug",
    "format", "bet", "scan", "rub", "nap", "wrap", "zip", "tip", "upset", "split", "shut",
];

pub(super) const REGULAR: &str = "
accept achieve acquire act adapt add admire admit adopt advise affect agree aim allow announce apologize appear apply
appoint appreciate approve argue arrange arrive ask assign assist assume attend avoid bake base battle behave believe
belong block bond book borrow bother brainstorm breed brew browse build-up call camp cancel care carry cause celebrate
challenge change charge chat check cheer clean climb close coach collaborate collect combine commit compare compete
compile complain complete compose concentrate conclude configure confirm conflict connect consider contact contain
continue contradict contribute convert cook coordinate copy correct cost cover crash create cry cycle dance debug decide
declare decline decorate dedicate define delay delete deliver demand depend deploy deprecate describe design desire
destroy develop diagnose direct disable disagree discover discuss dislike display disprove divorce document donate
doubt download draft dream dress drop earn edit elect email embrace employ enable encourage encounter end engage enjoy
enroll ensure enter establish evaluate exercise expand expect experience experiment explain explore express extend
face fail fetch fill film finish fish fix focus follow force format found frustrate fund gain garden gather graduate
grab guess guide handle happen hate head help hike hire hope host hug hunt identify imagine implement import improve
include increase indicate inform inherit inspire install integrate intend interest interview introduce invent invest
invite involve jog join joke judge jump kick kill kiss knit label lack land last laugh launch learn lecture like limit
link listen live load locate log look love maintain manage map mark marry master matter meditate mention mentor merge
message migrate miss mix monitor motivate mount move name need negotiate network notice obtain occur offer open operate
oppose order organize outperform own pack paint park participate partner pass pause perform permit photograph pick plan plant
play plug point post practice practise praise pray precede predict prefer prepare present press prevent print process produce
program promise promote propose protect prove provide publish purchase push query question race raise reach react
realize realise rebuild-up receive recognize recommend reconnect record recover redesign reduce refactor refer reflect refuse
register rehearse reject relate relax release rely remain remember remind remove rename renew renovate rent repair
replace report represent request require rescue research reserve resign resolve respect respond rest restart restore result
retire return reveal review reward sail save scan schedule score search seem select separate serve settle share ship
shop shout show-up sign skate ski skip smile smoke solve sort specialize specialise start state stay step stop store
struggle study submit succeed suffer suggest supersede supply support suppose surf surprise switch talk target taste
tend test thank tour track trade train transfer transform transition translate travel treat trim trust try turn
type unite update upgrade upload use validate value view visit volunteer vote wait walk want warn wash waste watch
welcome whip wish wonder work worry wrap yell contain exclude oversee inhabit relocate commute adore despise resent fear
crave favor favour detest play compile invalidate refute deny replicate subclass instantiate invoke trigger consume emit
authenticate authorize cache crawl deploy encode decode encrypt expose fork generate index inject mock optimize package
parse patch ping poll prune rebase render reset revert rotate route sanitize scale seed serialize sync throttle tune
unblock verify onboard outsource chair moderate curate sponsor tutor babysit crochet skateboard sound smell assemble attract boost burn capture chase clarify comfort cope
crack cultivate distract drain dump enhance fade fancy fascinate flip fuel greet grill heal hesitate juggle lean lift
nurture paddle pop roast scare shape spark spruce stumble thrive tidy tweak unlock vacuum yearn kayak snowboard
";

pub(super) const IRREGULAR: &[(&str, &str, &str)] = &[
    ("be", "was", "been"),
    ("have", "had", "had"),
    ("do", "did", "done"),
    ("go", "went", "gone"),
    ("get", "got", "gotten"),
    ("make", "made", "made"),
    ("take", "took", "taken"),
    ("come", "came", "come"),
    ("see", "saw", "seen"),
    ("know", "knew", "known"),
    ("think", "thought", "thought"),
    ("find", "found", "found"),
    ("give", "gave", "given"),
    ("tell", "told", "told"),
    ("feel", "felt", "felt"),
    ("become", "became", "become"),
    ("leave", "left", "left"),
    ("put", "put", "put"),
    ("mean", "meant", "meant"),
    ("keep", "kept", "kept"),
    ("let", "let", "let"),
    ("begin", "began", "begun"),
    ("show", "showed", "shown"),
    ("hear", "heard", "heard"),
    ("run", "ran", "run"),
    ("hold", "held", "held"),
    ("bring", "brought", "brought"),
    ("write", "wrote", "written"),
    ("sit", "sat", "sat"),
    ("stand", "stood", "stood"),
    ("lose", "lost", "lost"),
    ("pay", "paid", "paid"),
    ("meet", "met", "met"),
    ("set", "set", "set"),
    ("lead", "led", "led"),
    ("understand", "understood", "understood"),
    ("speak", "spoke", "spoken"),
    ("read", "read", "read"),
    ("spend", "spent", "spent"),
    ("grow", "grew", "grown"),
    ("win", "won", "won"),
    ("teach", "taught", "taught"),
    ("buy", "bought", "bought"),
    ("send", "sent", "sent"),
    ("build", "built", "built"),
    ("rebuild", "rebuilt", "rebuilt"),
    ("fall", "fell", "fallen"),
    ("cut", "cut", "cut"),
    ("sell", "sold", "sold"),
    ("drive", "drove", "driven"),
    ("draw", "drew", "drawn"),
    ("choose", "chose", "chosen"),
    ("wear", "wore", "worn"),
    ("break", "broke", "broken"),
    ("eat", "ate", "eaten"),
    ("drink", "drank", "drunk"),
    ("sing", "sang", "sung"),
    ("swim", "swam", "swum"),
    ("fly", "flew", "flown"),
    ("ride", "rode", "ridden"),
    ("catch", "caught", "caught"),
    ("fight", "fought", "fought"),
    ("throw", "threw", "thrown"),
    ("hit", "hit", "hit"),
    ("hurt", "hurt", "hurt"),
    ("sleep", "slept", "slept"),
    ("wake", "woke", "woken"),
    ("bear", "bore", "born"),
    ("quit", "quit", "quit"),
    ("split", "split", "split"),
    ("shut", "shut", "shut"),
    ("lend", "lent", "lent"),
    ("forget", "forgot", "forgotten"),
    ("forgive", "forgave", "forgiven"),
    ("override", "overrode", "overridden"),
    ("overcome", "overcame", "overcome"),
    ("undergo", "underwent", "undergone"),
    ("say", "said", "said"),
    ("steal", "stole", "stolen"),
    ("seek", "sought", "sought"),
    ("shoot", "shot", "shot"),
    ("sew", "sewed", "sewn"),
    ("dig", "dug", "dug"),
    ("feed", "fed", "fed"),
    ("hide", "hid", "hidden"),
    ("hang", "hung", "hung"),
    ("bite", "bit", "bitten"),
    ("blow", "blew", "blown"),
    ("freeze", "froze", "frozen"),
    ("shake", "shook", "shaken"),
    ("rise", "rose", "risen"),
    ("bet", "bet", "bet"),
    ("dream", "dreamt", "dreamt"),
    ("wind", "wound", "wound"),
    ("stick", "stuck", "stuck"),
    ("upset", "upset", "upset"),
    ("withdraw", "withdrew", "withdrawn"),
];
