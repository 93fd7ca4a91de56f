//! Keys of ours for a source: what they are, where they come from, and where they stand in a request.
//!
//! A key that enters the process leaves it only towards its source. It is put in when a request is sent and not before, so
//! that the question, the keys of copies, events and logs never hold it; it is printed as `REDACTED`, and its memory is
//! overwritten when its last user is gone. This room reads no environment and no file: whoever implements [`KeyVault`] does.

use std::{fmt, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri, uri::Authority};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::{redact::REDACTED, vocabulary::source::Source};

/// More keys than this are a mistake: which of them struck is kept in one word.
const MAX_KEYS: usize = 64;

/// A shorter key, such as `demo`, guards nothing, and may be a word of the data.
const MASKED_FROM: usize = 12;

/// All but the unreserved characters of RFC 3986, section 2.3: sources that do not decode a `-` are met.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The longest key, in bytes.
const MAX_KEY: usize = 4096;

/// A key. It cannot be read outside of this crate, and what is printed of it is `REDACTED`.
///
/// ```
/// use healing_core::Secret;
/// let key = Secret::new("abcdef".to_owned());
/// assert_eq!(format!("{key} {key:?}"), "REDACTED Secret(REDACTED)");
/// ```
#[derive(Clone)]
pub struct Secret(Arc<SecretString>);

/// Where keys come from: an environment, files, a vault.
///
/// ```
/// use healing_core::{KeyVault, Secret, Source};
///
/// #[derive(Debug)]
/// struct OneForAll(Secret);
///
/// impl KeyVault for OneForAll {
///     fn keys(&self, _: &Source) -> Vec<Secret> {
///         vec![self.0.clone()]
///     }
/// }
/// ```
pub trait KeyVault: Send + Sync + fmt::Debug {
    /// The keys for that source, the one to begin with first. None where it has none.
    fn keys(&self, source: &Source) -> Vec<Secret>;
}

/// Where in a request the key stands.
///
/// ```
/// use healing_core::KeyPlace;
/// let polygon = KeyPlace::Query("apiKey".to_owned()); // as that source spells it
/// assert_ne!(polygon, KeyPlace::Query("apikey".to_owned()));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeyPlace {
    /// A parameter of the query.
    Query(String),
    /// A field. The key is its whole value: `Bearer abcdef` where the source wants the word before it.
    Header(HeaderName),
}

/// The keys of a source, and where they stand.
///
/// ```
/// use healing_core::{KeyPlace, Keys, Secret};
/// let place = KeyPlace::Query("api_key".to_owned());
/// let keys = Keys::new(place, vec![Secret::new("first".to_owned()), Secret::new("second".to_owned())])?;
/// assert_eq!(keys.len(), 2);
/// # Ok::<(), healing_core::KeysError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Keys {
    place: KeyPlace,
    ring: Arc<[Secret]>,
    only_to: Arc<[Authority]>,
}

/// Why keys cannot be taken. It names them by their number, never by what they are.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// The name of the parameter would need to be encoded.
    #[error(
        "the key's place in the query is {0:?}; it takes a name of letters, digits, '-', '_' and '.'"
    )]
    Name(String),
    /// A key is empty.
    #[error("key {0} is empty; give it a value or take it out")]
    Empty(usize),
    /// A key is too long.
    #[error("key {0} is longer than 4096 bytes; is it the path of a file rather than the file?")]
    Long(usize),
    /// A key cannot stand in a field.
    #[error(
        "key {0} cannot stand in a header field: it has a line break or another control character"
    )]
    Unfit(usize),
    /// The same key is there twice.
    #[error("keys {0} and {1} are the same; take one out, for their quota is one")]
    Twice(usize, usize),
    /// There are too many.
    #[error("{0} keys are more than the 64 that one source may have")]
    TooMany(usize),
}

// === impl Secret ===

impl Secret {
    /// Takes a key. White space around it, such as the line break at a file's end, is no part of it.
    #[must_use]
    pub fn new(text: String) -> Self {
        let trimmed = text.trim();
        if trimmed.len() == text.len() {
            return Self(Arc::new(SecretString::from(text)));
        }
        let key = Self(Arc::new(SecretString::from(trimmed)));
        drop(SecretString::from(text)); // overwrites what was handed in
        key
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The text with stars where this key stands in it, of the same length; `None` where it does not.
    pub(crate) fn masked(&self, text: &[u8]) -> Option<Vec<u8>> {
        let key = self.expose();
        if key.len() < MASKED_FROM {
            return None;
        }
        let encoded = SecretString::from(utf8_percent_encode(key, ENCODED).to_string());
        let forms = [key, encoded.expose_secret()];
        let mut masked: Option<Vec<u8>> = None;
        for form in forms {
            for at in memchr::memmem::find_iter(text, form) {
                let masked = masked.get_or_insert_with(|| text.to_vec());
                if let Some(found) = masked.get_mut(at..at + form.len()) {
                    found.fill(b'*');
                }
            }
        }
        masked
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({REDACTED})")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

// === impl Keys ===

impl Keys {
    /// Those keys at that place, the one to begin with first. With none of them requests go out as they come.
    ///
    /// # Errors
    /// When a key cannot stand there, is there twice, or is empty.
    pub fn new(place: KeyPlace, ring: Vec<Secret>) -> Result<Self, KeysError> {
        place.check()?;
        if ring.len() > MAX_KEYS {
            return Err(KeysError::TooMany(ring.len()));
        }
        for (n, key) in (1..).zip(&ring) {
            place.check_key(n, key)?;
            let same = ring
                .iter()
                .take(n - 1)
                .position(|other| other.expose() == key.expose());
            if let Some(first) = same {
                return Err(KeysError::Twice(first + 1, n));
            }
        }
        Ok(Self {
            place,
            ring: ring.into(),
            only_to: Arc::default(),
        })
    }

    /// What a vault has for that source.
    ///
    /// # Errors
    /// As [`Keys::new`].
    pub fn of(vault: &dyn KeyVault, source: &Source, place: KeyPlace) -> Result<Self, KeysError> {
        Self::new(place, vault.keys(source))
    }

    /// Other keys at the same place, for the same addresses.
    ///
    /// # Errors
    /// As [`Keys::new`].
    pub fn with(self, ring: Vec<Secret>) -> Result<Self, KeysError> {
        let only_to = self.only_to;
        let keys = Self::new(self.place, ring)?;
        Ok(Self { only_to, ..keys })
    }

    /// The same, for requests to those addresses only. Without it they go wherever requests of the source go, so name the
    /// addresses where a caller can choose one.
    ///
    /// ```
    /// use healing_core::{KeyPlace, Keys, Secret};
    /// let keys = Keys::new(KeyPlace::Query("api_key".to_owned()), vec![Secret::new("abcdef".to_owned())])?
    ///     .only_to(["api.stlouisfed.org".parse()?]);
    /// # let _ = keys;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn only_to(mut self, authorities: impl IntoIterator<Item = Authority>) -> Self {
        self.only_to = authorities.into_iter().collect();
        self
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    pub(crate) fn ring(&self) -> &[Secret] {
        &self.ring
    }

    pub(crate) const fn place(&self) -> &KeyPlace {
        &self.place
    }

    /// Tells callers apart by the keys of their own.
    pub(crate) fn digest_of_callers(&self, uri: &Uri, headers: &HeaderMap) -> Option<[u8; 32]> {
        self.place.digest(uri, headers)
    }

    /// Whether a request like that gets one of them.
    pub(crate) fn are_for(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let goes_there = self.only_to.is_empty()
            || uri
                .authority()
                .is_some_and(|here| self.only_to.contains(here));
        goes_there && !self.is_empty() && !self.place.is_taken(uri, headers)
    }
}

// === impl KeyPlace ===

impl KeyPlace {
    /// A digest of what the caller sent there, where it did.
    fn digest(&self, uri: &Uri, headers: &HeaderMap) -> Option<[u8; 32]> {
        let value = match self {
            Self::Header(name) => headers.get(name)?.as_bytes(),
            Self::Query(name) => {
                let mut pairs = uri
                    .query()?
                    .split('&')
                    .filter_map(|pair| pair.split_once('='));
                let own = pairs.find(|(own, _)| percent_decode_str(own).eq(name.bytes()));
                own?.1.as_bytes()
            }
        };
        Some(Sha256::digest(value).into())
    }

    /// Whether the caller sent something of its own there.
    fn is_taken(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        match self {
            Self::Header(name) => headers.contains_key(name),
            Self::Query(name) => {
                let mut pairs = uri.query().unwrap_or_default().split('&');
                pairs.any(|pair| {
                    let own = pair.split_once('=').map_or(pair, |(own, _)| own);
                    percent_decode_str(own).eq(name.bytes())
                })
            }
        }
    }

    /// Puts a key there. A request that has no room for it stays as it is: its source says what it thinks of that.
    pub(crate) fn fill<B>(&self, key: &Secret, request: &mut Request<B>) {
        match self {
            Self::Header(name) => {
                if let Ok(mut value) = HeaderValue::from_str(key.expose()) {
                    value.set_sensitive(true);
                    request.headers_mut().insert(name, value);
                }
            }
            Self::Query(name) => {
                if let Some(uri) = with_pair(request.uri(), name, key) {
                    *request.uri_mut() = uri;
                }
            }
        }
    }

    fn check(&self) -> Result<(), KeysError> {
        match self {
            Self::Query(name)
                if name.is_empty()
                    || !name
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) =>
            {
                Err(KeysError::Name(name.clone()))
            }
            Self::Query(_) | Self::Header(_) => Ok(()),
        }
    }

    fn check_key(&self, n: usize, key: &Secret) -> Result<(), KeysError> {
        let text = key.expose();
        if text.is_empty() {
            return Err(KeysError::Empty(n));
        }
        if text.len() > MAX_KEY {
            return Err(KeysError::Long(n));
        }
        match self {
            Self::Header(_) if HeaderValue::from_str(text).is_err() => Err(KeysError::Unfit(n)),
            Self::Header(_) | Self::Query(_) => Ok(()),
        }
    }
}

fn with_pair(uri: &Uri, name: &str, key: &Secret) -> Option<Uri> {
    let value = utf8_percent_encode(key.expose(), ENCODED);
    let path = uri.path();
    let target = match uri.query() {
        Some(query) if !query.is_empty() => format!("{path}?{query}&{name}={value}"),
        _ => format!("{path}?{name}={value}"),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(target.parse().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests;
