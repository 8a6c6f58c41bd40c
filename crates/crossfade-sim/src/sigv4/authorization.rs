//! The `Authorization` header of a signed request, taken apart. Nothing is verified here.

use super::{ALGORITHM, Denied, DeniedKind};

/// What a signed request says about its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// The access key id.
    pub access_key: String,
    /// The day of the scope, `YYYYMMDD`.
    pub date: String,
    /// The region of the scope.
    pub region: String,
    /// The service of the scope.
    pub service: String,
    /// Names of the headers that are signed, in the order stated.
    pub signed_headers: Vec<String>,
    /// The signature's bytes.
    pub signature: Vec<u8>,
}

// === impl Authorization ===

impl Authorization {
    /// Takes a header value apart.
    pub fn parse(header: &str) -> Result<Self, Denied> {
        let incomplete = |message: String| DeniedKind::IncompleteSignature.because(message);
        let rest = header.trim().strip_prefix(ALGORITHM).ok_or_else(|| {
            incomplete(format!("Unsupported AWS 'algorithm': use '{ALGORITHM}'."))
        })?;
        let (mut credential, mut signed, mut signature) = (None, None, None);
        for part in rest.split(',').map(str::trim) {
            let place = match part.split_once('=') {
                Some(("Credential", value)) => (&mut credential, value),
                Some(("SignedHeaders", value)) => (&mut signed, value),
                Some(("Signature", value)) => (&mut signature, value),
                Some(_) | None => {
                    return Err(incomplete(
                        "Authorization header holds a part that is not a known key=value pair."
                            .to_owned(),
                    ));
                }
            };
            *place.0 = Some(place.1);
        }
        let need = |value: Option<&str>, name: &str| {
            value
                .filter(|v| !v.is_empty())
                .map(ToOwned::to_owned)
                .ok_or_else(|| {
                    incomplete(format!("Authorization header requires '{name}' parameter."))
                })
        };
        let credential = need(credential, "Credential")?;
        let signed = need(signed, "SignedHeaders")?;
        let signature = need(signature, "Signature")?;
        let elements: Vec<&str> = credential.split('/').collect();
        let [access_key, date, region, service, "aws4_request"] = elements.as_slice() else {
            return Err(incomplete(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term."
                    .to_owned(),
            ));
        };
        Ok(Self {
            access_key: (*access_key).to_owned(),
            date: (*date).to_owned(),
            region: (*region).to_owned(),
            service: (*service).to_owned(),
            signed_headers: signed.split(';').map(str::to_ascii_lowercase).collect(),
            signature: unhex(&signature)
                .ok_or_else(|| incomplete("Signature must be 64 hexadecimal digits.".to_owned()))?,
        })
    }

    /// The credential scope, as in the string to sign.
    pub fn scope(&self) -> String {
        format!(
            "{}/{}/{}/aws4_request",
            self.date, self.region, self.service
        )
    }

    /// An error unless this header is signed.
    pub fn must_sign(&self, name: &str) -> Result<(), Denied> {
        if self.signed_headers.iter().any(|signed| signed == name) {
            return Ok(());
        }
        Err(DeniedKind::InvalidSignature.because(format!(
            "'{name}' must be a 'SignedHeader' in the AWS Authorization."
        )))
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    digits
        .chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}
