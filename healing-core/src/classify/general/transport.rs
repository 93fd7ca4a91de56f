//! What failed below HTTP, from the words of the client that met it.

use crate::{
    classify::{exchange::Exchange, finding::Finding},
    vocabulary::fault::FaultClass,
};

/// Names the fault of an exchange without a status.
pub(super) fn judge(exchange: &Exchange<'_>) -> Finding {
    let words = exchange.transport_error.unwrap_or_default();
    let words = words.to_ascii_lowercase();
    let says = |some: &[&str]| some.iter().any(|word| words.contains(word));
    let of = |class, rule, found| Finding::of(class, rule, found);
    // A certificate first: its message names the library's call, and some speak of time.
    if says(&[
        "certificate",
        "cert_",
        "unknown ca",
        "unknownissuer",
        "self signed",
        "self-signed",
        "hostname mismatch",
    ]) {
        of(
            FaultClass::ConnectionError,
            "certificate",
            "the client: certificate",
        )
        .passing(false)
    } else if says(&["timed out", "timeout", "time out", "deadline", "etimedout"]) {
        of(FaultClass::Timeout, "timed_out", "the client: timed out")
    } else if says(&[
        "dns",
        "resolve",
        "name or service",
        "getaddrinfo",
        "nodename",
        "lookup",
        "nxdomain",
        "enotfound",
    ]) {
        of(FaultClass::ConnectionError, "dns", "the client: name")
    } else if says(&["refused"]) {
        of(
            FaultClass::ConnectionError,
            "refused",
            "the client: refused",
        )
    } else if says(&[
        "reset",
        "aborted",
        "broken pipe",
        "closed",
        "eof",
        "disconnected",
        "incomplete",
    ]) {
        of(
            FaultClass::ConnectionError,
            "broken_off",
            "the client: reset",
        )
    } else if says(&["ssl", "tls", "handshake"]) {
        of(FaultClass::ConnectionError, "tls", "the client: tls")
    } else {
        of(FaultClass::ConnectionError, "no_answer", "no status")
    }
}
