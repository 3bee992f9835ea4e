//! `pai-authz init`: a store, its master key, and the first credentials of an account.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;

use super::{
    open::{self, account, actor},
    output::{self, Format},
};
use crate::{
    config::{RedisSettings, StoreAddress},
    domain::AccountId,
    service::{Keyring, MasterKey, initialize},
    store::{Mode, RedbStore, Store, StoreError},
};

/// What is said where there is no key to a store that exists.
const OTHERS: &str =
    "this store exists: give the master key it was made with as `--master-key-file`";

/// What `init` takes.
#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// Store to make: `redb:PATH`, or one on Redis. An existing one gets one more account.
    #[arg(
        long,
        env = "PAI_AUTHZ_STORE",
        hide_env_values = true,
        default_value = "redb:./data/pai-authz.redb"
    )]
    store: StoreAddress,
    #[command(flatten)]
    redis: RedisSettings,
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
    let (store, key, is_made) = store(args).await?;
    let keyring = Arc::new(Keyring::new(&key, None));
    let accounts = open::load_one("cn-hangzhou", store, &keyring, &account).await?;
    let keys = initialize(&accounts, &keyring, &account, &actor()?).await?;
    let (store, key_file) = (args.store.to_string(), args.master_key_file.display().to_string());
    let made = if is_made { "made" } else { "was there, and has one more account" };
    match format {
        Format::Json => output::json(&json!({
            "account": account.as_str(), "store": store, "storeMade": is_made, "masterKeyFile": key_file,
            "accessKeyId": keys.access_key_id.as_str(), "accessKeySecret": keys.access_key_secret, "token": keys.token,
        }))?,
        Format::Text => output::line(format!(
            "store          {store} ({made})\nmaster key     {key_file}\naccount        {account}\naccess key     {} / {}\n\
             token          {}\n\nSecret and token are not shown again. Start the service with\n  \
             pai-authz serve --store {store} --master-key-file {key_file}",
            keys.access_key_id, keys.access_key_secret, keys.token
        ))?,
    }
    Ok(0)
}

/// Returns the store to work on, its master key, and whether the store was made, making what is not there. What a store holds was made under a key that
/// exists: another one would shut its accounts out.
async fn store(args: &InitArgs) -> anyhow::Result<(Arc<dyn Store>, MasterKey, bool)> {
    let path = match &args.store {
        StoreAddress::Memory => bail!("`memory:` has nothing to make: give `redb:PATH`"),
        StoreAddress::Redis(_) => {
            let redis = args.redis.clone().with_environment();
            let store = open::store(&args.store, &redis, Mode::Production, false)?;
            open::reach(&*store, &args.store).await?;
            open::check_mode(&*store).await?;
            let others = store.accounts().await?;
            let key = if others.is_empty() {
                open::read_or_make_key(&args.master_key_file)?
            } else {
                open::read_key(&args.master_key_file).context(OTHERS)?
            };
            check_key(&*store, &others, &key).await?;
            return Ok((store, key, others.is_empty()));
        }
        StoreAddress::Redb(path) => path,
    };
    match RedbStore::open(path, Mode::Production) {
        Err(StoreError::Missing { .. }) => {
            let key = open::read_or_make_key(&args.master_key_file)?;
            Ok((Arc::new(RedbStore::create(path, Mode::Production)?), key, true))
        }
        other => {
            let store = Arc::new(other?);
            Ok((store, open::read_key(&args.master_key_file).context(OTHERS)?, false))
        }
    }
}

/// Refuses a key that is not the one of the accounts that are there: no service could serve both.
async fn check_key(store: &dyn Store, others: &[AccountId], key: &MasterKey) -> anyhow::Result<()> {
    let keyring = Keyring::new(key, None);
    for account in others {
        // What is wrong with another account is not in the way of this one.
        let Ok(records) = store.load(account).await else { continue };
        let Some(known) = records.access_keys.values().next() else { continue };
        if keyring.open(account, &known.id, &known.sealed_secret).is_none() {
            bail!(
                "this store has account `{account}`, which was made under another master key: give that one with \
                 `--master-key-file`"
            );
        }
        return Ok(());
    }
    Ok(())
}
