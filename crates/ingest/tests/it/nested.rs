//! Fields of objects in objects, by path.

use crate::common::read_whole;
use expect_test::{Expect, expect};
use kappascope_ingest::propose;
use std::fmt::Write;

const NESTED: &str = "time = 'at', keys = ['user.id', 'user.address.city'], measures = ['t.ms']";

fn check(file: &str, expected: Expect) {
    expected.assert_eq(&read_whole(NESTED, file.as_bytes()).text());
}

#[test]
fn a_path_finds_a_field_in_objects() {
    check(
        concat!(
            r#"{"at":1,"user":{"id":"a","address":{"city":"Bern","zip":3000}},"t":{"ms":1.50}}"#,
            "\n",
            r#"{"at":2,"user.id":"b","user":{"id":"x","address.city":"Rom"},"t.ms":2,"t":{"ms":9}}"#,
            "\n",
            r#"{"at":3,"user.address":{"city":"Ulm"},"user":{"id":"\u00e9"},"t":{"x":{"ms":7},"ms":3}}"#,
            "\n",
            r#"{"at":4,"user":{"id":"d","address":{"city":"A"}},"t":{"ms":4},"user":{"id":"e"}}"#,
            "\n",
            r#"{"at":5,"user":{"id":"f","address":{"city":"A","city":"B"}},"t":{"ms":5}}"#,
        ),
        expect![[r#"
            1000 0 "a" "Bern" 1.5
            2000 0 "b" "Rom" 2.0
            3000 0 "é" "Ulm" 3.0
            4000 0 "e" "A" 4.0
            5000 0 "f" "B" 5.0
        "#]],
    );
}

#[test]
fn what_a_path_does_not_find_is_told() {
    check(
        concat!(
            r#"{"at":1,"user":{"id":"a","address":{"city":"Bern"}},"t":{"ms":1}}"#,
            "\n",
            r#"{"at":2,"user":"a","t":{"ms":1}}"#,
            "\n",
            r#"{"at":3,"user":{"id":"a","address":[{"city":"Bern"}]},"t":{"ms":1}}"#,
            "\n",
            r#"{"at":4,"user":{"id":{"id":1},"address":{"city":"Bern"}},"t":{"ms":1}}"#,
            "\n",
            r#"{"at":5,"user":{"id":"a","address":{"city":"Bern"},"t":{"ms":1}}"#,
            "\n",
            r#"{"at":6,"user":{"id":"a","address":{"city":x}},"t":{"ms":1}}"#,
            "\n",
            r#"{"at":7,"user":null,"t":null}"#,
        ),
        expect![[r#"
            1000 0 "a" "Bern" 1.0
            line 2 byte 66 after 1 [user.id] the record has no such field
            line 3 byte 99 after 1 [user.address.city] the record has no such field
            line 4 byte 167 after 1 [user.id] an object where text or a number would fit
            line 5 byte 238 after 1 [-] not a JSON object: it ends early (EOF while parsing an object)
            line 6 byte 303 after 1 [-] not a JSON object: expected value at column 44, `x}},"t":{"ms":1}}`
            line 7 byte 364 after 1 [t.ms] the record has no such field
        "#]],
    );
    check(
        r#"{"at":1,"user":{"ids":"a","address":{"city":"Bern"}},"t":{"ms":1}}"#,
        expect![[r#"
        error: no column `user.id`; the columns are `user.ids`, `t.ms`, `at`, `user.address.city`
    "#]],
    );
}

/// An object and a field of it may both be wanted; the object has no text.
#[test]
fn an_object_is_no_text() {
    let schema = "time = 'at', keys = ['user', 'user.id']";
    let file = "{\"at\":1,\"user\":{\"id\":\"a\"}}\n{\"at\":2,\"user\":\"b\",\"user.id\":\"c\"}";
    expect![[r#"
        2000 0 "b" "c"
        line 1 byte 0 after 0 [user] an object where text or a number would fit
    "#]]
    .assert_eq(&read_whole(schema, file.as_bytes()).text());
}

#[test]
fn a_proposal_names_nested_fields() {
    let mut file = String::new();
    for i in 0..200_u64 {
        let at = 1_714_557_600_000 + i * 1_000;
        let _ = writeln!(
            file,
            r#"{{"event":{{"at":{at}}},"user":{{"name":"u{}","plan":{{"tier":"t{}"}}}},"cost":{{"eur":{}.5}},"tags":["x"]}}"#,
            i % 5,
            i % 3,
            i * 7919 % 100,
        );
    }
    let spec = propose("shop.jsonl", file.as_bytes()).expect("a pipeline");
    let schema = &spec.schema;
    assert_eq!((&*schema.time, &*schema.measures), ("event.at", &["cost.eur".to_owned()][..]));
    assert_eq!(schema.keys[..2], ["user.name", "user.plan.tier"]);
}
