//! The parser against another one, and what it tells of texts that are not JSON.

use proptest::prelude::*;
use serde_json::Value as Other;

use super::{DEEPEST, Node, Parsed, Value, parse};
use crate::ram::lines::Lines;

/// Returns whether both trees have the same content. Of names that come twice, the other parser keeps the last.
fn same(text: &str, node: &Node, other: &Other) -> bool {
    match (&node.value, other) {
        (Value::Null, Other::Null) => true,
        (Value::Bool(a), Other::Bool(b)) => a == b,
        (Value::Number, Other::Number(_)) => {
            serde_json::from_str::<Other>(&text[node.span.clone()]).unwrap() == *other
        }
        (Value::String(a), Other::String(b)) => a == b,
        (Value::Array(a), Other::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(text, a, b))
        }
        (Value::Object(a), Other::Object(b)) => b.iter().all(|(name, value)| {
            let last = a.iter().rfind(|member| member.name == *name);
            last.is_some_and(|member| same(text, &member.value, value))
        }),
        _ => false,
    }
}

#[track_caller]
fn check(text: &str) {
    let Parsed { root, faults, .. } = parse(text);
    match serde_json::from_str::<Other>(text) {
        Ok(other) => {
            assert_eq!(faults, [], "{text}");
            assert!(same(text, &root, &other), "{text}");
        }
        // JSON knows no largest number; the other parser does, and reads nothing after it.
        Err(error) if error.to_string().starts_with("number out of range") => {}
        Err(error) => assert_ne!(faults, [], "{text}: {error}"),
    }
    for fault in &faults {
        assert!(fault.span.start <= fault.span.end && fault.span.end <= text.len(), "{fault:?}");
        assert!(text.get(fault.span.clone()).is_some(), "{fault:?} of {text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn accepts_what_another_parser_accepts(text in r#"([\[\]{}:,"\\ \n]|"a"|"b"|1|-0\.5e3|01|true|null|nul|//|\\u00e9|\\ud83d\\ude00|\\ud800|é){0,12}"#) {
        check(&text);
    }

    #[test]
    fn never_panics(text in any::<String>()) {
        check(&text);
    }
}

/// Returns the faults as people see them.
fn faults(text: &str) -> Vec<String> {
    let lines = Lines::new(text);
    let shown = parse(text).faults.into_iter().map(|fault| {
        let place = lines.place(fault.span.start);
        format!("{}:{} {}", place.line, place.column, fault.message.en)
    });
    shown.collect()
}

#[test]
fn a_number_may_be_larger_than_any_machine_holds() {
    assert_eq!(parse("-0.5e30101").faults, []);
}

#[test]
fn one_slip_is_told_once_and_where_it_is() {
    for (text, expected) in [
        ("{\"a\": 1 \"b\": 2}", "1:7 `,` is missing after this"),
        ("{\n\"a\": \"x\n, \"b\": 2}", "2:6 this string is not closed"),
        ("{\n\"a\": \"x,\n\"b\": 2}", "2:6 this string is not closed"),
        ("{\"a\": x\", \"b\": 2}", "1:7 this string has no quote before it"),
        ("{\"a\":\"x,\"b\":2}", "1:6 this string is not closed"),
        ("{\"a:\"x\",\"b\":2}", "1:2 this string is not closed"),
        ("{a\":\"x\",\"b\":2}", "1:2 this string has no quote before it"),
        ("{\"a\" 1}", "1:4 `:` is missing after this"),
        ("{\"a\": }", "1:5 a value is missing after this"),
        ("[1, 2,]", "1:6 nothing follows this comma"),
        ("[1 2]", "1:2 `,` is missing after this"),
        ("{\"a\": 'x'}", "1:7 strings stand in double quotes"),
        ("{\"a\": yes}", "1:7 strings stand in double quotes"),
        ("{\"a\": 1} // end", "1:10 JSON has no comments"),
        ("\u{feff}{}", "1:1 a byte order mark stands before the document"),
        ("{} {}", "1:4 something follows the document"),
        ("", "1:1 there is no document"),
        ("[1", "1:2 `]` is missing after this"),
        ("{\"a\": 1, \"b", "1:10 this string is not closed"),
        ("{\"a\": [{\"b\": 1}", "1:15 `]` is missing after this"),
        ("{\"a\": \"\\q\"}", "1:8 JSON has no such escape"),
        (
            "[\"\\ud800\"]",
            "1:3 this escape stands for no character: four hexadecimal digits, and surrogates in pairs",
        ),
        ("[\"a\0\"]", "1:4 control character U+0000 in a string"),
        ("[01]", "1:2 JSON has no such number"),
        ("{é 1}", "1:2 names stand in double quotes"),
        ("[\u{a0} 1]", "1:2 here a value is expected"),
    ] {
        assert_eq!(faults(text), [expected], "{text}");
    }
}

#[test]
fn what_cannot_be_read_does_not_hide_the_rest() {
    let statements = |text: &str| {
        let Parsed { root, faults, .. } = parse(text);
        assert!(!faults.is_empty(), "{text}");
        let Value::Object(members) = root.value else { panic!("{text}") };
        let Value::Array(items) = &members[0].value.value else { panic!("{text}") };
        items.iter().filter(|item| matches!(item.value, Value::Object(_))).count()
    };
    let good = r#"{"Effect":"Allow","Action":["a:b"],"Resource":"*"}"#;
    for broken in [
        r#"{"Effect":"Allow,"Action":["a:b"],"Resource":"*"}"#,
        r#"{"Effect":"Allow","Action":["a:b","Resource":"*"}"#,
        r#"{"Effect":"Allow","Action":["a:b]],"Resource":"*"}"#,
        r#"{"Effect":"Allow","Action":"a:b"],"Resource":"*"}"#,
        r#"{"Effect":"Allow","Action":["a:b"],"Resource":"*""#,
        r#"{"Effect":"Allow","Action":["a:b"],"Resource":"*"}}"#,
        r#"{"Effect" "Allow","Action":["a:b"],"Resource":}"#,
    ] {
        for text in [
            format!("{{\"Statement\":[{good},{broken},{good},{good}]}}"),
            format!("{{\"Statement\":[{good},{broken},{good},{good}]}}").replace(',', ",\n"),
        ] {
            assert_eq!(statements(&text), 4, "{text}");
        }
    }
}

#[test]
fn huge_texts_take_time_by_their_length_only() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(
        faults(&deep),
        [format!("1:{} values are nested more than {DEEPEST} deep here", DEEPEST + 1)]
    );
    assert_eq!(faults(&format!("[{}]", "9".repeat(1_000_000))), Vec::<String>::new());
    assert!(faults(&"[".repeat(100_000)).len() < 5);
    assert!(faults(&"\"\n".repeat(100_000)).len() <= 101);
    assert!(faults(&"{\"a\"".repeat(100_000)).len() <= 101);
    assert!(faults(&"/*".repeat(100_000)).len() <= 3);
    assert!(faults(&format!("[{}]", "a:".repeat(200_000))).len() <= 101);
    assert!(faults(&format!("[{}]", "“a".repeat(100_000))).len() <= 101);
}
