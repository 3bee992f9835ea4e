//! Looks at the directories of bundles again and again.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    time::Duration,
};

use super::Bundles;

/// How often. Asking the file system to tell would not work on every kind of mount.
const EVERY: Duration = Duration::from_millis(500);

/// A thread that looks, until this is dropped; nobody waits for it, for a file may be read that never ends.
#[derive(Debug)]
pub struct Watch {
    /// The thread ends when this is gone.
    _stop: Option<Sender<()>>,
}

impl Watch {
    /// Starts to look.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start(bundles: &Arc<Bundles>) -> io::Result<Self> {
        if bundles.served.is_empty() {
            return Ok(Self { _stop: None });
        }
        let (stop, stopped) = channel();
        let bundles = bundles.clone();
        let look = move || {
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                bundles.look();
            }
        };
        std::thread::Builder::new().name("bundles".to_owned()).spawn(look)?;
        Ok(Self { _stop: Some(stop) })
    }
}
