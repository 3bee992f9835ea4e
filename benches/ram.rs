//! How long it takes to check RAM documents: one as long as RAM takes them, and many of usual length.

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pai_authz::{
    catalog::catalog,
    ram::{document::Kind, finding::Class, fix::fix, lint::lint},
};

/// Returns a document of nearly `bytes`, with literal actions, patterns and conditions of PAI and Simple Log Service.
fn document(bytes: usize, seed: usize) -> String {
    let actions = catalog().ram_actions();
    let mut text = String::from(r#"{"Version":"1","Statement":["#);
    let mut n = seed;
    loop {
        let mut listed = Vec::new();
        for _ in 0..6 {
            n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let Some(known) = actions.get((n >> 33) % actions.len()) else { continue };
            let action = known.action;
            listed.push(if (n >> 20).is_multiple_of(5) {
                format!("\"{}*\"", action.get(..action.len() - 3).unwrap_or(action))
            } else {
                format!("\"{action}\"")
            });
        }
        let statement = format!(
            r#"{{"Effect":"Allow","Action":[{}],"Resource":"*","Condition":{{"IpAddress":{{"acs:SourceIp":"10.0.0.0/8"}}}}}}"#,
            listed.join(",")
        );
        if text.len() + statement.len() + 3 > bytes {
            break;
        }
        if !text.ends_with('[') {
            text.push(',');
        }
        text.push_str(&statement);
    }
    text.push_str("]}");
    text
}

fn checked(text: &str) {
    let report = lint(text, Kind::Identity);
    assert!(report.is_complete && report.worst().is_none_or(|worst| worst < Class::Error));
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ram lint");
    for bytes in [1_024, 6_144] {
        let text = document(bytes, 7);
        checked(&text);
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(format!("a document of {bytes} bytes"), |bencher| {
            bencher.iter(|| lint(black_box(&text), Kind::Identity));
        });
    }
    let text = document(6_144, 7).replace("log:", "LOG:").replace("\"paid", "\"PAID");
    group.bench_function("6144 bytes, with fixes", |bencher| {
        bencher.iter(|| fix(black_box(&text), Kind::Identity, |_| {}));
    });
    let many: Vec<String> = (0..10_000).map(|seed| document(1_024, seed)).collect();
    for text in &many {
        checked(text);
    }
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    group.throughput(Throughput::Elements(many.len() as u64));
    group.bench_function("10000 documents of 1024 bytes, one thread", |bencher| {
        bencher.iter(|| {
            many.iter().map(|text| lint(text, Kind::Identity).findings.len()).sum::<usize>()
        });
    });
}

criterion_group!(benches, bench);
criterion_main!(benches);
