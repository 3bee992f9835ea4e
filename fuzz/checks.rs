//! What must hold of any bytes: asserted by the fuzz targets, and by `make test` on what they once found.

#![allow(dead_code)]

use pai_authz::ram::{document::Kind, fix::fix, json, lines::Lines, lint};

/// The parser takes what another one takes, and tells of everything else, within the text.
pub(crate) fn parse(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let json::Parsed { root, faults, .. } = json::parse(text);
    // The other one gives up on numbers that are out of range, and reads deeper: neither is a matter of JSON.
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(_) => {
            let too_deep = |it: &json::Fault| it.message.en.contains("nested more than");
            assert!(faults.iter().all(too_deep), "{faults:?}");
        }
        Err(error) if error.to_string().contains("out of range") => {}
        Err(error) => assert!(!faults.is_empty(), "{error}"),
    }
    for fault in &faults {
        assert!(text.get(fault.span.clone()).is_some(), "{fault:?}");
        assert!(root.pointer(fault.span.start).len() <= 4 * text.len() + 64);
    }
}

/// A document has findings within it, and fixes come to an end and never add errors.
pub(crate) fn lint(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for kind in [Kind::Identity, Kind::Trust] {
        let report = lint::lint(text, kind);
        let lines = Lines::new(text);
        for finding in &report.findings {
            assert!(text.get(finding.span.clone()).is_some(), "{finding:?}");
            assert!(
                lines.place(finding.span.start) <= lines.place(finding.span.end),
                "{finding:?}"
            );
        }
        let fixed = fix(text, kind, |_| {});
        if fixed.made.is_empty() {
            assert_eq!(fixed.text, text);
        } else {
            let after = lint::lint(&fixed.text, kind);
            assert!(
                after.findings.iter().all(|it| it.fix.is_none()),
                "{text}\nbecame {}",
                fixed.text
            );
        }
    }
}
