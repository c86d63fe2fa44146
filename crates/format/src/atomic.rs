//! Writing a file so that at every moment the path holds either the old contents or the new, whole.

use crate::error::FormatError;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::Builder;

/// Most links to follow one after the other, as on Linux.
const LINKS: usize = 40;

/// Writes `bytes` to a new file beside `path`, waits until the disk has it, and moves it to `path`. A file that was
/// there keeps its permissions; a new one gets those of any new file. A symbolic link stays, and its target is
/// replaced, or made if there is none.
///
/// # Errors
/// [`FormatError::Io`]; whatever was at `path` is then as it was, and nothing is left beside it.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), FormatError> {
    let error = |action| move |source| FormatError::Io { path: path.to_owned(), action, source };
    let target = target_of(path).map_err(error("write"))?;
    let folder = folder_of(&target);
    let old = fs::metadata(&target).ok();
    if old.as_ref().is_some_and(|old| !old.is_file()) {
        // A rename would turn a device into a file.
        return Err(error("write")(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file")));
    }
    let mut builder = Builder::new();
    builder.prefix(".kanode-").suffix(".tmp");
    #[cfg(unix)]
    builder.permissions(new_file_permissions());
    let mut file = builder.tempfile_in(&folder).map_err(error("create a file beside"))?;
    file.write_all(bytes).map_err(error("write"))?;
    if let Some(old) = old {
        file.as_file().set_permissions(old.permissions()).map_err(error("keep the permissions of"))?;
    }
    file.as_file().sync_all().map_err(error("write"))?;
    file.persist(&target).map_err(|reason| error("replace")(reason.error))?;
    sync_folder(&folder);
    Ok(())
}

/// The file that a path leads to through all symbolic links, whether or not it is there.
fn target_of(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match fs::canonicalize(&path) {
            Err(reason) if reason.kind() == io::ErrorKind::NotFound => {}
            result => return result,
        }
        // Something on the way is missing. If this is a link to it, the link says what is to be made.
        match fs::read_link(&path) {
            Ok(target) => path = folder_of(&path).join(target),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// What `open` gives a new file; the process's umask takes its share, which it would not from `set_permissions`.
#[cfg(unix)]
fn new_file_permissions() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    fs::Permissions::from_mode(0o666)
}

/// Makes the new name survive a power cut. The file is whole and in place by now, so a file system that can't do it
/// is no reason to report a failure.
fn sync_folder(folder: &Path) {
    if cfg!(unix)
        && let Ok(folder) = fs::File::open(folder)
    {
        folder.sync_all().ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;

    fn names(folder: &Path) -> Vec<OsString> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    }

    #[test]
    fn a_file_is_written_and_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.kan");
        for bytes in [&b"one"[..], b"", b"three"] {
            write_atomic(&path, bytes).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
        }
        assert_eq!(names(folder.path()), ["a.kan"]);
    }

    #[test]
    fn a_failure_names_the_path_and_leaves_everything_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing").join("a.kan");
        let error = write_atomic(&path, b"x").unwrap_err();
        assert!(matches!(&error, FormatError::Io { path: found, .. } if *found == path), "{error:?}");
        let path = folder.path().join("folder");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("inside"), "old").unwrap();
        assert!(matches!(write_atomic(&path, b"x"), Err(FormatError::Io { .. })));
        assert_eq!(names(folder.path()), ["folder"]);
        assert_eq!(fs::read(path.join("inside")).unwrap(), b"old");
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_those_of_a_normal_file_or_of_the_old_one() {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        let folder = tempfile::tempdir().unwrap();
        let (path, normal) = (folder.path().join("a.kan"), folder.path().join("normal"));
        fs::write(&normal, "x").unwrap();
        write_atomic(&path, b"x").unwrap();
        assert_eq!(mode(&path), mode(&normal));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        write_atomic(&path, b"y").unwrap();
        assert_eq!(mode(&path) & 0o777, 0o640);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a.kan"), folder.path().join("link"));
        fs::write(&path, "old").unwrap();
        std::os::unix::fs::symlink("a.kan", &link).unwrap();
        write_atomic(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_nothing_stays_a_link_and_gets_its_target() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("inside")).unwrap();
        symlink("inside/second", at("first")).unwrap();
        symlink(at("a.kan"), at("inside/second")).unwrap();
        write_atomic(&at("first"), b"new").unwrap();
        assert!(fs::symlink_metadata(at("first")).unwrap().is_symlink());
        assert!(fs::symlink_metadata(at("inside/second")).unwrap().is_symlink());
        assert_eq!(fs::read(at("a.kan")).unwrap(), b"new");
    }

    #[cfg(unix)]
    #[test]
    fn links_that_lead_nowhere_are_errors_and_stay() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        symlink("missing/a.kan", at("lost")).unwrap();
        symlink("round", at("round")).unwrap();
        for name in ["lost", "round"] {
            assert!(matches!(write_atomic(&at(name), b"x"), Err(FormatError::Io { .. })), "{name}");
            assert!(fs::symlink_metadata(at(name)).unwrap().is_symlink());
        }
        assert_eq!(names(folder.path()).len(), 2);
    }
}
