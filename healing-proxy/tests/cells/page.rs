//! The example's page in Chromium, through the proxy, while its sources are broken.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    process::Command,
    time::{sleep, timeout},
};

use crate::{
    deployment::Deployment,
    faults::{SOURCES, Way},
};

const TILES: usize = 12;
/// Longer than the slowest answer may take, shorter than until the page asks again.
const BUDGET: &str = "--virtual-time-budget=4500";
const PATIENCE: Duration = Duration::from_mins(1);
/// After a short outage all is exact again within two seconds.
const MENDED: Duration = Duration::from_secs(2);

/// What the page shows of one value.
#[derive(Debug)]
struct Tile {
    failed: bool,
    value: String,
}

impl Tile {
    fn has_data(&self) -> bool {
        !self.failed && self.value.contains(|sign: char| sign.is_ascii_digit())
    }
}

/// Runs Chromium without a window on a page; as root it has no sandbox of its own.
pub(crate) async fn chromium(url: &str, does: &str) -> String {
    let profile = TempDir::new().expect("a folder");
    let running = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-quic",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .args(["--disable-dev-shm-usage", "--hide-scrollbars", BUDGET])
        .args(["--window-size=1200,1100", does])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(url)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(PATIENCE, running).await.expect("in a minute");
    let output = output.expect("chromium; `cargo xtask test` installs it");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The tiles of the page as it is after all its values were asked for.
async fn tiles(url: &str) -> Vec<Tile> {
    let document = chromium(url, "--dump-dom").await;
    let parts = document.split("<article").skip(1);
    let tiles: Vec<Tile> = parts
        .map(|part| {
            let value = part.split_once(r#"<p class="value">"#).expect("a value").1;
            Tile {
                failed: part.starts_with(r#" class="failed""#),
                value: value.split('<').next().unwrap_or_default().to_owned(),
            }
        })
        .collect();
    assert_eq!(tiles.len(), TILES, "{document}");
    tiles
}

/// Where the picture of a moment is left for a reader.
fn picture(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/screenshots");
    fs::create_dir_all(&folder).expect("a folder");
    folder.join(format!("{}.png", name.replace(' ', "-")))
}

pub(crate) async fn photograph(url: &str, name: &str) {
    let picture = picture(name);
    chromium(url, &format!("--screenshot={}", picture.display())).await;
    let size = fs::metadata(&picture).expect("a picture").len();
    assert!(size > 10_000, "{} has {size} bytes", picture.display());
}

fn break_all(deployment: &Deployment, way: Way) {
    for (source, _) in SOURCES {
        for fault in way.faults(source) {
            deployment.lab.inject(source, fault);
        }
    }
}

#[tokio::test]
async fn the_page_shows_data_in_every_tile_while_sources_are_broken() {
    let deployment = Deployment::behind_a_proxy().await;
    let url = deployment.url();
    for way in Way::ALL {
        break_all(&deployment, way);
        deployment.lab.settled().await;
        let shown = tiles(&url).await;
        let lacking: Vec<_> = shown.iter().filter(|tile| !tile.has_data()).collect();
        assert!(lacking.is_empty(), "{}: {lacking:?}", way.name());
        photograph(&url, &format!("through {}", way.name())).await;
        deployment.lab.clear_all();
        deployment.lab.settled().await;
        sleep(MENDED).await;
    }
    deployment.stop().await;
}

#[tokio::test]
async fn without_the_proxy_the_page_lacks_the_values_of_broken_sources() {
    let deployment = Deployment::bare().await;
    let url = deployment.url();
    break_all(&deployment, Way::Outage);
    deployment.lab.settled().await;
    let shown = tiles(&url).await;
    let lacking = shown.iter().filter(|tile| !tile.has_data()).count();
    // One tile of each of the four sources.
    assert_eq!(lacking, 4, "{shown:?}");
    photograph(&url, "without outage").await;
    deployment.stop().await;
}
