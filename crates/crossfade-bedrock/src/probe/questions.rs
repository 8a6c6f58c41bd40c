//! The questions: for each topic what is sent, under which claim, and what the outcome shows.

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Found, Topic,
    ask::{Asker, Outcome},
};
use crate::capabilities::{Capabilities, Choice, Overrides, Reasoning, Sampling, Stop, Structured};

/// The most ways of asking for effort that are tried.
pub(super) const STYLES: u32 = 6;

/// The token limit of most questions.
const SHORT: u32 = 64;
/// The token limit where there is to be room for thought.
const LONG: u32 = 2048;
/// A token limit that some endpoints ask for at least.
const FLOOR: u32 = 16;

const STRANGE: &str = "the endpoint took neither form";

/// What the table holds for a topic, in its own words.
pub(super) fn stated(topic: Topic, table: &Capabilities) -> String {
    match topic {
        Topic::Reach => String::new(),
        Topic::Streams => word(table.streams),
        Topic::Sampling => word(table.sampling),
        Topic::Stop => word(table.stop),
        Topic::Choice => word(table.choice),
        Topic::Strict => word(table.strict),
        Topic::Structured => word(table.structured),
        Topic::Reasoning => word(table.reasoning),
        Topic::TokenFloor => word(table.token_floor),
    }
}

/// A column's value as the table writes it.
fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        Ok(value) => value.to_string(),
        Err(_) => String::new(),
    }
}

/// Asks for one topic, and notes what was shown.
pub(super) async fn answer(
    topic: Topic,
    asker: &mut Asker,
    table: &Capabilities,
    shown: &mut Overrides,
) -> Found {
    match topic {
        Topic::Reach => reach(asker).await,
        Topic::Streams => note(streams(asker, shown).await, &mut shown.streams),
        Topic::Sampling => note(sampling(asker).await, &mut shown.sampling),
        Topic::Stop => note(stop(asker).await, &mut shown.stop),
        Topic::Choice => note(choice(asker).await, &mut shown.choice),
        Topic::Strict => note(strict(asker).await, &mut shown.strict),
        Topic::Structured => note(structured(asker).await, &mut shown.structured),
        Topic::Reasoning => note(reasoning(asker, table).await, &mut shown.reasoning),
        Topic::TokenFloor => note(token_floor(asker).await, &mut shown.token_floor),
    }
}

fn note<T: Serialize + Copy>(answer: Result<T, &'static str>, column: &mut Option<T>) -> Found {
    match answer {
        Ok(value) => {
            *column = Some(value);
            Found::Shown(word(value))
        }
        Err(why) => Found::Unknown(why),
    }
}

/// A request with a few words, and these members beside them.
fn request(max_tokens: u32, more: Value) -> Value {
    let mut body = json!({
        "messages": [{"role": "user", "content": "Say OK."}],
        "max_completion_tokens": max_tokens,
    });
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    body
}

fn tool(strict: Option<bool>, choice: &Value) -> Value {
    let mut function = json!({
        "name": "say",
        "description": "Says a word.",
        "parameters": {
            "type": "object",
            "properties": {"word": {"type": "string"}},
            "required": ["word"],
            "additionalProperties": false,
        },
    });
    if let (Some(function), Some(strict)) = (function.as_object_mut(), strict) {
        function.insert("strict".to_owned(), strict.into());
    }
    json!({"tools": [{"type": "function", "function": function}], "tool_choice": choice})
}

async fn reach(asker: &mut Asker) -> Found {
    let body = if asker.embeds() {
        json!({"input": "OK"})
    } else {
        request(SHORT, json!({}))
    };
    match asker.ask(|_| {}, &body).await {
        Outcome::Answered(_) => Found::Shown("answers".to_owned()),
        Outcome::Refused => {
            Found::Unknown("it refuses the plainest request: check that the model speaks this API")
        }
        Outcome::Failed(why) => Found::Unknown(why),
    }
}

async fn streams(asker: &mut Asker, shown: &Overrides) -> Result<bool, &'static str> {
    let body = request(SHORT, json!({"stream": true}));
    // Whether tools and streams go together is another column.
    let stream_tools = shown.stream_tools;
    let claim = |table: &mut Overrides| {
        table.streams = Some(true);
        table.stream_tools = stream_tools;
    };
    match asker.ask(claim, &body).await {
        Outcome::Answered(answer) if answer.is_whole_stream() => Ok(true),
        Outcome::Answered(_) => Err("what came is no whole stream"),
        Outcome::Refused => Ok(false),
        Outcome::Failed(why) => Err(why),
    }
}

async fn sampling(asker: &mut Asker) -> Result<Sampling, &'static str> {
    let both = request(SHORT, json!({"temperature": 0.5, "top_p": 0.9}));
    let claim = |table: &mut Overrides| table.sampling = Some(Sampling::Both);
    match asker.ask(claim, &both).await {
        Outcome::Answered(_) => return Ok(Sampling::Both),
        Outcome::Failed(why) => return Err(why),
        Outcome::Refused => {}
    }
    let one = request(SHORT, json!({"temperature": 0.5}));
    match asker.ask(claim, &one).await {
        Outcome::Answered(_) => Ok(Sampling::One),
        Outcome::Refused => Ok(Sampling::None),
        Outcome::Failed(why) => Err(why),
    }
}

async fn stop(asker: &mut Asker) -> Result<Stop, &'static str> {
    let claim = |table: &mut Overrides| table.stop = Some(Stop::Any);
    for (sequence, shows) in [("\n\n", Stop::Any), ("###", Stop::Visible)] {
        let body = request(SHORT, json!({"stop": [sequence]}));
        match asker.ask(claim, &body).await {
            Outcome::Answered(_) => return Ok(shows),
            Outcome::Failed(why) => return Err(why),
            Outcome::Refused => {}
        }
    }
    Ok(Stop::None)
}

async fn choice(asker: &mut Asker) -> Result<Choice, &'static str> {
    let claim = |table: &mut Overrides| {
        table.tools = Some(true);
        table.choice = Some(Choice::All);
    };
    let named = json!({"type": "function", "function": {"name": "say"}});
    for (asked, shows) in [(named, Choice::All), (json!("required"), Choice::Any)] {
        let body = request(SHORT * 4, tool(None, &asked));
        match asker.ask(claim, &body).await {
            // A choice that is taken and not kept to is no choice.
            Outcome::Answered(answer) if answer.calls_a_tool() => return Ok(shows),
            Outcome::Answered(_) | Outcome::Refused => {}
            Outcome::Failed(why) => return Err(why),
        }
    }
    Ok(Choice::None)
}

async fn strict(asker: &mut Asker) -> Result<bool, &'static str> {
    let body = request(SHORT * 4, tool(Some(true), &json!("auto")));
    let claim = |table: &mut Overrides| {
        table.tools = Some(true);
        table.strict = Some(true);
    };
    match asker.ask(claim, &body).await {
        Outcome::Answered(_) => Ok(true),
        Outcome::Refused => Ok(false),
        Outcome::Failed(why) => Err(why),
    }
}

async fn structured(asker: &mut Asker) -> Result<Structured, &'static str> {
    let schema = json!({
        "type": "object",
        "properties": {"word": {"type": "string"}},
        "required": ["word"],
        "additionalProperties": false,
    });
    let format = json!({
        "type": "json_schema",
        "json_schema": {"name": "said", "strict": true, "schema": schema},
    });
    let body = request(SHORT * 4, json!({"response_format": format}));
    let claim = |table: &mut Overrides| table.structured = Some(Structured::Native);
    match asker.ask(claim, &body).await {
        Outcome::Answered(answer) if answer.is_json() => Ok(Structured::Native),
        // Taken and not kept to: the tool is the better way.
        Outcome::Answered(_) | Outcome::Refused => Ok(Structured::Tool),
        Outcome::Failed(why) => Err(why),
    }
}

/// The table's own way first. Some endpoints ignore members that they do not know, so another way counts only where the answer
/// shows that there was thought.
async fn reasoning(asker: &mut Asker, table: &Capabilities) -> Result<Reasoning, &'static str> {
    let body = request(LONG, json!({"reasoning_effort": "low"}));
    let own = table.reasoning;
    let mut refused_own = false;
    if own != Reasoning::None {
        match asker.ask(|table| table.reasoning = Some(own), &body).await {
            Outcome::Answered(_) => return Ok(own),
            Outcome::Refused => refused_own = true,
            Outcome::Failed(why) => return Err(why),
        }
    }
    for style in [
        Reasoning::Adaptive,
        Reasoning::Budget,
        Reasoning::Effort,
        Reasoning::Nested,
        Reasoning::Nova,
        Reasoning::Word,
    ] {
        if style == own {
            continue;
        }
        match asker
            .ask(|table| table.reasoning = Some(style), &body)
            .await
        {
            Outcome::Answered(answer) if answer.reasoned => return Ok(style),
            Outcome::Answered(_) | Outcome::Refused => {}
            Outcome::Failed(why) => return Err(why),
        }
    }
    if refused_own {
        Ok(Reasoning::None)
    } else {
        Err("no answer showed thought")
    }
}

async fn token_floor(asker: &mut Asker) -> Result<u32, &'static str> {
    for limit in [1, FLOOR] {
        let body = request(limit, json!({}));
        match asker.ask(|table| table.token_floor = Some(1), &body).await {
            Outcome::Answered(_) => return Ok(limit),
            Outcome::Refused => {}
            Outcome::Failed(why) => return Err(why),
        }
    }
    Err(STRANGE)
}
