//! The table of what was found, for people.

use sagewire_discovery::Found;
use unicode_width::UnicodeWidthStr;

use crate::terminal::{Colour, Style};

const HEAD: [&str; 7] = ["NAME", "REGION", "SERVES", "MODEL", "CONTAINER", "RUNS ON", "STATE"];

/// A line for each deployment, in columns. Those that are left out are dimmed on a terminal.
pub(super) fn text(found: &[Found]) -> String {
    let style = Style::of_stdout();
    let rows: Vec<_> = found.iter().map(row).collect();
    let widths: Vec<usize> = (0..HEAD.len())
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width());
            cells.chain(HEAD.get(column).map(|head| head.len())).max().unwrap_or_default()
        })
        .collect();
    let line = |cells: &[String]| {
        let padded = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width.saturating_sub(cell.width()))));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![style.paint(Colour::Bold, line(&HEAD.map(str::to_owned))).to_string()];
    lines.extend(rows.iter().zip(found).map(|(row, found)| match found.is_callable() {
        true => line(row),
        false => style.paint(Colour::Dim, line(row)).to_string(),
    }));
    lines.join("\n")
}

fn row(found: &Found) -> [String; 7] {
    let deployment = &found.deployment;
    let state = match &deployment.obstacle {
        Some(obstacle) => format!("left out: {obstacle}"),
        None => {
            let marks = [("asleep", deployment.asleep), ("asynchronous", deployment.asynchronous)];
            let marks = marks.into_iter().filter(|(_, is_set)| *is_set).map(|(mark, _)| mark.to_owned());
            marks.chain([deployment.certainty.to_string()]).collect::<Vec<_>>().join(", ")
        }
    };
    let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
    [
        found.name.clone(),
        found.region.clone(),
        deployment.serves.to_string(),
        or_dash(deployment.model_name.as_deref()),
        or_dash(deployment.container),
        deployment.hosting.to_string(),
        state,
    ]
}
