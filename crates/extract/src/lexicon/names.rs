//! Words that tell what a name stands for.

use super::Flags;

pub(super) const LISTS: &[(Flags, &str)] = &[
    (
        Flags::TITLE,
        "dr prof professor mr mrs ms miss sir dame lord lady president chancellor captain colonel general senator
         king queen prince princess pope herr frau doktor mme mlle monsieur madame señor señora sr sra st saint
         aunt uncle grandma grandpa coach judge sergeant",
    ),
    (Flags::LEGAL, "inc ltd llc gmbh ag corp plc kg sarl sl bv oy ab limited corporation incorporated"),
    (
        Flags::ORGANISATION,
        "university college school academy institute bank company corporation group holdings council ministry
         department agency authority committee commission board union association society foundation federation
         league club team church hospital clinic museum library court party parliament senate congress army navy
         press times post journal airlines airways motors systems technologies labs laboratory laboratories
         industries partners studio studios records network consortium organization organisation center centre
         shelter restaurant cafe bakery universität bank verein stiftung hochschule université banque universidad
         banco",
    ),
    (
        Flags::PLACE_WORD,
        "street road avenue boulevard lane square park river lake sea ocean bay gulf mountain mountains mount hills
         hill valley island islands beach coast desert forest canyon falls city town village county state district
         province region republic kingdom airport station bridge tower castle palace cathedral canal harbor harbour
         peninsula national straße platz allee gasse rue place avenida calle plaza",
    ),
    (
        Flags::EVENT,
        "conference festival fest tournament championship championships marathon war battle summit cup olympics
         parade concert expo fair convention ceremony gala revolution treaty hackathon meetup workshop election
         elections race wedding olympiad symposium congress bowl games season finals playoffs",
    ),
    (Flags::WORK, "book novel movie film song album painting series show game poem play documentary article podcast
         musical opera manga comic trilogy paper roman buch lied livre chanson libro película canción"),
    (
        Flags::PLACE,
        "afghanistan albania algeria argentina armenia australia austria bangladesh belgium bolivia bosnia brazil
         bulgaria cambodia cameroon canada chile china colombia croatia cuba cyprus denmark ecuador egypt england
         estonia ethiopia europe africa asia america antarctica finland france germany ghana greece guatemala haiti
         honduras hungary iceland india indonesia iran iraq ireland israel italy jamaica japan jordan kazakhstan kenya
         korea kuwait latvia lebanon libya lithuania luxembourg malaysia malta mexico moldova monaco mongolia morocco
         nepal netherlands nicaragua nigeria norway pakistan panama paraguay peru philippines poland portugal qatar
         romania russia scotland senegal serbia singapore slovakia slovenia somalia spain sudan sweden switzerland
         syria taiwan tanzania thailand tunisia turkey uganda ukraine uruguay venezuela vietnam wales yemen zambia
         zimbabwe deutschland österreich schweiz frankreich italien spanien allemagne suisse espagne españa alemania
         francia suiza
         california texas florida alaska hawaii oregon colorado arizona nevada ohio michigan illinois virginia
         massachusetts pennsylvania minnesota wisconsin tennessee bavaria bayern tuscany
         berlin munich münchen hamburg cologne köln frankfurt stuttgart leipzig dresden vienna wien zurich zürich
         geneva genf bern basel paris lyon marseille nice bordeaux toulouse strasbourg madrid barcelona seville
         sevilla valencia lisbon porto rome milan naples florence venice turin london manchester liverpool edinburgh
         glasgow dublin cardiff oxford cambridge amsterdam rotterdam brussels antwerp copenhagen stockholm oslo
         helsinki warsaw krakow prague budapest bucharest sofia athens istanbul ankara moscow kyiv kiev minsk riga
         vilnius tallinn chicago boston seattle portland denver dallas houston austin atlanta miami orlando tampa
         phoenix philadelphia detroit toronto montreal vancouver ottawa tokyo kyoto osaka seoul beijing shanghai
         shenzhen delhi mumbai bangalore chennai karachi lahore dhaka bangkok hanoi jakarta manila sydney melbourne
         brisbane perth auckland wellington cairo lagos nairobi johannesburg casablanca dubai riyadh tehran baghdad
         jerusalem bogota lima santiago quito caracas havana brooklyn manhattan hollywood uk usa eu u.s u.k",
    ),
    (
        Flags::PERSON_NOUN,
        "mother mom mum mama mommy father dad papa daddy parents parent brother brothers sister sisters son sons daughter
         daughters wife husband spouse partner boyfriend girlfriend fiance fiancee fiancé fiancée ex aunt uncle cousin cousins
         nephew niece grandmother grandma granny grandfather grandpa grandparents grandson granddaughter friend friends
         buddy bestie roommate neighbor neighbour neighbors colleague colleagues coworker boss manager teacher coach
         mentor doctor therapist dentist lawyer landlord tenant client customer student students kid kids child
         children baby toddler twins family teammate teammates stepmother stepfather stepson godmother sibling
         siblings girl boy woman man guy lady employee intern assistant stepdad stepmom
         freund freundin mutter vater bruder schwester frau mann kollege kollegin chef chefin sohn tochter
         ami amie mère père frère soeur sœur femme mari collègue amigo amiga madre padre hermano hermana esposa
         marido hijo hija jefe",
    ),
    (
        Flags::GIVEN,
        "adam adrian alan albert alejandro alex alexander alexandra alfred alice alicia alina allison amanda amelia amy
         ana andre andrea andreas andrew angela angelina anita anna anne annette anthony antonio arthur audrey ben
         benjamin bernard beth betty bob bobby brad brandon brenda brian bruce calvin camila carl carla carlos carmen
         carol caroline catherine cecilia charles charlie charlotte chloe chris christian christina christine
         christopher claire clara claudia colin connor craig cynthia daniel daniela danny dave david dean deborah
         debra denise dennis diana diane diego dmitri don donald donna doris dorothy doug douglas dylan eddie edgar
         edith edward elena eli elias elisabeth elizabeth ella ellen emil emilia emily emma eric erica erik erika ernest
         esther ethan eva evan evelyn felix fernando florian fiona francesca francis frank franz fred friedrich gabriel
         gabriela gary george gerald gina giovanni giulia gloria gordon greg gregory greta gustav hannah hans harold
         harriet harry heather heidi heinrich helen helena helga henri henry holly howard hugo ian igor ingrid irene
         isaac isabel isabella ivan jacob jacques jake james jamie jan jana jane janet jason javier jean jeff jeffrey
         jenna jennifer jenny jeremy jerry jesse jessica jill jim jimmy joan joanna joe joel johann johanna john johnny
         jon jonas jonathan jordan jorge jose josef joseph josh joshua joyce juan judith julia julian julie jürgen karen karin
         karl kate katharina katherine kathleen kathy katie keith kelly ken kenneth kevin kim klara klaus kristen kristin
         kurt kyle lara larry laura lauren lea leah lena leo leon leonard leonie lewis liam lily linda lisa lorenz louis
         louise luca lucas lucia lucy luis lukas luke maja manuel marc marcel marco marcus margaret maria mariam marie
         marina mario marion marlene martha martin martina mary mateo matt matteo matthew matthias max maximilian maya
         megan mehmet mel melanie melissa mia michael michaela michel michelle miguel mike mikhail mila mohamed mohammed
         molly monica monika moritz muhammad nadia nancy naomi natalia natalie natasha nathan nate nicholas nick nicolas
         nicole nina noah nora norma olaf oliver olivia oscar otto owen pablo pamela pascal patricia patrick paul paula pedro
         penny peter petra phil philip philipp philippe pierre priya rachel rafael raj ralph ramona raymond rebecca renate
         ricardo richard rita robert roberta robin rodrigo roger roland roman ron ronald rosa ruby ruth ryan sabine sabrina
         sally sam samantha samuel sandra sara sarah scott sean sebastian sergei sharon sheila simon sofia sonia sophia
         sophie stefan stefanie stella stephanie stephen steve steven stuart susan susanne sven sylvia tamara tanja tanya
         teresa theo theodore theresa thomas tim timothy tina tobias todd tom tommy tony tracy ulrich ursula valentina
         valerie vanessa vera veronica victor victoria vincent vivian walter wanda wendy werner wilhelm william wolfgang
         xavier yolanda yuki yusuf yvonne zoe",
    ),
    // First names that are words too.
    (
        Flags::GIVEN,
        "mark will grant drew rob sue pat bill jack hope grace rose faith joy dawn summer april june may august
         chase art iris ivy jade miles pierce rich sandy skip ruby",
    ),
];
