//! A request for embeddings as the calls that answer it.

use std::borrow::Cow;

use bytes::Bytes;
use crossfade_exchange::{IneligibleReason, Loss, LossKind, Unsupported};
use crossfade_openai::{
    chat::Open,
    embeddings::{EncodingFormat, Input, MAX_INPUTS, Request, RequestError},
};

use super::{Embeds, dialect, dialect::Purpose, tokens};
use crate::{
    capabilities::Capabilities, settings::CandidateSettings, translate::known_field as known,
};

/// What a request for embeddings asks of the model.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The calls' bodies, in the order of their texts.
    pub(crate) calls: Vec<Bytes>,
    /// What is known of the answer before it comes.
    pub(crate) expected: Expected,
    /// What was lost.
    pub(crate) losses: Vec<Loss>,
}

/// What is known of the answer before it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    /// How many vectors each call gives.
    pub(crate) counts: Vec<usize>,
    /// The vectors' length, if one was asked for.
    pub(crate) length: Option<u64>,
    /// How the caller wants them.
    pub(crate) format: EncodingFormat,
}

/// Prepares a request.
///
/// # Errors
/// Names the field that cannot be mapped, or that the primary itself would refuse.
pub(crate) fn prepare(body: &[u8], settings: &CandidateSettings) -> Result<Asked, Unsupported> {
    let request = Request::from_slice(body).map_err(|error| match error {
        RequestError::NotJson { .. } | RequestError::NotAnObject => {
            refuse("(body)", "is no request")
        }
        RequestError::Field { field } => refuse(field, "missing or of the wrong type"),
    })?;
    let model = settings.resolved_capabilities();
    if model.embeds == Embeds::None {
        return Err(refuse("model", "the candidate does not embed"));
    }
    if let Some(name) = request.other.keys().next() {
        return Err(refuse(known(name), "is not known"));
    }
    let format = match &request.encoding_format {
        None => EncodingFormat::default(),
        Some(Open::Known(format)) => *format,
        Some(Open::Other(_)) => return Err(refuse("encoding_format", "is not known")),
    };
    if let Some(length) = request.dimensions
        && !model.lengths.has(length)
    {
        return Err(refuse(
            "dimensions",
            "the model has no vectors of this length",
        ));
    }
    let purpose = request.input_type.as_deref().and_then(Purpose::named);
    let texts = texts(&request.input, &model)?;
    let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    let bundles = texts.chunks(per_call(&model));
    let calls = bundles.clone().map(|texts| {
        dialect::body(
            model.embeds,
            texts,
            purpose.unwrap_or_default(),
            request.dimensions,
        )
    });
    Ok(Asked {
        calls: calls.collect(),
        expected: Expected {
            counts: bundles.map(<[&str]>::len).collect(),
            length: request.dimensions,
            format,
        },
        losses: losses(&request, model.embeds, purpose),
    })
}

/// What the model is not told, or told otherwise.
fn losses(request: &Request, embeds: Embeds, purpose: Option<Purpose>) -> Vec<Loss> {
    let hidden = request.input_type.is_some() && !dialect::tells(embeds, purpose);
    let tokens = matches!(request.input, Input::Tokens(_) | Input::TokenLists(_));
    [
        (request.user.is_some(), LossKind::HintDropped, "user"),
        (hidden, LossKind::HintDropped, "input_type"),
        (tokens, LossKind::TokensDecoded, "input"),
    ]
    .into_iter()
    .filter(|(lost, _, _)| *lost)
    .map(|(_, kind, field)| Loss::new(kind, field))
    .collect()
}

/// How many texts a call takes.
fn per_call(model: &Capabilities) -> usize {
    match model.embeds {
        Embeds::None | Embeds::InputText | Embeds::InputTextSized | Embeds::Task => 1,
        Embeds::Texts | Embeds::TextsSized => usize::try_from(model.texts).unwrap_or(1).max(1),
    }
}

fn texts<'r>(input: &'r Input, model: &Capabilities) -> Result<Vec<Cow<'r, str>>, Unsupported> {
    let decoded = |tokens: &[u64]| {
        let text = tokens::text(tokens);
        text.map(Cow::Owned)
            .ok_or_else(|| refuse("input", "tokens that are not of the primary's vocabulary"))
    };
    let texts: Vec<Cow<'r, str>> = match input {
        Input::Text(text) => vec![Cow::Borrowed(text)],
        Input::Texts(texts) => texts.iter().map(|text| Cow::Borrowed(&**text)).collect(),
        Input::Tokens(tokens) => vec![decoded(tokens)?],
        // Before anything is decoded.
        Input::TokenLists(lists) if lists.len() > MAX_INPUTS => {
            return Err(refuse("input", "no texts, or too many"));
        }
        Input::TokenLists(lists) => lists
            .iter()
            .map(|tokens| decoded(tokens))
            .collect::<Result<_, _>>()?,
        Input::Other(_) => return Err(refuse("input", "of the wrong type")),
    };
    if texts.is_empty() || texts.len() > MAX_INPUTS {
        return Err(refuse("input", "no texts, or too many"));
    }
    let most = usize::try_from(model.text_characters).unwrap_or(usize::MAX);
    for (index, text) in texts.iter().enumerate() {
        let too_long = most != 0 && text.len() > most && text.chars().count() > most;
        if text.is_empty() || too_long {
            let why = if too_long {
                "longer than the model takes"
            } else {
                "empty"
            };
            return Err(refuse(format!("input[{index}]"), why));
        }
    }
    Ok(texts)
}

fn refuse(field: impl Into<String>, why: &'static str) -> Unsupported {
    Unsupported {
        field: field.into(),
        why: Cow::Borrowed(why),
        reason: IneligibleReason::Unsupported,
    }
}
