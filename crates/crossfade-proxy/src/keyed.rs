//! Keyed hashes of what identifies callers: irreversible without the data directory's key.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crossfade_exchange::{Caller as Asker, Unit};

use crate::credentials::Caller;

const API_KEY: HeaderName = HeaderName::from_static("api-key");
/// What stands before each credential header's values.
const NAME_MARKS: [[u8; 1]; 3] = [[0], [1], [2]];
const SUBSCRIPTION_KEY: HeaderName = HeaderName::from_static("ocp-apim-subscription-key");

const BEARER: &[u8] = b"bearer ";

/// The hashing key. Replicas share it, so that they assign alike.
#[derive(Clone)]
pub struct HashKey([u8; 32]);

impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashKey(…)")
    }
}

impl HashKey {
    /// A key of 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A hash over parts. Each is preceded by its length, so that no two lists of parts hash alike by shifting bytes.
    fn hash<'a>(
        &self,
        domain: &str,
        first: &[u8],
        parts: impl IntoIterator<Item = &'a [u8]>,
    ) -> u128 {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        let mut add = |part: &[u8]| {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        };
        add(domain.as_bytes());
        add(first);
        parts.into_iter().for_each(add);
        let mut half = [0; 16];
        hasher.finalize_xof().fill(&mut half);
        u128::from_le_bytes(half)
    }

    /// The caller: whatever credential headers came, and the deployment they were meant for.
    pub fn caller(&self, headers: &HeaderMap, deployment: &str) -> Caller {
        // Every value, with a mark between the headers: what Azure makes of a header that came twice is its own affair.
        let names = [API_KEY, header::AUTHORIZATION, SUBSCRIPTION_KEY];
        let credentials = names.iter().enumerate().flat_map(|(place, name)| {
            let mark: &[u8] = NAME_MARKS.get(place).map_or(&[], |mark| &mark[..]);
            std::iter::once(mark).chain(headers.get_all(name).iter().map(HeaderValue::as_bytes))
        });
        self.hash("caller", deployment.as_bytes(), credentials)
    }

    /// Who asks, as kept exchanges name them: by the credential of the headers, and by the request's own `user`.
    pub(crate) fn asker(&self, headers: &HeaderMap, user: Option<&str>) -> Asker {
        Asker {
            credential: credential(headers).map(|credential| self.of_credential(credential)),
            user: user.map(|user| self.caller_of_user(user)),
        }
    }

    /// The hash under which kept exchanges name a credential: the key, or the token without its scheme, whichever header it came in. A
    /// token that was renewed is another credential.
    pub fn caller_of_credential(&self, credential: &str) -> Unit {
        self.of_credential(credential.as_bytes())
    }

    /// The hash under which kept exchanges name a request's own `user` or `safety_identifier`.
    pub fn caller_of_user(&self, user: &str) -> Unit {
        Unit(self.hash("asker by user", user.as_bytes(), []))
    }

    fn of_credential(&self, credential: &[u8]) -> Unit {
        Unit(self.hash("asker by credential", credential, []))
    }

    /// Where a text falls in [0, 1), for a draw of its own that callers cannot foresee.
    pub(crate) fn fraction(&self, domain: &str, text: &[u8]) -> f64 {
        let hash = self.hash(domain, text, []);
        // The upper 53 bits are what a float holds exactly.
        #[expect(clippy::cast_precision_loss, reason = "53 bits are held exactly")]
        let upper = (hash >> 75) as f64;
        upper / 9_007_199_254_740_992.0
    }

    /// The unit of a caller's parts.
    pub fn unit<'a>(
        &self,
        kind: &str,
        caller: Caller,
        parts: impl IntoIterator<Item = &'a [u8]>,
    ) -> Unit {
        Unit(self.hash(kind, &caller.to_le_bytes(), parts))
    }
}

/// What a caller shows to be let in: the first of the headers that Azure takes, without `Bearer`.
fn credential(headers: &HeaderMap) -> Option<&[u8]> {
    if let Some(key) = [API_KEY, SUBSCRIPTION_KEY]
        .iter()
        .find_map(|name| headers.get(name))
    {
        return Some(key.as_bytes());
    }
    let token = headers.get(header::AUTHORIZATION)?.as_bytes();
    Some(match token.split_at_checked(BEARER.len()) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(BEARER) => token.trim_ascii(),
        Some(_) | None => token,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let key = HashKey::new([7; 32]);
        let unit = |parts: &[&str]| key.unit("conversation", 1, parts.iter().map(|p| p.as_bytes()));
        assert_eq!(unit(&["ab", "c"]), unit(&["ab", "c"]));
        assert_ne!(unit(&["ab", "c"]), unit(&["a", "bc"]));
        assert_ne!(
            unit(&["ab", "c"]),
            HashKey::new([8; 32]).unit("conversation", 1, [&b"ab"[..], b"c"])
        );
    }

    #[test]
    fn a_caller_is_credential_and_deployment() {
        let key = HashKey::new([7; 32]);
        let mut headers = HeaderMap::new();
        let nobody = key.caller(&headers, "d");
        headers.insert("api-key", "k".parse().unwrap());
        let by_key = key.caller(&headers, "d");
        assert_ne!(nobody, by_key);
        assert_ne!(by_key, key.caller(&headers, "e"));
        headers.insert("x-other", "1".parse().unwrap());
        assert_eq!(by_key, key.caller(&headers, "d"));
        headers.append("api-key", "second".parse().unwrap());
        assert_ne!(
            by_key,
            key.caller(&headers, "d"),
            "a header that came twice is another caller"
        );
        let mut bearer = HeaderMap::new();
        bearer.insert("authorization", "k".parse().unwrap());
        assert_ne!(by_key, key.caller(&bearer, "d"), "a key is not a token");
    }

    #[test]
    fn an_asker_is_the_same_by_whichever_header_the_credential_came() {
        let key = HashKey::new([7; 32]);
        let asker = |headers: &[(&'static str, &str)], user| {
            let headers = headers.iter().map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    value.parse::<HeaderValue>().unwrap(),
                )
            });
            key.asker(&headers.collect(), user)
        };
        let known = Some(key.caller_of_credential("secret"));
        for (headers, want) in [
            (&[("api-key", "secret")][..], known),
            (&[("ocp-apim-subscription-key", "secret")], known),
            (&[("authorization", "Bearer secret")], known),
            (&[("authorization", "bearer  secret")], known),
            (&[("authorization", "secret")], known),
            (
                &[("api-key", "secret"), ("authorization", "Bearer x")],
                known,
            ),
            (&[("x-other", "secret")], None),
            (&[], None),
        ] {
            assert_eq!(asker(headers, None).credential, want, "{headers:?}");
        }
        assert_ne!(asker(&[("api-key", "Secret")], None).credential, known);
        let user = asker(&[], Some("secret")).user;
        assert_eq!(user, Some(key.caller_of_user("secret")));
        assert_ne!(user, known, "a user is not a credential");
        let other = HashKey::new([8; 32]);
        assert_ne!(user, Some(other.caller_of_user("secret")));
    }

    #[test]
    fn fractions_are_spread_evenly() {
        let key = HashKey::new([7; 32]);
        let below = (0_u32..2_000)
            .filter(|n| key.fraction("repeat", &n.to_le_bytes()) < 0.05)
            .count();
        assert!((60..=140).contains(&below), "{below}");
    }
}
