//! The runbooks and drills that were loaded at start. Checked together, so that a drill of a
//! runbook that does not exist is found before the night on which it is wanted.

use super::{book::Runbook, parse};
use crate::{
    document::{Fault, Faults},
    drill::{self, Drill},
};
use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

/// More files than anybody maintains.
const FILES_MAX: usize = 200;

/// Everything that can be run, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Library {
    pub runbooks: BTreeMap<String, Arc<Runbook>>,
    pub drills: BTreeMap<String, Arc<Drill>>,
}

impl Library {
    /// Reads every `*.yaml` of a folder and of its folder `drills`.
    ///
    /// # Errors
    ///
    /// Every fault of every file. A folder or file that cannot be read is a fault of line 1.
    pub fn load(folder: &Path) -> Result<Self, Faults> {
        let mut faults = Vec::new();
        let mut library = Self::default();
        for (file, text) in texts(folder, &mut faults) {
            match parse::runbook(&file, &text) {
                Ok(book) => {
                    let name = book.name.clone();
                    if library.runbooks.insert(name.clone(), Arc::new(book)).is_some() {
                        faults.push(whole(&file, format!("another file names itself `{name}`")));
                    }
                }
                Err(found) => faults.extend(found.0),
            }
        }
        let drills = folder.join("drills");
        if drills.is_dir() {
            for (file, text) in texts(&drills, &mut faults) {
                match drill::parse(&file, &text) {
                    Ok(drill) => library.add(&file, drill, &mut faults),
                    Err(found) => faults.extend(found.0),
                }
            }
        }
        if faults.is_empty() { Ok(library) } else { Err(Faults(faults)) }
    }

    fn add(&mut self, file: &str, drill: Drill, faults: &mut Vec<Fault>) {
        if !self.runbooks.contains_key(&drill.runbook) {
            let words = format!("rehearses `{}`, which is not among the runbooks", drill.runbook);
            faults.push(whole(file, words));
        }
        let name = drill.name.clone();
        if self.drills.insert(name.clone(), Arc::new(drill)).is_some() {
            faults.push(whole(file, format!("another file names itself `{name}`")));
        }
    }
}

fn whole(file: &str, message: String) -> Fault {
    Fault { file: file.to_owned(), line: 1, field: String::new(), message }
}

fn texts(folder: &Path, faults: &mut Vec<Fault>) -> Vec<(String, String)> {
    let name = folder.display().to_string();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            faults.push(whole(&name, format!("the folder cannot be read: {error}")));
            return vec![];
        }
    };
    let mut paths: Vec<_> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    paths.sort();
    if paths.len() > FILES_MAX {
        faults.push(whole(&name, format!("holds more than {FILES_MAX} files")));
        return vec![];
    }
    let mut texts = Vec::new();
    for path in paths {
        let file = path.display().to_string();
        match fs::read_to_string(&path) {
            Ok(text) => texts.push((file, text)),
            Err(error) => faults.push(whole(&file, format!("cannot be read: {error}"))),
        }
    }
    texts
}
