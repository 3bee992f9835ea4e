//! The `pai-authz` command.

fn main() {}
