//! A store, whatever is asked of it, holds what the model holds.

use pai_authz::{
    domain::Revision,
    store::{Mode, RedbStore, Store as _},
};
use proptest::{collection::vec, prelude::*};

use crate::support::{
    disk::Disk,
    records::{Reach as _, account, assert_log_leads_to, change, op, records_after},
};

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_store_holds_what_the_model_holds_before_and_after_it_is_reopened(
        drawn in vec(vec((0_u64..12, 0_u64..5, any::<u64>()), 1..8), 1..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let changes: Vec<_> = (0..)
            .zip(drawn)
            .map(|(n, ops)| {
                let ops = ops.into_iter().map(|(kind, id, seed)| op(kind, id, seed)).collect();
                change(&format!("r-{n}"), ops)
            })
            .collect();
        let id = account("1000");
        let disk = Disk::default();
        let store = RedbStore::create_on(disk.clone(), Mode::Production).unwrap();
        let mut at = Revision::ORIGIN;
        for change in &changes {
            at = runtime.block_on(store.reach(&id, at, change)).unwrap();
        }
        let expected = records_after(&id, &changes);
        prop_assert_eq!(&runtime.block_on(store.load(&id)).unwrap(), &expected);
        drop(store);
        let store = RedbStore::open_on(Disk::holding(disk.bytes()), Mode::Production).unwrap();
        let log = runtime.block_on(store.log(&id, Revision::ORIGIN, usize::MAX)).unwrap();
        prop_assert!(log.iter().map(|entry| &entry.change).eq(&changes));
        assert_log_leads_to(&log, &expected);
        prop_assert_eq!(runtime.block_on(store.load(&id)).unwrap(), expected);
    }
}
