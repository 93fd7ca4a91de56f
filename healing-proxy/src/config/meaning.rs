//! What is only wrong as a whole: every key may be right by itself, and the configuration still mean nothing that can be done.

mod fallbacks;
mod nowhere;
mod routes;
mod sources;

pub(super) use self::routes::shape;

use healing_core::written::{Mistake, Mistakes, Place};

use crate::{
    config::{apply, environment::Variables, typed::Config, vault::not_set},
    places::Places,
    written_file,
};

/// What a check of the whole has before it.
#[derive(Debug)]
pub(super) struct Whole<'a> {
    pub(super) config: &'a Config,
    /// The sources that have addresses of their own.
    pub(super) places: &'a Places,
    pub(super) presets: &'a [&'a str],
    pub(super) variables: &'a Variables,
    /// What must be put right.
    pub(super) mistakes: &'a mut Mistakes,
    /// What one should know.
    pub(super) notes: &'a mut Mistakes,
}

impl Whole<'_> {
    /// Says all that is wrong with the whole.
    pub(super) fn check(&mut self) {
        self.upstream();
        self.ports();
        self.times();
        self.budget();
        self.cache();
        for source in &self.config.sources {
            self.source(source.0, source.1);
        }
        self.addresses();
        self.mounts();
        for route in &self.config.routes {
            self.route(route);
        }
        self.overlaps();
        self.fallbacks();
    }

    fn upstream(&mut self) {
        for Mistake { place, message } in nowhere::nowhere(self.config, self.places) {
            self.notes.say(place, message);
        }
    }

    fn ports(&mut self) {
        let (listen, admin) = (self.config.listen, &self.config.admin);
        let Some(port) = admin.listen else {
            return;
        };
        if !port.ip().is_loopback() && admin.token_env.is_none() {
            let message = format!(
                "listen: the admin port at {port} would show everybody what this proxy sees; give a loopback address such as 127.0.0.1:8888, or off, or name a token in token_env"
            );
            self.mistakes.say(admin.at.of("listen"), message);
        }
        if port == listen && port.port() != 0 {
            let message = format!(
                "listen: the admin port cannot be at {port}, where callers connect; give it a port of its own"
            );
            self.mistakes.say(admin.at.of("listen"), message);
        }
        if let Some(name) = &admin.token_env {
            self.variable(name, admin.at.of("token_env"), "token_env");
        }
    }

    fn cache(&mut self) {
        let cache = &self.config.cache;
        if let Some(name) = &cache.redis_password_env {
            self.variable(
                name,
                cache.at.of("redis_password_env"),
                "redis_password_env",
            );
            if cache.redis.is_none() {
                let message =
                    "redis_password_env: there is no redis; name its URL, or take this out";
                self.mistakes
                    .say(cache.at.of("redis_password_env"), message);
            }
        }
        if let Some(file) = &cache.warm
            && let Err(error) = written_file::read_named(file)
        {
            let message = format!(
                "warm: {} {error}; name a file of URLs that this user may read",
                file.display()
            );
            self.mistakes.say(cache.at.of("warm"), message);
        }
    }

    fn times(&mut self) {
        let Config {
            deadline,
            timeout,
            at,
            ..
        } = self.config;
        if deadline > timeout {
            self.mistakes
                .say(at.of("deadline"), late(*deadline, *timeout));
        }
    }

    fn budget(&mut self) {
        if let Err(error) = apply::budget_of(self.config) {
            let at = self.config.budget.at.of("floor_per_s");
            self.mistakes.say(at, format!("budget: {error}"));
        }
    }

    /// A variable that must be there and hold something.
    fn variable(&mut self, name: &str, at: Place, key: &str) {
        if !self.variables.holds(name) {
            self.mistakes.say(at, not_set(key, name));
        }
    }
}

fn late(deadline: std::time::Duration, timeout: std::time::Duration) -> String {
    let text = healing_core::written::span_text;
    format!(
        "deadline: is {}, and timeout {}; what is in hand is given before the upstream is given up: make deadline the shorter one",
        text(deadline),
        text(timeout)
    )
}
