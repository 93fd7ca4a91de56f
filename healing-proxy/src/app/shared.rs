//! Where copies are shared with other proxies.

use anyhow::{Context, Result};
use healing_core::{RedisLevel, Secret};
use secrecy::{ExposeSecret, SecretString};
use tokio_util::sync::CancellationToken;

/// A Redis or Valkey.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) url: SecretString,
    /// Its password, where that does not stand in the URL.
    pub(crate) password: Option<Secret>,
}

// === impl Shared ===

impl Shared {
    /// The level there, and its work.
    pub(super) async fn open(
        &self,
        stop: CancellationToken,
    ) -> Result<(RedisLevel, impl Future<Output = ()> + Send + 'static)> {
        let url = self.url.expose_secret();
        let opened = RedisLevel::open(url, self.password.as_ref(), stop).await;
        opened.context("cache.redis")
    }
}
