//! The JSON schema of `stepsize.toml`, for editors: made of the table of keys and of the help of
//! their options.

use super::keys::{KEYS, KeyKind, ProjectKey, TABLES};
use crate::args::Cli;
use clap::builder::StyledStr;
use clap::{Arg, Command, CommandFactory};
use serde_json::{Map, Value, json};

/// The schema (draft 7, which editors of TOML read).
pub fn schema() -> Value {
    let mut all = Cli::command();
    all.build();
    let mut properties = Map::new();
    for key in KEYS.iter().filter(|key| !key.verbs.is_empty()) {
        let of = key.verbs.iter().find_map(|verb| option(&all, verb, key));
        properties.insert(key.name.to_owned(), property(key, of));
    }
    for verb in TABLES {
        let own =
            KEYS.iter().filter_map(|key| Some((key.name.to_owned(), property(key, Some(option(&all, verb, key)?)))));
        let table = json!({
            "type": "object",
            "description": format!("For `stepsize {verb}` alone."),
            "additionalProperties": false,
            "properties": own.collect::<Map<String, Value>>(),
        });
        properties.insert(verb.to_owned(), table);
    }
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": super::NAME,
        "description": "The training command of a project, and how Stepsize searches its learning rate.",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

fn option<'a>(all: &'a Command, verb: &str, key: &ProjectKey) -> Option<&'a Arg> {
    all.find_subcommand(verb)?.get_arguments().find(|arg| match key.name {
        "command" => arg.get_id() == "argv",
        name => arg.get_long() == Some(name),
    })
}

fn property(key: &ProjectKey, of: Option<&Arg>) -> Value {
    let text = json!({ "type": "string" });
    let scalar = json!({ "type": ["string", "number"] });
    let mut value = match key.kind {
        KeyKind::Flag => json!({ "type": "boolean" }),
        KeyKind::Text => text,
        KeyKind::Number => json!({ "type": "number" }),
        KeyKind::Count => json!({ "type": ["integer", "string"] }),
        KeyKind::Time => json!({ "type": ["number", "string"] }),
        KeyKind::List | KeyKind::Repeated => {
            json!({ "anyOf": [scalar, { "type": "array", "items": scalar }] })
        }
        KeyKind::Command => json!({ "anyOf": [text, { "type": "array", "items": text }] }),
    };
    if let Some(help) = of.and_then(Arg::get_help).map(StyledStr::to_string) {
        value["description"] = json!(help.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    let choices = of.map(|arg| arg.get_possible_values()).unwrap_or_default();
    let names: Vec<&str> = choices.iter().filter(|c| !c.is_hide_set()).map(|c| c.get_name()).collect();
    if key.kind == KeyKind::Text && !names.is_empty() {
        value["enum"] = json!(names);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_an_option_of_every_verb_that_it_counts_for() {
        let mut all = Cli::command();
        all.build();
        for key in &KEYS {
            for verb in key.verbs.iter().filter(|verb| all.find_subcommand(verb).is_some()) {
                assert!(option(&all, verb, key).is_some(), "{verb} has no --{}", key.name);
            }
            assert!(TABLES.iter().any(|verb| option(&all, verb, key).is_some()), "{}", key.name);
            let twice = KEYS.iter().filter(|k| k.name == key.name).count();
            assert_eq!(twice, 1, "{}", key.name);
        }
    }

    #[test]
    fn the_schema_in_the_documentation_is_this_one() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/stepsize.schema.json");
        let made = format!("{:#}\n", schema());
        if std::env::var_os("STEPSIZE_RENEW").is_some() {
            std::fs::write(file, &made).unwrap_or_default();
        }
        let there = std::fs::read_to_string(file).unwrap_or_default();
        assert!(there == made, "docs/stepsize.schema.json is old; STEPSIZE_RENEW=1 makes it anew");
    }
}
