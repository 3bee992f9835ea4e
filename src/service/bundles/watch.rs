//! Looks at the directories of bundles again and again.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use super::Bundles;

/// How often. Asking the file system to tell would not work on every kind of mount.
const EVERY: Duration = Duration::from_millis(500);

/// A thread that looks; it ends with this.
#[derive(Debug)]
pub struct Watch {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Starts to look.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start(bundles: &Arc<Bundles>) -> io::Result<Self> {
        if bundles.served.is_empty() {
            return Ok(Self { stop: None, thread: None });
        }
        let (stop, stopped) = channel();
        let bundles = bundles.clone();
        let look = move || {
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                bundles.look();
            }
        };
        let thread = std::thread::Builder::new().name("bundles".to_owned()).spawn(look)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("what looked at bundles had ended by a defect");
        }
    }
}
