//! Questions answered in free text: two voices, the same substance, other words.

use super::{CorpusPrompt, Family, Truth};

const SYSTEM: &str =
    "You answer questions of a web shop's customers and staff in two or three sentences.";

const QUESTIONS: &[(&str, &str, &str)] = &[
    (
        "How do I keep a wool jumper from shrinking?",
        "Wash it by hand in cold water with a mild detergent, press the water out gently, and dry it flat. Heat and \
         rubbing are what makes wool shrink.",
        "Cold water, a gentle detergent and no wringing: lay the jumper flat on a towel to dry. Wool felts when it meets \
         heat and friction.",
    ),
    (
        "What is the difference between oiled and varnished oak?",
        "Oil soaks into the wood and keeps it breathing, but needs a new coat now and then. Varnish closes the surface, \
         which makes it tougher and harder to repair.",
        "Varnish forms a hard film that resists stains; oil sinks in, feels more natural and can be renewed in spots. \
         Oiled oak wants care about once a year.",
    ),
    (
        "Explain in simple words what a warranty covers.",
        "A warranty promises that the maker repairs or replaces the product if it fails because of a fault of its own. \
         Damage by accidents or normal wear is usually not part of it.",
        "If the product breaks through no fault of yours, the manufacturer fixes it or gives you a new one. Wear, drops and \
         misuse are normally left out.",
    ),
    (
        "Write a friendly line for a card that goes with a late parcel.",
        "We are sorry for the wait, and glad that your parcel has found its way to you at last. Enjoy it!",
        "Thank you for your patience! Your parcel took the scenic route, and we hope its contents make up for it.",
    ),
    (
        "How do I descale a kettle without chemicals?",
        "Fill it with equal parts of vinegar and water, bring it to the boil, and let it stand for half an hour. Rinse it \
         well and boil fresh water once.",
        "Boil a mix of water and vinegar (half and half), wait thirty minutes and pour it away. A final boil with clear \
         water takes away the smell.",
    ),
    (
        "Which size of rug fits under a table for six?",
        "Leave about 60 cm around the table so that chairs stay on the rug when pulled back; for a table of six that is \
         around 200 by 300 cm.",
        "A rug of roughly 2 by 3 metres suits a table for six. The chairs should stand on it even when somebody is seated.",
    ),
    (
        "Sum up our return policy for a chat: 30 days, unused, original box, return label is in the parcel.",
        "You can send unused goods back within 30 days in their original box. A return label is already in your parcel.",
        "Returns are easy: within 30 days, unused and in the original box, with the label you find in the parcel.",
    ),
    (
        "Give three tips for storing coffee beans.",
        "Keep them airtight, keep them dark, and keep them cool but out of the fridge. Buy amounts that you use up within a \
         few weeks.",
        "An airtight tin, a dark cupboard and small purchases. The fridge is no friend of coffee, because it brings moisture.",
    ),
    (
        "What does IP44 mean on an outdoor lamp?",
        "IP44 says that the lamp keeps out objects larger than one millimetre and splashing water from any side. It is fine \
         under a roof and in normal rain.",
        "The first 4 stands for protection against things over 1 mm, the second for protection against splashes. For \
         ordinary rain outdoors that is enough.",
    ),
    (
        "How often should I sharpen kitchen knives?",
        "Use a honing steel every week and sharpen them on a stone two or three times a year. Soft boards keep the edge \
         longer.",
        "Two or three times a year on a whetstone is plenty for a home kitchen, with a few strokes on the steel in between.",
    ),
    (
        "Propose a subject line for a newsletter about garden chairs.",
        "Take a seat: spring has arrived in your garden",
        "New garden chairs, just in time for the first sun",
    ),
    (
        "Why does my bamboo board smell after washing?",
        "It probably stayed damp too long. Rub it with lemon and salt, rinse it briefly and let it dry standing upright.",
        "Moisture in the fibres is the usual cause. Dry the board upright, and freshen it with salt and half a lemon.",
    ),
    (
        "What is a good gift under 20 euros for a tea lover?",
        "A small cast-iron strainer, a tin of loose tea, or a double-walled glass all fit into 20 euros and please most tea \
         lovers.",
        "Look for a loose-leaf sampler or a nice infuser; both are useful and stay below 20 euros.",
    ),
    (
        "Translate into plain English: 'The item is subject to availability.'",
        "We can only send it while we have it in stock.",
        "You can order it as long as there are some left.",
    ),
    (
        "How do I measure a window for blinds?",
        "Measure the width at the top, middle and bottom and take the smallest; measure the height left and right and take \
         the larger. For blinds inside the frame, subtract about one centimetre of the width.",
        "Take three widths and two heights. Order by the smallest width, less a centimetre if the blind hangs inside the \
         frame, and by the greatest height.",
    ),
    (
        "Can linen go into the dryer?",
        "Better not on hot: linen dries quickly on the line and creases less there. If you must, use a low setting and take \
         it out slightly damp.",
        "It can, on low heat and not until bone dry. Line drying is kinder to the fibres and saves you ironing.",
    ),
    (
        "What does the energy label with a C tell me?",
        "It places the device in the middle of the scale from A to G. A C is decent, and the annual consumption printed \
         below the letter lets you compare models.",
        "C means average to good on the scale that runs from A (best) to G. Compare the yearly consumption in kilowatt-hours \
         as well.",
    ),
    (
        "Describe our blue stoneware mug in one sentence.",
        "A sturdy mug of deep blue stoneware that keeps your coffee warm and sits well in the hand.",
        "Hand-glazed in a deep blue, this stoneware mug is made for long breakfasts and warm fingers.",
    ),
    (
        "How can I tell whether a plant needs water?",
        "Push a finger two centimetres into the soil: if it is dry there, water the plant. Drooping leaves are a late sign.",
        "Check the soil, not the calendar: when the top two centimetres are dry, it is time. A light pot is another hint.",
    ),
    (
        "What should I do with used batteries?",
        "Bring them to a collection box in a shop or at the recycling yard; they must not go into household waste.",
        "Please drop them into a battery box, which every shop that sells batteries has. They do not belong in the bin.",
    ),
];

pub(super) fn prompts() -> Vec<CorpusPrompt> {
    let prompt = |(number, &(user, primary, candidate)): (usize, &(&str, &str, &str))| {
        let truth = Truth::Says {
            primary: primary.to_owned(),
            candidate: candidate.to_owned(),
        };
        CorpusPrompt::new(
            format!("text-{number:02}"),
            Family::Text,
            SYSTEM,
            user,
            truth,
        )
    };
    QUESTIONS.iter().enumerate().map(prompt).collect()
}
