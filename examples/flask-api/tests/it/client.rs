//! A lab with the application in front of it, and a caller.

use bytes::Bytes;
use flask_api::FlaskApi;
use healing_lab::{Lab, LabSettings, Limits};
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// Lab, application and caller.
pub(crate) struct Stage {
    pub(crate) lab: Lab,
    pub(crate) api: FlaskApi,
    client: Client<HttpConnector, Empty<Bytes>>,
}

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) text: String,
}

pub(crate) async fn lab() -> Lab {
    let settings = LabSettings {
        limits: Limits::Off,
        ..LabSettings::default()
    };
    Lab::start(settings).await.unwrap()
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let lab = lab().await;
        let api = FlaskApi::start(&lab).await.unwrap();
        Self::of(lab, api)
    }

    pub(crate) fn of(lab: Lab, api: FlaskApi) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { lab, api, client }
    }

    pub(crate) async fn get(&self, target: &str) -> Reply {
        let uri = format!("{}{target}", self.api.url()).parse().unwrap();
        let response = self.client.get(uri).await.unwrap();
        let content_type = response.headers().get("content-type");
        let content_type = content_type
            .map_or("", |value| value.to_str().unwrap())
            .to_owned();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        Reply {
            status,
            content_type,
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    pub(crate) async fn stop(self) {
        self.api.stop().await.unwrap();
        self.lab.stop().await;
    }
}

impl Reply {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}
