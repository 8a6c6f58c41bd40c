//! The front door: which operation a path names, and who may come in.

use super::{BedrockOptions, exception::Exception};
use crate::{
    script::Received,
    sigv4::{self, Verifier},
};

/// The operations that are simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Converse,
    ConverseStream,
    Invoke,
}

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) operation: Operation,
    /// The model id with its escapes resolved.
    pub(super) model: String,
}

// === impl Target ===

impl Target {
    pub(super) fn parse(method: &str, target: &str) -> Result<Self, Exception> {
        let path = target.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = path.split('/').collect();
        let ["", "model", model, operation] = parts.as_slice() else {
            return Err(Exception::unknown_operation());
        };
        let operation = match *operation {
            "converse" => Operation::Converse,
            "converse-stream" => Operation::ConverseStream,
            "invoke" => Operation::Invoke,
            _ => return Err(Exception::unknown_operation()),
        };
        if method != "POST" {
            return Err(Exception::unknown_operation());
        }
        let model = String::from_utf8_lossy(&sigv4::decode(model)).into_owned();
        Ok(Self { operation, model })
    }
}

/// Whether the service model's pattern allows a model id.
pub(super) fn is_model_id(id: &str) -> bool {
    let plain = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._:-".contains(c))
    };
    if id.is_empty() || id.len() > 2048 {
        return false;
    }
    match id.strip_prefix("arn:aws") {
        None => plain(id),
        Some(rest) => {
            let of_service = rest.contains(":bedrock:") || rest.contains(":sagemaker:");
            of_service
                && rest
                    .split_once('/')
                    .is_some_and(|(_, name)| name.split('/').all(plain))
        }
    }
}

/// Lets a caller in, or says why not.
pub(super) fn verify(
    verifier: &Verifier,
    options: &BedrockOptions,
    request: &Received,
) -> Result<(), Exception> {
    let admitted = match request.header("authorization") {
        Some(header) if header.starts_with("Bearer ") => {
            sigv4::verify_bearer(header, &options.api_keys)
        }
        Some(_) | None => {
            let request = sigv4::Request {
                method: &request.method,
                target: &request.target,
                headers: &request.headers,
                body: &request.body,
            };
            verifier.verify(&request, options.clock.now())
        }
    };
    admitted.map_err(|denied| Exception::denied(&denied))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_operations() {
        fn check(method: &str, target: &str, expected: Option<(Operation, &str)>) {
            let found = Target::parse(method, target).ok();
            let expected = expected.map(|(operation, model)| Target {
                operation,
                model: model.to_owned(),
            });
            assert_eq!(found, expected, "{method} {target}");
        }
        check(
            "POST",
            "/model/a.b-v1%3A0/converse",
            Some((Operation::Converse, "a.b-v1:0")),
        );
        check(
            "POST",
            "/model/a.b/converse-stream",
            Some((Operation::ConverseStream, "a.b")),
        );
        check(
            "POST",
            "/model/a.b/invoke?x=y",
            Some((Operation::Invoke, "a.b")),
        );
        check(
            "POST",
            "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aprompt%2Fx/converse",
            Some((Operation::Converse, "arn:aws:bedrock:us-east-1:1:prompt/x")),
        );
        check("GET", "/model/a.b/converse", None);
        check("POST", "/model/a.b/other", None);
        check("POST", "/model/a/b/converse", None);
        check("POST", "/model/a.b/converse/", None);
        check("POST", "/", None);
    }

    #[test]
    fn model_ids_have_a_form() {
        let check = |id: &str, expected| assert_eq!(is_model_id(id), expected, "{id}");
        check("us.anthropic.claude-sonnet-4-6", true);
        check("amazon.nova-pro-v1:0", true);
        check(
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc",
            true,
        );
        check(
            "arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/amazon.nova-pro-v1:0",
            true,
        );
        check("arn:aws:s3:::bucket/key", false);
        check("a b", false);
        check("", false);
        check(&"x".repeat(2049), false);
    }
}
