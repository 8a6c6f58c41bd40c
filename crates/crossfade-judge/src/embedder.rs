//! Texts to vectors to cosines: a cache before whatever makes the vectors.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::future::join_all;
use lru::LruCache;

use crate::{
    CallError, StaticModel,
    endpoint::{Batcher, EndpointSettings, Queue},
};

/// Bytes of vectors that are kept.
const CACHE_BYTES: usize = 64 << 20;
/// Vectors that are kept.
const CACHE_ITEMS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(65_535);

/// A vector.
pub(crate) type Vector = Arc<[f32]>;

/// Turns texts into vectors. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Embedder {
    source: Source,
    cache: Arc<Mutex<Cache>>,
    /// Characters of a text that are looked at.
    longest_text: usize,
}

#[derive(Clone, Debug)]
enum Source {
    Endpoint(Queue),
    Model(Arc<StaticModel>),
}

/// Why there is no cosine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum EmbedError {
    /// A text is empty, or holds nothing that the model knows.
    #[error("a text has no embedding")]
    Empty,
    /// More texts wait than may.
    #[error("too many texts wait for their embeddings")]
    Full,
    /// The process ends.
    #[error("nobody makes embeddings any more")]
    Closed,
    /// The call failed.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// The vectors that were used last, by a keyed hash of their text: no text is held.
struct Cache {
    key: [u8; 32],
    vectors: LruCache<[u8; 32], Vector>,
    bytes: usize,
}

// === impl Embedder ===

impl Embedder {
    /// By an embeddings endpoint. The [`Batcher`] must be run for as long as embeddings are wanted.
    pub fn endpoint(service: crate::Asked, settings: EndpointSettings) -> (Self, Batcher) {
        let longest_text = settings.longest_text;
        let (queue, batcher) = Batcher::new(service, settings);
        let embedder = Self {
            source: Source::Endpoint(queue),
            cache: Arc::default(),
            longest_text,
        };
        (embedder, batcher)
    }

    /// By a static model in memory.
    pub fn static_model(model: StaticModel) -> Self {
        Self {
            source: Source::Model(Arc::new(model)),
            cache: Arc::default(),
            longest_text: StaticModel::LONGEST_TEXT,
        }
    }

    /// The cosines of pairs of texts, -1..=1, each on its own. Of a long text the beginning is looked at, on both sides as much.
    pub async fn cosines(&self, pairs: &[(&str, &str)]) -> Vec<Result<f64, EmbedError>> {
        join_all(pairs.iter().map(|(a, b)| self.cosine(a, b))).await
    }

    /// The cosine of two texts, -1..=1.
    pub async fn cosine(&self, a: &str, b: &str) -> Result<f64, EmbedError> {
        let (a, b) = (self.cut(a), self.cut(b));
        if a.trim().is_empty() || b.trim().is_empty() {
            return Err(EmbedError::Empty);
        }
        if a == b {
            return Ok(1.0);
        }
        let (a, b) = futures_util::future::try_join(self.vector(a), self.vector(b)).await?;
        cosine(&a, &b).ok_or(EmbedError::Empty)
    }

    async fn vector(&self, text: &str) -> Result<Vector, EmbedError> {
        let known = self.cache().get(text);
        if let Some(vector) = known {
            return Ok(vector);
        }
        let vector = match &self.source {
            Source::Endpoint(queue) => queue.embed(text).await?,
            Source::Model(model) => model.embed(text).ok_or(EmbedError::Empty)?,
        };
        self.cache().put(text, &vector);
        Ok(vector)
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cut<'t>(&self, text: &'t str) -> &'t str {
        match text.char_indices().nth(self.longest_text) {
            Some((end, _)) => text.get(..end).unwrap_or(text),
            None => text,
        }
    }
}

// === impl Cache ===

impl Default for Cache {
    fn default() -> Self {
        Self {
            key: rand::random(),
            vectors: LruCache::new(CACHE_ITEMS),
            bytes: 0,
        }
    }
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cache({} vectors)", self.vectors.len())
    }
}

impl Cache {
    fn hash(&self, text: &str) -> [u8; 32] {
        *blake3::keyed_hash(&self.key, text.as_bytes()).as_bytes()
    }

    fn get(&mut self, text: &str) -> Option<Vector> {
        let key = self.hash(text);
        self.vectors.get(&key).cloned()
    }

    fn put(&mut self, text: &str, vector: &Vector) {
        let key = self.hash(text);
        self.bytes += size_of_val::<[f32]>(vector);
        if let Some((_, gone)) = self.vectors.push(key, Arc::clone(vector)) {
            self.bytes -= size_of_val::<[f32]>(&gone);
        }
        while self.bytes > CACHE_BYTES {
            let Some((_, gone)) = self.vectors.pop_lru() else {
                break;
            };
            self.bytes -= size_of_val::<[f32]>(&gone);
        }
    }
}

/// The cosine of the angle between two vectors; `None` if one has no direction or they differ in length.
pub(crate) fn cosine(a: &[f32], b: &[f32]) -> Option<f64> {
    if a.len() != b.len() {
        return None;
    }
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        let products = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b));
        products.sum()
    };
    let lengths = dot(a, a).sqrt() * dot(b, b).sqrt();
    let cosine = dot(a, b) / lengths;
    (lengths > 0.0 && cosine.is_finite()).then(|| cosine.clamp(-1.0, 1.0))
}
