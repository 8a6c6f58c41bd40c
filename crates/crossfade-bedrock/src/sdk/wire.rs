//! Our own bytes in the SDK's call: the request's body goes in, the answer's comes out, and no answer is read without a
//! bound.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_bedrockruntime::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::interceptors::context::{
        AfterDeserializationInterceptorContextRef, BeforeDeserializationInterceptorContextMut,
        BeforeTransmitInterceptorContextMut,
    },
};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::Limited;

/// The most bytes of one answer on the provider's wire, framing and padding included.
const LARGEST_ANSWER: usize = 64 << 20;

/// One call's bytes.
#[derive(Debug)]
pub(super) struct Wire {
    body: Bytes,
    answer: Answer,
}

/// The answer once it has come whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer(Arc<Mutex<Option<Held>>>);

/// What of an answer is kept.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) body: Bytes,
    /// Tokens of the input, by the answer's head: of a call in a model's own form nothing else may say them.
    pub(super) input_tokens: Option<u64>,
}

/// The header with the tokens of the input.
const INPUT_TOKENS: &str = "x-amzn-bedrock-input-token-count";

// === impl Wire ===

impl Wire {
    pub(super) fn new(body: Bytes) -> Self {
        Self {
            body,
            answer: Answer::default(),
        }
    }

    pub(super) fn answer(&self) -> Answer {
        self.answer.clone()
    }
}

impl Intercept for Wire {
    fn name(&self) -> &'static str {
        "crossfade-wire"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        request
            .headers_mut()
            .try_insert("content-length", self.body.len().to_string())?;
        *request.body_mut() = SdkBody::from(self.body.clone());
        Ok(())
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response_mut().body_mut();
        let whole = std::mem::replace(body, SdkBody::taken());
        *body = SdkBody::from_body_1_x(Limited::new(whole, LARGEST_ANSWER));
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        if let Some(bytes) = response.body().bytes() {
            let tokens = response.headers().get(INPUT_TOKENS);
            self.answer.put(Held {
                body: Bytes::copy_from_slice(bytes),
                input_tokens: tokens.and_then(|tokens| tokens.parse().ok()),
            });
        }
        Ok(())
    }
}

// === impl Answer ===

impl Answer {
    fn put(&self, held: Held) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
    }

    pub(super) fn take(&self) -> Option<Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
