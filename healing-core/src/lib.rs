//! Tower layers that notice bad answers of data APIs and heal them.
//!
//! Wrap an HTTP client, or any other service of HTTP values, in a [`HealLayer`]. Every answer is judged: by its status, its
//! transport, its coding, and by what the URL's last good answer looked like. A bad one is healed by asking again or with a
//! kept copy, within what the caller allows, and every answer carries its [`Provenance`].
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! use std::convert::Infallible;
//! use healing_core::{Body, Fidelity, HealLayer, Healer, Provenance};
//! use http::{Request, Response};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! let client = ServiceBuilder::new()
//!     .layer(HealLayer::new(Healer::builder().build()))
//!     .service_fn(|request: Request<Body>| async move {
//!         let down = request.headers().contains_key("x-down");
//!         let (status, body) = if down { (503, "") } else { (200, r#"{"price": 1.5}"#) };
//!         Ok::<_, Infallible>(Response::builder().status(status).body(Body::from(body)).unwrap())
//!     });
//! let up = Request::get("/prices").body(Body::empty()).unwrap();
//! let down = Request::get("/prices").header("x-down", "1").body(Body::empty()).unwrap();
//! client.clone().oneshot(up).await.unwrap();
//! let answer = client.oneshot(down).await.unwrap();
//! assert_eq!(answer.status(), 200);
//! let truth: &Provenance = answer.extensions().get().unwrap();
//! assert_eq!(truth.fidelity, Some(Fidelity::Stale));
//! # }
//! ```

// The examples of the book's pages have to compile.
#![cfg_attr(doctest, doc = include_str!("../../docs/src/library.md"))]
#![cfg_attr(doctest, doc = include_str!("../../docs/src/keys.md"))]
#![cfg_attr(doctest, doc = include_str!("../../docs/src/quotas.md"))]
#![cfg_attr(all(doctest, feature = "jq"), doc = include_str!("../../docs/src/strategies.md"))]

mod attempt;
mod background;
mod beyond;
mod body;
mod budget;
pub mod classify;
mod clock;
pub mod compare;
pub mod detect;
mod discover;
mod fields;
mod flights;
mod healer;
mod health;
mod hop;
mod incidents;
mod kept;
mod keys;
mod layers;
pub mod learn;
mod learner;
mod line;
mod lock;
#[cfg(feature = "jq")]
mod mapping;
mod outage;
mod overload;
mod pace;
pub mod plan;
mod problem;
mod quota;
mod redact;
mod registry;
mod second_level;
mod settings;
mod store;
mod strategies;
mod strategy_layers;
mod vocabulary;
pub mod written;

#[cfg(feature = "redis")]
pub use crate::second_level::redis::{RedisLevel, RedisUrlError};
#[cfg(feature = "sqlite")]
pub use crate::store::sqlite::{SqliteSettings, SqliteStore};
pub use crate::{
    attempt::{Answer, Ask, Attempts, Miss, Offer, Refusal, Strategy, TransportError},
    background::Background,
    beyond::SecondLevelHealth,
    body::{Body, BoxError},
    budget::{BudgetError, BudgetRules},
    classify::{Classify, Freshness, FreshnessError, Range, RangeError, Reply},
    clock::Clock,
    fields::{Expose, Identity, IdentityError},
    healer::{Healer, builder::HealerBuilder},
    health::{
        EndpointHealth, HealthStatus, HedgeCounts, LastFault, RailCounts, ShapeChange, Snapshot,
        SourceHealth, Thresholds,
        tuning::{Threshold, ThresholdMove},
    },
    hop::strip_hop_fields,
    incidents::{
        Alert, AlertChange, AlertLevel, HealingState, Incidents, Resolution, ResolveReason,
    },
    kept::{
        list::{CopyPattern, CopyPatternError, CopyRow, Purged},
        shelf::CopyLog,
    },
    keys::{KeyPlace, KeyVault, Keys, KeysError, Secret},
    layers::{
        cache::{Cache, CacheFuture, CacheLayer},
        heal::{Heal, HealFuture, HealLayer, probe::Probed},
        label::{Label, LabelFuture, LabelLayer},
    },
    learner::{
        LearnerCounts,
        decision::{Considered, Decision, Figures, Foresight, Given, Left, NoCopy, Outcome},
        orders::{Compared, OrderError},
        recall::LessonLog,
    },
    pace::{KeyHealth, PaceHealth},
    problem::Problem,
    quota::{Per, Quota, QuotaError, QuotaScope},
    redact::{REDACTED, redacted_params},
    second_level::{Claim, Question, SecondLevel, Told, Written},
    settings::{
        Caching, PresetError, RouteSettings, Settings, SettingsError, Sharing, SourceSettings,
        Treatment,
    },
    store::{
        EventQuery, Store, StoreError,
        memory::MemoryStore,
        pattern::ErrorPattern,
        stored::StoredEvent,
        writer::{StoreWriter, WriterCounts, WriterSettings},
    },
    strategies::{
        alternate::AlternateEndpoint,
        batch::{BatchRequests, Parts},
        crumb::RenewCrumb,
        estimate::{Beta, BetaError, EtfEstimate},
        hedge::HedgedRequest,
        previous_day::PreviousDay,
        queue::Queue,
        reduce::ReduceRequest,
        retry::Retry,
        rotate_key::RotateKey,
        series::AlternateSeries,
        shorter::ShorterRange,
        substitute::EtfProxy,
        substitution::{Substitution, SubstitutionError},
    },
    strategy_layers::{
        AlternateLayer, BatchLayer, CrumbLayer, EtfEstimateLayer, HedgeLayer, PreviousDayLayer,
        QueueLayer, ReduceLayer, RetryLayer, RotateKeyLayer, SeriesLayer, ShorterRangeLayer,
        StaleLayer, SubstituteLayer,
    },
    vocabulary::{
        exchange::{Sent, TransportFault},
        fault::{Domain, Fault, FaultClass, FaultClassError},
        fidelity::{Fidelity, FidelityError, Floor},
        kept_copy::{CopyChanges, KeptCopy},
        lesson::Lesson,
        observation::{ErrorEvent, RouteShape, Sink},
        pattern::{Param, Pattern},
        provenance::{CacheUse, Instead, Observed, Provenance, StrategyId, Suspect},
        route::Route,
        source::{Source, SourceError},
        template::{Template, TemplateError},
    },
};
#[cfg(feature = "jq")]
pub use crate::{
    mapping::{MapFault, Mapping, MappingError},
    strategies::{
        compute::{Compute, Term},
        fallback::{Fallback, FallbackError},
        only::Only,
        same::{Granularity, GranularityError, Same},
    },
    strategy_layers::{ComputeLayer, FallbackLayer},
};
