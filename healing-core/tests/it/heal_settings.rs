//! Routes that are set: which requests are theirs, how they are treated, and what a swap of settings keeps.

use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use healing_core::{
    Answer, Ask, Attempts, Fault, FaultClass, Fidelity, Healer, Miss, Offer, Param, Pattern,
    Refusal, RouteSettings, Settings, Source, SourceSettings, Strategy, StrategyId, Treatment,
    classify::Rules,
};

use crate::layers_support::{SERIES, Upstream, answer, ask, get, healed_by, json, seconds};

const DAILY: &str = "http://api.test/api/fred/series/DGS10";

/// Asks for the monthly series in place of the daily one, and remembers what it was asked.
#[derive(Clone, Debug, Default)]
struct Monthly(Arc<Mutex<Vec<String>>>);

impl Strategy for Monthly {
    fn id(&self) -> StrategyId {
        StrategyId::new("monthly")
    }

    fn offer(&self, ask: &Ask, _: &[Fault]) -> Result<Offer, Refusal> {
        let series = ask.value("series").ok_or(Refusal::NotForThisFault)?;
        self.0.lock().unwrap().push(series.into_owned());
        Ok(Offer::now(Fidelity::Reduced))
    }

    fn run<'a>(
        &'a self,
        ask: &'a Ask,
        to: &'a mut dyn Attempts,
    ) -> BoxFuture<'a, Result<Answer, Miss>> {
        Box::pin(async {
            let monthly = ask
                .with_value("series", "GS10")
                .ok_or(Miss::Refused(Refusal::TooLate))?;
            let response = to.attempt(&monthly).await?;
            Ok(Answer::new(response, Fidelity::Reduced))
        })
    }
}

fn series(treatment: Treatment) -> Settings {
    let pattern = Pattern::of("/api/fred/series/{series}".parse().unwrap());
    let mut settings = Settings::default();
    let source = Source::new("fred_api").unwrap();
    settings
        .routes
        .push(RouteSettings::new(source, pattern, treatment));
    settings
}

fn reduced(strategy: &Monthly) -> Treatment {
    let mut treatment = Treatment::default();
    treatment.floor = Fidelity::Reduced;
    treatment.strategies = vec![Arc::new(strategy.clone())];
    treatment
}

#[tokio::test(start_paused = true)]
async fn a_route_that_is_set_has_its_own_name_source_and_remedies() {
    let upstream = Upstream::by(|request| match request.uri().path() {
        "/api/fred/series/GS10" => json(SERIES),
        _ => answer(503, "down"),
    });
    let (healer, monthly) = (Healer::builder().build(), Monthly::default());
    healer.configure(&series(reduced(&monthly))).unwrap();
    let client = healed_by(&upstream, healer.clone());
    let got = ask(&client, get(DAILY)).await;
    assert_eq!(
        got.story(),
        (200, Some(Fidelity::Reduced), StrategyId::new("monthly"))
    );
    let route = got.truth.route.unwrap();
    assert_eq!(
        (route.source().as_str(), route.template()),
        ("fred_api", "/api/fred/series/{series}")
    );
    assert_eq!(*monthly.0.lock().unwrap(), ["DGS10"]);
    let elsewhere = ask(&client, get("http://api.test/api/bls/series/X1")).await;
    assert_eq!((elsewhere.status, elsewhere.truth.fidelity), (503, None));
    let health = healer.snapshot();
    let names: Vec<&str> = health
        .sources
        .iter()
        .map(|source| source.source.as_str())
        .collect();
    assert!(names.contains(&"fred_api"), "{names:?}");
}

#[tokio::test(start_paused = true)]
async fn a_swap_of_settings_changes_what_comes_after_it_and_keeps_what_is_known() {
    let upstream = Upstream::that(json(SERIES));
    let healer = Healer::builder().build();
    healer.configure(&series(Treatment::default())).unwrap();
    let client = healed_by(&upstream, healer.clone());
    assert!(ask(&client, get(DAILY)).await.is_fresh());
    upstream.becomes(answer(503, "down"));
    assert!(ask(&client, get(DAILY)).await.is_copy());
    let mut brief = Treatment::default();
    brief.heal_for = seconds(30);
    healer.configure(&series(brief)).unwrap();
    assert!(ask(&client, get(DAILY)).await.is_copy());
    tokio::time::advance(seconds(31)).await;
    assert_eq!(ask(&client, get(DAILY)).await.status, 503);
    let known = healer
        .snapshot()
        .sources
        .remove(0)
        .routes
        .remove(0)
        .total_requests;
    assert_eq!(known, 4);
    healer.configure(&Settings::default()).unwrap();
    let discovered = ask(&client, get(DAILY)).await.truth.route.unwrap();
    assert_eq!(discovered.source().as_str(), "api_test");
}

#[tokio::test(start_paused = true)]
async fn settings_that_contradict_themselves_change_nothing() {
    let upstream = Upstream::that(json(SERIES));
    let healer = Healer::builder().build();
    healer.configure(&series(Treatment::default())).unwrap();
    let mut twice = series(Treatment::default());
    let pattern = Pattern::of("/api/fred/series/{id}".parse().unwrap())
        .param("file_type", Param::Query("file_type".into()));
    let source = Source::new("other").unwrap();
    twice
        .routes
        .push(RouteSettings::new(source, pattern, Treatment::default()));
    let error = healer.configure(&twice).unwrap_err().to_string();
    assert!(
        error.contains("{series}") && error.contains("{id}"),
        "{error}"
    );
    let route = ask(&healed_by(&upstream, healer), get(DAILY))
        .await
        .truth
        .route
        .unwrap();
    assert_eq!(route.source().as_str(), "fred_api");
}

#[tokio::test(start_paused = true)]
async fn requests_that_a_source_claims_are_its_own_without_being_set() {
    let claim = |name: &str, pattern: Pattern| {
        let mut source = SourceSettings::new(Source::new(name).unwrap());
        source.claims.push(pattern);
        source
    };
    let pattern = |text: &str| Pattern::of(text.parse().unwrap());
    let mut settings = Settings::default();
    settings
        .sources
        .push(claim("acme", pattern("/data/{*rest}")));
    let here = pattern("/data/{*rest}").at(["b.test".parse().unwrap()]);
    settings.sources.push(claim("other", here));
    let healer = Healer::builder().build();
    healer.configure(&settings).unwrap();
    let upstream = Upstream::that(json(SERIES));
    let client = healed_by(&upstream, healer.clone());
    for (url, source) in [
        ("http://a.test/data/items/7", "acme"),
        ("http://b.test/data/items/7", "other"),
        ("http://a.test/more/items/7", "a_test"),
    ] {
        let route = ask(&client, get(url)).await.truth.route.unwrap();
        assert_eq!(route.source().as_str(), source, "{url}");
    }
    settings
        .sources
        .push(claim("third", pattern("/data/{*all}")));
    assert!(healer.configure(&settings).is_err(), "two claim the same");
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_comes_later_reaches_routes_that_are_known() {
    let of = |claims: &[(&str, &str)]| {
        let mut settings = Settings::default();
        for (name, template) in claims {
            let mut source = SourceSettings::new(Source::new(name).unwrap());
            source.claims.push(Pattern::of(template.parse().unwrap()));
            settings.sources.push(source);
        }
        settings
    };
    let healer = Healer::builder().build();
    let upstream = Upstream::that(json(SERIES));
    let client = healed_by(&upstream, healer.clone());
    let urls = ["http://a.test/data/items/7", "http://a.test/more/items/7"];
    for (claims, whose) in [
        (&[][..], ["a_test", "a_test"]),
        (&[("acme", "/data/{*rest}")], ["acme", "a_test"]),
        (&[("acme", "/data/items/7")], ["acme", "a_test"]),
        (&[("other", "/more/items/{id}")], ["a_test", "other"]),
        (&[], ["a_test", "a_test"]),
    ] {
        healer.configure(&of(claims)).unwrap();
        for (url, source) in urls.iter().zip(whose) {
            let route = ask(&client, get(url)).await.truth.route.unwrap();
            assert_eq!(route.source().as_str(), source, "{url} under {claims:?}");
            assert!(route.template().ends_with("/items/{number}"), "{route:?}");
        }
    }
    let sources = healer.snapshot().sources;
    let routes = sources.iter().flat_map(|source| &source.routes);
    let requests: u64 = routes.map(|route| route.total_requests).sum();
    assert!(requests <= 10, "no route is counted twice: {requests}");
}

#[tokio::test(start_paused = true)]
async fn a_route_has_rules_of_its_own_that_decide_before_those_of_its_source() {
    let hollow = r#"{"observations": [], "count": 0}"#;
    let rules = |text: &str| Arc::new(text.parse::<Rules>().unwrap());
    let promised = "source: fred_api
rules:
  - { name: has_rows, class: malformed_body, doc: what a page needs, when: { status: 200, not: { json: /observations/0/value } } }
";
    let fine = "source: fred_api
rules:
  - { name: may_be_hollow, class: ok, doc: what a page takes, when: { json: /count, equals: 0 } }
";
    let upstream = Upstream::that(json(SERIES));
    let healer = Healer::builder().build();
    let client = healed_by(&upstream, healer.clone());
    let mut treatment = Treatment::default();
    treatment.rules = Some(rules(promised));
    healer.configure(&series(treatment.clone())).unwrap();
    assert!(ask(&client, get(DAILY)).await.is_fresh());
    upstream.becomes(json(hollow));
    let healed = ask(&client, get(DAILY)).await;
    assert!(healed.is_copy(), "{healed:?}");
    let fault = healed.truth.fault.unwrap();
    assert_eq!(fault.class, FaultClass::MalformedBody);
    assert_eq!(&*fault.detail, "fred_api/has_rows");
    // The rules of another question, and the first answer to it.
    let never = "http://api.test/api/fred/series/GS10";
    assert!(!ask(&client, get(never)).await.is_fresh());
    treatment.rules = Some(rules(fine));
    healer.configure(&series(treatment)).unwrap();
    assert!(ask(&client, get(never)).await.is_fresh());
}
