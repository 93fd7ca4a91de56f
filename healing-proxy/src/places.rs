//! Which requests go elsewhere than to the API: those under the mount of a source, and those of routes whose source has
//! addresses of its own.

use http::{
    Uri,
    uri::{Authority, PathAndQuery},
};
use matchit::Router;

use crate::upstream::{Origin, WayTo};

/// Where requests go.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    all: Vec<Place>,
    /// Templates of paths, each with the number of its place.
    routes: Router<usize>,
    /// Addresses that strategies ask beside those of the sources.
    aside: Vec<Origin>,
    /// The mounts, and the paths of the routes without one, each with the number of its place.
    served: Vec<(usize, String)>,
}

/// The addresses of one source.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Whose they are, by its slug.
    pub(crate) source: String,
    /// The path that is taken off before they are asked.
    pub(crate) mount: Option<String>,
    /// The first of them is asked first.
    pub(crate) origins: Vec<Origin>,
    /// Whether they are on this machine or in this network.
    pub(crate) is_near: bool,
}

// === impl Places ===

impl Places {
    /// Adds a place, with the templates of the routes that go there.
    pub(crate) fn add(&mut self, place: Place, templates: &[&str]) {
        let number = self.all.len();
        for template in templates.iter().copied() {
            let path = template.split_once('?').map_or(template, |(path, _)| path);
            // Two templates of one path differ in their queries only, and go to the first one's place.
            let is_new = self.routes.insert(path, number).is_ok();
            self.served
                .extend(is_new.then(|| (number, path.to_owned())));
        }
        let mount = place.mount.clone();
        self.served.extend(mount.map(|mount| (number, mount)));
        self.all.push(place);
    }

    /// Adds an address that a strategy asks beside those of the sources.
    pub(crate) fn add_aside(&mut self, origin: Origin) {
        self.aside.push(origin);
    }

    /// Whether a strategy may ask there: what is added to the configuration later has no way yet.
    pub(crate) fn leads_aside(&self, origin: &Origin) -> bool {
        self.aside.contains(origin)
    }

    /// The ways to all addresses, each once.
    pub(crate) fn ways(&self) -> Vec<WayTo> {
        let mut ways: Vec<WayTo> = Vec::new();
        let of_sources = self.all.iter().flat_map(|place| {
            let origins = place.origins.iter();
            origins.map(|origin| (origin, place.mount.as_ref()))
        });
        let aside = self.aside.iter().map(|origin| (origin, None));
        for (origin, mount) in of_sources.chain(aside) {
            if !ways.iter().any(|way| way.origin == *origin) {
                ways.push(WayTo {
                    origin: origin.clone(),
                    mount: mount.cloned(),
                });
            }
        }
        ways
    }

    /// Sends a request where it belongs: its address is then that of the place, or none for the API. Whatever address the
    /// caller named is dropped, so that nobody chooses where this proxy goes. `None` where it goes to the API.
    pub(crate) fn send(&self, uri: &mut Uri) -> Option<&Place> {
        let place = self.find(uri.path());
        if place.is_none() && uri.authority().is_none() {
            return None;
        }
        let whole = uri.path_and_query().cloned();
        let whole = whole.unwrap_or_else(|| PathAndQuery::from_static("/"));
        let rest = place.and_then(|place| place.mount.as_deref());
        let rest = rest.and_then(|mount| below(whole.as_str(), mount));
        let target = rest.map_or(Some(whole.clone()), |rest| rest.try_into().ok())?;
        *uri = match place.and_then(|place| place.origins.first()) {
            Some(origin) => origin.at(target)?,
            None => Uri::from(target),
        };
        place
    }

    /// The paths that are served without an API: the mounts, with all below them, and the paths of routes.
    pub(crate) fn served(&self) -> Vec<&str> {
        self.served.iter().map(|(_, path)| &**path).collect()
    }

    /// The places, each with the paths that are served there.
    pub(crate) fn each(&self) -> impl Iterator<Item = (&Place, Vec<&str>)> {
        let places = self.all.iter().enumerate();
        places.map(|(number, place)| {
            let own = self.served.iter().filter(move |(of, _)| *of == number);
            (place, own.map(|(_, path)| &**path).collect())
        })
    }

    /// The place of a source.
    pub(crate) fn of(&self, source: &str) -> Option<&Place> {
        self.all.iter().find(|place| place.source == source)
    }

    /// The mount of the place with that address, where it has one.
    pub(crate) fn mount_of(&self, authority: &Authority) -> Option<&str> {
        let has_it = |place: &&Place| place.authorities().any(|own| own == *authority);
        self.all.iter().find(has_it)?.mount.as_deref()
    }

    /// The place of a path, or of a template's; `None` where it is the API's.
    pub(crate) fn find(&self, path: &str) -> Option<&Place> {
        if self.all.is_empty() {
            return None;
        }
        let mounted = self.all.iter().find(|place| {
            let mount = place.mount.as_deref();
            mount.is_some_and(|mount| rest_below(path, mount).is_some())
        });
        mounted.or_else(|| self.all.get(*self.routes.at(path).ok()?.value))
    }
}

/// What a target is below a mount: with a slash before it.
pub(crate) fn below(target: &str, mount: &str) -> Option<String> {
    let rest = rest_below(target, mount)?;
    let slash = if rest.starts_with('/') { "" } else { "/" };
    Some(format!("{slash}{rest}"))
}

/// What follows a mount, where the mount ends with a whole segment.
fn rest_below<'t>(target: &'t str, mount: &str) -> Option<&'t str> {
    let rest = target.strip_prefix(mount)?;
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some(rest)
}

impl Place {
    /// The addresses as they stand in a request.
    pub(crate) fn authorities(&self) -> impl Iterator<Item = Authority> {
        self.origins.iter().map(|origin| origin.authority().clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places {
        let mut places = Places::default();
        let origins = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        let yahoo = Place {
            source: "yahoo".to_owned(),
            mount: Some("/yahoo".to_owned()),
            origins: origins(&["https://query1.example", "https://query2.example"]),
            is_near: false,
        };
        places.add(yahoo, &[]);
        let fred = Place {
            source: "fred".to_owned(),
            mount: None,
            origins: origins(&["http://127.0.0.1:9"]),
            is_near: true,
        };
        places.add(fred, &["/fred/{series}", "/all/{*rest}"]);
        places
    }

    #[test]
    fn a_request_goes_where_its_mount_or_its_route_says() {
        for (asked, sent) in [
            (
                "/yahoo/v8/chart/AAPL?a=1",
                "https://query1.example/v8/chart/AAPL?a=1",
            ),
            ("/yahoo", "https://query1.example/"),
            ("/yahoo?a=1", "https://query1.example/?a=1"),
            ("/yahoos/v8", "/yahoos/v8"),
            ("/fred/DGS10", "http://127.0.0.1:9/fred/DGS10"),
            ("/fred/DGS10/x", "/fred/DGS10/x"),
            ("/all/a/b", "http://127.0.0.1:9/all/a/b"),
            ("/", "/"),
            ("http://query2.example/v8", "/v8"),
            ("http://anywhere/yahoo/v8", "https://query1.example/v8"),
        ] {
            let mut uri: Uri = asked.parse().unwrap();
            places().send(&mut uri);
            assert_eq!(uri.to_string(), sent, "{asked}");
        }
    }

    #[test]
    fn each_address_has_one_way() {
        let mut places = places();
        for aside in ["https://query1.example", "https://cookies.example"] {
            places.add_aside(aside.parse().unwrap());
        }
        let ways = places.ways();
        assert_eq!(ways.len(), 4);
        assert_eq!(
            places.served(),
            ["/yahoo", "/fred/{series}", "/all/{*rest}"]
        );
        assert_eq!(ways[0].mount.as_deref(), Some("/yahoo"));
        assert_eq!(places.all[0].authorities().count(), 2);
    }
}
