//! What is wrong with a request, in the words and members of OpenAI's error object.

use serde_json::{Value, json};

/// A request that is not answered because of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// The status code.
    pub(crate) status: u16,
    /// `message`.
    pub(crate) message: String,
    /// `param`.
    pub(crate) param: Option<String>,
    /// `code`.
    pub(crate) code: Option<&'static str>,
}

impl Wrong {
    /// Status 400 with this message.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            status: 400,
            message: message.into(),
            param: None,
            code: None,
        }
    }

    /// Status 404 with this message.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self {
            status: 404,
            ..Self::new(message)
        }
    }

    /// A parameter that must be there.
    pub(crate) fn missing(name: &str) -> Self {
        Self::new(format!("Missing required parameter: '{name}'."))
            .param(name)
            .code("missing_required_parameter")
    }

    /// A parameter that this model does not take.
    pub(crate) fn unsupported(name: &str) -> Self {
        Self::new(format!(
            "Unsupported parameter: '{name}' is not supported with this model."
        ))
        .param(name)
        .code("unsupported_parameter")
    }

    /// A value outside of a closed list.
    pub(crate) fn value(name: &str, found: &str, known: &[&str]) -> Self {
        let known: Vec<String> = known.iter().map(|value| format!("'{value}'")).collect();
        Self::new(format!(
            "Invalid value: '{found}'. Supported values are: {}.",
            known.join(", ")
        ))
        .param(name)
        .code("invalid_value")
    }

    /// Names the parameter.
    #[must_use]
    pub(crate) fn param(mut self, name: &str) -> Self {
        self.param = Some(name.to_owned());
        self
    }

    /// Sets the code.
    #[must_use]
    pub(crate) fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// The `error` object, as Azure orders it.
    pub(crate) fn error(&self) -> Value {
        json!({
            "message": self.message,
            "type": "invalid_request_error",
            "param": self.param,
            "code": self.code,
        })
    }
}
