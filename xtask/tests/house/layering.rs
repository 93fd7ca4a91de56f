//! Which room of a crate may use which other room, and which crate which other crate.
//!
//! A house has floors. A room is a module with the files below it, and uses rooms of lower floors only: never a room above,
//! never a neighbour. So the arrows of a crate have no circle, and each room can be read, tested and replaced
//! with nothing but the floors below it in mind. A room that needs a neighbour belongs one floor higher; write it so in the
//! table, where it can be seen.

mod crates;
mod judge;
mod modules;
mod references;
mod resolve;
mod rooms;
mod tests;

use judge::violations;
use rooms::House;

use crate::sources::{assert_none, rust_files};

const HEALING_CORE: House = House {
    folder: "healing-core/src/",
    root: "lib",
    folders_of_rooms: &["vocabulary", "layers"],
    floors: &[
        ("vocabulary::source", 1),
        ("vocabulary::fidelity", 1),
        ("redact", 1),
        ("clock", 1),
        ("lock", 1),
        ("line", 1),
        ("written", 1),
        ("hop", 1),
        ("detect", 1),
        ("compare", 1),
        ("plan", 1),
        ("mapping", 1),
        ("budget", 2),
        ("vocabulary::route", 2),
        ("vocabulary::template", 2),
        ("vocabulary::fault", 2),
        ("learn", 3),
        ("keys", 2),
        ("quota", 2),
        ("outage", 3),
        ("overload", 3),
        ("vocabulary::exchange", 3),
        ("vocabulary::pattern", 3),
        ("vocabulary::provenance", 3),
        ("vocabulary::kept_copy", 1),
        ("vocabulary::lesson", 1),
        ("vocabulary::observation", 4),
        ("body", 4),
        ("pace", 4),
        ("background", 4),
        ("classify", 5),
        ("attempt", 5),
        ("discover", 5),
        ("fields", 5),
        ("health", 5),
        ("problem", 6),
        ("settings", 6),
        ("strategies", 6),
        ("store", 6),
        ("incidents", 6),
        ("layers::label", 6),
        ("learner", 6),
        ("second_level", 6),
        ("kept", 7),
        ("registry", 7),
        ("beyond", 8),
        ("flights", 9),
        ("layers::observe", 8),
        ("healer", 10),
        ("layers::heal", 11),
        ("layers::cache", 12),
        ("strategy_layers", 12),
        ("lib", 13),
    ],
};

const HEALING_PROXY: House = House {
    folder: "healing-proxy/src/",
    root: "main",
    folders_of_rooms: &[],
    floors: &[
        ("head_timer", 1),
        ("hop", 1),
        ("pool", 1),
        ("probes", 1),
        ("trust", 1),
        ("written_file", 1),
        ("upstream", 2),
        ("places", 3),
        ("cli", 3),
        ("config", 4),
        ("banner", 4),
        ("warm", 4),
        ("report", 4),
        ("forward", 4),
        ("agents", 4),
        ("logging", 5),
        ("check", 5),
        ("reload", 5),
        ("admin", 5),
        ("serve", 5),
        ("admin_client", 5),
        ("cache", 6),
        ("classify", 6),
        ("explain", 6),
        ("configuration", 6),
        ("app", 6),
        ("run", 7),
        ("demo", 8),
        ("main", 9),
    ],
};

#[test]
fn healing_core_has_no_arrow_that_runs_up_or_sideways() {
    assert_none(&violations(
        &HEALING_CORE,
        &rust_files(HEALING_CORE.folder).unwrap(),
    ));
}

#[test]
fn healing_proxy_has_no_arrow_that_runs_up_or_sideways() {
    assert_none(&violations(
        &HEALING_PROXY,
        &rust_files(HEALING_PROXY.folder).unwrap(),
    ));
}
