//! The permission assistant of Simple Log Service: a project, a logstore and a task make the document to attach.

use crate::domain::Invalid;

/// What somebody shall be able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// See the logstore and search its logs.
    Read,
    /// Write logs into the logstore.
    Write,
    /// Switch the forwarding of a product's logs, as those of PAI, on and off and see whether it is on.
    Forward,
}

impl Task {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Forward];

    /// Returns its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Forward => "forward",
        }
    }

    /// Returns the task of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|task| task.as_str() == name)
    }

    /// Returns the actions on the logstore.
    const fn on_logstore(self) -> &'static [&'static str] {
        match self {
            Self::Read => &[
                "log:GetCursorOrData",
                "log:GetIndex",
                "log:GetLogStore",
                "log:GetLogStoreContextLogs",
                "log:GetLogStoreHistogram",
                "log:GetLogStoreLogs",
                "log:ListShards",
            ],
            Self::Write => &["log:PostLogStoreLogs"],
            Self::Forward => &[],
        }
    }

    /// Returns the actions on the project.
    const fn on_project(self) -> &'static [&'static str] {
        match self {
            Self::Read => &["log:GetProject"],
            Self::Write => &[],
            // What the guide of PAI grants (Manage workspaces, FAQ), on one project instead of all.
            Self::Forward => &[
                "log:CloseProductDataCollection",
                "log:GetProductDataCollection",
                "log:OpenProductDataCollection",
            ],
        }
    }

    /// Returns the actions on the list of logstores, and on that of projects.
    const fn on_lists(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            // Consoles show lists first: "denied by sts or ram, action: log:ListProject" is what lacks otherwise.
            Self::Read | Self::Forward => (&["log:ListLogStores"], &["log:ListProject"]),
            Self::Write => (&[], &[]),
        }
    }
}

/// Returns the document for a task on a logstore, or on all of a project; formatted for people.
///
/// # Errors
/// A name that Simple Log Service would not accept.
pub fn policy(task: Task, project: &str, logstore: Option<&str>) -> Result<String, Invalid> {
    let is_name = |text: &str, least: usize, more: &str| {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || more.contains(c);
        (least..=63).contains(&text.len()) && text.chars().all(fits)
    };
    if !is_name(project, 3, "-") {
        let help = "give 3 to 63 small letters, digits or `-`";
        return Err(Invalid::value("project", project, "the name of a project", help));
    }
    if let Some(logstore) = logstore {
        if task == Task::Forward {
            let help = "forwarding is switched for a project: leave the logstore out";
            return Err(Invalid::unexpected("logstore", logstore, help));
        }
        if !is_name(logstore, 2, "-_") {
            let help = "give 2 to 63 small letters, digits, `-` or `_`";
            return Err(Invalid::value("logstore", logstore, "the name of a logstore", help));
        }
    }
    let of_project = format!("acs:log:*:*:project/{project}");
    let (logstores, projects) = task.on_lists();
    let mut on: Vec<(String, Vec<&str>)> = Vec::new();
    for (actions, resource) in [
        (projects, "acs:log:*:*:project/*".to_owned()),
        (task.on_project(), of_project.clone()),
        (logstores, format!("{of_project}/logstore/*")),
        (task.on_logstore(), format!("{of_project}/logstore/{}", logstore.unwrap_or("*"))),
    ] {
        match on.iter_mut().find(|(other, _)| *other == resource) {
            Some((_, listed)) => listed.extend(actions),
            None if actions.is_empty() => {}
            None => on.push((resource, actions.to_vec())),
        }
    }
    let mut statements = Vec::new();
    for (resource, actions) in on {
        let listed: Vec<String> = actions.iter().map(|it| format!("        \"{it}\"")).collect();
        statements.push(format!(
            "    {{\n      \"Effect\": \"Allow\",\n      \"Action\": [\n{}\n      ],\n      \"Resource\": \"{resource}\"\n    }}",
            listed.join(",\n")
        ));
    }
    Ok(format!(
        "{{\n  \"Version\": \"1\",\n  \"Statement\": [\n{}\n  ]\n}}\n",
        statements.join(",\n")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ram::{document::Kind, lint::lint};

    #[test]
    fn what_it_makes_is_accepted_and_is_about_one_project() {
        for task in Task::ALL {
            for logstore in [None, Some("l-1")] {
                if logstore.is_some() && task == Task::Forward {
                    assert_eq!(policy(task, "p-1", logstore).unwrap_err().field, "logstore");
                    continue;
                }
                let text = policy(task, "p-1", logstore).unwrap();
                assert_eq!(lint(&text, Kind::Identity).findings.len(), 0, "{task:?} {text}");
                assert_eq!(text.contains("/logstore/l-1"), logstore.is_some());
            }
        }
    }

    #[test]
    fn names_that_would_mean_more_are_refused() {
        for wrong in ["*", "p*", "p/logstore/x", "p\"", "", "P1", "a?"] {
            assert_eq!(policy(Task::Read, wrong, None).unwrap_err().field, "project");
            assert_eq!(policy(Task::Read, "p-1", Some(wrong)).unwrap_err().field, "logstore");
        }
    }
}
