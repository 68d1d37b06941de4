//! In which fields two questions differ, in the words of a message.

use super::Question;
use serde_json::{Map, Value};

/// One line for each field that differs, with the recorded value and the one that is asked for now.
pub(super) fn lines(recorded: &Question, asked: &Question) -> String {
    let (recorded, asked) = (fields(recorded), fields(asked));
    let names = recorded.keys().chain(asked.keys().filter(|name| !recorded.contains_key(*name)));
    let differs = names.filter(|name| value(&recorded, name) != value(&asked, name));
    differs
        .map(|name| {
            let (old, new) = (shown(value(&recorded, name)), shown(value(&asked, name)));
            format!("\n  {}: {old}\n    now: {new}", label(name))
        })
        .collect()
}

/// The fields of a question, those of its kind and of its job among them. Taken from what is
/// stored, so that none is forgotten here.
fn fields(question: &Question) -> Map<String, Value> {
    let mut flat = Map::new();
    if let Ok(Value::Object(fields)) = serde_json::to_value(question) {
        for (name, value) in fields {
            match value {
                Value::Object(inner) => flat.extend(inner),
                value => {
                    flat.insert(name, value);
                }
            }
        }
    }
    flat
}

/// A field that is not there is the same as one that is not set.
fn value<'a>(fields: &'a Map<String, Value>, name: &str) -> &'a Value {
    fields.get(name).unwrap_or(&Value::Null)
}

fn label(name: &str) -> String {
    match name {
        "kind" => "search".to_owned(),
        "question" => "command".to_owned(),
        "only" => "ways".to_owned(),
        "ways" => "ways in full".to_owned(),
        name => name.replace('_', " "),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "not set".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join(", "),
        value => value.to_string(),
    }
}
