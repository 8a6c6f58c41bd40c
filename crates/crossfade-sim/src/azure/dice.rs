//! The random parts of an answer: ids, filler, dates. Random, or drawn from the request so that they repeat.

use rand::{
    RngExt, SeedableRng,
    distr::{Alphanumeric, SampleString},
    rngs::StdRng,
};
use sha2::{Digest, Sha256};
use time::{
    OffsetDateTime, format_description::StaticFormatDescription, macros::format_description,
};

use crate::{script::Received, text::hex};

const HTTP_DATE: StaticFormatDescription = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

/// The moment at which every answer of a steady simulator is made.
const STEADY_MOMENT: i64 = 1_770_000_000;

/// A source of ids and dates for one request.
#[derive(Debug)]
pub(super) struct Dice {
    random: StdRng,
    now: OffsetDateTime,
}

impl Dice {
    /// New ids each time, and the clock.
    pub(super) fn random() -> Self {
        Self {
            random: StdRng::from_rng(&mut rand::rng()),
            now: OffsetDateTime::now_utc(),
        }
    }

    /// The same for the same request.
    pub(super) fn of(request: &Received) -> Self {
        let mut hash = Sha256::new();
        hash.update(&request.target);
        hash.update(&request.body);
        let now = OffsetDateTime::from_unix_timestamp(STEADY_MOMENT)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH);
        Self {
            random: StdRng::from_seed(hash.finalize().into()),
            now,
        }
    }

    /// A prefix and so many letters and digits.
    pub(super) fn id(&mut self, prefix: &str, letters: usize) -> String {
        let mut id = prefix.to_owned();
        Alphanumeric.append_string(&mut self.random, &mut id, letters);
        id
    }

    /// A GUID.
    pub(super) fn guid(&mut self) -> String {
        uuid::Builder::from_random_bytes(self.random.random())
            .into_uuid()
            .to_string()
    }

    /// Lower-case hexadecimal of so many bytes.
    pub(super) fn hex(&mut self, bytes: usize) -> String {
        hex(&(0..bytes)
            .map(|_| self.random.random())
            .collect::<Vec<u8>>())
    }

    /// Filler of random length, possibly none.
    pub(super) fn filler(&mut self) -> String {
        let letters = self.random.random_range(0..16);
        self.id("", letters)
    }

    /// Seconds since the Unix epoch.
    pub(super) fn created(&self) -> i64 {
        self.now.unix_timestamp()
    }

    /// The date as HTTP writes it.
    pub(super) fn http_date(&self) -> String {
        self.now.format(HTTP_DATE).unwrap_or_default()
    }
}
