//! Who asks: keys from the provider's own chain, kept until shortly before they expire; keys given outright; or a bearer
//! token.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider},
};
use http::HeaderValue;
use tokio::sync::Semaphore;

/// Keys that expire within this time are no longer used.
const SPENT: Duration = Duration::from_secs(10);
/// Keys that expire within this time are renewed by whoever comes first, while others still use them.
const AGEING: Duration = Duration::from_secs(300);

/// How a call shows who it is from.
#[derive(Clone)]
pub(crate) enum Identity {
    /// It is signed with keys.
    Keys(Keys),
    /// It carries a token. The header's value is marked sensitive.
    Bearer(HeaderValue),
    /// There is no one to ask for keys, or the token is no header's value.
    Nobody,
}

/// Keys out of a chain. Clones share what is kept.
#[derive(Clone)]
pub(crate) struct Keys {
    provider: SharedCredentialsProvider,
    kept: Arc<Mutex<Option<Credentials>>>,
    /// One renewal at a time.
    renewal: Arc<Semaphore>,
}

/// The chain gave no keys. Its own words may name accounts and profiles, and go no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no credentials could be had: check the environment, the profile or the role")]
pub(crate) struct NoKeys;

/// How long keys still last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Freshness {
    Fresh,
    Ageing,
    Spent,
}

// === impl Identity ===

/// The kind only.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keys(_) => "Keys",
            Self::Bearer(_) => "Bearer(…)",
            Self::Nobody => "Nobody",
        })
    }
}

impl Identity {
    /// Keys from a provider.
    pub(crate) fn keys(provider: SharedCredentialsProvider) -> Self {
        Self::Keys(Keys {
            provider,
            kept: Arc::default(),
            renewal: Arc::new(Semaphore::new(1)),
        })
    }

    /// A bearer token.
    pub(crate) fn bearer(token: &str) -> Self {
        match HeaderValue::try_from(format!("Bearer {token}")) {
            Ok(mut value) => {
                value.set_sensitive(true);
                Self::Bearer(value)
            }
            Err(_) => Self::Nobody,
        }
    }
}

// === impl Keys ===

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

impl Keys {
    /// Keys that can be used now: those kept, or new ones.
    pub(crate) async fn get(&self) -> Result<Credentials, NoKeys> {
        if let Some(kept) = self.usable() {
            match freshness(&kept, SystemTime::now()) {
                Freshness::Fresh => return Ok(kept),
                Freshness::Ageing => {
                    let Ok(turn) = self.renewal.try_acquire() else {
                        return Ok(kept);
                    };
                    let renewed = self.renew().await;
                    drop(turn);
                    return Ok(renewed.unwrap_or(kept));
                }
                Freshness::Spent => {}
            }
        }
        let turn = self.renewal.acquire().await.map_err(|_| NoKeys)?;
        let found = match self.usable() {
            Some(kept) => Ok(kept),
            None => self.renew().await,
        };
        drop(turn);
        found
    }

    /// What is kept, unless it is spent.
    fn usable(&self) -> Option<Credentials> {
        let kept = self
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        kept.filter(|keys| freshness(keys, SystemTime::now()) != Freshness::Spent)
    }

    async fn renew(&self) -> Result<Credentials, NoKeys> {
        let keys = self
            .provider
            .provide_credentials()
            .await
            .map_err(|_| NoKeys)?;
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(keys.clone());
        Ok(keys)
    }
}

fn freshness(keys: &Credentials, now: SystemTime) -> Freshness {
    let Some(expiry) = keys.expiry() else {
        return Freshness::Fresh;
    };
    match expiry.duration_since(now) {
        Err(_) => Freshness::Spent,
        Ok(left) if left <= SPENT => Freshness::Spent,
        Ok(left) if left <= AGEING => Freshness::Ageing,
        Ok(_) => Freshness::Fresh,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use aws_credential_types::provider::{error::CredentialsError, future};

    use super::*;

    /// Gives keys that last this long, and counts how often it was asked. `None`: it has none.
    #[derive(Debug)]
    struct Chain {
        lasts: Option<Duration>,
        asked: Arc<AtomicU32>,
    }

    impl ProvideCredentials for Chain {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let count = self.asked.fetch_add(1, Ordering::SeqCst);
            let keys = self.lasts.map(|lasts| {
                let expiry = SystemTime::now() + lasts;
                Credentials::new(format!("AK{count}"), "secret", None, Some(expiry), "test")
            });
            future::ProvideCredentials::ready(
                keys.ok_or_else(CredentialsError::not_loaded_no_source),
            )
        }
    }

    async fn asked_for_three(lasts: Option<u64>) -> (u32, bool) {
        let asked = Arc::new(AtomicU32::new(0));
        let chain = Chain {
            lasts: lasts.map(Duration::from_secs),
            asked: Arc::clone(&asked),
        };
        let Identity::Keys(keys) = Identity::keys(SharedCredentialsProvider::new(chain)) else {
            panic!("keys are keys")
        };
        let mut all = true;
        for _ in 0..3 {
            all &= keys.get().await.is_ok();
        }
        (asked.load(Ordering::SeqCst), all)
    }

    #[tokio::test]
    async fn keys_are_kept_until_they_age() {
        assert_eq!(asked_for_three(Some(3600)).await, (1, true));
        assert_eq!(asked_for_three(Some(60)).await, (3, true), "renewed early");
        assert_eq!(
            asked_for_three(Some(5)).await,
            (3, true),
            "never used from the shelf"
        );
        assert_eq!(asked_for_three(None).await, (3, false));
    }

    #[test]
    fn secrets_do_not_show() {
        let bearer = Identity::bearer("hunter2");
        assert!(matches!(&bearer, Identity::Bearer(value) if value.is_sensitive()));
        assert!(!format!("{bearer:?}").contains("hunter2"));
        assert!(matches!(Identity::bearer("a\nb"), Identity::Nobody));
    }
}
