//! The operator's keys: read from the environment and from files whenever a configuration is read. From here their values go
//! into [`Secret`]s, which show them to nobody.

use std::collections::BTreeMap;

use healing_core::{
    KeyPlace, KeyVault, Keys, KeysError, Secret, Source,
    written::{Mistakes, Place},
};
use http::HeaderName;
use secrecy::SecretString;

use crate::{
    config::{
        environment::Variables,
        typed::{self, Config, KeyIn},
    },
    written_file,
};

/// The keys of every source that has some.
#[derive(Debug, Default)]
pub(super) struct Vault(BTreeMap<Source, Vec<Secret>>);

impl Vault {
    /// Reads all keys of a configuration. What cannot be read is said, and then that key is not there.
    pub(super) fn open(config: &Config, variables: &Variables, mistakes: &mut Mistakes) -> Self {
        let mut vault = Self::default();
        for (slug, source) in &config.sources {
            let (Some(keys), Ok(source)) = (&source.keys, Source::new(slug)) else {
                continue;
            };
            let before = mistakes.len();
            let mut ring = of_variables(keys, variables, mistakes);
            ring.extend(of_file(keys, mistakes));
            vault.0.insert(source.clone(), ring);
            if mistakes.len() > before {
                continue;
            }
            match place(keys).and_then(|place| Keys::of(&vault, &source, place)) {
                // A variable whose name does not fit was said where it was read.
                Ok(own) if own.is_empty() && !keys.at.has("values_env") => {
                    let message = "keys: there is no key; name variables in values_env, or a file in values_file";
                    mistakes.say(keys.at.own(), message);
                }
                Ok(_) => {}
                Err(error) => mistakes.say(at(keys, &error), format!("keys: {error}")),
            }
        }
        vault
    }

    /// The keys of a source at their place; `None` where it has none.
    pub(super) fn keys_of(&self, source: &Source, keys: &typed::Keys) -> Option<Keys> {
        Keys::of(self, source, place(keys).ok()?).ok()
    }
}

/// The token of the admin port. One that is named and not there was said when the whole was looked at.
pub(super) fn admin_token(config: &Config, variables: &Variables) -> Option<SecretString> {
    let name = config.admin.token_env.as_deref()?;
    let token = variables.value(name)?.trim();
    (!token.is_empty()).then(|| SecretString::from(token))
}

/// The password of the Redis, where a variable is named that holds it.
pub(super) fn redis_password(config: &Config, variables: &Variables) -> Option<Secret> {
    let name = config.cache.redis_password_env.as_deref()?;
    let password = variables.value(name)?;
    (!password.trim().is_empty()).then(|| Secret::new(password.to_owned()))
}

impl KeyVault for Vault {
    fn keys(&self, source: &Source) -> Vec<Secret> {
        self.0.get(source).cloned().unwrap_or_default()
    }
}

fn of_variables(keys: &typed::Keys, variables: &Variables, mistakes: &mut Mistakes) -> Vec<Secret> {
    let mut ring = Vec::new();
    for name in &keys.values_env {
        match variables.value(name).filter(|_| variables.holds(name)) {
            Some(value) => ring.push(Secret::new(value.to_owned())),
            None => mistakes.say(keys.at.of("values_env"), not_set("values_env", name)),
        }
    }
    ring
}

fn of_file(keys: &typed::Keys, mistakes: &mut Mistakes) -> Vec<Secret> {
    let Some(file) = &keys.values_file else {
        return Vec::new();
    };
    match written_file::read_named(file) {
        Ok(text) => {
            let lines = text.lines().filter(|line| !line.trim().is_empty());
            lines.map(|line| Secret::new(line.to_owned())).collect()
        }
        Err(error) => {
            let message = format!(
                "values_file: {} {error}; name a file that this user may read",
                file.display()
            );
            mistakes.say(keys.at.of("values_file"), message);
            Vec::new()
        }
    }
}

/// What is said of a variable that holds nothing.
pub(super) fn not_set(key: &str, name: &str) -> String {
    format!("{key}: the environment variable {name} is not set; set it, or take its name out")
}

fn place(keys: &typed::Keys) -> Result<KeyPlace, KeysError> {
    match keys.r#in {
        KeyIn::Query => Ok(KeyPlace::Query(keys.name.clone())),
        KeyIn::Header => HeaderName::try_from(&keys.name)
            .map(KeyPlace::Header)
            .map_err(|_| KeysError::Name(keys.name.clone())),
    }
}

fn at(keys: &typed::Keys, error: &KeysError) -> Place {
    if matches!(error, KeysError::Name(_)) {
        keys.at.of("name")
    } else {
        keys.at.own()
    }
}
