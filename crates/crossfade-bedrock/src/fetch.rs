//! Pictures and files behind a URL: fetched here and sent inline, as the target takes no URLs.
//!
//! A URL is the caller's text, and this machine can reach what the caller cannot. So: only by settings, `https` unless
//! stated, names resolved here and every address checked, each redirect anew, no credentials, and a bound on bytes,
//! time and number. Nothing is kept: a URL of a long conversation is fetched again with each of its turns.

mod address;
mod client;
mod content;
mod failure;
mod settings;
mod target;
#[cfg(test)]
mod tests;
mod urls;

use std::{collections::HashMap, fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use crossfade_exchange::{Loss, LossKind};
use futures_util::{StreamExt, stream};
use http::header;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use address::Range;
pub use failure::{FetchError, FetchFailure};
pub use settings::FetchSettings;

use client::{Hop, HttpClient};
use content::Want;
use target::Target;

/// How many files of one request are under way at once.
const AT_ONCE: usize = 4;
/// A picture of one pixel, and a document of one line: what stands for content that is not fetched yet.
const PLACEHOLDER_IMAGE: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
const PLACEHOLDER_FILE: &str = "data:application/pdf;base64,JVBERi0xLjQKJSVFT0YK";

/// What a route holds of fetched content at once, in KiB: many requests may wait for their answers with pictures in hand.
const ROOM_KIB: usize = 256 << 10;

/// Fetches what requests name by URL. Cheap to clone; clones share the bound on what is under way, and the one on what is held.
#[derive(Clone)]
pub struct Fetcher {
    client: HttpClient,
    settings: Arc<FetchSettings>,
    slots: Arc<Semaphore>,
    room: Arc<Semaphore>,
}

/// What was fetched.
struct Fetched {
    data_uri: String,
    bytes: usize,
    name: Option<String>,
}

/// A body with content in the place of URLs, the loss of each, and the room that the content takes up.
pub(crate) type Inlined = (Bytes, Vec<Loss>, Room);

/// Room for fetched content, given back when dropped: by whoever needs the content no more.
#[derive(Debug, Default)]
pub(crate) struct Room(Option<OwnedSemaphorePermit>);

/// Of two bodies the content is compared, not who holds it.
impl PartialEq for Room {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Puts placeholders where a body names URLs, and names the losses of fetching them: the question whether a request can
/// be asked must cost no connection. `None`: it names none.
///
/// # Errors
/// The first URL that is not fetched, by what it says itself: a caller who writes such a one must not make the candidate fail.
pub(crate) fn placeholders(
    body: &[u8],
    settings: &FetchSettings,
) -> Result<Option<Inlined>, FetchError> {
    let Some(mut body) = read(body) else {
        return Ok(None);
    };
    let found = urls::found(&mut body);
    check_number(&found, settings)?;
    for url in &found {
        Target::parse(url.url(), settings)
            .map_err(|failure| FetchError::new(&url.field, failure))?;
    }
    let losses: Vec<Loss> = found
        .into_iter()
        .map(|url| {
            let loss = Loss::new(LossKind::UrlFetched, url.field.clone());
            let stand_in = match url.want() {
                Want::Image => PLACEHOLDER_IMAGE,
                Want::File => PLACEHOLDER_FILE,
            };
            url.replace(stand_in.to_owned(), Some("document.pdf"));
            loss
        })
        .collect();
    Ok(written(&body, losses, Room::default()))
}

fn check_number(found: &[urls::Found<'_>], settings: &FetchSettings) -> Result<(), FetchError> {
    match found.get(settings.max_urls) {
        Some(beyond) => Err(FetchError::new(&beyond.field, FetchFailure::TooMany)),
        None => Ok(()),
    }
}

/// A body that may name URLs. What is no JSON is for others to refuse.
fn read(body: &[u8]) -> Option<Value> {
    urls::may_have(body)
        .then(|| serde_json::from_slice(body).ok())
        .flatten()
}

fn written(body: &Value, losses: Vec<Loss>, room: Room) -> Option<Inlined> {
    if losses.is_empty() {
        return None;
    }
    let body = serde_json::to_vec(body).ok()?;
    Some((body.into(), losses, room))
}

// === impl Fetcher ===

/// Nothing of its connections.
impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Fetcher {
    /// A fetcher; nothing is asked yet.
    pub fn new(settings: FetchSettings) -> Self {
        // One request that is allowed finds room, if it is alone.
        let room = ROOM_KIB.max(kib(settings.max_request_bytes).saturating_add(settings.max_urls));
        Self::with_room(settings, room)
    }

    fn with_room(settings: FetchSettings, room: usize) -> Self {
        let settings = Arc::new(settings);
        Self {
            client: client::client(&settings),
            room: Arc::new(Semaphore::new(room.min(Semaphore::MAX_PERMITS))),
            slots: Arc::new(Semaphore::new(
                settings.concurrency.clamp(1, Semaphore::MAX_PERMITS),
            )),
            settings,
        }
    }

    /// Puts what stands behind a body's URLs into the body, and names each as a loss. `None`: it names none.
    ///
    /// # Errors
    /// The first URL that cannot be had.
    pub(crate) async fn inline(&self, body: &[u8]) -> Result<Option<Inlined>, FetchError> {
        let Some(mut body) = read(body) else {
            return Ok(None);
        };
        let found = urls::found(&mut body);
        check_number(&found, &self.settings)?;
        // One that stands there several times is fetched once.
        let mut wanted: Vec<(String, Want, String)> = Vec::new();
        for place in &found {
            let known = |(url, want, _): &(String, Want, String)| {
                url == place.url() && *want == place.want()
            };
            if !wanted.iter().any(known) {
                let url = place.url().to_owned();
                wanted.push((url, place.want(), place.field.clone()));
            }
        }
        let (fetched, room) = self.all(wanted).await?;
        let mut losses = Vec::with_capacity(found.len());
        for place in found {
            let key = (place.url().to_owned(), place.want());
            let Some(content) = fetched.get(&key) else {
                return Err(FetchError::new(&place.field, FetchFailure::Broken));
            };
            losses.push(Loss::new(LossKind::UrlFetched, place.field.clone()));
            place.replace(content.data_uri.clone(), content.name.as_deref());
        }
        Ok(written(&body, losses, room))
    }

    /// Fetches several, a few at a time, as long as there is room and time for all.
    async fn all(
        &self,
        wanted: Vec<(String, Want, String)>,
    ) -> Result<(HashMap<(String, Want), Fetched>, Room), FetchError> {
        let deadline = tokio::time::Instant::now() + self.settings.timeout();
        let mut left = self.settings.max_request_bytes;
        let mut room = Room::default();
        let mut done = HashMap::with_capacity(wanted.len());
        let mut coming = stream::iter(wanted)
            .map(async |(url, want, field)| {
                let fetching = tokio::time::timeout_at(deadline, self.fetch(&url, want)).await;
                let fetched = fetching.unwrap_or(Err(FetchFailure::TooSlow));
                match fetched {
                    Ok(fetched) => Ok((url, want, field, fetched)),
                    Err(failure) => Err(FetchError::new(field, failure)),
                }
            })
            .buffered(AT_ONCE)
            .boxed();
        while let Some(next) = coming.next().await {
            let (url, want, field, fetched) = next?;
            left = left
                .checked_sub(fetched.bytes)
                .ok_or_else(|| FetchError::new(field.clone(), FetchFailure::TooLarge))?;
            let taking = room.take(&self.room, kib(fetched.bytes));
            let taken = tokio::time::timeout_at(deadline, taking).await;
            taken.map_err(|_| FetchError::new(field, FetchFailure::TooSlow))?;
            done.insert((url, want), fetched);
        }
        Ok((done, room))
    }

    async fn fetch(&self, url: &str, want: Want) -> Result<Fetched, FetchFailure> {
        let target = Target::parse(url, &self.settings)?;
        // Never closed, so there is always a permit to come.
        let _slot = self
            .slots
            .acquire()
            .await
            .map_err(|_| FetchFailure::Broken)?;
        self.follow(target, want, self.settings.max_bytes).await
    }

    async fn follow(
        &self,
        mut target: Target,
        want: Want,
        bound: usize,
    ) -> Result<Fetched, FetchFailure> {
        let mut redirects = 0;
        loop {
            let location = match client::hop(&self.client, &target).await? {
                Hop::Moved(location) => location.ok_or(FetchFailure::Redirects)?,
                Hop::Content(response) => {
                    let (head, body) = response.into_parts();
                    let said = head.headers.get(header::CONTENT_TYPE);
                    let said = said.and_then(|value| value.to_str().ok());
                    let bytes = client::read(body, bound).await?;
                    let name = target.file_name();
                    let media_type = content::judge(want, said, name, &bytes)?;
                    return Ok(Fetched {
                        data_uri: data_uri(media_type, &bytes),
                        bytes: bytes.len(),
                        name: name.map(str::to_owned),
                    });
                }
            };
            redirects += 1;
            if redirects > self.settings.max_redirects {
                return Err(FetchFailure::Redirects);
            }
            target = target.redirected(&location, &self.settings)?;
        }
    }
}

// === impl Room ===

impl Room {
    /// Takes more, as soon as others have given it back.
    async fn take(&mut self, of: &Arc<Semaphore>, kib: usize) {
        let kib = u32::try_from(kib).unwrap_or(u32::MAX);
        // Never closed, so there is always a permit to come.
        let Ok(more) = Arc::clone(of).acquire_many_owned(kib).await else {
            return;
        };
        match &mut self.0 {
            Some(held) => held.merge(more),
            none => *none = Some(more),
        }
    }
}

const fn kib(bytes: usize) -> usize {
    bytes.div_ceil(1024)
}

fn data_uri(media_type: &str, bytes: &Bytes) -> String {
    let mut uri = format!("data:{media_type};base64,");
    STANDARD.encode_string(bytes, &mut uri);
    uri
}
