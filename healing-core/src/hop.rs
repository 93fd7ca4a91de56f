//! Fields that belong to one connection (RFC 9110, section 7.6.1) and so to no answer that is given over another.

use http::{HeaderMap, HeaderName, header};

/// Whether that field belongs to one connection.
fn is_of_the_hop(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection" | "te" | "transfer-encoding" | "upgrade" | "keep-alive" | "proxy-connection"
    )
}

/// Takes out the fields of a connection, those that `Connection` names included. `TE: trailers` stays: it is for the next
/// hop too.
///
/// ```
/// let mut headers = http::HeaderMap::new();
/// headers.insert("connection", "close, x-mine".parse()?);
/// headers.insert("x-mine", "1".parse()?);
/// healing_core::strip_hop_fields(&mut headers);
/// assert!(headers.is_empty());
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
pub fn strip_hop_fields(headers: &mut HeaderMap) {
    let mut strip = Vec::new();
    for name in headers.keys().filter(|name| is_of_the_hop(name)) {
        strip.push(name.clone());
    }
    if strip.is_empty() {
        return; // like most messages
    }
    let named = headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|name| !name.eq_ignore_ascii_case(b"keep-alive"))
        .filter_map(|name| HeaderName::from_bytes(name).ok());
    strip.extend(named);
    let trailers = headers
        .get(header::TE)
        .is_some_and(|te| te.as_bytes().eq_ignore_ascii_case(b"trailers"));
    for name in strip {
        if name != header::TE || !trailers {
            headers.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_the_hop_is_taken_out_and_nothing_else() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, x-mine"),
            ("x-mine", "1"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("te", "gzip"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("accept", "*/*"),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        strip_hop_fields(&mut headers);
        assert_eq!(headers.keys().collect::<Vec<_>>(), ["accept"]);
        headers.insert("te", "trailers".parse().unwrap());
        strip_hop_fields(&mut headers);
        assert!(headers.contains_key("te"));
    }
}
