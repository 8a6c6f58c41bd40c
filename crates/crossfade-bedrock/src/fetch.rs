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
use crossfade_openai::chat;
use http::header;
use tokio::sync::Semaphore;

pub use address::Range;
pub use failure::{FetchError, FetchFailure};
pub use settings::FetchSettings;

use client::{Hop, HttpClient};
use content::Want;
use target::Target;

/// A picture of one pixel, and a document of one line: what stands for content that is not fetched yet.
const PLACEHOLDER_IMAGE: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
const PLACEHOLDER_FILE: &str = "data:application/pdf;base64,JVBERi0xLjQKJSVFT0YK";

/// Fetches what requests name by URL. Cheap to clone; clones share the bound on what is under way.
#[derive(Clone)]
pub struct Fetcher {
    client: HttpClient,
    settings: Arc<FetchSettings>,
    slots: Arc<Semaphore>,
}

/// What was fetched.
struct Fetched {
    data_uri: String,
    bytes: usize,
    name: Option<String>,
}

/// Puts placeholders where a request names URLs, and names the losses of fetching them: the question whether a request
/// can be asked must cost no connection.
pub(crate) fn placeholders(request: &mut chat::Request) -> Vec<Loss> {
    let found = urls::found(request).into_iter();
    found
        .map(|url| {
            let loss = Loss::new(LossKind::UrlFetched, url.field.clone());
            let stand_in = match url.want() {
                Want::Image => PLACEHOLDER_IMAGE,
                Want::File => PLACEHOLDER_FILE,
            };
            url.replace(stand_in.to_owned(), Some("document.pdf"));
            loss
        })
        .collect()
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
        let settings = Arc::new(settings);
        Self {
            client: client::client(&settings),
            slots: Arc::new(Semaphore::new(settings.concurrency.max(1))),
            settings,
        }
    }

    /// Puts what stands behind a request's URLs into the request, and names each as a loss.
    ///
    /// # Errors
    /// The first URL that cannot be had; the request then is changed in part and must not be used.
    pub async fn inline(&self, request: &mut chat::Request) -> Result<Vec<Loss>, FetchError> {
        let found = urls::found(request);
        if let Some(beyond) = found.get(self.settings.max_urls) {
            return Err(FetchError::new(&beyond.field, FetchFailure::TooMany));
        }
        // One that stands there several times is fetched once. Those of one request come one after the other: the bound on
        // all is a bound on memory, and must not be spent by one caller.
        let mut known: HashMap<(String, bool), Fetched> = HashMap::new();
        let mut left = self.settings.max_request_bytes;
        let mut losses = Vec::with_capacity(found.len());
        for place in found {
            let key = (place.url().to_owned(), place.want() == Want::Image);
            let fetched = match known.entry(key) {
                std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::hash_map::Entry::Vacant(entry) => {
                    let fetched = self.fetch(place.url(), place.want(), left).await;
                    let fetched = fetched.map_err(|why| FetchError::new(&place.field, why))?;
                    entry.insert(fetched)
                }
            };
            left = left
                .checked_sub(fetched.bytes)
                .ok_or_else(|| FetchError::new(&place.field, FetchFailure::TooLarge))?;
            losses.push(Loss::new(LossKind::UrlFetched, place.field.clone()));
            place.replace(fetched.data_uri.clone(), fetched.name.as_deref());
        }
        Ok(losses)
    }

    async fn fetch(&self, url: &str, want: Want, left: usize) -> Result<Fetched, FetchFailure> {
        let target = Target::parse(url, &self.settings)?;
        let work = async {
            // Never closed, so there is always a permit to come.
            let _slot = self
                .slots
                .acquire()
                .await
                .map_err(|_| FetchFailure::Broken)?;
            self.follow(target, want, left.min(self.settings.max_bytes))
                .await
        };
        tokio::time::timeout(self.settings.timeout(), work)
            .await
            .unwrap_or(Err(FetchFailure::TooSlow))
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

fn data_uri(media_type: &str, bytes: &Bytes) -> String {
    let mut uri = format!("data:{media_type};base64,");
    STANDARD.encode_string(bytes, &mut uri);
    uri
}
