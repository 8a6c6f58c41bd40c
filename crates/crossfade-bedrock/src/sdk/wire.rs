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

/// The answer's body once it has come whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer(Arc<Mutex<Option<Bytes>>>);

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
        if let Some(bytes) = context.response().body().bytes() {
            self.answer.put(Bytes::copy_from_slice(bytes));
        }
        Ok(())
    }
}

// === impl Answer ===

impl Answer {
    fn put(&self, body: Bytes) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
    }

    pub(super) fn take(&self) -> Option<Bytes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
