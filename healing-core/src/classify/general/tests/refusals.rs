//! What refusals say, class by class, in wordings of our own.

use FaultClass::{
    AuthError, Blocked, Forbidden, InvalidRequest, Maintenance, NotFound, PremiumRequired,
    QuotaExceeded, RateLimit, ServerError, Timeout,
};

use super::*;

#[test]
fn a_refused_key_is_an_auth_error() {
    all_are(
        AuthError,
        200,
        &[
            r#"{"Error Message":"Your apikey seems to be malformed, get a new one"}"#,
            r#"{"success":false,"error":{"type":"inactive_user","info":"The account behind this access key is inactive."}}"#,
            r#"{"status":"error","code":"apiKeyMissing","message":"Append your key to the URL."}"#,
            r#"{"error":["EAPI:Invalid signature"]}"#,
            r#"{"status":"0","message":"NOTOK","result":"Invalid API Key (#err2)|REQ-1"}"#,
            r#"{"Information":"The demo API key is for demo purposes only."}"#,
            r#"{"status":{"error_code":1002,"error_message":"API key missing."}}"#,
            r#"{"detail":"Invalid token."}"#,
        ],
    );
    all_are(
        AuthError,
        400,
        &[r#"{"code":-2014,"msg":"API-key format invalid."}"#],
    );
    all_are(
        AuthError,
        403,
        &[
            r#"{"error":{"code":"API_KEY_INVALID","message":"An invalid api_key was supplied."}}"#,
            r#"{"status":{"error_message":"An API Key is required for this call."}}"#,
        ],
    );
    all_are(
        AuthError,
        401,
        &[
            r#"{"message":"nobody knows you"}"#,
            "",
            r#"{"error":"user not found"}"#,
        ],
    );
}

#[test]
fn a_limit_within_the_hour_is_a_rate_limit() {
    all_are(
        RateLimit,
        200,
        &[
            r#"{"Note":"Our call frequency is 5 calls per minute and 500 calls per day. Upgrade for a higher call frequency."}"#,
            r#"{"error":["EAPI:Rate limit exceeded"],"result":{}}"#,
            r#"{"code":"50061","msg":"Sub-account requests too frequent, slow down"}"#,
            r#"{"Response":"Error","Message":"You are over your rate limit please upgrade your account!","Type":99,"RateLimit":{"calls_made":{"second":3,"minute":4,"hour":5},"max_calls":{"second":1,"minute":2,"hour":3}},"Data":{}}"#,
            r#"{"success":false,"error":{"type":"rate_limit_reached","info":"You have exceeded the limit per second."}}"#,
            r#"{"error":"You have run over your hourly request allocation."}"#,
            r#"{"message":"The rate limit for free users is reached."}"#,
        ],
    );
    is(
        &answer(200, "text/plain", "Too Many Requests\r\n"),
        RateLimit,
    );
    all_are(
        RateLimit,
        429,
        &["", "{}", r#"{"error":"sign up for more"}"#],
    );
    all_are(
        RateLimit,
        403,
        &[r#"{"message":"API rate limit exceeded for 10.0.0.1"}"#],
    );
    is(
        &page(
            403,
            "Agency.gov | Request Rate Threshold Exceeded",
            "Please wait.",
        ),
        RateLimit,
    );
    is(
        &page(429, "Access denied | api.example.com", "Error 1015"),
        RateLimit,
    );
}

#[test]
fn a_limit_beyond_the_hour_is_a_quota() {
    all_are(
        QuotaExceeded,
        200,
        &[
            r#"{"Information":"Our rate limit is 25 requests per day. Subscribe to any of the premium plans to remove it."}"#,
            r#"{"success":false,"error":{"code":104,"type":"usage_limit_reached","info":"Your monthly API request volume has been reached. Please upgrade your plan."}}"#,
            r#"{"status":"0","message":"NOTOK","result":"Max daily rate limit reached. 100000 (100%) of 100000 day/limit"}"#,
            r#"{"code":429,"status":"error","message":"The API credits for today are exhausted."}"#,
            r#"{"detail":"You have used all 500 lookups of this month, and are over your limit."}"#,
        ],
    );
    all_are(
        QuotaExceeded,
        429,
        &[r#"{"message":"100 requests per 24 hours are allowed, upgrade for more"}"#],
    );
    all_are(
        QuotaExceeded,
        402,
        &[r#"{"message":"You have exceeded your allotted message quota."}"#],
    );
}

#[test]
fn a_gate_of_the_plan_is_premium() {
    all_are(
        PremiumRequired,
        200,
        &[
            r#"{"Information":"This is a premium endpoint. Ask sales to raise your daily limits."}"#,
            r#"{"success":false,"error":{"code":105,"type":"base_currency_access_restricted"}}"#,
            r#"{"code":403,"status":"error","message":"/earnings is available exclusively with pro or ultra plans."}"#,
            r#"{"results":[{"ticker":"X","error":"NOT_ENTITLED","message":"Not entitled to this."}]}"#,
        ],
    );
    all_are(
        PremiumRequired,
        403,
        &[
            r#"{"message":"subscription does not permit querying recent data"}"#,
            r#"{"status":"NOT_AUTHORIZED","message":"Upgrade to see this."}"#,
            "Only closing prices are there for free users.",
        ],
    );
    all_are(PremiumRequired, 402, &["", r#"{"error":"pay first"}"#]);
    all_are(
        PremiumRequired,
        426,
        &[r#"{"message":"Results this old need a paid plan."}"#],
    );
}

#[test]
fn an_unknown_thing_is_not_found() {
    all_are(
        NotFound,
        200,
        &[
            r#"{"error":["EQuery:Unknown asset"]}"#,
            r#"{"status":"error","code":404,"message":"**symbol** parameter is invalid"}"#,
            r#"{"status":"REQUEST_SUCCEEDED","message":["Series does not exist"],"Results":{"series":[{"seriesID":"ABC","data":[]}]}}"#,
            r#"{"results":[{"ticker":"ZZZ","error":"NOT_FOUND","message":"Ticker not found."}],"request_id":"1"}"#,
            r#"{"status":"NOT_FOUND","symbol":"","open":0,"close":0}"#,
            r#"{"Response":"Error","Message":"market does not exist for this coin pair","Type":2,"Data":{}}"#,
        ],
    );
    all_are(
        NotFound,
        400,
        &[
            r#"{"code":-1121,"msg":"Invalid symbol."}"#,
            r#"{"error_message":"The series does not exist."}"#,
        ],
    );
    all_are(
        NotFound,
        404,
        &[
            "",
            r#"{"message":"no data"}"#,
            r#"{"error":"We retired that route; see the documentation"}"#,
        ],
    );
    is(&answer(404, "text/html", "Ticker unknown here"), NotFound);
}

#[test]
fn a_wrong_request_is_the_callers() {
    all_are(
        InvalidRequest,
        200,
        &[
            r#"{"BEAAPI":{"Request":{"RequestParam":[{"Name":"YEAR","Value":"20"}]},"Results":{"Error":{"APIErrorDescription":"The year parameter is required"}}}}"#,
            r#"[{"message":[{"id":"105","key":"Invalid format","value":"The requested format could not be read."}]}]"#,
            r#"{"status":"0","message":"NOTOK","result":"Result window is too large"}"#,
        ],
    );
    all_are(
        InvalidRequest,
        400,
        &[
            "",
            r#"{"error":true,"reason":"Parameter 'end_date' is out of allowed range"}"#,
            r#"{"error":"Could not parse it"}"#,
        ],
    );
    all_are(
        InvalidRequest,
        422,
        &[r#"{"error":"30m data not available for that span. At most 60 days per request."}"#],
    );
}

#[test]
fn a_wall_is_told_from_a_permission() {
    is(&page(403, "Just a moment...", "Verifying"), Blocked);
    is(
        &page(
            403,
            "ERROR: The request could not be satisfied",
            "Generated by cloudfront",
        ),
        Blocked,
    );
    is(&page(200, "Access Denied", "Reference #18.abc"), Blocked);
    is(
        &page(
            200,
            "",
            "Please enable JavaScript so that we can verify your browser",
        ),
        Blocked,
    );
    is(
        &json(
            200,
            r#"{"code":0,"msg":"This is unavailable in your region."}"#,
        ),
        Blocked,
    );
    is(&json(451, "{}"), Blocked);
    all_are(
        Forbidden,
        403,
        &[
            "",
            r#"{"message":"Access Denied"}"#,
            r#"{"error":"You don't have access to this resource."}"#,
        ],
    );
    all_are(
        Forbidden,
        200,
        &[r#"{"error":["EGeneral:Permission denied"]}"#],
    );
    is(
        &answer(
            403,
            "application/xml",
            "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
        ),
        Forbidden,
    );
}

#[test]
fn a_source_that_is_down_says_so() {
    is(
        &page(200, "We'll be right back", "Scheduled work"),
        Maintenance,
    );
    is(
        &json(503, r#"{"message":"Down for maintenance"}"#),
        Maintenance,
    );
    is(
        &json(400, r#"{"Message":"The system is temporarily disabled."}"#),
        Maintenance,
    );
    all_are(
        ServerError,
        503,
        &["", r#"{"message":"Service Unavailable"}"#],
    );
    all_are(
        ServerError,
        200,
        &[
            r#"{"error":["EGeneral:Internal error"]}"#,
            r#"{"status":"REQUEST_FAILED","message":[""],"Results":{}}"#,
        ],
    );
    for status in [500, 502, 503, 504, 520, 521] {
        is(&json(status, ""), ServerError);
    }
    for status in [408, 522, 524] {
        is(&json(status, ""), Timeout);
    }
}
