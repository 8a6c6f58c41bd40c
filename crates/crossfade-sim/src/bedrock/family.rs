//! Which family a model id belongs to: what the rules that are not in the service model depend on.

/// A model as the rules see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// Anthropic's Claude with its version.
    Claude(u16, u16),
    /// Amazon's Nova with its generation.
    Nova(u16),
    /// Amazon's Titan.
    Titan,
    /// Meta's Llama.
    Llama,
    /// Mistral's models.
    Mistral,
    /// Cohere's models.
    Cohere,
    /// AI21's models.
    Ai21,
    /// Writer's models.
    Writer,
    /// OpenAI's open-weight models.
    GptOss,
    /// OpenAI's other models.
    Gpt,
    /// Vendors of whom no rule of their own is known.
    OtherVendor,
    /// An id that does not tell, such as an application inference profile's.
    Opaque,
}

const SCOPES: &[&str] = &[
    "us.", "eu.", "apac.", "jp.", "au.", "ca.", "us-gov.", "global.",
];

// === impl Family ===

impl Family {
    /// The family of a model id, profile id or ARN.
    pub(super) fn of(model: &str) -> Self {
        let id = match model.strip_prefix("arn:") {
            None => model,
            Some(arn)
                if arn.contains(":foundation-model/") || arn.contains(":inference-profile/") =>
            {
                arn.rsplit('/').next().unwrap_or_default()
            }
            Some(_) => return Self::Opaque,
        };
        let id = SCOPES
            .iter()
            .find_map(|scope| id.strip_prefix(scope))
            .unwrap_or(id);
        let Some((vendor, name)) = id.split_once('.') else {
            return Self::Opaque;
        };
        let (major, minor) = version(name);
        match vendor {
            "anthropic" => Self::Claude(major, minor),
            "amazon" if name.starts_with("nova") => Self::Nova(major),
            "amazon" => Self::Titan,
            "meta" => Self::Llama,
            "mistral" => Self::Mistral,
            "cohere" => Self::Cohere,
            "ai21" => Self::Ai21,
            "writer" => Self::Writer,
            "openai" if name.starts_with("gpt-oss") => Self::GptOss,
            "openai" => Self::Gpt,
            _ => Self::OtherVendor,
        }
    }

    /// Claude of at least this version.
    pub(super) fn is_claude_from(self, major: u16, minor: u16) -> bool {
        matches!(self, Self::Claude(a, b) if (a, b) >= (major, minor))
    }

    /// Whether a conversation must begin with the user.
    pub(super) fn needs_user_first(self) -> bool {
        match self {
            Self::Nova(_)
            | Self::Titan
            | Self::Llama
            | Self::Mistral
            | Self::Cohere
            | Self::Ai21
            | Self::Writer => true,
            Self::Claude(..) | Self::GptOss | Self::Gpt | Self::OtherVendor | Self::Opaque => false,
        }
    }

    /// Whether prompts can be cached by points.
    pub(super) fn takes_cache_points(self) -> bool {
        match self {
            Self::Claude(..) => self.is_claude_from(3, 5),
            Self::Nova(generation) => generation < 2,
            Self::Opaque => true,
            Self::Titan
            | Self::Llama
            | Self::Mistral
            | Self::Cohere
            | Self::Ai21
            | Self::Writer
            | Self::GptOss
            | Self::Gpt
            | Self::OtherVendor => false,
        }
    }

    /// Whether tool results must be alone in their turn.
    pub(super) fn isolates_tool_results(self) -> bool {
        matches!(self, Self::Llama | Self::Mistral | Self::Writer)
    }

    /// Whether a tool can be forced by name.
    pub(super) fn takes_named_choice(self) -> bool {
        match self {
            Self::Claude(..) | Self::Nova(_) | Self::Gpt | Self::OtherVendor | Self::Opaque => true,
            Self::Titan
            | Self::Llama
            | Self::Mistral
            | Self::Cohere
            | Self::Ai21
            | Self::Writer
            | Self::GptOss => false,
        }
    }

    /// Whether some tool can be demanded.
    pub(super) fn takes_any_choice(self) -> bool {
        self.takes_named_choice() || self == Self::Mistral
    }

    /// Whether answers can be bound to a schema by `outputConfig`, or tools by `strict`.
    pub(super) fn takes_schemas(self) -> bool {
        match self {
            Self::Claude(..) => self.is_claude_from(4, 5),
            Self::Mistral | Self::GptOss | Self::Gpt | Self::OtherVendor | Self::Opaque => true,
            Self::Nova(_)
            | Self::Titan
            | Self::Llama
            | Self::Cohere
            | Self::Ai21
            | Self::Writer => false,
        }
    }
}

/// The first one or two short numbers of a name: `claude-sonnet-4-5-20250929-v1:0` is 4.5.
fn version(name: &str) -> (u16, u16) {
    let mut numbers = name
        .split('-')
        .skip_while(|part| !is_short_number(part))
        .take_while(|part| is_short_number(part))
        .filter_map(|part| part.parse().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

fn is_short_number(part: &str) -> bool {
    (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::Family;

    #[test]
    fn ids_tell_the_family() {
        let check = |id: &str, expected| assert_eq!(Family::of(id), expected, "{id}");
        check("us.anthropic.claude-sonnet-4-6", Family::Claude(4, 6));
        check(
            "anthropic.claude-sonnet-4-5-20250929-v1:0",
            Family::Claude(4, 5),
        );
        check(
            "eu.anthropic.claude-opus-4-20250514-v1:0",
            Family::Claude(4, 0),
        );
        check(
            "anthropic.claude-3-5-haiku-20241022-v1:0",
            Family::Claude(3, 5),
        );
        check("anthropic.claude-v2:1", Family::Claude(0, 0));
        check("us.amazon.nova-micro-v1:0", Family::Nova(0));
        check("global.amazon.nova-2-lite-v1:0", Family::Nova(2));
        check("amazon.titan-text-lite-v1", Family::Titan);
        check("us.meta.llama3-3-70b-instruct-v1:0", Family::Llama);
        check("openai.gpt-oss-120b-1:0", Family::GptOss);
        check("openai.gpt-5", Family::Gpt);
        check("qwen.qwen3-32b-v1:0", Family::OtherVendor);
        check(
            "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-4-6-v1",
            Family::Claude(4, 6),
        );
        check(
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123",
            Family::Opaque,
        );
    }
}
