//! The request shapes of Converse and ConverseStream as the service model publishes them: data, nothing else.
//!
//! The model id travels in the path and is not among them.

use super::{Member, Rule, Shape, Text};

const ANY: usize = usize::MAX;

const fn required(name: &'static str, shape: &'static Shape) -> Member {
    Member {
        name,
        required: true,
        shape,
    }
}

const fn optional(name: &'static str, shape: &'static Shape) -> Member {
    Member {
        name,
        required: false,
        shape,
    }
}

const fn text(min: usize, max: usize) -> Shape {
    Shape::Text(Text {
        min,
        max,
        rule: Rule::Any,
    })
}

const fn one_of(choices: &'static [&'static str]) -> Shape {
    Shape::Text(Text {
        min: 0,
        max: ANY,
        rule: Rule::OneOf(choices),
    })
}

const fn pattern(min: usize, max: usize, shown: &'static str, holds: fn(&str) -> bool) -> Text {
    Text {
        min,
        max,
        rule: Rule::Pattern(shown, holds),
    }
}

const fn list(of: &'static Shape, min: usize, max: usize) -> Shape {
    Shape::List { of, min, max }
}

const fn union(name: &'static str, members: &'static [Member]) -> Shape {
    Shape::Union { name, members }
}

/// The body of a Converse request.
pub(crate) static CONVERSE_REQUEST: Shape = Shape::Structure(&[
    optional("messages", &MESSAGES),
    optional("system", &SYSTEM),
    optional("inferenceConfig", &INFERENCE_CONFIG),
    optional("toolConfig", &TOOL_CONFIG),
    optional("guardrailConfig", &GUARDRAIL_CONFIG),
    optional("additionalModelRequestFields", &DOCUMENT_TYPE),
    optional("promptVariables", &PROMPT_VARIABLES),
    optional("additionalModelResponseFieldPaths", &FIELD_PATHS),
    optional("requestMetadata", &REQUEST_METADATA),
    optional("performanceConfig", &PERFORMANCE_CONFIG),
    optional("serviceTier", &SERVICE_TIER),
    optional("outputConfig", &OUTPUT_CONFIG),
]);

/// The body of a ConverseStream request; only the guardrail differs.
pub(crate) static CONVERSE_STREAM_REQUEST: Shape = Shape::Structure(&[
    optional("messages", &MESSAGES),
    optional("system", &SYSTEM),
    optional("inferenceConfig", &INFERENCE_CONFIG),
    optional("toolConfig", &TOOL_CONFIG),
    optional("guardrailConfig", &GUARDRAIL_STREAM_CONFIG),
    optional("additionalModelRequestFields", &DOCUMENT_TYPE),
    optional("promptVariables", &PROMPT_VARIABLES),
    optional("additionalModelResponseFieldPaths", &FIELD_PATHS),
    optional("requestMetadata", &REQUEST_METADATA),
    optional("performanceConfig", &PERFORMANCE_CONFIG),
    optional("serviceTier", &SERVICE_TIER),
    optional("outputConfig", &OUTPUT_CONFIG),
]);

// === Simple types ===

static STRING: Shape = text(0, ANY);
static NON_EMPTY: Shape = text(1, ANY);
static BOOLEAN: Shape = Shape::Boolean;
static DOCUMENT_TYPE: Shape = Shape::Document;
static BLOB: Shape = Shape::Blob { min: 0 };
static NON_EMPTY_BLOB: Shape = Shape::Blob { min: 1 };
static INDEX: Shape = Shape::Integer { min: 0 };
static UNIT: Shape = Shape::Float { min: 0.0, max: 1.0 };
static EMPTY: Shape = Shape::Structure(&[]);
static TOOL_NAME: Shape = Shape::Text(pattern(1, 64, "[a-zA-Z0-9_-]+", |name| {
    name.chars()
        .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
}));
static TOOL_USE_ID: Shape = Shape::Text(pattern(1, 64, "[a-zA-Z0-9_.:-]+", |id| {
    id.chars()
        .all(|c| c.is_ascii_alphanumeric() || "_.:-".contains(c))
}));

// === Messages ===

static MESSAGES: Shape = list(&MESSAGE, 0, ANY);
static MESSAGE: Shape = Shape::Structure(&[
    required("role", &ROLE),
    required("content", &CONTENT_BLOCKS),
]);
static ROLE: Shape = one_of(&["user", "assistant", "system"]);
static CONTENT_BLOCKS: Shape = list(&CONTENT_BLOCK, 0, ANY);
static CONTENT_BLOCK: Shape = union(
    "ContentBlock",
    &[
        optional("text", &STRING),
        optional("image", &IMAGE),
        optional("document", &DOCUMENT),
        optional("video", &VIDEO),
        optional("audio", &AUDIO),
        optional("toolUse", &TOOL_USE),
        optional("toolResult", &TOOL_RESULT),
        optional("guardContent", &GUARD_CONTENT),
        optional("cachePoint", &CACHE_POINT),
        optional("reasoningContent", &REASONING_CONTENT),
        optional("citationsContent", &CITATIONS_CONTENT),
        optional("searchResult", &SEARCH_RESULT),
        optional("toolAddition", &TOOL_CHANGE),
        optional("toolRemoval", &TOOL_CHANGE),
    ],
);
static SYSTEM: Shape = list(&SYSTEM_BLOCK, 0, ANY);
static SYSTEM_BLOCK: Shape = union(
    "SystemContentBlock",
    &[
        optional("text", &NON_EMPTY),
        optional("guardContent", &GUARD_CONTENT),
        optional("cachePoint", &CACHE_POINT),
    ],
);

// === Media ===

static IMAGE: Shape = Shape::Structure(&[
    required("format", &IMAGE_FORMAT),
    required("source", &IMAGE_SOURCE),
    optional("error", &MEDIA_ERROR),
]);
static IMAGE_FORMAT: Shape = one_of(&["png", "jpeg", "gif", "webp"]);
static IMAGE_SOURCE: Shape = union(
    "ImageSource",
    &[
        optional("bytes", &NON_EMPTY_BLOB),
        optional("s3Location", &S3),
    ],
);
static MEDIA_ERROR: Shape = Shape::Structure(&[optional("message", &STRING)]);
static VIDEO: Shape = Shape::Structure(&[
    required("format", &VIDEO_FORMAT),
    required(
        "source",
        &union(
            "VideoSource",
            &[
                optional("bytes", &NON_EMPTY_BLOB),
                optional("s3Location", &S3),
            ],
        ),
    ),
]);
static VIDEO_FORMAT: Shape = one_of(&[
    "mkv", "mov", "mp4", "webm", "flv", "mpeg", "mpg", "wmv", "three_gp",
]);
static AUDIO: Shape = Shape::Structure(&[
    required("format", &AUDIO_FORMAT),
    required(
        "source",
        &union(
            "AudioSource",
            &[
                optional("bytes", &NON_EMPTY_BLOB),
                optional("s3Location", &S3),
            ],
        ),
    ),
    optional("error", &MEDIA_ERROR),
]);
static AUDIO_FORMAT: Shape = one_of(&[
    "mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "mka", "x-aac", "m4a", "mpeg",
    "mpga", "pcm", "webm",
]);
static DOCUMENT: Shape = Shape::Structure(&[
    optional("format", &DOCUMENT_FORMAT),
    required("name", &text(1, 200)),
    required("source", &DOCUMENT_SOURCE),
    optional("context", &STRING),
    optional("citations", &CITATIONS_CONFIG),
]);
static DOCUMENT_FORMAT: Shape = one_of(&[
    "pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md",
]);
static DOCUMENT_SOURCE: Shape = union(
    "DocumentSource",
    &[
        optional("bytes", &NON_EMPTY_BLOB),
        optional("s3Location", &S3),
        optional("text", &STRING),
        optional("content", &list(&TEXT_ONLY, 0, ANY)),
    ],
);
static TEXT_ONLY: Shape = union("DocumentContentBlock", &[optional("text", &STRING)]);
static S3: Shape = Shape::Structure(&[
    required("uri", &S3_URI),
    optional("bucketOwner", &ACCOUNT_ID),
]);
static S3_URI: Shape = Shape::Text(pattern(
    1,
    1024,
    r"s3://[a-z0-9][\.\-a-z0-9]{1,61}[a-z0-9](/.*)?",
    is_s3_uri,
));
static ACCOUNT_ID: Shape = Shape::Text(pattern(0, ANY, "[0-9]{12}", |id| {
    id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit())
}));

fn is_s3_uri(uri: &str) -> bool {
    let Some(rest) = uri.strip_prefix("s3://") else {
        return false;
    };
    let bucket = rest.split('/').next().unwrap_or_default();
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    (3..=63).contains(&bucket.len())
        && edge(bucket.chars().next())
        && edge(bucket.chars().last())
        && bucket.chars().all(|c| edge(Some(c)) || ".-".contains(c))
}

// === Tools ===

static TOOL_USE: Shape = Shape::Structure(&[
    required("toolUseId", &TOOL_USE_ID),
    required("name", &TOOL_NAME),
    required("input", &DOCUMENT_TYPE),
    optional("type", &one_of(&["server_tool_use"])),
]);
static TOOL_RESULT: Shape = Shape::Structure(&[
    required("toolUseId", &TOOL_USE_ID),
    required("content", &list(&TOOL_RESULT_BLOCK, 0, ANY)),
    optional("status", &one_of(&["success", "error"])),
    optional("type", &STRING),
]);
static TOOL_RESULT_BLOCK: Shape = union(
    "ToolResultContentBlock",
    &[
        optional("json", &DOCUMENT_TYPE),
        optional("text", &STRING),
        optional("image", &IMAGE),
        optional("document", &DOCUMENT),
        optional("video", &VIDEO),
        optional("searchResult", &SEARCH_RESULT),
    ],
);
static TOOL_CHANGE: Shape = Shape::Structure(&[required("tool", &TOOL_REFERENCE)]);
static TOOL_REFERENCE: Shape = Shape::Structure(&[
    optional("type", &text(1, 64)),
    optional("name", &text(1, 128)),
    optional("serverName", &text(1, 128)),
]);
static TOOL_CONFIG: Shape = Shape::Structure(&[
    required("tools", &list(&TOOL, 1, ANY)),
    optional("toolChoice", &TOOL_CHOICE),
]);
static TOOL: Shape = union(
    "Tool",
    &[
        optional("toolSpec", &TOOL_SPEC),
        optional("systemTool", &NAMED_TOOL),
        optional("cachePoint", &CACHE_POINT),
    ],
);
static TOOL_SPEC: Shape = Shape::Structure(&[
    required("name", &TOOL_NAME),
    optional("description", &NON_EMPTY),
    required(
        "inputSchema",
        &union("ToolInputSchema", &[optional("json", &DOCUMENT_TYPE)]),
    ),
    optional("strict", &BOOLEAN),
]);
static NAMED_TOOL: Shape = Shape::Structure(&[required("name", &TOOL_NAME)]);
static TOOL_CHOICE: Shape = union(
    "ToolChoice",
    &[
        optional("auto", &EMPTY),
        optional("any", &EMPTY),
        optional("tool", &NAMED_TOOL),
    ],
);

// === Guardrails, caching, reasoning, citations ===

static GUARD_CONTENT: Shape = union(
    "GuardrailConverseContentBlock",
    &[
        optional("text", &GUARD_TEXT),
        optional("image", &GUARD_IMAGE),
    ],
);
static GUARD_TEXT: Shape = Shape::Structure(&[
    required("text", &STRING),
    optional("qualifiers", &list(&GUARD_QUALIFIER, 0, ANY)),
]);
static GUARD_QUALIFIER: Shape = one_of(&["grounding_source", "query", "guard_content"]);
static GUARD_IMAGE: Shape = Shape::Structure(&[
    required("format", &one_of(&["png", "jpeg"])),
    required(
        "source",
        &union(
            "GuardrailConverseImageSource",
            &[optional("bytes", &NON_EMPTY_BLOB)],
        ),
    ),
]);
static CACHE_POINT: Shape = Shape::Structure(&[
    required("type", &one_of(&["default"])),
    optional("ttl", &one_of(&["5m", "1h"])),
]);
static REASONING_CONTENT: Shape = union(
    "ReasoningContentBlock",
    &[
        optional("reasoningText", &REASONING_TEXT),
        optional("redactedContent", &BLOB),
    ],
);
static REASONING_TEXT: Shape =
    Shape::Structure(&[required("text", &STRING), optional("signature", &STRING)]);
static CITATIONS_CONFIG: Shape = Shape::Structure(&[required("enabled", &BOOLEAN)]);
static CITATIONS_CONTENT: Shape = Shape::Structure(&[
    optional("content", &list(&GENERATED_TEXT, 0, ANY)),
    optional("citations", &list(&CITATION, 0, ANY)),
]);
static GENERATED_TEXT: Shape = union("CitationGeneratedContent", &[optional("text", &STRING)]);
static CITATION: Shape = Shape::Structure(&[
    optional("title", &STRING),
    optional("source", &STRING),
    optional("sourceContent", &list(&SOURCE_TEXT, 0, ANY)),
    optional("location", &CITATION_LOCATION),
]);
static SOURCE_TEXT: Shape = union("CitationSourceContent", &[optional("text", &STRING)]);
static CITATION_LOCATION: Shape = union(
    "CitationLocation",
    &[
        optional(
            "web",
            &Shape::Structure(&[optional("url", &STRING), optional("domain", &STRING)]),
        ),
        optional("documentChar", &IN_DOCUMENT),
        optional("documentPage", &IN_DOCUMENT),
        optional("documentChunk", &IN_DOCUMENT),
        optional("searchResultLocation", &IN_SEARCH_RESULT),
    ],
);
static IN_DOCUMENT: Shape = Shape::Structure(&[
    optional("documentIndex", &INDEX),
    optional("start", &INDEX),
    optional("end", &INDEX),
]);
static IN_SEARCH_RESULT: Shape = Shape::Structure(&[
    optional("searchResultIndex", &INDEX),
    optional("start", &INDEX),
    optional("end", &INDEX),
]);
static SEARCH_RESULT: Shape = Shape::Structure(&[
    required("source", &STRING),
    required("title", &STRING),
    required("content", &list(&SEARCH_RESULT_TEXT, 0, ANY)),
    optional("citations", &CITATIONS_CONFIG),
]);
static SEARCH_RESULT_TEXT: Shape = Shape::Structure(&[required("text", &STRING)]);

// === Configuration ===

static INFERENCE_CONFIG: Shape = Shape::Structure(&[
    optional("maxTokens", &Shape::Integer { min: 1 }),
    optional("temperature", &UNIT),
    optional("topP", &UNIT),
    optional("stopSequences", &list(&NON_EMPTY, 0, 2500)),
]);
static GUARDRAIL_CONFIG: Shape = Shape::Structure(&[
    optional("guardrailIdentifier", &GUARDRAIL_ID),
    optional("guardrailVersion", &GUARDRAIL_VERSION),
    optional("trace", &GUARDRAIL_TRACE),
]);
static GUARDRAIL_STREAM_CONFIG: Shape = Shape::Structure(&[
    optional("guardrailIdentifier", &GUARDRAIL_ID),
    optional("guardrailVersion", &GUARDRAIL_VERSION),
    optional("trace", &GUARDRAIL_TRACE),
    optional("streamProcessingMode", &one_of(&["sync", "async"])),
]);
static GUARDRAIL_ID: Shape = Shape::Text(pattern(
    0,
    2048,
    "(|([a-z0-9]+)|(arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/[a-z0-9]+))",
    |id| {
        let id = if id.starts_with("arn:aws") {
            id.split_once(":guardrail/").map_or("-", |(_, name)| name)
        } else {
            id
        };
        id.chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    },
));
static GUARDRAIL_VERSION: Shape =
    Shape::Text(pattern(0, ANY, "(|([1-9][0-9]{0,7})|(DRAFT))", |version| {
        let number = version.len() <= 8
            && !version.starts_with('0')
            && version.bytes().all(|b| b.is_ascii_digit());
        number || version == "DRAFT"
    }));
static GUARDRAIL_TRACE: Shape = one_of(&["enabled", "disabled", "enabled_full"]);
static PROMPT_VARIABLES: Shape = Shape::Map {
    key: Text {
        min: 0,
        max: ANY,
        rule: Rule::Any,
    },
    value: &union("PromptVariableValues", &[optional("text", &STRING)]),
    min: 0,
    max: ANY,
};
static FIELD_PATHS: Shape = list(&text(1, 256), 0, 10);
static REQUEST_METADATA: Shape = Shape::Map {
    key: pattern(1, 256, r"[a-zA-Z0-9\s:_@$#=/+,-.]{1,256}", is_metadata),
    value: &Shape::Text(pattern(
        0,
        256,
        r"[a-zA-Z0-9\s:_@$#=/+,-.]{0,256}",
        is_metadata,
    )),
    min: 1,
    max: 16,
};
static PERFORMANCE_CONFIG: Shape =
    Shape::Structure(&[optional("latency", &one_of(&["standard", "optimized"]))]);
static SERVICE_TIER: Shape = Shape::Structure(&[required(
    "type",
    &one_of(&["priority", "default", "flex", "reserved"]),
)]);
static OUTPUT_CONFIG: Shape = Shape::Structure(&[
    optional("textFormat", &TEXT_FORMAT),
    optional("effort", &text(0, 16)),
]);
static TEXT_FORMAT: Shape = Shape::Structure(&[
    required("type", &one_of(&["json_schema"])),
    required(
        "structure",
        &union(
            "OutputFormatStructure",
            &[optional("jsonSchema", &JSON_SCHEMA)],
        ),
    ),
]);
static JSON_SCHEMA: Shape = Shape::Structure(&[
    required("schema", &STRING),
    optional("name", &STRING),
    optional("description", &STRING),
]);

fn is_metadata(text: &str) -> bool {
    text.chars().all(|c| {
        c.is_ascii_alphanumeric() || matches!(c, ' ' | '\t'..='\r') || ":_@$#=/+,-.".contains(c)
    })
}
