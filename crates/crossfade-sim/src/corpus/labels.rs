//! Support tickets of a web shop, to be sorted under five labels: as JSON, or as the bare label.

use serde_json::{Value, json};

use super::{CorpusPrompt, Family, Truth};

/// The closed list.
const LABELS: &[&str] = &["billing", "delivery", "technical", "account", "other"];

const TICKETS: &[(&str, &[&str])] = &[
    (
        "billing",
        &[
            "I was charged twice for the same pair of boots this month. Please give one payment back.",
            "Your invoice says 19 % tax, but I order from outside the Union. Can you correct it?",
            "The voucher SPRING was accepted in the cart and is missing on the bill.",
            "My bank shows a payment to you that I cannot match with any order of mine.",
            "How long until the money for my cancelled order is back on my card?",
            "I need last year's invoices again, all of them, for my accountant.",
            "You took the yearly fee although I had switched to monthly payment.",
            "Why is there a handling fee of 4.90 on my latest invoice?",
        ],
    ),
    (
        "delivery",
        &[
            "Tracking has said 'in the depot' for nine days. Where is my parcel?",
            "The courier left my package in the rain in front of the door and it is soaked.",
            "Can you send the order to my office instead? It has not left yet, I think.",
            "One of the three boxes came, the other two are nowhere to be seen.",
            "The parcel was handed to a neighbour who does not exist.",
            "I paid for express and it is now the fourth day.",
            "Delivery was promised for Tuesday between 8 and 12, nobody came.",
            "The lamp arrived in pieces, the carton had a hole on one side.",
        ],
    ),
    (
        "technical",
        &[
            "The app closes by itself as soon as I open the camera to scan a code.",
            "When I press 'pay', the page stays white. Tried two browsers.",
            "Search finds nothing at all since this morning, not even 'shoes'.",
            "Your thermostat no longer connects to the network after the update.",
            "The download of the manual stops at 3 MB every time.",
            "Pictures of the products are not shown on my tablet, only grey boxes.",
            "The speaker I bought makes a humming noise whenever the display dims.",
            "I get error 502 when I upload my photo for the printed mug.",
        ],
    ),
    (
        "account",
        &[
            "I cannot sign in any more, and the mail to reset the password never comes.",
            "Please change my e-mail address, the old company closes next week.",
            "Delete my profile and everything you know about me, please.",
            "Someone else seems to be using my login, I see orders in a city I never visited.",
            "How do I switch on the second factor for signing in?",
            "My married name should appear in the profile instead of the old one.",
            "I have two profiles by mistake, can they be joined into one?",
            "The profile page says I am under 18. I am 61.",
        ],
    ),
    (
        "other",
        &[
            "Do you plan to open a shop in Ghent?",
            "I write for a school paper and would love to interview somebody from your team.",
            "Your window display at the station made my day. Thank you!",
            "Is the wood of your tables from certified forests?",
            "We would like to sell our ceramics through you. Whom do we talk to?",
            "Are dogs allowed in your warehouse sale?",
            "Which of your founders had the idea with the paper boats?",
            "Do you offer apprenticeships next autumn?",
        ],
    ),
];

/// Every third ticket is asked for as a bare label, the others as JSON.
pub(super) fn prompts() -> Vec<CorpusPrompt> {
    let all = TICKETS
        .iter()
        .flat_map(|(label, texts)| texts.iter().map(move |text| (*label, *text)));
    all.enumerate()
        .map(|(number, (right, text))| {
            let json = number % 3 != 2;
            let truth = Truth::Label {
                right,
                labels: LABELS,
                json,
            };
            let id = format!("label-{number:02}");
            let user = format!("Ticket: {text}");
            let prompt = CorpusPrompt::new(id, Family::Label, &system(json), user, truth);
            if json {
                prompt.with_schema("ticket_category", &schema())
            } else {
                prompt
            }
        })
        .collect()
}

/// The schema of a label in JSON.
pub(super) fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "category": {"type": "string", "enum": LABELS},
            "confidence": {"type": "number"},
        },
        "required": ["category", "confidence"],
        "additionalProperties": false,
    })
}

fn system(json: bool) -> String {
    let form = if json {
        "Answer with a JSON object that has the members category and confidence (0 to 1)."
    } else {
        "Answer with the label alone, in lower case."
    };
    format!(
        "You sort the tickets of a web shop. The labels are {}. {form}",
        LABELS.join(", ")
    )
}
