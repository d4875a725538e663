//! What a process and everything it started costs, by the kernel's own account.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, ensure};

/// A program with all its children.
pub(crate) struct Tree {
    pids: Vec<u32>,
}

impl Tree {
    /// The tree below a process, as it stands now.
    pub(crate) fn of(root: u32) -> Result<Self> {
        let parents: BTreeMap<u32, u32> = fs::read_dir("/proc")
            .context("reading the processes")?
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter_map(|pid| Some((pid, parent(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?)))
            .collect();
        let mut pids = vec![root];
        let mut next = 0;
        while let Some(&pid) = pids.get(next) {
            pids.extend(parents.iter().filter(|&(_, &of)| of == pid).map(|(&child, _)| child));
            next += 1;
        }
        ensure!(parents.contains_key(&root), "process {root} has ended");
        Ok(Self { pids })
    }

    /// How many processes it has.
    pub(crate) const fn len(&self) -> usize {
        self.pids.len()
    }

    /// Memory, each shared page counted by its share.
    pub(crate) fn pss_kib(&self) -> Result<u64> {
        let mut sum = 0;
        for pid in &self.pids {
            let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))
                .with_context(|| format!("reading the memory of {pid}"))?;
            sum += total(&text, "Pss:");
        }
        Ok(sum)
    }

    /// Time on a processor, of all threads.
    pub(crate) fn cpu_ns(&self) -> u64 {
        self.pids.iter().map(|pid| threads_ns(*pid)).sum()
    }

    /// The process of this name; the kernel keeps 15 characters of it.
    pub(crate) fn find(&self, comm: &str) -> Result<u32> {
        let is_it = |pid: &&u32| {
            fs::read_to_string(format!("/proc/{pid}/comm"))
                .is_ok_and(|own| own.trim() == &comm[..comm.len().min(15)])
        };
        self.pids.iter().find(is_it).copied().with_context(|| format!("no {comm} in the tree"))
    }
}

/// Time on a processor of a process's first thread, which in a web view runs scripts, style and layout.
pub(crate) fn main_thread_ns(pid: u32) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/schedstat"))
        .with_context(|| format!("reading the main thread of {pid}"))?;
    first_number(&text).context("schedstat begins with a number")
}

fn threads_ns(pid: u32) -> u64 {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return 0 };
    let one = |path: std::path::PathBuf| first_number(&fs::read_to_string(path.join("schedstat")).ok()?);
    threads.filter_map(|entry| one(entry.ok()?.path())).sum()
}

/// The fourth field; the second may hold blanks and brackets of its own.
fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// The sum of the numbers after this word.
pub(crate) fn total(text: &str, word: &str) -> u64 {
    text.lines().filter_map(|line| line.strip_prefix(word)).filter_map(first_number).sum()
}

pub(crate) fn first_number(line: &str) -> Option<u64> {
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_hides_no_parent() {
        assert_eq!(parent("42 (a) b) S 7 42 42 0"), Some(7));
        assert_eq!(parent("nonsense"), None);
    }

    #[test]
    fn this_process_has_memory_time_and_a_name() {
        let own = std::process::id();
        let tree = Tree::of(own).unwrap();
        assert!(tree.len() >= 1 && tree.pss_kib().unwrap() > 100 && tree.cpu_ns() > 0);
        let comm = fs::read_to_string("/proc/self/comm").unwrap();
        assert_eq!(tree.find(comm.trim()).unwrap(), own);
        tree.find("no such program").unwrap_err();
    }

    #[test]
    fn threads_are_added_up_and_other_switches_left_out() {
        let status =
            "voluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t100\nvoluntary_ctxt_switches:\t5\n";
        assert_eq!(total(status, "voluntary_ctxt_switches:"), 12);
        assert_eq!(total("Rss:  9 kB\nPss:   42 kB\nPss_Dirty: 1 kB\n", "Pss:"), 42);
    }
}
