//! Draws what a terminal shows: text with colours on standard input becomes an SVG on standard output. Used by `make generate`.

use std::io::{self, Read as _, Write as _};

fn main() -> io::Result<()> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    io::stdout().write_all(anstyle_svg::Term::new().render_svg(&text).as_bytes())
}
