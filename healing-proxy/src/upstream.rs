//! The way to the API behind the proxy, one a worker.

use std::{
    fmt,
    future::ready,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::BoxFuture;
use healing_core::{Body, strip_hop_fields};
use http::{
    HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, Version, header,
    uri::{Authority, PathAndQuery, Scheme},
};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use tower::Service;

use crate::{
    pool::{Pool, UpstreamError, refused_certificate},
    trust::{self, Trust},
};

/// Where the API is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Origin {
    scheme: Scheme,
    authority: Authority,
}

/// Why an address is none of an API.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("upstream {given:?} {wrong}; give a URL such as http://127.0.0.1:5002")]
pub(crate) struct OriginError {
    given: String,
    wrong: &'static str,
}

/// Asks the API, and the sources that have addresses of their own. Clones share the connections.
#[derive(Clone, Debug)]
pub(crate) struct Upstream(Arc<Ways>);

/// An address beside the API's.
#[derive(Clone, Debug)]
pub(crate) struct WayTo {
    pub(crate) origin: Origin,
    /// The path that was taken off requests for it, and that its redirects lead below.
    pub(crate) mount: Option<String>,
}

#[derive(Debug)]
struct Ways {
    /// Nothing where every request goes to a source.
    api: Option<Arc<Way>>,
    /// By the address that a request names.
    others: Vec<Arc<Way>>,
}

#[derive(Debug)]
struct Way {
    pool: Pool<HttpsConnector<HttpConnector>>,
    origin: Origin,
    mount: Option<String>,
    host: HeaderValue,
    /// Whether its certificate was refused, and that was said.
    /// Whether its certificate is refused, and why it was last.
    is_refused: AtomicBool,
    refused_for: Mutex<String>,
}

/// The API's answer, without what belongs to its connection.
pub(crate) type UpstreamFuture = BoxFuture<'static, Result<Response<Incoming>, UpstreamError>>;

// === impl Origin ===

impl Origin {
    /// `host:port`.
    pub(crate) const fn authority(&self) -> &Authority {
        &self.authority
    }

    pub(crate) const fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// The port, with the scheme's own where none is given.
    pub(crate) fn port(&self) -> u16 {
        let default = if self.scheme == Scheme::HTTPS {
            443
        } else {
            80
        };
        self.authority.port_u16().unwrap_or(default)
    }

    /// Whether both are one address, with the scheme's own port written out or not.
    pub(crate) fn is_the_same_as(&self, other: &Self) -> bool {
        let host = |origin: &Self| origin.authority.host().to_ascii_lowercase();
        self.scheme == other.scheme && host(self) == host(other) && self.port() == other.port()
    }

    /// A target on this origin.
    pub(crate) fn at(&self, target: PathAndQuery) -> Option<Uri> {
        let whole = Uri::builder().scheme(self.scheme.clone());
        let whole = whole
            .authority(self.authority.clone())
            .path_and_query(target);
        whole.build().ok()
    }

    /// Whether it is on this machine or in this network, by its address; a name is near only if it says so.
    pub(crate) fn is_near(&self) -> bool {
        let host = self.authority.host().trim_matches(['[', ']']);
        match host.parse() {
            Ok(IpAddr::V4(address)) => {
                address.is_loopback() || address.is_private() || address.is_link_local()
            }
            Ok(IpAddr::V6(address)) => address.is_loopback() || address.is_unique_local(),
            Err(_) => host == "localhost" || !host.contains('.'),
        }
    }

    /// A place on this origin as others must not see it: its path alone.
    fn relative(&self, location: &str) -> Option<String> {
        let uri: Uri = location.parse().ok()?;
        let here = uri.authority()? == &self.authority && uri.scheme()? == &self.scheme;
        here.then(|| {
            uri.path_and_query()
                .map_or("/", PathAndQuery::as_str)
                .to_owned()
        })
    }
}

impl std::str::FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let wrong = |wrong| OriginError {
            given: text.to_owned(),
            wrong,
        };
        let uri: Uri = text.parse().map_err(|_| wrong("is no URL"))?;
        let parts = uri.into_parts();
        let scheme = parts.scheme.ok_or_else(|| wrong("has no scheme"))?;
        if scheme != Scheme::HTTP && scheme != Scheme::HTTPS {
            return Err(wrong("is neither http nor https"));
        }
        let authority = parts.authority.ok_or_else(|| wrong("names no host"))?;
        if authority.as_str().contains('@') {
            // The text itself is not shown: it holds the secret.
            return Err(OriginError {
                given: "…@…".to_owned(),
                wrong: "carries credentials, which would be logged by others",
            });
        }
        if parts
            .path_and_query
            .is_some_and(|path| path.as_str() != "/")
        {
            return Err(wrong("has a path, and every path is passed on as it is"));
        }
        Ok(Self { scheme, authority })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

// === impl Upstream ===

impl Upstream {
    /// The ways to the API, where there is one, and to other addresses, each with a pool of its own.
    ///
    /// # Errors
    /// When the host of an origin cannot stand in a field.
    pub(crate) fn new(
        api: Option<Origin>,
        others: Vec<WayTo>,
        trust: &Trust,
    ) -> Result<Self, http::Error> {
        let api = api.map(|origin| {
            let way = WayTo {
                origin,
                mount: None,
            };
            Way::new(way, trust).map(Arc::new)
        });
        let others = others
            .into_iter()
            .map(|way| Way::new(way, trust).map(Arc::new));
        Ok(Self(Arc::new(Ways {
            api: api.transpose()?,
            others: others.collect::<Result<_, _>>()?,
        })))
    }
}

// === impl Ways ===

impl Ways {
    /// The way of a request; one that names no address of ours is for the API.
    fn of(&self, uri: &Uri) -> Option<&Arc<Way>> {
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return self.api.as_ref();
        };
        let mut others = self.others.iter();
        let other =
            others.find(|way| way.origin.authority == *authority && way.origin.scheme == *scheme);
        other.or(self.api.as_ref())
    }
}

// === impl Way ===

impl Way {
    fn new(to: WayTo, trust: &Trust) -> Result<Self, http::Error> {
        let WayTo { origin, mount } = to;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(Duration::from_mins(1)));
        let to = Uri::builder()
            .scheme(origin.scheme.clone())
            .authority(origin.authority.clone())
            .path_and_query("/")
            .build()?;
        let host = HeaderValue::from_str(origin.authority.as_str())?;
        let pool = Pool::new(trust.connector(tcp), to);
        Ok(Self {
            pool,
            origin,
            mount,
            host,
            is_refused: AtomicBool::new(false),
            refused_for: Mutex::default(),
        })
    }

    /// Says once that its certificate is refused and for what, until it is not: whoever runs this must do something about that.
    fn tell(&self, answer: Result<&Response<Incoming>, &UpstreamError>) {
        let refused = match answer {
            Err(UpstreamError::Connect(error)) => refused_certificate(error.as_ref()),
            Err(
                UpstreamError::ConnectTimeout | UpstreamError::Nowhere | UpstreamError::Broke(_),
            ) => {
                return;
            }
            Ok(_) => None,
        };
        let Some(wrong) = refused else {
            if self.is_refused.load(Relaxed) {
                self.is_refused.store(false, Relaxed);
            }
            return;
        };
        let wrong = wrong.to_string();
        let mut told = self
            .refused_for
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !self.is_refused.swap(true, Relaxed) || *told != wrong {
            tracing::warn!(
                upstream = %self.origin,
                certificate = %wrong,
                "the certificate is refused; where it is one of your own authority, name that in {}",
                trust::VARIABLE
            );
            *told = wrong;
        }
    }
}

impl Service<Request<Body>> for Upstream {
    type Response = Response<Incoming>;
    type Error = UpstreamError;
    type Future = UpstreamFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), UpstreamError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> UpstreamFuture {
        let Some(way) = self.0.of(request.uri()).map(Arc::clone) else {
            return Box::pin(ready(Err(UpstreamError::Nowhere)));
        };
        if request.uri().authority().is_some() {
            // The absolute form is for proxies; the API is asked in the origin form.
            let path = request.uri().path_and_query().cloned();
            *request.uri_mut() = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
        }
        *request.version_mut() = Version::HTTP_11;
        request.headers_mut().insert(header::HOST, way.host.clone());
        let begun = way.pool.begin(request);
        Box::pin(async move {
            let answer = way.pool.answer(begun).await;
            way.tell(answer.as_ref());
            let mut answer = answer?;
            if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
                strip_hop_fields(answer.headers_mut());
            }
            // The version is this hop's, not the upstream's: Flask's own server still speaks 1.0.
            *answer.version_mut() = Version::HTTP_11;
            stay_here(answer.headers_mut(), &way.origin, way.mount.as_deref());
            Ok(answer)
        })
    }
}

/// A redirect to the origin's own address would lead the caller past the proxy, and one to a path of it past its mount.
fn stay_here(headers: &mut HeaderMap, origin: &Origin, mount: Option<&str>) {
    let Some(location) = headers
        .get(header::LOCATION)
        .and_then(|value| value.to_str().ok())
    else {
        return;
    };
    let own = location.starts_with('/') && !location.starts_with("//");
    let own = own.then(|| location.to_owned()).filter(|_| mount.is_some());
    let Some(path) = origin.relative(location).or(own) else {
        return;
    };
    if let Ok(path) = HeaderValue::try_from(format!("{}{path}", mount.unwrap_or_default())) {
        headers.insert(header::LOCATION, path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_and_a_host() {
        let origin: Origin = "http://127.0.0.1:5002/".parse().unwrap();
        assert_eq!(
            (origin.to_string(), origin.port()),
            ("http://127.0.0.1:5002".to_owned(), 5002)
        );
        for (bad, wrong) in [
            ("127.0.0.1:5002", "has no scheme"),
            ("ftp://a", "neither http nor https"),
            ("http://a/b", "has a path"),
            ("http://u:p@a", "carries credentials"),
            ("http://", "is no URL"),
        ] {
            let error = bad.parse::<Origin>().unwrap_err().to_string();
            assert!(
                error.contains(wrong) && error.contains("http://127.0.0.1:5002"),
                "{bad}: {error}"
            );
            assert!(!error.contains("u:p"), "{error}");
        }
    }

    #[test]
    fn a_redirect_to_the_origin_stays_with_the_proxy() {
        let origin: Origin = "http://127.0.0.1:5002".parse().unwrap();
        for (location, stays) in [
            ("http://127.0.0.1:5002/a?b=1", "/a?b=1"),
            ("http://elsewhere/a", "http://elsewhere/a"),
            ("/a", "/a"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::LOCATION, location.parse().unwrap());
            stay_here(&mut headers, &origin, None);
            assert_eq!(headers[header::LOCATION], stays);
            headers.insert(header::LOCATION, location.parse().unwrap());
            stay_here(&mut headers, &origin, Some("/m"));
            let below = if stays.starts_with('/') {
                format!("/m{stays}")
            } else {
                stays.to_owned()
            };
            assert_eq!(headers[header::LOCATION], below);
        }
    }
    #[test]
    fn only_private_addresses_and_local_names_are_near() {
        for (origin, near) in [
            ("http://127.0.0.1:5002", true),
            ("http://192.168.1.4", true),
            ("http://[::1]:80", true),
            ("http://localhost:5002", true),
            ("http://flask:5002", true),
            ("https://api.polygon.io", false),
            ("http://93.184.215.14", false),
        ] {
            let origin: Origin = origin.parse().unwrap();
            assert_eq!(origin.is_near(), near, "{origin}");
        }
    }
}
