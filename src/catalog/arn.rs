//! ARNs: `acs:<ram code>:<region>:<account>:<relative id>`, built from and parsed back into resource fields.

use super::{Catalog, ResourceType};

/// What stands for any id.
pub const ANY: &str = "*";

/// An ARN split into its five parts. Nothing is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arn<'a> {
    /// The service, for example `paidlc`.
    pub ram_code: &'a str,
    /// The region; may be `*` or empty.
    pub region: &'a str,
    /// The account; may be `*` or empty.
    pub account: &'a str,
    /// What the service calls the resource; may contain `/` and `:`.
    pub relative_id: &'a str,
}

impl<'a> Arn<'a> {
    /// Returns the parts; `None` when there are fewer than five, the first is not `acs`, or the code or relative
    /// id is empty.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(5, ':');
        if parts.next() != Some("acs") {
            return None;
        }
        let (ram_code, region, account, relative_id) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        (!ram_code.is_empty() && !relative_id.is_empty()).then_some(Self {
            ram_code,
            region,
            account,
            relative_id,
        })
    }
}

/// Returns a form of ARNs, or a part of one, as a resource that can be written: `*` for each `{…}`.
#[must_use]
pub fn as_pattern(form: &str) -> String {
    let mut out = String::new();
    let mut rest = form;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        out.push_str(ANY);
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    out + rest
}

impl ResourceType {
    /// Returns the relative id of a resource of this type; `None` for `id` is any (`*`).
    ///
    /// `id` has [`Self::id_parts`] parts separated by `/`, none empty; otherwise there is no relative id.
    #[must_use]
    pub fn relative_id(&self, workspace: &str, id: Option<&str>) -> Option<String> {
        let mut ids = id.map(|id| id.split('/'));
        let mut out =
            String::with_capacity(self.arn.len() + workspace.len() + id.map_or(1, str::len));
        for part in self.arn.split('/') {
            if !out.is_empty() {
                out.push('/');
            }
            out.push_str(if part == "{workspace}" {
                workspace
            } else if part.starts_with('{') {
                match &mut ids {
                    Some(ids) => ids.next().filter(|id| !id.is_empty())?,
                    None => ANY,
                }
            } else {
                part
            });
        }
        ids.is_none_or(|mut rest| rest.next().is_none()).then_some(out)
    }

    /// Returns the workspace and the id of a relative id of this type; `None` when it is of another type.
    ///
    /// The workspace is `None` where the type's ARN has none, the id is `None` when every part of it is `*`.
    #[must_use]
    pub fn parse_relative_id<'a>(
        &self,
        relative_id: &'a str,
    ) -> Option<(Option<&'a str>, Option<String>)> {
        let (mut workspace, mut ids) = (None, Vec::new());
        let mut given = relative_id.split('/');
        for part in self.arn.split('/') {
            let text = given.next().filter(|text| !text.is_empty())?;
            if part == "{workspace}" {
                workspace = Some(text);
            } else if part.starts_with('{') {
                ids.push(text);
            } else if part != text {
                return None;
            }
        }
        if given.next().is_some() {
            return None;
        }
        let id = if ids.iter().all(|id| *id == ANY) { None } else { Some(ids.join("/")) };
        Some((workspace, id))
    }
}

impl Catalog {
    /// Returns the types of `module` whose ARN has the form of `relative_id`, with workspace and id.
    #[must_use]
    pub fn parse_relative_id<'a>(
        &self,
        module: &str,
        relative_id: &'a str,
    ) -> Option<(&ResourceType, Option<&'a str>, Option<String>)> {
        self.types.iter().filter(|t| t.modules.contains(&module)).find_map(|resource_type| {
            let (workspace, id) = resource_type.parse_relative_id(relative_id)?;
            Some((resource_type, workspace, id))
        })
    }
}
