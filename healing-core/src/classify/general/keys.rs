//! What the keys of an answer's envelope are for.

use serde_json::Value;

/// What a key announces.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Role {
    /// A value there says that something went wrong: `error`, `errors`, `Error Message`, `quandl_error`.
    Error,
    /// A sentence to the reader: `message`, `note`, `detail`.
    Message,
    /// How it went: `status`, `success`, `code`.
    Outcome,
    /// Of the exchange, not of the thing asked: `request_id`, `elapsed`, `count`. What lies in an object there may be data.
    Envelope,
    /// What was asked, or how much may be: `request`, `parameters`, `RateLimit`. Nothing in there is data.
    Echo,
    /// Anything else.
    Data,
}

pub(super) fn role(key: &str) -> Role {
    if key.len() > 40 {
        return Role::Data;
    }
    let plain = letters_of(key);
    let name = plain.as_str();
    if ERROR_ENDS.iter().any(|end| name.ends_with(end)) && !NO_ERRORS.contains(&name) {
        Role::Error
    } else if MESSAGES.contains(&name) {
        Role::Message
    } else if OUTCOMES.contains(&name) {
        Role::Outcome
    } else if ECHOES.contains(&name) {
        Role::Echo
    } else if ENVELOPE.contains(&name) {
        Role::Envelope
    } else {
        Role::Data
    }
}

/// Whether a word is one for a failure.
pub(super) fn is_failure_word(word: &str) -> bool {
    const FAILURES: [&str; 18] = [
        "error",
        "err",
        "fail",
        "failed",
        "failure",
        "ko",
        "notok",
        "nok",
        "notfound",
        "notauthorized",
        "unauthorized",
        "forbidden",
        "denied",
        "rejected",
        "badrequest",
        "nodata",
        "false",
        "exception",
    ];
    FAILURES.contains(&letters_of(word).as_str())
}

/// Whether a word under an outcome says that it went wrong.
pub(super) fn is_failure(word: &str) -> bool {
    let plain = letters_of(word);
    let ends = ["notprocessed", "failed", "error", "limited", "denied"];
    is_failure_word(word)
        || ends.iter().any(|end| plain.ends_with(end))
        || plain.starts_with("error")
        || plain.starts_with("invalid")
}

/// The letters and digits of a name, in lower case.
fn letters_of(name: &str) -> String {
    let letters = name.chars().take(64).filter(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}

const ERROR_ENDS: [&str; 16] = [
    "errmsg",
    "faultstring",
    "error",
    "errors",
    "errormessage",
    "errormessages",
    "errormsg",
    "errorcode",
    "errorinfo",
    "errordescription",
    "errorstatus",
    "errortype",
    "errordetail",
    "fault",
    "exception",
    "err",
];

/// Numbers of statistics that are called errors too.
const NO_ERRORS: [&str; 8] = [
    "standarderror",
    "stderror",
    "stderr",
    "marginoferror",
    "moe",
    "estimateerror",
    "trackingerror",
    "default",
];

const ECHOES: [&str; 13] = [
    "request",
    "requestparam",
    "params",
    "parameters",
    "query",
    "echo",
    "debug",
    "links",
    "ratelimit",
    "ratelimits",
    "limits",
    "quota",
    "usage",
];

const MESSAGES: [&str; 18] = [
    "retmsg",
    "message",
    "messages",
    "msg",
    "note",
    "notes",
    "notice",
    "information",
    "info",
    "detail",
    "details",
    "description",
    "reason",
    "title",
    "warning",
    "statusmessage",
    "text",
    "hint",
];

/// Names that may hold the thing asked as well as how it went.
pub(super) fn may_be_data(key: &str) -> bool {
    ["result", "response"]
        .iter()
        .any(|name| key.eq_ignore_ascii_case(name))
}

/// Whether a place lies, near the top, under a name that speaks to the reader rather than describes the thing asked.
pub(super) fn is_to_the_reader(place: &str) -> bool {
    const NAMES: [&str; 10] = [
        "info",
        "message",
        "messages",
        "msg",
        "retmsg",
        "note",
        "information",
        "detail",
        "reason",
        "notice",
    ];
    let is_one = |step: &str| NAMES.iter().any(|name| step.eq_ignore_ascii_case(name));
    let names = place.split('/').filter(|step| !matches!(*step, "" | "*"));
    names.take(2).any(is_one)
}

/// Whether a number is a source's own code for a failure: those of success are 0, or small, or of HTTP.
pub(super) fn is_odd_code(key: &str, value: &Value) -> bool {
    let number = value
        .as_f64()
        .or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
    key.to_ascii_lowercase().ends_with("code")
        && number.is_some_and(|number| number < 0.0 || (1000.0..200_000.0).contains(&number))
}

/// Whether a word says that it went well.
pub(super) fn is_success(word: &str) -> bool {
    let word = word.trim().to_ascii_lowercase();
    ["ok", "success", "succeeded", "successful", "done", "true"].contains(&&*word)
}

/// Whether a flag of that name says that what it stands in is out of date.
pub(super) fn flags_age(key: &str) -> bool {
    matches!(
        &*letters_of(key),
        "stale" | "isstale" | "outdated" | "isoutdated"
    )
}

/// Names of messages under which an object is one too.
pub(super) fn may_be_nested(key: &str) -> bool {
    ["message", "messages", "msg"]
        .iter()
        .any(|name| key.eq_ignore_ascii_case(name))
}

/// Whether a number there is a code of an error, rather than an error that statistics have.
pub(super) fn names_a_code(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key == "error" || key == "err" || key.ends_with("code")
}

const OUTCOMES: [&str; 14] = [
    "status",
    "success",
    "ok",
    "code",
    "cod",
    "statuscode",
    "httpcode",
    "httpstatus",
    "response",
    "result",
    "s",
    "state",
    "retcode",
    "outcome",
];

const ENVELOPE: [&str; 46] = [
    "requestid",
    "traceid",
    "correlationid",
    "id",
    "timestamp",
    "ts",
    "elapsed",
    "creditcount",
    "credits",
    "count",
    "total",
    "totalcount",
    "querycount",
    "resultscount",
    "resultcount",
    "items",
    "page",
    "pages",
    "perpage",
    "limit",
    "offset",
    "next",
    "previous",
    "nexturl",
    "responsetime",
    "generationtimems",
    "took",
    "adjusted",
    "type",
    "docs",
    "documentation",
    "documentationurl",
    "moreinfo",
    "moreinformation",
    "url",
    "href",
    "link",
    "path",
    "instance",
    "method",
    "version",
    "apiversion",
    "retryafter",
    "throttleseconds",
    "haswarning",
    "jobtimestamp",
];
