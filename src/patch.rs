//! How one JSON document differs from another, as a list of paths and values.
//!
//! ```text
//!   {"watermark":{"bound":"5s"},"query":[{"by":["a"]}]}
//!   {"watermark":{"bound":"1s"},"query":[{"by":["a","b"]}]}   ─►  watermark.bound=1s   query.0.by.1=b
//! ```
//!
//! A value is written without quotes where that leaves no doubt. `null` takes a field away.
//!
//! **Invariant:** what [`diff`] gives, put into the first document with [`set`], makes it the second.

use serde_json::Value;

/// Most items that a list may grow to: the pipelines of people have a handful.
const LONGEST_LIST: usize = 1_000;

/// A path and the value that stands there.
pub(crate) type Change = (String, Value);

/// What has to be set in `old` to make it `new`.
pub(crate) fn diff(old: &Value, new: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare(old, new, "", &mut changes);
    changes
}

fn compare(old: &Value, new: &Value, path: &str, changes: &mut Vec<Change>) {
    match (old, new) {
        _ if old == new => {}
        (Value::Object(old), Value::Object(new)) => {
            for (name, value) in new {
                compare(old.get(name).unwrap_or(&Value::Null), value, &join(path, name), changes);
            }
            let gone = old.keys().filter(|name| !new.contains_key(*name));
            changes.extend(gone.map(|name| (join(path, name), Value::Null)));
        }
        (Value::Array(old), Value::Array(new)) if old.len() <= new.len() => {
            for (i, value) in new.iter().enumerate() {
                compare(old.get(i).unwrap_or(&Value::Null), value, &join(path, &i.to_string()), changes);
            }
        }
        _ => changes.push((path.to_owned(), new.clone())),
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Sets what stands at a path.
///
/// # Errors
/// When there is no such place; in words.
pub(crate) fn set(document: &mut Value, path: &str, value: Value) -> Result<(), String> {
    let mut place = document;
    let mut steps = path.split('.').peekable();
    while let Some(step) = steps.next() {
        let last = steps.peek().is_none();
        place = match place {
            Value::Object(fields) if last && value.is_null() => {
                fields.remove(step);
                return Ok(());
            }
            Value::Object(fields) => fields.entry(step).or_insert(Value::Null),
            Value::Array(items) => {
                let at = step.parse::<usize>().ok().filter(|at| *at <= items.len() && *at < LONGEST_LIST);
                let at = at.ok_or_else(|| format!("{step} is no item of a list of {}", items.len()))?;
                if at == items.len() {
                    items.push(Value::Null);
                }
                &mut items[at]
            }
            _ => return Err(format!("there is nothing that could have a {step}")),
        };
    }
    *place = value;
    Ok(())
}

/// A value as text.
pub(crate) fn write(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        _ => value.to_string(),
    }
}

/// The value of a text.
pub(crate) fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// Whether a text cannot be taken for anything else in JSON.
fn is_plain(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(old: Value, new: Value, want: &str) {
        let changes = diff(&old, &new);
        let written: Vec<String> =
            changes.iter().map(|(path, value)| format!("{path}={}", write(value))).collect();
        assert_eq!(written.join(" "), want);
        let mut patched = old;
        for (path, value) in changes {
            assert_eq!(read(&write(&value)), value);
            set(&mut patched, &path, value).expect("a place that diff found");
        }
        assert_eq!(patched, new);
    }

    #[test]
    fn a_difference_makes_the_one_the_other() {
        check(json!({"a": 1}), json!({"a": 1}), "");
        check(json!({"a": {"b": "5s", "c": 1}}), json!({"a": {"b": "1s", "c": 1}}), "a.b=1s");
        check(json!({"q": [{"x": 1.5}]}), json!({"q": [{"x": 2.0}]}), "q.0.x=2.0");
        check(json!({"q": ["a"]}), json!({"q": ["a", "b"]}), "q.1=b");
        check(json!({"q": ["a", "b"]}), json!({"q": ["a"]}), r#"q=["a"]"#);
        check(json!({"a": 1, "b": 2}), json!({"a": 1}), "b=null");
        check(json!({"a": "x"}), json!({"a": "7"}), r#"a="7""#);
        check(json!({"w": {"tumbling": "1m"}}), json!({"w": "global"}), "w=global");
        check(json!({}), json!({"w": {"n": 1}}), r#"w={"n":1}"#);
    }

    #[test]
    fn places_that_are_not_there_are_refused() {
        let mut document = json!({"q": [1], "n": 1});
        assert!(set(&mut document, "q.7", json!(1)).is_err());
        assert!(set(&mut document, "q.x", json!(1)).is_err());
        assert!(set(&mut document, "n.x", json!(1)).is_err());
    }
}
