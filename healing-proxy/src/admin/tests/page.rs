//! The files of the dashboard.

use axum::http::StatusCode;

use super::sample::{ask, board, snapshot};

const FILES: [(&str, &str); 4] = [
    ("/health-dashboard", "text/html; charset=utf-8"),
    ("/health-dashboard/dashboard.css", "text/css; charset=utf-8"),
    (
        "/health-dashboard/dashboard.js",
        "text/javascript; charset=utf-8",
    ),
    (
        "/health-dashboard/health_monitor.js",
        "text/javascript; charset=utf-8",
    ),
];

#[tokio::test]
async fn the_files_are_there_and_small() {
    let board = board(snapshot(0, vec![]));
    let mut total = 0;
    for (path, kind) in FILES {
        let reply = ask(&board, path, &[]).await;
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (StatusCode::OK, Some(kind)),
            "{path}"
        );
        assert!(
            reply.text.is_ascii(),
            "{path} reads the same in every encoding"
        );
        total += reply.text.len();
    }
    assert!(total < 60_000, "{total} bytes");
}

#[tokio::test]
async fn a_file_that_the_client_has_is_not_sent_again() {
    let board = board(snapshot(0, vec![]));
    for (path, _) in FILES {
        let first = ask(&board, path, &[]).await;
        let tag = first.header("etag").unwrap().to_owned();
        let again = ask(
            &board,
            path,
            &[("if-none-match", &format!("\"x\", W/{tag}"))],
        )
        .await;
        assert_eq!(
            (again.status, again.text.as_str(), again.header("etag")),
            (StatusCode::NOT_MODIFIED, "", Some(&*tag))
        );
        assert_eq!(
            ask(&board, path, &[("if-none-match", "\"x\"")])
                .await
                .status,
            StatusCode::OK
        );
    }
}

#[tokio::test]
async fn only_the_client_for_other_pages_may_be_loaded_by_them() {
    let board = board(snapshot(0, vec![]));
    for (path, _) in FILES {
        let policy = if path.ends_with("health_monitor.js") {
            "cross-origin"
        } else {
            "same-origin"
        };
        assert_eq!(
            ask(&board, path, &[])
                .await
                .header("cross-origin-resource-policy"),
            Some(policy),
            "{path}"
        );
    }
}

#[tokio::test]
async fn nothing_in_the_files_turns_text_into_markup_or_code() {
    let board = board(snapshot(0, vec![]));
    let sinks = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "DOMParser",
        "createContextualFragment",
        "eval(",
        "new Function",
        "srcdoc",
        "javascript:",
        "style=",
    ];
    for (path, _) in FILES {
        let text = ask(&board, path, &[]).await.text;
        for sink in sinks {
            assert!(!text.contains(sink), "{sink} in {path}");
        }
    }
    let page = ask(&board, "/health-dashboard", &[]).await.text;
    assert!(
        !page.contains(" on") || !page.contains("onclick="),
        "no inline handlers"
    );
    assert_eq!(
        page.matches("<script").count(),
        page.matches("<script src=").count()
    );
    assert!(!page.contains("<style") && !page.contains("//cdn") && !page.contains("http"));
}

#[tokio::test]
async fn the_root_and_a_slash_too_many_lead_to_the_dashboard() {
    let board = board(snapshot(0, vec![]));
    for path in ["/", "/health-dashboard/"] {
        let reply = ask(&board, path, &[]).await;
        assert_eq!(
            (reply.status, reply.header("location")),
            (StatusCode::TEMPORARY_REDIRECT, Some("/health-dashboard"))
        );
    }
}
