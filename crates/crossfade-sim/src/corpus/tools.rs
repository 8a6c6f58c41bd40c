//! Conversations with tools: calls to make, two at once, and results to report.

use serde_json::{Value, json};

use super::{CorpusPrompt, Family, Truth};
use crate::script::ToolCall;

const SYSTEM: &str = "You help the customers of a web shop. Use the tools for orders, refunds and the weather at the \
                      place of delivery; do not guess.";

const ORDERS: &[(&str, &str)] = &[
    ("A-1001", "Where is my order A-1001?"),
    ("A-1002", "Has A-1002 left your warehouse yet?"),
    (
        "B-2210",
        "I would like to know the state of order B-2210, please.",
    ),
    ("B-2377", "Order B-2377: when will it arrive?"),
    ("C-0008", "Hello, can you check C-0008 for me?"),
    (
        "C-0451",
        "My number is C-0451. Is everything in it in stock?",
    ),
    ("D-9912", "What did I order under D-9912 again?"),
    (
        "E-3141",
        "Please look up E-3141, my daughter is waiting for it.",
    ),
];

const REFUNDS: &[(&str, f64, &str, &str)] = &[
    (
        "A-1001",
        24.9,
        "damaged",
        "The cup in A-1001 was broken. I would like my 24.90 back.",
    ),
    (
        "B-2210",
        130.0,
        "not delivered",
        "B-2210 never came. Refund me the 130.00, please.",
    ),
    (
        "C-0008",
        12.0,
        "wrong item",
        "You sent the wrong colour with C-0008; please return the 12.00 I paid.",
    ),
    (
        "D-9912",
        58.35,
        "returned",
        "I sent D-9912 back last week and want the 58.35 refunded.",
    ),
    (
        "E-3141",
        7.5,
        "overcharged",
        "E-3141 was 7.50 cheaper in the offer. Refund the difference of 7.50.",
    ),
    (
        "F-7777",
        310.0,
        "cancelled",
        "I cancelled F-7777 within the hour. Please refund the full 310.00.",
    ),
];

const PLACES: &[(&str, &str)] = &[
    (
        "Bergen",
        "Will it rain in Bergen today? The parcel is to stand outside.",
    ),
    ("Porto", "What is the weather in Porto right now?"),
    (
        "Graz",
        "Is there snow in Graz at the moment? Your van must get up the hill.",
    ),
    (
        "Leeds",
        "How warm is it in Leeds today? The chocolate must not melt.",
    ),
    ("Tartu", "Please tell me the temperature in Tartu."),
    (
        "Nantes",
        "Storm in Nantes, or can the balloon be delivered?",
    ),
];

const PAIRS: &[(&str, &str, &str)] = &[
    (
        "A-1002",
        "Oslo",
        "Check order A-1002 and the weather in Oslo, in one go please.",
    ),
    (
        "B-2377",
        "Lyon",
        "Two things: the state of B-2377, and the weather in Lyon.",
    ),
    (
        "C-0451",
        "Riga",
        "Where is C-0451, and how is the weather in Riga where it goes?",
    ),
];

/// Order, the tool's result, and what each voice makes of it.
const REPORTS: &[(&str, &str, &str, &str, &str)] = &[
    (
        "G-4001",
        "Any news about G-4001?",
        r#"{"status":"shipped","carrier":"post","days_left":2}"#,
        "Your order G-4001 has been shipped and should arrive in about 2 days.",
        "Good news: G-4001 is on its way with the post and is expected within 2 days.",
    ),
    (
        "G-4002",
        "I am waiting for G-4002, what is going on?",
        r#"{"status":"packing"}"#,
        "G-4002 is being packed at the moment.",
        "Order G-4002 is currently in packing and will leave the warehouse next.",
    ),
    (
        "G-4003",
        "Did G-4003 get lost?",
        r#"{"status":"delivered","at":"2026-05-02"}"#,
        "G-4003 was delivered on 2026-05-02.",
        "According to the carrier, G-4003 was handed over on 2026-05-02.",
    ),
    (
        "G-4004",
        "What about G-4004?",
        r#"{"error":"unknown order"}"#,
        "I could not find an order G-4004. Is the number right?",
        "There is no order under G-4004 in the system; please check the number.",
    ),
    (
        "G-4005",
        "Can I still change G-4005?",
        r#"{"status":"open","changeable":true}"#,
        "Yes, G-4005 is still open and can be changed.",
        "G-4005 has not been processed yet, so changes are possible.",
    ),
];

pub(super) fn prompts() -> Vec<CorpusPrompt> {
    let order = |id: &str| call("look_up_order", &json!({"order_id": id}));
    let weather = |city: &str| call("get_weather", &json!({"city": city}));
    let orders = ORDERS.iter().map(|&(id, user)| (user, vec![order(id)]));
    let refunds = REFUNDS.iter().map(|&(id, amount, reason, user)| {
        let arguments = json!({"order_id": id, "amount": amount, "reason": reason});
        (user, vec![call("issue_refund", &arguments)])
    });
    let places = PLACES
        .iter()
        .map(|&(city, user)| (user, vec![weather(city)]));
    let pairs = PAIRS
        .iter()
        .map(|&(id, city, user)| (user, vec![order(id), weather(city)]));
    let calls = orders
        .chain(refunds)
        .chain(places)
        .chain(pairs)
        .enumerate()
        .map(|(n, (user, calls))| {
            let id = format!("tools-{n:02}");
            CorpusPrompt::new(id, Family::Tools, SYSTEM, user, Truth::Calls(calls))
        });
    let reports =
        REPORTS
            .iter()
            .enumerate()
            .map(|(n, &(order, user, result, primary, candidate))| {
                let truth = Truth::Says {
                    primary: primary.to_owned(),
                    candidate: candidate.to_owned(),
                };
                let id = format!("report-{n:02}");
                CorpusPrompt::new(id, Family::Text, SYSTEM, user, truth)
                    .after(history(n, order, result))
            });
    calls
        .chain(reports)
        .map(|prompt| prompt.with("tools", definitions()))
        .collect()
}

fn call(name: &str, arguments: &Value) -> ToolCall {
    ToolCall {
        name: name.to_owned(),
        arguments: arguments.to_string(),
    }
}

/// The turn in which the order was looked up.
fn history(number: usize, order: &str, result: &str) -> Vec<Value> {
    let id = format!("call_report{number:018}");
    let arguments = json!({"order_id": order}).to_string();
    let function = json!({"name": "look_up_order", "arguments": arguments});
    vec![
        json!({"role": "assistant", "content": null,
               "tool_calls": [{"id": id, "type": "function", "function": function}]}),
        json!({"role": "tool", "tool_call_id": id, "content": result}),
    ]
}

fn definitions() -> Value {
    let tool = |name: &str, description: &str, members: Value| {
        let required: Vec<&String> = members
            .as_object()
            .into_iter()
            .flat_map(|m| m.keys())
            .collect();
        let parameters = json!({
            "type": "object", "properties": members, "required": required, "additionalProperties": false,
        });
        json!({"type": "function",
               "function": {"name": name, "description": description, "parameters": parameters}})
    };
    json!([
        tool(
            "look_up_order",
            "The state of an order.",
            json!({"order_id": {"type": "string"}})
        ),
        tool(
            "issue_refund",
            "Pays money back for an order.",
            json!({"order_id": {"type": "string"}, "amount": {"type": "number"}, "reason": {"type": "string"}}),
        ),
        tool(
            "get_weather",
            "The weather in a city now.",
            json!({"city": {"type": "string"}})
        ),
    ])
}
