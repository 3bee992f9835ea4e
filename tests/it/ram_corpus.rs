//! What fuzzing reached, once more: the corpora of fuzz/, against what the fuzz targets assert.

use std::{fs, path::Path};

#[path = "../../fuzz/checks.rs"]
mod checks;

#[track_caller]
fn replay(name: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        check(&fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 50, "{name} has {count} inputs");
}

#[test]
fn the_parser_holds_on_the_corpus() {
    replay("ram_parse", checks::parse);
}

#[test]
fn the_linter_holds_on_the_corpus() {
    replay("ram_lint", checks::lint);
}
