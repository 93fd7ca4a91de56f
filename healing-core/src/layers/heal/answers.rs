//! A kept copy as an answer.

use http::{Method, Response, StatusCode, header};

use crate::{attempt::Ask, body::Body, kept::Copy};

/// Fields of a copy that describe a body that is not sent with a 304 (RFC 9110, section 15.4.5).
const OF_THE_BODY: [http::HeaderName; 3] = [
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
];

/// The copy, as that request wants it: 304 to whom has it already, without its body to HEAD.
pub(crate) fn of_copy(copy: &Copy, ask: &Ask) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.headers_mut() = copy.headers.clone();
    response.headers_mut().remove(header::AGE);
    if copy.is_known_to(&ask.headers) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        for name in OF_THE_BODY {
            response.headers_mut().remove(name);
        }
        return response;
    }
    *response.status_mut() = copy.status;
    if ask.method == Method::HEAD {
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, copy.body.len().into());
    } else {
        *response.body_mut() = Body::of(copy.body.clone());
    }
    response
}
