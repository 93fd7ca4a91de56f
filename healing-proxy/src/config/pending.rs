//! What a configuration asks for and this version does not do yet. It is said, never passed over.

use healing_core::written::Mistakes;

use crate::config::typed::Config;

/// Notes all that is not acted on yet.
pub(super) fn note(config: &Config, notes: &mut Mistakes) {
    note_whole(config, notes);
    note_specification(config, notes);
}

fn note_whole(config: &Config, notes: &mut Mistakes) {
    let mut say = |at, what: &str| notes.say(at, format!("{what} is not acted on yet"));
    if config.store.url.starts_with("postgres") {
        say(
            config.store.at.of("url"),
            "store.url: a store in PostgreSQL",
        );
    }
}

fn note_specification(config: &Config, notes: &mut Mistakes) {
    if config.at.has("database") {
        notes.say(
            config.at.of("database"),
            "database: a store in PostgreSQL is not acted on yet; events are kept as `store` says",
        );
    }
    let alerts = config.alerts.iter();
    for (channel, name) in
        alerts.flat_map(|alerts| [(&alerts.email, "email"), (&alerts.sms, "sms")])
    {
        if let Some(channel) = channel {
            notes.say(
                channel.at.own(),
                format!("alerts.{name} is not acted on yet; alerts are on the dashboard alone"),
            );
        }
    }
}
