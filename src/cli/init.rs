//! `pai-authz init`: a store, its master key, and the first credentials of an account.

use std::{path::PathBuf, sync::Arc};

use anyhow::bail;
use clap::Args;
use serde_json::json;

use super::{
    open::{self, account, actor},
    output::{self, Format},
};
use crate::{
    config::StoreAddress,
    service::{Keyring, initialize},
    store::{Mode, RedbStore, StoreError},
};

/// What `init` takes.
#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// Store to make: `redb:PATH`. An existing one gets one more account.
    #[arg(long, env = "PAI_AUTHZ_STORE", default_value = "redb:./data/pai-authz.redb")]
    store: StoreAddress,
    /// Id of the main account, 1 to 20 digits.
    #[arg(long)]
    account: String,
    /// Master key to make, or to use when it exists: 32 bytes, readable by its owner only. An existing store needs
    /// the key it was made with. Keep it apart from the store and give it to every replica.
    #[arg(long, env = "PAI_AUTHZ_MASTER_KEY_FILE", default_value = "./data/master.key")]
    master_key_file: PathBuf,
}

/// Makes the store.
pub(super) async fn run(args: &InitArgs, format: Format) -> anyhow::Result<u8> {
    let account = account(&args.account)?;
    let StoreAddress::Redb(path) = &args.store else {
        bail!("`memory:` has nothing to make: give `redb:PATH`")
    };
    let store = match RedbStore::open(path, Mode::Production) {
        Err(StoreError::Missing { .. }) => {
            let key = open::read_or_make_key(&args.master_key_file)?;
            (RedbStore::create(path, Mode::Production)?, key)
        }
        // What the store holds was made under a key that exists: another one would shut its accounts out.
        other => (other?, open::read_key(&args.master_key_file)?),
    };
    let (store, key) = store;
    let keyring = Arc::new(Keyring::new(&key, None));
    let accounts = Arc::new(open::load("cn-hangzhou", Arc::new(store), &keyring).await?);
    let keys = initialize(&accounts, &keyring, &account, &actor()?).await?;
    let (store, key_file) = (args.store.to_string(), args.master_key_file.display().to_string());
    match format {
        Format::Json => output::json(&json!({
            "account": account.as_str(), "store": store, "masterKeyFile": key_file,
            "accessKeyId": keys.access_key_id.as_str(), "accessKeySecret": keys.access_key_secret, "token": keys.token,
        }))?,
        Format::Text => output::line(format!(
            "store          {store}\nmaster key     {key_file}\naccount        {account}\naccess key     {} / {}\n\
             token          {}\n\nSecret and token are not shown again. Start the service with\n  \
             pai-authz serve --store {store} --master-key-file {key_file}",
            keys.access_key_id, keys.access_key_secret, keys.token
        ))?,
    }
    Ok(0)
}
