//! Words of grammar and other frequent words, in four languages.

use super::Flags;

const EN: Flags = Flags::ENGLISH;

pub(super) const LISTS: &[(Flags, &str)] = &[
    (
        Flags::PRONOUN,
        "i me we us you he him she her it they them myself ourselves yourself himself herself itself themselves
         someone somebody something anyone anybody anything everyone everybody everything nobody nothing none
         this that these those there one ones mine yours ours theirs y'all ya both others",
    ),
    (EN, "the of and to is in it you that was for are with his they this have from had but what we can an your
          which she do how their if will there each about them then these so would make like him has been i'm my
          me i he not be at by or on as were when who just really am its our her"),
    (Flags::POSSESSIVE, "my our your his her its their whose"),
    (
        Flags::DETERMINER,
        "the a an this that these those every each some any no another all both either neither such many much
         few several more most other enough half next last",
    ),
    (
        Flags::PREPOSITION,
        "of in on at to for with from by about into onto over under through during before after since until till
         between among against without within along across behind beyond near toward towards upon off up down out
         around except besides despite than via per like as unlike beside below above inside outside throughout",
    ),
    (Flags::CONJUNCTION, "and or but nor yet plus & n"),
    (
        Flags::SUBORDINATOR,
        "because cuz although though while whereas if unless when whenever once that whether so since until
         before after as where",
    ),
    (Flags::BE, "be am is are was were been being 'm 're ai"),
    (Flags::HAVE, "have has had having 've"),
    (Flags::DO, "do does did"),
    (
        Flags::MODAL,
        "will would can could should shall may might must 'll 'd gonna wanna gotta oughta ought cannot ca wo sha",
    ),
    (Flags::NEGATION, "not n't never nor neither cannot hardly"),
    (
        Flags::ADVERB,
        "really very just also too now then here there always often usually sometimes still already yet soon
         recently lately finally actually probably definitely certainly maybe perhaps even only almost quite
         pretty so again once twice ever later earlier currently formerly previously today yesterday tomorrow tonight
         originally totally absolutely completely mostly mainly especially exactly simply basically honestly
         seriously truly deeply super kinda sorta instead anyway anymore together apart away back well hard fast
         hopefully luckily unfortunately obviously apparently generally particularly directly nearly rather
         else both all first firstly secondly lastly next afterwards meanwhile though however therefore thus hence
         additionally furthermore moreover besides nevertheless otherwise likewise indeed right long ago
         mid-day right-now newly freshly officially personally primarily solely jointly no-longer",
    ),
    (
        Flags::ADJECTIVE,
        "good great nice new old big small large little long short high low young best better worst worse bad own
         happy sad glad proud excited exciting thrilled grateful thankful lucky sorry sure busy tired ready able
         amazing awesome cool fun funny great wonderful fantastic incredible beautiful lovely perfect important
         interesting interested special different same whole real true false free full main early late hard easy
         hot cold warm dark bright red blue green black white yellow orange purple pink brown grey gray fresh clean
         strong weak rich poor sick healthy pregnant alone afraid scared nervous anxious stressed worried upset
         angry mad crazy wild weird strange difficult tough rough calm peaceful quiet loud safe dangerous open closed
         single married divorced engaged vegan vegetarian allergic passionate keen fond addicted local online
         public private social personal professional favorite favourite certain several various delicious tasty
         sweet yummy famous popular common rare cheap expensive due available responsible nearby recent current
         previous former final next last past first second third fourth fifth key major minor global daily weekly
         monthly yearly annual part-time full-time first-time freelance remote homeless transgender gay straight
         swamped stoked pumped psyched determined motivated inspired amazed blown impressed pleased relieved
         curious confident comfortable hopeful helpful supportive useful powerful meaningful thoughtful stressful
         successful careful awful terrible horrible scary cute gorgeous stunning fabulous epic rewarding relaxing
         inspiring refreshing overwhelming challenging charming touching therapeutic creative native fluent
         insane unreal huge tiny massive deep stable unstable deprecated obsolete broken slow quick nice-looking
         american german french spanish italian english british chinese japanese european canadian mexican indian
         swedish russian african asian swiss dutch polish irish",
    ),
    (Flags::QUESTION, "what who whom which whose when where why how what's who's where's how's"),
    (
        Flags::INTERJECTION,
        "hi hey hello hiya yo howdy thanks thank thx ty wow whoa woah woohoo yay yeah yep yup yes nope nah ok okay
         oh ooh ah aw aww haha hahaha hehe lol omg lmao rofl please bye goodbye cheers congrats congratulations
         sure cool awesome nice great amazing sorry welcome btw fyi imo imho hm hmm uh um huh ugh oops yikes dang
         damn gosh gee phew ouch hurray hooray bravo exactly absolutely definitely totally indeed agreed well anyway
         anyways alright right no so damn dude bro sis guys folks sup morning evening night",
    ),
    (Flags::UNIT, "second seconds minute minutes hour hours day days night nights week weeks weekend weekends
         fortnight month months quarter year years decade decades century centuries
         tag tage tagen woche wochen monat monate monaten jahr jahre jahren
         jour jours semaine semaines mois an ans année années día días semana semanas mes meses año años"),
    (
        Flags::COMMON,
        "people things thing time way life work home family friends kids guess looking speaking thinking talking
         long-time good-to lots lot bunch couple today yesterday tomorrow tonight everyone everything nothing
         spring summer autumn fall winter christmas easter halloween thanksgiving god yoga music art dance
         team dinner lunch breakfast coffee school college university pic pics photo photos btw pottery nature
         painting camping hiking running cooking gaming writing reading swimming networking investing spreading
         education kindness pets dogs cats books movies food note notes todo important remember warning tip
         attention summary agenda question answer chapter section figure table page part step steps appendix
         item items example examples version date name title author subject total number type status result
         results details overview introduction conclusion contents index references monday's weather news
         version draft release changelog readme license copyright error errors data user users team",
    ),
    (
        Flags::MONTH,
        "january february march april may june july august september october november december jan feb mar apr jun
         jul aug sep sept oct nov dec
         januar jänner februar märz mai juni juli oktober dezember
         janvier février mars avril juin juillet août septembre octobre novembre décembre
         enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    ),
    (
        Flags::WEEKDAY,
        "monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun
         montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag
         lundi mardi mercredi jeudi vendredi samedi dimanche
         lunes martes miércoles jueves viernes sábado domingo",
    ),
    (Flags::LINK, "of the de la del della di da do dos du des von vom van der den zu zur y e al el bin ibn ten ter le les"),
    (
        Flags::GERMAN,
        "der die das und ist nicht ich wir sie ein eine einen einem einer mit von zu für auf im den dem des sich
         auch es wird hat habe haben sind war waren aber oder wie bei nach über vor um aus zum zur dass daß mein
         meine meinen meiner unser unsere sein seine ihr ihre kein keine noch nur wenn weil dann hier schon sehr
         heute gestern vorgestern morgen übermorgen letzten letzte letztes letzter nächsten nächste nächstes diesen diese
         dieses seit bis am vom beim ins was wer wo wann hallo danke bitte ja nein du hast bin bist werden wurde",
    ),
    (
        Flags::FRENCH,
        "le les un une et est pas je nous vous il elle ils elles du des dans pour sur avec qui que ne ce cette ces
         son sa ses mon ma mes notre votre leur au aux mais ou où plus très bien suis es sommes êtes sont était
         j' l' d' qu' n' s' c' m' t' hier avant-hier aujourd'hui demain après-demain depuis jusqu'à merci bonjour
         oui non salut chez par être avoir ai as avons avez ont dernier dernière prochain prochaine",
    ),
    (
        Flags::SPANISH,
        "el los las una y es en por para con no que se su sus mi mis lo le les del al como pero más muy yo tú él
         nosotros ellos ellas este esta estos estas fue era son está están estoy soy ha he han tiene tengo ayer
         anteayer hoy mañana desde hasta pasado pasada próximo próxima gracias hola sí también porque cuando donde",
    ),
    (Flags::PASSED, "war waren hatte hatten wurde wurden ging gingen kam kamen machte gekauft gewesen
         étais était étaient fut suis allé allée avons fue fueron fui estuve estaba era eran compré comió vi"),
    (Flags::COMING, "werde wird werden wirst vais va allons vont irai sera serai voy vamos será iré"),
];
