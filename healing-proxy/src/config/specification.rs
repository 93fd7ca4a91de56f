//! The specification's own, shorter file: its endpoints become routes, the common origin of their URLs the upstream.

use healing_core::written::{Key, Mistakes, Node, Place, Value};
use http::{Uri, uri::PathAndQuery};

/// Marks of a value that somebody had to fill in and did not.
const PLACEHOLDERS: &[&str] = &["YOUR_", "<YOUR", "CHANGEME", "CHANGE_ME", "REPLACE_ME"];

/// An endpoint whose URL can be taken apart.
#[derive(Debug)]
struct Endpoint<'n> {
    node: &'n Node,
    at: Place,
    origin: String,
    path: String,
}

/// Adds to a file what its endpoints come to.
pub(super) fn derive(file: &mut Node, presets: &[&str], mistakes: &mut Mistakes) {
    let watched = file
        .find("monitoring")
        .and_then(|node| node.find("endpoints"))
        .cloned();
    let endpoints: Vec<_> = watched
        .iter()
        .flat_map(Node::each)
        .filter_map(Endpoint::of)
        .collect();
    let Some(first) = endpoints.first() else {
        return;
    };
    for other in endpoints
        .iter()
        .filter(|other| other.origin != first.origin)
    {
        let message = format!(
            "url: is at {}, and the one of line {} at {}; one proxy is before one API: give the endpoints one origin, or sources with upstreams of their own",
            other.origin, first.at.line, first.origin
        );
        mistakes.say(other.at, message);
    }
    let origin = Node {
        at: first.at,
        value: Value::Text(first.origin.clone()),
    };
    if file.find("upstream").is_none() {
        entry(file, "upstream", origin);
    }
    for endpoint in &endpoints {
        add_source(file, endpoint, presets);
    }
    let nothing = Node {
        at: first.at,
        value: Value::List(Vec::new()),
    };
    let list = existing(file, "routes", nothing);
    if let Some(Value::List(items)) = list.map(|node| &mut node.value) {
        items.extend(endpoints.iter().map(Endpoint::route));
    }
}

/// A source that is neither built in nor described is one without rules of its own.
fn add_source(file: &mut Node, endpoint: &Endpoint<'_>, presets: &[&str]) {
    let Some(slug) = endpoint.node.find("source").and_then(Node::text) else {
        return;
    };
    if presets.contains(&slug) {
        return;
    }
    let at = endpoint.at;
    let nothing = || Node {
        at,
        value: Value::Map(Vec::new()),
    };
    if let Some(sources) = existing(file, "sources", nothing())
        && sources.find(slug).is_none()
    {
        entry(sources, slug, nothing());
    }
}

/// What stands under a key, or this from now on.
fn existing<'f>(file: &'f mut Node, name: &str, otherwise: Node) -> Option<&'f mut Node> {
    if file.find(name).is_none() {
        entry(file, name, otherwise);
    }
    let Value::Map(entries) = &mut file.value else {
        return None;
    };
    let found = entries.iter_mut().find(|(key, _)| key.name == name);
    found.map(|(_, node)| node)
}

fn entry(map: &mut Node, name: &str, node: Node) {
    if let Value::Map(entries) = &mut map.value {
        let key = Key {
            at: node.at,
            name: name.to_owned(),
        };
        entries.push((key, node));
    }
}

/// Says which values of the specification's own keys were never filled in. Those that may be meant so are only noted.
pub(super) fn placeholders(file: &Node, (unfilled, notes): (&mut Mistakes, &mut Mistakes)) {
    for name in ["database", "alerts"] {
        if let Some(node) = file.find(name) {
            placeholders_below(name, node, (unfilled, notes));
        }
    }
}

fn placeholders_below(key: &str, node: &Node, (unfilled, notes): (&mut Mistakes, &mut Mistakes)) {
    for (key, node) in node.entries() {
        placeholders_below(&key.name, node, (unfilled, notes));
    }
    if let Value::List(items) = &node.value {
        for item in items {
            placeholders_below(key, item, (unfilled, notes));
        }
    }
    let Some(text) = node.text() else {
        return;
    };
    let upper = text.to_ascii_uppercase();
    if PLACEHOLDERS.iter().any(|mark| upper.starts_with(mark)) {
        unfilled.say(
            node.at,
            format!(
                "{key}: {text} is a placeholder; put the real value there, or take the channel out"
            ),
        );
    } else if text == "secure_password" {
        notes.say(
            node.at,
            format!("{key}: is the example's own; is it meant?"),
        );
    }
}

// === impl Endpoint ===

impl<'n> Endpoint<'n> {
    fn of(node: &'n Node) -> Option<Self> {
        let url = node.find("url")?;
        let uri: Uri = url.text()?.parse().ok()?;
        let (scheme, authority) = (uri.scheme()?, uri.authority()?);
        Some(Self {
            node,
            at: url.at,
            origin: format!("{scheme}://{authority}"),
            path: uri
                .path_and_query()
                .map_or("/", PathAndQuery::as_str)
                .to_owned(),
        })
    }

    /// The endpoint in our own form.
    fn route(&self) -> Node {
        let mut route = Node {
            at: self.node.at,
            value: Value::Map(Vec::new()),
        };
        entry(
            &mut route,
            "match",
            Node {
                at: self.at,
                value: Value::Text(self.path.clone()),
            },
        );
        for name in ["source", "priority", "timeout"] {
            if let Some(node) = self.node.find(name) {
                entry(&mut route, name, node.clone());
            }
        }
        route
    }
}
