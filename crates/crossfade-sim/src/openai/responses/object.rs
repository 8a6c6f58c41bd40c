//! The response object and its items, in the order of members that captures show.

use serde_json::{Map, Value, json};

use super::{Asked, Mint, seal};
use crate::{
    openai::{
        chat::{self, Form},
        tokens,
    },
    script::{Answer, Finish, Prompt},
};

/// Everything of a response that does not change while it is made.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    /// Its id.
    pub(crate) id: String,
    /// When it began, in seconds since the Unix epoch.
    pub(crate) created: i64,
    /// Whether it is kept.
    pub(crate) store: bool,
    /// Whether the service fills in Azure's members.
    pub(crate) azure: bool,
    request: Map<String, Value>,
    model: String,
}

/// An item of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Reasoning {
        id: String,
        /// The thoughts as a summary, if one was asked for.
        summary: Option<String>,
        /// The thoughts themselves, where a model shows them.
        shown: Option<String>,
        sealed: Option<String>,
    },
    Text {
        id: String,
        text: String,
    },
    Refusal {
        id: String,
        text: String,
    },
    Call {
        id: String,
        call_id: String,
        name: String,
        input: String,
        custom: bool,
    },
}

/// A response ready to be told.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(super) items: Vec<Item>,
    pub(super) status: &'static str,
    incomplete: Option<String>,
    usage: Value,
    filters: Value,
    /// Tokens that it takes to say.
    pub(crate) output_tokens: u64,
}

/// How a model shows its thoughts, and who seals them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thinking {
    pub(crate) who: &'static str,
    /// Whether the thoughts stand open in the item.
    pub(crate) open: bool,
}

/// Makes a response of an answer. `word` takes the place of the reason for its end, if there is one.
pub(crate) fn made(
    asked: &Asked,
    prompt: &Prompt,
    mut answer: Answer,
    thinking: Thinking,
    word: Option<&str>,
    mint: &mut dyn Mint,
) -> Made {
    let most = asked.body.get("max_output_tokens").and_then(Value::as_u64);
    if let (Some(text), Some(most)) = (&mut answer.text, most)
        && tokens(text) > most
    {
        let characters = usize::try_from(most.saturating_mul(4)).unwrap_or(usize::MAX);
        *text = text.chars().take(characters).collect();
        answer.finish = Finish::Length;
    }
    let reasoning_tokens = answer.reasoning.as_deref().map_or(0, tokens);
    let items = items(asked, prompt, &answer, thinking, mint);
    let output_tokens = reasoning_tokens + items.iter().map(Item::tokens).sum::<u64>();
    let input_tokens = asked.prompt_tokens();
    let reason = match answer.finish {
        Finish::Natural => None,
        Finish::Length => Some("max_output_tokens"),
        Finish::Filtered => Some("content_filter"),
    };
    let incomplete = word.or(reason).map(str::to_owned);
    Made {
        status: if incomplete.is_some() {
            "incomplete"
        } else {
            "completed"
        },
        incomplete,
        usage: json!({
            "input_tokens": input_tokens,
            "input_tokens_details": {"cached_tokens": answer.cached_tokens.min(input_tokens)},
            "output_tokens": output_tokens,
            "output_tokens_details": {"reasoning_tokens": reasoning_tokens},
            "total_tokens": input_tokens + output_tokens,
        }),
        filters: filters(
            input_tokens,
            output_tokens,
            answer.finish == Finish::Filtered,
        ),
        items,
        output_tokens,
    }
}

fn items(
    asked: &Asked,
    prompt: &Prompt,
    answer: &Answer,
    thinking: Thinking,
    mint: &mut dyn Mint,
) -> Vec<Item> {
    let mut items = Vec::new();
    if let Some(thoughts) = &answer.reasoning {
        let summary = asked
            .body
            .get("reasoning")
            .and_then(|reasoning| reasoning.get("summary"))
            .is_some_and(Value::is_string);
        items.push(Item::Reasoning {
            id: mint.id("rs_", 0),
            summary: summary.then(|| thoughts.clone()),
            shown: thinking.open.then(|| thoughts.clone()),
            sealed: asked
                .includes("reasoning.encrypted_content")
                .then(|| seal::seal(thinking.who, thoughts)),
        });
    }
    if let Some(text) = &answer.text {
        let (id, text) = (mint.id("msg_", 0), text.clone());
        items.push(Item::Text { id, text });
    }
    if let Some(text) = &answer.refusal {
        let (id, text) = (mint.id("msg_", 0), text.clone());
        items.push(Item::Refusal { id, text });
    }
    for (n, call) in answer.tool_calls.iter().enumerate() {
        let custom = chat::form(&prompt.body, &call.name) == Form::Custom;
        items.push(Item::Call {
            id: mint.id(if custom { "ctc_" } else { "fc_" }, n),
            call_id: mint.id("call_", n),
            name: call.name.clone(),
            input: call.arguments.clone(),
            custom,
        });
    }
    items
}

/// What Azure's filter says of a prompt and a completion.
fn filters(input_tokens: u64, output_tokens: u64, cut: bool) -> Value {
    let safe = json!({"filtered": false, "severity": "safe"});
    let clear = json!({"detected": false, "filtered": false});
    let violence = if cut {
        json!({"filtered": true, "severity": "medium"})
    } else {
        safe.clone()
    };
    let offsets =
        |tokens: u64| json!({"start_offset": 0, "end_offset": tokens * 4, "check_offset": 0});
    json!([
        {
            "blocked": false,
            "source_type": "prompt",
            "content_filter_raw": [],
            "content_filter_results": {
                "jailbreak": clear, "hate": safe, "sexual": safe, "violence": safe, "self_harm": safe,
            },
            "content_filter_offsets": offsets(input_tokens),
        },
        {
            "blocked": cut,
            "source_type": "completion",
            "content_filter_raw": [],
            "content_filter_results": {
                "hate": safe, "sexual": safe, "violence": violence, "self_harm": safe,
                "protected_material_code": clear, "protected_material_text": clear,
            },
            "content_filter_offsets": offsets(output_tokens),
        },
    ])
}

// === impl Draft ===

impl Draft {
    /// Begins a response to a request.
    pub(crate) fn new(asked: &Asked, store: bool, azure: bool, mint: &mut dyn Mint) -> Self {
        Self {
            id: mint.id("resp_", 0),
            created: mint.now(),
            store,
            azure,
            request: asked.body.clone(),
            model: asked.model.clone(),
        }
    }

    /// The response before anything was said, in this status.
    pub(crate) fn begun(&self, status: &str) -> Value {
        self.object(status, None, &json!([]), None)
    }

    /// The response as it ended.
    pub(crate) fn ended(&self, made: &Made) -> Value {
        let output = made
            .items
            .iter()
            .enumerate()
            .map(|(at, item)| item.json(made.status_of(at)));
        self.object(made.status, Some(made), &output.collect(), None)
    }

    /// The response after the service failed in its midst.
    pub(crate) fn failed(&self) -> Value {
        let error = json!({"code": "server_error", "message": "The server had an error processing your request."});
        self.object("failed", None, &json!([]), Some(&error))
    }

    fn object(
        &self,
        status: &str,
        made: Option<&Made>,
        output: &Value,
        error: Option<&Value>,
    ) -> Value {
        let request = |name: &str, default: Value| {
            let given = self.request.get(name).filter(|value| !value.is_null());
            given.cloned().unwrap_or(default)
        };
        let same = |name: &str| request(name, Value::Null);
        let reason = made.and_then(|made| made.incomplete.as_ref());
        // Which one it was stands in the end alone.
        let tier = match made {
            Some(_) => json!("default"),
            None => request("service_tier", json!("auto")),
        };
        let completed = (status == "completed").then_some(self.created);
        let mut object = json!({
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "status": status,
            "background": request("background", json!(false)),
            "completed_at": completed,
            "content_filters": made.map(|made| &made.filters),
            "error": error,
            "frequency_penalty": 0.0,
            "incomplete_details": reason.map(|reason| json!({"reason": reason})),
            "instructions": same("instructions"),
            "max_output_tokens": same("max_output_tokens"),
            "max_tool_calls": same("max_tool_calls"),
            "model": self.model,
            "output": output,
            "parallel_tool_calls": request("parallel_tool_calls", json!(true)),
            "presence_penalty": 0.0,
            "previous_response_id": same("previous_response_id"),
            "prompt_cache_key": same("prompt_cache_key"),
            "prompt_cache_retention": same("prompt_cache_retention"),
            "reasoning": self.reasoning(),
            "safety_identifier": same("safety_identifier"),
            "service_tier": tier,
            "store": self.store,
            "temperature": request("temperature", json!(1.0)),
            "text": self.text(),
            "tool_choice": request("tool_choice", json!("auto")),
            "tools": self.tools(),
            "top_logprobs": request("top_logprobs", json!(0)),
            "top_p": request("top_p", json!(1.0)),
            "truncation": request("truncation", json!("disabled")),
            "usage": made.map(|made| &made.usage),
            "user": same("user"),
            "metadata": request("metadata", json!({})),
        });
        if let (false, Value::Object(members)) = (self.azure, &mut object) {
            members.shift_remove("content_filters");
        }
        object
    }

    fn reasoning(&self) -> Value {
        let asked = |name: &str| {
            let reasoning = self.request.get("reasoning");
            reasoning.and_then(|reasoning| reasoning.get(name)).cloned()
        };
        json!({"effort": asked("effort"), "summary": asked("summary")})
    }

    fn text(&self) -> Value {
        let asked = |name: &str| {
            self.request
                .get("text")
                .and_then(|text| text.get(name))
                .cloned()
        };
        let mut format = asked("format").unwrap_or_else(|| json!({"type": "text"}));
        if let Value::Object(members) = &mut format
            && members.contains_key("schema")
        {
            members.entry("description").or_insert(Value::Null);
            members.entry("strict").or_insert(json!(false));
        }
        json!({"format": format, "verbosity": asked("verbosity").unwrap_or_else(|| json!("medium"))})
    }

    /// The tools with what the caller left out: functions are strict unless told otherwise.
    fn tools(&self) -> Value {
        let tools = self.request.get("tools").and_then(Value::as_array);
        let filled = tools.into_iter().flatten().map(|tool| {
            let mut tool = tool.clone();
            let function = tool.get("type").is_some_and(|kind| kind == "function");
            if let (true, Value::Object(members)) = (function, &mut tool) {
                members.entry("description").or_insert(Value::Null);
                members.entry("parameters").or_insert(Value::Null);
                members.entry("strict").or_insert(json!(true));
            }
            tool
        });
        filled.collect()
    }
}

// === impl Made ===

impl Made {
    /// The status of an item: the last one carries that of an answer that was cut.
    pub(super) fn status_of(&self, at: usize) -> &'static str {
        if at + 1 == self.items.len() {
            self.status
        } else {
            "completed"
        }
    }
}

// === impl Item ===

impl Item {
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Reasoning { id, .. }
            | Self::Text { id, .. }
            | Self::Refusal { id, .. }
            | Self::Call { id, .. } => id,
        }
    }

    /// Thoughts are counted apart.
    fn tokens(&self) -> u64 {
        match self {
            Self::Reasoning { .. } => 0,
            Self::Text { text, .. } | Self::Refusal { text, .. } => tokens(text),
            Self::Call { name, input, .. } => tokens(name) + tokens(input),
        }
    }

    /// The item before anything of it was said.
    pub(super) fn opening(&self) -> Value {
        let empty = match self.clone() {
            Self::Reasoning { id, sealed, .. } => Self::Reasoning {
                id,
                summary: None,
                shown: None,
                sealed,
            },
            Self::Call {
                id,
                call_id,
                name,
                custom,
                ..
            } => Self::Call {
                id,
                call_id,
                name,
                input: String::new(),
                custom,
            },
            message @ (Self::Text { .. } | Self::Refusal { .. }) => message,
        };
        let mut json = empty.json("in_progress");
        if let (Self::Text { .. } | Self::Refusal { .. }, Value::Object(members)) =
            (self, &mut json)
        {
            members.insert("content".to_owned(), json!([]));
        }
        json
    }

    /// The item in a status.
    pub(super) fn json(&self, status: &str) -> Value {
        match self {
            Self::Reasoning {
                id,
                summary,
                shown,
                sealed,
            } => {
                let part = |text: &String| json!({"type": "summary_text", "text": text});
                let summary: Vec<Value> = summary.iter().map(part).collect();
                let mut item = json!({"id": id, "type": "reasoning", "summary": summary});
                if let Value::Object(members) = &mut item {
                    let content = |text| json!([{"type": "reasoning_text", "text": text}]);
                    let content = shown.as_ref().map(content);
                    members.extend(content.map(|content| ("content".to_owned(), content)));
                    let sealed = sealed.as_ref().map(|sealed| json!(sealed));
                    members.extend(sealed.map(|sealed| ("encrypted_content".to_owned(), sealed)));
                }
                item
            }
            Self::Text { id, .. } | Self::Refusal { id, .. } => json!({
                "id": id,
                "type": "message",
                "status": status,
                "content": [self.part(self.said())],
                "role": "assistant",
            }),
            Self::Call {
                id,
                call_id,
                name,
                input,
                custom: false,
            } => json!({
                "id": id,
                "type": "function_call",
                "status": status,
                "arguments": input,
                "call_id": call_id,
                "name": name,
            }),
            Self::Call {
                id,
                call_id,
                name,
                input,
                custom: true,
            } => json!({
                "id": id,
                "type": "custom_tool_call",
                "status": status,
                "call_id": call_id,
                "input": input,
                "name": name,
            }),
        }
    }

    /// What it says, of whatever kind.
    pub(super) fn said(&self) -> &str {
        match self {
            Self::Reasoning { summary, shown, .. } => summary
                .as_ref()
                .or(shown.as_ref())
                .map_or("", String::as_str),
            Self::Text { text, .. } | Self::Refusal { text, .. } => text,
            Self::Call { input, .. } => input,
        }
    }

    /// The part of its content with this much of its text.
    pub(super) fn part(&self, text: &str) -> Value {
        match self {
            Self::Refusal { .. } => json!({"type": "refusal", "refusal": text}),
            _ => json!({"type": "output_text", "annotations": [], "logprobs": [], "text": text}),
        }
    }
}
