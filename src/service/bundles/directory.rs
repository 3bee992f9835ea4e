//! The directory of a bundle: what is in it, and whether that has changed.

use std::{
    fs,
    io::Read,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::engine::bundle::{Bundle, BundleFile, Faulty};

/// Most files, and longest of all in bytes.
const MAX_FILES: usize = 100;
const MAX_BYTES: u64 = 32 << 20;

/// A directory with a bundle.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
}

/// By what a change of files is noticed: name, device, inode, length, and when it was written, of each, sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp(Vec<(String, [u64; 3], [i64; 4])>);

impl Directory {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Looks at the files of the bundle; others in the directory do not count.
    pub(super) fn stamp(&self) -> Result<Stamp, Faulty> {
        let listed = fs::read_dir(&self.path).map_err(|error| fault(&self.path, &error))?;
        let mut files = Vec::new();
        for entry in listed {
            let entry = entry.map_err(|error| fault(&self.path, &error))?;
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            if !Bundle::has_file(&name) {
                continue;
            }
            // Through links: what mounts configuration swaps a link to change all files at once.
            let found = fs::metadata(entry.path()).map_err(|error| fault(&entry.path(), &error))?;
            if !found.is_file() {
                return Err(fault(&entry.path(), &"it is no file"));
            }
            let times = [found.mtime(), found.mtime_nsec(), found.ctime(), found.ctime_nsec()];
            files.push((name, [found.dev(), found.ino(), found.len()], times));
        }
        let bytes: u64 = files.iter().map(|(_, [.., length], _)| length).sum();
        if files.len() > MAX_FILES || bytes > MAX_BYTES {
            let found = format!(
                "{} files of {bytes} bytes are more than {MAX_FILES} of {MAX_BYTES}",
                files.len()
            );
            return Err(fault(&self.path, &found));
        }
        files.sort_unstable();
        Ok(Stamp(files))
    }

    /// Reads the files that were seen, and returns them with a digest of all.
    pub(super) fn read(&self, stamp: &Stamp) -> Result<(Vec<BundleFile>, String), Faulty> {
        let mut digest = blake3::Hasher::new();
        let mut files = Vec::with_capacity(stamp.0.len());
        // Some files are longer than they say, and others grow.
        let mut left = MAX_BYTES + 1;
        for (name, _, _) in &stamp.0 {
            let path = self.path.join(name);
            let mut bytes = Vec::new();
            fs::File::open(&path)
                .and_then(|file| file.take(left).read_to_end(&mut bytes))
                .map_err(|error| fault(&path, &error))?;
            left = left.saturating_sub(bytes.len() as u64);
            if left == 0 {
                return Err(fault(
                    &self.path,
                    &format!("the files have more than {MAX_BYTES} bytes"),
                ));
            }
            let text = String::from_utf8(bytes).map_err(|_| fault(&path, &"it is not UTF-8"))?;
            super::super::keyring::feed(&mut digest, &[name.as_bytes(), text.as_bytes()]);
            files.push(BundleFile { name: name.clone(), text });
        }
        let version = digest.finalize().to_hex().get(..16).unwrap_or_default().to_owned();
        Ok((files, version))
    }
}

fn fault(path: &Path, detail: &dyn std::fmt::Display) -> Faulty {
    Faulty { file: path.display().to_string(), detail: detail.to_string() }
}
