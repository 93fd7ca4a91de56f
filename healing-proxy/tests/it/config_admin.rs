//! Whom a configuration lets read the admin port.

use healing_lab::Limits;

use crate::{
    stage::{Caller, get},
    stand::{Stand, lab},
};

async fn asked(stand: &Stand, host: &str, origin: &str) -> (u16, String) {
    let mut caller = Caller::of(stand.proxy.admin).await;
    let fields = format!("Host: {host}\r\nOrigin: {origin}\r\n");
    let request = get("/api/v1/status").replace("Host: api.test\r\n", &fields);
    caller.send(request).await;
    let answer = caller.answer("GET", tokio::time::Instant::now()).await;
    (answer.status, answer.get("access-control-allow-origin"))
}

#[tokio::test]
async fn only_the_names_and_pages_that_are_allowed_read_the_admin_port() {
    let page = "https://page.example";
    let stand = Stand::of(lab(Limits::Off).await, "", &[]).await;
    assert_eq!(asked(&stand, "ops.example", page).await.0, 421);
    assert_eq!(asked(&stand, "localhost", page).await.1, "");
    let lines = "admin: { listen: 127.0.0.1:0, allowed_hosts: [ops.example], allowed_origins: [\"https://page.example\"] }";
    let stand = Stand::of(lab(Limits::Off).await, lines, &[]).await;
    assert_eq!(
        asked(&stand, "ops.example", page).await,
        (200, page.to_owned())
    );
    assert_eq!(asked(&stand, "other.example", page).await.0, 421);
}
